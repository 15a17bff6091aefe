/* SPDX-License-Identifier: MIT */
/*
 * The GDB stub and a guest that runs: resuming, stop replies, breakpoints. Some
 * of these are mistakes other stubs have made and users have reported.
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

START_TEST(a_step_is_one_instruction_of_one_vcpu)
{
	session_open();
	ask_silent("vCont;s:p1.1");
	session_run(10);
	stop_is("T05thread:p1.1;06:");
	ck_assert_uint_eq(session_fake.regs[0].rip, FAKE_LOOP + 1);
	ck_assert_uint_eq(session_fake.nr_runs, 1);
}
END_TEST

START_TEST(the_leftmost_action_for_a_thread_counts)
{
	session_open();
	session_send("vCont;s:p1.2;c:p1.-1", 20);
	ck_assert(session_fake.planned[0] && session_fake.planned[1]);
	ck_assert_int_eq(session_fake.plan[0], GDB_ACTION_CONTINUE);
	ck_assert_int_eq(session_fake.plan[1], GDB_ACTION_STEP);
	session_run(1);
	stop_is("T05thread:p1.2;");
}
END_TEST

START_TEST(a_thread_without_an_action_stays)
{
	session_open();
	ask_silent("vCont;c:p1.2");
	session_run(20);
	ck_assert_uint_eq(session_fake.regs[0].rip, FAKE_LOOP);
	ck_assert(!session_fake.planned[0]);
	session_raw("\x03", 1);
	session_run(20);
	stop_is("T02thread:p1.2;");
}
END_TEST

/* GDB ignores vCont as a whole when one of the two is missing. */
START_TEST(vcont_is_offered_with_c_and_with_signals)
{
	const char *answer;

	session_open();
	answer = ask("vCont?");
	ck_assert_ptr_nonnull(strstr(answer, ";c"));
	ck_assert_ptr_nonnull(strstr(answer, ";C"));
	ck_assert_ptr_nonnull(strstr(answer, ";s"));
	ck_assert_ptr_nonnull(strstr(answer, ";S"));
	ask_silent("vCont;C05:p1.1;C05");
	session_raw("\x03", 1);
	session_run(1);
	stop_is("T02");
	ask_silent("vCont;S05:p1.1");
	session_run(1);
	stop_is("T05");
}
END_TEST

START_TEST(a_vcont_that_makes_no_sense_starts_nothing)
{
	static const char *const packets[] = {
	    "vCont;",	      "vCont;q",      "vCont;c:",   "vCont;c;z",	"vCont;c:p9.1",
	    "vCont;C",	      "vCont;r10",    "vCont;r10,", "vCont;c:p1.1x",	"vCont;s:p1.1;;c",
	    "vCont;c:p1.1.1", "vCont;t:p1.1", "vCont;c10",  "vCont;c:ffffffff", "vCont;c:100000001",
	};

	session_open();
	for (size_t i = 0; i < sizeof(packets) / sizeof(packets[0]); i++) {
		ask_is(packets[i], "E22");
	}
	ck_assert_uint_eq(session_fake.nr_runs, 0);
	ck_assert(!session_fake.planned[0] && !session_fake.planned[1]);
}
END_TEST

START_TEST(a_range_is_stepped_until_rip_leaves_it)
{
	session_open();
	ask_silent("vCont;r10000,10007:p1.1;c:p1.-1");
	session_run(100);
	stop_is("T05thread:p1.1;");
	ck_assert_uint_eq(session_fake.regs[0].rip, FAKE_LOOP + 7);
	ck_assert_uint_eq(session_fake.nr_runs, 3);
	ask_silent("vCont;s:p1.1");
	session_run(100);
	ck_assert_uint_eq(session_fake.regs[0].rip, FAKE_LOOP);
	stop_is("T05");
	ask_silent("vCont;r10000,10004:p1.1");
	session_run(100);
	stop_is("T05");
	ask_is("P10=0000010000000000", "OK");
	ask_silent("s");
	session_run(100);
	stop_is("T05");
	ck_assert_uint_eq(session_fake.regs[0].rip, FAKE_LOOP + 1);
}
END_TEST

START_TEST(stepping_a_range_that_is_never_left_can_be_interrupted)
{
	session_open();
	ask_silent("vCont;r10000,10009:p1.1");
	session_run(100);
	ck_assert_int_eq(session_pending(), 0);
	session_raw("\x03", 1);
	session_run(100);
	stop_is("T02thread:p1.1;");
	/* A target that ends the step first is not sent on either. */
	ask_silent("vCont;r10000,10009:p1.1");
	session_raw("\x03", 1);
	gdb_stub_stopped(&session_stub,
			 &(struct gdb_stop){.reason = GDB_STOP_STEP, .thread = {1, 1}});
	stop_is("T05thread:p1.1;");
}
END_TEST

START_TEST(other_vcpus_run_on_while_a_range_is_stepped)
{
	session_open();
	ask_silent("vCont;r10000,10009:p1.1;c:p1");
	session_run(3);
	ck_assert(session_fake.planned[0] && session_fake.planned[1]);
	ck_assert_int_eq(session_fake.plan[1], GDB_ACTION_CONTINUE);
	session_raw("\x03", 1);
	session_run(1);
	stop_is("T02");
	ask_silent("vCont;r10000,10009:p1.1");
	session_run(3);
	ck_assert(session_fake.planned[0] && !session_fake.planned[1]);
}
END_TEST

START_TEST(a_breakpoint_inside_a_stepped_range_stops)
{
	session_open();
	ask_is("Z0,10004,1", "OK");
	ask_silent("vCont;r10000,10009:p1.1");
	session_run(100);
	ck_assert_uint_eq(session_fake.regs[0].rip, FAKE_LOOP + 4);
	stop_is("T05thread:p1.1;swbreak:;");
}
END_TEST

START_TEST(the_elder_packets_step_and_continue_too)
{
	session_begin();
	ask_is("Hc1", "OK");
	ask_silent("s");
	ck_assert(session_fake.planned[0] && !session_fake.planned[1]);
	session_run(10);
	stop_is("T05thread:1;");
	ck_assert_uint_eq(session_fake.regs[0].rip, FAKE_LOOP + 1);
	ask_silent("s10004");
	session_run(10);
	stop_is("T05thread:1;");
	ck_assert_uint_eq(session_fake.regs[0].rip, FAKE_LOOP + 7);
	ask_is("Hc-1", "OK");
	ask_silent("C05;10010");
	ck_assert_uint_eq(session_fake.written_groups, GDB_GROUP_GENERAL);
	ck_assert(session_fake.planned[0] && session_fake.planned[1]);
	session_raw("\x03", 1);
	session_run(10);
	stop_is("T02");
	ck_assert_uint_eq(session_fake.regs[0].rip, FAKE_IDLE);
	ask_is("Hg2", "OK");
	ask_silent("s");
	session_run(10);
	stop_is("T05thread:2;");
	ask_is("cxyz", "E22");
	ask_is("C", "E22");
	ask_is("S5:", "E22");
}
END_TEST

/* The pc is the breakpoint's address: not one byte or one instruction later. */
START_TEST(a_breakpoint_stops_at_its_own_address)
{
	const char *regs;

	session_open();
	ask_is("Z0,10004,1", "OK");
	ask_silent("vCont;c");
	session_run(100);
	regs = stop_is("T05thread:p1.1;swbreak:;");
	ck_assert_uint_eq(session_fake.regs[0].rip, FAKE_LOOP + 4);
	ck_assert_ptr_nonnull(strstr(regs, "10:0400010000000000;"));
	ask_is("p10", "0400010000000000");
}
END_TEST

START_TEST(a_breakpoint_does_not_hold_the_guest_where_it_stands)
{
	session_open();
	ask_is("Z0,10000,1", "OK");
	ask_silent("vCont;c");
	session_run(100);
	stop_is("T05thread:p1.1;swbreak:;");
	ck_assert_uint_eq(session_fake.regs[0].rax, 1);
}
END_TEST

START_TEST(reasons_are_told_only_to_a_gdb_that_knows_them)
{
	session_begin();
	ask("qSupported:swbreak-;multiprocess+");
	ask_is("Z0,10004,1", "OK");
	ask_silent("vCont;c");
	session_run(100);
	stop_is("T05thread:p1.1;06:");
	ask("qSupported:hwbreak+;swbreak+");
	ask_is("z0,10004,1", "OK");
	ask_is("Z1,10001,1", "OK");
	ask_silent("vCont;c");
	session_run(100);
	stop_is("T05thread:1;hwbreak:;");
	ask("qSupported:swbreak+");
	ask_is("z1,10001,1", "OK");
	ask_is("Z1,10004,1", "OK");
	ask_silent("vCont;c");
	session_run(100);
	stop_is("T05thread:1;06:");
}
END_TEST

START_TEST(a_watchpoint_says_which_and_where)
{
	session_open();
	ask_is("Z2,11000,8", "OK");
	ask_silent("vCont;c");
	session_run(100);
	stop_is("T05thread:p1.1;watch:11000;");
	ask_is("z2,11000,8", "OK");
	ask_is("Z3,11004,4", "OK");
	ask_silent("vCont;c");
	session_run(100);
	stop_is("T05thread:p1.1;rwatch:11004;");
	ask_is("z3,11004,4", "OK");
	ask_is("Z4,11000,8", "OK");
	ask_silent("vCont;c");
	session_run(100);
	stop_is("T05thread:p1.1;awatch:11000;");
}
END_TEST

START_TEST(setting_twice_and_clearing_once_leaves_nothing)
{
	session_open();
	ask_is("Z0,10004,1", "OK");
	ask_is("Z0,10004,1", "OK");
	ask_is("z0,10004,1", "OK");
	ck_assert_uint_eq(gdb_fake_nr_breaks(&session_fake), 0);
	ask_is("z0,10004,1", "OK");
}
END_TEST

START_TEST(a_fifth_watchpoint_is_an_error)
{
	session_open();
	ask_is("Z2,11000,8", "OK");
	ask_is("Z2,11008,8", "OK");
	ask_is("Z3,11010,8", "OK");
	ask_is("Z1,10000,1", "OK");
	ask_is("Z4,11018,8", "E28");
	ask_is("Z2,11000,0", "E22");
	ask_is("Z2,11000", "E22");
	ask_is("Z2,,8", "E22");
	ask_is("Z0,10000,1;X1,0", "E22");
}
END_TEST

/* GDB would write an INT3 itself into a guest that has no handler for #BP. */
START_TEST(gdb_is_never_made_to_patch_guest_code_itself)
{
	session_open();
	ask_is("Z0,10004,1", "OK");
	ask_is("m10004,1", "48");
	ck_assert_uint_eq(session_fake.nr_mem_writes, 0);
	session_fake.break_status = GDB_UNSUPPORTED;
	ask_is("Z0,10008,1", "E22");
	ask_is("Z1,10008,1", "");
	ask_is("Z2,10008,1", "");
	session_fake.break_status = GDB_FAULT;
	ask_is("Z0,10008,1", "E14");
}
END_TEST

/* GDB clears at each stop and sets at each start: the stub keeps nothing. */
START_TEST(breakpoints_set_again_after_each_stop_keep_hitting)
{
	session_open();
	for (int i = 0; i < 5; i++) {
		ask_is("Z0,10001,1", "OK");
		ask_silent("vCont;c");
		session_run(100);
		stop_is("T05thread:p1.1;swbreak:;");
		ask_is("z0,10001,1", "OK");
		memset(session_fake.breaks, 0, sizeof(session_fake.breaks));
	}
	ck_assert_uint_eq(session_fake.regs[0].rax, 4);
}
END_TEST

START_TEST(a_stop_tells_the_registers_gdb_asks_for_first)
{
	char packet[32];
	const char *regs;

	session_open();
	ask_silent("vCont;s:p1.1");
	session_run(1);
	regs = stop_is("T05thread:p1.1;");
	ck_assert_ptr_nonnull(strstr(regs, "10:0100010000000000;"));
	ck_assert_ptr_nonnull(strstr(regs, "07:006f010000000000;"));
	ck_assert_ptr_nonnull(strstr(regs, "06:0000000000000000;"));
	session_fake.regs[0].known = 0;
	ask_silent("vCont;s:p1.1");
	session_run(1);
	snprintf(packet, sizeof(packet), "%s", session_next(NULL));
	ck_assert_str_eq(packet, "T05thread:p1.1;");
}
END_TEST

START_TEST(packets_after_a_stop_are_about_the_thread_that_stopped)
{
	session_open();
	ask_is("Hgp1.1", "OK");
	ask_silent("vCont;s:p1.2");
	session_run(1);
	stop_is("T05thread:p1.2;");
	ask_is("qC", "QCp1.2");
	ask_is("p3e", "0060000000000000");
}
END_TEST

TAP_MAIN("gdb_run", a_step_is_one_instruction_of_one_vcpu, the_leftmost_action_for_a_thread_counts,
	 a_thread_without_an_action_stays, vcont_is_offered_with_c_and_with_signals,
	 a_vcont_that_makes_no_sense_starts_nothing, a_range_is_stepped_until_rip_leaves_it,
	 stepping_a_range_that_is_never_left_can_be_interrupted,
	 other_vcpus_run_on_while_a_range_is_stepped, a_breakpoint_inside_a_stepped_range_stops,
	 the_elder_packets_step_and_continue_too, a_breakpoint_stops_at_its_own_address,
	 a_breakpoint_does_not_hold_the_guest_where_it_stands,
	 reasons_are_told_only_to_a_gdb_that_knows_them, a_watchpoint_says_which_and_where,
	 setting_twice_and_clearing_once_leaves_nothing, a_fifth_watchpoint_is_an_error,
	 gdb_is_never_made_to_patch_guest_code_itself,
	 breakpoints_set_again_after_each_stop_keep_hitting,
	 a_stop_tells_the_registers_gdb_asks_for_first,
	 packets_after_a_stop_are_about_the_thread_that_stopped)
