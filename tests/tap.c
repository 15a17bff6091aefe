/* SPDX-License-Identifier: MIT */
/* The main() of the unit tests; tests/tap.h says how it is used. */
#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Under the test harness a failed test has been told by its TAP line; a status
 * other than 0 would count it a second time. The harness still sees crashes
 * (no plan is printed) and sanitizer reports (they set the status themselves).
 */
static int status_of(int failed)
{
	if (getenv("TAP_HARNESS"))
		return EXIT_SUCCESS;
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Seconds for one test; enough for sanitizers on a busy machine. */
#define PATIENCE 60

int tap_run(Suite *suite)
{
	SRunner *runner = srunner_create(suite);
	int failed;

	srunner_set_tap(runner, "-");
	srunner_run_all(runner, CK_SILENT);
	failed = srunner_ntests_failed(runner);
	srunner_free(runner);
	return status_of(failed);
}

static int list(const TTest *const *tests, size_t n)
{
	for (size_t i = 0; i < n; i++)
		puts(tests[i]->name);
	return EXIT_SUCCESS;
}

int tap_main(int argc, char **argv, const char *suite, const TTest *const *tests, size_t n)
{
	const char *wanted = argc > 1 ? argv[1] : "";
	TCase *all = tcase_create(suite);
	Suite *s = suite_create(suite);
	size_t added = 0;

	if (argc > 2) {
		fprintf(stderr, "usage: %s [--list | NAME]\n", argv[0]);
		return 2;
	}
	if (!strcmp(wanted, "--list"))
		return list(tests, n);
	tcase_set_timeout(all, PATIENCE);
	for (size_t i = 0; i < n; i++) {
		if (!strstr(tests[i]->name, wanted))
			continue;
		tcase_add_test(all, tests[i]);
		added++;
	}
	suite_add_tcase(s, all);
	if (!added) {
		fprintf(stderr, "%s: no test is named %s\n", argv[0], wanted);
		return 2;
	}
	return tap_run(s);
}
