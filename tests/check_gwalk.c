/* SPDX-License-Identifier: MIT */
/* The guest walker, case by case; check_gwalk_random.c holds it against the oracle. */
#include "tests/guest_pt.h"

#include <string.h>

#include "mmu/gwalk.h"

static struct guest g;

static enum gwalk_result walk_as(unsigned vcpu, gva_t gva, u64 access, bool set_ad, bool quiet,
				 struct gwalk *walk)
{
	enum gwalk_result result;
	struct mmu_op op;

	op_begin(&op, g.m.vm, g.m.vcpu[vcpu], false);
	result = gwalk(&op, g.m.vcpu[vcpu]->walk_mmu, gva, access, set_ad, quiet, walk);
	op_end(&op);
	return result;
}

static enum gwalk_result walk(gva_t gva, u64 access, struct gwalk *walk)
{
	return walk_as(0, gva, access, true, false, walk);
}

/* ---- what each mode is about ------------------------------------------------------------ */

START_TEST(without_paging_a_gva_is_a_gpa)
{
	struct gwalk w;

	guest_init(&g, UNPAGED, NULL);
	ck_assert_int_eq(walk(0x12345678, PFERR_WRITE | PFERR_USER, &w), GWALK_OK);
	ck_assert_uint_eq(w.top, 0);
	ck_assert_uint_eq(w.gfn, 0x12345);
	ck_assert_uint_eq(w.access, ACC_ALL);
	ck_assert(w.leaf_dirty);
	guest_fini(&g);
}
END_TEST

START_TEST(a_4m_page_has_forty_address_bits_and_needs_cr4_pse)
{
	struct gwalk w;
	gpa_t entry;

	guest_init(&g, TWO_LEVEL, NULL);
	entry = guest_map(&g, 0x40000000, 0x00800000, GPTE_W, 2);
	ck_assert_int_eq(walk(0x40345678, 0, &w), GWALK_OK);
	ck_assert_uint_eq(w.gfn, 0xb45);
	ck_assert_uint_eq(w.leaf_level, 2);
	guest_poke(&g, entry, 0x00800000 | 0x5a << 13 | GPTE_PS | GPTE_P, 4);
	ck_assert_int_eq(walk(0x40345678, 0, &w), GWALK_OK);
	ck_assert_uint_eq(w.gfn, 0x5a00b45);
	guest_poke(&g, entry, 0x00a00000 | GPTE_PS | GPTE_P, 4);
	ck_assert_int_eq(walk(0x40345678, 0, &w), GWALK_FAULT);
	ck_assert_uint_eq(w.error, PFERR_PRESENT | PFERR_RSVD);
	g.regs.cr4 &= ~CR4_PSE;
	guest_set_regs(&g, 0, false);
	guest_poke(&g, entry, guest_table(&g) | GPTE_PS | GPTE_P, 4);
	ck_assert_int_eq(walk(0x40345678, 0, &w), GWALK_FAULT);
	ck_assert_uint_eq(w.error, 0);
	ck_assert_uint_eq(w.leaf_level, 1);
	guest_fini(&g);
}
END_TEST

START_TEST(pse_36_ends_where_the_machines_addresses_end)
{
	static const struct mmu_config narrow = {
		.mode = MMU_MODE_SHADOW, .nr_vcpus = 1, .maxphyaddr = 36,
	};
	struct gwalk w;
	gpa_t entry;

	guest_init(&g, TWO_LEVEL, &narrow);
	entry = guest_map(&g, 0, 0, 0, 2);
	guest_poke(&g, entry, 0xf << 13 | GPTE_PS | GPTE_P, 4);
	ck_assert_int_eq(walk(0, 0, &w), GWALK_OK);
	ck_assert_uint_eq(w.gfn, 0xf00000);
	guest_poke(&g, entry, 0x10 << 13 | GPTE_PS | GPTE_P, 4);
	ck_assert_int_eq(walk(0, 0, &w), GWALK_FAULT);
	ck_assert_uint_eq(w.error, PFERR_PRESENT | PFERR_RSVD);
	guest_fini(&g);
}
END_TEST

START_TEST(the_pdptes_of_pae_give_no_rights_and_have_no_accessed_bit)
{
	struct gwalk w;
	gpa_t pdpte;

	guest_init(&g, PAE, NULL);
	g.regs.cr3 += 0x20;
	guest_map(&g, 0xc0001000, 0x5000, GPTE_W | GPTE_U, 1);
	guest_set_regs(&g, 0, true);
	pdpte = g.regs.cr3 + 3 * 8;
	ck_assert_int_eq(walk(0xc0001234, PFERR_WRITE | PFERR_USER, &w), GWALK_OK);
	ck_assert_uint_eq(w.pte_gpa[3], pdpte);
	ck_assert_uint_eq(w.gfn, 5);
	ck_assert_uint_eq(guest_peek(&g, pdpte, 8) & GPTE_A, 0);
	guest_poke(&g, pdpte, guest_peek(&g, pdpte, 8) | GPTE_W, 8);
	ck_assert_int_eq(walk(0xc0001234, 0, &w), GWALK_FAULT);
	ck_assert_uint_eq(w.error, PFERR_PRESENT | PFERR_RSVD);
	guest_fini(&g);
}
END_TEST

START_TEST(a_table_inherits_the_rights_of_the_entries_above_it)
{
	struct gwalk w;
	gpa_t pml4e, pdpte, pde;

	guest_init(&g, LONG4, NULL);
	guest_map(&g, 0x1000, 0x7000, GPTE_W | GPTE_U, 1);
	pml4e = g.regs.cr3;
	pdpte = guest_peek(&g, pml4e, 8) & PAGE_MASK;
	pde = guest_peek(&g, pdpte, 8) & PAGE_MASK;
	guest_poke(&g, pdpte, guest_peek(&g, pdpte, 8) & ~GPTE_W, 8);
	guest_poke(&g, pde, guest_peek(&g, pde, 8) | GPTE_NX, 8);
	ck_assert_int_eq(walk(0x1000, PFERR_USER, &w), GWALK_OK);
	ck_assert_uint_eq(w.table_access[4], ACC_ALL);
	ck_assert_uint_eq(w.table_access[3], ACC_ALL);
	ck_assert_uint_eq(w.table_access[2], ACC_USER | ACC_EXEC);
	ck_assert_uint_eq(w.table_access[1], ACC_USER);
	ck_assert_uint_eq(w.access, ACC_USER);
	ck_assert_uint_eq(w.table_gfn[4], g.regs.cr3 >> PAGE_SHIFT);
	ck_assert_uint_eq(w.table_gfn[2], pde >> PAGE_SHIFT);
	guest_fini(&g);
}
END_TEST

START_TEST(an_address_that_is_not_canonical_leads_nowhere)
{
	struct gwalk w;

	guest_init(&g, LONG4, NULL);
	ck_assert_int_eq(walk(0x800000000000, 0, &w), GWALK_FAULT);
	ck_assert_int_eq(walk(0xff00000000000000, 0, &w), GWALK_FAULT);
	ck_assert_uint_eq(w.pte_gpa[4], 0);
	ck_assert_int_eq(walk(0xffff800000000000, 0, &w), GWALK_FAULT);
	ck_assert_uint_eq(w.pte_gpa[4], g.regs.cr3 + 256 * 8);
	guest_fini(&g);
}
END_TEST

START_TEST(ac_lifts_smap_for_the_kernel_and_not_for_what_user_mode_does_as_kernel)
{
	struct gwalk w;

	guest_init(&g, LONG4, NULL);
	guest_map(&g, 0x1000, 0x5000, GPTE_W | GPTE_U, 1);
	g.regs.cr4 |= CR4_SMAP;
	guest_set_regs(&g, 0, false);
	ck_assert_int_eq(walk(0x1000, 0, &w), GWALK_FAULT);
	g.regs.ac = true;
	guest_set_regs(&g, 0, false);
	ck_assert_int_eq(walk(0x1000, 0, &w), GWALK_OK);
	/* A load from a descriptor table, by user mode with AC set. */
	g.regs.cpl = 3;
	guest_set_regs(&g, 0, false);
	ck_assert_int_eq(walk(0x1000, 0, &w), GWALK_FAULT);
	ck_assert_uint_eq(w.error, PFERR_PRESENT);
	ck_assert_int_eq(walk(0x1000, PFERR_USER, &w), GWALK_OK);
	guest_fini(&g);
}
END_TEST

/* ---- A and D -------------------------------------------------------------------------------- */

START_TEST(dirty_is_set_by_a_write_alone)
{
	struct gwalk w;
	gpa_t pte;

	guest_init(&g, PAE, NULL);
	pte = guest_map(&g, 0x1000, 0x9000, GPTE_W, 1);
	ck_assert_int_eq(walk(0x1000, 0, &w), GWALK_OK);
	ck_assert(!w.leaf_dirty);
	ck_assert_uint_eq(guest_peek(&g, pte, 8) & (GPTE_A | GPTE_D), GPTE_A);
	ck_assert_int_eq(walk(0x1000, PFERR_WRITE, &w), GWALK_OK);
	ck_assert(w.leaf_dirty);
	ck_assert_uint_eq(guest_peek(&g, pte, 8) & (GPTE_A | GPTE_D), GPTE_A | GPTE_D);
	ck_assert_int_eq(walk(0x1000, 0, &w), GWALK_OK);
	ck_assert(w.leaf_dirty);
	guest_fini(&g);
}
END_TEST

START_TEST(a_refused_walk_sets_nothing)
{
	struct gwalk w;
	gpa_t pte;

	guest_init(&g, LONG4, NULL);
	pte = guest_map(&g, 0x1000, 0x9000, 0, 1);
	ck_assert_int_eq(walk(0x1000, PFERR_WRITE, &w), GWALK_FAULT);
	ck_assert_uint_eq(w.error, PFERR_PRESENT | PFERR_WRITE);
	ck_assert_uint_eq(guest_peek(&g, pte, 8) & (GPTE_A | GPTE_D), 0);
	ck_assert_uint_eq(guest_peek(&g, g.regs.cr3, 8) & GPTE_A, 0);
	guest_fini(&g);
}
END_TEST

static gpa_t race_gpa;
static u64 race_value;
static unsigned races;

/* Another vCPU stores to the entry just when the walk is about to set bits. */
static void race(struct fake *fake, unsigned point)
{
	(void)fake;
	if (point != MMU_POINT_walk_ad || !races)
		return;
	races--;
	guest_poke(&g, race_gpa, race_value, 8);
}

START_TEST(a_walk_that_loses_the_race_for_a_bit_walks_again)
{
	struct gwalk w;

	guest_init(&g, LONG4, NULL);
	race_gpa = guest_map(&g, 0x1000, 0x9000, GPTE_W, 1);
	race_value = 0xa000 | GPTE_P | GPTE_W | GPTE_U;
	races = 1;
	g.m.fake.on_point = race;
	ck_assert_int_eq(walk(0x1000, PFERR_WRITE, &w), GWALK_OK);
	ck_assert_uint_eq(w.gfn, 0xa);
	ck_assert_uint_eq(guest_peek(&g, race_gpa, 8), race_value | GPTE_A | GPTE_D);
	ck_assert_uint_eq(w.pte[1], race_value | GPTE_A | GPTE_D);
	guest_fini(&g);
}
END_TEST

START_TEST(a_walk_that_loses_the_race_to_an_unmapping_faults)
{
	struct gwalk w;

	guest_init(&g, LONG4, NULL);
	race_gpa = guest_map(&g, 0x1000, 0x9000, GPTE_W, 1);
	race_value = 0;
	races = 1;
	g.m.fake.on_point = race;
	ck_assert_int_eq(walk(0x1000, PFERR_WRITE, &w), GWALK_FAULT);
	ck_assert_uint_eq(w.error, PFERR_WRITE);
	ck_assert_uint_eq(guest_peek(&g, race_gpa, 8), 0);
	guest_fini(&g);
}
END_TEST

START_TEST(a_table_in_read_only_memory_keeps_its_bits)
{
	gpa_t rom = GUEST_FRAMES << PAGE_SHIFT;
	struct gwalk w;
	u64 *pte;

	guest_init(&g, PAE, NULL);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, 1, GUEST_FRAMES, 1, FAKE_RAM + 0x8000000,
					 MMU_SLOT_READONLY),
			 MMU_OK);
	guest_map(&g, 0, 0x5000, 0, 1);
	guest_poke(&g, guest_peek(&g, g.regs.cr3, 8) & PAGE_MASK, rom | GPTE_P | GPTE_W, 8);
	pte = fake_va(&g.m.fake, FAKE_RAM + 0x8000000);
	pte[1] = 0x6000 | GPTE_P | GPTE_W;
	ck_assert_int_eq(walk(0x1000, PFERR_WRITE, &w), GWALK_OK);
	ck_assert_uint_eq(w.gfn, 6);
	ck_assert_uint_eq(pte[1], 0x6000 | GPTE_P | GPTE_W);
	ck_assert(w.leaf_dirty);
	guest_fini(&g);
}
END_TEST

START_TEST(a_table_outside_all_slots_is_told_apart)
{
	struct gwalk w;

	guest_init(&g, LONG4, NULL);
	guest_poke(&g, g.regs.cr3, GUEST_FRAMES << PAGE_SHIFT | GPTE_P | GPTE_W, 8);
	ck_assert_int_eq(walk(0x1000, PFERR_WRITE, &w), GWALK_NO_TABLE);
	ck_assert_uint_eq(w.error, PFERR_WRITE);
	ck_assert_uint_eq(w.leaf_level, 3);
	guest_fini(&g);
}
END_TEST

/* ---- events and re-validation ------------------------------------------------------------------ */

START_TEST(events_tell_each_entry_and_the_end)
{
	const struct fake_event *event;
	struct gwalk w;

	guest_init(&g, LONG4, NULL);
	guest_map(&g, 0x1000, 0x9000, GPTE_U, 1);
	fake_forget(&g.m.fake);
	ck_assert_int_eq(walk(0x1234, PFERR_USER, &w), GWALK_OK);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_walk), 1);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_walk_entry), 4);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_guest_accessed), 4);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_guest_dirty), 0);
	event = fake_last(&g.m.fake, EV_walk_done);
	ck_assert_uint_eq(event->walk_done.gva, 0x1234);
	ck_assert_uint_eq(event->walk_done.gpa, 0x9234);
	ck_assert_uint_eq(event->walk_done.level, 1);
	ck_assert_uint_eq(event->walk_done.access, ACC_USER | ACC_EXEC);
	ck_assert_int_eq(walk(0x1234, PFERR_USER | PFERR_WRITE, &w), GWALK_FAULT);
	event = fake_last(&g.m.fake, EV_walk_error);
	ck_assert_uint_eq(event->walk_error.error, PFERR_USER | PFERR_WRITE | PFERR_PRESENT);
	fake_forget(&g.m.fake);
	walk_as(0, 0x1234, PFERR_USER, true, true, &w);
	ck_assert_uint_eq(g.m.fake.nr_events, 0);
	guest_fini(&g);
}
END_TEST

START_TEST(an_entry_that_changed_is_not_true_any_more)
{
	struct gwalk w;
	struct mmu_op op;
	gpa_t pte;

	guest_init(&g, TWO_LEVEL, NULL);
	pte = guest_map(&g, 0x1000, 0x9000, GPTE_U | GPTE_W, 1);
	ck_assert_int_eq(walk(0x1000, 0, &w), GWALK_OK);
	op_begin(&op, g.m.vm, g.m.vcpu[0], false);
	ck_assert(gwalk_still_true(g.m.vcpu[0], g.m.vcpu[0]->walk_mmu, &w, 1) && gwalk_still_true(g.m.vcpu[0], g.m.vcpu[0]->walk_mmu, &w, 2));
	/* The neighbour in the same eight bytes is not the entry. */
	guest_poke(&g, pte + 4, 0xffffffff, 4);
	ck_assert(gwalk_still_true(g.m.vcpu[0], g.m.vcpu[0]->walk_mmu, &w, 1));
	guest_poke(&g, pte, 0xa000 | GPTE_P, 4);
	ck_assert(!gwalk_still_true(g.m.vcpu[0], g.m.vcpu[0]->walk_mmu, &w, 1) && gwalk_still_true(g.m.vcpu[0], g.m.vcpu[0]->walk_mmu, &w, 2));
	op_end(&op);
	guest_fini(&g);
}
END_TEST

TAP_MAIN("gwalk",
	 without_paging_a_gva_is_a_gpa,
	 a_4m_page_has_forty_address_bits_and_needs_cr4_pse,
	 pse_36_ends_where_the_machines_addresses_end,
	 the_pdptes_of_pae_give_no_rights_and_have_no_accessed_bit,
	 a_table_inherits_the_rights_of_the_entries_above_it,
	 an_address_that_is_not_canonical_leads_nowhere,
	 ac_lifts_smap_for_the_kernel_and_not_for_what_user_mode_does_as_kernel,
	 dirty_is_set_by_a_write_alone,
	 a_refused_walk_sets_nothing,
	 a_walk_that_loses_the_race_for_a_bit_walks_again,
	 a_walk_that_loses_the_race_to_an_unmapping_faults,
	 a_table_in_read_only_memory_keeps_its_bits,
	 a_table_outside_all_slots_is_told_apart,
	 events_tell_each_entry_and_the_end,
	 an_entry_that_changed_is_not_true_any_more)
