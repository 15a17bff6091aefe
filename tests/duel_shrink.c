/* SPDX-License-Identifier: MIT */
/* A run of the duel that failed, made short and told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/duel.h"

#define PATIENCE	40	/* seconds of this process */
#define CLOSE_LOOK	4000	/* operations after each of which one may look at everything */

const char *duel_mode_name(unsigned mode)
{
	return mode == MMU_MODE_TDP ? "tdp" : "shadow";
}

double duel_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static double used(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

static bool fails(struct duel *d, const struct duel_config *config, struct duel_op *op, unsigned n)
{
	d->tape = NULL;
	return !duel_run(d, config, op, n);
}

/* Leaves out parts of this size while what remains still fails. */
static unsigned leave_out(struct duel *d, const struct duel_config *config, struct duel_op *op,
			  unsigned n, unsigned part, double end)
{
	struct duel_op *fewer = calloc(n, sizeof(*fewer));

	for (unsigned from = 0; fewer && from + part <= n && used() < end;) {
		memcpy(fewer, op, from * sizeof(*op));
		memcpy(fewer + from, op + from + part, (n - from - part) * sizeof(*op));
		if (!fails(d, config, fewer, n - part)) {
			from += part;
			continue;
		}
		n = d->at + 1 < n - part ? d->at + 1 : n - part;
		memcpy(op, fewer, n * sizeof(*op));
	}
	free(fewer);
	return n;
}

static unsigned shrink(struct duel *d, const struct duel_config *config, struct duel_op *op,
		       unsigned n)
{
	double end = used() + PATIENCE;
	unsigned before;

	for (unsigned part = n / 2; part; part /= 2)
		n = leave_out(d, config, op, n, part, end);
	do {
		before = n;
		n = leave_out(d, config, op, n, 1, end);
	} while (n < before);
	return n;
}

/* What an audit found may have been there for long. */
static unsigned look_closely(struct duel *d, struct duel_config *config, struct duel_op *op,
			     unsigned n)
{
	if (n > CLOSE_LOOK)
		return n;
	config->every = 1;
	return fails(d, config, op, n) && d->at + 1 < n ? d->at + 1 : n;
}

void duel_explain(struct duel *d, const struct duel_config *config, struct duel_op *op, unsigned n,
		  bool shorten)
{
	struct duel_config c = *config;
	char path[64];

	printf("# FAILED: seed %llu, --mmu=%s, operation %u of %u: %s\n",
	       (unsigned long long)c.seed, duel_mode_name(c.mode), d->at, n, d->failure);
	fflush(stdout);
	if (!shorten)
		return;
	n = d->at + 1 < n ? d->at + 1 : n;
	for (unsigned i = 0; i < n; i++)
		op[i].pinned = op[i].kind == DUEL_access;
	c.events = false; /* they cost time */
	c.events = !fails(d, &c, op, n);
	n = shrink(d, &c, op, n);
	n = look_closely(d, &c, op, n);
	n = shrink(d, &c, op, n);
	snprintf(path, sizeof(path), "duel-%llu-%s.scn", (unsigned long long)c.seed,
		 duel_mode_name(c.mode));
	c.verbose = true;
	c.script = path;
	printf("# the shortest found, also in %s:\n", path);
	fails(d, &c, op, n);
	printf("# %s\n", d->failure);
}
