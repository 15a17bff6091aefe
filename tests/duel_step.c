/* SPDX-License-Identifier: MIT */
/* One operation of the duel, on both sides, and the comparison. */
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

bool duel_is_tdp(const struct duel *d)
{
	return d->config.mode == MMU_MODE_TDP;
}

/* After a refused page nothing may be half-done, nor untold: the operation is
 * repeated, with pages, and then has to succeed. Returns whether the refusal
 * was due. */
bool duel_refused(struct duel *d, u64 before)
{
	d->sim.mem.fail_in = 0;
	d->nomem++;
	duel_model_check(d);
	if (d->sim.mem.refused == before)
		return !duel_fail(d, "no memory, but none was refused");
	return true;
}

void duel_visit(struct duel *d, struct sim_cpu *cpu)
{
	u64 before = d->sim.mem.refused;

	if (sim_visit(cpu) != MMU_OK && duel_refused(d, before) && sim_visit(cpu) != MMU_OK)
		duel_fail(d, "mmu_enter: no memory, with memory");
}

/* Nobody watches the PDPTEs of a PAE guest, as the manual wants it: a change
 * counts from the next load of CR3 on. So CR3 is loaded after each change. */
static void reload_pdptes(struct duel *d)
{
	for (unsigned i = 0; i < DUEL_CPUS; i++) {
		struct sim_cpu *cpu = &d->sim.cpu[i];
		u64 now[4] = { 0 };

		if (!(cpu->regs.cr0 & CR0_PG) || !(cpu->regs.cr4 & CR4_PAE) ||
		    cpu->regs.efer & EFER_LMA)
			continue;
		naive_copy(&d->naive, cpu->regs.cr3 & BITS(31, 5), now, sizeof(now), false);
		if (!memcmp(now, d->pdpt[i], sizeof(now)))
			continue;
		memcpy(d->pdpt[i], now, sizeof(now));
		sim_set_regs(cpu, &cpu->regs, true);
	}
}

/* ---- accesses ------------------------------------------------------------ */

static struct sim_access make_access(const struct duel *d, const struct sim_cpu *cpu,
				     struct duel_op *op)
{
	u64 r = op->r[1];
	struct sim_access a = { .gva = duel_gva(&cpu->regs, op->r[0]) };

	if (d->nr_recent && op->r[3] % 3) /* mostly where something is */
		a.gva = d->recent[op->r[0] % d->nr_recent % DUEL_RECENT];
	if (op->pinned)
		a.gva = op->gva;
	if (duel_levels(&cpu->regs) < 4)
		a.gva &= BITS(31, 0);
	else if (a.gva >> 47 != 0x1ffff)
		a.gva &= BITS(46, 0);
	a.kind = r % 8 < 3 ? HW_READ : r % 8 < 6 ? HW_WRITE : HW_FETCH;
	a.user = r >> 8 & 1;
	a.ac = (r >> 9 & 7) == 0;
	a.size = 1u << (r >> 12 & 3);
	if (r >> 14 & 1)
		a.size = cpu->regs.cr4 & CR4_PAE ? 8 : 4;
	a.value = a.kind == HW_WRITE ? duel_pte(&cpu->regs, op->r[2]) : 0;
	if (a.size < 8)
		a.value &= BIT(8 * a.size) - 1;
	return a;
}

static const char *const kind_name[] = {
	[HW_READ] = "read", [HW_WRITE] = "write", [HW_FETCH] = "fetch"
};

static void run_access(struct duel *d, struct sim_cpu *cpu, struct sim_access *a)
{
	u64 before = d->sim.mem.refused;
	struct sim_access again = *a;

	sim_access(cpu, a);
	if (a->outcome != SIM_NOMEM || !duel_refused(d, before))
		return;
	*a = again;
	sim_access(cpu, a);
}

static const enum sim_outcome outcome_of[] = {
	[NAIVE_OK] = SIM_OK,
	[NAIVE_FAULT] = SIM_FAULT,
	[NAIVE_MMIO] = SIM_MMIO,
	[NAIVE_READONLY] = SIM_READONLY,
};

static void compare(struct duel *d, struct sim_cpu *cpu, const struct sim_access *a,
		    const struct naive_access *na, const struct naive_result *nr)
{
	if (a->outcome != outcome_of[nr->end])
		duel_fail(d, "gva 0x%llx %s %s: the machine says %s (error 0x%llx), naive %s "
			  "(error 0x%llx)%s", (unsigned long long)a->gva,
			  a->user ? "user" : "supervisor",
			  kind_name[a->kind],
			  sim_outcome_name(a->outcome), (unsigned long long)a->error,
			  sim_outcome_name(outcome_of[nr->end]), (unsigned long long)nr->error,
			  a->tlb_hit ? ", by the TLB" : "");
	else if (a->outcome == SIM_FAULT && (a->error != nr->error || cpu->cr2 != a->gva))
		duel_fail(d, "gva 0x%llx: error 0x%llx at 0x%llx, naive 0x%llx",
			  (unsigned long long)a->gva, (unsigned long long)a->error,
			  (unsigned long long)cpu->cr2, (unsigned long long)nr->error);
	else if (a->outcome == SIM_OK && a->value != na->value)
		duel_fail(d, "gva 0x%llx: value 0x%llx, naive 0x%llx", (unsigned long long)a->gva,
			  (unsigned long long)a->value, (unsigned long long)na->value);
}

/*
 * With nested paging the hardware may remember what the guest has changed
 * since without flushing. That is the guest's business; but where the frame it
 * remembers lies is ours.
 */
static void compare_nested_hit(struct duel *d, struct sim_cpu *cpu, const struct sim_access *a)
{
	const struct tlb_entry *e = tlb_find(&cpu->tlb, a->gva);
	u64 value = a->value;
	bool readonly = false;
	u8 *at;

	if (!e) {
		duel_fail(d, "gva 0x%llx: a hit without an entry", (unsigned long long)a->gva);
		return;
	}
	at = naive_memory(&d->naive, e->gpa + (a->gva - e->gva), &readonly);
	if (!at || (readonly && a->kind == HW_WRITE)) {
		duel_fail(d, "gva 0x%llx: the TLB leads to gpa 0x%llx, where it must not",
			  (unsigned long long)a->gva, (unsigned long long)e->gpa);
		return;
	}
	if (a->kind == HW_WRITE)
		memcpy(at, &value, a->size);
	else if (memcmp(at, &value, a->size))
		duel_fail(d, "gva 0x%llx: the TLB gives 0x%llx, which is not at gpa 0x%llx",
			  (unsigned long long)a->gva, (unsigned long long)value,
			  (unsigned long long)e->gpa);
}

void duel_op_access(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	struct sim_access a = make_access(d, cpu, op);
	struct naive_access na = { a.gva, (enum naive_kind)a.kind, a.user, a.ac, a.size, a.value };
	struct naive_result nr;

	op->gva = a.gva;
	run_access(d, cpu, &a);
	duel_tell(op, "%s %s gva 0x%llx size %u value 0x%llx -> %s 0x%llx%s%s",
	     a.user ? "user" : "supervisor", kind_name[a.kind], (unsigned long long)a.gva, a.size,
	     (unsigned long long)a.value, sim_outcome_name(a.outcome), (unsigned long long)a.error,
	     a.tlb_hit ? " by TLB" : "", a.emulated ? " emulated" : "");
	d->ok += a.outcome == SIM_OK;
	d->faults += a.outcome == SIM_FAULT;
	d->hits += a.tlb_hit;
	d->emulated += a.emulated;
	if (a.outcome == SIM_OK)
		d->recent[d->nr_recent++ % DUEL_RECENT] = a.gva;
	if (a.tlb_hit && duel_is_tdp(d)) {
		compare_nested_hit(d, cpu, &a);
		return;
	}
	naive_do(&d->naive, &cpu->regs, &na, &nr);
	compare(d, cpu, &a, &na, &nr);
}

/* ---- all at once ---------------------------------------------------------- */

struct storm {
	struct duel *d;
	struct sim_cpu *cpu;
	u64 r;
};

/*
 * vCPUs that read guest entries differently (NX, PSE, PAE or long mode) take each
 * other's shadow pages away whenever they load a root. That ends in the right
 * answers, but at the same time it need not end soon.
 */
static bool quarrel(const struct duel *d)
{
	const struct mmu_regs *a = &d->sim.cpu[0].regs, *b = &d->sim.cpu[1].regs;

	if (duel_is_tdp(d) || !duel_levels(a) || !duel_levels(b))
		return false;
	return (a->cr4 ^ b->cr4) & (CR4_PSE | CR4_PAE) ||
	       (a->efer ^ b->efer) & (EFER_NXE | EFER_LMA);
}

static void storm_task(void *arg)
{
	struct storm *s = arg;

	for (unsigned i = 0; i < 6; i++) {
		struct duel_op op = { .r = { sched_random(&s->r), sched_random(&s->r),
					     sched_random(&s->r), sched_random(&s->r) } };
		struct sim_access a = make_access(s->d, s->cpu, &op);

		sim_access(s->cpu, &a);
		if (a.outcome == SIM_STUCK && !quarrel(s->d))
			duel_fail(s->d, "gva 0x%llx: the access faults for ever",
				  (unsigned long long)a.gva);
	}
}

/*
 * Which order the vCPUs' accesses have is not for the naive MMU to say, so
 * after the storm it takes over the memory. The audit, the promises and all
 * that follows must hold.
 */
void duel_op_storm(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	struct storm storm[DUEL_CPUS];

	(void)cpu;
	d->sim.mem.fail_in = 0;
	for (unsigned i = 0; i < DUEL_CPUS; i++) {
		storm[i] = (struct storm){ d, &d->sim.cpu[i], op->r[i] };
		if (!sched_add(d->sim.sched, i, storm_task, &storm[i]))
			duel_fail(d, "no memory for a stack");
	}
	if (sched_run(d->sim.sched) != SCHED_DONE) {
		if (d->sim.panic)
			longjmp(*d->sim.on_panic, 1);
		duel_fail(d, "the vCPUs wait for each other for ever");
	}
	memcpy(d->naive.ram, d->sim.mem.base + d->ram_hpa, DUEL_RAM);
}

void duel_step(struct duel *d, struct duel_op *op)
{
	static void (*const fn[])(struct duel *, struct sim_cpu *, struct duel_op *) = {
#define OP(name, weight, sentence) [DUEL_##name] = duel_op_##name,
#include "tests/duel.def"
	};

	d->count[op->kind]++;
	fn[op->kind](d, &d->sim.cpu[op->cpu % DUEL_CPUS], op);
	reload_pdptes(d);
}
