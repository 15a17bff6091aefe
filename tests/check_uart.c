/* SPDX-License-Identifier: MIT */
/*
 * The serial port, register by register.
 */
#include "hv/dev/uart.h"
#include "tests/tap.h"

#include <string.h>

enum { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR, FCR = IIR };

static struct uart u;
static char sent[64];
static unsigned nr_sent;

static void transmit(void *ctx, u8 byte)
{
	(void)ctx;
	sent[nr_sent++ % sizeof(sent)] = (char)byte;
}

/* OUT2 opens the gate to the PIC. */
static void setup(u8 fcr, u8 ier)
{
	nr_sent = 0;
	uart_init(&u, transmit, NULL);
	uart_out(&u, MCR, 0x08);
	uart_out(&u, FCR, fcr);
	uart_out(&u, IER, ier);
}

static void receive(const char *text)
{
	while (*text)
		uart_receive(&u, (u8)*text++);
}

START_TEST(received_bytes_come_out_in_order)
{
	setup(0x01, 0x01);
	ck_assert(!uart_line(&u));
	receive("abc");
	ck_assert(uart_line(&u));
	ck_assert_uint_eq(uart_in(&u, LSR) & 0x03, 1);
	ck_assert_uint_eq(uart_in(&u, DATA), 'a');
	ck_assert_uint_eq(uart_in(&u, DATA), 'b');
	ck_assert(uart_line(&u));
	ck_assert_uint_eq(uart_in(&u, DATA), 'c');
	ck_assert(!uart_line(&u));
	ck_assert_uint_eq(uart_in(&u, LSR) & 0x03, 0);
	ck_assert_uint_eq(uart_in(&u, IIR), 0xc1);
}
END_TEST

START_TEST(the_trigger_level_tells_a_full_fifo_from_a_timeout)
{
	static const struct { u8 fcr, level; } rows[] = {
		{ 0x01, 1 }, { 0x41, 4 }, { 0x81, 8 }, { 0xc1, 14 }
	};

	for (unsigned i = 0; i < 4; i++) {
		setup(rows[i].fcr, 0x01);
		for (unsigned n = 1; n <= UART_FIFO; n++) {
			receive("x");
			ck_assert_uint_eq(uart_in(&u, IIR),
					  n >= rows[i].level ? 0xc4 : 0xcc);
			ck_assert(uart_line(&u)); /* nothing waits for more to come */
		}
		ck_assert_uint_eq(uart_room(&u), 0);
	}
}
END_TEST

START_TEST(without_the_fifo_there_is_room_for_one)
{
	setup(0x00, 0x05);
	ck_assert_uint_eq(uart_room(&u), 1);
	receive("a");
	ck_assert_uint_eq(uart_room(&u), 0);
	ck_assert_uint_eq(uart_in(&u, IIR), 0x04);
	receive("b");
	ck_assert_uint_eq(uart_in(&u, IIR), 0x06);
	ck_assert_uint_eq(uart_in(&u, LSR) & 0x03, 0x03);
	ck_assert_uint_eq(uart_in(&u, LSR) & 0x03, 0x01);
	ck_assert_uint_eq(uart_in(&u, DATA), 'b');
	ck_assert(!uart_line(&u));
}
END_TEST

START_TEST(what_a_full_fifo_cannot_hold_is_lost_and_told)
{
	setup(0x01, 0x04);
	receive("0123456789abcdef");
	ck_assert(!uart_line(&u));
	receive("!");
	ck_assert(uart_line(&u));
	ck_assert_uint_eq(uart_in(&u, LSR) & 0x03, 0x03);
	ck_assert(!uart_line(&u));
	for (const char *p = "0123456789abcdef"; *p; p++)
		ck_assert_uint_eq(uart_in(&u, DATA), (u8)*p);
	ck_assert_uint_eq(uart_in(&u, LSR) & 0x03, 0);
}
END_TEST

START_TEST(clearing_and_switching_the_fifo_empties_it)
{
	setup(0x01, 0x01);
	receive("abc");
	uart_out(&u, FCR, 0x03);
	ck_assert(!uart_line(&u));
	receive("abc");
	uart_out(&u, FCR, 0x01);
	ck_assert_uint_eq(uart_in(&u, DATA), 'a');
	uart_out(&u, FCR, 0x00);
	ck_assert_uint_eq(uart_in(&u, LSR) & 1, 0);
	uart_out(&u, FCR, 0xc8); /* other bits count with the first only */
	ck_assert_uint_eq(uart_in(&u, IIR) & 0xc0, 0);
	ck_assert_uint_eq(uart_room(&u), 1);
}
END_TEST

START_TEST(causes_have_an_order)
{
	setup(0x01, 0x0f);
	receive("0123456789abcdef!");
	uart_out(&u, MCR, 0x18);
	uart_out(&u, MCR, 0x08); /* a change of the modem's lines */
	ck_assert_uint_eq(uart_in(&u, IIR), 0xc6);
	uart_in(&u, LSR);
	ck_assert_uint_eq(uart_in(&u, IIR), 0xc4);
	uart_out(&u, FCR, 0x03);
	ck_assert_uint_eq(uart_in(&u, IIR), 0xc2);
	ck_assert_uint_eq(uart_in(&u, IIR), 0xc0);
	ck_assert(uart_line(&u));
	ck_assert_uint_ne(uart_in(&u, MSR) & 0x0f, 0);
	ck_assert(!uart_line(&u));
	ck_assert_uint_eq(uart_in(&u, IIR), 0xc1);
}
END_TEST

START_TEST(the_empty_transmitter_interrupts_until_it_is_told)
{
	setup(0x01, 0x02);
	ck_assert(uart_line(&u)); /* enabling it is a cause */
	ck_assert_uint_eq(uart_in(&u, IIR), 0xc2);
	ck_assert(!uart_line(&u));
	uart_out(&u, DATA, 'a');
	ck_assert(uart_line(&u));
	uart_out(&u, IER, 0x00);
	ck_assert(!uart_line(&u));
	uart_out(&u, IER, 0x02);
	ck_assert(uart_line(&u));
	uart_out(&u, MCR, 0x00); /* the gate */
	ck_assert(!uart_line(&u));
	ck_assert_uint_eq(nr_sent, 1);
}
END_TEST

START_TEST(in_loop_mode_the_port_hears_itself_only)
{
	setup(0x01, 0x01);
	uart_out(&u, MCR, 0x18);
	uart_out(&u, DATA, 'x');
	ck_assert_uint_eq(nr_sent, 0);
	ck_assert_uint_eq(uart_room(&u), 0);
	ck_assert(!uart_line(&u)); /* OUT2 is inactive outside */
	ck_assert_uint_eq(uart_in(&u, IIR), 0xc4);
	ck_assert_uint_eq(uart_in(&u, DATA), 'x');
	for (unsigned out = 0; out < 16; out++) {
		static const u8 in[] = { 0x20, 0x10, 0x40, 0x80 };
		u8 want = 0;

		for (unsigned bit = 0; bit < 4; bit++)
			want |= out >> bit & 1 ? in[bit] : 0;
		uart_out(&u, MCR, 0x10 | out);
		ck_assert_uint_eq(uart_in(&u, MSR) & 0xf0, want);
	}
}
END_TEST

START_TEST(changes_of_the_modem_lines_are_told_once)
{
	setup(0x00, 0x00);
	uart_out(&u, MCR, 0x10);
	uart_in(&u, MSR);
	uart_out(&u, MCR, 0x16); /* RTS and OUT1: CTS, and RI which rises */
	ck_assert_uint_eq(uart_in(&u, MSR), 0x51);
	ck_assert_uint_eq(uart_in(&u, MSR), 0x50);
	uart_out(&u, MCR, 0x10);
	ck_assert_uint_eq(uart_in(&u, MSR), 0x05);
}
END_TEST

START_TEST(divisor_and_scratch_are_kept)
{
	setup(0x00, 0x00);
	uart_out(&u, LCR, 0x83);
	uart_out(&u, DATA, 0x34);
	uart_out(&u, IER, 0x12);
	ck_assert_uint_eq(uart_in(&u, DATA), 0x34);
	ck_assert_uint_eq(uart_in(&u, IER), 0x12);
	uart_out(&u, LCR, 0x03);
	ck_assert_uint_eq(uart_in(&u, LCR), 0x03);
	ck_assert_uint_eq(uart_in(&u, IER), 0);
	uart_out(&u, SCR, 0x5a);
	ck_assert_uint_eq(uart_in(&u, SCR), 0x5a);
	uart_out(&u, IER, 0xff);
	ck_assert_uint_eq(uart_in(&u, IER), 0x0f);
	ck_assert_uint_eq(nr_sent, 0);
}
END_TEST

TAP_MAIN("uart",
	 received_bytes_come_out_in_order,
	 the_trigger_level_tells_a_full_fifo_from_a_timeout,
	 without_the_fifo_there_is_room_for_one,
	 what_a_full_fifo_cannot_hold_is_lost_and_told,
	 clearing_and_switching_the_fifo_empties_it,
	 causes_have_an_order,
	 the_empty_transmitter_interrupts_until_it_is_told,
	 in_loop_mode_the_port_hears_itself_only,
	 changes_of_the_modem_lines_are_told_once,
	 divisor_and_scratch_are_kept)
