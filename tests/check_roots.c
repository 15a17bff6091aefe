/* SPDX-License-Identifier: MIT */
/*
 * Root slots: which root a vCPU gets, which it keeps, when they go; loads of CR3
 * with and without a flush, PCIDs, INVLPG and INVPCID.
 */
#include "mmu/sp.h"
#include "tests/guest_pt.h"

#define RW	(GPTE_W | GPTE_U)
#define GVA	0x40001000ull

static struct guest g;

static struct mmu_root *slot(unsigned vcpu, unsigned i)
{
	return mmu_root_slot(&g.m.vcpu[vcpu]->root_mmu, i);
}

static struct mmu_stats stats(void)
{
	struct mmu_stats now;

	mmu_get_stats(g.m.vm, &now);
	return now;
}

/* CR3 of an address space that maps GVA there. */
static u64 new_space(gpa_t gpa)
{
	g.regs.cr3 = guest_table(&g);
	guest_map(&g, GVA, gpa, RW, 1);
	return g.regs.cr3;
}

static struct mmu_entry load(u64 cr3, enum mmu_cr3_load how)
{
	struct mmu_entry entry;

	g.regs.cr3 = cr3;
	mmu_set_regs(g.m.vcpu[0], &g.regs, how);
	entry = machine_enter(&g.m, 0);
	machine_audit(&g.m);
	return entry;
}

static void pcids_on(void)
{
	g.regs.cr4 |= CR4_PCIDE;
	guest_set_regs(&g, 0, MMU_CR3_NONE);
	machine_enter(&g.m, 0);
}

/* The CR3 of each slot, current first; ~0: empty. */
#define expect_slots(...)                                                                          \
	do {                                                                                       \
		const u64 want[MMU_ROOT_SLOTS] = { __VA_ARGS__ };                                  \
		for (unsigned i = 0; i < MMU_ROOT_SLOTS; i++)                                      \
			ck_assert_uint_eq(slot(0, i)->sp ? slot(0, i)->pgd : ~0ull, want[i]);      \
	} while (0)

START_TEST(a_root_is_kept_and_found_again_without_a_look_at_the_hash)
{
	for (enum guest_mode mode = TWO_LEVEL; mode < NR_GUEST_MODES; mode++) {
		struct mmu_stats before, after;
		hpa_t root;
		u64 a, b;

		guest_init(&g, mode, NULL);
		a = new_space(0x5000);
		b = new_space(0x6000);
		load(a, MMU_CR3_LOAD);
		root = load(b, MMU_CR3_LOAD).root;
		expect_mapped(&g, 0, GVA, 0, 0x6000);
		load(a, MMU_CR3_LOAD);
		expect_mapped(&g, 0, GVA, 0, 0x5000);
		before = stats();
		ck_assert_uint_eq(load(b, MMU_CR3_LOAD).root, root);
		after = stats();
		ck_assert_uint_eq(after.sp_made, before.sp_made);
		ck_assert_uint_eq(after.sp_hits, before.sp_hits);
		ck_assert_uint_eq(cpu_access(&g, 0, GVA, 0).faults, 0);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(the_one_not_used_for_longest_goes)
{
	u64 space[5];

	guest_init(&g, LONG4, NULL);
	for (unsigned i = 0; i < 5; i++)
		space[i] = new_space(0x5000 + (i << 12));
	for (unsigned i = 0; i < 4; i++)
		load(space[i], MMU_CR3_LOAD);
	expect_slots(space[3], space[2], space[1], space[0]);
	load(space[1], MMU_CR3_LOAD);
	expect_slots(space[1], space[3], space[2], space[0]);
	load(space[4], MMU_CR3_LOAD);
	expect_slots(space[4], space[1], space[3], space[2]);
	load(space[2], MMU_CR3_LOAD);
	expect_slots(space[2], space[4], space[1], space[3]);
	guest_fini(&g);
}
END_TEST

START_TEST(the_knob_says_how_many_are_kept)
{
	u64 space[4];

	guest_init(&g, LONG4, NULL);
	for (unsigned i = 0; i < 4; i++)
		space[i] = new_space(0x5000 + (i << 12));
	machine_knob(&g.m, MMU_KNOB_prevroots, 0);
	load(space[0], MMU_CR3_LOAD);
	load(space[1], MMU_CR3_LOAD);
	expect_slots(space[1], ~0ull, ~0ull, ~0ull);
	machine_knob(&g.m, MMU_KNOB_prevroots, 3);
	for (unsigned i = 0; i < 4; i++)
		load(space[i], MMU_CR3_LOAD);
	machine_knob(&g.m, MMU_KNOB_prevroots, 1);
	load(space[0], MMU_CR3_LOAD);
	expect_slots(space[0], space[3], ~0ull, ~0ull);
	guest_fini(&g);
}
END_TEST

START_TEST(a_special_root_lives_as_long_as_a_slot_names_it)
{
	static const enum guest_mode modes[] = { TWO_LEVEL, PAE };

	for (unsigned i = 0; i < 2; i++) {
		u64 space[6], sps;

		guest_init(&g, modes[i], NULL);
		for (unsigned k = 0; k < 5; k++)
			space[k] = new_space(0x5000 + (k << 12));
		space[5] = GUEST_FRAMES << PAGE_SHIFT; /* no memory: a dummy */
		for (unsigned k = 0; k < 4; k++)
			load(space[k], MMU_CR3_LOAD);
		sps = stats().sps;
		ck_assert_uint_eq(sps, 4);
		load(space[4], MMU_CR3_LOAD);
		load(space[5], MMU_CR3_LOAD);
		ck_assert_uint_eq(stats().sps, sps);
		ck_assert(slot(0, 0)->sp->flags & SP_DUMMY);
		ck_assert(fake_last(&g.m.fake, EV_sp_zap)->sp_zap.why == ZAP_unused);
		guest_fini(&g);
	}
}
END_TEST

/* S0.9 of the blueprint's list: a hundred thousand times. */
START_TEST(special_roots_come_and_go_and_nothing_leaks)
{
	u64 space[6], pages = 0;

	guest_init(&g, TWO_LEVEL, NULL);
	for (unsigned k = 0; k < 5; k++)
		space[k] = new_space(0x5000 + (k << 12));
	space[5] = GUEST_FRAMES << PAGE_SHIFT;
	g.m.fake.env.events_on = false;
	for (unsigned i = 0; i < 100000; i++) {
		struct mmu_entry entry;

		g.regs.cr3 = space[i % 6];
		mmu_set_regs(g.m.vcpu[0], &g.regs, MMU_CR3_LOAD);
		ck_assert_int_eq(mmu_enter(g.m.vcpu[0], &entry), MMU_OK);
		mmu_leave(g.m.vcpu[0]);
		if (i == 50000) /* by now each page of the host was used once */
			pages = stats().pages;
	}
	ck_assert_uint_eq(stats().pages, pages);
	ck_assert_uint_eq(stats().sps, 4);
	guest_fini(&g);
}
END_TEST

START_TEST(a_root_that_is_zapped_leaves_every_slot)
{
	u64 a, b;

	guest_init(&g, LONG4, NULL);
	a = new_space(0x5000);
	b = new_space(0x6000);
	load(a, MMU_CR3_LOAD);
	load(b, MMU_CR3_LOAD);
	guest_set_regs(&g, 1, MMU_CR3_LOAD);
	machine_enter(&g.m, 1);
	ck_assert(mmu_unprotect(g.m.vm, a >> PAGE_SHIFT));
	machine_audit(&g.m);
	ck_assert(atomic_load(&g.m.vcpu[0]->requests) & MMU_REQ_RELOAD);
	ck_assert(!(atomic_load(&g.m.vcpu[1]->requests) & MMU_REQ_RELOAD));
	ck_assert_uint_eq(machine_enter(&g.m, 0).root, slot(0, 0)->sp->table_hpa);
	expect_slots(b, ~0ull, ~0ull, ~0ull);
	mmu_unprotect(g.m.vm, b >> PAGE_SHIFT);
	machine_enter(&g.m, 0);
	machine_enter(&g.m, 1);
	expect_slots(b, ~0ull, ~0ull, ~0ull);
	ck_assert_uint_eq(stats().sps, 1);
	guest_fini(&g);
}
END_TEST

START_TEST(a_role_that_comes_back_finds_its_root)
{
	hpa_t root;

	guest_init(&g, LONG4, NULL);
	new_space(0x5000);
	root = load(g.regs.cr3, MMU_CR3_LOAD).root;
	g.regs.cr0 &= ~CR0_WP;
	ck_assert_uint_ne(load(g.regs.cr3, MMU_CR3_NONE).root, root);
	g.regs.cr0 |= CR0_WP;
	ck_assert_uint_eq(load(g.regs.cr3, MMU_CR3_NONE).root, root);
	/* The same role, but entries are read otherwise. */
	g.regs.efer &= ~EFER_NXE;
	ck_assert_uint_ne(load(g.regs.cr3, MMU_CR3_NONE).root, root);
	guest_fini(&g);
}
END_TEST

START_TEST(a_kept_dummy_is_not_used_where_memory_has_come)
{
	u64 a, nowhere = GUEST_FRAMES << PAGE_SHIFT;

	guest_init(&g, LONG4, NULL);
	a = new_space(0x5000);
	load(nowhere, MMU_CR3_LOAD);
	ck_assert(slot(0, 0)->sp->flags & SP_DUMMY);
	load(a, MMU_CR3_LOAD);
	machine_ram(&g.m, 1, GUEST_FRAMES, 16, GUEST_FRAMES << PAGE_SHIFT);
	load(nowhere, MMU_CR3_LOAD);
	ck_assert(!(slot(0, 0)->sp->flags & SP_DUMMY));
	guest_fini(&g);
}
END_TEST

/* ---- PDPTEs --------------------------------------------------------------------------- */

START_TEST(of_the_pdptes_only_what_changed_is_dropped)
{
	u64 other;

	guest_init(&g, PAE, NULL);
	guest_map(&g, 0x1000, 0x5000, RW, 1);
	guest_map(&g, GVA, 0x6000, RW, 1);
	expect_mapped(&g, 0, 0x1000, 0, 0x5000);
	expect_mapped(&g, 0, GVA, 0, 0x6000);
	other = guest_table(&g);
	guest_store(&g, g.regs.cr3, other | GPTE_P);
	load(g.regs.cr3, MMU_CR3_LOAD);
	ck_assert_uint_eq(machine_leaf(&g.m, 0, 0x1000, NULL), 0);
	ck_assert_uint_ne(machine_leaf(&g.m, 0, GVA, NULL), 0);
	/* INVLPG looks at the one on the way. */
	guest_store(&g, g.regs.cr3 + 8, other | GPTE_P);
	mmu_invlpg(g.m.vcpu[0], 0x1000);
	ck_assert_uint_ne(machine_leaf(&g.m, 0, GVA, NULL), 0);
	mmu_invlpg(g.m.vcpu[0], GVA + 0x5000);
	ck_assert_uint_eq(machine_leaf(&g.m, 0, GVA, NULL), 0);
	/* Reserved bits count as a change. */
	expect_inject(&g, 0, GVA, 0, 0);
	guest_fini(&g);
}
END_TEST

START_TEST(a_root_kept_without_a_flush_is_as_it_was_left)
{
	u64 a, b;

	guest_init(&g, PAE, NULL);
	a = new_space(0x5000);
	b = new_space(0x6000);
	load(b, MMU_CR3_LOAD);
	load(a, MMU_CR3_LOAD);
	expect_mapped(&g, 0, GVA, 0, 0x5000);
	load(b, MMU_CR3_LOAD);
	guest_store(&g, a + 8, 0);
	load(a, MMU_CR3_LOAD_NOFLUSH);
	ck_assert_uint_ne(machine_leaf(&g.m, 0, GVA, NULL), 0);
	load(b, MMU_CR3_LOAD);
	load(a, MMU_CR3_LOAD);
	ck_assert_uint_eq(machine_leaf(&g.m, 0, GVA, NULL), 0);
	guest_fini(&g);
}
END_TEST

/* ---- what is flushed ------------------------------------------------------------------ */

START_TEST(a_cr3_load_spares_global_entries_and_a_changed_mode_nothing)
{
	u64 a, b;

	guest_init(&g, LONG4, NULL);
	a = new_space(0x5000);
	b = new_space(0x6000);
	load(a, MMU_CR3_LOAD);
	ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_NONE);
	ck_assert_int_eq(load(a, MMU_CR3_LOAD).flush, MMU_FLUSH_NONGLOBAL);
	ck_assert_int_eq(load(b, MMU_CR3_LOAD).flush, MMU_FLUSH_NONGLOBAL);
	ck_assert_int_eq(load(a, MMU_CR3_LOAD).flush, MMU_FLUSH_NONGLOBAL);
	ck_assert_uint_eq(fake_last(&g.m.fake, EV_flush_done)->flush_done.kept_global, 1);
	/* No PCIDs in the hardware: another root is a flush whatever the guest says. */
	ck_assert_int_eq(load(b, MMU_CR3_LOAD_NOFLUSH).flush, MMU_FLUSH_NONGLOBAL);
	ck_assert_int_eq(load(b, MMU_CR3_LOAD_NOFLUSH).flush, MMU_FLUSH_NONE);
	g.regs.cr4 ^= CR4_PGE;
	ck_assert_int_eq(load(b, MMU_CR3_NONE).flush, MMU_FLUSH_ALL);
	g.regs.cr4 ^= CR4_SMEP;
	ck_assert_int_eq(load(b, MMU_CR3_NONE).flush, MMU_FLUSH_ALL);
	g.regs.cr4 ^= CR4_PCIDE;
	ck_assert_int_eq(load(b, MMU_CR3_NONE).flush, MMU_FLUSH_ALL);
	mmu_invlpg(g.m.vcpu[0], GVA);
	ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_ALL);
	mmu_zap_range(g.m.vm, 0, 0, GUEST_FRAMES);
	expect_mapped(&g, 0, GVA, 0, 0x6000);
	mmu_zap_range(g.m.vm, 0, 0, GUEST_FRAMES);
	ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_ALL);
	guest_fini(&g);
}
END_TEST

START_TEST(a_flush_of_one_pcid_gives_up_the_kept_roots_with_it)
{
	u64 a, b, c, d;

	guest_init(&g, LONG4, NULL);
	a = new_space(0x5000) | 1;
	b = new_space(0x6000) | 2;
	c = new_space(0x7000) | 2;
	d = new_space(0x8000) | 2;
	pcids_on();
	load(a, MMU_CR3_LOAD);
	load(b, MMU_CR3_LOAD);
	load(c, MMU_CR3_LOAD_NOFLUSH);
	expect_slots(c, b, a, d & ~0xfffull);
	load(d, MMU_CR3_LOAD); /* other tables, the same PCID */
	expect_slots(d, ~0ull, a, d & ~0xfffull);
	load(b, MMU_CR3_LOAD_NOFLUSH);
	expect_slots(b, d, a, d & ~0xfffull);
	ck_assert(mmu_invpcid(g.m.vcpu[0], MMU_INVPCID_CONTEXT, 1, 0));
	expect_slots(b, d, ~0ull, d & ~0xfffull);
	ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_NONE);
	ck_assert(mmu_invpcid(g.m.vcpu[0], MMU_INVPCID_CONTEXT, 2, 0));
	expect_slots(b, ~0ull, ~0ull, d & ~0xfffull);
	ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_NONGLOBAL);
	ck_assert(mmu_invpcid(g.m.vcpu[0], MMU_INVPCID_NONGLOBAL, 0, 0));
	expect_slots(b, ~0ull, ~0ull, ~0ull);
	ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_NONGLOBAL);
	ck_assert(mmu_invpcid(g.m.vcpu[0], MMU_INVPCID_ALL, 0, 0));
	ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_ALL);
	guest_fini(&g);
}
END_TEST

START_TEST(one_address_of_a_pcid_is_invalidated_where_the_pcid_is)
{
	u64 a, b;

	guest_init(&g, LONG4, NULL);
	a = new_space(0x5000) | 1;
	b = new_space(0x6000) | 2;
	pcids_on();
	load(a, MMU_CR3_LOAD);
	load(b, MMU_CR3_LOAD);
	ck_assert(mmu_invpcid(g.m.vcpu[0], MMU_INVPCID_ADDRESS, 1, GVA));
	ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_NONE);
	ck_assert(mmu_invpcid(g.m.vcpu[0], MMU_INVPCID_ADDRESS, 2, 1ull << 63));
	ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_NONE);
	ck_assert(mmu_invpcid(g.m.vcpu[0], MMU_INVPCID_ADDRESS, 2, GVA));
	ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_NONGLOBAL);
	ck_assert_uint_eq(slot(0, 1)->pgd, a);
	guest_fini(&g);
}
END_TEST

START_TEST(what_invpcid_cannot_mean_is_refused)
{
	guest_init(&g, LONG4, NULL);
	machine_enter(&g.m, 0);
	fake_forget(&g.m.fake);
	ck_assert(!mmu_invpcid(g.m.vcpu[0], 4, 0, 0));
	ck_assert(!mmu_invpcid(g.m.vcpu[0], MMU_INVPCID_ALL, 0x1000, 0));
	ck_assert(!mmu_invpcid(g.m.vcpu[0], MMU_INVPCID_ADDRESS, 1, 0));
	ck_assert(!mmu_invpcid(g.m.vcpu[0], MMU_INVPCID_CONTEXT, 1, 0));
	ck_assert_uint_eq(g.m.fake.nr_events, 0);
	ck_assert(mmu_invpcid(g.m.vcpu[0], MMU_INVPCID_CONTEXT, 0, 0));
	pcids_on();
	ck_assert(mmu_invpcid(g.m.vcpu[0], MMU_INVPCID_CONTEXT, 0xfff, 0));
	guest_fini(&g);
}
END_TEST

TAP_MAIN("roots", a_root_is_kept_and_found_again_without_a_look_at_the_hash,
	 the_one_not_used_for_longest_goes, the_knob_says_how_many_are_kept,
	 a_special_root_lives_as_long_as_a_slot_names_it,
	 special_roots_come_and_go_and_nothing_leaks, a_root_that_is_zapped_leaves_every_slot,
	 a_role_that_comes_back_finds_its_root, a_kept_dummy_is_not_used_where_memory_has_come,
	 of_the_pdptes_only_what_changed_is_dropped, a_root_kept_without_a_flush_is_as_it_was_left,
	 a_cr3_load_spares_global_entries_and_a_changed_mode_nothing,
	 a_flush_of_one_pcid_gives_up_the_kept_roots_with_it,
	 one_address_of_a_pcid_is_invalidated_where_the_pcid_is,
	 what_invpcid_cannot_mean_is_refused)
