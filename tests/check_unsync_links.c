/* SPDX-License-Identifier: MIT */
/*
 * Unsync pages that several use: CPUs, parents, address spaces, paging modes; and
 * those that are linked again. Every call is followed by an audit.
 */
#include "tests/unsync_guest.h"

#include "mmu/unsync.h"

/* ---- several CPUs ------------------------------------------------------------------------ */

START_TEST(another_cpu_follows_when_it_flushes)
{
	make(LONG4);
	expect_mapped(&g, 1, GVA, USER, 0x5000);
	store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
	expect_mapped(&g, 1, GVA, USER, 0x5000);
	invlpg(1, GVA);
	expect_mapped(&g, 1, GVA, USER, 0x7000);
	store_pte(0, GVA, 0x8000 | GPTE_P | RW | AD);
	load_cr3(1);
	expect_mapped(&g, 1, GVA, USER, 0x8000);
	guest_fini(&g);
}
END_TEST

START_TEST(a_cpu_that_comes_to_a_stale_tree_finds_it_synced)
{
	for_each_paging(mode) {
		make(mode);
		expect_mapped(&g, 1, GVA, USER, 0x5000);
		store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
		/* Its root is loaded anew, though it did not flush itself. */
		machine_knob(&g.m, MMU_KNOB_prevroots, 0);
		g.regs.cr3 ^= 0x100000;
		guest_set_regs(&g, 1, MMU_CR3_LOAD);
		machine_enter(&g.m, 1);
		g.regs.cr3 ^= 0x100000;
		guest_set_regs(&g, 1, MMU_CR3_LOAD_NOFLUSH);
		expect_mapped(&g, 1, GVA, USER, 0x7000);
		guest_fini(&g);
	}
}
END_TEST

/* ---- links ---------------------------------------------------------------------------------- */

/* Unmapped, freed, used again: with INVLPG, but no load of CR3. */
START_TEST(a_table_is_synced_before_it_is_linked_again)
{
	for_each_paging(mode) {
		gpa_t pde;
		u64 value;

		make(mode);
		store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
		pde = guest_entry(&g, table_of(GVA, 2), 2, GVA);
		value = guest_peek(&g, pde, gpte_size());
		guest_store(&g, pde, 0);
		invlpg(0, GVA);
		expect_inject(&g, 0, GVA, USER, USER);
		/* Nothing was there, so the guest need not flush now. */
		guest_store(&g, pde, value);
		ck_assert(maps(ALIAS));
		expect_mapped(&g, 0, GVA + 0x1000, USER, 0x6000);
		expect_mapped(&g, 0, GVA, USER, 0x7000);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_branch_is_synced_before_it_is_linked_again)
{
	for (enum guest_mode mode = LONG4; mode <= LONG5; mode++) {
		gpa_t pdpte;
		u64 value;

		make(mode);
		guest_map(&g, 0x8000000000, table(), RW, 1);
		store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
		pdpte = guest_entry(&g, table_of(GVA, 3), 3, GVA);
		value = guest_peek(&g, pdpte, gpte_size());
		guest_store(&g, pdpte, 0);
		invlpg(0, GVA);
		guest_store(&g, pdpte, value);
		ck_assert(!maps(GVA));
		expect_mapped(&g, 0, GVA + 0x1000, USER, 0x6000);
		expect_mapped(&g, 0, GVA, USER, 0x7000);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_page_under_two_parents_is_found_from_both)
{
	const gva_t other = 0x600000;
	struct sp *upper;
	unsigned a, b;
	gpa_t pde;

	make(LONG4);
	pde = guest_entry(&g, table_of(GVA, 2), 2, other);
	guest_store(&g, pde, table() | GPTE_P | RW | GPTE_A);
	expect_mapped(&g, 0, other + GVA, USER, 0x5000);
	store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
	upper = page_of(table_of(GVA, 2), 2);
	a = level_index(GVA, 2);
	b = level_index(other, 2);
	ck_assert(sp_is_unsync_child(upper, a) && sp_is_unsync_child(upper, b));
	/* One way is cut off; the other still leads there. */
	guest_store(&g, pde, 0);
	ck_assert(sp_is_unsync_child(upper, a) && !sp_is_unsync_child(upper, b));
	load_cr3(0);
	ck_assert(!upper->unsync_children);
	expect_mapped(&g, 0, GVA, USER, 0x7000);
	guest_fini(&g);
}
END_TEST

START_TEST(invlpg_finds_a_page_by_either_parent)
{
	const gva_t other = 0x600000;

	make(LONG4);
	guest_store(&g, guest_entry(&g, table_of(GVA, 2), 2, other),
		    table() | GPTE_P | RW | GPTE_A);
	expect_mapped(&g, 0, other + GVA, USER, 0x5000);
	store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
	invlpg(0, other + GVA);
	expect_mapped(&g, 0, other + GVA, USER, 0x7000);
	guest_fini(&g);
}
END_TEST

/* The same table with other rights is another page. */
START_TEST(all_pages_of_a_table_become_unsync_together)
{
	const gva_t other = 0x600000;

	make(LONG4);
	guest_store(&g, guest_entry(&g, table_of(GVA, 2), 2, other),
		    table() | GPTE_P | GPTE_U | GPTE_A);
	expect_mapped(&g, 0, other + GVA, USER, 0x5000);
	store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
	ck_assert_uint_eq(stats().unsync, 2);
	invlpg(0, other + GVA);
	expect_mapped(&g, 0, other + GVA, USER, 0x7000);
	expect_mapped(&g, 0, GVA, USER, 0x5000);
	load_cr3(0);
	ck_assert_uint_eq(stats().unsync, 0);
	expect_mapped(&g, 0, GVA, USER, 0x7000);
	guest_fini(&g);
}
END_TEST

START_TEST(an_unsync_page_goes_when_its_table_becomes_an_upper_one)
{
	make(LONG4);
	store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
	/* The entries of the same frame as a directory: one maps table 7. */
	guest_map(&g, 0x8040000000, 0x9000, RW, 1);
	guest_store(&g, guest_entry(&g, table_of(0x8040000000, 3), 3, 0x8040000000),
		    table() | GPTE_P | RW | GPTE_A);
	guest_poke(&g, 0x7000, 0x9000 | GPTE_P | RW | AD, 8);
	expect_mapped(&g, 0, 0x8040000000 + (level_index(GVA, 1) << 21), USER, 0x9000);
	ck_assert(!page_of(table(), 1));
	ck_assert_uint_eq(stats().unsync, 0);
	expect_emulate(&g, 0, ALIAS, WRITE, true, false);
	expect_mapped(&g, 0, GVA, USER, 0x7000);
	guest_fini(&g);
}
END_TEST

/* ---- formats and configurations ----------------------------------------------------------- */

START_TEST(both_halves_of_a_two_level_table_are_followed)
{
	const gva_t high = GVA + 0x200000;

	make(TWO_LEVEL);
	guest_map(&g, high, 0x8000, RW, 1);
	ck_assert_uint_eq(table_of(high, 1), table());
	expect_mapped(&g, 0, high, USER | WRITE, 0x8000);
	store_pte(0, high, 0x9000 | GPTE_P | RW | AD);
	ck_assert_uint_eq(stats().unsync, 2);
	invlpg(0, high);
	expect_mapped(&g, 0, high, USER, 0x9000);
	store_pte(0, GVA, 0xa000 | GPTE_P | RW | AD);
	store_pte(0, high, 0xb000 | GPTE_P | RW | AD);
	load_cr3(0);
	ck_assert_uint_eq(stats().unsync, 0);
	expect_mapped(&g, 0, GVA, USER, 0xa000);
	expect_mapped(&g, 0, high, USER, 0xb000);
	guest_fini(&g);
}
END_TEST

START_TEST(what_the_kernel_got_without_wp_survives_a_sync)
{
	for (unsigned smep = 0; smep < 2; smep++) {
		u64 spte;

		make(LONG4);
		g.regs.cr0 &= ~CR0_WP;
		g.regs.cr4 |= smep ? CR4_SMEP : 0;
		guest_set_regs(&g, 0, false);
		guest_store(&g, pte_of(GVA), 0x5000 | GPTE_P | GPTE_U | AD);
		expect_mapped(&g, 0, GVA, WRITE, 0x5000);
		store_pte(0, GVA + 0x1000, 0);
		load_cr3(0);
		spte = machine_leaf(&g.m, 0, GVA, NULL);
		ck_assert_uint_eq(spte_access(spte), ACC_WRITE | (smep ? 0 : ACC_EXEC));
		expect_mapped(&g, 0, GVA, USER, 0x5000);
		/* A user page of both kinds now: what the kernel had is not for it. */
		expect_mapped(&g, 0, GVA, WRITE, 0x5000);
		store_pte(0, GVA, 0x5000 | GPTE_P | RW | AD);
		load_cr3(0);
		ck_assert(!maps(GVA));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(pages_of_another_configuration_are_synced_by_their_own)
{
	make(LONG4);
	store_pte(0, GVA, 0x5000 | GPTE_P | RW | AD | GPTE_NX);
	/* To this CPU NX is reserved; the pages are not its own. */
	g.regs.efer &= ~EFER_NXE;
	guest_set_regs(&g, 1, true);
	expect_inject(&g, 1, GVA, USER, PFERR_PRESENT | PFERR_RSVD | USER);
	invlpg(0, GVA);
	ck_assert(maps(GVA));
	expect_mapped(&g, 0, GVA, USER, 0x5000);
	guest_fini(&g);
}
END_TEST

/* ---- two address spaces --------------------------------------------------------------------- */

static void enter_smm(unsigned vcpu, bool smm)
{
	g.regs.smm = smm;
	guest_set_regs(&g, vcpu, true);
}

START_TEST(pages_of_the_other_address_space_become_unsync_too)
{
	make(LONG4);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 1, 0, 0, GUEST_FRAMES, FAKE_RAM, 0), MMU_OK);
	enter_smm(1, true);
	expect_mapped(&g, 1, GVA, USER | WRITE, 0x5000);
	enter_smm(0, false);
	expect_mapped(&g, 0, GVA, USER | WRITE, 0x5000);
	store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
	ck_assert_uint_eq(stats().unsync, 2);
	invlpg(1, GVA);
	g.regs.smm = true;
	expect_mapped(&g, 1, GVA, USER, 0x7000);
	/* One of both is synced: nobody may write any more. */
	guest_set_regs(&g, 1, true);
	machine_enter(&g.m, 1);
	machine_audit(&g.m);
	ck_assert_uint_eq(stats().unsync, 1);
	ck_assert(!alias_is_writable());
	g.regs.smm = false;
	store_pte(0, GVA, 0x8000 | GPTE_P | RW | AD);
	ck_assert_uint_eq(stats().unsync, 2);
	load_cr3(0);
	expect_mapped(&g, 0, GVA, USER, 0x8000);
	guest_fini(&g);
}
END_TEST

TAP_MAIN("unsync_links",
	 another_cpu_follows_when_it_flushes,
	 a_cpu_that_comes_to_a_stale_tree_finds_it_synced,
	 a_table_is_synced_before_it_is_linked_again,
	 a_branch_is_synced_before_it_is_linked_again,
	 a_page_under_two_parents_is_found_from_both,
	 invlpg_finds_a_page_by_either_parent,
	 all_pages_of_a_table_become_unsync_together,
	 an_unsync_page_goes_when_its_table_becomes_an_upper_one,
	 both_halves_of_a_two_level_table_are_followed,
	 what_the_kernel_got_without_wp_survives_a_sync,
	 pages_of_another_configuration_are_synced_by_their_own,
	 pages_of_the_other_address_space_become_unsync_too)
