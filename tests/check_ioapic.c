/* SPDX-License-Identifier: MIT */
/*
 * The IO-APIC: entries, triggers, ends; and the board's wiring of lines and addresses.
 */
#include "hv/dev/board.h"
#include "tests/tap.h"

#include <string.h>

#define MASKED (1u << 16)
#define LEVEL  (1u << 15)
#define REMOTE (1u << 14)
#define MS 1000000ull

static struct ioapic io;
static struct apic_message last;
static unsigned nr_sent;

static void io_send(void *ctx, const struct apic_message *m)
{
	(void)ctx;
	last = *m;
	nr_sent++;
}

static void setup(void)
{
	const struct ioapic_owner owner = { NULL, io_send };

	nr_sent = 0;
	memset(&last, 0, sizeof(last));
	ioapic_init(&io, 4, &owner);
}

static u32 get(u8 reg)
{
	ioapic_write(&io, 0, 4, reg);
	return ioapic_read(&io, 0x10, 4);
}

static void set(u8 reg, u32 value)
{
	ioapic_write(&io, 0, 4, reg);
	ioapic_write(&io, 0x10, 4, value);
}

static void set_entry(unsigned pin, u32 dest, u32 low)
{
	set((u8)(0x11 + 2 * pin), dest << 24);
	set((u8)(0x10 + 2 * pin), low);
}

static u32 low(unsigned pin)
{
	return get((u8)(0x10 + 2 * pin));
}

START_TEST(registers_are_behind_a_window)
{
	setup();
	ck_assert_uint_eq(get(0), 4u << 24);
	ck_assert_uint_eq(get(1), 0x170011);
	set(0, ~0u);
	ck_assert_uint_eq(get(0), 0xfu << 24);
	ck_assert_uint_eq(get(2), 0xfu << 24);
	set(1, 0);
	ck_assert_uint_eq(get(1), 0x170011);
	ck_assert_uint_eq(low(5), MASKED);
	set(0x1a, ~0u); /* entry 5 */
	set(0x1b, ~0u);
	ck_assert_uint_eq(low(5), 0x1afff);
	ck_assert_uint_eq(get(0x1b), 0xff000000);
	ck_assert_uint_eq(get(0x40), 0);
	set(0x40, 5);
	set(0xff, 5);
	ck_assert_uint_eq(get(0xff), 0);
	ck_assert_uint_eq(ioapic_read(&io, 0x20, 4), 0);
	ioapic_write(&io, 0x10, 2, 7); /* no word */
	ck_assert_uint_eq(ioapic_read(&io, 0, 1), 0xff);
}
END_TEST

START_TEST(an_edge_is_one_message)
{
	setup();
	set_entry(4, 3, 0x41 | 1u << 11);
	ioapic_set_line(&io, 4, true);
	ck_assert_uint_eq(nr_sent, 1);
	ck_assert_uint_eq(last.dest, 3);
	ck_assert_uint_eq(last.vector, 0x41);
	ck_assert_uint_eq(last.mode, APIC_FIXED);
	ck_assert(last.logical && !last.level && !last.wide);
	ioapic_set_line(&io, 4, true);
	ck_assert_uint_eq(nr_sent, 1);
	ioapic_set_line(&io, 4, false);
	ioapic_set_line(&io, 4, true);
	ck_assert_uint_eq(nr_sent, 2);
	ioapic_eoi(&io, 0x41);
	ck_assert_uint_eq(nr_sent, 2);
}
END_TEST

START_TEST(an_edge_at_a_masked_pin_is_lost)
{
	setup();
	set_entry(4, 0, 0x41 | MASKED);
	ioapic_set_line(&io, 4, true);
	set_entry(4, 0, 0x41);
	ck_assert_uint_eq(nr_sent, 0);
}
END_TEST

START_TEST(a_level_raises_again_after_each_end_while_it_lasts)
{
	setup();
	set_entry(9, 1, 0x51 | LEVEL);
	ioapic_set_line(&io, 9, true);
	ck_assert_uint_eq(nr_sent, 1);
	ck_assert(last.level);
	ck_assert_uint_eq(low(9), 0x51 | LEVEL | REMOTE);
	ioapic_set_line(&io, 9, false);
	ioapic_set_line(&io, 9, true);
	ck_assert_uint_eq(nr_sent, 1); /* the first is being served */
	ioapic_eoi(&io, 0x52);
	ck_assert_uint_eq(nr_sent, 1);
	ioapic_eoi(&io, 0x51);
	ck_assert_uint_eq(nr_sent, 2);
	ioapic_set_line(&io, 9, false);
	ioapic_eoi(&io, 0x51);
	ck_assert_uint_eq(nr_sent, 2);
	ck_assert_uint_eq(low(9), 0x51 | LEVEL);
}
END_TEST

START_TEST(a_level_at_a_masked_pin_waits)
{
	setup();
	set_entry(9, 0, 0x51 | LEVEL | MASKED);
	ioapic_set_line(&io, 9, true);
	ck_assert_uint_eq(nr_sent, 0);
	set_entry(9, 0, 0x51 | LEVEL);
	ck_assert_uint_eq(nr_sent, 1);
	set_entry(9, 0, 0x51 | LEVEL | REMOTE); /* cannot be written */
	ck_assert_uint_eq(low(9), 0x51 | LEVEL | REMOTE);
	set_entry(9, 0, 0x51 | MASKED); /* an edge has none */
	ck_assert_uint_eq(low(9), 0x51 | MASKED);
	set_entry(9, 0, 0x51 | LEVEL);
	ck_assert_uint_eq(nr_sent, 2);
}
END_TEST

/* ---- on the board ---- */

static struct board board;
static u64 now_ns;

static u64 owner_now(void *ctx)
{
	(void)ctx;
	return now_ns;
}

static u64 owner_tsc_ns(void *ctx, u64 tsc)
{
	(void)ctx;
	return tsc;
}

static void owner_line(void *ctx, unsigned line, bool level)
{
	(void)ctx;
	(void)line;
	(void)level;
}

static unsigned accepted_by;

static void owner_accept(void *ctx, unsigned cpu, enum apic_mode mode, u8 vector,
			 enum apic_source source)
{
	(void)ctx;
	(void)mode;
	(void)vector;
	(void)source;
	accepted_by |= 1u << cpu;
}

static void setup_board(void)
{
	const struct board_owner owner = {
		.now_ns = owner_now,
		.line = owner_line,
		.tsc_ns = owner_tsc_ns,
		.accept = owner_accept,
	};

	now_ns = 0;
	accepted_by = 0;
	board_init(&board, 2, &owner);
}

static u32 rd(unsigned cpu, gpa_t gpa)
{
	u32 value;

	board_read_mem(&board, cpu, gpa, &value, 4);
	return value;
}

static void wr(unsigned cpu, gpa_t gpa, u32 value)
{
	board_write_mem(&board, cpu, gpa, &value, 4);
}

static void wr_entry(unsigned pin, u32 dest, u32 value)
{
	wr(0, IOAPIC_GPA, 0x11 + 2 * pin);
	wr(0, IOAPIC_GPA + 0x10, dest << 24);
	wr(0, IOAPIC_GPA, 0x10 + 2 * pin);
	wr(0, IOAPIC_GPA + 0x10, value);
}

START_TEST(device_memory_is_each_cpus_apic_and_one_ioapic)
{
	u8 bytes[16];

	setup_board();
	ck_assert_uint_eq(rd(0, LAPIC_GPA + 0x20), 0);
	ck_assert_uint_eq(rd(1, LAPIC_GPA + 0x20), 1u << 24);
	wr(0, IOAPIC_GPA, 1);
	ck_assert_uint_eq(rd(1, IOAPIC_GPA + 0x10), 0x170011);
	ck_assert_uint_eq(rd(0, 0xd0000000), ~0u);
	wr(0, 0xd0000000, 5);
	/* More than a word, and at any place: what lies beside is nothing or reads 0. */
	board_read_mem(&board, 1, LAPIC_GPA + 0x22, bytes, 16);
	ck_assert_uint_eq(bytes[1], 1);
	ck_assert_uint_eq(bytes[0] | bytes[2] | bytes[9], 0);
	ck_assert_uint_eq(bytes[14], 0x14); /* of the next register */
	board_read_mem(&board, 0, LAPIC_GPA + 0xffe, bytes, 4);
	ck_assert_uint_eq(bytes[0], 0);
	ck_assert_uint_eq(bytes[2], 0xff);
}
END_TEST

START_TEST(the_pit_is_pin_two_and_reaches_whom_the_entry_names)
{
	struct board_irq irq;

	setup_board();
	wr(1, LAPIC_GPA + 0xf0, 0x1ff);
	wr_entry(2, 1, 0x41);
	board_out(&board, 0x43, 1, 0x34);
	board_out(&board, 0x40, 1, 0xa9); /* 1 ms */
	board_out(&board, 0x40, 1, 0x04);
	for (unsigned i = 0; i < 3; i++) {
		now_ns += MS;
		board_update(&board);
		ck_assert_int_eq(board_irq(&board, 0).from_pic, true); /* both get the line */
		irq = board_irq(&board, 1);
		ck_assert_int_eq(irq.vector, 0x41);
		ck_assert(!irq.from_pic);
		board_ack(&board, 1, irq);
		ck_assert_int_eq(board_irq(&board, 1).vector, -1);
		wr(1, LAPIC_GPA + 0xb0, 0);
	}
	ck_assert_uint_eq(accepted_by, 2);
}
END_TEST

START_TEST(the_pics_interrupts_are_vcpu_0s_while_lint0_lets_them)
{
	setup_board();
	board_out(&board, 0x20, 1, 0x11);
	board_out(&board, 0x21, 1, 0x30);
	board_out(&board, 0x21, 1, 0x04);
	board_out(&board, 0x21, 1, 0x01);
	board_out(&board, 0x21, 1, 0x00);
	pic_set_line(&board.pic, 5, true);
	ck_assert_int_eq(board_irq(&board, 1).vector, -1);
	ck_assert_int_eq(board_irq(&board, 0).vector, 0x35);
	wr(0, LAPIC_GPA + 0x350, 0x10700);
	ck_assert_int_eq(board_irq(&board, 0).vector, -1);
	wr(0, LAPIC_GPA + 0x350, 0x700);
	board_ack(&board, 0, board_irq(&board, 0));
	ck_assert_int_eq(board_irq(&board, 0).vector, -1);
	ck_assert_uint_eq(board.pic.chip[0].isr, 0x20);
}
END_TEST

START_TEST(a_level_is_ended_by_the_local_apics_eoi)
{
	setup_board();
	wr_entry(4, 0, 0x61 | LEVEL);
	board_out(&board, 0x3fc, 1, 0x08);
	board_out(&board, 0x3f9, 1, 0x02); /* the transmitter is empty */
	ck_assert_int_eq(board_irq(&board, 0).from_pic, true);
	wr(0, LAPIC_GPA + 0x350, 0x10000);
	ck_assert_int_eq(board_irq(&board, 0).vector, 0x61);
	board_ack(&board, 0, board_irq(&board, 0));
	wr(0, LAPIC_GPA + 0xb0, 0);
	ck_assert_int_eq(board_irq(&board, 0).vector, 0x61);
	board_ack(&board, 0, board_irq(&board, 0));
	board_in(&board, 0x3fa, 1); /* the cause is gone */
	wr(0, LAPIC_GPA + 0xb0, 0);
	ck_assert_int_eq(board_irq(&board, 0).vector, -1);
}
END_TEST

START_TEST(a_local_timer_has_a_deadline_of_its_own)
{
	setup_board();
	ck_assert_uint_eq(board_deadline(&board), BOARD_NEVER);
	wr(1, LAPIC_GPA + 0xf0, 0x1ff);
	wr(1, LAPIC_GPA + 0x3e0, 0xb);
	wr(1, LAPIC_GPA + 0x320, 0x41);
	wr(1, LAPIC_GPA + 0x380, 5 * MS);
	ck_assert_uint_eq(board_deadline(&board), BOARD_NEVER);
	ck_assert_uint_eq(lapic_deadline(&board.apics.cpu[1]), 5 * MS);
	now_ns = 5 * MS;
	board_update(&board);
	ck_assert_int_eq(board_irq(&board, 1).vector, 0x41);
}
END_TEST

TAP_MAIN("ioapic",
	 registers_are_behind_a_window,
	 an_edge_is_one_message,
	 an_edge_at_a_masked_pin_is_lost,
	 a_level_raises_again_after_each_end_while_it_lasts,
	 a_level_at_a_masked_pin_waits,
	 device_memory_is_each_cpus_apic_and_one_ioapic,
	 the_pit_is_pin_two_and_reaches_whom_the_entry_names,
	 the_pics_interrupts_are_vcpu_0s_while_lint0_lets_them,
	 a_level_is_ended_by_the_local_apics_eoi,
	 a_local_timer_has_a_deadline_of_its_own)
