/* SPDX-License-Identifier: MIT */
/* Knobs: their names, their ranges, and that turning one is an event. */
#include "tests/fake_env.h"

START_TEST(every_knob_begins_at_its_initial_value)
{
	struct machine m;

	machine_init(&m, NULL);
	for (unsigned i = 0; i < MMU_NR_KNOBS; i++)
		if (i != MMU_KNOB_huge && i != MMU_KNOB_unsync)
			ck_assert_uint_eq(mmu_get_knob(m.vm, i), mmu_knobs[i].initial);
	machine_fini(&m);
}
END_TEST

START_TEST(a_value_out_of_range_changes_nothing)
{
	struct machine m;

	machine_init(&m, NULL);
	fake_forget(&m.fake);
	ck_assert_int_eq(mmu_set_knob(m.vm, MMU_KNOB_huge, 2), MMU_INVAL);
	ck_assert_int_eq(mmu_set_knob(m.vm, MMU_KNOB_flood, 256), MMU_INVAL);
	ck_assert_int_eq(mmu_set_knob(m.vm, MMU_NR_KNOBS, 0), MMU_INVAL);
	ck_assert_uint_eq(fake_count(&m.fake, EV_knob), 0);
	ck_assert_uint_eq(mmu_get_knob(m.vm, MMU_KNOB_huge), 0);
	machine_fini(&m);
}
END_TEST

START_TEST(a_turned_knob_is_an_event)
{
	struct machine m;

	machine_init(&m, NULL);
	machine_knob(&m, MMU_KNOB_flood, 7);
	ck_assert_uint_eq(fake_last(&m.fake, EV_knob)->knob.knob, MMU_KNOB_flood);
	ck_assert_uint_eq(fake_last(&m.fake, EV_knob)->knob.value, 7);
	ck_assert_uint_eq(mmu_get_knob(m.vm, MMU_KNOB_flood), 7);
	machine_fini(&m);
}
END_TEST

START_TEST(knobs_are_found_by_name)
{
	for (unsigned i = 0; i < MMU_NR_KNOBS; i++)
		ck_assert_uint_eq(mmu_knob_by_name(mmu_knobs[i].name), i);
	ck_assert_uint_eq(mmu_knob_by_name("hug"), MMU_NR_KNOBS);
	ck_assert_uint_eq(mmu_knob_by_name("huger"), MMU_NR_KNOBS);
}
END_TEST

TAP_MAIN("knob", every_knob_begins_at_its_initial_value, a_value_out_of_range_changes_nothing,
	 a_turned_knob_is_an_event, knobs_are_found_by_name)
