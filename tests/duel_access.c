/* SPDX-License-Identifier: MIT */
/*
 * An access of the duel. Whatever needs the library's help, or is a fault, must be
 * what the guest's tables say now. What the hardware does alone may also be what
 * they said before, as long as nothing made the vCPU forget it.
 */
#include <string.h>
#include "tests/duel.h"

gva_t duel_usable(const struct sim_cpu *cpu, gva_t gva)
{
	if (duel_levels(&cpu->regs) < 4)
		return gva & BITS(31, 0);
	return gva >> 47 == 0x1ffff ? gva : gva & BITS(46, 0);
}

gva_t duel_recent(const struct duel *d, const struct sim_cpu *cpu, u64 r)
{
	if (!d->nr_recent)
		return duel_gva(&cpu->regs, r);
	return duel_usable(cpu, d->recent[r % d->nr_recent % DUEL_RECENT]);
}

void duel_remember(struct duel *d, gva_t gva)
{
	d->recent[d->nr_recent++ % DUEL_RECENT] = gva;
}

struct sim_access duel_make_access(const struct duel *d, const struct sim_cpu *cpu,
				   const struct duel_op *op)
{
	u64 r = op->r[1];
	struct sim_access a = { .gva = duel_usable(cpu, duel_gva(&cpu->regs, op->r[0])) };

	if (op->r[3] % 3) /* mostly where something is */
		a.gva = duel_recent(d, cpu, op->r[0]);
	if (op->pinned)
		a.gva = duel_usable(cpu, op->gva);
	a.kind = r % 8 < 3 ? HW_READ : r % 8 < 6 ? HW_WRITE : HW_FETCH;
	a.user = r >> 8 & 1;
	a.ac = (r >> 9 & 7) == 0;
	a.size = 1u << (r >> 12 & 3);
	if (r >> 14 & 1)
		a.size = cpu->regs.cr4 & CR4_PAE ? 8 : 4;
	a.gva &= ~(gva_t)(a.size - 1);
	a.value = a.kind == HW_WRITE ? duel_pte(&cpu->regs, op->r[2]) : 0;
	if (a.size < 8)
		a.value &= BIT(8 * a.size) - 1;
	return a;
}

void duel_run_access(struct duel *d, struct sim_cpu *cpu, struct sim_access *a)
{
	u64 before = d->sim.mem.refused;
	struct sim_access again = *a;
	unsigned exits;

	duel_line_access(d, cpu, a);
	sim_access(cpu, a);
	if (a->outcome != SIM_NOMEM || !duel_refused(d, before))
		return;
	duel_line_result(d, SIM_NOMEM, 0, NULL);
	duel_line(d, "fail 0");
	exits = a->exits;
	*a = again;
	duel_line_access(d, cpu, a);
	sim_access(cpu, a);
	/* What the first try has mapped is no memory of the past. */
	a->exits += exits;
}

/* ---- what must be as it is now ---------------------------------------------- */

static const enum sim_outcome outcome_of[] = {
	[NAIVE_OK] = SIM_OK,
	[NAIVE_FAULT] = SIM_FAULT,
	[NAIVE_MMIO] = SIM_MMIO,
	[NAIVE_READONLY] = SIM_READONLY,
	[NAIVE_REFLECT] = SIM_REFLECT,
};

/* For the scenario: what the naive MMU expects. */
void duel_expect(struct duel *d, const struct naive_access *na, const struct naive_result *nr)
{
	duel_line_result(d, outcome_of[nr->end], nr->error,
			 na->kind == NAIVE_WRITE ? NULL : &na->value);
}

/* What is emulated cannot tell read-only memory from none. */
bool duel_ends_as(const struct sim_access *a, enum naive_end end)
{
	if (a->emulated && a->outcome == SIM_MMIO && end == NAIVE_READONLY)
		return true;
	return a->outcome == outcome_of[end];
}

static void compare(struct duel *d, struct sim_cpu *cpu, const struct sim_access *a,
		    const struct naive_access *na, const struct naive_result *nr)
{
	const struct tlb_entry *e = tlb_find(&cpu->tlb, a->gva);
	unsigned long long gva = a->gva;

	if (!duel_ends_as(a, nr->end))
		duel_fail(d, "gva 0x%llx %s %s: the machine says %s (error 0x%llx), naive %s "
			  "(error 0x%llx)%s", gva, a->user ? "user" : "supervisor",
			  duel_kind_name(a->kind), sim_outcome_name(a->outcome),
			  (unsigned long long)a->error, sim_outcome_name(outcome_of[nr->end]),
			  (unsigned long long)nr->error, a->tlb_hit ? ", by the TLB" : "");
	else if (a->outcome == SIM_FAULT && (a->error != nr->error || cpu->cr2 != a->gva))
		duel_fail(d, "gva 0x%llx: error 0x%llx at 0x%llx, naive 0x%llx", gva,
			  (unsigned long long)a->error, (unsigned long long)cpu->cr2,
			  (unsigned long long)nr->error);
	else if (a->outcome == SIM_OK && a->value != na->value)
		duel_fail(d, "gva 0x%llx: value 0x%llx, naive 0x%llx", gva,
			  (unsigned long long)a->value, (unsigned long long)na->value);
	else if (a->outcome == SIM_OK && !a->emulated &&
		 (!e || duel_tlb_offset(d, e, gva) != duel_offset(d, cpu->regs.smm, nr->gpa)))
		duel_fail(d, "gva 0x%llx: it went to 0x%llx of RAM, naive 0x%llx", gva,
			  (unsigned long long)(e ? duel_tlb_offset(d, e, gva) : 0),
			  (unsigned long long)duel_offset(d, cpu->regs.smm, nr->gpa));
}

/* Did the hardware use what it or the shadow tables had from before? */
static bool by_memory_of_it(const struct duel *d, const struct sim_access *a)
{
	return a->outcome == SIM_OK && !a->emulated &&
	       (a->tlb_hit || (!duel_is_tdp(d) && !a->exits));
}

void duel_access(struct duel *d, struct sim_cpu *cpu, struct duel_op *op, struct sim_access *a)
{
	struct naive_access na = { a->gva, (enum naive_kind)a->kind, a->user, a->ac, a->size,
				   a->value };
	struct naive_result nr;
	const struct mmu_regs regs = cpu->regs;
	bool nested = duel_naive(d, cpu)->npt;

	duel_run_access(d, cpu, a);
	duel_tell(op, "%s %s gva 0x%llx size %u value 0x%llx -> %s 0x%llx%s%s",
		  a->user ? "user" : "supervisor", duel_kind_name(a->kind), (unsigned long long)a->gva,
		  a->size, (unsigned long long)a->value, sim_outcome_name(a->outcome),
		  (unsigned long long)a->error, a->tlb_hit ? " by TLB" : "",
		  a->emulated ? " emulated" : "");
	d->ok += a->outcome == SIM_OK;
	d->faults += a->outcome == SIM_FAULT;
	d->hits += a->tlb_hit;
	d->emulated += a->emulated;
	if (a->outcome == SIM_OK)
		duel_remember(d, a->gva);
	if (nested) {
		duel_age_access(d, regs.smm, cpu, a, NULL);
		duel_inner_judge(d, cpu, &regs, a, &na);
		return;
	}
	if ((by_memory_of_it(d, a) || (a->outcome == SIM_MMIO && !duel_is_tdp(d))) &&
	    duel_past_counts(d, cpu, &na)) {
		duel_age_access(d, regs.smm, cpu, a, NULL);
		if (a->outcome == SIM_MMIO)
			duel_compare_past_mmio(d, cpu, &na);
		else
			duel_compare_past(d, cpu, a, &na);
		return;
	}
	d->naive.past.settled = a->emulated && duel_settles(d);
	d->naive.past.told = a->emulated;
	naive_walk(&d->naive, &cpu->regs, &na, false, &nr);
	if (nr.own && a->outcome == SIM_FAULT) { /* it needed two walks */
		naive_walk(&d->naive, &cpu->regs, &na, true, &nr);
		naive_walk(&d->naive, &cpu->regs, &na, true, &nr);
	} else {
		naive_do(&d->naive, &cpu->regs, &na, &nr);
	}
	d->naive.past.settled = d->naive.past.told = false;
	duel_expect(d, &na, &nr);
	duel_age_access(d, regs.smm, cpu, a, &nr);
	compare(d, cpu, a, &na, &nr);
}

void duel_op_access(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	struct sim_access a = duel_make_access(d, cpu, op);

	op->gva = a.gva;
	duel_access(d, cpu, op, &a);
}
