/* SPDX-License-Identifier: MIT */
/*
 * Grading: every property is tried with two seeds that the student may know
 * and one that nobody knows beforehand. Points are given by property.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "labs/lab.h"

#define VISIBLE_SEEDS 2

bool lab_fails(struct grading *g, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(g->why, sizeof(g->why), format, args);
	va_end(args);
	return false;
}

/* SplitMix64, by Sebastiano Vigna; public domain. */
uint64_t lab_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static uint64_t fresh_seed(void)
{
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (uint64_t)getpid() * 0x9e3779b97f4a7c15ull;
	return seed | 1ull << 63;
}

/* Tries one property with all seeds; says in `why` with which it failed. */
static bool holds(struct grading *g, const struct lab_test *test, uint64_t hidden)
{
	for (uint64_t seed = 1; seed <= VISIBLE_SEEDS; seed++) {
		if (!test->holds(g, seed)) {
			char why[sizeof(g->why)];

			memcpy(why, g->why, sizeof(why));
			return lab_fails(g, "seed %" PRIu64 ": %.400s", seed, why);
		}
	}
	if (!test->holds(g, hidden))
		return lab_fails(g, "with inputs that are not shown; the shown ones pass");
	return true;
}

static void print_test(enum lab_format format, unsigned number, const struct lab_test *test,
		       bool ok, const char *why)
{
	if (format == LAB_TAP) {
		printf("%sok %u - %s: %s (%u points)\n", ok ? "" : "not ", number, test->name,
		       test->sentence, test->points);
		if (!ok)
			printf("# %s\n", why);
	} else {
		printf("  %-4s %3u/%-3u %-12s %s\n", ok ? "ok" : "--", ok ? test->points : 0,
		       test->points, test->name, test->sentence);
		if (!ok)
			printf("                    %s\n", why);
	}
	fflush(stdout);
}

static void print_head(const struct lab *lab, const char *student, enum lab_format format)
{
	unsigned n = 0;

	while (lab->tests[n].name)
		n++;
	if (format == LAB_TAP)
		printf("TAP version 13\n1..%u\n", n);
	else
		printf("Lab %u: %s\n%s\n\n", lab->number, lab->title, student);
}

static void print_end(const struct lab *lab, unsigned points, unsigned all, uint64_t hidden,
		      enum lab_format format)
{
	if (format == LAB_TAP)
		printf("# score %u of %u, seeds 1 2 0x%" PRIx64 "\n", points, all, hidden);
	else
		printf("\nlab %u: %u of %u points    (seeds 1, 2 and 0x%" PRIx64 ")\n",
		       lab->number, points, all, hidden);
}

/* Every row, or none if the file does not build. */
static unsigned try_all(struct grading *g, uint64_t hidden, bool built, enum lab_format format)
{
	unsigned points = 0, all = 0, number = 0;

	for (const struct lab_test *t = g->lab->tests; t->name; t++) {
		bool ok = built && holds(g, t, hidden);

		print_test(format, number + 1, t, ok, built || !number ? g->why : "as above");
		number++;
		all += t->points;
		points += ok ? t->points : 0;
		lab_ask_end(g);
	}
	print_end(g->lab, points, all, hidden, format);
	return points;
}

unsigned lab_grade(const struct lab *lab, const char *student, uint64_t seed,
		   enum lab_format format)
{
	char program[] = "/tmp/vitrine-lab-XXXXXX";
	struct grading g = { .lab = lab, .student = student, .program = program };
	char *log = calloc(1, 1 << 16);
	int fd = mkstemp(program);
	unsigned points;
	bool built;

	signal(SIGPIPE, SIG_IGN);
	if (fd >= 0)
		close(fd);
	print_head(lab, student, format);
	built = log && lab_build(lab, student, program, log, 1 << 16);
	if (!built) {
		fprintf(stderr, "%s", log ? log : "");
		lab_fails(&g, "it does not build; the compiler's words are on standard error");
	}
	points = try_all(&g, seed ? seed : fresh_seed(), built, format);
	unlink(program);
	free(log);
	return points;
}
