/* SPDX-License-Identifier: MIT */
/*
 * Loads of a simulated vCPU's registers, INVLPG, and the search for ghosts.
 * With shadow paging these instructions are intercepted, and the TLB is emptied
 * only when the library says so; with nested paging the hardware obeys itself.
 */
#include "hv/sim/cpu.h"

#define FLUSH_CR0 (CR0_PG | CR0_PE)
#define FLUSH_CR4 (CR4_PSE | CR4_PAE | CR4_PGE | CR4_LA57 | CR4_PCIDE | CR4_SMEP | CR4_SMAP)

/* AMD64 Manual volume 2, 5.5.3 "TLB Management". This TLB knows no PCIDs: it drops
 * what it could keep. */
static void hardware_flush(struct sim_cpu *cpu, const struct mmu_regs *old,
			   enum mmu_cr3_load load)
{
	const struct mmu_regs *regs = &cpu->regs;

	if ((old->cr0 ^ regs->cr0) & FLUSH_CR0 || (old->cr4 ^ regs->cr4) & FLUSH_CR4 ||
	    (old->efer ^ regs->efer) & EFER_NXE)
		cpu_empty_tlb(cpu, false);
	else if (load != MMU_CR3_NONE)
		cpu_empty_tlb(cpu, true);
}

void sim_set_regs(struct sim_cpu *cpu, const struct mmu_regs *regs, enum mmu_cr3_load load)
{
	struct mmu_regs old = cpu->regs;

	cpu->regs = *regs;
	cpu->sim->clock++;
	if (cpu_is_tdp(cpu))
		hardware_flush(cpu, &old, load);
	else
		cpu_exit(cpu, CH_EXIT_cr, CPU_EXIT_CR_WRITE, 0, 0);
	library_begin(cpu->sim);
	mmu_set_regs(cpu->vcpu, regs, load);
	library_end(cpu->sim);
	ch_set_cause(&cpu->sim->em, 0);
}

void sim_invlpg(struct sim_cpu *cpu, gva_t gva)
{
	struct tlb_entry *e;

	cpu->sim->clock++;
	if (cpu_is_tdp(cpu)) {
		while ((e = tlb_find(&cpu->tlb, gva)))
			cpu_drop(cpu, e);
		return;
	}
	cpu_exit(cpu, CH_EXIT_invlpg, CPU_EXIT_INVLPG, gva, 0);
	library_begin(cpu->sim);
	mmu_invlpg(cpu->vcpu, gva);
	library_end(cpu->sim);
	ch_set_cause(&cpu->sim->em, 0);
}

bool sim_invpcid(struct sim_cpu *cpu, enum mmu_invpcid type, u64 pcid, gva_t gva)
{
	bool done;

	cpu->sim->clock++;
	if (cpu_is_tdp(cpu)) { /* without PCIDs in its TLB it drops what it could keep */
		cpu_empty_tlb(cpu, type != MMU_INVPCID_ALL);
		return true;
	}
	cpu_exit(cpu, CH_EXIT_other, CPU_EXIT_INVPCID, type, gva);
	library_begin(cpu->sim);
	done = mmu_invpcid(cpu->vcpu, type, pcid, gva);
	library_end(cpu->sim);
	ch_set_cause(&cpu->sim->em, 0);
	return done;
}

/* The stages with the root that the library has for the vCPU at this moment;
 * the one it gave last may be gone. */
static bool present_stages(struct sim_cpu *cpu, struct hw_stage stage[2])
{
	struct mmu_host_step steps[5];

	if (!mmu_host_walk(cpu->vcpu, 0, steps))
		return false;
	sim_stages(cpu, stage);
	stage[1].root = steps[0].hpa & PAGE_MASK;
	stage[1].levels = steps[0].level;
	if (!cpu_is_tdp(cpu)) {
		stage[0].root = stage[1].root;
		stage[0].levels = stage[1].levels;
	}
	return true;
}

static unsigned find_ghosts(struct sim_cpu *cpu)
{
	struct hw_stage stage[2];
	unsigned n = 0;

	if (!tlb_count(&cpu->tlb) || !present_stages(cpu, stage))
		return 0;
	for (unsigned i = 0; i < TLB_ENTRIES; i++) {
		struct tlb_entry *e = &cpu->tlb.entry[i];
		struct hw_stage first = stage[0];
		struct hw_result now;

		if (!e->used)
			continue;
		cpu_stage_of_entry(cpu, e, &first);
		hw_probe(&first, e->gva, &now);
		if (!tlb_exceeds(e, &now, false))
			continue;
		n++;
		cpu_report_ghost(cpu, e, &now);
	}
	return n;
}

unsigned sim_find_ghosts(struct sim *sim)
{
	unsigned n = 0;

	for (unsigned i = 0; i < sim->config.vcpus; i++)
		n += find_ghosts(&sim->cpu[i]);
	return n;
}

const char *sim_outcome_name(enum sim_outcome outcome)
{
	static const char *const name[] = {
		[SIM_OK] = "done",
		[SIM_FAULT] = "#PF",
		[SIM_MMIO] = "device memory",
		[SIM_READONLY] = "read-only memory",
		[SIM_NOMEM] = "no memory",
		[SIM_STUCK] = "stuck",
		[SIM_DEAD] = "dead",
		[SIM_REFLECT] = "nested page fault",
	};

	return outcome < sizeof(name) / sizeof(name[0]) ? name[outcome] : "?";
}
