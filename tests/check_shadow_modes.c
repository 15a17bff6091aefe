/* SPDX-License-Identifier: MIT */
/*
 * The shadow MMU over time: registers that change, roots that come and go, memory
 * that is taken away. Every call is followed by an audit.
 */
#include "tests/guest_pt.h"

#include <string.h>

#include "mmu/memslot.h"
#include "mmu/rmap.h"
#include "mmu/sp.h"

static struct guest g;

#define RW	(GPTE_W | GPTE_U)
#define USER	PFERR_USER
#define WRITE	PFERR_WRITE
#define FETCH	PFERR_FETCH

#define for_each_paging(mode) for (enum guest_mode mode = TWO_LEVEL; mode < NR_GUEST_MODES; mode++)

static struct mmu_stats stats(void)
{
	struct mmu_stats s;

	mmu_get_stats(g.m.vm, &s);
	return s;
}

static unsigned leaf_access(gva_t gva)
{
	return spte_access(machine_leaf(&g.m, 0, gva, NULL));
}

/* ---- accessed and dirty, WP ------------------------------------------------------------ */

START_TEST(w_is_withheld_until_the_guest_knows_that_the_page_is_dirty)
{
	for_each_paging(mode) {
		gpa_t pte;

		guest_init(&g, mode, NULL);
		pte = guest_map(&g, 0x1000, 0x5000, RW, 1);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		ck_assert_uint_eq(guest_peek(&g, pte, 4) & (GPTE_A | GPTE_D), GPTE_A);
		ck_assert(!(leaf_access(0x1000) & ACC_WRITE));
		expect_mapped(&g, 0, 0x1000, USER | WRITE, 0x5000);
		ck_assert_uint_eq(guest_peek(&g, pte, 4) & (GPTE_A | GPTE_D), GPTE_A | GPTE_D);
		ck_assert(leaf_access(0x1000) & ACC_WRITE);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_huge_page_that_becomes_dirty_gets_other_direct_pages)
{
	gpa_t pde;

	guest_init(&g, LONG4, NULL);
	pde = guest_map(&g, 0x800000, 0x800000, RW, 2);
	expect_mapped(&g, 0, 0x801000, USER, 0x801000);
	ck_assert(!(leaf_access(0x801000) & ACC_WRITE));
	expect_mapped(&g, 0, 0x802000, USER | WRITE, 0x802000);
	ck_assert(guest_peek(&g, pde, 8) & GPTE_D);
	expect_mapped(&g, 0, 0x801000, USER | WRITE, 0x801000);
	guest_fini(&g);
}
END_TEST

START_TEST(without_wp_the_kernel_writes_where_the_user_may_not)
{
	for_each_paging(mode) {
		guest_init(&g, mode, NULL);
		g.regs.cr0 &= ~CR0_WP;
		guest_set_regs(&g, 0, false);
		guest_map(&g, 0x1000, 0x5000, GPTE_U, 1);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		expect_mapped(&g, 0, 0x1000, WRITE, 0x5000);
		ck_assert_uint_eq(leaf_access(0x1000), ACC_WRITE | ACC_EXEC);
		expect_inject(&g, 0, 0x1000, USER | WRITE, PFERR_PRESENT | USER | WRITE);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		ck_assert_uint_eq(leaf_access(0x1000), ACC_USER | ACC_EXEC);
		expect_mapped(&g, 0, 0x1000, WRITE, 0x5000);
		g.regs.cr0 |= CR0_WP;
		guest_set_regs(&g, 0, false);
		expect_inject(&g, 0, 0x1000, WRITE, PFERR_PRESENT | WRITE);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(without_wp_but_with_smep_the_kernel_does_not_execute_what_it_may_write)
{
	guest_init(&g, LONG4, NULL);
	g.regs.cr0 &= ~CR0_WP;
	g.regs.cr4 |= CR4_SMEP;
	guest_set_regs(&g, 0, false);
	guest_map(&g, 0x1000, 0x5000, GPTE_U, 1);
	guest_map(&g, 0x2000, 0x6000, 0, 1);
	expect_mapped(&g, 0, 0x1000, WRITE, 0x5000);
	ck_assert_uint_eq(leaf_access(0x1000), ACC_WRITE);
	expect_mapped(&g, 0, 0x1000, USER | FETCH, 0x5000);
	expect_mapped(&g, 0, 0x2000, WRITE, 0x6000);
	ck_assert_uint_eq(leaf_access(0x2000), ACC_WRITE | ACC_EXEC);
	guest_fini(&g);
}
END_TEST

START_TEST(without_wp_huge_pages_change_hands_too)
{
	guest_init(&g, PAE, NULL);
	g.regs.cr0 &= ~CR0_WP;
	guest_set_regs(&g, 0, false);
	guest_map(&g, 0x800000, 0x800000, GPTE_U, 2);
	for (unsigned i = 0; i < 3; i++) {
		expect_mapped(&g, 0, 0x801000, USER, 0x801000);
		expect_mapped(&g, 0, 0x801000, WRITE, 0x801000);
		ck_assert_uint_eq(leaf_access(0x801000), ACC_WRITE | ACC_EXEC);
	}
	guest_fini(&g);
}
END_TEST

/* ---- registers and roots ------------------------------------------------------------------- */

START_TEST(an_address_space_that_comes_back_finds_its_pages)
{
	for_each_paging(mode) {
		gpa_t first;
		u64 made;

		guest_init(&g, mode, NULL);
		first = g.regs.cr3;
		guest_map(&g, 0x1000, 0x5000, RW, 1);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		g.regs.cr3 = guest_table(&g);
		guest_map(&g, 0x1000, 0x6000, RW, 1);
		guest_set_regs(&g, 0, true);
		expect_mapped(&g, 0, 0x1000, USER, 0x6000);
		made = stats().sp_made;
		g.regs.cr3 = first;
		guest_set_regs(&g, 0, true);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		ck_assert_uint_le(stats().sp_made - made, mode <= PAE);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_cpu_goes_through_all_modes_and_back)
{
	static const enum guest_mode order[] = { TWO_LEVEL, PAE, LONG4, LONG5, PAE, TWO_LEVEL };
	struct mmu_regs unpaged;

	guest_init(&g, UNPAGED, NULL);
	unpaged = g.regs;
	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		g.regs = unpaged;
		guest_set_regs(&g, 0, false);
		expect_mapped(&g, 0, 0x1000, WRITE, 0x1000);
		g.mode = order[i];
		g.regs.cr0 |= CR0_PG;
		g.regs.cr3 = guest_table(&g);
		g.regs.cr4 = CR4_PSE | (g.mode >= PAE ? CR4_PAE : 0) |
			     (g.mode == LONG5 ? CR4_LA57 : 0);
		g.regs.efer = g.mode >= LONG4 ? EFER_LME | EFER_LMA | EFER_NXE : 0;
		guest_map(&g, 0x1000, 0x10000 + 0x1000 * i, RW, 1);
		guest_set_regs(&g, 0, false);
		expect_mapped(&g, 0, 0x1000, WRITE, 0x10000 + 0x1000 * i);
	}
	guest_fini(&g);
}
END_TEST

/* Two CPUs, one with NX and one without, or with and without 4 MiB pages, on the
 * same tables: each has mirrors of its own and neither disturbs the other. */
START_TEST(cpus_that_read_entries_differently_share_no_mirrors_and_no_peace_is_broken)
{
	const enum guest_mode modes[] = { TWO_LEVEL, PAE, LONG4 };
	struct mmu_stats before, after;

	for (unsigned i = 0; i < 3; i++) {
		guest_init(&g, modes[i], NULL);
		guest_map(&g, 0x1000, 0x5000, RW | GPTE_A | GPTE_D, 1);
		g.regs.cr4 ^= modes[i] == TWO_LEVEL ? CR4_PSE : 0;
		g.regs.efer ^= modes[i] == TWO_LEVEL ? 0 : EFER_NXE;
		guest_set_regs(&g, 1, true);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		expect_mapped(&g, 1, 0x1000, USER, 0x5000);
		mmu_get_stats(g.m.vm, &before);
		for (unsigned round = 0; round < 3; round++) {
			expect_mapped(&g, 0, 0x1000, USER, 0x5000);
			expect_mapped(&g, 1, 0x1000, USER, 0x5000);
		}
		mmu_get_stats(g.m.vm, &after);
		ck_assert_uint_eq(after.sp_zapped, 0);
		ck_assert_uint_eq(after.faults, before.faults);
		ck_assert_uint_ne(g.m.vcpu[0]->mmu->root.sp->id, g.m.vcpu[1]->mmu->root.sp->id);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_cr3_that_points_nowhere_gets_a_root_that_stays_empty)
{
	for_each_paging(mode) {
		guest_init(&g, mode, NULL);
		g.regs.cr3 = GUEST_FRAMES << PAGE_SHIFT;
		guest_set_regs(&g, 0, true);
		machine_enter(&g.m, 0);
		ck_assert(g.m.vcpu[0]->mmu->root.sp->flags & SP_DUMMY);
		expect_inject(&g, 0, 0x1000, WRITE, WRITE);
		ck_assert_uint_eq(g.m.vcpu[0]->mmu->root.sp->present, 0);
		/* Memory appears there, and it holds zeros. */
		machine_ram(&g.m, 1, GUEST_FRAMES, 16, 0x8000000);
		machine_enter(&g.m, 0);
		ck_assert(!(g.m.vcpu[0]->mmu->root.sp->flags & SP_DUMMY));
		expect_inject(&g, 0, 0x1000, WRITE, WRITE);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(roots_come_and_go_and_nothing_is_left)
{
	for_each_paging(mode) {
		gpa_t tables[3];
		u64 pages = 0;

		guest_init(&g, mode, NULL);
		for (unsigned i = 0; i < 3; i++) {
			g.regs.cr3 = tables[i] = guest_table(&g);
			guest_map(&g, 0x1000, 0x10000 + 0x1000 * i, RW, 1);
		}
		for (unsigned i = 0; i < 600; i++) {
			struct mmu_fault fault;
			struct mmu_entry entry;

			g.regs.cr3 = tables[i % 3];
			mmu_set_regs(g.m.vcpu[0], &g.regs, true);
			ck_assert_int_eq(mmu_enter(g.m.vcpu[0], &entry), MMU_OK);
			mmu_leave(g.m.vcpu[0]);
			mmu_fault(g.m.vcpu[0], 0x1000, USER, &fault);
			if (i == 299)
				pages = g.m.fake.nr_taken;
		}
		ck_assert_uint_eq(g.m.fake.nr_taken, pages);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_root_whose_table_is_given_up_is_loaded_again)
{
	struct sp *old;

	guest_init(&g, LONG4, NULL);
	guest_map(&g, 0x1000, 0x5000, RW, 1);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	expect_mapped(&g, 1, 0x1000, USER, 0x5000);
	old = g.m.vcpu[0]->mmu->root.sp;
	ck_assert_uint_eq(old->root_count, 2);
	ck_assert(mmu_unprotect(g.m.vm, g.regs.cr3 >> PAGE_SHIFT));
	machine_audit(&g.m);
	ck_assert(old->role.invalid);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	ck_assert_uint_eq(old->root_count, 1);
	expect_mapped(&g, 1, 0x1000, USER, 0x5000);
	ck_assert_ptr_eq(g.m.vcpu[0]->mmu->root.sp, g.m.vcpu[1]->mmu->root.sp);
	guest_fini(&g);
}
END_TEST

START_TEST(system_management_mode_has_pages_of_its_own)
{
	guest_init(&g, LONG4, NULL);
	guest_map(&g, 0x1000, 0x5000, RW, 1);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 1, 0, 0, GUEST_FRAMES, FAKE_RAM + 0x10000000, 0),
			 MMU_OK);
	memcpy(fake_va(&g.m.fake, FAKE_RAM + 0x10000000), fake_va(&g.m.fake, FAKE_RAM), 0x200000);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	g.regs.smm = true;
	guest_set_regs(&g, 1, false);
	expect_mapped(&g, 1, 0x1000, USER, 0x10005000);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	ck_assert_uint_eq(g.m.vcpu[0]->mmu->root.sp->role.word ^
				  g.m.vcpu[1]->mmu->root.sp->role.word,
			  1u << 24);
	ck_assert_uint_eq(mmu_zap_range(g.m.vm, 1, 5, 6), 1);
	machine_audit(&g.m);
	ck_assert(machine_leaf(&g.m, 0, 0x1000, NULL));
	g.regs.smm = false;
	guest_set_regs(&g, 1, false);
	expect_mapped(&g, 1, 0x1000, USER, 0x5000);
	guest_fini(&g);
}
END_TEST

/* ---- memory that goes away ------------------------------------------------------------------- */

START_TEST(a_deleted_slot_leaves_nothing_behind)
{
	for_each_paging(mode) {
		guest_init(&g, mode, NULL);
		machine_ram(&g.m, 1, GUEST_FRAMES, 16, 0x8000000);
		guest_map(&g, 0x1000, GUEST_FRAMES << PAGE_SHIFT, RW, 1);
		expect_mapped(&g, 0, 0x1000, USER | WRITE, 0x8000000);
		ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, 1), MMU_OK);
		machine_audit(&g.m);
		ck_assert(machine_enter(&g.m, 0).flush);
		expect_emulate(&g, 0, 0x1000, USER | WRITE, false, true);
		ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, 0), MMU_OK);
		machine_audit(&g.m);
		expect_inject(&g, 0, 0x1000, USER, USER);
		ck_assert_uint_eq(stats().sptes_4k, 0);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_zapped_range_is_gone_from_all_tables)
{
	guest_init(&g, LONG4, NULL);
	for (unsigned i = 0; i < 8; i++)
		guest_map(&g, 0x1000 * i, 0x10000 + 0x1000 * i, RW, 1);
	guest_map(&g, 0x40000000, 0x13000, RW, 1);
	for (unsigned i = 0; i < 8; i++)
		expect_mapped(&g, 0, 0x1000 * i, USER, 0x10000 + 0x1000 * i);
	expect_mapped(&g, 0, 0x40000000, USER, 0x13000);
	ck_assert_uint_eq(mmu_zap_range(g.m.vm, 0, 0x12, 0x15), 4);
	machine_audit(&g.m);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_int_eq(!machine_leaf(&g.m, 0, 0x1000 * i, NULL), i >= 2 && i < 5);
	ck_assert_uint_eq(machine_leaf(&g.m, 0, 0x40000000, NULL), 0);
	ck_assert_uint_eq(mmu_zap_range(g.m.vm, 0, 0, ~0ull), 5);
	ck_assert_uint_eq(mmu_zap_range(g.m.vm, 1, 0, ~0ull), 0);
	expect_mapped(&g, 0, 0x2000, USER, 0x12000);
	guest_fini(&g);
}
END_TEST

START_TEST(zapping_all_makes_everything_anew)
{
	for (enum guest_mode mode = UNPAGED; mode < NR_GUEST_MODES; mode++) {
		guest_init(&g, mode, NULL);
		if (mode != UNPAGED)
			guest_map(&g, 0x1000, 0x1000, RW, 1);
		expect_mapped(&g, 0, 0x1000, USER, 0x1000);
		expect_mapped(&g, 1, 0x1000, USER, 0x1000);
		mmu_zap_all(g.m.vm);
		machine_audit(&g.m);
		ck_assert_uint_eq(stats().sptes_4k, 0);
		expect_mapped(&g, 1, 0x1000, USER, 0x1000);
		expect_mapped(&g, 0, 0x1000, USER, 0x1000);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(read_only_memory_is_read_and_not_written)
{
	for (unsigned paged = 0; paged < 2; paged++) {
		gva_t gva = GUEST_FRAMES << PAGE_SHIFT;

		guest_init(&g, paged ? PAE : UNPAGED, NULL);
		ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, 1, GUEST_FRAMES, 1,
						 FAKE_RAM + 0x8000000, MMU_SLOT_READONLY),
				 MMU_OK);
		if (paged)
			guest_map(&g, gva, gva, RW, 1);
		expect_mapped(&g, 0, gva, 0, 0x8000000);
		expect_emulate(&g, 0, gva, WRITE, false, false);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(the_page_budget_recycles_the_oldest_pages)
{
	guest_init(&g, LONG4, NULL);
	g.m.audit_every = 8;
	machine_knob(&g.m, MMU_KNOB_budget, 40);
	for (u64 i = 0; i < 200; i++)
		guest_map(&g, i << 21, 0x1000000 + (i << 12), RW, 1);
	for (u64 round = 0; round < 2; round++)
		for (u64 i = 0; i < 200; i++) {
			expect_mapped(&g, 0, i << 21, USER, 0x1000000 + (i << 12));
			ck_assert_uint_le(stats().sps, 40);
		}
	ck_assert_uint_gt(stats().sp_recycled, 300);
	guest_fini(&g);
}
END_TEST

START_TEST(a_frame_mapped_a_thousand_times_is_let_go_at_once)
{
	const struct rmap_head *head;

	guest_init(&g, LONG4, NULL);
	for (u64 i = 0; i < 1010; i++)
		guest_map(&g, i << 12, 0x5000, RW, 1);
	g.m.fake.env.events_on = false;
	for (u64 i = 0; i < 1010; i++) {
		struct mmu_fault fault;

		if (i == 0)
			machine_enter(&g.m, 0);
		ck_assert_int_eq(mmu_fault(g.m.vcpu[0], i << 12, USER, &fault), MMU_RETRY);
	}
	machine_audit(&g.m);
	head = slot_rmap(g.m.vm, vm_slot(g.m.vm, 5), 5, 1);
	ck_assert_uint_eq(rmap_count(g.m.vm, head), 10);
	guest_fini(&g);
}
END_TEST

TAP_MAIN("shadow_modes",
	 w_is_withheld_until_the_guest_knows_that_the_page_is_dirty,
	 a_huge_page_that_becomes_dirty_gets_other_direct_pages,
	 without_wp_the_kernel_writes_where_the_user_may_not,
	 without_wp_but_with_smep_the_kernel_does_not_execute_what_it_may_write,
	 without_wp_huge_pages_change_hands_too,
	 an_address_space_that_comes_back_finds_its_pages,
	 a_cpu_goes_through_all_modes_and_back,
	 cpus_that_read_entries_differently_share_no_mirrors_and_no_peace_is_broken,
	 a_cr3_that_points_nowhere_gets_a_root_that_stays_empty,
	 roots_come_and_go_and_nothing_is_left,
	 a_root_whose_table_is_given_up_is_loaded_again,
	 system_management_mode_has_pages_of_its_own,
	 a_deleted_slot_leaves_nothing_behind,
	 a_zapped_range_is_gone_from_all_tables,
	 zapping_all_makes_everything_anew,
	 read_only_memory_is_read_and_not_written,
	 the_page_budget_recycles_the_oldest_pages,
	 a_frame_mapped_a_thousand_times_is_let_go_at_once)
