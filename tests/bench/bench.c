/* SPDX-License-Identifier: MIT */
/*
 * What operations of the shadow MMU cost with a thousand shadow pages and with a
 * million: time (the median of several rounds) and instructions (exact).
 *
 *	bench [NUMBER-OF-SHADOW-PAGES]...
 *
 * Exit status 1: an operation takes more than 1.3 times the instructions that it
 * takes with the first number.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "tests/bench/bench.h"

#define SIZES_MAX	8
#define ROUNDS		41
#define COUNTED		8	/* of so many pages of the working set one is counted */
#define FLAT		1.3

/* The second has nested tables, which a build without the TDP MMU has not. */
#ifndef MMU_NO_TDP
#define BENCH_MACHINES	2u
#else
#define BENCH_MACHINES	1u
#endif

struct cost {
	double ns, instructions;
};

static u64 now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

static unsigned runs(const struct bench_op *op)
{
	return op->at_once ? 1 : BENCH_WORK;
}

static void run_all(struct bench *b, const struct bench_op *op)
{
	for (unsigned i = 0; i < runs(op); i++)
		op->run(b, &b->work[i]);
}

static double time_round(struct bench *b, const struct bench_op *op)
{
	u64 begin = now_ns();

	run_all(b, op);
	return (double)(now_ns() - begin) / BENCH_WORK;
}

static double count_round(struct bench *b, const struct bench_op *op)
{
	unsigned every = op->long_one ? BENCH_WORK : COUNTED;
	double steps = 0;

	for (unsigned i = 0; i < runs(op); i++) {
		if (i % every == 0)
			count_begin();
		op->run(b, &b->work[i]);
		if (i % every == 0)
			steps += count_end();
	}
	return op->at_once ? steps / BENCH_WORK : steps * every / BENCH_WORK;
}

static struct cost measure(struct bench *b, const struct bench_op *op)
{
	struct cost cost = { 0 };
	double ns[ROUNDS];

	for (unsigned i = 0; i <= ROUNDS; i++) {
		if (op->prepare)
			op->prepare(b);
		if (i < ROUNDS)
			ns[i] = time_round(b, op);
		else
			cost.instructions = count_round(b, op);
		if (op->finish)
			op->finish(b);
	}
	qsort(ns, ROUNDS, sizeof(ns[0]), by_value);
	cost.ns = ns[ROUNDS / 2];
	return cost;
}

/* Memory that the machine has to spare, in bytes. */
static u64 memory_available(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	unsigned long long kib = 0;
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib << 10;
}

static void measure_size(u64 size, bool nested, struct cost *costs)
{
	struct bench b;

	bench_open(&b, size, nested);
	for (unsigned i = 0; i < bench_nr_ops; i++)
		if (bench_ops[i].nested == nested)
			costs[i] = measure(&b, &bench_ops[i]);
	bench_check(size > 10000 || mmu_audit(b.vm, NULL, NULL) == 0);
	bench_close(&b);
}

/* One row; returns the largest quotient to the first number. */
static double print_row(const char *name, const double *values, unsigned nr)
{
	double most = 1;

	printf("  %-22s", name);
	for (unsigned i = 0; i < nr; i++) {
		printf(" %10.1f", values[i]);
		if (values[i] / values[0] > most)
			most = values[i] / values[0];
	}
	for (unsigned i = 1; i < nr; i++)
		printf(" %7.2f", values[i] / values[0]);
	printf("%s\n", most > FLAT ? "  not flat" : "");
	return most;
}

static void print_head(const char *what, const u64 *sizes, unsigned nr)
{
	printf("%-24s", what);
	for (unsigned i = 0; i < nr; i++)
		printf(" %10llu", (unsigned long long)sizes[i]);
	printf("   and as multiples of the first\n");
}

static bool print_all(const u64 *sizes, unsigned nr, struct cost *costs[SIZES_MAX])
{
	double values[SIZES_MAX];
	bool flat = true;

	print_head("ns, shadow pages:", sizes, nr);
	for (unsigned op = 0; op < bench_nr_ops; op++) {
		for (unsigned i = 0; i < nr; i++)
			values[i] = costs[i][op].ns;
		print_row(bench_ops[op].name, values, nr);
	}
	print_head("instructions:", sizes, nr);
	for (unsigned op = 0; op < bench_nr_ops; op++) {
		for (unsigned i = 0; i < nr; i++)
			values[i] = costs[i][op].instructions;
		flat &= print_row(bench_ops[op].name, values, nr) <= FLAT;
	}
	return flat;
}

int main(int argc, char **argv)
{
	u64 sizes[SIZES_MAX] = { 1000, 10000, 100000, 1000000 };
	struct cost *costs[SIZES_MAX];
	unsigned nr = argc > 1 ? argc - 1 : 4;

	for (unsigned i = 0; i < nr && argc > 1; i++)
		sizes[i] = nr <= SIZES_MAX ? strtoull(argv[i + 1], NULL, 0) : 0;
	for (unsigned i = 0; i < nr; i++) {
		if (nr > SIZES_MAX || sizes[i] < 1000 || sizes[i] > 1000000) {
			fprintf(stderr, "bench: up to %u numbers from 1000 to 1000000\n",
				SIZES_MAX);
			return 2;
		}
		if (bench_need(sizes[i]) > memory_available()) {
			printf("%llu shadow pages take %llu MiB, which this machine has not to spare\n",
			       (unsigned long long)sizes[i],
			       (unsigned long long)bench_need(sizes[i]) >> 20);
			nr = i;
			break;
		}
		costs[i] = calloc(bench_nr_ops, sizeof(struct cost));
		bench_check(costs[i]);
		for (unsigned nested = 0; nested < BENCH_MACHINES; nested++)
			measure_size(sizes[i], nested, costs[i]);
	}
	return nr && print_all(sizes, nr, costs) ? 0 : 1;
}
