/* SPDX-License-Identifier: MIT */
/*
 * A simulated vCPU: one memory operation at a time, through its TLB and the
 * hardware's walker, with the hypervisor's loop around it.
 */
#include "hv/sim/cpu.h"
#include <string.h>

#define MAX_TRIES	8	/* of one access before we call it stuck */
#define MAX_TDP_TRIES	32	/* the same if each of the guest's tables takes faults, too */
#define VECTOR_PF	14
#define TYPE_EXCEPTION	3

static unsigned guest_levels(const struct mmu_regs *regs)
{
	if (!(regs->cr0 & CR0_PG))
		return 0;
	if (!(regs->cr4 & CR4_PAE))
		return 2;
	if (!(regs->efer & EFER_LMA))
		return 3;
	return regs->cr4 & CR4_LA57 ? 5 : 4;
}

static struct hw_stage machine_stage(const struct sim_cpu *cpu)
{
	const struct sim *sim = cpu->sim;

	return (struct hw_stage){
		.memory = sim->mem.base,
		.memory_size = sim->mem.size,
		.root = cpu->entry.root,
		.levels = cpu->entry.root_level,
		.maxphyaddr = sim->config.maxphyaddr,
		.sched = sim->sched,
		.wp = true,
		.nx = true,
		.no_ad = sim->config.ad_disabled,
	};
}

void sim_stages(struct sim_cpu *cpu, struct hw_stage stage[2])
{
	const struct mmu_regs *regs = &cpu->regs;
	bool paging = regs->cr0 & CR0_PG;

	stage[0] = stage[1] = machine_stage(cpu);
	if (cpu_is_tdp(cpu)) {
		stage[0].below = &stage[1];
		stage[0].no_ad = false;
		stage[0].root = regs->cr3;
		stage[0].levels = guest_levels(regs);
		stage[0].wp = regs->cr0 & CR0_WP;
		stage[0].nx = regs->efer & EFER_NXE && regs->cr4 & CR4_PAE;
	}
	stage[0].pse = regs->cr4 & CR4_PSE;
	stage[0].pge = paging && regs->cr4 & CR4_PGE;
	stage[0].smep = paging && regs->cr4 & CR4_SMEP;
	stage[0].smap = paging && regs->cr4 & CR4_SMAP;
}

void cpu_drop(struct sim_cpu *cpu, struct tlb_entry *e)
{
	sim_emit(cpu->sim, cpu->id, tlb_drop, e->gva, e->level);
	e->used = false;
}

void cpu_empty_tlb(struct sim_cpu *cpu, bool keep_global)
{
	tlb_empty(&cpu->tlb, keep_global);
	sim_emit(cpu->sim, cpu->id, tlb_empty, keep_global);
}

static enum mmu_status enter(struct sim_cpu *cpu)
{
	struct sim *sim = cpu->sim;
	enum mmu_status status;

	do {
		cpu->kicked = false;
		library_begin(sim);
		status = mmu_enter(cpu->vcpu, &cpu->entry);
		library_end(sim);
		if (status != MMU_OK)
			return status;
		cpu->in_guest = true;
		if (cpu->entry.flush && cpu->lose_flush) {
			cpu->lose_flush--;
			sim_log(sim, "cpu%u: the flush is lost, as the scenario wants", cpu->id);
		} else if (cpu->entry.flush) {
			cpu_empty_tlb(cpu, cpu->entry.flush == MMU_FLUSH_NONGLOBAL);
		}
		if (cpu->kicked) {
			cpu->in_guest = false;
			mmu_leave(cpu->vcpu);
		}
	} while (cpu->kicked);
	sim_emit(sim, cpu->id, enter, cpu->rip, cpu->entry.root,
		 cpu->entry.flush != MMU_FLUSH_NONE);
	if (!sim->busy)
		cpu_check_promise(cpu);
	return status;
}

static void leave(struct sim_cpu *cpu)
{
	cpu->in_guest = false;
	mmu_leave(cpu->vcpu);
}

enum mmu_status sim_visit(struct sim_cpu *cpu)
{
	enum mmu_status status = enter(cpu);

	if (status == MMU_OK)
		leave(cpu);
	return status;
}

enum mmu_status sim_stay(struct sim_cpu *cpu)
{
	enum mmu_status status = enter(cpu);

	while (status == MMU_OK && !cpu->kicked && sched_has_others(cpu->sim->sched))
		sched_wait(cpu->sim->sched);
	if (status == MMU_OK)
		leave(cpu);
	return status;
}

void cpu_exit(struct sim_cpu *cpu, enum ch_exit kind, u32 code, u64 info1, u64 info2)
{
	struct sim *sim = cpu->sim;

	ch_set_cause(&sim->em, 0);
	ch_set_cause(&sim->em, sim_emit(sim, cpu->id, exit, kind, code, info1, info2, cpu->rip));
}

/* The bytes themselves. */
static void touch(struct sim_cpu *cpu, struct sim_access *a, hpa_t hpa)
{
	void *p = cpu->sim->mem.base + hpa;

	if (a->kind == HW_WRITE) {
		memcpy(p, &a->value, a->size);
	} else {
		a->value = 0;
		memcpy(&a->value, p, a->size);
	}
	a->outcome = SIM_OK;
}

/* An entry that does is used without looking at any table. */
static bool by_tlb(struct sim_cpu *cpu, const struct hw_stage stage[2], struct sim_access *a)
{
	const struct hw_access access = { a->gva, a->kind, a->user, a->ac };
	const struct hw_access below = { a->gva, a->kind, true, false };
	struct tlb_entry *e = tlb_find(&cpu->tlb, a->gva);

	if (!e)
		return false;
	if (!hw_allows(&stage[0], e->access, &access) ||
	    (cpu_is_tdp(cpu) && !hw_allows(&stage[1], e->below_access, &below)) ||
	    (a->kind == HW_WRITE && !e->dirty)) {
		cpu_drop(cpu, e);
		return false;
	}
	if (e->broken) {
		a->ghost_used = true;
		cpu->sim->ghosts_used++;
		sim_emit(cpu->sim, cpu->id, tlb_ghost_used, a->gva, tlb_hpa(e, a->gva),
			 a->kind == HW_WRITE);
	}
	a->tlb_hit = true;
	touch(cpu, a, tlb_hpa(e, a->gva));
	return true;
}

/* In the guest: one access by the hardware alone. */
static bool by_hardware(struct sim_cpu *cpu, struct sim_access *a, struct hw_result *r)
{
	const struct hw_access access = { a->gva, a->kind, a->user, a->ac };
	struct hw_stage stage[2];
	struct tlb_entry *e, victim;

	sim_stages(cpu, stage);
	if (by_tlb(cpu, stage, a))
		return true;
	if (!hw_walk(&stage[0], &access, r)) {
		if (r->freed)
			cpu->sim->mem.misuse = "the hardware walked a table that had been given back";
		return false;
	}
	e = tlb_insert(&cpu->tlb, a->gva, r, &victim);
	e->root = cpu->entry.root;
	e->root_level = cpu->entry.root_level;
	if (victim.used)
		sim_emit(cpu->sim, cpu->id, tlb_drop, victim.gva, victim.level);
	sim_emit(cpu->sim, cpu->id, tlb_insert, e->gva, e->hpa, e->level,
		 e->access & e->below_access, e->global);
	sched_point(cpu->sim->sched, POINT_hw_access);
	touch(cpu, a, r->hpa);
	return true;
}

static void inject(struct sim_cpu *cpu, struct sim_access *a, u64 error, gva_t gva)
{
	a->outcome = SIM_FAULT;
	a->error = error;
	cpu->cr2 = gva;
	sim_emit(cpu->sim, cpu->id, inject, VECTOR_PF, TYPE_EXCEPTION, error, gva);
}

/* The tables of the inner hypervisor forbid it: its guest is left, with a nested
 * page fault. */
static void reflect(struct sim_cpu *cpu, struct sim_access *a, const struct mmu_fault *fault)
{
	a->outcome = SIM_REFLECT;
	a->error = fault->error;
	a->ngpa = fault->gpa;
	sim_vmexit(cpu);
}

/* The hypervisor does the access in the guest's place. */
static void emulate(struct sim_cpu *cpu, struct sim_access *a, const struct mmu_fault *fault)
{
	u64 access = (a->user ? PFERR_USER : 0) | (a->kind == HW_FETCH ? PFERR_FETCH : 0) |
		     (a->kind == HW_WRITE ? PFERR_WRITE : 0);
	struct mmu_fault why = { 0 };
	size_t done = 0;

	a->emulated = true;
	library_begin(cpu->sim);
	if (fault->table && a->kind == HW_WRITE)
		done = mmu_write_gva(cpu->vcpu, a->gva, &a->value, a->size, access, &why);
	else if (fault->table) /* the write was the walk's own */
		done = mmu_read_gva(cpu->vcpu, a->gva, &a->value, a->size, access, &why);
	library_end(cpu->sim);
	sim_emit(cpu->sim, cpu->id, emulate, cpu->rip, fault->gpa, done == a->size);
	if (done == a->size)
		a->outcome = SIM_OK;
	else if (fault->table && why.nested)
		reflect(cpu, a, &why);
	else if (fault->table && !why.mmio)
		inject(cpu, a, why.error, why.gva);
	else
		a->outcome = fault->mmio || why.mmio ? SIM_MMIO : SIM_READONLY;
}

/* The guest was left with a fault. Returns whether to try again. */
static bool handle(struct sim_cpu *cpu, struct sim_access *a, const struct hw_result *r)
{
	struct sim *sim = cpu->sim;
	u64 addr = cpu_is_tdp(cpu) ? r->fault_addr : a->gva;
	struct mmu_fault fault = { 0 };
	enum mmu_verdict verdict;

	a->exits++;
	sim->faults++;
	cpu_exit(cpu, CH_EXIT_fault, cpu_is_tdp(cpu) ? CPU_EXIT_NPF : CPU_EXIT_PF, r->error, addr);
	library_begin(sim);
	verdict = mmu_fault(cpu->vcpu, addr, r->error, &fault);
	library_end(sim);
	switch (verdict) {
	case MMU_RETRY:
	case MMU_SPURIOUS:
		return true;
	case MMU_INJECT:
		inject(cpu, a, fault.error, fault.gva);
		return false;
	case MMU_EMULATE:
		emulate(cpu, a, &fault);
		return false;
	case MMU_NO_MEMORY:
		a->outcome = SIM_NOMEM;
		return false;
	case MMU_REFLECT:
		reflect(cpu, a, &fault);
		return false;
	case MMU_STUCK:
		break;
	}
	a->outcome = SIM_STUCK;
	return false;
}

/* One turn in the guest; returns whether another is needed. */
static bool turn(struct sim_cpu *cpu, struct sim_access *a)
{
	struct hw_result r = { 0 };
	bool done, kicked;

	if (enter(cpu) != MMU_OK) {
		a->outcome = SIM_NOMEM;
		return false;
	}
	sched_point(cpu->sim->sched, POINT_guest);
	kicked = cpu->kicked;
	cpu->executes = !kicked;
	done = !kicked && by_hardware(cpu, a, &r);
	cpu->executes = false;
	leave(cpu);
	if (done || kicked)
		return !done;
	if (!cpu_is_tdp(cpu) || r.nested)
		return handle(cpu, a, &r);
	inject(cpu, a, r.error, a->gva); /* the guest's own fault never leaves it */
	return false;
}

/* When the mode changes all begins anew. */
static void try(struct sim_cpu *cpu, struct sim_access *a)
{
	bool was_tdp = cpu_is_tdp(cpu);
	unsigned tries = 0;

	while (tries < (was_tdp ? MAX_TDP_TRIES : MAX_TRIES) && turn(cpu, a)) {
		tries = cpu_is_tdp(cpu) == was_tdp ? tries + !cpu->kicked : 0;
		was_tdp = cpu_is_tdp(cpu);
	}
}

void sim_access(struct sim_cpu *cpu, struct sim_access *a)
{
	struct mmu_regs regs = cpu->regs;

	a->outcome = SIM_STUCK;
	a->exits = 0;
	a->tlb_hit = a->emulated = a->ghost_used = false;
	cpu->sim->clock++;
	cpu->rip++;
	regs.cpl = a->user ? 3 : 0;
	regs.ac = a->ac;
	if (regs.cpl != cpu->regs.cpl || regs.ac != cpu->regs.ac) {
		cpu->regs = regs;
		library_begin(cpu->sim);
		mmu_set_regs(cpu->vcpu, &regs, false);
		library_end(cpu->sim);
	}
	try(cpu, a);
	ch_set_cause(&cpu->sim->em, 0);
	sim_emit(cpu->sim, cpu->id, access, a->gva, a->kind, a->outcome, a->value);
}
