/* SPDX-License-Identifier: MIT */
/* What is done to an inner guest's tables from outside, and by tools; no memory. */
#include "tests/inner.h"

#include <string.h>

#include "mmu/backend.h"
#include "mmu/memslot.h"
#include "mmu/page_track.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

#define W PFERR_WRITE
#define U PFERR_USER
#define F PFERR_FETCH
#define P PFERR_PRESENT
#define FINAL PFERR_GUEST_FINAL
#define TABLES PFERR_GUEST_PAGE

static struct inner in;

/* ---- what L1 and the host do to it ------------------------------------------------------------ */

START_TEST(l1s_stores_to_its_nested_tables_are_seen)
{
	gpa_t entry;

	inner_begin(&in, 4, 4);
	entry = npt_map(&in, 0x7000, 0x807000, NPT_ALL, 1);
	/* L1 has it mapped, writable. */
	inner_leave(&in, 0);
	ck_assert(!l1_store(&in, 0, entry, 0x807000 | NPT_ALL | GPTE_P));
	ck_assert(spte_is_writable(machine_leaf(&in.g.m, 0, entry, NULL)));
	inner_enter(&in, 0);
	inner_reached(&in, 0x7000, W, 0x807000);
	inner_leave(&in, 0);
	ck_assert(l1_store(&in, 0, in.nested.ncr3, guest_peek(&in.g, in.nested.ncr3, 8)));
	l1_store(&in, 0, entry, 0x80a000 | NPT_ALL | GPTE_P);
	inner_enter(&in, 0);
	mmu_nested_flush(in.g.m.vcpu[0]);
	inner_reached(&in, 0x7000, W, 0x80a000);
	inner_leave(&in, 0);
	l1_store(&in, 0, entry, 0);
	inner_enter(&in, 0);
	mmu_nested_flush(in.g.m.vcpu[0]);
	inner_reflected(&in, 0x7000, 0, U | FINAL);
	inner_fini(&in);
}
END_TEST

START_TEST(a_huge_page_of_l1s_tree_does_not_let_it_write_to_them_unseen)
{
	inner_init(&in, 4, 4);
	machine_knob(&in.g.m, MMU_KNOB_huge, 1);
	npt_map(&in, 0x1000, 0x801000, NPT_ALL, 1);
	in.regs = inner_regs(UNPAGED, 0);
	l1_store(&in, 0, (NPT_GFN + 0x40) << PAGE_SHIFT, 1);
	inner_enter(&in, 0);
	inner_reached(&in, 0x1000, W, 0x801000);
	inner_leave(&in, 0);
	ck_assert(l1_store(&in, 0, in.nested.ncr3 + 8, 0));
	ck_assert(!l1_store(&in, 0, (NPT_GFN + 0x41) << PAGE_SHIFT, 1));
	inner_fini(&in);
}
END_TEST

START_TEST(memory_that_goes_is_gone_from_both_trees)
{
	inner_begin(&in, 4, 4);
	l1_store(&in, 1, 0x801000, 7);
	inner_reached(&in, 0x1000, W, 0x801000);
	ck_assert_uint_eq(mmu_zap_range(in.g.m.vm, 0, 0x801, 0x802), 2);
	machine_audit(&in.g.m);
	ck_assert_uint_eq(machine_leaf(&in.g.m, 1, 0x801000, NULL), 0);
	ck_assert_uint_eq(machine_leaf(&in.g.m, 0, 0x1000, NULL), 0);
	ck_assert(machine_enter(&in.g.m, 0).flush);
	inner_reached(&in, 0x1000, W, 0x801000);
	ck_assert_int_eq(mmu_slot_delete(in.g.m.vm, 0, 0), MMU_OK);
	machine_audit(&in.g.m);
	ck_assert_uint_eq(in.g.m.vm->nr_indirect, 0);
	machine_ram(&in.g.m, 0, 0, GUEST_FRAMES, 0);
	inner_reached(&in, 0x1000, W, 0x801000);
	inner_fini(&in);
}
END_TEST

/* The hardware sets A in L1's own tables; one of them is a nested table, too. */
START_TEST(a_walk_through_a_shadowed_table_gives_the_shadow_up)
{
	gpa_t table;
	struct mmu_fault fault;

	inner_begin(&in, 4, 4);
	inner_reached(&in, 0x1000, W, 0x801000);
	table = guest_peek(&in.g, in.nested.ncr3, 8) & BITS(51, 12);
	ck_assert_uint_eq(inner_mirrors(&in, table), 1);
	inner_leave(&in, 0);
	machine_enter(&in.g.m, 0);
	ck_assert_int_eq(machine_fault(&in.g.m, 0, table, W | U | TABLES, &fault), MMU_RETRY);
	ck_assert_uint_eq(inner_mirrors(&in, table), 0);
	ck_assert_int_eq(machine_fault(&in.g.m, 0, table, W | U | TABLES, &fault), MMU_RETRY);
	ck_assert(spte_is_writable(machine_leaf(&in.g.m, 0, table, NULL)));
	inner_fini(&in);
}
END_TEST

START_TEST(what_hangs_below_a_page_that_goes_goes_too)
{
	gpa_t pdpt, pd, pt;

	inner_begin(&in, 4, 4);
	inner_reached(&in, 0x1000, W, 0x801000);
	pdpt = guest_peek(&in.g, in.nested.ncr3, 8) & BITS(51, 12);
	pd = guest_peek(&in.g, pdpt, 8) & BITS(51, 12);
	pt = guest_peek(&in.g, pd, 8) & BITS(51, 12);
	ck_assert_uint_eq(inner_mirrors(&in, pt), 1);
	ck_assert(mmu_unprotect(in.g.m.vm, pdpt >> PAGE_SHIFT));
	machine_audit(&in.g.m);
	ck_assert_uint_eq(inner_mirrors(&in, pd), 0);
	ck_assert_uint_eq(inner_mirrors(&in, pt), 0);
	inner_reached(&in, 0x1000, W, 0x801000);
	inner_fini(&in);
}
END_TEST

/*
 * One frame is the first page of a huge leaf and a page table: the entry of L1's
 * directory flips between the two, and what hung there is not reused.
 */
START_TEST(a_table_and_the_first_page_of_a_huge_leaf_are_kept_apart)
{
	gpa_t entry = 0, frame = 0xc00000;

	inner_begin(&in, 4, 4);
	entry = npt_map(&in, 0x600000, frame, NPT_ALL, 2);
	guest_poke(&in.g, frame + 3 * 8, 0x80b000 | NPT_ALL | GPTE_P, 8);
	guest_poke(&in.g, frame + 5 * 8, 0x80c000 | NPT_ALL | GPTE_P, 8);
	for (unsigned i = 0; i < 3; i++) {
		inner_reached(&in, 0x603000, W, frame + 0x3000);
		guest_store(&in.g, entry, frame | NPT_ALL | GPTE_P);
		inner_reached(&in, 0x603000, W, 0x80b000);
		guest_store(&in.g, entry, frame | NPT_ALL | GPTE_P | GPTE_PS);
	}
	/* And where nobody sees it: the old page hangs there when the fault comes. */
	inner_reached(&in, 0x603000, W, frame + 0x3000);
	in.g.m.unseen_writes = true;
	guest_poke(&in.g, entry, frame | NPT_ALL | GPTE_P, 8);
	inner_reached(&in, 0x605000, 0, 0x80c000);
	inner_reached(&in, 0x603000, W, 0x80b000);
	ck_assert_int_eq(mmu_slot_delete(in.g.m.vm, 0, 0), MMU_OK);
	machine_audit(&in.g.m);
	ck_assert_uint_eq(in.g.m.vm->stats.sptes_4k, 0);
	inner_fini(&in);
}
END_TEST

/* ---- tools ----------------------------------------------------------------------------------------- */

START_TEST(memory_of_l2_is_read_and_written_by_its_own_addresses)
{
	struct mmu_vcpu *vcpu;
	struct mmu_fault fault;
	struct mmu_walk walk;
	u64 value = 0x1122334455667788;

	inner_init(&in, 4, 4);
	vcpu = in.g.m.vcpu[0];
	npt_map(&in, 0x10000, 0x810000, NPT_ALL, 1);
	npt_map(&in, 0x11000, 0x811000, NPT_ALL, 1);
	npt_map(&in, 0x12000, 0x812000, GPTE_U, 1);
	in.regs = inner_regs(TWO_LEVEL, 0x10000);
	guest_poke(&in.g, 0x810000, 0x11000 | GPTE_P | GPTE_W | GPTE_U, 4);
	guest_poke(&in.g, 0x811000, 0x12000 | GPTE_P | GPTE_W, 4);
	guest_poke(&in.g, 0x811004, 0x13000 | GPTE_P | GPTE_W, 4);
	guest_poke(&in.g, 0x811008, 0x11000 | GPTE_P | GPTE_W, 4);
	guest_poke(&in.g, 0x812008, value, 8);
	inner_enter(&in, 0);
	value = 0;
	ck_assert_uint_eq(mmu_read_gva(vcpu, 8, &value, 8, 0, &fault), 8);
	ck_assert_uint_eq(value, 0x1122334455667788);
	ck_assert(mmu_walk(vcpu, 8, 0, &walk));
	ck_assert_uint_eq(walk.nr, 2);
	ck_assert_uint_eq(walk.step[0].gpa, 0x810000);
	ck_assert_uint_eq(walk.step[0].ngpa, 0x10000);
	ck_assert_uint_eq(walk.gpa, 0x812008);
	ck_assert_uint_eq(walk.ngpa, 0x12008);
	ck_assert_uint_eq(walk.access, ACC_EXEC);
	/* L1 does not let L2 write there, and maps nothing at the next. */
	ck_assert_uint_eq(mmu_write_gva(vcpu, 8, &value, 8, 0, &fault), 0);
	ck_assert(fault.nested);
	ck_assert_uint_eq(fault.error, P | W | U | FINAL);
	ck_assert_uint_eq(fault.gpa, 0x12008);
	/* L2's own tables had allowed it, and the hardware would have noted that there. */
	ck_assert_uint_eq(guest_peek(&in.g, 0x811000, 4) & (GPTE_A | GPTE_D), GPTE_A | GPTE_D);
	ck_assert_uint_eq(mmu_read_gva(vcpu, 0xffc, &value, 8, 0, &fault), 4);
	ck_assert(fault.nested);
	ck_assert_uint_eq(fault.error, U | FINAL);
	ck_assert_uint_eq(fault.gpa, 0x13000);
	ck_assert(!mmu_walk(vcpu, 0x1000, 0, &walk) && walk.nested);
	ck_assert_uint_eq(walk.ngpa, 0x13000);
	/* L2's own refusal is its own. */
	ck_assert_uint_eq(mmu_read_gva(vcpu, 8, &value, 8, U, &fault), 0);
	ck_assert(!fault.nested && fault.error == (P | U));
	/* A store to one of its tables. */
	value = 0x14000 | GPTE_P;
	ck_assert_uint_eq(mmu_write_gva(vcpu, 0x200c, &value, 4, 0, &fault), 4);
	ck_assert_uint_eq(guest_peek(&in.g, 0x81100c, 4), 0x14000 | GPTE_P);
	inner_fini(&in);
}
END_TEST

START_TEST(a_look_sets_no_bit_in_either_table)
{
	struct mmu_vcpu *vcpu;
	gpa_t entry;
	u32 value;

	inner_init(&in, 4, 4);
	vcpu = in.g.m.vcpu[0];
	entry = npt_map(&in, 0x1000, 0x801000, NPT_ALL, 1);
	in.regs = inner_regs(UNPAGED, 0);
	inner_enter(&in, 0);
	fake_forget(&in.g.m.fake);
	ck_assert_uint_eq(mmu_read_gva(vcpu, 0x1000, &value, 4, MMU_PEEK, NULL), 4);
	ck_assert(!(guest_peek(&in.g, entry, 8) & GPTE_A));
	ck_assert_uint_eq(fake_count(&in.g.m.fake, EV_walk), 0);
	ck_assert_uint_eq(mmu_read_gva(vcpu, 0x1000, &value, 4, 0, NULL), 4);
	ck_assert(guest_peek(&in.g, entry, 8) & GPTE_A);
	ck_assert_uint_eq(fake_last(&in.g.m.fake, EV_walk)->walk.context, MMU_CONTEXT_guest);
	inner_fini(&in);
}
END_TEST

/* ---- no memory ---------------------------------------------------------------------------------------- */

static void story(void)
{
	in.regs = inner_regs(UNPAGED, 0);
	inner_enter(&in, 0);
	for (gpa_t ngpa = 0x1000; ngpa <= 0x3000; ngpa += 0x1000)
		inner_compare(&in, 0, ngpa, W);
}

/* Each page the host gives while L2 gets its first tables is refused once. */
START_TEST(a_page_that_is_refused_leaves_all_as_it_was)
{
	u64 first, last;

	for (u64 fail = 0;; fail++) {
		struct mmu_entry entry;
		enum mmu_status status;
		struct mmu_fault fault;

		inner_init(&in, 4, 4);
		for (gpa_t ngpa = 0x1000; ngpa <= 0x3000; ngpa += 0x1000)
			npt_map(&in, ngpa, 0x800000 + ngpa, NPT_ALL, 1);
		in.regs = inner_regs(UNPAGED, 0);
		inner_enter(&in, 0);
		first = in.g.m.fake.nr_allocs;
		in.g.m.fake.fail_at = first + fail + 1;
		status = mmu_enter(in.g.m.vcpu[0], &entry);
		if (status == MMU_OK) {
			mmu_leave(in.g.m.vcpu[0]);
			status = mmu_fault(in.g.m.vcpu[0], 0x1000, U | W | FINAL, &fault) ==
						 MMU_NO_MEMORY ?
					 MMU_NOMEM :
					 MMU_OK;
		}
		last = in.g.m.fake.nr_allocs;
		in.g.m.fake.fail_at = 0;
		machine_audit(&in.g.m);
		inner_leave(&in, 0);
		story();
		inner_fini(&in);
		if (last < first + fail + 1)
			break;
		ck_assert_int_eq(status, MMU_NOMEM);
	}
	ck_assert_uint_gt(last - first, 10);
}
END_TEST

START_TEST(the_page_budget_counts_what_it_can_recycle)
{
	struct mmu_stats stats;

	inner_begin(&in, 4, 4);
	machine_knob(&in.g.m, MMU_KNOB_budget, 30);
	machine_enter(&in.g.m, 1);
	for (gpa_t gpa = 0; gpa < GUEST_FRAMES << PAGE_SHIFT; gpa += 2ull << 20)
		machine_fault(&in.g.m, 1, gpa, PFERR_USER, NULL);
	inner_reached(&in, 0x1000, W, 0x801000);
	inner_reached(&in, 0x2000, W, 0x802000);
	mmu_get_stats(in.g.m.vm, &stats);
	ck_assert_uint_gt(stats.sps, 30);
	ck_assert_uint_eq(stats.sp_recycled, 0);
	inner_fini(&in);
}
END_TEST

START_TEST(the_root_over_tables_of_fewer_levels_goes_with_their_memory)
{
	inner_begin(&in, 5, 4);
	inner_reached(&in, 0x1000, W, 0x801000);
	inner_leave(&in, 0);
	ck_assert_int_eq(mmu_slot_delete(in.g.m.vm, 0, 0), MMU_OK);
	machine_audit(&in.g.m);
	ck_assert_uint_eq(inner_pages(&in), 0);
	inner_fini(&in);
}
END_TEST

TAP_MAIN("nested_change", l1s_stores_to_its_nested_tables_are_seen,
	 a_huge_page_of_l1s_tree_does_not_let_it_write_to_them_unseen,
	 memory_that_goes_is_gone_from_both_trees,
	 a_walk_through_a_shadowed_table_gives_the_shadow_up,
	 what_hangs_below_a_page_that_goes_goes_too,
	 a_table_and_the_first_page_of_a_huge_leaf_are_kept_apart,
	 memory_of_l2_is_read_and_written_by_its_own_addresses,
	 a_look_sets_no_bit_in_either_table, a_page_that_is_refused_leaves_all_as_it_was,
	 the_page_budget_counts_what_it_can_recycle,
	 the_root_over_tables_of_fewer_levels_goes_with_their_memory)
