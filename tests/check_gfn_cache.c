/* SPDX-License-Identifier: MIT */
/* Caches of places in guest memory: when they are believed, and where they lead. */
#include "mmu/gfn_cache.h"
#include "mmu/memslot.h"
#include "mmu/page_track.h"
#include "mmu/slots.h"
#include "tests/guest_pt.h"

#define FRAMES	16ull
#define GFN	0x8000ull	/* beyond the guest's own memory */
#define GPA	(GFN << PAGE_SHIFT)
#define ID	3u
#define RAM	(FAKE_RAM + (GUEST_FRAMES << PAGE_SHIFT))
#define SMRAM	(RAM + (FRAMES << PAGE_SHIFT))

static struct guest g;
static struct mmu_gfn_cache cache;

static void make_guest(u32 flags)
{
	guest_init_small(&g, UNPAGED, NULL, 0x200);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, ID, GFN, FRAMES, RAM, flags), MMU_OK);
}

static u64 *ram(hpa_t hpa)
{
	return fake_va(&g.m.fake, hpa);
}

static void put(u64 value, size_t done)
{
	ck_assert_uint_eq(mmu_cached_write(g.m.vm, &cache, 8, &value, 8), done);
}

static u64 get(size_t done)
{
	u64 value = 0;

	ck_assert_uint_eq(mmu_cached_read(g.m.vm, &cache, 8, &value, 8), done);
	return value;
}

START_TEST(a_cache_is_searched_for_once)
{
	make_guest(0);
	ck_assert_int_eq(mmu_gfn_cache_init(g.m.vm, &cache, GPA + 0x40, 32), MMU_OK);
	for (unsigned i = 0; i < 10; i++) {
		put(100 + i, 8);
		ck_assert_uint_eq(ram(RAM)[0x48 / 8], 100 + i);
		ck_assert_uint_eq(get(8), 100 + i);
	}
	ck_assert_uint_eq(cache.fills, 1);
	guest_fini(&g);
}
END_TEST

/* C-5 */
START_TEST(after_any_change_of_slots_it_is_searched_for_again)
{
	make_guest(0);
	ck_assert_int_eq(mmu_gfn_cache_init(g.m.vm, &cache, GPA, 32), MMU_OK);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, 9, 0xa000, 1, RAM, 0), MMU_OK);
	put(1, 8);
	ck_assert_uint_eq(cache.fills, 2);
	ck_assert_int_eq(mmu_slot_set_flags(g.m.vm, 0, 9, MMU_SLOT_LOG_DIRTY), MMU_OK);
	put(2, 8);
	ck_assert_uint_eq(cache.fills, 3);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, GFN - 1), MMU_OK);
	put(3, 8);
	ck_assert_uint_eq(cache.fills, 4);
	ck_assert_uint_eq(ram(RAM)[1], 2);
	ck_assert_uint_eq(ram(RAM + PAGE_SIZE)[1], 3);
	put(4, 8);
	ck_assert_uint_eq(cache.fills, 4);
	guest_fini(&g);
}
END_TEST

START_TEST(a_slot_that_went_is_not_written_to)
{
	make_guest(0);
	ck_assert_int_eq(mmu_gfn_cache_init(g.m.vm, &cache, GPA, 32), MMU_OK);
	put(1, 8);
	ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, ID), MMU_OK);
	put(2, 0);
	get(0);
	ck_assert_uint_eq(ram(RAM)[1], 1);
	/* What has its number now is another. */
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, ID, 0xa000, FRAMES, RAM, 0), MMU_OK);
	put(3, 0);
	ck_assert_uint_eq(ram(RAM)[1], 1);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, 4, GFN, FRAMES, SMRAM, 0), MMU_OK);
	put(4, 8);
	ck_assert_uint_eq(ram(SMRAM)[1], 4);
	guest_fini(&g);
}
END_TEST

/* S1.4 */
START_TEST(it_never_leads_into_system_management_memory)
{
	struct mmu_regs smm;

	make_guest(0);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 1, 0, GFN, FRAMES, SMRAM, MMU_SLOT_SMRAM), MMU_OK);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 1, 1, 0xa000, FRAMES, SMRAM, MMU_SLOT_SMRAM),
			 MMU_OK);
	smm = g.regs;
	smm.smm = true;
	for (unsigned i = 0; i < MMU_MAX_VCPUS && g.m.vcpu[i]; i++)
		mmu_set_regs(g.m.vcpu[i], &smm, false);
	ck_assert_uint_eq(mmu_vcpu_gpa_to_hpa(g.m.vcpu[0], GPA), SMRAM);
	ck_assert_int_eq(mmu_gfn_cache_init(g.m.vm, &cache, GPA, 32), MMU_OK);
	put(7, 8);
	ck_assert_uint_eq(ram(RAM)[1], 7);
	ck_assert_uint_eq(ram(SMRAM)[1], 0);
	/* And where address space 0 has nothing there is nothing. */
	ck_assert_int_eq(mmu_gfn_cache_init(g.m.vm, &cache, 0xa000000, 32), MMU_NOENT);
	put(8, 0);
	ck_assert_uint_eq(ram(SMRAM)[1], 0);
	guest_fini(&g);
}
END_TEST

START_TEST(one_that_crosses_a_page_looks_up_both)
{
	make_guest(0);
	ck_assert_int_eq(mmu_gfn_cache_init(g.m.vm, &cache, GPA + PAGE_SIZE - 12, 32), MMU_OK);
	ck_assert(cache.crosses);
	put(0x1122334455667788, 8);
	ck_assert_uint_eq(*(u32 *)((u8 *)ram(RAM) + PAGE_SIZE - 4), 0x55667788);
	ck_assert_uint_eq(*(u32 *)ram(RAM + PAGE_SIZE), 0x11223344);
	ck_assert_uint_eq(get(8), 0x1122334455667788);
	ck_assert_uint_eq(cache.fills, 0);
	ck_assert_int_eq(mmu_gfn_cache_init(g.m.vm, &cache, GPA + (FRAMES << PAGE_SHIFT) - 8, 16),
			 MMU_NOENT);
	guest_fini(&g);
}
END_TEST

START_TEST(on_read_only_memory_it_can_be_read)
{
	make_guest(MMU_SLOT_READONLY);
	ck_assert_int_eq(mmu_gfn_cache_init(g.m.vm, &cache, GPA, 32), MMU_OK);
	ram(RAM)[1] = 5;
	ck_assert_uint_eq(get(8), 5);
	put(6, 0);
	ck_assert_uint_eq(ram(RAM)[1], 5);
	ck_assert_uint_eq(cache.fills, 1);
	guest_fini(&g);
}
END_TEST

START_TEST(what_is_not_in_the_cache_is_refused)
{
	u64 value = 1;

	make_guest(0);
	ck_assert_int_eq(mmu_gfn_cache_init(g.m.vm, &cache, GPA, 0), MMU_INVAL);
	ck_assert_int_eq(mmu_gfn_cache_init(g.m.vm, &cache, ~0ull - 3, 8), MMU_INVAL);
	ck_assert_int_eq(mmu_gfn_cache_init(g.m.vm, &cache, GPA, 8), MMU_OK);
	ck_assert_uint_eq(mmu_cached_write(g.m.vm, &cache, 1, &value, 8), 0);
	ck_assert_uint_eq(mmu_cached_write(g.m.vm, &cache, 9, &value, 0), 0);
	ck_assert_uint_eq(mmu_cached_write(g.m.vm, &cache, 4, &value, ~0ull), 0);
	ck_assert_uint_eq(ram(RAM)[0], 0);
	guest_fini(&g);
}
END_TEST

#define GVA	0x400000ull

/* The shadow of a table follows what is written to it through a cache. */
START_TEST(a_page_table_is_followed)
{
	gpa_t gpte_gpa;
	u64 gpte;

	guest_init(&g, LONG4, NULL);
	gpte_gpa = guest_map(&g, GVA, 0x5000, GPTE_W | GPTE_U | GPTE_D, 1);
	expect_mapped(&g, 0, GVA, PFERR_USER, 0x5000);
	ck_assert_int_eq(mmu_gfn_cache_init(g.m.vm, &cache, gpte_gpa, 8), MMU_OK);
	gpte = 0x6000 | GPTE_P | GPTE_U;
	fake_forget(&g.m.fake);
	ck_assert_uint_eq(mmu_cached_write(g.m.vm, &cache, 0, &gpte, 8), 8);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_guest_write), 1);
	expect_mapped(&g, 0, GVA, PFERR_USER, 0x6000);
	guest_fini(&g);
}
END_TEST

static unsigned looks;

/* The lock is free, the generation is marked. */
static void write_at_yield(struct fake *fake, unsigned point)
{
	(void)fake;
	if (point != MMU_POINT_yield || looks++)
		return;
	ck_assert(g.m.vm->slots[0].generation & SLOTS_UPDATING);
	put(1, 8);
	put(2, 8);
}

START_TEST(while_slots_change_nothing_is_remembered)
{
	make_guest(0);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, 9, 0xa000, 1, RAM, 0), MMU_OK);
	ck_assert_int_eq(mmu_gfn_cache_init(g.m.vm, &cache, GPA, 32), MMU_OK);
	looks = 0;
	g.m.fake.on_point = write_at_yield;
	ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, 9), MMU_OK);
	g.m.fake.on_point = NULL;
	ck_assert_uint_gt(looks, 0);
	ck_assert_uint_eq(cache.fills, 3);
	put(3, 8);
	ck_assert_uint_eq(cache.fills, 4);
	ck_assert_uint_eq(ram(RAM)[1], 3);
	guest_fini(&g);
}
END_TEST

TAP_MAIN("gfn_cache",
	 a_cache_is_searched_for_once,
	 after_any_change_of_slots_it_is_searched_for_again,
	 a_slot_that_went_is_not_written_to,
	 it_never_leads_into_system_management_memory,
	 one_that_crosses_a_page_looks_up_both,
	 on_read_only_memory_it_can_be_read,
	 what_is_not_in_the_cache_is_refused,
	 a_page_table_is_followed,
	 while_slots_change_nothing_is_remembered)
