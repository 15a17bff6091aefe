/* SPDX-License-Identifier: MIT */
/*
 * Searches the orders in which the vCPUs of a `together` block can run for one
 * that turns something red. All orders with no preemption come first, then all
 * with one, and so on: what is found first needs the fewest.
 *
 * What is not searched: more preemptions; at an end or a wait, another successor
 * than the next in number; preemptions between points; memory that is seen out of
 * order (all tasks see each store at once).
 */
#ifndef SIM_EXPLORE_H
#define SIM_EXPLORE_H

#include "hv/sim/run.h"

struct explore_options {
	unsigned preemptions;	/* at most so many, up to PLAN_SWITCHES */
	u64 tries;		/* 0: all orders; else so many by chance, from run's seed */
	const char *output;	/* what is found is written there; NULL: a name is made */
	bool quiet;		/* no figures of what was green */
};

/*
 * Searches all blocks of the scenario, each as the others are in the file. What is
 * found is told in run->messages and written as a scenario.
 *
 *   run      mode, seed and messages count, the rest must be zero
 *   returns  RUN_OK      all that was tried is green
 *            RUN_FAILED  an order is red
 *            RUN_BAD     the scenario has no block, or cannot be carried out
 */
enum run_status explore(const struct scenario *scn, const struct run_options *run,
			const struct explore_options *options);

/* ---- among the files of the explorer -------------------------------------- */

/* Line numbers and numbers of tasks of the block number `block`; false: there are
 * not so many blocks. */
bool explore_block(const struct scenario *scn, unsigned block, unsigned *line, u32 *tasks);

/*
 * Writes the scenario again with this plan in its block.
 *   mode     enum mmu_mode, or -1: as the scenario says
 *   returns  false: errno says why
 */
bool explore_write(const struct scenario *scn, unsigned block, const struct plan *plan, int mode,
		   const char *path);

#endif
