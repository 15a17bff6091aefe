/* SPDX-License-Identifier: MIT */
/* One operation of the duel, on both sides, and the comparison. */
#include "hv/sim/plan.h"
#include "tests/duel.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Puts the operation into words, for who reads a failure. */
void duel_tell(struct duel_op *op, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(op->text, sizeof(op->text), format, args);
	va_end(args);
}

/* After a refused page nothing may be half-done, nor untold: the operation is
 * repeated, with pages, and then has to succeed. Returns whether the refusal
 * was due. */
bool duel_refused(struct duel *d, u64 before)
{
	d->sim.mem.fail_in = 0;
	if (d->nomem++ % (1 + d->config.every / DUEL_EVERY) == 0) /* it costs as much as an audit */
		duel_model_check(d);
	if (d->sim.mem.refused == before)
		return !duel_fail(d, "no memory, but none was refused");
	return true;
}

static void visit(struct duel *d, struct sim_cpu *cpu)
{
	if (sim_visit(cpu) != MMU_OK)
		duel_fail(d, "mmu_enter: no memory, with memory");
}

void duel_visit(struct duel *d, struct sim_cpu *cpu)
{
	u64 before = d->sim.mem.refused;

	duel_line(d, "cpu%u: enter", cpu->id);
	if (sim_visit(cpu) == MMU_OK || !duel_refused(d, before))
		return;
	duel_line_result(d, SIM_NOMEM, 0, NULL);
	duel_line(d, "fail 0");
	duel_line(d, "cpu%u: enter", cpu->id);
	visit(d, cpu);
}

/* Nobody watches the PDPTEs of a PAE guest, as the manual wants it: a change
 * counts from the next load of CR3 on. So CR3 is loaded after each change. */
static void reload_pdptes(struct duel *d)
{
	for (unsigned i = 0; i < d->cpus; i++) {
		struct sim_cpu *cpu = &d->sim.cpu[i];
		u64 now[4] = { 0 };

		if (!(cpu->regs.cr0 & CR0_PG) || !(cpu->regs.cr4 & CR4_PAE) ||
		    cpu->regs.efer & EFER_LMA)
			continue;
		naive_copy(&d->naive, cpu->regs.smm, cpu->regs.cr3 & BITS(31, 5), now, sizeof(now), false);
		if (!memcmp(now, d->pdpt[i], sizeof(now)))
			continue;
		memcpy(d->pdpt[i], now, sizeof(now));
		duel_set_regs(d, cpu, &cpu->regs, true);
	}
}

/* ---- all at once ---------------------------------------------------------- */

#define STORM 24	/* accesses of each vCPU */

struct storm {
	struct duel *d;
	struct sim_cpu *cpu;
	bool quarrel;	/* as it began: an inner guest may be left meanwhile */
	struct sim_access access[STORM];
};

/*
 * vCPUs that read guest entries differently (NX, PSE, PAE or long mode) take each
 * other's shadow pages away whenever they load a root. That ends in the right
 * answers, but at the same time it need not end soon. So it is where a frame is a table
 * of the guest's own and a nested one: whoever walks it gives the shadow up, and the
 * inner guest has it built again.
 */
static bool differ(const struct mmu_regs *a, const struct mmu_regs *b)
{
	if (!duel_levels(a) || !duel_levels(b))
		return false;
	return (a->cr4 ^ b->cr4) & (CR4_PSE | CR4_PAE) ||
	       (a->efer ^ b->efer) & (EFER_NXE | EFER_LMA);
}

static bool quarrel(const struct duel *d)
{
	bool any = false;

	for (unsigned i = 0; i < d->cpus && !duel_is_tdp(d); i++)
		for (unsigned k = 0; k < i; k++)
			any |= differ(&d->sim.cpu[i].regs, &d->sim.cpu[k].regs);
	return any || duel_nests(d);
}

static void storm_task(void *arg)
{
	struct storm *s = arg;

	for (unsigned i = 0; i < STORM; i++) {
		struct sim_access *a = &s->access[i];

		if (i)
			sched_point(s->d->sim.sched, POINT_line);
		sim_access(s->cpu, a);
		duel_model_drain(s->d);
		if (a->outcome == SIM_STUCK && !s->quarrel)
			duel_fail(s->d, "gva 0x%llx: the access faults for ever",
				  (unsigned long long)a->gva);
	}
}

static void make_storm(struct storm *s, u64 r)
{
	for (unsigned i = 0; i < STORM; i++) {
		struct duel_op op = { .r = { sched_random(&r), sched_random(&r), sched_random(&r),
					     sched_random(&r) } };

		s->access[i] = duel_make_access(s->d, s->cpu, &op);
		duel_line_access(s->d, s->cpu, &s->access[i]);
		duel_line_result(s->d, SIM_STUCK, 0, NULL); /* however it ends */
	}
}

/*
 * Which order the vCPUs' accesses have is not for the naive MMU to say, so
 * after the storm it takes over the memory, and the vCPUs forget what it was in
 * between. The audit, the promises and all that follows must hold.
 */
void duel_op_storm(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	static struct storm storm[DUEL_CPUS];
	bool switches;

	(void)cpu;
	d->sim.mem.fail_in = 0;
	duel_line(d, "fail 0");
	duel_line(d, "seed 0x%llx", (unsigned long long)op->r[0]);
	duel_line(d, "together");
	sched_seed(d->sim.sched, op->r[0]);
	switches = duel_storm_switches(d, op->r[2]);
	for (unsigned i = 0; i < d->cpus; i++) {
		storm[i] = (struct storm){ .d = d, .cpu = &d->sim.cpu[i],
					   .quarrel = switches || quarrel(d) };
		make_storm(&storm[i], op->r[1] + i);
		if (!sched_add(d->sim.sched, i, storm_task, &storm[i]))
			duel_fail(d, "no memory for a stack");
	}
	if (switches && !sched_add(d->sim.sched, PLAN_HOST, duel_storm_task, d))
		duel_fail(d, "no memory for a stack");
	if (!switches && op->r[2] & 1)
		duel_disturb(d, op->r[3]);
	duel_line(d, "end");
	if (sched_run(d->sim.sched) != SCHED_DONE) {
		if (d->sim.panic)
			longjmp(*d->sim.on_panic, 1);
		duel_fail(d, "the vCPUs wait for each other for ever");
	}
	duel_arrive(d);
	memcpy(d->naive.ram, d->sim.mem.base + d->ram_hpa, DUEL_RAM);
	duel_log_storm(d);
	duel_age_storm(d);
	duel_flush_all(d);
	for (unsigned i = 0; i < d->cpus; i++)
		duel_nested_flush(d, &d->sim.cpu[i]);
}

void duel_step(struct duel *d, struct duel_op *op)
{
	static void (*const fn[])(struct duel *, struct sim_cpu *, struct duel_op *) = {
#define OP(name, weight, sentence) [DUEL_##name] = duel_op_##name,
#include "tests/duel.def"
	};

	d->count[op->kind]++;
	op->cpu %= d->cpus;
	fn[op->kind](d, &d->sim.cpu[op->cpu], op);
	reload_pdptes(d);
}
