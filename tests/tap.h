/* SPDX-License-Identifier: MIT */
/*
 * The main() of the unit tests: runs libcheck and speaks TAP on stdout.
 *
 *	#include "tests/tap.h"
 *
 *	START_TEST(an_empty_table_maps_nothing)
 *	{
 *		ck_assert(...);
 *	}
 *	END_TEST
 *
 *	TAP_MAIN("table", an_empty_table_maps_nothing)
 *
 * Test names are sentences. `check_table.t NAME` runs the tests whose names
 * contain NAME, `check_table.t --list` lists them; CK_FORK=no keeps a test in
 * the same process, for a debugger.
 */
#ifndef TESTS_TAP_H
#define TESTS_TAP_H

#include <check.h>
#include <stddef.h>

/*
 * Run the tests named by the command line (all without argument), each in a
 * process of its own. Returns main()'s status: 0 all passed, 1 some failed,
 * 2 no test has such a name or wrong usage.
 */
int tap_main(int argc, char **argv, const char *suite, const TTest *const *tests, size_t n);

/*
 * The same for a suite put together by hand, where tests need fixtures, loops
 * or time limits. Takes over @suite. Returns 0 or 1.
 */
int tap_run(Suite *suite);

#define TAP_MAIN(suite, ...)                                                       \
	int main(int argc, char **argv)                                            \
	{                                                                          \
		const TTest *const tests[] = { __VA_ARGS__ };                      \
		return tap_main(argc, argv, suite, tests,                          \
				sizeof(tests) / sizeof(tests[0]));                 \
	}

#endif
