/* SPDX-License-Identifier: MIT */
/*
 * The duel as a program.
 *
 *	duel.t                       the test: both back ends, then completeness
 *	duel.t [--seed=N] [--ops=N] [--runs=N] [--seconds=N] [--mmu=shadow|tdp]
 *	       [--every=N] [--scenario=FILE] [--no-events] [--verbose] [--first] [--tap]
 *
 * With options it runs what they say: seeds from N on, until runs or seconds are
 * over. --every: operations between audits. --scenario writes down the last run.
 * --first does not shorten what it finds; --tap with others is the test for so long
 * or from that seed. A failure prints its seed and the shortest list of operations
 * found that still fails, and writes them down as a scenario, duel-SEED-MMU.scn.
 * Status 0: no difference.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/duel.h"

#define DEFAULT_OPS	1500
#define TAP_SECONDS	5	/* per back end */
#define TAPE_OPS	1500
#define TAPES		400

static struct duel duel;

struct options {
	struct duel_config config;
	bool tap, one_mode, first;
	unsigned runs;
	double seconds;		/* 0: runs alone count */
};

/* One run; false and an explanation on failure. */
static bool one(const struct options *options, const struct duel_config *config)
{
	struct duel_op *op = calloc(config->ops, sizeof(*op));
	bool ok;

	duel_generate(op, config->ops, config->seed);
	duel.tape = NULL;
	ok = duel_run(&duel, config, op, config->ops);
	if (!ok)
		duel_explain(&duel, config, op, config->ops, !options->first);
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
	{ "by inner guests", &duel.inner },
	{ "nested page faults", &duel.reflected },
	{ "with too many ways", &duel.lost },
	{ "flushes by root", &duel.root_flushes },
	{ "of them refused", &duel.refused },
	{ "entries changed", &duel.edits },
	{ "of them unseen", &duel.unseen },
	{ "accesses in open windows", &duel.windows },
	{ "of them stale", &duel.stale },
	{ "refused pages", &duel.nomem },
	{ "dirty frames", &duel.log.frames },
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
	double end = duel_now() + options->seconds;
	u64 sum[DUEL_COUNTS] = { 0 };
	unsigned runs = 0;

	config.mode = mode;
	for (; runs < options->runs && (!options->seconds || duel_now() < end); runs++) {
		if (!one(options, &config))
			return false;
		config.seed++;
		add_counts(sum);
	}
	printf("# %s: seeds %llu to %llu, %u operations each:", duel_mode_name(mode),
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
 * was cleared may at once be set anew. Nor need each mode: either MMU serves now and
 * then, and what one of them emits all the time the other's runs hardly see. */
static bool complete(const struct options *options, unsigned mode)
{
	struct duel_config config = options->config;
	static struct duel_sites sites;
	unsigned missed = 1, tried = 0, runs = 0;
	bool ok = true;

	memset(sites.matters, 0, sizeof(sites.matters));
	config.mode = mode;
	config.ops = TAPE_OPS;
	for (; ok && runs < TAPES && (missed || runs < 2); runs++, config.seed++) {
		ok = tape_run(&config, &sites);
		missed = count_missed(&sites, false, &tried);
	}
	count_missed(&sites, true, &tried);
	printf("# %s: %u sites change the model, the loss of %u goes unnoticed in %u runs\n",
	       duel_mode_name(mode), tried, missed, runs);
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
		{ complete, MMU_MODE_SHADOW, "no emit of the shadow MMU can be left out" },
		{ complete, MMU_MODE_TDP, "no emit of the TDP MMU can be left out" },
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
	case 'w':
		o->config.script = arg;
		return true;
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
		{ "scenario", required_argument, NULL, 'w' },
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
