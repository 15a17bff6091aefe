/* SPDX-License-Identifier: MIT */
/* Seeded, cooperative tasks. */
#include "hv/sim/sched.h"
#include <stdlib.h>
#include <ucontext.h>

#define STACK_BYTES	(256u << 10)
#define SWITCH_ONE_IN	3	/* at a point; a wait always switches */
#define MAX_IDLE	100000u	/* waits in a row before nobody is believed to move */

struct task {
	ucontext_t context;
	void *stack;
	sched_fn_t fn;
	void *arg;
	bool done;
};

struct sched {
	ucontext_t home;
	struct task task[SCHED_MAX];
	unsigned nr;
	struct task *current;
	u64 random;
	unsigned idle;
	bool stopped;
};

struct sched *sched_create(u64 seed)
{
	struct sched *sched = calloc(1, sizeof(*sched));

	if (sched)
		sched->random = seed;
	return sched;
}

static void forget(struct sched *sched)
{
	for (unsigned i = 0; i < sched->nr; i++)
		free(sched->task[i].stack);
	sched->nr = 0;
}

void sched_destroy(struct sched *sched)
{
	if (sched)
		forget(sched);
	free(sched);
}

/* makecontext passes ints only. */
static void entry(unsigned high, unsigned low)
{
	struct sched *sched = (struct sched *)((uintptr_t)high << 32 | low);
	struct task *task = sched->current;

	task->fn(task->arg);
	task->done = true;
	swapcontext(&task->context, &sched->home);
}

bool sched_add(struct sched *sched, sched_fn_t fn, void *arg)
{
	struct task *task = &sched->task[sched->nr];
	uintptr_t p = (uintptr_t)sched;

	if (sched->nr == SCHED_MAX || sched->current)
		return false;
	*task = (struct task){ .stack = malloc(STACK_BYTES), .fn = fn, .arg = arg };
	if (!task->stack || getcontext(&task->context)) {
		free(task->stack);
		return false;
	}
	task->context.uc_stack.ss_sp = task->stack;
	task->context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&task->context, (void (*)(void))entry, 2, (unsigned)(p >> 32), (unsigned)p);
	sched->nr++;
	return true;
}

static struct task *pick(struct sched *sched)
{
	unsigned start = sched_random(&sched->random) % sched->nr;

	for (unsigned i = 0; i < sched->nr; i++) {
		struct task *task = &sched->task[(start + i) % sched->nr];

		if (!task->done)
			return task;
	}
	return NULL;
}

bool sched_run(struct sched *sched)
{
	struct task *task;

	sched->stopped = false;
	sched->idle = 0;
	while (sched->nr && !sched->stopped && (task = pick(sched))) {
		sched->current = task;
		swapcontext(&sched->home, &task->context);
		sched->current = NULL;
		sched->stopped |= sched->idle > MAX_IDLE;
	}
	forget(sched);
	return !sched->stopped;
}

static void leave(struct sched *sched)
{
	swapcontext(&sched->current->context, &sched->home);
}

void sched_point(struct sched *sched)
{
	if (!sched->current)
		return;
	sched->idle = 0;
	if (sched_random(&sched->random) % SWITCH_ONE_IN == 0)
		leave(sched);
}

bool sched_wait(struct sched *sched)
{
	if (!sched->current)
		return false;
	sched->idle++;
	leave(sched);
	return true;
}

void sched_stop(struct sched *sched)
{
	sched->stopped = true;
	if (sched->current)
		leave(sched);
}
