/* SPDX-License-Identifier: MIT */
/*
 * Lock, kicks, and the standstill.
 */
#include "hv/core/cpus.h"

#include "hv/core/vm.h"

void cpus_init(struct vm *vm)
{
	struct cpus *c = &vm->cpus;

	atomic_store(&c->ticket, 1); /* ours */
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

void cpus_lock(struct vm *vm)
{
	struct cpus *c = &vm->cpus;
	u32 mine = atomic_fetch_add(&c->ticket, 1);

	while (atomic_load(&c->serving) != mine || atomic_load(&c->over))
		cpus_relax(vm);
}

void cpus_unlock(struct vm *vm)
{
	atomic_fetch_add(&vm->cpus.serving, 1);
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
		vm->p->relax();
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
