/* SPDX-License-Identifier: MIT */
/*
 * Lock, kicks, and the standstill.
 */
#include "hv/core/cpus.h"

#include "hv/core/vm.h"

/* How long the lock is left to others before another look at them. */
#define GATHER_SPINS 100u

void cpus_init(struct vm *vm)
{
	struct cpus *c = &vm->cpus;

	atomic_store(&c->locked, true);
	for (unsigned i = 0; i < PLATFORM_MAX_CPUS; i++)
		c->one[i].current = (u8)i;
}

unsigned cpus_self(const struct vm *vm)
{
	return ch_cpu(vm->p->em);
}

struct cpus_one *cpus_this(struct vm *vm)
{
	return &vm->cpus.one[cpus_self(vm)];
}

/* ---- the lock ---- */

void cpus_relax(struct vm *vm)
{
	if (atomic_load_explicit(&vm->cpus.over, memory_order_relaxed))
		for (;;)
			vm->p->wait(PLATFORM_NEVER);
	vm->p->relax();
}

/* No queue: who is next in it may be a CPU that the host lets wait for long. */
void cpus_lock(struct vm *vm)
{
	struct cpus *c = &vm->cpus;

	while (atomic_load(&c->over) || atomic_load_explicit(&c->locked, memory_order_relaxed) ||
	       atomic_exchange(&c->locked, true))
		cpus_relax(vm);
}

void cpus_unlock(struct vm *vm)
{
	atomic_store(&vm->cpus.locked, false);
}

void cpus_leave(struct vm *vm)
{
	struct cpus_one *one = cpus_this(vm);

	one->kicked = false;
	atomic_store(&one->away, true);
	cpus_unlock(vm);
}

void cpus_return(struct vm *vm)
{
	atomic_store(&cpus_this(vm)->away, false);
	cpus_lock(vm);
}

void cpus_wait(struct vm *vm, u64 deadline)
{
	/* From here on an interrupt is kept for wait(). */
	vm->p->irq_disable();
	cpus_this(vm)->deadline = deadline;
	cpus_unlock(vm);
	vm->p->wait(deadline);
	cpus_lock(vm);
}

/* ---- kicks ---- */

void cpus_kick(struct vm *vm, unsigned cpu)
{
	if (cpu != cpus_self(vm))
		vm->p->kick(cpu);
}

void cpus_kick_all(struct vm *vm)
{
	for (unsigned i = 0; i < vm->p->nr_cpus; i++)
		cpus_kick(vm, i);
}

/* ---- standing still ---- */

static bool cpus_is_busy(struct vm *vm)
{
	unsigned self = cpus_self(vm);
	bool busy = false;

	for (unsigned i = 0; i < vm->p->nr_cpus; i++) {
		struct cpus_one *one = &vm->cpus.one[i];

		if (i == self || !one->busy)
			continue;
		busy = true;
		if (atomic_load(&one->away) && !one->kicked) {
			one->kicked = true;
			vm->p->kick(i);
		}
	}
	return busy;
}

void cpus_stand(struct vm *vm)
{
	while (vm->cpus.gathered && vm->cpus.gatherer != cpus_self(vm))
		cpus_wait(vm, PLATFORM_NEVER);
}

void cpus_gather(struct vm *vm)
{
	struct cpus *c = &vm->cpus;

	cpus_stand(vm);
	c->gathered = true;
	c->gatherer = cpus_self(vm);
	while (cpus_is_busy(vm)) {
		cpus_unlock(vm);
		for (unsigned i = 0; i < GATHER_SPINS; i++)
			cpus_relax(vm);
		cpus_lock(vm);
	}
}

void cpus_release(struct vm *vm)
{
	vm->cpus.gathered = false;
	cpus_kick_all(vm);
}

void cpus_end(struct vm *vm)
{
	atomic_store(&vm->cpus.over, true);
	cpus_kick_all(vm);
}
