/* SPDX-License-Identifier: MIT */
/*
 * The timer of a local APIC.
 */
#include "tests/lapic_bus.h"

static bool fired(unsigned cpu, u8 vector)
{
	struct lapic *l = &bus.cpu[cpu];

	lapic_update(l);
	if (lapic_pending(l) != vector)
		return false;
	lapic_ack(l, vector);
	wr(cpu, EOI, 0);
	return true;
}

START_TEST(a_one_shot_counts_down_and_fires_once)
{
	setup();
	wr(0, TIMER, 0x40);
	wr(0, INITIAL, 10 * MS);
	ck_assert_uint_eq(lapic_deadline(&bus.cpu[0]), 10 * MS);
	now_ns = 4 * MS;
	ck_assert_uint_eq(rd(0, CURRENT), 6 * MS);
	ck_assert(!fired(0, 0x40));
	now_ns = 10 * MS;
	ck_assert(fired(0, 0x40));
	ck_assert_uint_eq(rd(0, CURRENT), 0);
	ck_assert_uint_eq(rd(0, INITIAL), 10 * MS);
	now_ns = 100 * MS;
	ck_assert(!fired(0, 0x40));
	ck_assert_uint_eq(lapic_deadline(&bus.cpu[0]), LAPIC_NEVER);
}
END_TEST

START_TEST(periods_keep_their_phase_and_missed_ones_count_once)
{
	setup();
	wr(0, TIMER, PERIODIC | 0x40);
	wr(0, INITIAL, 10 * MS);
	now_ns = 35 * MS;
	ck_assert(fired(0, 0x40));
	ck_assert(!fired(0, 0x40));
	ck_assert_uint_eq(lapic_deadline(&bus.cpu[0]), 40 * MS);
	ck_assert_uint_eq(rd(0, CURRENT), 5 * MS);
	now_ns = 40 * MS;
	ck_assert(fired(0, 0x40));
	wr(0, INITIAL, 0);
	ck_assert_uint_eq(lapic_deadline(&bus.cpu[0]), LAPIC_NEVER);
	wr(0, INITIAL, 1); /* would leave the guest no time */
	now_ns += 1;
	ck_assert(fired(0, 0x40));
	ck_assert_uint_ge(lapic_deadline(&bus.cpu[0]), now_ns + LAPIC_MIN_PERIOD_NS - 1);
}
END_TEST

START_TEST(the_divisor_slows_the_count)
{
	static const struct { u32 divide; unsigned by; } rows[] = {
		{ 0xb, 1 }, { 0, 2 }, { 1, 4 }, { 2, 8 }, { 3, 16 }, { 8, 32 }, { 9, 64 }, { 10, 128 }
	};

	setup();
	wr(0, TIMER, 0x40);
	for (unsigned i = 0; i < 8; i++) {
		wr(0, DIVIDE, rows[i].divide);
		wr(0, INITIAL, 1000);
		ck_assert_uint_eq(lapic_deadline(&bus.cpu[0]) - now_ns, 1000 * rows[i].by);
		now_ns += 500 * rows[i].by;
		ck_assert_uint_eq(rd(0, CURRENT), 500);
	}
	wr(0, DIVIDE, DIVIDE_1); /* while it counts: the count stays */
	ck_assert_uint_eq(rd(0, CURRENT), 500);
}
END_TEST

START_TEST(changing_between_one_shot_and_periodic_keeps_the_count)
{
	setup();
	wr(0, TIMER, 0x40);
	wr(0, INITIAL, 10 * MS);
	now_ns = 6 * MS;
	wr(0, TIMER, PERIODIC | 0x40);
	ck_assert_uint_eq(rd(0, CURRENT), 4 * MS);
	now_ns = 12 * MS;
	ck_assert(fired(0, 0x40));
	ck_assert_uint_eq(rd(0, CURRENT), 8 * MS);
	wr(0, TIMER, 0x40);
	now_ns = 20 * MS;
	ck_assert(fired(0, 0x40));
	wr(0, TIMER, PERIODIC | 0x40); /* it stands at 0 and stays there */
	ck_assert_uint_eq(rd(0, CURRENT), 0);
	now_ns = 40 * MS;
	ck_assert(!fired(0, 0x40));
}
END_TEST

START_TEST(a_deadline_is_a_time_of_the_tsc)
{
	struct lapic *l = &bus.cpu[0];
	u64 value;

	setup();
	ck_assert(lapic_write_msr(l, LAPIC_MSR_DEADLINE, 1000)); /* not in this mode */
	ck_assert(lapic_read_msr(l, LAPIC_MSR_DEADLINE, &value));
	ck_assert_uint_eq(value, 0);
	wr(0, TIMER, DEADLINE | 0x40);
	ck_assert(lapic_write_msr(l, LAPIC_MSR_DEADLINE, 20 * MS));
	ck_assert_uint_eq(lapic_deadline(l), 10 * MS);
	wr(0, INITIAL, 5);
	ck_assert_uint_eq(rd(0, CURRENT), 0);
	now_ns = 10 * MS - 1;
	ck_assert(!fired(0, 0x40));
	ck_assert(lapic_read_msr(l, LAPIC_MSR_DEADLINE, &value));
	ck_assert_uint_eq(value, 20 * MS);
	now_ns = 10 * MS;
	ck_assert(fired(0, 0x40));
	ck_assert(lapic_read_msr(l, LAPIC_MSR_DEADLINE, &value));
	ck_assert_uint_eq(value, 0);
	ck_assert(lapic_write_msr(l, LAPIC_MSR_DEADLINE, 5)); /* it has passed */
	ck_assert(fired(0, 0x40));
	ck_assert(lapic_write_msr(l, LAPIC_MSR_DEADLINE, 100 * MS));
	wr(0, TIMER, 0x40); /* leaving the mode disarms */
	now_ns = 100 * MS;
	ck_assert(!fired(0, 0x40));
	l->offer_deadline = false;
	ck_assert(!lapic_read_msr(l, LAPIC_MSR_DEADLINE, &value));
	ck_assert(!lapic_write_msr(l, LAPIC_MSR_DEADLINE, 0));
	wr(0, TIMER, DEADLINE | 0x40);
	ck_assert_uint_eq(rd(0, TIMER), 0x40);
}
END_TEST

START_TEST(a_masked_timer_counts_silently)
{
	setup();
	wr(0, TIMER, MASKED | 0x40);
	wr(0, INITIAL, 10 * MS);
	ck_assert_uint_eq(lapic_deadline(&bus.cpu[0]), LAPIC_NEVER);
	now_ns = 5 * MS;
	ck_assert_uint_eq(rd(0, CURRENT), 5 * MS);
	now_ns = 11 * MS;
	ck_assert(!fired(0, 0x40));
	wr(0, TIMER, 0x40);
	ck_assert(!fired(0, 0x40));
}
END_TEST

TAP_MAIN("lapic_timer",
	 a_one_shot_counts_down_and_fires_once,
	 periods_keep_their_phase_and_missed_ones_count_once,
	 the_divisor_slows_the_count,
	 changing_between_one_shot_and_periodic_keeps_the_count,
	 a_deadline_is_a_time_of_the_tsc,
	 a_masked_timer_counts_silently)
