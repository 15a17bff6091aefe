/* SPDX-License-Identifier: MIT */
/*
 * QEMU's own devices on the board: firmware configuration and the test device.
 */
#include "hv/dev/board.h"
#include "tests/tap.h"

#include <string.h>

static struct board board;
static gpa_t forgotten;
static unsigned nr_forgotten;

static u64 owner_now(void *ctx)
{
	(void)ctx;
	return 0;
}

static void owner_line(void *ctx, unsigned line, bool level)
{
	(void)ctx;
	(void)line;
	(void)level;
}

static void owner_forget(void *ctx, gpa_t gpa)
{
	(void)ctx;
	forgotten = gpa;
	nr_forgotten++;
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
		.now_ns = owner_now,
		.line = owner_line,
		.tsc_ns = owner_tsc_ns,
		.accept = owner_accept,
		.forget = owner_forget,
	};

	nr_forgotten = 0;
	board_init(&board, 1, &owner);
	fw_cfg_init(&board.fw_cfg, 0x12345678000, 3);
}

/* ---- firmware configuration ---- */

/* The item's first size bytes. */
static u64 item(u16 key, unsigned size)
{
	u64 value = 0;

	board_out(&board, 0x510, 2, key);
	for (unsigned i = 0; i < size; i++)
		value |= (u64)board_in(&board, 0x511, 1) << (8 * i);
	return value;
}

START_TEST(the_firmware_is_told_what_machine_it_is)
{
	setup();
	ck_assert_uint_eq(item(0, 4), 0x554d4551); /* QEMU */
	ck_assert_uint_eq(item(1, 4), 1);
	ck_assert_uint_eq(item(3, 8), 0x12345678000);
	ck_assert_uint_eq(item(5, 2), 3);
	ck_assert_uint_eq(item(0xf, 2), 3);
}
END_TEST

START_TEST(an_item_is_zero_behind_its_end_and_begins_again_when_it_is_selected)
{
	setup();
	ck_assert_uint_eq(item(5, 8), 3);
	ck_assert_uint_eq(board_in(&board, 0x511, 1), 0);
	ck_assert_uint_eq(item(5, 1), 3);
	ck_assert_uint_eq(item(0x4321, 8), 0);
}
END_TEST

static u32 next_big(unsigned bytes)
{
	u32 value = 0;

	while (bytes--)
		value = value << 8 | board_in(&board, 0x511, 1);
	return value;
}

START_TEST(the_directory_leads_to_the_memory_map)
{
	char name[57] = "";
	u16 key;

	setup();
	board_out(&board, 0x510, 2, 0x19);
	ck_assert_uint_eq(next_big(4), 1);
	ck_assert_uint_eq(next_big(4), 20);
	key = (u16)next_big(2);
	ck_assert_uint_eq(next_big(2), 0);
	for (unsigned i = 0; i < 56; i++)
		name[i] = (char)board_in(&board, 0x511, 1);
	ck_assert_str_eq(name, "etc/e820");
	ck_assert_uint_eq(item(key, 8), 0);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_uint_eq(board_in(&board, 0x511, 1), 0x12345678000 >> 8 * i & 0xff);
	ck_assert_uint_eq(board_in(&board, 0x511, 1), 1);
}
END_TEST

/* ---- the test device ---- */

START_TEST(the_test_device_keeps_bytes_in_any_size)
{
	setup();
	board_out(&board, 0xe0, 4, 0x12345678);
	board_out(&board, 0xe1, 1, 0xaa);
	board_out(&board, 0xe2, 2, 0xbbcc);
	ck_assert_uint_eq(board_in(&board, 0xe0, 4), 0xbbccaa78);
	ck_assert_uint_eq(board_in(&board, 0xe8, 4), 0xbbccaa78);
	ck_assert_uint_eq(board_in(&board, 0xe9, 1), 0xaa);
	ck_assert_uint_eq(nr_forgotten, 0);
}
END_TEST

START_TEST(the_test_device_has_the_host_forget_a_page_once)
{
	setup();
	board_out(&board, 0xe4, 4, 0xfee01234);
	ck_assert_uint_eq(nr_forgotten, 1);
	ck_assert_uint_eq(forgotten, 0xfee01234);
	ck_assert_uint_eq(board_in(&board, 0xe0, 4), 0);
}
END_TEST

START_TEST(the_test_device_drives_an_interrupt_line)
{
	setup();
	board_out(&board, 0x21, 1, 0);
	board_out(&board, 0xa1, 1, 0);
	board_out(&board, 0x2003, 1, 1);
	ck_assert_int_ge(pic_pending(&board.pic), 0);
	board_out(&board, 0x2003, 4, 0);
	ck_assert_int_eq(pic_pending(&board.pic), -1);
}
END_TEST

START_TEST(the_test_device_has_memory_that_keeps_what_is_written)
{
	u64 value = 0x1122334455667788;

	setup();
	board_write_mem(&board, 0, 0xff000ffd, &value, 8);
	value = 0;
	board_read_mem(&board, 0, 0xff000ffd, &value, 8);
	ck_assert_uint_eq(value, 0x1122334455667788);
	board_read_mem(&board, 0, 0xff001000, &value, 1);
	ck_assert_uint_eq(value & 0xff, 0x55);
	value = 0;
	board_write_mem(&board, 0, 0xff00fffc, &value, 8); /* half of it is behind the end */
	board_read_mem(&board, 0, 0xff00fffc, &value, 8);
	ck_assert_uint_eq(value, 0xffffffff00000000);
}
END_TEST

TAP_MAIN("dev_qemu",
	 the_test_device_has_memory_that_keeps_what_is_written,
	 the_firmware_is_told_what_machine_it_is,
	 an_item_is_zero_behind_its_end_and_begins_again_when_it_is_selected,
	 the_directory_leads_to_the_memory_map,
	 the_test_device_keeps_bytes_in_any_size,
	 the_test_device_has_the_host_forget_a_page_once,
	 the_test_device_drives_an_interrupt_line)
