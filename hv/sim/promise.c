/* SPDX-License-Identifier: MIT */
/*
 * What a flush promises: when an operation of the library is over, no vCPU that
 * runs the guest has a translation that the operation took away. While one is
 * under way, stale entries are nobody's fault.
 */
#include "hv/sim/cpu.h"

void cpu_stage_of_entry(struct sim_cpu *cpu, const struct tlb_entry *e, struct hw_stage *stage)
{
	if (cpu_is_tdp(cpu) || !e->global)
		return;
	stage->root = e->root;
	stage->levels = e->root_level;
}

/* What the tables say now about an entry. host_only: about our part of it. */
static void tables_now(struct sim_cpu *cpu, const struct tlb_entry *e, bool host_only,
		       struct hw_result *now)
{
	struct hw_stage stage[2];

	sim_stages(cpu, stage);
	if (cpu_is_tdp(cpu) && host_only) {
		hw_probe(&stage[1], e->gpa, now);
		now->below_access = now->access;
	} else {
		cpu_stage_of_entry(cpu, e, &stage[0]);
		hw_probe(&stage[0], e->gva, now);
	}
}

void cpu_report_ghost(struct sim_cpu *cpu, struct tlb_entry *e, const struct hw_result *now)
{
	if (e->ghost)
		return;
	e->ghost = true;
	sim_emit(cpu->sim, cpu->id, tlb_ghost, e->gva, e->hpa, e->access & e->below_access,
		 now->ok ? now->hpa : HPA_INVALID, now->ok ? now->access & now->below_access : 0);
}

void cpu_check_promise(struct sim_cpu *cpu)
{
	for (unsigned i = 0; i < TLB_ENTRIES; i++) {
		struct tlb_entry *e = &cpu->tlb.entry[i];
		struct hw_result now;

		if (!e->used)
			continue;
		tables_now(cpu, e, true, &now);
		e->broken = tlb_exceeds(e, &now, cpu_is_tdp(cpu));
		if (!e->broken)
			continue;
		cpu->sim->promises_broken++;
		cpu_report_ghost(cpu, e, &now);
	}
}

static void check_running(struct sim *sim)
{
	for (unsigned i = 0; i < sim->config.vcpus; i++)
		if (sim->cpu[i].in_guest)
			cpu_check_promise(&sim->cpu[i]);
}

void library_begin(struct sim *sim)
{
	sim->busy++;
}

void library_end(struct sim *sim)
{
	if (!--sim->busy)
		check_running(sim);
}

void library_flushed(struct sim *sim)
{
	if (sim->busy == 1)
		check_running(sim);
}
