/* SPDX-License-Identifier: MIT */
/* Aging never calls a used frame old because it does not see that it was used. */
#include "mmu/aging.h"
#include "mmu/epoch.h"
#include "mmu/memslot.h"
#include "tests/age_machine.h"

/* ---- what must not be forgotten ------------------------------------------------------------ */

START_TEST(a_use_outlives_its_leaf)
{
	for (unsigned way = 0; way < 4; way++) {
		u64 nr;

		setup(way & 1, way == 3);
		touch(0x205, R);
		if (way == 3)
			ck_assert_int_eq(mmu_split_range(m.vm, 0, 0x200, 0x400, &nr), MMU_OK);
		if (way == 2)
			mmu_zap_all(m.vm);
		else
			mmu_zap_range(m.vm, 0, 0x200, 0x206);
		expect_age(0x205, MMU_AGE_YOUNG);
		expect_age(0x207, way == 3 ? MMU_AGE_YOUNG : MMU_AGE_OLD);
		ck_assert_int_eq(mmu_age_gfn(m.vm, 0, 0x205).is, MMU_AGE_YOUNG);
		expect_age(0x205, MMU_AGE_OLD);
		machine_fini(&m);
	}
}
END_TEST

static unsigned nr_noted;

/* An event follows its change at once. */
static void expect_note(struct fake *fake, const struct fake_event *event)
{
	const struct memslot *slot = slot_by_id(m.vm, 0, 0);
	const u64 *note = parray_get(&fake->env, &slot->used_frames, 0);

	if (event->id != EV_spte_set || event->spte_set.level != LEVEL_4K)
		return;
	ck_assert_uint_eq(*note, BIT(5));
	nr_noted++;
}

START_TEST(a_use_is_noted_before_the_leaf_goes)
{
	setup(false, false);
	touch(5, R);
	nr_noted = 0;
	m.fake.on_emit = expect_note;
	mmu_zap_range(m.vm, 0, 5, 6);
	m.fake.on_emit = NULL;
	ck_assert_uint_eq(nr_noted, 1);
	machine_fini(&m);
}
END_TEST

START_TEST(an_old_leaf_that_goes_was_not_used)
{
	setup(false, false);
	touch(5, R);
	(void)mmu_age_gfn(m.vm, 0, 5);
	mmu_zap_range(m.vm, 0, 0, 6);
	expect_age(5, MMU_AGE_OLD);
	machine_fini(&m);
}
END_TEST

START_TEST(each_frame_of_a_used_large_page_is_young_once)
{
	for (unsigned no_ad = 0; no_ad < 2; no_ad++) {
		setup(no_ad, true);
		touch(0x205, R);
		ck_assert_int_eq(mmu_age_gfn(m.vm, 0, 0x250).is, MMU_AGE_YOUNG);
		expect_age(0x250, MMU_AGE_OLD);
		expect_age(0x205, MMU_AGE_YOUNG);
		expect_age(0x24f, MMU_AGE_YOUNG);
		expect_age(0x3ff, MMU_AGE_YOUNG);
		expect_age(0x1ff, MMU_AGE_OLD);
		expect_age(0x400, MMU_AGE_OLD);
		ck_assert_int_eq(mmu_age_range(m.vm, 0, 0x200, 0x250).is, MMU_AGE_YOUNG);
		ck_assert_int_eq(mmu_test_age_range(m.vm, 0, 0x200, 0x251).is, MMU_AGE_OLD);
		ck_assert_int_eq(mmu_age_range(m.vm, 0, 0x200, 0x400).is, MMU_AGE_YOUNG);
		ck_assert_int_eq(mmu_test_age_range(m.vm, 0, 0, FRAMES).is, MMU_AGE_OLD);
		machine_fini(&m);
	}
}
END_TEST

/* The same memory, at the same frames, in both address spaces; and other memory. */
START_TEST(the_other_address_space_counts_where_it_has_the_same_memory)
{
	struct mmu_regs regs;

	setup(false, false);
	ck_assert_int_eq(mmu_slot_create(m.vm, 1, 0, 0x80, 0x10, FAKE_RAM + 0x80000, 0), MMU_OK);
	ck_assert_int_eq(mmu_slot_create(m.vm, 1, 1, 0x100, 0x10, FAKE_RAM + (32u << 20),
					 MMU_SLOT_SMRAM), MMU_OK);
	regs = *mmu_get_regs(m.vcpu[0]);
	regs.smm = true;
	mmu_set_regs(m.vcpu[0], &regs, MMU_CR3_NONE);
	machine_enter(&m, 0);
	touch(0x85, R);
	touch(0x105, R);
	expect_age(0x85, MMU_AGE_YOUNG);
	expect_age(0x105, MMU_AGE_OLD);
	ck_assert_int_eq(mmu_test_age_gfn(m.vm, 1, 0x105).is, MMU_AGE_YOUNG);
	ck_assert_int_eq(mmu_age_range(m.vm, 0, 0, FRAMES).is, MMU_AGE_YOUNG);
	ck_assert_int_eq(mmu_test_age_gfn(m.vm, 1, 0x85).is, MMU_AGE_OLD);
	ck_assert_int_eq(mmu_age_range(m.vm, 1, 0, FRAMES).is, MMU_AGE_YOUNG);
	ck_assert_int_eq(mmu_test_age_range(m.vm, 1, 0x100, 0x110).is, MMU_AGE_OLD);
	machine_fini(&m);
}
END_TEST

START_TEST(a_slot_that_comes_again_knows_nothing_of_the_one_before)
{
	setup(false, false);
	touch(5, R);
	ck_assert_int_eq(mmu_slot_delete(m.vm, 0, 0), MMU_OK);
	expect_age(5, MMU_AGE_UNKNOWN);
	machine_ram(&m, 0, 0, FRAMES, 0);
	expect_age(5, MMU_AGE_OLD);
	machine_fini(&m);
}
END_TEST

/* ---- never old for want of knowledge --------------------------------------------------------- */

START_TEST(what_cannot_be_looked_at_is_unknown_unless_it_is_known_to_be_young)
{
	struct mmu_host_step steps[5];
	spte_t *above;
	u64 spte;

	setup(false, false);
	touch(5, R);
	touch(0x400, R);
	mmu_host_walk(m.vcpu[0], 0x5000, steps);
	above = fake_va(&m.fake, steps[2].hpa);
	spte = above->raw;
	above->raw = SPTE_FROZEN;
	expect_age(5, MMU_AGE_UNKNOWN);
	expect_age(0x1ff, MMU_AGE_UNKNOWN);
	expect_age(0x200, MMU_AGE_OLD);
	expect_age(0x400, MMU_AGE_YOUNG);
	above->raw = spte;
	m.vm->tdp_unlinked = 1;
	expect_age(5, MMU_AGE_YOUNG);
	expect_age(6, MMU_AGE_UNKNOWN);
	ck_assert_int_eq(mmu_test_age_range(m.vm, 0, 6, 9).is, MMU_AGE_UNKNOWN);
	m.vm->tdp_unlinked = 0;
	expect_age(6, MMU_AGE_OLD);
	machine_fini(&m);
}
END_TEST

static enum mmu_age_is in_between[64];
static unsigned nr_between;

/* Who asks at any moment of the taking down. */
static void ask_meanwhile(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_spte_set || nr_between == 64)
		return;
	fake->on_point = NULL;
	in_between[nr_between++] = mmu_test_age_gfn(m.vm, 0, 5).is;
	fake->on_point = ask_meanwhile;
}

START_TEST(while_a_tree_is_taken_down_a_used_frame_is_never_old)
{
	setup(false, false);
	touch(5, R);
	nr_between = 0;
	m.fake.on_point = ask_meanwhile;
	mmu_zap_all(m.vm);
	m.fake.on_point = NULL;
	ck_assert_uint_gt(nr_between, 2);
	for (unsigned i = 0; i < nr_between; i++)
		ck_assert_int_ne(in_between[i], MMU_AGE_OLD);
	expect_age(5, MMU_AGE_YOUNG);
	machine_fini(&m);
}
END_TEST

static void change_it(struct fake *fake, unsigned point)
{
	unsigned level;

	if (point != MMU_POINT_age_entry)
		return;
	fake->on_point = NULL;
	leaf(0x5000, &level)->raw |= SPTE_D;
}

START_TEST(who_was_changed_meanwhile_stays_young)
{
	unsigned level;

	setup(false, false);
	touch(5, R | PFERR_WRITE);
	leaf(0x5000, &level)->raw &= ~SPTE_D;
	m.fake.on_point = change_it;
	ck_assert_int_eq(mmu_age_gfn(m.vm, 0, 5).is, MMU_AGE_YOUNG);
	ck_assert_uint_eq(leaf(0x5000, &level)->raw & (SPTE_A | SPTE_D), SPTE_A | SPTE_D);
	ck_assert_int_eq(mmu_age_gfn(m.vm, 0, 5).is, MMU_AGE_YOUNG);
	expect_age(5, MMU_AGE_OLD);
	machine_fini(&m);
}
END_TEST

/* ---- readers ----------------------------------------------------------------------------------- */

START_TEST(a_reader_that_is_no_vcpu_keeps_what_it_may_see)
{
	_Atomic u64 *reader;

	setup(false, false);
	touch(5, R);
	reader = mmu_outside_begin(m.vm);
	mmu_zap_all(m.vm);
	machine_enter(&m, 0);
	ck_assert_uint_gt(epoch_reap(m.vm), 0);
	mmu_outside_end(reader);
	ck_assert_uint_eq(epoch_reap(m.vm), 0);
	machine_fini(&m);
}
END_TEST

static _Atomic u64 *place[MMU_OUTSIDE_READERS];

static void leave_one(struct fake *fake)
{
	(void)fake;
	mmu_outside_end(place[3]);
}

START_TEST(more_readers_than_places_wait_for_one)
{
	setup(false, false);
	for (unsigned i = 0; i < MMU_OUTSIDE_READERS; i++)
		place[i] = mmu_outside_begin(m.vm);
	m.fake.on_relax = leave_one;
	expect_age(5, MMU_AGE_OLD);
	ck_assert_uint_eq(m.fake.relaxes, 1);
	for (unsigned i = 0; i < MMU_OUTSIDE_READERS; i++)
		mmu_outside_end(place[i]);
	machine_fini(&m);
}
END_TEST

TAP_MAIN("age_kept",
	 a_use_outlives_its_leaf,
	 a_use_is_noted_before_the_leaf_goes,
	 an_old_leaf_that_goes_was_not_used,
	 each_frame_of_a_used_large_page_is_young_once,
	 the_other_address_space_counts_where_it_has_the_same_memory,
	 a_slot_that_comes_again_knows_nothing_of_the_one_before,
	 what_cannot_be_looked_at_is_unknown_unless_it_is_known_to_be_young,
	 while_a_tree_is_taken_down_a_used_frame_is_never_old,
	 who_was_changed_meanwhile_stays_young,
	 a_reader_that_is_no_vcpu_keeps_what_it_may_see,
	 more_readers_than_places_wait_for_one)
