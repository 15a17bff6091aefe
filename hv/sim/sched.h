/* SPDX-License-Identifier: MIT */
/*
 * The scheduler of simulated CPUs: each task has a stack of its own, one runs
 * at a time, and the turn passes only where the library says it may
 * (env->point, env->relax) or the guest runs. Who is next is decided by a
 * seeded generator, so that a race once found is found again.
 */
#ifndef SIM_SCHED_H
#define SIM_SCHED_H

#include "mmu/types.h"

#define SCHED_MAX 16

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
void sched_destroy(struct sched *sched);

/* Another task for the next run; false: too many, or no memory. */
bool sched_add(struct sched *sched, sched_fn_t fn, void *arg);

/* Runs all tasks to their ends, or until one stops the run; they are then
 * forgotten.
 *   returns  false: stopped, or nothing but waiting went on */
bool sched_run(struct sched *sched);

/* Inside of a task: lets another one run, perhaps. Outside: does nothing. */
void sched_point(struct sched *sched);

/* Inside of a task: lets another one run; waits for it.
 *   returns  false outside of tasks: nobody can run, waiting is in vain */
bool sched_wait(struct sched *sched);

/* Inside of a task: ends the whole run. Returns only outside of tasks. */
void sched_stop(struct sched *sched);

#endif
