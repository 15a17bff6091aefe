/* SPDX-License-Identifier: MIT */
/*
 * Who runs next, on each real CPU: its vCPUs in turn, each until it has nothing to do,
 * waits for another, or its slice is over and others want the CPU.
 */
#include "hv/core/clock.h"
#include "hv/core/vcpu.h"

/* So long a vCPU runs while others of its CPU could. */
#define SLICE_NS 1000000u

u64 vm_deadline(struct vm *vm, unsigned cpu)
{
	u64 due = cpu == 0 ? board_deadline(&vm->board) : BOARD_NEVER;

	for (unsigned i = cpu; i < vm->nr_vcpus; i += vm->p->nr_cpus) {
		u64 timer = lapic_deadline(vcpu_lapic(&vm->vcpu[i]));

		due = timer < due ? timer : due;
	}
	return due == BOARD_NEVER ? PLATFORM_NEVER : vm->clock_base + clock_from_ns(vm->p, due);
}

static int run_irq(const struct vcpu *v)
{
	return board_irq(&v->vm->board, v->id).vector;
}

bool vm_can_go_on(const struct vcpu *v)
{
	return v->state == CH_RUNNING || start_waits(v) || smm_waits(v) ||
	       (v->state != CH_WAITING &&
		(vcpu_has_nmi(v) || v->event.type != VCPU_EVENT_NONE ||
		 v->regs.rflags & RFLAGS_IF));
}

/* Whether something ends HLT. An SMI leaves a halted vCPU halted, until it is
 * delivered. */
static bool run_wakes(const struct vcpu *v)
{
	return v->state == CH_HALTED && (vcpu_has_nmi(v) || v->event.type != VCPU_EVENT_NONE ||
					 (v->regs.rflags & RFLAGS_IF && run_irq(v) >= 0));
}

static bool run_is_ready(const struct vcpu *v)
{
	return v->state == CH_RUNNING || start_waits(v) || run_wakes(v) ||
	       (v->state == CH_HALTED && smm_waits(v));
}

/* While one vCPU is stepped the others stand; GDB may choose some, too. */
static bool run_may(const struct vcpu *v)
{
	const struct vm *vm = v->vm;

	if (vm->debug.stepping_over)
		return v->id == vm->debug.over_vcpu;
	if (vm->control.step == CH_STEP_INSN)
		return v->id == vm->control.step_vcpu;
	return !(vm->control.held & 1u << v->id);
}

bool vm_others_wait(struct vcpu *v)
{
	struct vm *vm = v->vm;

	for (unsigned i = 0; i < vm->nr_vcpus; i++) {
		const struct vcpu *other = &vm->vcpu[i];

		if (other != v && other->cpu == v->cpu && run_may(other) && run_is_ready(other))
			return true;
	}
	return false;
}

/* What has come for v is done, if v may run. */
static bool run_prepare(struct vcpu *v)
{
	if (!run_may(v))
		return false;
	if (start_waits(v))
		start_take(v);
	if (run_wakes(v))
		vcpu_set_state(v, CH_RUNNING);
	return v->state == CH_RUNNING || (v->state == CH_HALTED && smm_waits(v));
}

/* This CPU's vCPUs that can run, each as its bit. */
static u32 run_find(struct vm *vm)
{
	unsigned self = cpus_self(vm);
	u32 ready = 0;

	for (unsigned i = 0; i < vm->nr_vcpus; i++) {
		if (vm->vcpu[i].cpu == self && run_prepare(&vm->vcpu[i]))
			ready |= 1u << i;
	}
	return ready;
}

/* The next of them, round robin; the last one as long as its slice lasts. */
static struct vcpu *run_next(struct vm *vm)
{
	struct cpus_one *one = cpus_this(vm);
	u32 ready = run_find(vm);
	unsigned next = one->current;

	if (!ready)
		return NULL;
	if (ready == 1u << next)
		return &vm->vcpu[next];
	if (!(ready & 1u << next) || vm->p->clock() >= one->slice_end) {
		do
			next = (next + 1) % vm->nr_vcpus;
		while (!(ready & 1u << next));
		one->slice_end = vm->p->clock() + clock_from_ns(vm->p, SLICE_NS);
		one->current = (u8)next;
	}
	return &vm->vcpu[next];
}

/* None of this CPU's vCPUs can run now: until the next timer tick, doorbell, kick or
 * never. */
static void run_sleep(struct vm *vm)
{
	bool hope = false;

	for (unsigned i = 0; i < vm->nr_vcpus; i++)
		hope |= vm_can_go_on(&vm->vcpu[i]);
	if (!hope) {
		vm_end(vm, 122, "every vCPU is halted with interrupts off");
		return;
	}
	console_flush(vm);
	ch_set_cause(vm->p->em, 0);
	cpus_wait(vm, vm_deadline(vm, cpus_self(vm)));
	board_update(&vm->board);
}

/* Whether v's CPU, another one, should look at v: it would do something else with it
 * than it does. */
static bool run_is_news(const struct vcpu *v)
{
	struct cpus_one *one = &v->vm->cpus.one[v->cpu];

	if (v->state != CH_RUNNING)
		return run_is_ready(v);
	return atomic_load(&one->away) && one->current == v->id &&
	       (run_irq(v) >= 0 || vcpu_has_nmi(v) || smm_waits(v));
}

/* What a turn has done to the vCPUs and deadlines of other CPUs. */
static void run_tell_others(struct vm *vm)
{
	for (unsigned i = 0; i < vm->nr_vcpus; i++) {
		if (run_is_news(&vm->vcpu[i]))
			cpus_kick(vm, vm->vcpu[i].cpu);
	}
	for (unsigned i = 0; i < vm->p->nr_cpus; i++) {
		if (vm_deadline(vm, i) < vm->cpus.one[i].deadline)
			cpus_kick(vm, i);
	}
}

static void run_turn(struct vcpu *v)
{
	struct vm *vm = v->vm;
	struct cpus_one *one = cpus_this(vm);

	one->busy = true;
	vcpu_turn(v);
	one->busy = false;
	if (vm->p->nr_cpus > 1)
		run_tell_others(vm);
}

static void run_broken_rule(void *arg, const struct mmu_finding *f)
{
	struct vm *vm = arg;

	vm->p->panic("the audit: %s: %s (page %u index %u: %#lx, not %#lx)", f->rule, f->sentence,
		     f->sp, f->index, f->have, f->want);
}

/* Between the turns, if that was asked for. What it finds is a panic. */
static void run_audit(struct vm *vm, const struct vcpu *v)
{
	if (!vm->audit_every || v->nr_exits % vm->audit_every)
		return;
	cpus_gather(vm);
	mmu_audit(vm->mmu, run_broken_rule, vm);
	cpus_release(vm);
}

static void run_loop(struct vm *vm)
{
	for (;;) {
		struct vcpu *v;

		control_safe_point(vm);
		if (vm->ended)
			return;
		v = run_next(vm);
		if (v) {
			run_turn(v);
			run_audit(vm, v);
		} else if (!vm->ended) {
			run_sleep(vm);
		}
	}
}

unsigned vm_run(struct vm *vm)
{
	run_loop(vm);
	cpus_gather(vm);
	if (vm->audit_every)
		mmu_audit(vm->mmu, run_broken_rule, vm);
	return vm->status;
}

void vm_run_other(struct vm *vm)
{
	cpus_lock(vm);
	run_loop(vm);
	for (;;)
		cpus_wait(vm, PLATFORM_NEVER);
}
