/* SPDX-License-Identifier: MIT */
/*
 * Zapping: everything by generation and a few pages at a time, one slot, long
 * ranges, the oldest pages; and what is said about why.
 */
#include "mmu/sp.h"
#include "tests/guest_pt.h"

#define RW	(GPTE_W | GPTE_U)
#define USER	PFERR_USER

static struct guest g;

static struct mmu_stats stats(void)
{
	struct mmu_stats now;

	mmu_get_stats(g.m.vm, &now);
	return now;
}

static u8 last_why(void)
{
	const struct fake_event *event = fake_last(&g.m.fake, EV_sp_zap);

	ck_assert_ptr_nonnull(event);
	return event->sp_zap.why;
}

/* n pages in n tables. */
static void map_far_apart(unsigned n)
{
	for (u64 i = 0; i < n; i++)
		guest_map(&g, i << 21, 0x1000000 + (i << 12), RW, 1);
	for (u64 i = 0; i < n; i++)
		expect_mapped(&g, 0, i << 21, USER, 0x1000000 + (i << 12));
}

static unsigned obsolete_pages(void)
{
	unsigned n = 0;

	for (struct sp *sp = sp_next(g.m.vm, NULL); sp; sp = sp_next(g.m.vm, sp))
		n += sp_is_obsolete(g.m.vm, sp);
	return n;
}

/* ---- everything ----------------------------------------------------------------------- */

static unsigned yields;

/* While others have their turn, the other vCPU runs on. */
static void run_the_other(struct fake *fake, unsigned point)
{
	const gva_t newest = 44 << 21; /* its pages go last */
	struct mmu_host_step steps[5];
	struct outcome out;

	if (point != MMU_POINT_yield)
		return;
	fake->on_point = NULL;
	yields++;
	ck_assert_uint_gt(obsolete_pages(), 0);
	g.m.audit_every = 1000000; /* it is not the time for an audit */
	g.m.audit_calls = 1;
	out = cpu_access(&g, 1, newest, USER);
	ck_assert_int_eq(out.verdict, MMU_RETRY);
	ck_assert_uint_eq(mmu_host_walk(g.m.vcpu[1], newest, steps), 4);
	for (unsigned i = 0; i < 4; i++)
		ck_assert(!sp_is_obsolete(g.m.vm, sp_by_id(g.m.vm, steps[i].sp)));
	g.m.audit_every = 0;
	fake->on_point = run_the_other;
}

START_TEST(all_pages_are_obsolete_at_once_and_go_a_few_at_a_time)
{
	struct mmu_stats before;

	guest_init(&g, LONG4, NULL);
	map_far_apart(45);
	expect_mapped(&g, 1, 0, USER, 0x1000000);
	before = stats();
	yields = 0;
	g.m.fake.on_point = run_the_other;
	mmu_zap_all(g.m.vm);
	g.m.fake.on_point = NULL;
	machine_audit(&g.m);
	ck_assert_uint_eq(yields, before.sps / 10);
	ck_assert_uint_eq(fake_last(&g.m.fake, EV_zap_all)->zap_all.sps, before.sps);
	/* What the other vCPU made meanwhile is there, and vCPU 0's old root until it
	 * enters. */
	ck_assert_uint_eq(stats().sps, 4 + 1);
	ck_assert_uint_eq(obsolete_pages(), 1);
	machine_enter(&g.m, 0);
	ck_assert_uint_eq(obsolete_pages(), 0);
	ck_assert_uint_eq(stats().sps, 4);
	ck_assert_uint_eq(last_why(), ZAP_obsolete);
	expect_mapped(&g, 0, 1 << 21, USER, 0x1001000);
	guest_fini(&g);
}
END_TEST

static void zap_all_again(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_yield)
		return;
	fake->on_point = NULL;
	mmu_zap_all(g.m.vm);
}

START_TEST(who_zaps_everything_meanwhile_helps_first)
{
	guest_init(&g, LONG4, NULL);
	map_far_apart(45);
	g.m.fake.on_point = zap_all_again;
	mmu_zap_all(g.m.vm);
	ck_assert_uint_eq(g.m.vm->gen, 0);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_zap_all), 2);
	machine_enter(&g.m, 0);
	ck_assert_uint_eq(stats().sps, 1);
	expect_mapped(&g, 0, 0, USER, 0x1000000);
	guest_fini(&g);
}
END_TEST

START_TEST(kept_roots_and_special_ones_go_with_everything)
{
	static const enum guest_mode modes[] = { TWO_LEVEL, PAE, LONG4 };

	for (unsigned i = 0; i < 3; i++) {
		guest_init(&g, modes[i], NULL);
		guest_map(&g, 0, 0x5000, RW, 1);
		expect_mapped(&g, 0, 0, USER, 0x5000);
		g.regs.cr3 = guest_table(&g);
		guest_map(&g, 0, 0x6000, RW, 1);
		guest_set_regs(&g, 0, MMU_CR3_LOAD);
		expect_mapped(&g, 0, 0, USER, 0x6000);
		mmu_zap_all(g.m.vm);
		machine_audit(&g.m);
		ck_assert_uint_eq(stats().sps, 2);
		machine_enter(&g.m, 0);
		ck_assert_uint_eq(stats().sps, 1);
		ck_assert_ptr_null(g.m.vcpu[0]->root_mmu.prev[0].sp);
		expect_mapped(&g, 0, 0, USER, 0x6000);
		guest_fini(&g);
	}
}
END_TEST

/* ---- slots ---------------------------------------------------------------------------- */

START_TEST(a_slot_that_goes_takes_its_pages_and_no_others)
{
	gpa_t far = GUEST_FRAMES << PAGE_SHIFT;
	u64 sps;

	guest_init(&g, LONG4, NULL);
	machine_ram(&g.m, 1, GUEST_FRAMES, 16, far);
	guest_map(&g, 0x1000, 0x5000, RW, 1);
	guest_map(&g, 0x2000, far, RW, 1);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	expect_mapped(&g, 0, 0x2000, USER, far);
	sps = stats().sps;
	ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, 1), MMU_OK);
	machine_audit(&g.m);
	ck_assert_uint_eq(stats().sps, sps);
	ck_assert_uint_ne(machine_leaf(&g.m, 0, 0x1000, NULL), 0);
	ck_assert_uint_eq(machine_leaf(&g.m, 0, 0x2000, NULL), 0);
	ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_ALL);
	guest_fini(&g);
}
END_TEST

START_TEST(a_slot_that_goes_takes_the_mirrors_of_its_tables)
{
	for (enum guest_mode mode = TWO_LEVEL; mode < NR_GUEST_MODES; mode++) {
		guest_init(&g, mode, NULL);
		guest_map(&g, 0x1000, 0x5000, RW, 1);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		machine_enter(&g.m, 1);
		ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, 0), MMU_OK);
		machine_audit(&g.m);
		ck_assert_uint_eq(last_why(), ZAP_slot);
		ck_assert_uint_eq(g.m.vm->nr_indirect, 0);
		for (unsigned i = 0; i < 2; i++) {
			machine_enter(&g.m, i);
			ck_assert(g.m.vcpu[i]->root_mmu.root.sp->flags & SP_DUMMY);
		}
		ck_assert_uint_eq(stats().sps, 2);
		machine_ram(&g.m, 0, 0, GUEST_FRAMES, 0);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		guest_fini(&g);
	}
}
END_TEST

/* A page of one address space counts in both. */
START_TEST(of_two_slots_on_the_same_memory_one_may_go)
{
	guest_init(&g, LONG4, NULL);
	guest_map(&g, 0x1000, 0x5000, RW, 1);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 1, 0, 0, GUEST_FRAMES, FAKE_RAM, 0), MMU_OK);
	machine_audit(&g.m);
	ck_assert_uint_eq(g.m.vm->nr_indirect, 0);
	g.regs.smm = true;
	guest_set_regs(&g, 1, MMU_CR3_LOAD);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	expect_mapped(&g, 1, 0x1000, USER, 0x5000);
	ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, 0), MMU_OK);
	machine_audit(&g.m);
	expect_mapped(&g, 1, 0x1000, USER, 0x5000);
	guest_fini(&g);
}
END_TEST

/* ---- ranges --------------------------------------------------------------------------- */

static void delete_the_slot(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_yield)
		return;
	fake->on_point = NULL;
	ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, 1), MMU_OK);
}

START_TEST(a_long_range_gives_way_and_minds_what_happened_meanwhile)
{
	const gfn_t base = 0x10000, npages = 0x28000;

	for (unsigned gone = 0; gone < 2; gone++) {
		guest_init(&g, LONG4, NULL);
		machine_ram(&g.m, 1, base, npages, 256ull << 20);
		guest_map(&g, 0x1000, base << PAGE_SHIFT, RW, 1);
		guest_map(&g, 0x2000, (base + npages - 1) << PAGE_SHIFT, RW, 1);
		guest_map(&g, 0x3000, 0x5000, RW, 1);
		cpu_access(&g, 0, 0x3000, USER);
		cpu_access(&g, 0, 0x1000, USER);
		cpu_access(&g, 0, 0x2000, USER);
		if (gone)
			g.m.fake.on_point = delete_the_slot;
		ck_assert_uint_eq(mmu_zap_range(g.m.vm, 0, 0, ~0ull), gone ? 1 : 3);
		machine_audit(&g.m);
		ck_assert_uint_ge(g.m.fake.points[MMU_POINT_yield], 1);
		ck_assert_uint_eq(machine_leaf(&g.m, 0, 0x2000, NULL), 0);
		guest_fini(&g);
	}
}
END_TEST

/* ---- the oldest, and why -------------------------------------------------------------- */

START_TEST(shrinking_takes_the_oldest_but_no_roots)
{
	u64 sps;

	guest_init(&g, LONG4, NULL);
	map_far_apart(10);
	sps = stats().sps;
	ck_assert_uint_eq(mmu_shrink(g.m.vm, 4), 4);
	machine_audit(&g.m);
	ck_assert_uint_eq(stats().sps, sps - 4);
	ck_assert_uint_eq(last_why(), ZAP_shrink);
	ck_assert_uint_eq(mmu_shrink(g.m.vm, 1000), sps - 4 - 1);
	ck_assert_uint_eq(stats().sps, 1);
	ck_assert_uint_eq(mmu_shrink(g.m.vm, 1000), 0);
	expect_mapped(&g, 0, 0, USER, 0x1000000);
	guest_fini(&g);
}
END_TEST

START_TEST(it_is_said_why_a_page_went)
{
	gpa_t leaf;

	guest_init(&g, LONG4, NULL);
	machine_knob(&g.m, MMU_KNOB_flood, 2);
	leaf = guest_map(&g, 0x1000, 0x5000, RW, 1);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	guest_store(&g, leaf, 0x6000 | RW | GPTE_P);
	guest_store(&g, leaf, 0x7000 | RW | GPTE_P);
	ck_assert_uint_eq(last_why(), ZAP_flood);
	expect_mapped(&g, 0, 0x1000, USER, 0x7000);
	ck_assert(mmu_unprotect(g.m.vm, leaf >> PAGE_SHIFT));
	ck_assert_uint_eq(last_why(), ZAP_unprotect);
	guest_fini(&g);
}
END_TEST

/* ---- global entries -------------------------------------------------------------------- */

static bool is_global(gva_t gva)
{
	return machine_leaf(&g.m, 0, gva, NULL) & SPTE_G;
}

START_TEST(an_entry_is_global_if_the_guest_says_so)
{
	for (enum guest_mode mode = TWO_LEVEL; mode < NR_GUEST_MODES; mode++) {
		guest_init(&g, mode, NULL);
		guest_map(&g, 0x1000, 0x5000, RW | GPTE_G, 1);
		guest_map(&g, 0x2000, 0x6000, RW, 1);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		expect_mapped(&g, 0, 0x2000, USER, 0x6000);
		ck_assert(is_global(0x1000));
		ck_assert(!is_global(0x2000));
		machine_knob(&g.m, MMU_KNOB_global, 0);
		mmu_zap_range(g.m.vm, 0, 0, GUEST_FRAMES);
		expect_mapped(&g, 0, 0x1000, USER, 0x5000);
		ck_assert(!is_global(0x1000));
		guest_fini(&g);
	}
}
END_TEST

/* Two of the guest's large pages map the same memory, and ours are small: both find
 * the same page of ours, and what is in it is in the TLB for either. */
START_TEST(a_part_of_a_large_page_is_not_global)
{
	for (enum guest_mode mode = TWO_LEVEL; mode < NR_GUEST_MODES; mode++) {
		guest_init(&g, mode, NULL);
		guest_map(&g, 0x400000, 0x400000, RW | GPTE_G, 2);
		guest_map(&g, 0x800000, 0x400000, RW, 2);
		expect_mapped(&g, 0, 0x401000, USER, 0x401000);
		expect_mapped(&g, 0, 0x802000, USER, 0x402000);
		ck_assert(!is_global(0x801000));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_large_leaf_is_global_till_it_is_split)
{
	u64 nr;

	guest_init(&g, LONG4, NULL);
	machine_knob(&g.m, MMU_KNOB_huge, 1);
	guest_map(&g, 0x400000, 0x400000, RW | GPTE_G, 2);
	expect_mapped(&g, 0, 0x401000, USER, 0x401000);
	ck_assert(is_global(0x401000));
	ck_assert_int_eq(mmu_split_range(g.m.vm, 0, 0, GUEST_FRAMES, &nr), MMU_OK);
	ck_assert_uint_eq(nr, 1);
	ck_assert(machine_leaf(&g.m, 0, 0x401000, NULL) && !is_global(0x401000));
	guest_fini(&g);
}
END_TEST

TAP_MAIN("zap", all_pages_are_obsolete_at_once_and_go_a_few_at_a_time,
	 who_zaps_everything_meanwhile_helps_first, kept_roots_and_special_ones_go_with_everything,
	 a_slot_that_goes_takes_its_pages_and_no_others,
	 a_slot_that_goes_takes_the_mirrors_of_its_tables,
	 of_two_slots_on_the_same_memory_one_may_go,
	 a_long_range_gives_way_and_minds_what_happened_meanwhile,
	 shrinking_takes_the_oldest_but_no_roots, it_is_said_why_a_page_went,
	 an_entry_is_global_if_the_guest_says_so,
	 a_part_of_a_large_page_is_not_global, a_large_leaf_is_global_till_it_is_split)
