/* SPDX-License-Identifier: MIT */
/*
 * The scheduler of simulated CPUs: each task has a stack of its own, one runs
 * at a time, and the turn passes only where the library says it may
 * (env->point, env->relax) or the hardware does a step. Who is next is decided
 * by a plan, or by a seeded generator: a race once found is found again.
 */
#ifndef SIM_SCHED_H
#define SIM_SCHED_H

#include "hv/sim/plan.h"

struct sched;

typedef void (*sched_fn_t)(void *arg);

/* A small generator; the same seed gives the same numbers everywhere. */
static inline u64 sched_random(u64 *state)
{
	u64 z = *state += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

/* NULL: no memory. */
struct sched *sched_create(u64 seed);
/* From here on it goes on as one made with this seed. */
void sched_seed(struct sched *sched, u64 seed);
void sched_destroy(struct sched *sched);

/* Another task for the next run, by its number below PLAN_TASKS; false: there
 * is one already, or no memory. */
bool sched_add(struct sched *sched, unsigned task, sched_fn_t fn, void *arg);

/* A task has come to a point for the count-th time in this run. */
struct sched_step {
	u8 task;
	u8 point;
	u8 done;		/* switches of the plan that have taken place */
	u32 count;
	u32 others;		/* mask of other tasks that have not ended */
};

/* For the next runs: the plan (NULL: chance decides; it is not copied), and who is told of every
 * point before anything happens there, and of every switch of the plan. */
struct sched_order {
	const struct plan *plan;
	void (*passed)(void *arg, const struct sched_step *step);
	void (*switched)(void *arg, const struct plan_switch *at);
	void *arg;
};

void sched_obey(struct sched *sched, const struct sched_order *order);

enum sched_end {
	SCHED_DONE,	/* all tasks came to their ends */
	SCHED_STOPPED,	/* one stopped the run */
	SCHED_WAIT,	/* nothing but waiting went on */
	SCHED_ENDLESS,	/* they did something, but came to no end */
	SCHED_MISFIT,	/* done, but a switch of the plan could not be made */
};

/* Runs all tasks; they are then forgotten. */
enum sched_end sched_run(struct sched *sched);

/* After MISFIT: which switch, and how often its task came to its point. */
const struct plan_switch *sched_misfit(const struct sched *sched, u32 *came);

/* Inside of a task: lets another one run, perhaps. Outside, or without a
 * scheduler: does nothing. */
void sched_point(struct sched *sched, enum sim_point point);

/* Inside of a task: lets another one run; waits for it.
 *   returns  false outside of tasks: nobody can run, waiting is in vain */
bool sched_wait(struct sched *sched);

/* Inside of a task: can another one run? */
bool sched_has_others(const struct sched *sched);

/* Inside of a task: ends the whole run. Returns only outside of tasks. */
void sched_stop(struct sched *sched);

#endif
