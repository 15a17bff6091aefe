/* SPDX-License-Identifier: MIT */
/*
 * The duel as a program.
 *
 *	duel.t                       the test: both back ends, then completeness
 *	duel.t [--seed=N] [--ops=N] [--runs=N] [--seconds=N] [--mmu=shadow|tdp]
 *	       [--every=N] [--no-events] [--verbose] [--first] [--tap]
 *
 * With options it runs what they say: seeds from N on, until runs or seconds
 * are over. --every: operations between audits. --first does not shorten what it
 * finds; --tap with others is the test for so long or from that seed. A failure
 * prints its seed and the shortest list of operations found that still fails.
 * Status 0: no difference.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/duel.h"

#define DEFAULT_OPS	1500
#define TAP_SECONDS	5	/* per back end */
#define TAPE_OPS	1500
#define TAPES		40	/* runs, at most, to show the loss of every emit */

static struct duel duel;

struct options {
	struct duel_config config;
	bool tap, one_mode, first;
	unsigned runs;
	double seconds;		/* 0: runs alone count */
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static const char *mode_name(unsigned mode)
{
	return mode == MMU_MODE_TDP ? "tdp" : "shadow";
}

/* Leaves out ever smaller parts while what remains still fails. */
static unsigned shrink(const struct duel_config *config, struct duel_op *op, unsigned n)
{
	struct duel_op *fewer = calloc(n, sizeof(*fewer));
	double end = now() + 20;

	for (unsigned part = n / 2; part && fewer; part /= 2)
		for (unsigned from = 0; from + part <= n && now() < end;) {
			memcpy(fewer, op, from * sizeof(*op));
			memcpy(fewer + from, op + from + part, (n - from - part) * sizeof(*op));
			duel.tape = NULL;
			if (duel_run(&duel, config, fewer, n - part)) {
				from += part;
				continue;
			}
			n -= part;
			memcpy(op, fewer, n * sizeof(*op));
		}
	free(fewer);
	return n;
}

static void explain(const struct options *options, const struct duel_config *config,
		    struct duel_op *op, unsigned n)
{
	struct duel_config c = *config;

	printf("# FAILED: seed %llu, --mmu=%s, operation %u of %u: %s\n",
	       (unsigned long long)c.seed, mode_name(c.mode), duel.at, n,
	       duel.failure);
	if (options->first)
		return;
	n = duel.at + 1 < n ? duel.at + 1 : n;
	for (unsigned i = 0; i < n; i++)
		op[i].pinned = op[i].kind == DUEL_access;
	n = shrink(&c, op, n);
	c.verbose = true;
	duel.tape = NULL;
	printf("# the shortest found:\n");
	duel_run(&duel, &c, op, n);
	printf("# %s\n", duel.failure);
}

/* One run; false and an explanation on failure. */
static bool one(const struct options *options, const struct duel_config *config)
{
	struct duel_op *op = calloc(config->ops, sizeof(*op));
	bool ok;

	duel_generate(op, config->ops, config->seed);
	duel.tape = NULL;
	ok = duel_run(&duel, config, op, config->ops);
	if (!ok)
		explain(options, config, op, config->ops);
	free(op);
	return ok;
}

/* What runs count, with its name. */
static const struct {
	const char *name;
	u64 *count;
} counter[] = {
	{ "accesses done", &duel.ok },
	{ "by the TLB", &duel.hits },
	{ "emulated", &duel.emulated },
	{ "page faults", &duel.faults },
	{ "entries changed", &duel.edits },
	{ "of them unseen", &duel.unseen },
	{ "accesses in open windows", &duel.windows },
	{ "of them stale", &duel.stale },
	{ "refused pages", &duel.nomem },
	{ "audits", &duel.checks },
};

#define DUEL_COUNTS (sizeof(counter) / sizeof(counter[0]))

static void add_counts(u64 sum[DUEL_COUNTS])
{
	for (unsigned i = 0; i < DUEL_COUNTS; i++)
		sum[i] += *counter[i].count;
}

static void print_counts(const u64 sum[DUEL_COUNTS])
{
	for (unsigned i = 0; i < DUEL_COUNTS; i++)
		printf("%s %llu %s", i ? "," : "", (unsigned long long)sum[i], counter[i].name);
	printf("\n");
}

/* Runs seeds one after the other; tells what they did. */
static bool many(const struct options *options, unsigned mode)
{
	struct duel_config config = options->config;
	double end = now() + options->seconds;
	u64 sum[DUEL_COUNTS] = { 0 };
	unsigned runs = 0;

	config.mode = mode;
	for (; runs < options->runs && (!options->seconds || now() < end); runs++) {
		if (!one(options, &config))
			return false;
		config.seed++;
		add_counts(sum);
	}
	printf("# %s: seeds %llu to %llu, %u operations each:", mode_name(mode),
	       (unsigned long long)options->config.seed, (unsigned long long)config.seed - 1,
	       config.ops);
	print_counts(sum);
	return true;
}

/* Keeps the events of one run and adds to what is known about their sites. */
static bool tape_run(const struct duel_config *config, struct duel_sites *sites)
{
	struct duel_op *op = calloc(config->ops, sizeof(*op));
	bool ok;

	duel_generate(op, config->ops, config->seed);
	duel.tape = (struct duel_tape *)&duel; /* any: keep one */
	ok = duel_run(&duel, config, op, config->ops);
	if (!ok)
		printf("# seed %llu: %s\n", (unsigned long long)config->seed, duel.failure);
	if (ok)
		duel_tape_judge(duel.tape, sites);
	duel_tape_free(duel.tape);
	duel.tape = NULL;
	free(op);
	return ok;
}

static unsigned count_missed(const struct duel_sites *sites, bool print, unsigned *tried)
{
	unsigned missed = 0;

	*tried = 0;
	for (unsigned i = 0; i < DUEL_SITES; i++) {
		*tried += sites->matters[i];
		if (!sites->matters[i] || sites->noticed[i])
			continue;
		missed++;
		if (print)
			printf("# the loss of %s from site %u goes unnoticed\n",
			       ev_info(sites->id[i])->name, i);
	}
	return missed;
}

/* Leaves out every emit in turn. One run need not show the loss of each: what
 * was cleared may at once be set anew. */
static bool complete(const struct options *options, unsigned mode)
{
	struct duel_config config = options->config;
	static struct duel_sites sites;
	unsigned missed = 1, tried = 0, runs = 0;
	bool ok = true;

	memset(&sites, 0, sizeof(sites));
	config.mode = mode;
	config.ops = TAPE_OPS;
	for (; ok && runs < TAPES && (missed || runs < 2); runs++, config.seed++) {
		ok = tape_run(&config, &sites);
		missed = count_missed(&sites, false, &tried);
	}
	count_missed(&sites, true, &tried);
	printf("# %s: %u sites change the model, the loss of %u goes unnoticed in %u runs\n",
	       mode_name(mode), tried, missed, runs);
	return ok && tried && !missed;
}

static int tap(struct options *options)
{
	static const struct {
		bool (*run)(const struct options *options, unsigned mode);
		unsigned mode;
		const char *sentence;
	} test[] = {
		{ many, MMU_MODE_TDP, "the TDP MMU gives the naive answers" },
		{ many, MMU_MODE_SHADOW, "the shadow MMU gives the naive answers" },
		{ complete, MMU_MODE_TDP, "no emit of the TDP MMU can be left out" },
		{ complete, MMU_MODE_SHADOW, "no emit of the shadow MMU can be left out" },
	};
	bool all = true;

	options->runs = ~0u;
	options->seconds = options->seconds ? options->seconds : TAP_SECONDS;
	printf("1..%zu\n", sizeof(test) / sizeof(test[0]));
	printf("# seed %llu\n", (unsigned long long)options->config.seed);
	for (unsigned i = 0; i < sizeof(test) / sizeof(test[0]); i++) {
		bool ok;

		fflush(stdout);
		ok = test[i].run(options, test[i].mode);
		printf("%s %u - %s\n", ok ? "ok" : "not ok", i + 1, test[i].sentence);
		all &= ok;
	}
	return !all;
}

static bool take(struct options *o, int c, const char *arg)
{
	switch (c) {
	case 's':
		o->config.seed = strtoull(arg, NULL, 0);
		return true;
	case 'o':
		o->config.ops = strtoul(arg, NULL, 0);
		return o->config.ops > 0;
	case 'm':
		o->one_mode = true;
		o->config.mode = strcmp(arg, "tdp") ? MMU_MODE_SHADOW : MMU_MODE_TDP;
		return true;
	case 'r':
		o->runs = strtoul(arg, NULL, 0);
		return true;
	case 't':
		o->seconds = strtod(arg, NULL);
		o->runs = ~0u;
		return true;
	case 'e':
		o->config.events = false;
		return true;
	case 'v':
		o->config.verbose = true;
		return true;
	case 'c':
		o->config.every = strtoul(arg, NULL, 0);
		return o->config.every > 0;
	case 'f':
		o->first = true;
		return true;
	case 'T':
		o->tap = true;
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	static const struct option list[] = {
		{ "seed", required_argument, NULL, 's' }, { "ops", required_argument, NULL, 'o' },
		{ "mmu", required_argument, NULL, 'm' },  { "runs", required_argument, NULL, 'r' },
		{ "seconds", required_argument, NULL, 't' }, { "no-events", no_argument, NULL, 'e' },
		{ "verbose", no_argument, NULL, 'v' },	  { "tap", no_argument, NULL, 'T' },
		{ "first", no_argument, NULL, 'f' },	  { "every", required_argument, NULL, 'c' },
		{ 0 },
	};
	struct options o = { .config = { .seed = 1, .ops = DEFAULT_OPS, .events = true,
					 .every = DUEL_EVERY },
			     .runs = 1, .tap = argc == 1 };
	bool ok = true;
	int c;

	while ((c = getopt_long(argc, argv, "", list, NULL)) != -1)
		if (!take(&o, c, optarg)) {
			fprintf(stderr, "duel: usage: see the head of tests/duel.c\n");
			return 2;
		}
	if (o.tap)
		return tap(&o);
	if (!o.one_mode || o.config.mode == MMU_MODE_TDP)
		ok &= many(&o, MMU_MODE_TDP);
	if (!o.one_mode || o.config.mode == MMU_MODE_SHADOW)
		ok &= many(&o, MMU_MODE_SHADOW);
	return !ok;
}
