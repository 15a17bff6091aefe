/* SPDX-License-Identifier: MIT */
/* What the files of the simulated vCPU share among themselves. */
#ifndef SIM_CPU_H
#define SIM_CPU_H

#include "hv/sim/sim.h"

/* AMD64 Manual volume 2, appendix C "SVM Intercept Exit Codes". */
#define CPU_EXIT_CR_WRITE 0x10
#define CPU_EXIT_PF	  0x4e
#define CPU_EXIT_INVLPG	  0x79
#define CPU_EXIT_INVPCID  0xa2
#define CPU_EXIT_NPF	  0x400

/* What the hardware was set up for when the guest was entered last. */
static inline bool cpu_is_tdp(const struct sim_cpu *cpu)
{
	return cpu->entry.mode == MMU_MODE_TDP;
}

/* The guest was left: the cause of what follows. events exit */
void cpu_exit(struct sim_cpu *cpu, enum ch_exit kind, u32 code, u64 info1, u64 info2);

/* Drops one entry. events tlb_drop */
void cpu_drop(struct sim_cpu *cpu, struct tlb_entry *entry);

/* With shadow paging a global entry outlives the root it was made from: the tables
 * to compare it with are those. */
void cpu_stage_of_entry(struct sim_cpu *cpu, const struct tlb_entry *entry,
			struct hw_stage *stage);

/* events tlb_empty */
void cpu_empty_tlb(struct sim_cpu *cpu, bool keep_global);

/* Says once that an entry is a ghost. events tlb_ghost */
void cpu_report_ghost(struct sim_cpu *cpu, struct tlb_entry *entry, const struct hw_result *now);

/* All flushes are done for this vCPU: whatever the library has taken away must be
 * out of its TLB. What the guest changed in its own tables and did not flush is the
 * guest's business (only visible with nested paging). events tlb_ghost */
void cpu_check_promise(struct sim_cpu *cpu);

/* Around each call of the library while the guest runs. The last to come out looks
 * whether promises were kept. events tlb_ghost */
void library_begin(struct sim *sim);
void library_end(struct sim *sim);

/* The library has paid a flush and goes on. events tlb_ghost */
void library_flushed(struct sim *sim);

#endif
