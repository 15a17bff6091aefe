/* SPDX-License-Identifier: MIT */
/*
 * Unsync pages: what the guest may write freely, and when we follow. Every call is
 * followed by an audit.
 */
#include "tests/unsync_guest.h"

#include "mmu/flush.h"
#include "mmu/unsync.h"

/* ---- becoming unsync --------------------------------------------------------------- */

START_TEST(a_table_of_level_1_may_be_written_freely)
{
	for_each_paging(mode) {
		make(mode);
		fake_forget(&g.m.fake);
		store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
		ck_assert(is_unsync());
		ck_assert_uint_eq(stats().unsync, 1);
		ck_assert_uint_eq(stats().guest_writes, 0);
		ck_assert_uint_eq(fake_count(&g.m.fake, EV_sp_unsync), 1);
		ck_assert(sp_has_unsync_below(g.m.vcpu[0]->mmu->root.sp));
		/* Not flushed yet. */
		expect_mapped(&g, 0, GVA, USER, 0x5000);
		store_pte(0, GVA + 0x1000, 0);
		ck_assert_uint_eq(fake_count(&g.m.fake, EV_sp_unsync), 1);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(an_upper_table_is_not)
{
	for_each_paging(mode) {
		if (mode == PAE) /* the top table is watched by nobody */
			continue;
		make(mode);
		guest_map(&g, ALIAS + 0x1000, table_of(GVA, 2), RW, 1);
		expect_emulate(&g, 0, ALIAS + 0x1000, WRITE, true, false);
		ck_assert_uint_eq(stats().unsync, 0);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_read_makes_nothing_unsync)
{
	make(LONG4);
	expect_mapped(&g, 0, ALIAS, USER, table());
	ck_assert(!is_unsync() && !alias_is_writable());
	guest_fini(&g);
}
END_TEST

START_TEST(with_the_knob_off_writes_are_emulated_again)
{
	make(LONG4);
	store_pte(0, GVA, 0);
	machine_knob(&g.m, MMU_KNOB_unsync, 0);
	expect_mapped(&g, 0, ALIAS, WRITE, table());
	load_cr3(0);
	ck_assert(!is_unsync());
	expect_emulate(&g, 0, ALIAS, WRITE, true, false);
	guest_fini(&g);
}
END_TEST

static bool seen_point;

static void look_at_point(struct fake *fake, unsigned point)
{
	(void)fake;
	if (point != MMU_POINT_unsync)
		return;
	seen_point = true;
	ck_assert(is_unsync());
	ck_assert(sp_has_unsync_below(g.m.vcpu[0]->mmu->root.sp));
	ck_assert(!alias_is_writable());
}

START_TEST(the_mark_is_there_before_the_right_to_write)
{
	make(LONG4);
	expect_mapped(&g, 0, ALIAS, USER, table());
	g.m.fake.on_point = look_at_point;
	seen_point = false;
	store_pte(0, GVA, 0);
	g.m.fake.on_point = NULL;
	ck_assert(seen_point && alias_is_writable());
	guest_fini(&g);
}
END_TEST

START_TEST(a_table_that_maps_itself_may_be_unsync_too)
{
	for_each_paging(mode) {
		make(mode);
		guest_store(&g, pte_of(GVA), table() | GPTE_P | RW | AD);
		store(0, GVA + (pte_of(GVA + 0x1000) & ~PAGE_MASK), 0x9000 | GPTE_P | RW | AD);
		ck_assert(is_unsync());
		load_cr3(0);
		ck_assert(!is_unsync() || mode == PAE);
		ck_assert(!spte_is_writable(machine_leaf(&g.m, 0, GVA, NULL)));
		expect_mapped(&g, 0, GVA + 0x1000, USER, 0x9000);
		guest_fini(&g);
	}
}
END_TEST

/* ---- following --------------------------------------------------------------------- */

START_TEST(loading_cr3_syncs_all)
{
	for_each_paging(mode) {
		make(mode);
		store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
		store_pte(0, GVA + 0x1000, 0);
		machine_enter(&g.m, 1);
		fake_forget(&g.m.fake);
		load_cr3(0);
		/* With PAE the root lets go of its children, which are synced when they
		 * are linked again. */
		if (mode != PAE) {
			ck_assert(!is_unsync() && !alias_is_writable());
			ck_assert_uint_eq(stats().unsync, 0);
			ck_assert_uint_eq(fake_count(&g.m.fake, EV_sp_sync), 1);
			/* What has left the tables has left all TLBs. */
			ck_assert(machine_enter(&g.m, 1).flush);
		}
		ck_assert(!maps(GVA) && !maps(GVA + 0x1000));
		expect_mapped(&g, 0, GVA, USER, 0x7000);
		expect_inject(&g, 0, GVA + 0x1000, USER, USER);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(what_the_guest_did_not_change_stays_mapped)
{
	make(LONG4);
	store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
	load_cr3(0);
	ck_assert(!maps(GVA) && maps(GVA + 0x1000));
	guest_fini(&g);
}
END_TEST

START_TEST(invlpg_syncs_its_address_and_no_other)
{
	for_each_paging(mode) {
		make(mode);
		store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
		store_pte(0, GVA + 0x1000, 0x8000 | GPTE_P | RW | AD);
		machine_enter(&g.m, 1);
		invlpg(0, GVA + 0xfff);
		ck_assert(is_unsync());
		ck_assert(!maps(GVA) && maps(GVA + 0x1000));
		ck_assert(machine_enter(&g.m, 0).flush && machine_enter(&g.m, 1).flush);
		expect_mapped(&g, 0, GVA, USER, 0x7000);
		expect_mapped(&g, 0, GVA + 0x1000, USER, 0x6000);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(rights_are_taken_but_never_given)
{
	static const struct {
		u64 before, after;	/* flags of the guest's entry */
		unsigned rights;	/* of ours, before it is used again */
		bool there;
	} cases[] = {
		{ RW | AD, RW | AD, ACC_ALL, true },
		{ RW | AD, GPTE_U | AD, ACC_USER | ACC_EXEC, true },
		{ RW | AD, GPTE_W | AD, ACC_WRITE | ACC_EXEC, true },
		{ RW | AD, RW | AD | GPTE_NX, ACC_WRITE | ACC_USER, true },
		{ RW | AD, RW | GPTE_A, ACC_USER | ACC_EXEC, true },
		{ RW | AD, RW | GPTE_D, 0, false },
		{ RW | AD, RW | AD | BIT(51), 0, false },
		{ GPTE_U | AD, RW | AD, ACC_USER | ACC_EXEC, true },
		{ RW | AD | GPTE_NX, RW | AD, ACC_WRITE | ACC_USER, true },
		/* SMEP and SMAP may forbid the kernel what it could do before. */
		{ GPTE_W | AD, RW | AD, 0, false },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		u64 spte;

		make(LONG4);
		guest_store(&g, pte_of(GVA), 0x5000 | GPTE_P | cases[i].before);
		expect_mapped(&g, 0, GVA, 0, 0x5000);
		store_pte(0, GVA, 0x5000 | GPTE_P | cases[i].after);
		load_cr3(0);
		spte = machine_leaf(&g.m, 0, GVA, NULL);
		ck_assert_msg(!!spte == cases[i].there, "case %u", i);
		if (spte)
			ck_assert_msg(spte_access(spte) == cases[i].rights, "case %u: %u", i,
				      spte_access(spte));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_lost_right_to_write_is_flushed_everywhere)
{
	make(LONG4);
	store_pte(0, GVA, 0x5000 | GPTE_P | GPTE_U | AD);
	expect_mapped(&g, 1, GVA, USER, 0x5000);
	machine_enter(&g.m, 1);
	invlpg(0, GVA);
	ck_assert(machine_enter(&g.m, 1).flush);
	guest_fini(&g);
}
END_TEST

START_TEST(syncing_nothing_flushes_nobody_else)
{
	make(LONG4);
	store_pte(0, GVA + 0x5000, 0x8000 | GPTE_P | RW | AD);
	machine_enter(&g.m, 1);
	invlpg(0, GVA);
	ck_assert(!machine_enter(&g.m, 1).flush);
	guest_fini(&g);
}
END_TEST

static gpa_t last_gpa;

static void store_and_leave_on_kick(struct fake *fake, u8 vcpu)
{
	(void)fake;
	guest_poke(&g, last_gpa, 0x7000 | GPTE_P | RW | AD, 8);
	mmu_leave(g.m.vcpu[vcpu]);
}

START_TEST(a_last_store_by_another_cpu_is_not_missed)
{
	struct mmu_entry entry;

	make(LONG4);
	store_pte(1, GVA + 0x5000, 0);
	last_gpa = pte_of(GVA);
	g.m.fake.on_kick = store_and_leave_on_kick;
	ck_assert_int_eq(mmu_enter(g.m.vcpu[1], &entry), MMU_OK);
	guest_set_regs(&g, 0, true);
	machine_enter(&g.m, 0);
	ck_assert_uint_eq(g.m.fake.kicks[1], 1);
	g.m.fake.on_kick = NULL;
	machine_audit(&g.m);
	expect_mapped(&g, 0, GVA, USER, 0x7000);
	guest_fini(&g);
}
END_TEST

START_TEST(many_tables_are_synced_with_few_flushes)
{
	enum { TABLES = 40 };
	u64 paid;

	make(LONG4);
	for (u64 i = 0; i < TABLES; i++) {
		gva_t gva = 0x80000000 + (i << 24);

		guest_map(&g, gva, 0x10000 + (i << 12), RW, 1);
		guest_map(&g, ALIAS + 0x10000 + (i << 12), table_of(gva, 1), RW, 1);
		expect_mapped(&g, 0, gva, USER | WRITE, 0x10000 + (i << 12));
		store(0, ALIAS + 0x10000 + (i << 12), 0x5000 | GPTE_P | RW | AD);
	}
	ck_assert_uint_eq(stats().unsync, TABLES);
	paid = g.m.fake.points[MMU_POINT_flush_paid];
	load_cr3(0);
	ck_assert_uint_eq(stats().unsync, 0);
	/* One before each batch of 16 is read, one for what was dropped of the last. */
	ck_assert_uint_eq(g.m.fake.points[MMU_POINT_flush_paid] - paid, 3 + 1);
	for (u64 i = 0; i < TABLES; i++)
		expect_mapped(&g, 0, 0x80000000 + (i << 24), USER, 0x5000);
	guest_fini(&g);
}
END_TEST

/* ---- the host ---------------------------------------------------------------------- */

START_TEST(what_the_host_writes_is_followed_at_once)
{
	make(LONG4);
	store_pte(0, GVA + 0x5000, 0);
	guest_store(&g, pte_of(GVA), 0x7000 | GPTE_P | RW);
	ck_assert(is_unsync() && !maps(GVA));
	expect_mapped(&g, 0, GVA, USER, 0x7000);
	guest_fini(&g);
}
END_TEST

START_TEST(no_number_of_writes_floods_a_table_of_level_1)
{
	make(LONG4);
	for (unsigned i = 0; i < 10; i++)
		guest_store(&g, pte_of(GVA), (0x5000 + 0x1000 * i) | GPTE_P | RW);
	ck_assert(page_of(table(), 1));
	machine_knob(&g.m, MMU_KNOB_unsync, 0);
	for (unsigned i = 0; i < 3; i++)
		guest_store(&g, pte_of(GVA), 0);
	ck_assert(!page_of(table(), 1));
	guest_fini(&g);
}
END_TEST

/* The entry of a device, as the hardware sees it; 0: none. */
static u64 device_entry(gva_t gva)
{
	struct mmu_host_step steps[5];
	unsigned nr = mmu_host_walk(g.m.vcpu[0], gva, steps);

	return spte_is_mmio(steps[nr - 1].spte) ? steps[nr - 1].spte : 0;
}

START_TEST(a_device_that_has_become_memory_is_memory)
{
	const gva_t gva = GVA + 0x3000;

	make(LONG4);
	for (unsigned flush = 0; flush < 2; flush++) {
		store_pte(0, gva, 0xfee00000 | GPTE_P | RW | AD);
		expect_emulate(&g, 0, gva, 0, false, true);
		ck_assert(device_entry(gva));
		store_pte(0, gva, 0x7000 | GPTE_P | RW | AD);
		if (flush)
			load_cr3(0);
		ck_assert_int_eq(!device_entry(gva), flush);
		expect_mapped(&g, 0, gva, 0, 0x7000);
		store_pte(0, gva, 0);
		load_cr3(0);
	}
	guest_fini(&g);
}
END_TEST

START_TEST(a_frame_is_zapped_though_its_entry_is_stale)
{
	make(LONG4);
	store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
	ck_assert_uint_eq(mmu_zap_range(g.m.vm, 0, 5, 6), 1);
	machine_audit(&g.m);
	ck_assert(!maps(GVA));
	guest_fini(&g);
}
END_TEST

START_TEST(unsync_pages_end_like_others)
{
	make(LONG4);
	store_pte(0, GVA, 0);
	ck_assert(mmu_unprotect(g.m.vm, table() >> PAGE_SHIFT));
	machine_audit(&g.m);
	ck_assert_uint_eq(stats().unsync, 0);
	ck_assert(!g.m.vcpu[0]->mmu->root.sp->unsync_children);
	expect_mapped(&g, 0, GVA + 0x1000, USER, 0x6000);
	store_pte(0, GVA, 0x5000 | GPTE_P | RW | AD);
	mmu_zap_all(g.m.vm);
	machine_audit(&g.m);
	ck_assert_uint_eq(stats().unsync, 0);
	guest_fini(&g);
}
END_TEST

/* ---- hot tables -------------------------------------------------------------------- */

START_TEST(a_hot_table_is_synced_but_stays_writable)
{
	make(LONG4);
	machine_knob(&g.m, MMU_KNOB_hot, 2);
	store_pte(0, GVA, 0x7000 | GPTE_P | RW | AD);
	load_cr3(0);
	ck_assert(!is_unsync());
	expect_mapped(&g, 0, GVA, USER, 0x7000);
	store_pte(0, GVA, 0x8000 | GPTE_P | RW | AD);
	expect_mapped(&g, 0, GVA, USER, 0x7000);
	load_cr3(0);
	ck_assert(is_unsync() && alias_is_writable());
	expect_mapped(&g, 0, GVA, USER, 0x8000);
	store_pte(0, GVA, 0x9000 | GPTE_P | RW | AD);
	ck_assert_uint_eq(stats().unsyncs, 2);
	load_cr3(0);
	expect_mapped(&g, 0, GVA, USER, 0x9000);
	/* Not hot by a higher measure: it cools down. */
	machine_knob(&g.m, MMU_KNOB_hot, 3);
	load_cr3(0);
	ck_assert(!is_unsync());
	guest_fini(&g);
}
END_TEST

TAP_MAIN("unsync",
	 a_table_of_level_1_may_be_written_freely,
	 an_upper_table_is_not,
	 a_read_makes_nothing_unsync,
	 with_the_knob_off_writes_are_emulated_again,
	 the_mark_is_there_before_the_right_to_write,
	 a_table_that_maps_itself_may_be_unsync_too,
	 loading_cr3_syncs_all,
	 what_the_guest_did_not_change_stays_mapped,
	 invlpg_syncs_its_address_and_no_other,
	 rights_are_taken_but_never_given,
	 a_lost_right_to_write_is_flushed_everywhere,
	 syncing_nothing_flushes_nobody_else,
	 a_last_store_by_another_cpu_is_not_missed,
	 many_tables_are_synced_with_few_flushes,
	 what_the_host_writes_is_followed_at_once,
	 no_number_of_writes_floods_a_table_of_level_1,
	 a_device_that_has_become_memory_is_memory,
	 a_frame_is_zapped_though_its_entry_is_stale,
	 unsync_pages_end_like_others,
	 a_hot_table_is_synced_but_stays_writable)
