/* SPDX-License-Identifier: MIT */
/*
 * Aging on TDP tables through the front door: what is answered, what changes, what is
 * told. Where the hardware has A and D bits, and where it has none.
 */
#include "tests/age_machine.h"

#include <string.h>

/* ---- answers ------------------------------------------------------------------------- */

START_TEST(an_answer_has_three_values_and_unknown_is_what_it_is_at_first)
{
	const struct mmu_age nothing = { 0 };

	ck_assert_str_eq(mmu_age_name(nothing), "unknown");
	ck_assert_str_eq(mmu_age_name((struct mmu_age){ MMU_AGE_OLD }), "old");
	ck_assert_str_eq(mmu_age_name((struct mmu_age){ MMU_AGE_YOUNG }), "young");
	ck_assert_str_eq(mmu_age_name((struct mmu_age){ MMU_NR_AGES }), "unknown");
}
END_TEST

START_TEST(what_was_used_is_young_until_it_is_made_old)
{
	for (unsigned no_ad = 0; no_ad < 2; no_ad++) {
		setup(no_ad, false);
		expect_age(5, MMU_AGE_OLD);
		touch(5, R);
		expect_age(5, MMU_AGE_YOUNG);
		expect_age(6, MMU_AGE_OLD);
		ck_assert_int_eq(mmu_age_gfn(m.vm, 0, 5).is, MMU_AGE_YOUNG);
		ck_assert_int_eq(mmu_age_gfn(m.vm, 0, 5).is, MMU_AGE_OLD);
		machine_audit(&m);
		touch(5, R);
		expect_age(5, MMU_AGE_YOUNG);
		machine_fini(&m);
	}
}
END_TEST

START_TEST(where_no_memory_is_nothing_is_known)
{
	setup(false, false);
	expect_age(FRAMES, MMU_AGE_UNKNOWN);
	expect_age(~0ull, MMU_AGE_UNKNOWN);
	ck_assert_int_eq(mmu_age_gfn(m.vm, 1, 5).is, MMU_AGE_UNKNOWN);
	ck_assert_int_eq(mmu_age_gfn(m.vm, 2, 5).is, MMU_AGE_UNKNOWN);
	ck_assert_int_eq(mmu_age_range(m.vm, 0, 5, 5).is, MMU_AGE_UNKNOWN);
	ck_assert_int_eq(mmu_age_range(m.vm, 0, 6, 5).is, MMU_AGE_UNKNOWN);
	ck_assert_int_eq(mmu_test_age_range(m.vm, 0, 0, FRAMES).is, MMU_AGE_OLD);
	ck_assert_int_eq(mmu_test_age_range(m.vm, 0, 0, FRAMES + 1).is, MMU_AGE_UNKNOWN);
	ck_assert_int_eq(mmu_test_age_range(m.vm, 0, 0, ~0ull).is, MMU_AGE_UNKNOWN);
	touch(5, R);
	ck_assert_int_eq(mmu_age_range(m.vm, 0, 0, ~0ull).is, MMU_AGE_YOUNG);
	machine_fini(&m);
}
END_TEST

/* ---- bitmaps -------------------------------------------------------------------------- */

#define ODD_START	3u
#define ODD_END		(FRAMES + 70)

START_TEST(a_bitmap_says_of_each_frame_what_one_by_one_is_said)
{
	static u64 young[MMU_AGE_WORDS(ODD_END)], known[MMU_AGE_WORDS(ODD_END)];
	const struct mmu_age_bitmap bitmap = { young, known };
	u64 state = 99;

	setup(false, false);
	for (unsigned i = 0; i < 200; i++) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		touch((state >> 33) % FRAMES, R);
	}
	memset(young, 0xff, sizeof(young));
	mmu_test_age_bitmap(m.vm, 0, ODD_START, ODD_END, &bitmap);
	for (gfn_t gfn = ODD_START; gfn < ODD_END; gfn++)
		expect_age(gfn, mmu_age_bitmap_get(&bitmap, gfn - ODD_START).is);
	ck_assert_int_eq(mmu_age_bitmap_get(&bitmap, FRAMES).is, MMU_AGE_UNKNOWN);
	mmu_age_bitmap(m.vm, 0, ODD_START, ODD_END, &bitmap);
	ck_assert_int_eq(mmu_test_age_range(m.vm, 0, ODD_START, FRAMES).is, MMU_AGE_OLD);
	mmu_test_age_bitmap(m.vm, 0, ODD_START, ODD_END, &bitmap);
	for (unsigned i = 0; i < MMU_AGE_WORDS(ODD_END - ODD_START); i++)
		ck_assert_uint_eq(young[i], 0);
	machine_fini(&m);
}
END_TEST

/* ---- what changes ------------------------------------------------------------------------ */

/* All entries of all pages. */
static u64 digest(u64 without)
{
	u64 sum = 14695981039346656037ull;

	for (struct sp *sp = sp_next(m.vm, NULL); sp; sp = sp_next(m.vm, sp))
		for (unsigned i = 0; i < PT_ENTRIES; i++)
			sum = (sum ^ (spte_get(sp_entry(m.vm, sp, i)) & ~without)) * 1099511628211ull;
	return sum;
}

START_TEST(a_test_changes_nothing_and_aging_only_a)
{
	for (unsigned no_ad = 0; no_ad < 2; no_ad++) {
		const u64 track = no_ad ? SPTE_A | SPTE_P : SPTE_A;
		u64 all, rest;

		setup(no_ad, true);
		touch(5, R);
		touch(0x300, R | PFERR_WRITE);
		all = digest(0);
		rest = digest(track);
		fake_forget(&m.fake);
		(void)mmu_test_age_range(m.vm, 0, 0, FRAMES);
		(void)mmu_test_age_gfn(m.vm, 0, 5);
		ck_assert_uint_eq(digest(0), all);
		ck_assert_uint_eq(fake_count(&m.fake, EV_spte_set), 0);
		(void)mmu_age_range(m.vm, 0, 0, FRAMES);
		ck_assert_uint_ne(digest(0), all);
		ck_assert_uint_eq(digest(track), rest);
		ck_assert_uint_eq(fake_count(&m.fake, EV_spte_set), no_ad ? 2 : 0);
		machine_audit(&m);
		machine_fini(&m);
	}
}
END_TEST

START_TEST(nobody_is_flushed_or_kicked)
{
	u64 before;

	setup(true, false);
	touch(5, R);
	before = m.vm->stats.flush_requests;
	ck_assert_int_eq(mmu_age_gfn(m.vm, 0, 5).is, MMU_AGE_YOUNG);
	ck_assert_uint_eq(m.vm->stats.flush_requests, before);
	ck_assert_uint_eq(m.vm->vcpu[0]->requests & MMU_REQ_FLUSH, 0);
	machine_fini(&m);
}
END_TEST

START_TEST(a_tracked_leaf_comes_back_with_its_rights)
{
	unsigned level;
	u64 before;

	setup(true, false);
	touch(5, R | PFERR_WRITE);
	before = leaf(0x5000, &level)->raw;
	ck_assert_uint_eq(before & SPTE_AD_TYPE, SPTE_AD_DISABLED);
	ck_assert_int_eq(mmu_age_gfn(m.vm, 0, 5).is, MMU_AGE_YOUNG);
	ck_assert(!(leaf(0x5000, &level)->raw & (SPTE_P | SPTE_A)));
	ck_assert_int_eq(machine_fault(&m, 0, 0x5000, R, NULL), MMU_RETRY);
	ck_assert_uint_eq(leaf(0x5000, &level)->raw, before);
	ck_assert_int_eq(machine_fault(&m, 0, 0x5000, R, NULL), MMU_SPURIOUS);
	machine_fini(&m);
}
END_TEST

/* Also if meanwhile small pages would be made there. */
START_TEST(a_tracked_large_leaf_comes_back_large)
{
	unsigned level;

	setup(true, true);
	touch(0x205, R);
	(void)leaf(0x205000, &level);
	ck_assert_uint_eq(level, LEVEL_2M);
	(void)mmu_age_range(m.vm, 0, 0, FRAMES);
	machine_knob(&m, MMU_KNOB_huge, 0);
	touch(0x206, R | PFERR_WRITE);
	(void)leaf(0x205000, &level);
	ck_assert_uint_eq(level, LEVEL_2M);
	expect_age(0x205, MMU_AGE_YOUNG);
	machine_fini(&m);
}
END_TEST

/* Made old, and then only its frame's writing is withheld: both are mended at once. */
START_TEST(a_tracked_leaf_that_lost_w_gets_it_back_by_a_write)
{
	unsigned level;
	u64 before;
	spte_t *sptep;

	setup(true, false);
	touch(5, R | PFERR_WRITE);
	sptep = leaf(0x5000, &level);
	before = sptep->raw;
	(void)mmu_age_gfn(m.vm, 0, 5);
	sptep->raw &= ~SPTE_W;
	touch(5, R);
	ck_assert_uint_eq(sptep->raw, before & ~SPTE_W);
	(void)mmu_age_gfn(m.vm, 0, 5);
	touch(5, R | PFERR_WRITE);
	ck_assert_uint_eq(sptep->raw, before);
	machine_fini(&m);
}
END_TEST

/* ---- what is told -------------------------------------------------------------------------------- */

START_TEST(every_question_is_told_with_its_answer)
{
	static u64 young[2], known[2];
	const struct mmu_age_bitmap bitmap = { young, known };
	const struct fake_event *event;

	setup(false, false);
	touch(5, R);
	touch(70, R);
	fake_forget(&m.fake);
	(void)mmu_age_gfn(m.vm, 0, 5);
	event = fake_last(&m.fake, EV_aged);
	ck_assert_uint_eq(event->aged.start, 5);
	ck_assert_uint_eq(event->aged.end, 6);
	ck_assert_uint_eq(event->aged.cleared, 1);
	ck_assert_uint_eq(event->aged.young, 1);
	ck_assert_uint_eq(fake_count(&m.fake, EV_ages), 0);
	mmu_test_age_bitmap(m.vm, 0, 3, 128, &bitmap);
	event = fake_last(&m.fake, EV_aged);
	ck_assert_uint_eq(event->aged.cleared, 0);
	ck_assert_uint_eq(event->aged.young, 1);
	ck_assert_uint_eq(event->aged.old, 124);
	ck_assert_uint_eq(fake_count(&m.fake, EV_ages), 2);
	event = fake_last(&m.fake, EV_ages);
	ck_assert_uint_eq(event->ages.gfn, 64);
	ck_assert_uint_eq(event->ages.young, BIT(6));
	ck_assert_uint_eq(event->ages.known, ~0ull);
	machine_fini(&m);
}
END_TEST

TAP_MAIN("age",
	 an_answer_has_three_values_and_unknown_is_what_it_is_at_first,
	 what_was_used_is_young_until_it_is_made_old,
	 where_no_memory_is_nothing_is_known,
	 a_bitmap_says_of_each_frame_what_one_by_one_is_said,
	 a_test_changes_nothing_and_aging_only_a,
	 nobody_is_flushed_or_kicked,
	 a_tracked_leaf_comes_back_with_its_rights,
	 a_tracked_large_leaf_comes_back_large,
	 a_tracked_leaf_that_lost_w_gets_it_back_by_a_write,
	 every_question_is_told_with_its_answer)
