/* SPDX-License-Identifier: MIT */
/*
 * Guest tables under the shadow MMU: how they are watched, shared, and taken
 * for something else. Every call is followed by an audit.
 */
#include "tests/guest_pt.h"

#include <string.h>

#include "mmu/sp.h"

static struct guest g;

#define RW	(GPTE_W | GPTE_U)
#define USER	PFERR_USER
#define WRITE	PFERR_WRITE

#define for_each_paging(mode) for (enum guest_mode mode = TWO_LEVEL; mode < NR_GUEST_MODES; mode++)

static struct mmu_stats stats(void)
{
	struct mmu_stats s;

	mmu_get_stats(g.m.vm, &s);
	return s;
}

/* How many live pages mirror the table at gpa. */
static unsigned shadows_of(gpa_t gpa)
{
	unsigned n = 0;

	for (struct sp *sp = sp_next(g.m.vm, NULL); sp; sp = sp_next(g.m.vm, sp))
		n += sp->gfn == gpa >> PAGE_SHIFT && sp_has_gptes(sp) && !sp->role.invalid;
	return n;
}

/* The table at `level` on the way to gva; the root at the top. */
static gpa_t table_of(gva_t gva, unsigned level)
{
	gpa_t table = g.regs.cr3;

	for (unsigned at = guest_levels(&g); at > level; at--)
		table = guest_peek(&g, guest_entry(&g, table, at, gva),
				   g.mode == TWO_LEVEL ? 4 : 8) & 0xffffff000;
	return table;
}

/* ---- stores to tables ------------------------------------------------------------------ */

START_TEST(a_store_to_a_table_changes_the_mapping)
{
	for_each_paging(mode) {
		gpa_t pte;

		guest_init(&g, mode, NULL);
		pte = guest_map(&g, 0x1000, 0x5000, RW, 1);
		guest_map(&g, 0x2000, 0x6000, RW, 1);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		expect_mapped(&g, 0, 0x2000, USER, 0x6000);
		guest_store(&g, pte, 0x7000 | GPTE_P | RW);
		ck_assert_uint_eq(machine_leaf(&g.m, 0, 0x1000, NULL), 0);
		ck_assert(machine_leaf(&g.m, 0, 0x2000, NULL));
		expect_mapped(&g, 0, 0x1000, USER, 0x7000);
		guest_store(&g, pte, 0);
		expect_inject(&g, 0, 0x1000, USER, USER);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_store_to_an_upper_table_cuts_the_branch_off)
{
	for_each_paging(mode) {
		gpa_t pde;

		guest_init(&g, mode, NULL);
		guest_map(&g, 0x1000, 0x5000, RW, 1);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		pde = guest_entry(&g, table_of(0x1000, 2), 2, 0x1000);
		guest_store(&g, pde, guest_table(&g) | GPTE_P | RW);
		expect_inject(&g, 0, 0x1000, USER, USER);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(bytes_across_entries_and_frames_drop_what_they_touch)
{
	u8 zeros[24] = { 0 };
	gpa_t pte;

	guest_init(&g, LONG4, NULL);
	for (unsigned i = 0; i < 8; i++)
		pte = guest_map(&g, 0x1000 * i, 0x10000 + 0x1000 * i, RW, 1);
	for (unsigned i = 0; i < 8; i++)
		expect_mapped(&g, 0, 0x1000 * i, USER, 0x10000 + 0x1000 * i);
	pte -= 7 * 8;
	ck_assert_uint_eq(mmu_vm_write(g.m.vm, pte + 15, zeros, 10), 10);
	machine_audit(&g.m);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_int_eq(!machine_leaf(&g.m, 0, 0x1000 * i, NULL), i >= 1 && i <= 3);
	ck_assert_uint_eq(mmu_vm_write(g.m.vm, (pte & PAGE_MASK) - 12, zeros, 24), 24);
	machine_audit(&g.m);
	ck_assert_uint_eq(machine_leaf(&g.m, 0, 0, NULL), 0);
	ck_assert(machine_leaf(&g.m, 0, 0x4000, NULL));
	guest_fini(&g);
}
END_TEST

START_TEST(in_a_two_level_guest_a_store_touches_one_quadrant)
{
	gpa_t low, high;

	guest_init(&g, TWO_LEVEL, NULL);
	low = guest_map(&g, 0x001ff000, 0x5000, RW, 1);
	high = guest_map(&g, 0x00200000, 0x6000, RW, 1);
	/* Where the high entry would be if the halves were one. */
	guest_map(&g, 0x00000000, 0x8000, RW, 1);
	expect_mapped(&g, 0, 0x00000000, USER, 0x8000);
	ck_assert_uint_eq(high, low + 4);
	expect_mapped(&g, 0, 0x001ff000, USER, 0x5000);
	expect_mapped(&g, 0, 0x00200000, USER, 0x6000);
	guest_store(&g, high, 0x7000 | GPTE_P | RW);
	ck_assert(machine_leaf(&g.m, 0, 0x00000000, NULL));
	ck_assert(machine_leaf(&g.m, 0, 0x001ff000, NULL));
	ck_assert_uint_eq(machine_leaf(&g.m, 0, 0x00200000, NULL), 0);
	expect_mapped(&g, 0, 0x00200000, USER, 0x7000);
	guest_store(&g, low, 0);
	ck_assert(machine_leaf(&g.m, 0, 0x00200000, NULL));
	expect_inject(&g, 0, 0x001ff000, USER, USER);
	guest_fini(&g);
}
END_TEST

START_TEST(a_guests_own_write_to_a_table_is_emulated)
{
	for_each_paging(mode) {
		struct outcome out;
		u64 gpte = 0x7000 | GPTE_P | RW;
		gpa_t pte;

		guest_init(&g, mode, NULL);
		pte = guest_map(&g, 0x1000, 0x5000, RW, 1);
		guest_map(&g, 0x2000, pte & PAGE_MASK, GPTE_W, 1);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		expect_mapped(&g, 0, 0x2000, 0, pte & PAGE_MASK);
		out = cpu_access(&g, 0, 0x2000 + (pte & ~PAGE_MASK), WRITE);
		ck_assert_int_eq(out.verdict, MMU_EMULATE);
		ck_assert(out.fault.table && !out.fault.mmio);
		ck_assert_uint_eq(out.fault.gpa, pte);
		ck_assert_uint_eq(mmu_write_gva(g.m.vcpu[0], 0x2000 + (pte & ~PAGE_MASK), &gpte, 4,
						WRITE, NULL),
				  4);
		machine_audit(&g.m);
		expect_mapped(&g, 0, 0x1000, USER, 0x7000);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_first_write_through_a_map_of_ones_own_table_is_emulated)
{
	for_each_paging(mode) {
		struct mmu_fault fault;
		gpa_t pte;

		guest_init(&g, mode, NULL);
		g.m.unseen_writes = true;
		pte = guest_map(&g, 0x1000, 0x5000, RW, 1);
		guest_poke(&g, pte, (pte & PAGE_MASK) | GPTE_P | RW, 4);
		machine_enter(&g.m, 0);
		ck_assert_int_eq(machine_fault(&g.m, 0, 0x1000, WRITE, &fault), MMU_EMULATE);
		ck_assert(fault.table && !fault.mmio);
		guest_poke(&g, pte, g.regs.cr3 | GPTE_P | RW, 4);
		if (mode != PAE)
			expect_emulate(&g, 0, 0x1000, WRITE, true, false);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_recursive_table_is_mirrored_at_each_of_its_levels)
{
	/* Entry 511 of the top table leads to itself. */
	gva_t self = 0xffffff8000000000;
	gpa_t pte;

	guest_init(&g, LONG4, NULL);
	pte = guest_map(&g, 0x1000, 0x5000, RW, 1);
	guest_poke(&g, g.regs.cr3 + 511 * 8, g.regs.cr3 | GPTE_P | GPTE_W, 8);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	expect_mapped(&g, 0, self + 8, 0, pte);
	expect_emulate(&g, 0, self + 8, WRITE, true, false);
	expect_mapped(&g, 0, 0xfffffffffffff000, 0, g.regs.cr3);
	ck_assert_uint_eq(shadows_of(g.regs.cr3), 4);
	guest_store(&g, g.regs.cr3 + 511 * 8, 0);
	expect_inject(&g, 0, self, 0, 0);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	guest_fini(&g);
}
END_TEST

/* ---- protection --------------------------------------------------------------------------- */

START_TEST(a_frame_that_becomes_a_table_loses_its_writable_mappings)
{
	gpa_t table, pde;

	guest_init(&g, LONG4, NULL);
	table = guest_table(&g);
	guest_map(&g, 0x1000, table, GPTE_W, 1);
	pde = guest_entry(&g, table_of(0x1000, 2), 2, 0x200000);
	guest_poke(&g, pde, table | GPTE_P | RW, 8);
	guest_poke(&g, table, 0x5000 | GPTE_P | RW, 8);
	expect_mapped(&g, 0, 0x1000, WRITE, table);
	ck_assert(spte_is_writable(machine_leaf(&g.m, 0, 0x1000, NULL)));
	fake_forget(&g.m.fake);
	expect_mapped(&g, 0, 0x200000, USER, 0x5000);
	ck_assert(!spte_is_writable(machine_leaf(&g.m, 0, 0x1000, NULL)));
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_wrprot), 1);
	expect_emulate(&g, 0, 0x1000, WRITE, true, false);
	guest_fini(&g);
}
END_TEST

START_TEST(a_huge_mapping_of_a_frame_that_becomes_a_table_is_broken_up)
{
	gpa_t table = 0x800000;
	unsigned level;

	guest_init(&g, LONG4, NULL);
	machine_knob(&g.m, MMU_KNOB_huge, 1);
	guest_map(&g, 0x800000, 0x800000, RW, 2);
	expect_mapped(&g, 0, 0x801000, WRITE, 0x801000);
	ck_assert(machine_leaf(&g.m, 0, 0x801000, &level) && level == 2);
	guest_map(&g, 0x40000000, 0x5000, RW, 1);
	guest_poke(&g, guest_entry(&g, table_of(0x40000000, 2), 2, 0x40000000),
		   table | GPTE_P | RW, 8);
	guest_poke(&g, table, 0x6000 | GPTE_P | RW, 8);
	expect_mapped(&g, 0, 0x40000000, USER, 0x6000);
	expect_emulate(&g, 0, 0x800000, WRITE, true, false);
	expect_mapped(&g, 0, 0x801000, WRITE, 0x801000);
	ck_assert(machine_leaf(&g.m, 0, 0x801000, &level) && level == 1);
	guest_fini(&g);
}
END_TEST

static u64 kicked_requests;

static void leave_on_kick(struct fake *fake, u8 vcpu)
{
	(void)fake;
	kicked_requests = atomic_load(&g.m.vcpu[vcpu]->requests);
	mmu_leave(g.m.vcpu[vcpu]);
}

START_TEST(no_cpu_keeps_a_writable_translation_of_a_new_table)
{
	struct mmu_entry entry;
	gpa_t table, pde;

	guest_init(&g, LONG4, NULL);
	table = guest_table(&g);
	guest_map(&g, 0x1000, table, GPTE_W, 1);
	pde = guest_entry(&g, table_of(0x1000, 2), 2, 0x200000);
	guest_poke(&g, pde, table | GPTE_P | RW, 8);
	guest_poke(&g, table, 0x5000 | GPTE_P | RW, 8);
	expect_mapped(&g, 1, 0x1000, WRITE, table);
	g.m.fake.on_kick = leave_on_kick;
	machine_enter(&g.m, 0);
	ck_assert_int_eq(mmu_enter(g.m.vcpu[1], &entry), MMU_OK);
	machine_fault(&g.m, 0, 0x200000, USER, NULL);
	ck_assert_uint_eq(g.m.fake.kicks[1], 1);
	ck_assert(kicked_requests & MMU_REQ_FLUSH);
	ck_assert(machine_enter(&g.m, 1).flush);
	guest_fini(&g);
}
END_TEST

static gpa_t stale_gpa;

/* The other CPU still has a writable translation of the table, and uses it. */
static void store_and_leave_on_kick(struct fake *fake, u8 vcpu)
{
	(void)fake;
	guest_poke(&g, stale_gpa, 0x6000 | GPTE_P | RW, 8);
	mmu_leave(g.m.vcpu[vcpu]);
}

START_TEST(a_last_store_through_an_old_translation_is_not_missed)
{
	struct mmu_entry entry;
	gpa_t table;

	guest_init(&g, LONG4, NULL);
	table = guest_table(&g);
	guest_map(&g, 0x1000, table, GPTE_W, 1);
	guest_poke(&g, guest_entry(&g, table_of(0x1000, 2), 2, 0x200000), table | GPTE_P | RW, 8);
	guest_poke(&g, table, 0x5000 | GPTE_P | RW, 8);
	expect_mapped(&g, 1, 0x1000, WRITE, table);
	stale_gpa = table;
	g.m.fake.on_kick = store_and_leave_on_kick;
	machine_enter(&g.m, 0);
	ck_assert_int_eq(mmu_enter(g.m.vcpu[1], &entry), MMU_OK);
	machine_fault(&g.m, 0, 0x200000, USER, NULL);
	ck_assert_uint_eq(g.m.fake.kicks[1], 1);
	g.m.fake.on_kick = NULL;
	expect_mapped(&g, 0, 0x200000, USER, 0x6000);
	guest_fini(&g);
}
END_TEST

START_TEST(a_frame_written_again_and_again_is_no_table_any_more)
{
	gpa_t pte;

	guest_init(&g, LONG4, NULL);
	pte = guest_map(&g, 0x1000, 0x5000, RW, 1);
	guest_map(&g, 0x200000, pte & PAGE_MASK, GPTE_W, 1);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	expect_emulate(&g, 0, 0x200000, WRITE, true, false);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_uint_eq(shadows_of(pte), 1);
		guest_store(&g, (pte & PAGE_MASK) + 0x800, 0);
	}
	ck_assert_uint_eq(shadows_of(pte), 0);
	expect_mapped(&g, 0, 0x200000, WRITE, pte & PAGE_MASK);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	guest_fini(&g);
}
END_TEST

START_TEST(a_table_in_use_between_two_writes_stays)
{
	gpa_t pte;

	guest_init(&g, LONG4, NULL);
	pte = guest_map(&g, 0x1000, 0x5000, RW, 1);
	for (unsigned i = 0; i < 10; i++) {
		guest_store(&g, pte, (0x5000 + 0x1000 * i) | GPTE_P | RW);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000 + 0x1000 * i);
	}
	ck_assert_uint_eq(stats().sp_zapped, 0);
	guest_fini(&g);
}
END_TEST

START_TEST(unprotecting_a_frame_gives_up_all_its_shadows)
{
	gpa_t pte;

	guest_init(&g, TWO_LEVEL, NULL);
	pte = guest_map(&g, 0x001ff000, 0x5000, RW, 1);
	guest_map(&g, 0x00200000, pte & PAGE_MASK, RW, 1);
	expect_mapped(&g, 0, 0x001ff000, USER, 0x5000);
	expect_mapped(&g, 0, 0x00200000, USER, pte & PAGE_MASK);
	ck_assert_uint_eq(shadows_of(pte), 2);
	ck_assert(mmu_unprotect(g.m.vm, pte >> PAGE_SHIFT));
	machine_audit(&g.m);
	ck_assert_uint_eq(shadows_of(pte), 0);
	ck_assert(!mmu_unprotect(g.m.vm, pte >> PAGE_SHIFT));
	guest_fini(&g);
}
END_TEST

/* ---- sharing and aliasing ---------------------------------------------------------------- */

START_TEST(a_table_under_two_parents_with_different_rights_obeys_each)
{
	gpa_t table;

	guest_init(&g, LONG4, NULL);
	guest_map(&g, 0x1000, 0x5000, RW, 1);
	table = table_of(0x1000, 1);
	guest_map(&g, 0x40001000, 0x6000, RW, 1);
	guest_poke(&g, guest_entry(&g, table_of(0x40001000, 2), 2, 0x40001000),
		   table | GPTE_P | GPTE_U, 8);
	expect_mapped(&g, 0, 0x1000, USER | WRITE, 0x5000);
	expect_inject(&g, 0, 0x40001000, USER | WRITE, PFERR_PRESENT | USER | WRITE);
	expect_mapped(&g, 0, 0x40001000, USER, 0x5000);
	expect_inject(&g, 0, 0x40001000, USER | WRITE, PFERR_PRESENT | USER | WRITE);
	expect_mapped(&g, 0, 0x1000, USER | WRITE, 0x5000);
	ck_assert_uint_eq(shadows_of(table), 2);
	guest_fini(&g);
}
END_TEST

START_TEST(two_huge_entries_for_one_frame_have_rights_of_their_own)
{
	guest_init(&g, LONG4, NULL);
	guest_map(&g, 0x00800000, 0x800000, RW, 2);
	guest_map(&g, 0x40800000, 0x800000, GPTE_U, 2);
	expect_mapped(&g, 0, 0x00801000, USER | WRITE, 0x801000);
	expect_mapped(&g, 0, 0x40801000, USER, 0x801000);
	expect_inject(&g, 0, 0x40801000, USER | WRITE, PFERR_PRESENT | USER | WRITE);
	expect_mapped(&g, 0, 0x00801000, USER | WRITE, 0x801000);
	guest_fini(&g);
}
END_TEST

/*
 * One frame is both a page table and the first of a huge page, and the entry
 * that says which flips where nobody sees it. Whoever reuses the page that hangs
 * there because the gfn is right enters SPTEs under one key and removes them
 * under another (CVE-2026-53359).
 */
static void flip(enum guest_mode mode, gpa_t pde, u64 gpte)
{
	guest_poke(&g, pde, gpte, mode == TWO_LEVEL ? 4 : 8);
}

START_TEST(a_page_is_reused_where_it_hangs_only_with_its_gfn_and_role)
{
	const gpa_t frame = 0x800000;

	for_each_paging(mode) {
		unsigned size = mode == TWO_LEVEL ? 4 : 8;
		gpa_t pde;

		guest_init(&g, mode, NULL);
		g.m.unseen_writes = true;
		guest_map(&g, 0, frame, RW, 2);
		pde = guest_entry(&g, table_of(0, 2), 2, 0);
		for (unsigned i = 0; i < 512; i++)
			guest_poke(&g, frame + i * size, (0x100000 + i * 0x1000) | GPTE_P | RW,
				   size);
		for (unsigned round = 0; round < 3; round++) {
			flip(mode, pde, frame | GPTE_P | RW | GPTE_PS);
			expect_mapped(&g, 0, 0x1000 + round * 0x4000, USER,
				      frame + 0x1000 + round * 0x4000);
			flip(mode, pde, frame | GPTE_P | RW);
			expect_mapped(&g, 0, 0x3000 + round * 0x4000, USER,
				      0x103000 + round * 0x4000);
		}
		ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, 0), MMU_OK);
		machine_audit(&g.m);
		ck_assert_uint_eq(stats().sptes_4k, 0);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(two_cpus_share_the_pages_of_one_address_space)
{
	for_each_paging(mode) {
		unsigned made;
		gpa_t pte;

		guest_init(&g, mode, NULL);
		pte = guest_map(&g, 0x1000, 0x5000, RW, 1);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		made = stats().sp_made;
		expect_mapped(&g, 1, 0x1000, USER, 0x5000);
		/* With three levels and fewer the root is each vCPU's own. */
		ck_assert_uint_eq(stats().sp_made - made, mode <= PAE);
		guest_store(&g, pte, 0x6000 | GPTE_P | RW);
		expect_mapped(&g, 1, 0x1000, USER, 0x6000);
		expect_mapped(&g, 0, 0x1000, USER, 0x6000);
		guest_fini(&g);
	}
}
END_TEST

TAP_MAIN("shadow_tables",
	 a_store_to_a_table_changes_the_mapping,
	 a_store_to_an_upper_table_cuts_the_branch_off,
	 bytes_across_entries_and_frames_drop_what_they_touch,
	 in_a_two_level_guest_a_store_touches_one_quadrant,
	 a_guests_own_write_to_a_table_is_emulated,
	 a_first_write_through_a_map_of_ones_own_table_is_emulated,
	 a_recursive_table_is_mirrored_at_each_of_its_levels,
	 a_frame_that_becomes_a_table_loses_its_writable_mappings,
	 a_huge_mapping_of_a_frame_that_becomes_a_table_is_broken_up,
	 no_cpu_keeps_a_writable_translation_of_a_new_table,
	 a_last_store_through_an_old_translation_is_not_missed,
	 a_frame_written_again_and_again_is_no_table_any_more,
	 a_table_in_use_between_two_writes_stays,
	 unprotecting_a_frame_gives_up_all_its_shadows,
	 a_table_under_two_parents_with_different_rights_obeys_each,
	 two_huge_entries_for_one_frame_have_rights_of_their_own,
	 a_page_is_reused_where_it_hangs_only_with_its_gfn_and_role,
	 two_cpus_share_the_pages_of_one_address_space)
