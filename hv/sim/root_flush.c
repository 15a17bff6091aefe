/* SPDX-License-Identifier: MIT */
/*
 * The machine as a guest of another hypervisor that flushes by root: what every
 * vCPU's TLB has from one tree goes, and the vCPUs run on. One that is amid an
 * instruction comes to its end first: it may have read the old entries.
 */
#include "hv/sim/root_flush.h"

/* The frames it leads to, or one that its walk read a table in. */
static bool is_of(const struct tlb_entry *e, gfn_t gfn, u64 npages)
{
	gfn_t first = e->gpa >> PAGE_SHIFT;
	bool any = first < gfn + npages && gfn < first + level_frames(e->level);

	for (unsigned i = 0; i < e->nr_tables; i++)
		any |= e->table[i] - gfn < npages;
	return any;
}

static bool is_hit(const struct tlb_entry *e, hpa_t root_hpa, gfn_t gfn, u64 npages)
{
	return e->used && e->root == root_hpa && (!npages || is_of(e, gfn, npages));
}

static void flush_cpu(struct sim_cpu *cpu, hpa_t root_hpa, gfn_t gfn, u64 npages)
{
	for (unsigned i = 0; i < TLB_ENTRIES; i++)
		if (is_hit(&cpu->tlb.entry[i], root_hpa, gfn, npages))
			cpu_drop(cpu, &cpu->tlb.entry[i]);
}

bool sim_flush_root(struct sim *sim, hpa_t root_hpa, gfn_t gfn, u64 npages)
{
	if (sim->refuse_flushes) {
		sim->refuse_flushes--;
		return false;
	}
	for (unsigned i = 0; i < sim->config.vcpus; i++) {
		while (sim->cpu[i].executes && sched_wait(sim->sched))
			;
		flush_cpu(&sim->cpu[i], root_hpa, gfn, npages);
	}
	return true;
}
