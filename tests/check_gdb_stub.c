/* SPDX-License-Identifier: MIT */
/*
 * The GDB stub's session: negotiation, registers, threads, documents, monitor.
 * Memory is in check_gdb_memory.c, running and stopping in check_gdb_run.c.
 */
#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gdb_session.h"

/* All of a qXfer document, read in pieces of `piece` bytes; static. */
static const char *document(const char *what, unsigned int piece)
{
	static char text[32768];
	char packet[100];
	size_t len = 0, n;
	const char *part;

	do {
		snprintf(packet, sizeof(packet), "qXfer:%s:%zx,%x", what, len, piece);
		session_send(packet, strlen(packet));
		part = session_next(&n);
		ck_assert_msg(n && (*part == 'm' || *part == 'l'), "%s: %s", packet, part);
		ck_assert_uint_le(n - 1, piece);
		ck_assert_uint_lt(len + n, sizeof(text));
		memcpy(text + len, part + 1, n - 1);
		len += n - 1;
	} while (*part == 'm');
	text[len] = 0;
	return text;
}

START_TEST(what_is_offered_does_not_depend_on_what_gdb_offers)
{
	session_begin();
	ck_assert_ptr_nonnull(strstr(ask("qSupported"), "PacketSize=4000;"));
	ck_assert_ptr_nonnull(strstr(ask("qSupported:"), "QStartNoAckMode+"));
	ck_assert_ptr_nonnull(strstr(ask("qSupported:;;x;=;+"), "qXfer:features:read+"));
	ck_assert_ptr_null(strstr(ask("qSupported:xmlRegisters=i386"), "multiprocess"));
	ck_assert_ptr_nonnull(strstr(ask("qSupported:multiprocess+"), "multiprocess+"));
	ck_assert_ptr_null(strstr(ask("qSupported:multiprocess-"), "multiprocess+"));
}
END_TEST

START_TEST(what_is_not_known_is_answered_empty)
{
	static const char *const packets[] = {
	    "vMustReplyEmpty", "qTStatus", "QNonStop:1",    "qMemTags:0,1:1",
	    "vRun;61",	       "!",	   "vFile:open:61", "qOffsets",
	    "Z5,0,1",	       "z5,0,1",   "vContX",	    "",
	    "qCfoo",	       "gg",	   "Hx0",	    "jThreads",
	    "QThreadEvents:1", "z9,0,1",   "vCont",	    "qSupportedX",
	};

	session_open();
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		ask_is(packets[i], "");
	}
}
END_TEST

/* Nobody is to tell GDB to move symbols: addresses are the guest's own. */
START_TEST(symbols_are_not_relocated)
{
	session_open();
	ask_is("qOffsets", "");
	ask_is("qSymbol::", "");
}
END_TEST

START_TEST(each_packet_is_acknowledged_until_agreed_otherwise)
{
	session_begin();
	ask_is("QStartNoAckMode", "OK");
	ck_assert_str_eq(session_acks(), "+");
	session_raw("+", 1);
	ask_is("qAttached", "1");
	ck_assert_str_eq(session_acks(), "");
}
END_TEST

START_TEST(a_damaged_packet_is_asked_for_again_and_not_carried_out)
{
	session_begin();
	session_raw("$M11000,1:41#00", 15);
	ck_assert_str_eq(session_acks(), "-");
	ck_assert_int_eq(session_pending(), 0);
	ck_assert_uint_eq(session_fake.nr_mem_writes, 0);
	session_handshake();
	session_raw("$M11000,1:41#00", 15);
	ck_assert_str_eq(session_acks(), "");
	ck_assert_str_eq(session_next(NULL), "E22");
	ck_assert_uint_eq(session_fake.nr_mem_writes, 0);
}
END_TEST

START_TEST(a_nak_gets_the_last_answer_again)
{
	session_begin();
	ask_is("qAttached:1", "1");
	session_raw("-", 1);
	ck_assert_str_eq(session_next(NULL), "1");
	ask_is("QStartNoAckMode", "OK");
	session_raw("-", 1);
	ck_assert_int_eq(session_pending(), 0);
}
END_TEST

START_TEST(a_packet_too_large_is_answered_with_an_error)
{
	static char text[GDB_PACKET_MAX + 8];
	uint8_t sum = 0;

	session_open();
	memset(text, 'm', GDB_PACKET_MAX + 1);
	for (int i = 0; i <= GDB_PACKET_MAX; i++) {
		sum += 'm';
	}
	session_raw("$", 1);
	session_raw(text, GDB_PACKET_MAX + 1);
	snprintf(text, sizeof(text), "#%02x", sum);
	session_raw(text, 3);
	ck_assert_str_eq(session_next(NULL), "E22");
	ask_is("qAttached", "1");
}
END_TEST

START_TEST(a_session_may_come_one_byte_at_a_time_or_all_at_once)
{
	static const char text[] = "$QStartNoAckMode#b0+$m10000,4#be$qC#b4";

	for (size_t piece = 1; piece < sizeof(text); piece++) {
		session_begin();
		for (size_t i = 0; i + 1 < sizeof(text); i += piece) {
			size_t left = sizeof(text) - 1 - i;

			session_raw(text + i, left < piece ? left : piece);
		}
		ck_assert_int_eq(session_pending(), 3);
		ck_assert_str_eq(session_next(NULL), "OK");
		ck_assert_str_eq(session_next(NULL), "9048ffc0");
		ck_assert_str_eq(session_next(NULL), "QC1");
	}
}
END_TEST

/* The sum of what target.xml says of its registers. */
static unsigned int described_bits(const char *xml)
{
	unsigned int bits = 0;

	while ((xml = strstr(xml, "bitsize=\""))) {
		xml += strlen("bitsize=\"");
		bits += (unsigned int)atoi(xml);
	}
	return bits;
}

START_TEST(a_g_packet_is_as_long_as_target_xml_says)
{
	size_t n;

	session_open();
	session_send("g", 1);
	session_next(&n);
	ck_assert_uint_gt(n, 500);
	ck_assert_uint_eq(n, described_bits(document("features:read:target.xml", 4096)) / 4);
}
END_TEST

/* The guest's mode must not change the shape GDB has been told. */
START_TEST(a_g_packet_has_one_length_in_every_mode_of_the_guest)
{
	size_t in_long_mode, in_real_mode;

	session_open();
	session_send("g", 1);
	session_next(&in_long_mode);
	session_fake.regs[0].cr0 = 0x10;
	session_fake.regs[0].efer = 0;
	session_fake.regs[0].rip = 0xfff0;
	session_send("g", 1);
	session_next(&in_real_mode);
	ck_assert_uint_eq(in_long_mode, in_real_mode);
}
END_TEST

START_TEST(target_xml_names_the_features_gdb_wants)
{
	const char *xml;

	session_open();
	xml = document("features:read:target.xml", 4096);
	ck_assert_ptr_nonnull(strstr(xml, "<architecture>i386:x86-64</architecture>"));
	ck_assert_ptr_nonnull(strstr(xml, "\"org.gnu.gdb.i386.core\""));
	ck_assert_ptr_nonnull(strstr(xml, "\"org.gnu.gdb.i386.sse\""));
	ck_assert_ptr_nonnull(strstr(xml, "\"org.gnu.gdb.i386.segments\""));
	ck_assert_ptr_nonnull(strstr(xml, "<reg name=\"cr3\" bitsize=\"64\""));
	ck_assert_ptr_nonnull(strstr(xml, "<reg name=\"efer\" bitsize=\"64\""));
	ck_assert_ptr_nonnull(strstr(xml, "<reg name=\"k_gs_base\" bitsize=\"64\""));
	ck_assert_ptr_nonnull(strstr(xml, "<flags id=\"x64_cr0\" size=\"8\"><field name=\"PE\""));
	ck_assert_str_eq(xml + strlen(xml) - 10, "</target>\n");
	xml = strstr(xml, "<flags id=\"x64_cr0\"");
	ck_assert_ptr_null(strstr(xml + 1, "<flags id=\"x64_cr0\""));
}
END_TEST

START_TEST(a_document_is_the_same_in_pieces_of_any_size)
{
	static char whole[32768];

	session_open();
	strcpy(whole, document("features:read:target.xml", 0x3000));
	ck_assert_str_eq(whole, document("features:read:target.xml", 97));
	ck_assert_str_eq(whole, document("features:read:target.xml", 0x10000));
	ask_is("qXfer:features:read:target.xml:fffffffffffffff0,100", "l");
	ask_is("qXfer:features:read:other.xml:0,100", "E22");
	ask_is("qXfer:features:read:target.xml:0", "E22");
}
END_TEST

START_TEST(registers_are_told_in_the_guests_byte_order)
{
	session_open();
	ck_assert_int_eq(strncmp(ask("g") + 16, "efcdab8967452301", 16), 0);
	ask_is("p1", "efcdab8967452301");
	ask_is("p10", "0000010000000000");
	ask_is("p18", "0000000000000080ff3f");
	ask_is("p29", "42000000000000000000000000000000");
	ask_is("p42", "E22");
	ask_is("pffffffffffffffff", "E22");
	ask_is("p", "E22");
	ask_is("p1,", "E22");
}
END_TEST

START_TEST(no_two_registers_share_a_place)
{
	for (int i = 0; i < GDB_NR_REGS; i++) {
		for (int j = 0; j < i; j++) {
			const struct gdb_reg_row *a = &gdb_reg_rows[i], *b = &gdb_reg_rows[j];

			if (a->offset < b->offset + b->bytes && b->offset < a->offset + a->bytes) {
				ck_abort_msg("%s and %s", a->name, b->name);
			}
		}
	}
}
END_TEST

START_TEST(a_register_is_written_and_nothing_else)
{
	session_open();
	ask_is("P0=8877665544332211", "OK");
	ck_assert_uint_eq(session_fake.regs[0].rax, 0x1122334455667788);
	ck_assert_uint_eq(session_fake.written_groups, GDB_GROUP_GENERAL);
	ck_assert_uint_eq(session_fake.regs[0].rbx, 0x0123456789abcdef);
	ask_is("P3e=0000200000000000", "OK");
	ck_assert_uint_eq(session_fake.regs[0].cr3, 0x200000);
	ck_assert_uint_eq(session_fake.written_groups, GDB_GROUP_CONTROL);
	ask_is("P0=88", "E22");
	ask_is("P0=887766554433221100", "E22");
	ask_is("P0:8877665544332211", "E22");
	ask_is("P99=00", "E22");
	ck_assert_uint_eq(session_fake.nr_reg_writes, 2);
	session_fake.write_status = GDB_UNSUPPORTED;
	ask_is("P0=8877665544332212", "E22");
}
END_TEST

START_TEST(all_registers_are_written_back_as_they_were_read)
{
	static char packet[4096];

	session_open();
	snprintf(packet, sizeof(packet), "G%s", ask("g"));
	ask_is(packet, "OK");
	ck_assert_uint_eq(session_fake.nr_reg_writes, 0);
	memcpy(packet + 1 + 16, "0100000000000000", 16);
	ask_is(packet, "OK");
	ck_assert_uint_eq(session_fake.regs[0].rbx, 1);
	ck_assert_uint_eq(session_fake.written_groups, GDB_GROUP_GENERAL);
	strcat(packet, "0");
	ask_is(packet, "E22");
	packet[strlen(packet) - 2] = 0;
	ask_is(packet, "E22");
	ask_is("G", "E22");
}
END_TEST

START_TEST(what_is_not_known_of_a_register_is_said_and_kept)
{
	static char packet[4096];

	session_open();
	session_fake.regs[0].known = GDB_GROUP_GENERAL | GDB_GROUP_CONTROL;
	ask_is("p29", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	ask_is("p12", "xxxxxxxx");
	ask_is("p10", "0000010000000000");
	snprintf(packet, sizeof(packet), "G%s", ask("g"));
	ask_is(packet, "OK");
	ask_is("P12=10000000", "E22");
	ask_is("P12=20000000", "E22");
	ck_assert_uint_eq(session_fake.nr_reg_writes, 0);
}
END_TEST

START_TEST(threads_are_vcpus_and_have_names)
{
	session_open();
	ask_is("qC", "QCp1.1");
	ask_is("qfThreadInfo", "mp1.1,p1.2");
	ask_is("qsThreadInfo", "l");
	ask_is("Tp1.2", "OK");
	ask_is("Tp1.3", "E22");
	/* "vcpu 1 L1 <64-bit> & rip 0x10010" */
	ask_is("qThreadExtraInfo,p1.2",
	       "766370752031204c31203c36342d6269743e20262072697020307831303031"
	       "30");
	ask_is("qThreadExtraInfo,p1.9", "E22");
	ask_is("Hgp1.2", "OK");
	ask_is("p10", "1000010000000000");
	ask_is("qC", "QCp1.2");
	ask_is("Hg0", "OK");
	ask_is("qC", "QCp1.2");
	ask_is("Hgp1.7", "E22");
	ask_is("Hcp1.-1", "OK");
	ask_is("Hcp1", "OK");
	ask_is("Hc-1", "OK");
	ask_is("Hg", "E22");
}
END_TEST

START_TEST(the_list_of_threads_is_proper_xml)
{
	const char *xml;

	session_open();
	xml = document("threads:read:", 64);
	ck_assert_ptr_nonnull(strstr(xml, "<thread id=\"p1.2\" core=\"1\" name=\"vcpu 1\">"
					  "L1 &lt;64-bit&gt; &amp; rip 0x10010</thread>"));
	session_fake.extra = "\"a\x01\xff";
	ck_assert_ptr_nonnull(strstr(document("threads:read:", 999), ">&quot;a?"
								     "?</thread>"));
}
END_TEST

START_TEST(a_guest_in_a_guest_is_an_inferior_to_those_who_can_name_it)
{
	session_begin();
	session_fake.nr_threads = 3;
	ask_is("qfThreadInfo", "m1,2");
	ask_is("T1", "OK");
	session_handshake();
	ask_is("qfThreadInfo", "mp1.1,p1.2,p2.1");
	ask_is("Hgp2.1", "OK");
	ask_is("p3e", "0070000000000000");
	ask_is("qC", "QCp2.1");
}
END_TEST

/* Each address is in exactly one region, or GDB refuses to read it. */
static void map_is_whole(int regions)
{
	const char *at = document("memory-map:read:", 4096);
	unsigned long long next = 0;

	for (; (at = strstr(at, "<memory type=")); at++) {
		unsigned long long start, len;
		char type[8];

		ck_assert_int_eq(sscanf(at,
					"<memory type=\"%3[a-z]\" start=\"0x%llx\""
					" length=\"0x%llx\"/>",
					type, &start, &len),
				 3);
		ck_assert_uint_eq(start, next);
		ck_assert_uint_ne(len, 0);
		ck_assert_str_eq(
		    type, start == session_fake.rom.start && session_fake.rom.len ? "rom" : "ram");
		next = start + len;
		regions--;
	}
	ck_assert_uint_eq(next, 0);
	ck_assert_int_eq(regions, 0);
}

START_TEST(the_memory_map_covers_every_address_once)
{
	session_open();
	map_is_whole(3);
	session_fake.rom = (struct gdb_region){.start = 0, .len = 0x1000};
	map_is_whole(2);
	session_fake.rom = (struct gdb_region){.start = -0x1000ull, .len = 0x1000};
	map_is_whole(2);
	session_fake.rom.len = 0;
	map_is_whole(2);
}
END_TEST

START_TEST(a_monitor_command_answers_in_pieces)
{
	char text[2100] = "";

	session_open();
	session_send("qRcmd,77616c6b", 14);
	ck_assert_str_eq(session_fake.monitor_line, "walk");
	ck_assert_int_eq(session_pending(), 4);
	ck_assert_str_eq(session_next(NULL), "O6d6f6e69746f72207361797320");
	ck_assert_str_eq(session_next(NULL), "O77616c6b");
	ck_assert_str_eq(session_next(NULL), "O0a");
	ck_assert_str_eq(session_next(NULL), "OK");
	session_send("qRcmd,6c6f6e67", 14);
	while (session_pending() > 1) {
		strcat(text, session_next(NULL) + 1);
	}
	ck_assert_uint_eq(strlen(text), 2000);
	ck_assert_str_eq(session_next(NULL), "OK");
	ck_assert(!gdb_stub_console(&session_stub, "late", 4));
	ask_is("qRcmd,7", "E22");
	ask_is("qRcmd,zz", "E22");
}
END_TEST

START_TEST(a_target_without_monitor_or_rom_says_so)
{
	session_open();
	session_fake.target.monitor = NULL;
	session_fake.target.rom = NULL;
	ask_is("qRcmd,77616c6b", "");
	ask_is("qXfer:memory-map:read::0,100", "");
	ck_assert_ptr_null(strstr(ask("qSupported"), "memory-map"));
}
END_TEST

TAP_MAIN("gdb_stub", what_is_offered_does_not_depend_on_what_gdb_offers,
	 what_is_not_known_is_answered_empty, symbols_are_not_relocated,
	 each_packet_is_acknowledged_until_agreed_otherwise,
	 a_damaged_packet_is_asked_for_again_and_not_carried_out, a_nak_gets_the_last_answer_again,
	 a_packet_too_large_is_answered_with_an_error,
	 a_session_may_come_one_byte_at_a_time_or_all_at_once,
	 a_g_packet_is_as_long_as_target_xml_says,
	 a_g_packet_has_one_length_in_every_mode_of_the_guest,
	 target_xml_names_the_features_gdb_wants, a_document_is_the_same_in_pieces_of_any_size,
	 registers_are_told_in_the_guests_byte_order, no_two_registers_share_a_place,
	 a_register_is_written_and_nothing_else, all_registers_are_written_back_as_they_were_read,
	 what_is_not_known_of_a_register_is_said_and_kept, threads_are_vcpus_and_have_names,
	 the_list_of_threads_is_proper_xml,
	 a_guest_in_a_guest_is_an_inferior_to_those_who_can_name_it,
	 the_memory_map_covers_every_address_once, a_monitor_command_answers_in_pieces,
	 a_target_without_monitor_or_rom_says_so)
