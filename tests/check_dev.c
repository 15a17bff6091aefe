/* SPDX-License-Identifier: MIT */
/*
 * The guest board's devices, driven as a guest drives them.
 */
#include "hv/dev/board.h"
#include "tests/tap.h"

#include <string.h>

#define MS 1000000ull

static struct board board;
static u64 now_ns;
static char console[64];
static unsigned console_len;
static int end_status;

static u64 owner_now(void *ctx)
{
	(void)ctx;
	return now_ns;
}

static void owner_console(void *ctx, u8 byte)
{
	(void)ctx;
	console[console_len++] = (char)byte;
}

static void owner_line(void *ctx, unsigned line, bool level)
{
	(void)ctx;
	(void)line;
	(void)level;
}

static unsigned nr_smis;

static void owner_smi(void *ctx)
{
	(void)ctx;
	nr_smis++;
}

static void owner_end(void *ctx, unsigned status, const char *reason)
{
	(void)ctx;
	(void)reason;
	end_status = (int)status;
}

static u64 owner_tsc_ns(void *ctx, u64 tsc)
{
	(void)ctx;
	return tsc;
}

static void owner_accept(void *ctx, unsigned cpu, enum apic_mode mode, u8 vector,
			 enum apic_source source)
{
	(void)ctx;
	(void)cpu;
	(void)mode;
	(void)vector;
	(void)source;
}

static void setup(void)
{
	const struct board_owner owner = {
		.now_ns = owner_now, .console = owner_console, .line = owner_line,
		.smi = owner_smi, .end = owner_end, .tsc_ns = owner_tsc_ns,
		.accept = owner_accept,
	};

	now_ns = 0;
	console_len = 0;
	end_status = -1;
	nr_smis = 0;
	board_init(&board, 1, &owner);
}

/* The CPU takes what the PIC requests. */
static void take(void)
{
	pic_ack(&board.pic, (u8)pic_pending(&board.pic));
}

static void out(u16 port, u8 value)
{
	board_out(&board, port, 1, value);
}

static u8 in(u16 port)
{
	return (u8)board_in(&board, port, 1);
}

/* Vectors 30 and 38, everything unmasked: as Linux does it. */
static void setup_pics(void)
{
	setup();
	out(0x20, 0x11);
	out(0x21, 0x30);
	out(0x21, 0x04);
	out(0x21, 0x01);
	out(0xa0, 0x11);
	out(0xa1, 0x38);
	out(0xa1, 0x02);
	out(0xa1, 0x01);
	out(0x21, 0x00);
	out(0xa1, 0x00);
}

/* Channel 0 periodic, count to. */
static void start_pit(u8 mode, u16 count)
{
	out(0x43, 0x30 | mode << 1);
	out(0x40, (u8)count);
	out(0x40, count >> 8);
}

START_TEST(an_edge_is_delivered_once_until_the_next_edge)
{
	setup_pics();
	pic_set_line(&board.pic, 5, true);
	ck_assert_int_eq(pic_pending(&board.pic), 0x35);
	take();
	ck_assert_int_eq(pic_pending(&board.pic), -1);
	out(0x20, 0x20);
	pic_set_line(&board.pic, 5, true);
	ck_assert_int_eq(pic_pending(&board.pic), -1);
	pic_set_line(&board.pic, 5, false);
	pic_set_line(&board.pic, 5, true);
	ck_assert_int_eq(pic_pending(&board.pic), 0x35);
}
END_TEST

START_TEST(a_lower_line_waits_for_the_end_of_a_higher_one)
{
	setup_pics();
	pic_set_line(&board.pic, 3, true);
	take();
	pic_set_line(&board.pic, 6, true);
	ck_assert_int_eq(pic_pending(&board.pic), -1);
	pic_set_line(&board.pic, 1, true);
	ck_assert_int_eq(pic_pending(&board.pic), 0x31);
	out(0x20, 0x20);
	take();
	out(0x20, 0x61); /* specific end of line 1 */
	ck_assert_int_eq(pic_pending(&board.pic), 0x36);
}
END_TEST

START_TEST(the_slave_comes_through_line_two)
{
	setup_pics();
	pic_set_line(&board.pic, 12, true);
	ck_assert_int_eq(pic_pending(&board.pic), 0x3c);
	take();
	out(0x20, 0x0b);
	out(0xa0, 0x0b);
	ck_assert_uint_eq(in(0x20), 0x04);
	ck_assert_uint_eq(in(0xa0), 0x10);
	out(0xa0, 0x20);
	out(0x20, 0x20);
	ck_assert_uint_eq(in(0xa0), 0);
}
END_TEST

START_TEST(a_masked_line_is_kept_until_it_is_unmasked)
{
	setup_pics();
	out(0x21, 0x20);
	pic_set_line(&board.pic, 5, true);
	ck_assert_int_eq(pic_pending(&board.pic), -1);
	out(0x21, 0x00);
	ck_assert_int_eq(pic_pending(&board.pic), 0x35);
}
END_TEST

START_TEST(the_periodic_timer_ticks_once_a_period)
{
	unsigned ticks = 0;

	setup_pics();
	start_pit(2, 11932); /* 10 ms */
	for (unsigned i = 0; i < 1000; i++) {
		now_ns += MS;
		board_update(&board);
		if (pic_pending(&board.pic) == 0x30) {
			take();
			out(0x20, 0x20);
			ticks++;
		}
	}
	ck_assert_uint_ge(ticks, 99);
	ck_assert_uint_le(ticks, 100);
}
END_TEST

START_TEST(missed_ticks_count_once_and_the_phase_stays)
{
	setup_pics();
	start_pit(2, 11932);
	now_ns = 45 * MS;
	board_update(&board);
	ck_assert_int_eq(pic_pending(&board.pic), 0x30);
	take();
	out(0x20, 0x20);
	ck_assert_int_eq(pic_pending(&board.pic), -1);
	ck_assert_uint_ge(board_deadline(&board), 50 * MS);
	ck_assert_uint_le(board_deadline(&board), 50 * MS + 10000);
}
END_TEST

START_TEST(a_one_shot_fires_once)
{
	setup_pics();
	start_pit(0, 11932);
	ck_assert_uint_ge(board_deadline(&board), 10 * MS);
	now_ns = 11 * MS;
	board_update(&board);
	ck_assert_int_eq(pic_pending(&board.pic), 0x30);
	ck_assert_uint_eq(board_deadline(&board), PIT_NEVER);
}
END_TEST

START_TEST(a_latched_count_stays_while_time_goes_on)
{
	u16 count;

	setup();
	start_pit(2, 1000);
	now_ns = pit_deadline(&board.pit) / 4;
	out(0x43, 0x00);
	now_ns *= 2;
	count = in(0x40);
	count |= in(0x40) << 8;
	ck_assert_uint_ge(count, 748);
	ck_assert_uint_le(count, 751);
}
END_TEST

START_TEST(channel_two_counts_while_its_gate_is_open)
{
	setup();
	out(0x61, 0);
	out(0x43, 0xb0);
	out(0x42, (u8)11932);
	out(0x42, 11932 >> 8);
	now_ns = 100 * MS;
	ck_assert_uint_eq(in(0x61) & 0x20, 0);
	out(0x61, 1);
	now_ns += 9 * MS;
	ck_assert_uint_eq(in(0x61) & 0x20, 0);
	now_ns += 2 * MS;
	ck_assert_uint_eq(in(0x61) & 0x20, 0x20);
}
END_TEST

START_TEST(the_clock_runs_with_the_guest_and_knows_leap_years)
{
	setup();
	now_ns = (59ull * 86400 + 3661) * 1000 * MS; /* 2026 has no February 29 */
	out(0x70, 0x08);
	ck_assert_uint_eq(in(0x71), 0x03);
	out(0x70, 0x07);
	ck_assert_uint_eq(in(0x71), 0x01);
	out(0x70, 0x04);
	ck_assert_uint_eq(in(0x71), 0x01);
	out(0x70, 0x02);
	ck_assert_uint_eq(in(0x71), 0x01);
	now_ns = (365ull + 365 + 59) * 86400 * 1000 * MS; /* 2028 has */
	out(0x70, 0x07);
	ck_assert_uint_eq(in(0x71), 0x29);
	out(0x70, 0x0a);
	ck_assert_uint_eq(in(0x71) & 0x80, 0);
}
END_TEST

START_TEST(serial_output_arrives_in_order)
{
	setup();
	for (const char *p = "hello"; *p; p++)
		out(0x3f8, (u8)*p);
	ck_assert_uint_eq(console_len, 5);
	ck_assert_int_eq(memcmp(console, "hello", 5), 0);
	ck_assert_uint_eq(in(0x3fd) & 0x60, 0x60);
}
END_TEST

START_TEST(writing_many_bytes_interrupts_once_until_iir_is_read)
{
	setup_pics();
	out(0x3fc, 0x08);
	out(0x3f9, 0x02);
	ck_assert_int_eq(pic_pending(&board.pic), 0x34);
	take();
	out(0x20, 0x20);
	out(0x3f8, 'a');
	out(0x3f8, 'b');
	ck_assert_int_eq(pic_pending(&board.pic), -1);
	ck_assert_uint_eq(in(0x3fa) & 0x0f, 0x02);
	ck_assert_uint_eq(in(0x3fa) & 0x0f, 0x01);
	out(0x3f8, 'c');
	ck_assert_int_eq(pic_pending(&board.pic), 0x34);
}
END_TEST

START_TEST(received_bytes_wait_in_the_fifo)
{
	setup_pics();
	out(0x3fa, 0x01);
	out(0x3fc, 0x08);
	out(0x3f9, 0x01);
	uart_receive(&board.uart, 'x');
	uart_receive(&board.uart, 'y');
	board_update(&board);
	ck_assert_int_eq(pic_pending(&board.pic), 0x34);
	ck_assert_uint_eq(in(0x3f8), 'x');
	ck_assert_uint_eq(in(0x3fd) & 1, 1);
	ck_assert_uint_eq(in(0x3f8), 'y');
	ck_assert_uint_eq(in(0x3fd) & 1, 0);
}
END_TEST

START_TEST(nothing_is_received_before_the_guest_wants_it)
{
	setup();
	out(0x3fa, 0x01);
	ck_assert_uint_eq(uart_room(&board.uart), 0);
	out(0x3fc, 0x12); /* a probe in loop mode */
	ck_assert_uint_eq(uart_room(&board.uart), 0);
	out(0x3fc, 0x09); /* Linux raises DTR when it makes a console of the port */
	ck_assert_uint_eq(uart_room(&board.uart), 0);
	out(0x3fc, 0x0b);
	ck_assert_uint_ne(uart_room(&board.uart), 0);
	out(0x3fc, 0);
	out(0x3f9, 0x01); /* ... and tries whether an interrupt comes */
	ck_assert_uint_eq(uart_room(&board.uart), 0);
	out(0x3fc, 0x08);
	ck_assert_uint_ne(uart_room(&board.uart), 0);
	out(0x3f9, 0);
	for (int i = 0; i < UART_POLLS; i++) {
		ck_assert_uint_eq(uart_room(&board.uart), 0);
		in(0x3fd);
	}
	ck_assert_uint_ne(uart_room(&board.uart), 0);
	uart_receive(&board.uart, 'x');
	in(0x3fd);
	in(0x3f8);
	ck_assert_uint_ne(uart_room(&board.uart), 0); /* it reads on */
	out(0x3f8, 'x');
	ck_assert_uint_eq(uart_room(&board.uart), 0);
}
END_TEST

START_TEST(loop_mode_shows_the_modem_lines_to_a_probe)
{
	setup();
	out(0x3fc, 0x1a);
	ck_assert_uint_eq(in(0x3fe) & 0xf0, 0x90);
}
END_TEST

START_TEST(a_guest_ends_by_debug_exit_or_a_reset)
{
	setup();
	out(0xf4, 7);
	ck_assert_int_eq(end_status, 7);
	board_out(&board, 0x501, 4, 200);
	ck_assert_int_eq(end_status, 119);
	out(0x64, 0xfe);
	ck_assert_int_eq(end_status, 0);
	end_status = -1;
	board_out(&board, 0xcf8, 4, 0x80000600); /* an address of PCI's */
	ck_assert_int_eq(end_status, -1);
	out(0xcf9, 0x06);
	ck_assert_int_eq(end_status, 0);
}
END_TEST

START_TEST(unknown_ports_read_ones_in_every_width)
{
	setup();
	ck_assert_uint_eq(board_in(&board, 0x60, 1), 0xff);
	ck_assert_uint_eq(board_in(&board, 0x2e, 2), 0xffff);
	ck_assert_uint_eq(board_in(&board, 0xcf8, 4) & 0xffff00ff, 0xffff00ff);
	out(0x80, 1);
	ck_assert_int_eq(end_status, -1);
}
END_TEST

START_TEST(the_control_port_of_power_management_is_an_smi)
{
	setup();
	out(0xb3, 0x22);
	ck_assert_uint_eq(nr_smis, 0);
	out(0xb2, 0x11);
	ck_assert_uint_eq(nr_smis, 1);
	ck_assert_uint_eq(in(0xb2), 0x11);
	ck_assert_uint_eq(in(0xb3), 0x22);
	ck_assert_uint_eq(nr_smis, 1);
	board_out(&board, 0xb2, 2, 0x4433);
	ck_assert_uint_eq(nr_smis, 2);
	ck_assert_uint_eq(board_in(&board, 0xb2, 2), 0x4433);
}
END_TEST

TAP_MAIN("dev",
	 the_control_port_of_power_management_is_an_smi,
	 an_edge_is_delivered_once_until_the_next_edge,
	 a_lower_line_waits_for_the_end_of_a_higher_one,
	 the_slave_comes_through_line_two,
	 a_masked_line_is_kept_until_it_is_unmasked,
	 the_periodic_timer_ticks_once_a_period,
	 missed_ticks_count_once_and_the_phase_stays,
	 a_one_shot_fires_once,
	 a_latched_count_stays_while_time_goes_on,
	 channel_two_counts_while_its_gate_is_open,
	 the_clock_runs_with_the_guest_and_knows_leap_years,
	 serial_output_arrives_in_order,
	 writing_many_bytes_interrupts_once_until_iir_is_read,
	 received_bytes_wait_in_the_fifo,
	 nothing_is_received_before_the_guest_wants_it,
	 loop_mode_shows_the_modem_lines_to_a_probe,
	 a_guest_ends_by_debug_exit_or_a_reset,
	 unknown_ports_read_ones_in_every_width)
