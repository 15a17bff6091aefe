/* SPDX-License-Identifier: MIT */
/* Cooperative tasks, by plan or by chance. */
#include "hv/sim/sched.h"
#include <stdlib.h>
#include <ucontext.h>

#define STACK_BYTES	(256u << 10)
#define SWITCH_ONE_IN	3	/* by chance, at a point; a wait always switches */
#define MAX_IDLE	10000u	/* waits in a row before nobody is believed to move */
#define MAX_POINTS	200000u /* of a run, before it is believed to have no end */

struct task {
	ucontext_t context;
	void *stack;
	sched_fn_t fn;
	void *arg;
	bool added, done;
	u32 count[NR_POINTS];	/* how often it has come there */
};

struct sched {
	ucontext_t home;
	struct task task[PLAN_TASKS];
	struct task *current;
	int next;		/* of the plan: who was chosen; -1: the order decides */
	struct sched_order order;
	unsigned done;		/* switches of the plan so far */
	u64 random;
	unsigned idle;
	u32 points;
	enum sched_end end;
	bool stopped;
};

struct sched *sched_create(u64 seed)
{
	struct sched *sched = calloc(1, sizeof(*sched));

	if (sched)
		sched->random = seed;
	return sched;
}

void sched_seed(struct sched *sched, u64 seed)
{
	sched->random = seed;
}

static void forget(struct sched *sched)
{
	for (unsigned i = 0; i < PLAN_TASKS; i++) {
		free(sched->task[i].stack);
		sched->task[i].stack = NULL;
		sched->task[i].added = false;
	}
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

bool sched_add(struct sched *sched, unsigned number, sched_fn_t fn, void *arg)
{
	struct task *task = &sched->task[number];
	uintptr_t p = (uintptr_t)sched;

	if (number >= PLAN_TASKS || task->added || sched->current)
		return false;
	*task = (struct task){ .stack = malloc(STACK_BYTES), .fn = fn, .arg = arg };
	if (!task->stack || getcontext(&task->context)) {
		free(task->stack);
		task->stack = NULL;
		return false;
	}
	task->context.uc_stack.ss_sp = task->stack;
	task->context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&task->context, (void (*)(void))entry, 2, (unsigned)(p >> 32), (unsigned)p);
	task->added = true;
	return true;
}

void sched_obey(struct sched *sched, const struct sched_order *order)
{
	sched->order = *order;
}

static bool can_run(const struct sched *sched, unsigned number)
{
	return sched->task[number].added && !sched->task[number].done;
}

static u32 can_run_mask(const struct sched *sched)
{
	u32 mask = 0;

	for (unsigned i = 0; i < PLAN_TASKS; i++)
		mask |= can_run(sched, i) ? 1u << i : 0;
	return mask;
}

static unsigned number_of(const struct sched *sched, const struct task *task)
{
	return task - sched->task;
}

/* The first that can run, from this number on. */
static struct task *from(struct sched *sched, unsigned start)
{
	for (unsigned i = 0; i < PLAN_TASKS; i++) {
		unsigned number = (start + i) % PLAN_TASKS;

		if (can_run(sched, number))
			return &sched->task[number];
	}
	return NULL;
}

static struct task *any(struct sched *sched)
{
	u32 mask = can_run_mask(sched);
	unsigned skip = mask ? sched_random(&sched->random) % (unsigned)__builtin_popcount(mask) : 0;

	for (; skip; skip--)
		mask &= mask - 1;
	return mask ? &sched->task[__builtin_ctz(mask)] : NULL;
}

/* last: who had the turn, NULL at the beginning. */
static struct task *pick(struct sched *sched, const struct task *last)
{
	int next = sched->next;

	sched->next = -1;
	if (!sched->order.plan)
		return any(sched);
	if (next < 0)
		next = last ? number_of(sched, last) + 1 : sched->order.plan->start;
	return from(sched, next);
}

static void begin(struct sched *sched)
{
	sched->end = SCHED_DONE;
	sched->stopped = false;
	sched->idle = sched->points = sched->done = 0;
	sched->next = -1;
}

enum sched_end sched_run(struct sched *sched)
{
	struct task *task = NULL;

	begin(sched);
	while (!sched->stopped && (task = pick(sched, task))) {
		sched->current = task;
		swapcontext(&sched->home, &task->context);
		sched->current = NULL;
	}
	if (!sched->stopped && sched->order.plan && sched->done < sched->order.plan->nr)
		sched->end = SCHED_MISFIT;
	forget(sched);
	return sched->end;
}

const struct plan_switch *sched_misfit(const struct sched *sched, u32 *came)
{
	const struct plan_switch *at = &sched->order.plan->at[sched->done];

	*came = sched->task[at->task].count[at->point];
	return at;
}

static void leave(struct sched *sched)
{
	swapcontext(&sched->current->context, &sched->home);
}

bool sched_has_others(const struct sched *sched)
{
	return sched->current && can_run_mask(sched) & ~(1u << number_of(sched, sched->current));
}

static void stop(struct sched *sched, enum sched_end end)
{
	sched->stopped = true;
	sched->end = end;
	if (sched->current)
		leave(sched);
}

/* What the plan wants at this point. */
static void planned(struct sched *sched, const struct sched_step *step)
{
	const struct plan *plan = sched->order.plan;
	const struct plan_switch *at = &plan->at[sched->done];

	if (sched->done == plan->nr || at->task != step->task || at->point != step->point ||
	    at->count != step->count || !can_run(sched, at->to))
		return;
	sched->done++;
	sched->next = at->to;
	if (sched->order.switched)
		sched->order.switched(sched->order.arg, at);
	leave(sched);
}

void sched_point(struct sched *sched, enum sim_point point)
{
	struct task *task = sched ? sched->current : NULL;
	struct sched_step step;

	if (!task)
		return;
	sched->idle = 0;
	if (++sched->points > MAX_POINTS)
		stop(sched, SCHED_ENDLESS);
	step = (struct sched_step){ .task = number_of(sched, task), .point = point,
				    .done = sched->done, .count = ++task->count[point] };
	step.others = can_run_mask(sched) & ~(1u << step.task);
	if (sched->order.passed)
		sched->order.passed(sched->order.arg, &step);
	if (sched->order.plan)
		planned(sched, &step);
	else if (sched_random(&sched->random) % SWITCH_ONE_IN == 0)
		leave(sched);
}

bool sched_wait(struct sched *sched)
{
	if (!sched->current)
		return false;
	if (++sched->idle > MAX_IDLE)
		stop(sched, SCHED_WAIT);
	leave(sched);
	return true;
}

void sched_stop(struct sched *sched)
{
	stop(sched, SCHED_STOPPED);
}
