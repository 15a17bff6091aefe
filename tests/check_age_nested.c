/* SPDX-License-Identifier: MIT */
/* Aging through rmaps: of an inner guest's pages, and under other readers' locks. */
#include "mmu/age.h"
#include "mmu/memslot.h"
#include "mmu/rmap.h"
#include "mmu/sp.h"
#include "tests/inner.h"

static struct inner in;

#define NGPA	0x1000ull
#define GFN	0x801ull	/* where L1 has it: inner_begin() */

static u64 rmap_visits(void)
{
	struct mmu_stats stats;

	mmu_get_stats(in.g.m.vm, &stats);
	return stats.rmap_visits;
}

START_TEST(what_only_the_inner_guest_used_is_young)
{
	inner_begin(&in, 4, 4);
	inner_reached(&in, NGPA, PFERR_USER, GFN << PAGE_SHIFT);
	ck_assert_int_eq(mmu_age_gfn(in.g.m.vm, 0, GFN).is, MMU_AGE_YOUNG);
	ck_assert_int_eq(mmu_age_gfn(in.g.m.vm, 0, GFN).is, MMU_AGE_OLD);
	inner_reached(&in, NGPA, PFERR_USER, GFN << PAGE_SHIFT);
	ck_assert_int_eq(mmu_test_age_gfn(in.g.m.vm, 0, GFN).is, MMU_AGE_YOUNG);
	inner_fini(&in);
}
END_TEST

START_TEST(without_shadow_pages_rmaps_are_left_alone)
{
	u64 before;

	inner_begin(&in, 4, 4);
	ck_assert_int_eq(mmu_age_gfn(in.g.m.vm, 0, GFN).is, MMU_AGE_OLD);
	ck_assert_uint_eq(rmap_visits(), 0);
	inner_reached(&in, NGPA, PFERR_USER, GFN << PAGE_SHIFT);
	ck_assert_int_eq(mmu_test_age_gfn(in.g.m.vm, 0, GFN).is, MMU_AGE_YOUNG);
	before = rmap_visits();
	ck_assert_uint_eq(before, 3);
	inner_leave(&in, 0);
	mmu_nested_free(in.g.m.vcpu[0]);
	machine_enter(&in.g.m, 0);
	ck_assert_uint_eq(in.g.m.vm->nr_indirect, 0);
	ck_assert_int_eq(mmu_age_gfn(in.g.m.vm, 0, GFN).is, MMU_AGE_YOUNG);
	ck_assert_int_eq(mmu_age_range(in.g.m.vm, 0, 0, 0x1000).is, MMU_AGE_OLD);
	ck_assert_uint_eq(rmap_visits(), before);
	inner_fini(&in);
}
END_TEST

static struct rmap_head *head;
static u64 word;

static void give_back(struct fake *fake)
{
	(void)fake;
	rmap_unlock(head, word);
	head = NULL;
}

START_TEST(a_list_that_somebody_reads_or_changes_is_waited_for)
{
	struct mmu_vm *vm;

	inner_begin(&in, 4, 4);
	vm = in.g.m.vm;
	inner_reached(&in, NGPA, PFERR_USER, GFN << PAGE_SHIFT);
	head = slot_rmap(vm, slot_lookup(vm, 0, GFN), GFN, LEVEL_4K);
	word = rmap_lock(vm, head);
	ck_assert_uint_ne(word, 0);
	in.g.m.fake.on_relax = give_back;
	ck_assert_int_eq(mmu_age_gfn(vm, 0, GFN).is, MMU_AGE_YOUNG);
	ck_assert_ptr_null(head);
	inner_fini(&in);
}
END_TEST

TAP_MAIN("age_nested",
	 what_only_the_inner_guest_used_is_young,
	 without_shadow_pages_rmaps_are_left_alone,
	 a_list_that_somebody_reads_or_changes_is_waited_for)
