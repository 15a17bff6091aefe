/* SPDX-License-Identifier: MIT */
/*
 * The timer: what its modes count, what their outputs do, what can be read back.
 */
#include "hv/dev/pit.h"
#include "tests/tap.h"

static struct pit p;
static u64 now_ns;

/* The time at which so many ticks have happened. */
static u64 ns(u64 ticks)
{
	return (ticks * 1000000000ull + PIT_HZ - 1) / PIT_HZ;
}

static void out(u16 port, u8 value)
{
	pit_out(&p, port, value, now_ns);
}

static u8 in(u16 port)
{
	return pit_in(&p, port, now_ns);
}

static void start(unsigned channel, u8 mode, u16 count)
{
	pit_init(&p);
	now_ns = 0;
	out(0x61, 1);
	out(0x43, (u8)(channel << 6 | 0x30 | mode << 1));
	out(0x40 + channel, (u8)count);
	out(0x40 + channel, count >> 8);
}

static u16 count(unsigned channel)
{
	u16 low = in(0x40 + channel);

	return (u16)(low | in(0x40 + channel) << 8);
}

static bool output(unsigned channel)
{
	out(0x43, (u8)(0xe0 | 2u << channel)); /* the status alone */
	return in(0x40 + channel) & 0x80;
}

START_TEST(mode_0_is_low_until_the_count_is_over_and_counts_on)
{
	start(2, 0, 1000);
	ck_assert(!output(2));
	now_ns = ns(999);
	ck_assert(!output(2));
	ck_assert_uint_eq(count(2), 1);
	now_ns = ns(1000);
	ck_assert(output(2));
	ck_assert_uint_eq(count(2), 0);
	now_ns = ns(1002);
	ck_assert_uint_eq(count(2), 0xfffe);
	ck_assert(output(2));
}
END_TEST

START_TEST(mode_2_is_low_for_the_last_tick_of_each_period)
{
	start(0, 2, 100);
	for (unsigned period = 0; period < 3; period++) {
		now_ns = ns(period * 100 + 98);
		ck_assert(output(0));
		ck_assert_uint_eq(count(0), 2);
		now_ns = ns(period * 100 + 99);
		ck_assert(!output(0));
		now_ns = ns(period * 100 + 100);
		ck_assert(output(0));
		ck_assert_uint_eq(count(0), 100);
	}
}
END_TEST

START_TEST(mode_3_is_a_square_and_counts_by_two)
{
	start(0, 3, 100);
	now_ns = ns(10);
	ck_assert_uint_eq(count(0), 80);
	ck_assert(output(0));
	now_ns = ns(49);
	ck_assert(output(0));
	now_ns = ns(50);
	ck_assert(!output(0));
	ck_assert_uint_eq(count(0), 100); /* each half from the beginning */
	now_ns = ns(99);
	ck_assert(!output(0));
	now_ns = ns(100);
	ck_assert(output(0));
}
END_TEST

START_TEST(mode_4_is_low_for_one_tick_once)
{
	start(0, 4, 100);
	now_ns = ns(99);
	ck_assert(output(0));
	now_ns = ns(100);
	ck_assert(!output(0));
	ck_assert(pit_tick(&p, now_ns));
	now_ns = ns(101);
	ck_assert(output(0));
	now_ns = ns(70000);
	ck_assert(!pit_tick(&p, now_ns));
}
END_TEST

START_TEST(a_rising_gate_starts_modes_1_and_5)
{
	start(2, 1, 1000);
	now_ns = ns(500);
	out(0x61, 0);
	out(0x61, 1);
	ck_assert(!output(2));
	now_ns = ns(500) + ns(999);
	ck_assert(!output(2));
	now_ns = ns(500) + ns(1000);
	ck_assert(output(2));
}
END_TEST

START_TEST(a_closed_gate_stops_mode_0)
{
	start(2, 0, 1000);
	now_ns = ns(400);
	out(0x61, 0);
	now_ns = ns(5000);
	ck_assert_uint_eq(count(2), 600);
	out(0x61, 1);
	now_ns += ns(600) + 1000;
	ck_assert(output(2));
	ck_assert_uint_eq(in(0x61) & 0x21, 0x21);
}
END_TEST

START_TEST(zero_is_the_longest_count)
{
	start(0, 2, 0);
	ck_assert_uint_eq(pit_deadline(&p), ns(65536));
}
END_TEST

START_TEST(read_back_latches_status_and_counts_of_several)
{
	start(0, 2, 1000);
	out(0x43, 0xb0);
	out(0x42, 0xd0);
	out(0x42, 0x07); /* channel 2: 2000 */
	now_ns = ns(100);
	out(0x43, 0xca); /* both, of channels 0 and 2 */
	now_ns = ns(300);
	out(0x43, 0xca); /* the first latch holds */
	ck_assert_uint_eq(in(0x40), 0xb4); /* output high, both bytes, mode 2 */
	ck_assert_uint_eq(count(0), 900);
	ck_assert_uint_eq(in(0x42), 0x30); /* output low, both bytes, mode 0 */
	ck_assert_uint_eq(count(2), 1900);
	ck_assert_uint_eq(count(0), 700); /* not latched any more */
}
END_TEST

START_TEST(one_byte_counts_are_one_byte)
{
	start(0, 2, 1000);
	out(0x43, 0x14); /* low byte only */
	out(0x40, 200);
	ck_assert_uint_eq(pit_deadline(&p), ns(200));
	now_ns = ns(50);
	ck_assert_uint_eq(in(0x40), 150);
	out(0x43, 0x24); /* high byte only */
	out(0x40, 2);
	ck_assert_uint_eq(pit_deadline(&p) - now_ns, ns(512));
	ck_assert_uint_eq(in(0x40), 2);
}
END_TEST

TAP_MAIN("pit",
	 mode_0_is_low_until_the_count_is_over_and_counts_on,
	 mode_2_is_low_for_the_last_tick_of_each_period,
	 mode_3_is_a_square_and_counts_by_two,
	 mode_4_is_low_for_one_tick_once,
	 a_rising_gate_starts_modes_1_and_5,
	 a_closed_gate_stops_mode_0,
	 zero_is_the_longest_count,
	 read_back_latches_status_and_counts_of_several,
	 one_byte_counts_are_one_byte)
