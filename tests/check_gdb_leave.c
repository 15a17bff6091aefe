/* SPDX-License-Identifier: MIT */
/*
 * The GDB stub at the edges of a session: Ctrl-C, the guest's end, leaving, lost
 * connections and the next GDB.
 */
#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/gdb_session.h"

/* The next packet, which must begin with `start`; the rest of it. */
static const char *stop_is(const char *start)
{
	const char *stop = session_next(NULL);

	ck_assert_msg(!strncmp(stop, start, strlen(start)), "stop is %s, not %s", stop, start);
	ck_assert_int_eq(session_pending(), 0);
	return stop + strlen(start);
}

START_TEST(ctrl_c_stops_a_running_guest)
{
	session_open();
	ask_silent("vCont;c");
	session_run(100);
	ck_assert_int_eq(session_pending(), 0);
	session_raw("\x03\x03", 2);
	ck_assert_uint_eq(session_fake.nr_interrupts, 1);
	session_run(100);
	stop_is("T02thread:p1.1;");
	ask_is("m10000,1", "90");
	ask_silent("vCont;c");
	session_raw("\x03", 1);
	ck_assert_uint_eq(session_fake.nr_interrupts, 2);
}
END_TEST

START_TEST(ctrl_c_in_the_same_read_as_continue_stops_the_guest)
{
	session_open();
	session_raw("$vCont;c#a8\x03", 12);
	session_run(100);
	stop_is("T02");
}
END_TEST

START_TEST(ctrl_c_between_packets_of_a_standing_guest_is_nothing)
{
	session_open();
	session_raw("\x03$qC#b4\x03", 8);
	ck_assert_str_eq(session_next(NULL), "QCp1.1");
	ck_assert_int_eq(session_pending(), 0);
	ck_assert_uint_eq(session_fake.nr_interrupts, 0);
}
END_TEST

START_TEST(ctrl_c_that_crosses_a_breakpoint_gives_one_stop)
{
	session_open();
	ask_is("Z0,10004,1", "OK");
	ask_silent("vCont;c");
	session_run(100);
	session_raw("\x03", 1);
	stop_is("T05thread:p1.1;swbreak:;");
	/* And the other way round: asked first, the breakpoint still wins. */
	ask_silent("vCont;c");
	session_raw("\x03\x03", 2);
	gdb_stub_stopped(&session_stub,
			 &(struct gdb_stop){.reason = GDB_STOP_SOFT, .thread = {1, 1}});
	stop_is("T05thread:p1.1;swbreak:;");
	ask_silent("vCont;c");
	session_run(2);
	session_raw("\x03", 1);
	session_run(2);
	stop_is("T02");
}
END_TEST

START_TEST(vctrlc_is_a_ctrl_c_with_an_answer)
{
	session_open();
	ask_is("vCtrlC", "OK");
	ask_silent("vCont;c");
	ask_is("vCtrlC", "OK");
	session_run(1);
	stop_is("T02");
}
END_TEST

START_TEST(packets_that_need_a_standing_guest_are_refused_while_it_runs)
{
	static const char *const packets[] = {
	    "g",	  "p0", "P0=0", "m10000,4", "x10000,4", "M11000,1:00",
	    "Z0,10000,1", "c",	"s",	"vCont;c",  "qRcmd,00", "qSearch:memory:10000;1;a",
	};

	session_open();
	ask_silent("vCont;c");
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		ask_is(packets[i], "E16");
	}
	ask_is("qC", "QCp1.1");
	session_raw("\x03", 1);
	session_run(1);
	stop_is("T02");
	ck_assert_uint_eq(session_fake.nr_runs, 1);
}
END_TEST

START_TEST(text_reaches_gdb_while_the_guest_runs_and_at_no_other_time)
{
	session_open();
	ck_assert(!gdb_stub_console(&session_stub, "hi", 2));
	ask_silent("vCont;c");
	ck_assert(gdb_stub_console(&session_stub, "hi", 2));
	ck_assert_str_eq(session_next(NULL), "O6869");
	session_begin();
	ask_is("qAttached", "1");
	ask_silent("vCont;c");
	ask_is("vCtrlC", "OK");
	gdb_stub_console(&session_stub, "hi", 2);
	ck_assert_str_eq(session_next(NULL), "O6869");
	session_raw("-", 1);
	ck_assert_int_eq(session_pending(), 0);
}
END_TEST

START_TEST(a_fatal_exception_is_a_signal)
{
	session_open();
	ask_is("P10=3000010000000000", "OK");
	ask_silent("vCont;c");
	session_run(10);
	stop_is("T04thread:p1.1;");
	ck_assert_str_eq(ask("?"), "T04thread:p1.1;06:0000000000000000;07:006f010000000000;"
				   "10:3000010000000000;11:46020000;");
}
END_TEST

START_TEST(the_end_of_the_guest_is_told_with_its_status)
{
	session_open();
	ask_is("P10=2000010000000000", "OK");
	ask_is("P0=2a00000000000000", "OK");
	ask_silent("vCont;c");
	session_run(10);
	stop_is("W2a;process:1");
	ask_is("vCont;c", "W2a;process:1");
	ask_is("c", "W2a;process:1");
	ask_is("?", "W2a;process:1");
	ck_assert_uint_eq(session_fake.nr_runs, 1);
}
END_TEST

START_TEST(a_gdb_that_comes_to_a_running_guest_stops_it)
{
	session_begin();
	gdb_stub_disconnected(&session_stub);
	session_run(20);
	ck_assert(session_fake.running);
	gdb_stub_connected(&session_stub);
	ask("qSupported:swbreak+");
	ask_silent("?");
	session_run(20);
	stop_is("T02thread:1;");
}
END_TEST

START_TEST(detach_lets_the_guest_run_without_breakpoints)
{
	session_open();
	ask_is("Z0,10004,1", "OK");
	ask_is("D;1", "OK");
	ck_assert_uint_eq(session_fake.nr_detaches, 1);
	ck_assert_uint_eq(gdb_fake_nr_breaks(&session_fake), 0);
	session_run(100);
	ck_assert(session_fake.running);
	ck_assert_uint_gt(session_fake.regs[0].rax, 10);
	gdb_stub_disconnected(&session_stub);
	ck_assert_uint_eq(session_fake.nr_detaches, 1);
	ck_assert_int_eq(session_pending(), 0);
}
END_TEST

START_TEST(after_a_detach_nothing_of_the_session_works_on)
{
	const struct gdb_stop step = {.reason = GDB_STOP_STEP, .thread = {1, 1}};

	session_open();
	ask_silent("vCont;r10000,10009:p1.1");
	session_raw("\x03", 1);
	ask_is("D", "OK");
	ask_is("D", "OK");
	ck_assert_uint_eq(session_fake.nr_detaches, 1);
	gdb_stub_stopped(&session_stub, &step);
	ck_assert_int_eq(session_pending(), 0);
	ck_assert_uint_eq(session_fake.nr_runs, 1);
}
END_TEST

START_TEST(a_gdb_that_detached_may_ask_again)
{
	session_open();
	ask_silent("vCont;c");
	session_raw("\x03", 1);
	ask_is("D", "OK");
	ask_silent("?");
	ck_assert_uint_eq(session_fake.nr_interrupts, 2);
	session_run(1);
	stop_is("T02thread:p1.1;");
	gdb_stub_disconnected(&session_stub);
	ck_assert_uint_eq(session_fake.nr_detaches, 2);
}
END_TEST

START_TEST(detaching_from_one_of_two_inferiors_keeps_the_other)
{
	session_begin();
	session_fake.nr_threads = 3;
	session_handshake();
	ask_is("D;2", "OK");
	ck_assert_uint_eq(session_fake.detached_pid, 2);
	ask_is("m10000,1", "90");
	ask_is("Dx", "E22");
	ask_is("D;", "E22");
	ask_is("D", "OK");
	ask_is("m10000,1", "E16");
}
END_TEST

START_TEST(a_lost_connection_is_a_detach)
{
	session_open();
	ask_is("Z0,10004,1", "OK");
	ask_silent("vCont;c");
	gdb_stub_disconnected(&session_stub);
	gdb_stub_disconnected(&session_stub);
	ck_assert_uint_eq(session_fake.nr_detaches, 1);
	session_run(100);
	ck_assert(session_fake.running);
	session_raw("$qC#b4", 6);
	ck_assert_int_eq(session_pending(), 0);
}
END_TEST

START_TEST(a_new_connection_ends_the_one_before)
{
	session_open();
	ask_is("Z0,10004,1", "OK");
	ask_silent("vCont;c");
	gdb_stub_connected(&session_stub);
	ck_assert_uint_eq(session_fake.nr_detaches, 1);
	ck_assert_uint_eq(gdb_fake_nr_breaks(&session_fake), 0);
	session_run(1);
	ck_assert_int_eq(session_pending(), 0); /* the stop nobody asked for yet */
}
END_TEST

START_TEST(a_new_gdb_starts_from_nothing)
{
	session_open();
	ask_is("Qqemu.PhyMemMode:1", "OK");
	session_raw("$m100", 5);
	gdb_stub_disconnected(&session_stub);
	gdb_stub_connected(&session_stub);
	session_run(1);
	ask_is("qC", "QC1");
	ck_assert_str_eq(session_acks(), "+");
	ask_is("qqemu.PhyMemMode", "0");
	ck_assert_ptr_nonnull(strstr(ask("?"), "T02thread:1;"));
}
END_TEST

START_TEST(the_connection_may_be_lost_at_any_byte)
{
	static const char text[] = "+$qSupported:multiprocess+#c6$QStartNoAckMode#b0+$?#3f$g#67"
				   "$Z0,10004,1#08$vCont;c#a8\x03$m10000,4#be$D#44";

	for (size_t cut = 0; cut < sizeof(text); cut++) {
		session_begin();
		session_raw(text, cut);
		session_run(3);
		while (session_pending()) {
			session_next(NULL);
		}
		gdb_stub_disconnected(&session_stub);
		ck_assert_uint_eq(gdb_fake_nr_breaks(&session_fake), 0);
		session_run(50);
		ck_assert(session_fake.running);
		ck_assert_uint_gt(session_fake.regs[0].rax, 5);
		gdb_stub_connected(&session_stub);
		session_run(1);
		session_handshake();
		ask_is("m10000,1", "90");
	}
}
END_TEST

START_TEST(kill_ends_the_guest)
{
	session_open();
	ask_silent("k");
	ck_assert_uint_eq(session_fake.nr_kills, 1);
	session_open();
	ask_is("vKill;1", "OK");
	ck_assert_uint_eq(session_fake.nr_kills, 1);
	ask_is("vKill;", "E22");
	ask_silent("R00");
}
END_TEST

TAP_MAIN("gdb_leave", ctrl_c_stops_a_running_guest,
	 ctrl_c_in_the_same_read_as_continue_stops_the_guest,
	 ctrl_c_between_packets_of_a_standing_guest_is_nothing,
	 ctrl_c_that_crosses_a_breakpoint_gives_one_stop, vctrlc_is_a_ctrl_c_with_an_answer,
	 packets_that_need_a_standing_guest_are_refused_while_it_runs,
	 text_reaches_gdb_while_the_guest_runs_and_at_no_other_time, a_fatal_exception_is_a_signal,
	 the_end_of_the_guest_is_told_with_its_status, a_gdb_that_comes_to_a_running_guest_stops_it,
	 detach_lets_the_guest_run_without_breakpoints,
	 after_a_detach_nothing_of_the_session_works_on, a_gdb_that_detached_may_ask_again,
	 detaching_from_one_of_two_inferiors_keeps_the_other, a_lost_connection_is_a_detach,
	 a_new_connection_ends_the_one_before, a_new_gdb_starts_from_nothing,
	 the_connection_may_be_lost_at_any_byte, kill_ends_the_guest)
