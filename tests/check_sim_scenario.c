/* SPDX-License-Identifier: MIT */
/* The scenario language: what is read from a line, and how bad lines are named. */
#include "tests/tap.h"

#include <stdio.h>
#include <string.h>

#include "hv/sim/scenario.h"

static struct scenario scn;
static struct scn_error error;

static struct scn_line *good(const char *text)
{
	ck_assert_msg(scn_parse(&scn, "t.scn", text, &error), "line %u: %s: %s", error.line,
		      error.what, error.why);
	return scn.line;
}

static void bad(const char *text, unsigned line, const char *why)
{
	ck_assert_msg(!scn_parse(&scn, "t.scn", text, &error), "accepted: %s", text);
	ck_assert_uint_eq(error.line, line);
	ck_assert_msg(strstr(error.why, why) != NULL, "'%s' does not say '%s'", error.why, why);
}

START_TEST(a_write_has_address_value_size_and_who_does_it)
{
	struct scn_line *line = good("vcpus 2\ncpu1: user ac write 0x1000 = 5 8\n") + 1;

	ck_assert_int_eq(line->word, WORD_write);
	ck_assert_uint_eq(line->cpu, 1);
	ck_assert(line->user && line->ac);
	ck_assert_uint_eq(line->nr_n, 3);
	ck_assert_uint_eq(line->n[0], 0x1000);
	ck_assert_uint_eq(line->n[1], 5);
	ck_assert_uint_eq(line->n[2], 8);
	ck_assert_int_eq(line->result, RESULT_NONE);
	scn_free(&scn);
}
END_TEST

START_TEST(comments_and_empty_lines_count_as_lines)
{
	struct scn_line *line = good("# first\n\n  mem 16M   # last\n");

	ck_assert_uint_eq(scn.nr, 1);
	ck_assert_uint_eq(line->number, 3);
	ck_assert_str_eq(line->text, "mem 16M");
	ck_assert_uint_eq(line->n[0], 16u << 20);
	scn_free(&scn);
}
END_TEST

START_TEST(a_result_may_stand_on_the_line_or_in_the_next)
{
	struct scn_line *line = good("cpu0: read 0x1000 -> 7\n"
				     "cpu0: read 0x1000 -> fault 0x4\n"
				     "cpu0: read 0x1000\nexpect mmio\n"
				     "cpu0: read 0x1000\nexpect sps 1\n");

	ck_assert_int_eq(line[0].result, RESULT_VALUE);
	ck_assert_uint_eq(line[0].result_value, 7);
	ck_assert_int_eq(line[1].result, RESULT_FAULT);
	ck_assert_uint_eq(line[1].result_value, 4);
	ck_assert_int_eq(line[2].result, RESULT_LATER);
	ck_assert_int_eq(line[4].result, RESULT_NONE);
	scn_free(&scn);
}
END_TEST

START_TEST(a_wish_about_pages_takes_keys_in_any_order)
{
	struct scn_line *line = good("expect no sp level=1 access=w-x gfn=0x12\n");

	ck_assert_int_eq(line->wish, WISH_sp);
	ck_assert(line->no);
	ck_assert_uint_eq(line->key[KEY_gfn], 0x12);
	ck_assert_uint_eq(line->key[KEY_level], 1);
	ck_assert_uint_eq(line->key[KEY_access], ACC_WRITE | ACC_EXEC);
	ck_assert(line->key[KEY_quadrant] == SCN_ANY && line->key[KEY_count] == SCN_ANY);
	scn_free(&scn);
}
END_TEST

START_TEST(a_word_with_a_dash_is_known)
{
	ck_assert_int_eq(good("cpu0: drop-flush\n")->word, WORD_drop_flush);
	scn_free(&scn);
}
END_TEST

START_TEST(a_bad_line_is_named_with_its_reason)
{
	bad("mem 16M\nfrobnicate 3\n", 2, "no such word");
	bad("mem 16X\n", 1, "not a number");
	bad("mem\n", 1, "number is missing");
	bad("mem 0x99999999999999999\n", 1, "not a number");
	bad("read 0x1000\n", 1, "say which vCPU");
	bad("cpu0: mem 16M\n", 1, "not something a vCPU does");
	bad("cpu99: read 0\n", 1, "a vCPU is written");
	bad("cpu0:\n", 1, "what shall the vCPU do");
	bad("cpu0: write 0x1000 5\n", 1, "= is missing");
	bad("cpu0: read 0x1000 4 4\n", 1, "too much");
	bad("expect\n", 1, "what is expected");
	bad("expect rain\n", 1, "nothing that can be expected");
	bad("expect sp colour=3\n", 1, "not one of");
	bad("expect sp access=q\n", 1, "letters of wux");
	bad("say\n", 1, "text is missing");
}
END_TEST

START_TEST(a_line_that_makes_no_sense_is_named_with_its_reason)
{
	bad("mode 6level\n", 1, "modes are");
	bad("mmu both\n", 1, "shadow or tdp");
	bad("vcpus 17\n", 1, "1 to 16");
	bad("mem 16M\nvcpus 2\n", 2, "before everything else");
	bad("cpu1: read 0\n", 1, "not so many vCPUs");
	bad("cpu0: read 0xffe\n", 1, "cross a page");
	bad("cpu0: read 0 3\n", 1, "1, 2, 4 or 8");
	bad("cpu0: write 0 = 0x100 1\n", 1, "does not fit");
	bad("cpu0: set xyz\n", 1, "bits are");
	bad("slot 32 0 4K\n", 1, "below 32");
	bad("slot 1 0x800 4K\n", 1, "multiples of 4096");
	bad("end\n", 1, "no together");
	bad("together\n", 1, "has no end");
	bad("together\nmem 16M\nend\n", 2, "only vCPUs");
	bad("together\ncpu0: enter\nstart cpu0\nend\n", 3, "line after together");
	bad("together\nstart cpu7\nend\n", 2, "not so many vCPUs");
	bad("together\nstart us\nend\n", 2, "neither a vCPU");
	bad("together\nswitch cpu0 enter 1 -> host\nend\n", 2, "after start");
	bad("together\nstart cpu0\nswitch cpu0 entre 1 -> host\nend\n", 3, "no such point");
	bad("together\nstart cpu0\nswitch cpu0 enter 1 host\nend\n", 3, "-> is missing");
	bad("together\nstart cpu0\nswitch cpu0 enter 0 -> host\nend\n", 3, "the first time is 1");
	bad("together\nstart cpu0\nswitch cpu0 enter 1 -> cpu0\nend\n", 3, "another one");
	bad("start cpu0\n", 1, "line after together");
	bad("# nothing\n", 0, "nothing in it");
}
END_TEST

/* Every line cut short anywhere, and every byte spoilt: never a crash, and a
 * refusal always says something. */
START_TEST(spoilt_scenarios_are_refused_with_words)
{
	static const char text[] = "vcpus 2\nmode 2level\nmap 0x400000 0x200000 rwu 4k\n"
				   "cpu1: user write 0x400000 = 5 4 -> fault 0x7\n"
				   "expect sp level=1 count=2\nexpect role 0 l4 wux\n";
	char spoilt[sizeof(text)];

	for (size_t at = 0; at < sizeof(text) - 1; at++)
		for (unsigned byte = 1; byte < 256; byte += 3) {
			memcpy(spoilt, text, sizeof(text));
			spoilt[at] = byte;
			if (byte % 5 == 0)
				spoilt[at] = 0;
			error.why[0] = 0;
			if (scn_parse(&scn, "t.scn", spoilt, &error))
				scn_free(&scn);
			else
				ck_assert(error.why[0] && error.what[0]);
		}
}
END_TEST

TAP_MAIN("sim_scenario",
	 a_write_has_address_value_size_and_who_does_it,
	 comments_and_empty_lines_count_as_lines,
	 a_result_may_stand_on_the_line_or_in_the_next,
	 a_wish_about_pages_takes_keys_in_any_order,
	 a_word_with_a_dash_is_known,
	 a_bad_line_is_named_with_its_reason,
	 a_line_that_makes_no_sense_is_named_with_its_reason,
	 spoilt_scenarios_are_refused_with_words)
