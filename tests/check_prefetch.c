/* SPDX-License-Identifier: MIT */
/* Prefetch: which neighbours of a page are mapped along with it, and how. */
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "tests/guest_pt.h"

#define GVA	0x400000ull	/* entry 0 of its table */
#define GPA	0x800000ull
#define RW	(GPTE_W | GPTE_U)

static struct guest g;

static gva_t gva_of(unsigned i)
{
	return GVA + i * PAGE_SIZE;
}

/* Entries 0..15, all used and dirty. */
static void make_guest(enum guest_mode mode)
{
	guest_init(&g, mode, NULL);
	machine_knob(&g.m, MMU_KNOB_prefetch, 1);
	for (unsigned i = 0; i < 16; i++)
		guest_map(&g, gva_of(i), GPA + i * PAGE_SIZE, RW | GPTE_A | GPTE_D, 1);
}

static u64 leaf(unsigned i)
{
	return machine_leaf(&g.m, 0, gva_of(i), NULL);
}

START_TEST(eight_neighbours_come_with_one_fault)
{
	static const enum guest_mode modes[] = { TWO_LEVEL, PAE, LONG4, LONG5 };

	for (unsigned mode = 0; mode < 4; mode++) {
		make_guest(modes[mode]);
		expect_mapped(&g, 0, gva_of(3), PFERR_WRITE, GPA + 3 * PAGE_SIZE);
		for (unsigned i = 0; i < 16; i++)
			ck_assert_int_eq(!!leaf(i), i < 8);
		for (unsigned i = 0; i < 8; i++)
			ck_assert_uint_eq(cpu_access(&g, 0, gva_of(i), PFERR_WRITE).faults, 0);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(turned_off_only_the_page_itself_is_mapped)
{
	make_guest(LONG4);
	machine_knob(&g.m, MMU_KNOB_prefetch, 0);
	expect_mapped(&g, 0, gva_of(3), PFERR_WRITE, GPA + 3 * PAGE_SIZE);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_int_eq(!!leaf(i), i == 3);
	guest_fini(&g);
}
END_TEST

START_TEST(what_the_guest_has_not_used_is_left_alone)
{
	make_guest(LONG4);
	guest_map(&g, gva_of(1), GPA + PAGE_SIZE, RW, 1);
	guest_map(&g, gva_of(2), 0xfee00000, RW | GPTE_A | GPTE_D, 1);
	guest_poke(&g, guest_map(&g, gva_of(4), GPA, RW, 1), 0, 8);
	guest_map(&g, gva_of(5), GPA, RW | GPTE_A | BIT(51), 1);
	expect_mapped(&g, 0, gva_of(3), PFERR_WRITE, GPA + 3 * PAGE_SIZE);
	ck_assert(!leaf(1) && !leaf(2) && !leaf(4) && !leaf(5));
	ck_assert(leaf(0) && leaf(6) && leaf(7));
	guest_fini(&g);
}
END_TEST

START_TEST(without_the_guests_dirty_bit_a_neighbour_has_no_w)
{
	gpa_t gpte;

	make_guest(LONG4);
	gpte = guest_map(&g, gva_of(1), GPA + PAGE_SIZE, RW | GPTE_A, 1);
	expect_mapped(&g, 0, gva_of(3), PFERR_WRITE, GPA + 3 * PAGE_SIZE);
	ck_assert(leaf(1) && !spte_is_writable(leaf(1)));
	expect_mapped(&g, 0, gva_of(1), PFERR_WRITE, GPA + PAGE_SIZE);
	ck_assert(guest_peek(&g, gpte, 8) & GPTE_D);
	guest_fini(&g);
}
END_TEST

START_TEST(a_neighbour_is_old_until_it_is_used)
{
	make_guest(LONG4);
	expect_mapped(&g, 0, gva_of(3), PFERR_WRITE, GPA + 3 * PAGE_SIZE);
	ck_assert(leaf(3) & SPTE_A);
	ck_assert(!(leaf(4) & (SPTE_A | SPTE_D)));
	expect_mapped(&g, 0, gva_of(4), 0, GPA + 4 * PAGE_SIZE);
	ck_assert(leaf(4) & SPTE_A);
	guest_fini(&g);
}
END_TEST

START_TEST(rights_are_the_guests)
{
	make_guest(LONG4);
	guest_map(&g, gva_of(1), GPA, GPTE_A | GPTE_D | GPTE_NX, 1);
	expect_mapped(&g, 0, gva_of(3), PFERR_WRITE, GPA + 3 * PAGE_SIZE);
	ck_assert(leaf(1));
	ck_assert_uint_eq(spte_access(leaf(1)), 0);
	expect_inject(&g, 0, gva_of(1), PFERR_USER, PFERR_PRESENT | PFERR_USER);
	guest_fini(&g);
}
END_TEST

START_TEST(no_table_becomes_writable_for_a_neighbours_sake)
{
	gpa_t table = 0;
	struct mmu_walk walk;

	make_guest(LONG4);
	machine_knob(&g.m, MMU_KNOB_unsync, 1);
	ck_assert(mmu_walk(g.m.vcpu[0], GVA, 0, &walk));
	table = walk.step[3].gpa & PAGE_MASK;
	guest_map(&g, gva_of(1), table, RW | GPTE_A | GPTE_D, 1);
	expect_mapped(&g, 0, gva_of(3), PFERR_WRITE, GPA + 3 * PAGE_SIZE);
	ck_assert(leaf(1) && !spte_is_writable(leaf(1)));
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_sp_unsync), 0);
	guest_fini(&g);
}
END_TEST

START_TEST(an_entry_that_is_there_is_not_touched)
{
	make_guest(LONG4);
	expect_mapped(&g, 0, gva_of(3), PFERR_WRITE, GPA + 3 * PAGE_SIZE);
	mmu_zap_range(g.m.vm, 0, (GPA >> PAGE_SHIFT) + 5, (GPA >> PAGE_SHIFT) + 6);
	fake_forget(&g.m.fake);
	expect_mapped(&g, 0, gva_of(5), PFERR_WRITE, GPA + 5 * PAGE_SIZE);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_spte_set), 1);
	guest_fini(&g);
}
END_TEST

TAP_MAIN("prefetch", eight_neighbours_come_with_one_fault,
	 turned_off_only_the_page_itself_is_mapped, what_the_guest_has_not_used_is_left_alone,
	 without_the_guests_dirty_bit_a_neighbour_has_no_w, a_neighbour_is_old_until_it_is_used,
	 rights_are_the_guests, no_table_becomes_writable_for_a_neighbours_sake,
	 an_entry_that_is_there_is_not_touched)
