/* SPDX-License-Identifier: MIT */
/* The operations, with what leads to them and what they have done. */
#include "tests/starve.h"

#include "mmu/resize.h"

/* ---- leading to it ----------------------------------------------------------------- */

static void all_zapped(struct guest *g)
{
	touched(g);
	mmu_zap_all(g->m.vm);
}

/* The same tables under another CR3: only the top is new. */
static void other_cr3(struct guest *g)
{
	gpa_t top = g->regs.cr3;

	touched(g);
	g->regs.cr3 = guest_table(g);
	for (unsigned i = 0; i < PAGE_SIZE; i += 8)
		guest_poke(g, g->regs.cr3 + i, guest_peek(g, top + i, 8), 8);
	guest_set_regs(g, 0, true);
}

static void cr3_without_memory(struct guest *g)
{
	touched(g);
	g->regs.cr3 = DEVICE_GPA;
	guest_set_regs(g, 0, true);
}

static void other_rights(struct guest *g)
{
	touched(g);
	g->regs.cr0 &= ~(u64)CR0_WP;
	guest_set_regs(g, 0, false);
}

static void huge_pages(struct guest *g)
{
	ck_assert_int_eq(mmu_set_knob(g->m.vm, MMU_KNOB_huge, 1), MMU_OK);
	if (guest_pages(g))
		guest_map(g, 0x400000, 0x400000, RW | GPTE_D, 2);
	machine_enter(&g->m, 0);
}

static void big_in_small_pages(struct guest *g)
{
	ck_assert_int_eq(mmu_set_knob(g->m.vm, MMU_KNOB_huge, 0), MMU_OK);
	if (guest_pages(g))
		guest_map(g, 0x400000, 0x400000, RW | GPTE_D, 2);
	machine_enter(&g->m, 0);
}

/* A second entry for the frame, so that its rmap needs a descriptor. */
static void mapped_once(struct guest *g)
{
	map_all(g);
	guest_map(g, NEAR, GPA, RW | GPTE_D, 1);
	machine_enter(&g->m, 0);
	goes_to(g, GVA, GPA);
}

static void huge_touched(struct guest *g)
{
	huge_pages(g);
	goes_to(g, BIG, BIG);
}

/* The tables of an address lie in memory which is mapped by one large entry. */
static void tables_in_a_huge_page(struct guest *g)
{
	huge_touched(g);
	ck_assert_int_eq(mmu_set_knob(g->m.vm, MMU_KNOB_eager, 1), MMU_OK);
	g->next_table = (BIG >> PAGE_SHIFT) + 16;
	guest_map(g, FAR, 0x8000, RW | GPTE_D, 1);
}

/* The page table of GVA is mapped writable at TABLE, through another one. */
static void table_mapped(struct guest *g)
{
	gpa_t gpte;

	ck_assert_int_eq(mmu_set_knob(g->m.vm, MMU_KNOB_unsync, 1), MMU_OK);
	map_all(g);
	gpte = guest_map(g, GVA, GPA, RW | GPTE_D, 1);
	guest_map(g, TABLE, gpte & PAGE_MASK, RW | GPTE_D, 1);
	enter_once(g);
	goes_to(g, GVA, GPA);
}

/* GVA's table is unsync, and its entry leads elsewhere. */
static void table_unsync(struct guest *g)
{
	gpa_t gpte = guest_map(g, GVA, GPA, RW | GPTE_D, 1);

	table_mapped(g);
	expect_mapped(g, 0, TABLE, USER | WRITE, gpte & PAGE_MASK);
	guest_poke(g, gpte, 0x6000 | RW | GPTE_D | GPTE_P, 4);
}

static void table_unsync_and_cr3(struct guest *g)
{
	table_unsync(g);
	guest_set_regs(g, 0, true);
}

/* Ends with as many pages as the bound allows. */
static void little_room(struct guest *g)
{
	touched(g);
	ck_assert_int_eq(mmu_set_knob(g->m.vm, MMU_KNOB_budget, 1), MMU_OK);
}

static void vm_of_one(struct guest *g)
{
	ck_assert_int_eq(mmu_vm_create(&g->m.fake.env, &starve_config, &g->m.vm), MMU_OK);
	ck_assert_int_eq(mmu_vcpu_create(g->m.vm, 0, &g->m.vcpu[0]), MMU_OK);
	g->m.nr_vcpus = 1;
	guest_set_regs(g, 0, true);
}

/* ---- doing it ------------------------------------------------------------------------ */

static bool make_vm(struct guest *g)
{
	return status_is(mmu_vm_create(&g->m.fake.env, &starve_config, &g->m.vm));
}

static bool make_vcpu(struct guest *g)
{
	return status_is(mmu_vcpu_create(g->m.vm, 1, &g->m.vcpu[1]));
}

static bool make_slot(struct guest *g)
{
	return status_is(mmu_slot_create(g->m.vm, 0, 5, MORE, 600,
					 FAKE_RAM + (MORE << PAGE_SHIFT), 0));
}

static bool make_twin(struct guest *g)
{
	return status_is(mmu_slot_create(g->m.vm, 1, 0, 0, 600, FAKE_RAM, 0));
}

static bool fault(struct guest *g)
{
	return verdict_is(fault_at(g, way_to(g, GVA, GPA), USER), MMU_RETRY);
}

static bool write_fault(struct guest *g)
{
	return verdict_is(fault_at(g, way_to(g, GVA, GPA), USER | WRITE), MMU_RETRY);
}

static bool fault_near(struct guest *g)
{
	return verdict_is(fault_at(g, way_to(g, NEAR, 0x6000), USER), MMU_RETRY);
}

static bool fault_far(struct guest *g)
{
	return verdict_is(fault_at(g, way_to(g, FAR, 0x8000), USER), MMU_RETRY);
}

static bool fault_table(struct guest *g)
{
	return verdict_is(fault_at(g, TABLE, USER | WRITE), MMU_RETRY);
}

static bool split(struct guest *g)
{
	return status_is(mmu_split_range(g->m.vm, 0, 0, STARVE_FRAMES, &starve_part));
}

static void split_all(struct guest *g)
{
	huge_touched(g);
	ck_assert(split(g));
	goes_to(g, BIG, BIG);
}

static bool recover(struct guest *g)
{
	ck_assert_uint_ge(mmu_recover_range(g->m.vm, 0, 0, STARVE_FRAMES), 1);
	return true;
}

static bool fault_big(struct guest *g)
{
	return verdict_is(fault_at(g, BIG, USER), MMU_RETRY);
}

static bool fault_device(struct guest *g)
{
	return verdict_is(fault_at(g, way_to(g, DEVICE, DEVICE_GPA), USER), MMU_EMULATE);
}

static bool drop_slot(struct guest *g)
{
	ck_assert_int_eq(mmu_slot_delete(g->m.vm, 0, 0), MMU_OK);
	return true;
}

static bool change_regs(struct guest *g)
{
	struct mmu_regs regs = g->regs;

	regs.cr0 ^= CR0_WP;
	mmu_set_regs(g->m.vcpu[0], &regs, true);
	mmu_set_regs(g->m.vcpu[0], &g->regs, true);
	return true;
}

static bool invlpg(struct guest *g)
{
	mmu_invlpg(g->m.vcpu[0], GVA);
	return true;
}

static bool write_table(struct guest *g)
{
	u64 value = guest_peek(g, g->regs.cr3, 8);

	ck_assert_uint_eq(mmu_vcpu_write(g->m.vcpu[0], g->regs.cr3, &value, 8), 8);
	return true;
}

static bool write_gva(struct guest *g)
{
	ck_assert_uint_eq(mmu_write_gva(g->m.vcpu[0], GVA, "x", 1, WRITE, NULL), 1);
	return true;
}

static bool zap_range(struct guest *g)
{
	ck_assert_uint_ge(mmu_zap_range(g->m.vm, 0, 0, STARVE_FRAMES), 1);
	return true;
}

static bool zap_all(struct guest *g)
{
	mmu_zap_all(g->m.vm);
	return true;
}

static bool unprotect(struct guest *g)
{
	ck_assert(mmu_unprotect(g->m.vm, g->regs.cr3 >> PAGE_SHIFT) || g->mode == PAE ||
		  g->mode == TWO_LEVEL);
	return true;
}

static bool turn_knob(struct guest *g)
{
	ck_assert_int_eq(mmu_set_knob(g->m.vm, MMU_KNOB_budget, 100), MMU_OK);
	return true;
}

static bool look(struct guest *g)
{
	struct mmu_stats stats;

	mmu_get_stats(g->m.vm, &stats);
	mmu_dump(g->m.vm);
	ck_assert_uint_eq(mmu_audit(g->m.vm, NULL, NULL), 0);
	return true;
}

/* ---- what it has done ------------------------------------------------------------------ */

static void near_goes(struct guest *g)
{
	goes_to(g, NEAR, 0x6000);
}

static void near_goes_to_the_same(struct guest *g)
{
	goes_to(g, NEAR, GPA);
	it_goes(g);
}

static void goes_elsewhere(struct guest *g)
{
	goes_to(g, GVA, 0x6000);
}

static void far_goes(struct guest *g)
{
	goes_to(g, FAR, 0x8000);
}

static void big_goes(struct guest *g)
{
	goes_to(g, BIG, BIG);
}

static void big_is_small(struct guest *g)
{
	unsigned level;

	ck_assert(machine_leaf(&g->m, 0, BIG, &level));
	ck_assert_uint_eq(level, LEVEL_4K);
	big_goes(g);
}

static void big_is_big(struct guest *g)
{
	unsigned level;

	big_goes(g);
	ck_assert(machine_leaf(&g->m, 0, BIG, &level));
	ck_assert_uint_eq(level, LEVEL_2M);
}

static void table_is_free(struct guest *g)
{
	gpa_t gpte = guest_map(g, GVA, 0x6000, RW | GPTE_D, 1);

	expect_mapped(g, 0, TABLE, USER | WRITE, gpte & PAGE_MASK);
	mmu_invlpg(g->m.vcpu[0], GVA);
	goes_elsewhere(g);
}

static void device_is_emulated(struct guest *g)
{
	expect_emulate(g, 0, way_to(g, DEVICE, DEVICE_GPA), USER, false, true);
}

/* The host's memory after the guest's first slot is the new one's. */
static void slot_is_there(struct guest *g)
{
	gpa_t gpa = (MORE + 5) << PAGE_SHIFT;

	ck_assert_uint_eq(mmu_vm_gpa_to_hpa(g->m.vm, gpa), FAKE_RAM + gpa);
	if (guest_pages(g))
		guest_store(g, guest_map(g, GVA + 0x10000, gpa, RW | GPTE_D, 1),
			    gpa | RW | GPTE_D | GPTE_P);
	goes_to(g, GVA + 0x10000, gpa);
	it_goes(g);
}

static void twin_is_there(struct guest *g)
{
	g->regs.smm = true;
	guest_set_regs(g, 0, true);
	it_goes(g);
}

/* Whole machines, of what the row has made and what is missing. */
static void machine_goes(struct guest *g)
{
	for (unsigned i = 0; i < 2; i++)
		if (!g->m.vcpu[i])
			ck_assert_int_eq(mmu_vcpu_create(g->m.vm, i, &g->m.vcpu[i]), MMU_OK);
	g->m.nr_vcpus = 2;
	machine_ram(&g->m, 0, 0, STARVE_FRAMES, 0);
	for (unsigned i = 0; i < 2; i++) {
		guest_set_regs(g, i, true);
		expect_mapped(g, i, GPA, USER, GPA);
	}
}

static void cr3_leads_nowhere(struct guest *g)
{
	ck_assert(g->m.vcpu[0]->root_mmu.root.sp->flags & SP_DUMMY);
}

const struct starve_row starve_rows[] = {
	{ "mmu_vm_create", "the first", ONCE, NO_VM, NULL, make_vm, machine_goes },
	{ "mmu_vcpu_create", "a second", ONCE, SAME, vm_of_one, make_vcpu, machine_goes },
	{ "mmu_slot_create", "before a root", EVERYWHERE, SAME, map_all, make_slot, slot_is_there },
	{ "mmu_slot_create", "after", EVERYWHERE, SAME, touched, make_slot, slot_is_there },
	{ "mmu_slot_create", "memory that is there", EVERYWHERE, SAME, touched, make_twin,
	  twin_is_there },
	{ "mmu_enter", "the first time", EVERYWHERE, NO_ROOT, map_all, enter, it_goes },
	{ "mmu_enter", "all is zapped", EVERYWHERE, NO_ROOT, all_zapped, enter, it_goes },
	{ "mmu_enter", "another CR3", SHADOW_PAGED, NO_ROOT, other_cr3, enter, it_goes },
	{ "mmu_enter", "a CR3 without memory", SHADOW_PAGED, NO_ROOT, cr3_without_memory, enter,
	  cr3_leads_nowhere },
	{ "mmu_enter", "another role", SHADOW_PAGED, NO_ROOT, other_rights, enter, it_goes },
	{ "mmu_fault", "nothing is there", EVERYWHERE, SAME, enter_once, fault, it_goes },
	{ "mmu_fault", "a write", EVERYWHERE, SAME, enter_once, write_fault, it_goes },
	{ "mmu_fault", "beside another", EVERYWHERE, SAME, touched, fault_near, near_goes },
	{ "mmu_fault", "the frame has a mapping", SHADOW_PAGED, SAME, mapped_once, fault_near,
	  near_goes_to_the_same },
	{ "mmu_fault", "far from another", EVERYWHERE, SAME, touched, fault_far, far_goes },
	{ "mmu_fault", "a huge page", EVERYWHERE, SAME, huge_pages, fault_big, big_goes },
	{ "mmu_fault", "a huge page in small ones", EVERYWHERE, SAME, big_in_small_pages,
	  fault_big, big_goes },
	{ "mmu_fault", "device memory", EVERYWHERE, SAME, touched, fault_device,
	  device_is_emulated },
	{ "mmu_fault", "no room in the budget", SHADOW_ONLY, FEWER, little_room, fault_near,
	  near_goes },
	{ "mmu_fault", "a table in a large mapping", SHADOW_PAGED, SAME, tables_in_a_huge_page,
	  fault_far, far_goes },
	{ "mmu_fault", "a write to a table", SHADOW_PAGED, SAME, table_mapped, fault_table,
	  table_is_free },
	{ "mmu_enter", "a table to sync", SHADOW_PAGED, NO_ROOT, table_unsync_and_cr3, enter,
	  goes_elsewhere },
	{ "mmu_split_range", "a large mapping", EVERYWHERE, SOME, huge_touched, split,
	  big_is_small },
	{ "mmu_recover_range", "what was split", EVERYWHERE, NEVER, split_all, recover,
	  big_is_big },
	{ "mmu_slot_delete", "mapped", EVERYWHERE, NEVER, touched_twice, drop_slot, NULL },
	{ "mmu_set_regs", "another role and back", EVERYWHERE, NEVER, touched_twice, change_regs,
	  all_go },
	{ "mmu_invlpg", "mapped", EVERYWHERE, NEVER, touched_twice, invlpg, all_go },
	{ "mmu_invlpg", "of an unsync table", SHADOW_PAGED, NEVER, table_unsync, invlpg,
	  goes_elsewhere },
	{ "mmu_vcpu_write", "to a table", SHADOW_PAGED, NEVER, touched_twice, write_table, all_go },
	{ "mmu_write_gva", "mapped", SHADOW_PAGED, NEVER, touched_twice, write_gva, all_go },
	{ "mmu_zap_range", "mapped", EVERYWHERE, NEVER, touched_twice, zap_range, all_go },
	{ "mmu_zap_all", "mapped", EVERYWHERE, NEVER, touched_twice, zap_all, all_go },
	{ "mmu_unprotect", "a root", SHADOW_PAGED, NEVER, touched_twice, unprotect, all_go },
	{ "mmu_set_knob", "the budget", EVERYWHERE, NEVER, touched_twice, turn_knob, all_go },
	{ "mmu_dump", "and the audit and counters", EVERYWHERE, NEVER, touched_twice, look, all_go },
};
const unsigned nr_starve_rows = sizeof(starve_rows) / sizeof(starve_rows[0]);
