/* SPDX-License-Identifier: MIT */
/*
 * The life of TDP roots: shared by role, invalid while others still look, taken down
 * in parts, freed with the last reference; and long operations that pause.
 */
#include "mmu/backend.h"
#include "mmu/epoch.h"
#include "mmu/flush.h"
#include "mmu/resize.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "tests/fake_env.h"

#define W	(PFERR_WRITE | PFERR_USER)
#define MB	(1ull << 20)
#define TABLES	31u	/* of leaves, below one root */

static struct machine m;

/* 64 MiB of RAM at 0, and a leaf in each of the first tables. */
static void setup(void)
{
	machine_init(&m, NULL);
	machine_ram(&m, 0, 0, 16384, 0);
	machine_enter(&m, 0);
	machine_enter(&m, 1);
	for (unsigned i = 0; i < TABLES; i++)
		machine_fault(&m, 0, i * 2 * MB, W, NULL);
	m.fake.hook_arg = &m;
}

/* All of [0, frames), by small pages. */
static void map_frames(u64 frames)
{
	m.audit_every = 1000000;
	for (gfn_t gfn = 0; gfn < frames; gfn++)
		machine_fault(&m, 0, gfn << PAGE_SHIFT, W, NULL);
	m.audit_every = 0;
}

/* What runs at the first yield of an operation. */
static void (*meanwhile)(void);
static unsigned yields;

static void at_yield(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_yield || yields++)
		return;
	fake->on_point = NULL;
	/* The operation is not over: no audit. */
	m.audit_every = 1000000;
	m.audit_calls = 1;
	meanwhile();
	m.audit_every = 0;
	fake->on_point = at_yield;
}

static void do_meanwhile(void (*what)(void))
{
	meanwhile = what;
	yields = 0;
	m.fake.on_point = at_yield;
}

static u64 leaves_anywhere(void)
{
	u64 leaves = 0;

	for (struct sp *sp = sp_next(m.vm, NULL); sp; sp = sp_next(m.vm, sp))
		for (unsigned i = 0; i < PT_ENTRIES; i++)
			leaves += spte_is_leaf(spte_get(sp_entry(m.vm, sp, i)), sp->role.level);
	return leaves;
}

/* ---- invalid roots ----------------------------------------------------------------- */

static void use_another_root(void)
{
	struct sp *old = m.vcpu[0]->mmu->root.sp;

	ck_assert(old->role.invalid);
	ck_assert_uint_gt(leaves_anywhere(), 0);
	ck_assert_uint_eq(old->root_count, 2);
	ck_assert_uint_ne(machine_enter(&m, 1).root, old->table_hpa);
	ck_assert_uint_eq(old->root_count, 1);
	ck_assert_int_eq(mmu_fault(m.vcpu[1], 0x7000, W, &(struct mmu_fault){ 0 }), MMU_RETRY);
}

START_TEST(trees_are_taken_down_in_parts_while_vcpus_fill_another)
{
	setup();
	do_meanwhile(use_another_root);
	mmu_zap_all(m.vm);
	ck_assert_uint_ge(yields, TABLES / 10);
	ck_assert_uint_eq(leaves_anywhere(), 1);
	ck_assert(machine_leaf(&m, 1, 0x7000, NULL));
	machine_audit(&m);
	/* The old root is vCPU 0's until it enters. */
	ck_assert_uint_eq(m.vm->stats.sps, 1 + 4);
	machine_enter(&m, 0);
	ck_assert_uint_eq(m.vm->stats.sps, 4);
	machine_fini(&m);
}
END_TEST

static void delete_slot(void)
{
	ck_assert_uint_gt(leaves_anywhere(), 0);
	ck_assert_int_eq(mmu_slot_delete(m.vm, 0, 0), MMU_OK);
	ck_assert_uint_eq(leaves_anywhere(), 0);
}

START_TEST(a_slot_that_goes_meanwhile_takes_leaves_under_invalid_roots_along)
{
	setup();
	do_meanwhile(delete_slot);
	mmu_zap_all(m.vm);
	machine_fini(&m);
}
END_TEST

static void zap_a_range(void)
{
	u64 before = leaves_anywhere();

	ck_assert_uint_eq(mmu_zap_range(m.vm, 0, (TABLES - 2) * 512, TABLES * 512), 2);
	ck_assert_uint_eq(leaves_anywhere(), before - 2);
}

START_TEST(so_does_a_range_that_is_zapped)
{
	setup();
	do_meanwhile(zap_a_range);
	mmu_zap_all(m.vm);
	ck_assert_uint_eq(leaves_anywhere(), 0);
	machine_fini(&m);
}
END_TEST

static void protect(void)
{
	struct memslot *slot = &(struct memslot){ .as = 0 };
	struct mmu_op op;

	op_begin(&op, m.vm, NULL, true);
	ck_assert(m.vm->tdp->write_protect(&op, slot, (TABLES - 1) * 512));
	ck_assert(!m.vm->tdp->write_protect(&op, slot, (TABLES - 1) * 512));
	flush_need(&op, FLUSH_wrprot, (TABLES - 1) * 512, 1);
	op_end(&op);
}

START_TEST(write_protection_reaches_invalid_roots_too)
{
	setup();
	do_meanwhile(protect);
	mmu_zap_all(m.vm);
	machine_fini(&m);
}
END_TEST

static void split_nothing(void)
{
	u64 nr, sps = m.vm->stats.sp_made;

	ck_assert_int_eq(mmu_split_range(m.vm, 0, 0, 16384, &nr), MMU_OK);
	ck_assert_uint_eq(nr, 0);
	ck_assert_uint_eq(m.vm->stats.sp_made, sps);
}

/* Large leaves stand in the last tables of 2 MiB entries that are taken off. */
START_TEST(nothing_is_split_below_an_invalid_root)
{
	setup();
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_fault(&m, 0, 62 * MB, W, NULL);
	ck_assert_uint_eq(m.vm->stats.sptes_2m, 1);
	do_meanwhile(split_nothing);
	mmu_zap_all(m.vm);
	machine_fini(&m);
}
END_TEST

static void recover_nothing(void)
{
	u64 leaves = leaves_anywhere();

	ck_assert_uint_gt(leaves, 0);
	ck_assert_uint_eq(mmu_recover_range(m.vm, 0, 0, 16384), 0);
	ck_assert_uint_eq(leaves_anywhere(), leaves);
}

START_TEST(nothing_becomes_large_below_an_invalid_root)
{
	setup();
	machine_knob(&m, MMU_KNOB_huge, 1);
	do_meanwhile(recover_nothing);
	mmu_zap_all(m.vm);
	machine_fini(&m);
}
END_TEST

static void zap_all_too(void)
{
	machine_enter(&m, 0);
	machine_enter(&m, 1);
	ck_assert_int_eq(mmu_fault(m.vcpu[1], 0x7000, W, &(struct mmu_fault){ 0 }), MMU_RETRY);
	mmu_zap_all(m.vm);
	ck_assert_uint_eq(leaves_anywhere(), 0);
}

START_TEST(who_zaps_everything_meanwhile_finishes_both)
{
	setup();
	do_meanwhile(zap_all_too);
	mmu_zap_all(m.vm);
	ck_assert_uint_eq(m.vm->stats.sps, 1);
	machine_fini(&m);
}
END_TEST

static void nobody_is_kicked(void)
{
	fake_forget(&m.fake);
}

/* Nobody can walk there any more: the flush was paid before the first pause. */
START_TEST(only_the_first_part_of_a_tree_costs_a_flush)
{
	setup();
	do_meanwhile(nobody_is_kicked);
	mmu_zap_all(m.vm);
	ck_assert_uint_eq(fake_count(&m.fake, EV_flush_request), 0);
	ck_assert_uint_gt(fake_count(&m.fake, EV_sp_free), TABLES / 2);
	machine_fini(&m);
}
END_TEST

/* An operation that is over frees what it can; here while vCPU 1 is still inside. */
static void reap_twice_and_leave(struct fake *fake)
{
	epoch_reap(m.vm);
	ck_assert_uint_eq(fake_count(fake, EV_sp_free), 0);
	if (fake->relaxes == 2)
		mmu_leave(m.vcpu[1]);
}

START_TEST(no_table_of_a_tree_just_given_up_is_freed_before_the_flush)
{
	struct mmu_entry entry;

	setup();
	ck_assert_int_eq(mmu_enter(m.vcpu[1], &entry), MMU_OK);
	m.fake.relaxes = 0;
	m.fake.on_relax = reap_twice_and_leave;
	mmu_zap_all(m.vm);
	ck_assert_uint_eq(m.fake.relaxes, 2);
	ck_assert_uint_gt(fake_count(&m.fake, EV_sp_free), TABLES);
	machine_fini(&m);
}
END_TEST

/* ---- pauses ------------------------------------------------------------------------- */

static void leave_when_kicked(struct fake *fake, u8 vcpu)
{
	(void)fake;
	mmu_leave(m.vcpu[vcpu]);
}

static void flush_is_paid(void)
{
	ck_assert_uint_eq(m.fake.kicks[1], 1);
	ck_assert_uint_lt(leaves_anywhere(), 6000);
	ck_assert(machine_enter(&m, 1).flush);
	/* Behind the zap, and before it. */
	ck_assert_int_eq(mmu_fault(m.vcpu[1], 0, W, &(struct mmu_fault){ 0 }), MMU_RETRY);
	ck_assert_int_eq(mmu_fault(m.vcpu[1], 24 * MB, W, &(struct mmu_fault){ 0 }), MMU_SPURIOUS);
}

START_TEST(a_long_zap_pays_its_flush_and_lets_others_work)
{
	struct mmu_entry entry;

	setup();
	map_frames(6200);
	m.fake.on_kick = leave_when_kicked;
	ck_assert_int_eq(mmu_enter(m.vcpu[1], &entry), MMU_OK);
	do_meanwhile(flush_is_paid);
	ck_assert_uint_eq(mmu_zap_range(m.vm, 0, 0, 6200), 6200);
	ck_assert_uint_eq(yields, 1);
	ck_assert(machine_leaf(&m, 1, 0, NULL));
	ck_assert_uint_eq(leaves_anywhere(), 1 + TABLES - 13);
	machine_fini(&m);
}
END_TEST

static void root_goes(void)
{
	struct sp *root = m.vcpu[0]->mmu->root.sp;

	mmu_zap_all(m.vm);
	machine_enter(&m, 0);
	machine_enter(&m, 1);
	ck_assert_uint_eq(root->root_count, 0);
	ck_assert_uint_eq(root->pins, 1);
	ck_assert(!root->freed);
}

START_TEST(a_root_stays_as_long_as_somebody_is_on_his_way_through_it)
{
	setup();
	map_frames(6200);
	do_meanwhile(root_goes);
	ck_assert_uint_lt(mmu_zap_range(m.vm, 0, 0, 6200), 4200);
	ck_assert_uint_eq(m.vm->stats.sps, 1);
	machine_fini(&m);
}
END_TEST

static void nothing_is_left(void)
{
	ck_assert_uint_eq(leaves_anywhere(), 0);
}

/* What is mapped behind it would be memory that is gone. */
START_TEST(a_slot_is_emptied_without_a_pause)
{
	setup();
	map_frames(6200);
	do_meanwhile(nothing_is_left);
	ck_assert_int_eq(mmu_slot_delete(m.vm, 0, 0), MMU_OK);
	ck_assert_uint_eq(yields, 1);
	machine_fini(&m);
}
END_TEST

/* ---- what is a bug of ours ----------------------------------------------------------- */

START_TEST(a_frozen_entry_is_not_touched_any_more)
{
	struct mmu_op op;
	struct sp *root;

	setup();
	root = m.vcpu[0]->mmu->root.sp;
	op_begin(&op, m.vm, NULL, true);
	spte_set(&op, root, 9, sp_entry_gfn(m.vm, root, 9), SPTE_FROZEN);
	ck_assert_panics(&m.fake, "I-2", spte_set(&op, root, 9, sp_entry_gfn(m.vm, root, 9), 0));
	sp_entry(m.vm, root, 9)->raw = 0;
	op_end(&op);
	machine_fini(&m);
}
END_TEST

/* As if whoever takes the table down had just come by. */
START_TEST(a_fault_that_meets_one_is_tried_again)
{
	struct mmu_host_step steps[5];
	struct mmu_fault fault;
	spte_t *leaf;
	u64 spte;

	setup();
	ck_assert_uint_eq(mmu_host_walk(m.vcpu[0], 0, steps), 4);
	leaf = fake_va(&m.fake, steps[3].hpa);
	spte = leaf->raw;
	ck_assert(spte_is_leaf(spte, LEVEL_4K));
	leaf->raw = SPTE_FROZEN;
	fake_forget(&m.fake);
	ck_assert_int_eq(mmu_fault(m.vcpu[0], 0, W, &fault), MMU_RETRY);
	ck_assert_uint_eq(leaf->raw, SPTE_FROZEN);
	ck_assert_uint_eq(fake_count(&m.fake, EV_spte_set), 0);
	leaf->raw = spte;
	machine_fini(&m);
}
END_TEST

TAP_MAIN("tdp roots",
	 trees_are_taken_down_in_parts_while_vcpus_fill_another,
	 a_slot_that_goes_meanwhile_takes_leaves_under_invalid_roots_along,
	 so_does_a_range_that_is_zapped,
	 write_protection_reaches_invalid_roots_too,
	 nothing_is_split_below_an_invalid_root,
	 nothing_becomes_large_below_an_invalid_root,
	 who_zaps_everything_meanwhile_finishes_both,
	 only_the_first_part_of_a_tree_costs_a_flush,
	 no_table_of_a_tree_just_given_up_is_freed_before_the_flush,
	 a_long_zap_pays_its_flush_and_lets_others_work,
	 a_root_stays_as_long_as_somebody_is_on_his_way_through_it,
	 a_slot_is_emptied_without_a_pause,
	 a_frozen_entry_is_not_touched_any_more,
	 a_fault_that_meets_one_is_tried_again)
