/* SPDX-License-Identifier: MIT */
/*
 * Nested tables of a 2-level or PAE hypervisor: special records stand above them, for
 * the hardware walks all levels of its own.
 */
#include "tests/inner.h"

#include "mmu/memslot.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

#define W PFERR_WRITE
#define U PFERR_USER
#define F PFERR_FETCH
#define P PFERR_PRESENT
#define FINAL PFERR_GUEST_FINAL

static struct inner in;

/* In each of the four entries of a PDPT, and of the quadrants of a directory. */
static const gpa_t far[] = { 0x1000, 0x40002000, 0x80403000, 0xffc04000 };

static void begin(unsigned tdp_level, unsigned levels)
{
	inner_init(&in, tdp_level, levels);
	for (unsigned i = 0; i < 4; i++)
		npt_map(&in, far[i], 0x900000 + (i << PAGE_SHIFT), NPT_ALL, LEVEL_4K);
	in.regs = inner_regs(UNPAGED, 0);
	inner_enter(&in, 0);
}

static const struct sp *step_sp(gpa_t ngpa, unsigned level)
{
	struct mmu_host_step steps[5];
	unsigned nr = mmu_host_walk(in.g.m.vcpu[0], ngpa, steps);

	ck_assert_uint_eq(nr, in.g.m.vm->config.tdp_level);
	return sp_by_id(in.g.m.vm, steps[nr - level].sp);
}

/* ---- what is built ------------------------------------------------------------------------ */

static void expect_chain(unsigned tdp_level, unsigned levels)
{
	begin(tdp_level, levels);
	for (unsigned i = 0; i < 4; i++)
		inner_reached(&in, far[i] + 8, W, 0x900008 + (i << PAGE_SHIFT));
	for (unsigned level = tdp_level; level >= LEVEL_1G; level--) {
		const struct sp *sp = step_sp(far[0], level);

		ck_assert_uint_eq(sp->flags, SP_SPECIAL);
		ck_assert_uint_eq(sp->present, level == LEVEL_1G ? 4 : 1);
		ck_assert_uint_eq(sp->root_count, level == tdp_level);
		ck_assert(!sp->role.passthrough && !sp->role.direct && !sp->shadowed_hpa);
	}
	for (unsigned i = 0; i < 4; i++) {
		const struct sp *sp = step_sp(far[i], LEVEL_2M);

		ck_assert(sp_has_gptes(sp));
		ck_assert_uint_eq(sp->role.quadrant, levels == 2 ? i : 0);
		ck_assert_uint_eq(sp->role.has_4_byte_gpte, levels == 2);
		if (levels == 2)
			ck_assert_uint_eq(sp->gfn, in.nested.ncr3 >> PAGE_SHIFT);
	}
	inner_fini(&in);
}

START_TEST(special_records_stand_above_what_l1_has)
{
	for (unsigned tdp_level = 4; tdp_level <= 5; tdp_level++)
		for (unsigned levels = 2; levels <= 3; levels++)
			expect_chain(tdp_level, levels);
}
END_TEST

START_TEST(thirty_two_bits_and_nothing_beyond)
{
	struct mmu_fault fault;

	for (unsigned levels = 2; levels <= 3; levels++) {
		begin(4, levels);
		inner_reached(&in, far[0], W, 0x900000);
		ck_assert_int_eq(machine_fault(&in.g.m, 0, BIT(32) | far[0], U | FINAL, &fault),
				 MMU_REFLECT);
		ck_assert_uint_eq(fault.gpa, BIT(32) | far[0]);
		ck_assert_uint_eq(fault.error, U | FINAL);
		ck_assert_int_eq(machine_fault(&in.g.m, 0, BIT(39) | far[0], U | W | FINAL, &fault),
				 MMU_REFLECT);
		ck_assert_uint_eq(step_sp(far[0], 4)->present, 1);
		inner_fini(&in);
	}
}
END_TEST

START_TEST(l1s_refusals_are_its_own)
{
	for (unsigned levels = 2; levels <= 3; levels++) {
		begin(4, levels);
		npt_map(&in, 0x7000, 0x907000, GPTE_U, LEVEL_4K);
		npt_map(&in, 0x8000, 0x908000, GPTE_W, LEVEL_4K);
		inner_reached(&in, 0x7000, 0, 0x907000);
		inner_reflected(&in, 0x7000, W, P | W | U | FINAL);
		inner_reflected(&in, 0x8000, 0, P | U | FINAL);
		inner_reflected(&in, 0x200000, F, (levels == 3 ? F : 0) | U | FINAL);
		inner_reflected(&in, 0xc0000000, W, W | U | FINAL);
		inner_fini(&in);
	}
}
END_TEST

START_TEST(a_large_page_is_as_large_as_its_format_has_it)
{
	inner_init(&in, 4, 2);
	npt_map(&in, 0xc0400000, 0xc00000, NPT_ALL, LEVEL_2M);
	in.regs = inner_regs(UNPAGED, 0);
	inner_enter(&in, 0);
	inner_reached(&in, 0xc0401000, W, 0xc01000);
	inner_reached(&in, 0xc07ff000, W, 0xfff000);
	in.nested.cr4 &= ~CR4_PSE; /* then its bit 7 says nothing, and a table is there */
	inner_leave(&in, 0);
	inner_enter(&in, 0);
	inner_reflected(&in, 0xc0401000, W, W | U | FINAL);
	inner_fini(&in);
	inner_init(&in, 4, 3);
	npt_map(&in, 0x40200000, 0xc00000, NPT_ALL, LEVEL_2M);
	in.regs = inner_regs(UNPAGED, 0);
	inner_enter(&in, 0);
	inner_reached(&in, 0x403ff000, W, 0xdff000);
	inner_reflected(&in, 0x40400000, W, W | U | FINAL);
	inner_fini(&in);
}
END_TEST

START_TEST(there_are_devices_and_nowhere_beyond_memory)
{
	begin(4, 3);
	npt_map(&in, 0x9000, GUEST_FRAMES << PAGE_SHIFT, NPT_ALL, LEVEL_4K);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_uint_eq(inner_compare(&in, 0, 0x9010, W).ending, DEVICE);
	inner_leave(&in, 0);
	in.nested.ncr3 = GUEST_FRAMES << PAGE_SHIFT;
	inner_enter(&in, 0);
	machine_enter(&in.g.m, 0);
	ck_assert_uint_eq(in.g.m.vcpu[0]->guest_mmu.root.sp->flags, SP_SPECIAL | SP_DUMMY);
	inner_reflected(&in, 0x1000, W, W | U | FINAL);
	inner_fini(&in);
}
END_TEST

/* ---- what changes ------------------------------------------------------------------------- */

/* Nobody watches the four entries. A new one counts at once, for nothing is there. */
START_TEST(a_pdpte_counts_from_the_next_flush_on)
{
	gpa_t other;

	begin(4, 3);
	inner_reached(&in, far[1], W, 0x901000);
	inner_reflected(&in, far[1] + 0x5000, W, W | U | FINAL);
	other = npt_table(&in);
	guest_poke(&in.g, other, guest_peek(&in.g, guest_peek(&in.g, in.nested.ncr3, 8) & PAGE_MASK,
					    8), 8);
	inner_leave(&in, 0);
	ck_assert(!l1_store(&in, 0, in.nested.ncr3 + 8, other | GPTE_P));
	inner_enter(&in, 0);
	mmu_nested_flush(in.g.m.vcpu[0]);
	inner_reached(&in, 0x40001000, W, 0x900000);
	inner_reflected(&in, far[1], W, W | U | FINAL);
	/* One that goes is gone. */
	guest_poke(&in.g, in.nested.ncr3 + 8, 0, 8);
	mmu_nested_flush(in.g.m.vcpu[0]);
	inner_reflected(&in, 0x40001000, W, W | U | FINAL);
	/* And as another comes no flush is needed. */
	guest_poke(&in.g, in.nested.ncr3 + 8, other | GPTE_P, 8);
	inner_reached(&in, 0x40001000, W, 0x900000);
	inner_fini(&in);
}
END_TEST

/* As long as L2 was not left and nobody flushed, what was built for the old one is good. */
START_TEST(until_then_the_old_one_may_serve)
{
	struct arrival a;

	begin(4, 3);
	inner_reached(&in, far[1], W, 0x901000);
	guest_poke(&in.g, in.nested.ncr3 + 8, 0, 8);
	a = inner_access(&in, 0, far[1], W);
	ck_assert_uint_eq(a.ending, REACHED);
	ck_assert_uint_eq(a.hpa, FAKE_RAM + 0x901000);
	mmu_nested_flush(in.g.m.vcpu[0]);
	inner_reflected(&in, far[1], W, W | U | FINAL);
	inner_fini(&in);
}
END_TEST

START_TEST(stores_to_a_directory_are_seen_in_every_quadrant)
{
	begin(4, 2);
	for (unsigned i = 0; i < 4; i++)
		inner_reached(&in, far[i], W, 0x900000 + (i << PAGE_SHIFT));
	inner_leave(&in, 0);
	for (unsigned i = 0; i < 4; i++) {
		gpa_t entry = in.nested.ncr3 + (far[i] >> 22) * 4;

		ck_assert(l1_store(&in, 0, entry, 0));
		inner_enter(&in, 0);
		inner_reflected(&in, far[i], W, W | U | FINAL);
		for (unsigned k = i + 1; k < 4; k++)
			inner_reached(&in, far[k], W, 0x900000 + (k << PAGE_SHIFT));
		inner_leave(&in, 0);
	}
	inner_fini(&in);
}
END_TEST

/* ---- coming and going ----------------------------------------------------------------------- */

/* What hangs below the records is found again; and nothing is lost. */
START_TEST(the_records_go_with_their_guest_and_the_tables_stay)
{
	for (unsigned levels = 2; levels <= 3; levels++) {
		struct mmu_stats before, after;

		begin(5, levels);
		for (unsigned i = 0; i < 4; i++)
			inner_reached(&in, far[i], W, 0x900000 + (i << PAGE_SHIFT));
		mmu_get_stats(in.g.m.vm, &before);
		in.g.m.audit_every = 1000;
		for (unsigned i = 0; i < 5000; i++) {
			inner_leave(&in, 0);
			if (i == 0)
				ck_assert_uint_eq(inner_pages(&in), 4 + 4);
			inner_enter(&in, 0);
			inner_compare(&in, 0, far[i % 4], W);
		}
		mmu_get_stats(in.g.m.vm, &after);
		/* Three records each time, and the tree of L1 itself is as it was. */
		ck_assert_uint_eq(after.sps, before.sps);
		ck_assert_uint_eq(after.sp_made - before.sp_made, 5000 * 3);
		inner_leave(&in, 0);
		mmu_nested_free(in.g.m.vcpu[0]);
		ck_assert_uint_eq(inner_pages(&in), 0);
		inner_fini(&in);
	}
}
END_TEST

START_TEST(each_vcpu_has_records_of_its_own_and_shares_the_tables)
{
	begin(4, 3);
	inner_reached(&in, far[2], W, 0x902000);
	inner_enter(&in, 1);
	inner_compare(&in, 1, far[2], W);
	/* A root, its record of level 3, twice; a directory and a table. */
	ck_assert_uint_eq(inner_pages(&in), 2 * 2 + 2);
	mmu_zap_all(in.g.m.vm);
	machine_audit(&in.g.m);
	inner_compare(&in, 1, far[2], W);
	inner_reached(&in, far[2], W, 0x902000);
	inner_leave(&in, 1);
	inner_reached(&in, far[2], W, 0x902000);
	inner_fini(&in);
}
END_TEST

START_TEST(memory_that_goes_takes_them_along)
{
	for (unsigned levels = 2; levels <= 3; levels++) {
		begin(5, levels);
		inner_reached(&in, far[3], W, 0x903000);
		ck_assert_int_eq(mmu_slot_delete(in.g.m.vm, 0, 0), MMU_OK);
		machine_audit(&in.g.m);
		/* The hardware may still be in the root; all else is gone. */
		ck_assert_uint_eq(inner_pages(&in), 0);
		ck_assert_uint_eq(in.g.m.vm->nr_indirect, 0);
		machine_ram(&in.g.m, 0, 0, GUEST_FRAMES, 0);
		inner_reached(&in, far[3], W, 0x903000);
		inner_fini(&in);
	}
}
END_TEST

/* Each page the host gives for a root and a first access is refused once. */
static u64 refuse_each(unsigned levels)
{
	for (u64 fail = 1;; fail++) {
		enum mmu_verdict verdict = MMU_NO_MEMORY;
		struct mmu_entry entry;
		struct mmu_fault fault;
		u64 first;

		begin(5, levels);
		first = in.g.m.fake.nr_allocs;
		in.g.m.fake.fail_at = first + fail;
		if (mmu_enter(in.g.m.vcpu[0], &entry) == MMU_OK) {
			mmu_leave(in.g.m.vcpu[0]);
			verdict = mmu_fault(in.g.m.vcpu[0], far[1], U | W | FINAL, &fault);
		}
		if (in.g.m.fake.nr_allocs >= first + fail)
			ck_assert_int_eq(verdict, MMU_NO_MEMORY);
		in.g.m.fake.fail_at = 0;
		machine_audit(&in.g.m);
		inner_reached(&in, far[1], W, 0x901000);
		inner_fini(&in);
		if (verdict == MMU_RETRY)
			return fail - 1;
	}
}

START_TEST(a_page_that_is_refused_leaves_all_as_it_was)
{
	ck_assert_uint_gt(refuse_each(2), 5);
	ck_assert_uint_gt(refuse_each(3), 5);
}
END_TEST

TAP_MAIN("nested_legacy", special_records_stand_above_what_l1_has,
	 thirty_two_bits_and_nothing_beyond, l1s_refusals_are_its_own,
	 a_large_page_is_as_large_as_its_format_has_it,
	 there_are_devices_and_nowhere_beyond_memory, a_pdpte_counts_from_the_next_flush_on,
	 until_then_the_old_one_may_serve, stores_to_a_directory_are_seen_in_every_quadrant,
	 the_records_go_with_their_guest_and_the_tables_stay,
	 each_vcpu_has_records_of_its_own_and_shares_the_tables,
	 memory_that_goes_takes_them_along, a_page_that_is_refused_leaves_all_as_it_was)
