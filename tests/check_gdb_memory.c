/* SPDX-License-Identifier: MIT */
/*
 * The GDB stub and memory: reading, writing, searching, physical addresses.
 */
#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gdb_session.h"

START_TEST(memory_is_read_as_digits_and_as_bytes)
{
	const char *bytes;
	size_t n;

	session_open();
	ask_is("m10000,4", "9048ffc0");
	session_send("x10000,4", 8);
	bytes = session_next(&n);
	ck_assert_uint_eq(n, 5);
	ck_assert_mem_eq(bytes, "b\x90\x48\xff\xc0", 5);
	ask_is("x10000,0", "b");
	ask_is("x0,0", "b");
	ask_is("m10000,0", "E22");
	ask_is("m10000", "E22");
	ask_is("m,4", "E22");
	ask_is("m10000,4,", "E22");
	ask_is("m10000000000000000,4", "E22");
}
END_TEST

START_TEST(memory_is_written_as_digits_and_as_bytes)
{
	session_open();
	ask_is("M11100,3:41424A", "OK");
	ck_assert_mem_eq(session_fake.ram + 0x1100, "ABJ\0", 4);
	session_send("X11100,4:#$}*", 13);
	ck_assert_str_eq(session_next(NULL), "OK");
	ck_assert_mem_eq(session_fake.ram + 0x1100, "#$}*\0", 5);
	ask_is("X11100,0:", "OK");
	ask_is("X11100,2:a", "E22");
	ask_is("M11100,2:414", "E22");
	ask_is("M11100,1:414", "E22");
	ask_is("M11100,2:414x", "E22");
	ask_is("M11100,ffffffffffffffff:41", "E22");
	ck_assert_mem_eq(session_fake.ram + 0x1100, "#$}*\0", 5);
}
END_TEST

START_TEST(all_bytes_survive_a_binary_write_and_read)
{
	uint8_t packet[11 + 256];
	const char *bytes;
	size_t n;

	session_open();
	memcpy(packet, "X11200,100:", 11);
	for (int i = 0; i < 256; i++) {
		packet[11 + i] = (uint8_t)i;
	}
	session_send(packet, sizeof(packet));
	ck_assert_str_eq(session_next(NULL), "OK");
	session_send("x11200,100", 10);
	bytes = session_next(&n);
	ck_assert_uint_eq(n, 257);
	ck_assert_mem_eq(bytes + 1, packet + 11, 256);
}
END_TEST

START_TEST(unmapped_memory_is_a_quiet_error)
{
	session_open();
	ask_is("m0,8", "E14");
	ask_is("x0,8", "E14");
	ask_is("M0,1:00", "E14");
	ask_is("X0,1:a", "E14");
	ask_is("mfffffffffffffffe,8", "E14");
	ask_is("Mfffffffffffffffe,4:00000000", "E14");
	ask_is("qSearch:memory:fffffffffffffff0;100;a", "E14");
	ask_is("qCRC:fffffffffffffff0,100", "E14");
	ck_assert_uint_eq(session_fake.nr_wraps, 0);
	ck_assert_int_eq(session_pending(), 0);
}
END_TEST

START_TEST(a_read_over_the_edge_gives_what_there_is)
{
	session_open();
	session_fake.ram[FAKE_RAM - 1] = 0x5a;
	ask_is("m17fff,8", "5a");
	ask_is("x17fff,8", "bZ");
}
END_TEST

START_TEST(a_read_larger_than_a_packet_is_cut)
{
	size_t n;

	session_open();
	session_send("m10000,7fff", 11);
	session_next(&n);
	ck_assert_uint_eq(n, GDB_PACKET_MAX);
	ck_assert_uint_eq(session_fake.largest_read, GDB_PACKET_MAX / 2);
	session_send("x10000,7fff", 11);
	session_next(&n);
	ck_assert_uint_eq(n, GDB_PACKET_MAX);
	ck_assert_uint_eq(session_fake.largest_read, GDB_PACKET_MAX - 1);
}
END_TEST

START_TEST(a_large_read_is_right_to_its_last_byte)
{
	const char *digits;

	session_open();
	for (size_t i = 0; i < FAKE_RAM; i++) {
		session_fake.ram[i] = (uint8_t)(i * 7 + i / 256);
	}
	digits = ask("m10000,2000");
	for (size_t i = 0; i < 0x2000; i++) {
		char byte[3] = {digits[2 * i], digits[2 * i + 1]};

		if (strtoul(byte, NULL, 16) != session_fake.ram[i]) {
			ck_abort_msg("byte %zu is %s", i, byte);
		}
	}
}
END_TEST

START_TEST(physical_memory_is_read_after_a_switch)
{
	session_open();
	ask_is("qqemu.PhyMemMode", "0");
	ask_is("m0,4", "E14");
	ask_is("Qqemu.PhyMemMode:1", "OK");
	ask_is("qqemu.PhyMemMode", "1");
	ask_is("m0,4", "9048ffc0");
	ask_is("m10000,4", "E14");
	ask_is("Qqemu.PhyMemMode:2", "E22");
	ask_is("Qqemu.PhyMemMode:0", "OK");
	ask_is("m10000,4", "9048ffc0");
}
END_TEST

START_TEST(a_pattern_is_found_where_it_is_and_across_pieces)
{
	session_open();
	memcpy(session_fake.ram + 0x2000, "needle", 6);
	ask_is("qSearch:memory:10000;8000;needle", "1,12000");
	ask_is("qSearch:memory:12001;5000;needle", "0");
	ask_is("qSearch:memory:10000;2005;needle", "0");
	ask_is("qSearch:memory:10000;2006;needle", "1,12000");
	memcpy(session_fake.ram + GDB_PACKET_MAX - 3, "across", 6);
	ask_is("qSearch:memory:10000;8000;across", "1,13ffd");
	ask_is("qSearch:memory:10000;9000;nowhere", "E14");
	ask_is("qSearch:memory:10000;8000;", "E22");
	ask_is("qSearch:memory:0;ffffffffffffffff;a", "E22");
	for (size_t n = 256; n <= 257; n++) {
		char packet[512] = "qSearch:memory:10000;8000;";

		memset(packet + strlen(packet), 'n', n);
		ask_is(packet, n == 256 ? "0" : "E22");
	}
}
END_TEST

START_TEST(a_checksum_of_memory_is_the_one_gdb_computes)
{
	session_open();
	memcpy(session_fake.ram + 0x2000, "123456789", 9);
	ask_is("qCRC:12000,9", "C376e6e7");
	ask_is("qCRC:12000,8000", "E14");
	ask_is("qCRC:12000,fffffffffffffff", "E22");
}
END_TEST

TAP_MAIN("gdb_memory", memory_is_read_as_digits_and_as_bytes,
	 memory_is_written_as_digits_and_as_bytes, all_bytes_survive_a_binary_write_and_read,
	 unmapped_memory_is_a_quiet_error, a_read_over_the_edge_gives_what_there_is,
	 a_read_larger_than_a_packet_is_cut, a_large_read_is_right_to_its_last_byte,
	 physical_memory_is_read_after_a_switch, a_pattern_is_found_where_it_is_and_across_pieces,
	 a_checksum_of_memory_is_the_one_gdb_computes)
