/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's guest as a hypervisor. VMRUN and #VMEXIT switch registers and contexts;
 * whose translations are in the TLB then is the library's business, which asks for
 * a flush: this hardware has no ASIDs.
 */
#include "hv/sim/cpu.h"

/* AMD64 Manual volume 2, appendix C "SVM Intercept Exit Codes". */
#define EXIT_VMRUN   0x80
#define EXIT_INVLPGA 0x7a

enum mmu_status sim_vmrun(struct sim_cpu *cpu, const struct mmu_nested *nested,
			  const struct mmu_regs *regs)
{
	enum mmu_status status;

	cpu->sim->clock++;
	cpu_exit(cpu, CH_EXIT_svm, EXIT_VMRUN, nested->ncr3, 0);
	library_begin(cpu->sim);
	status = mmu_nested_enter(cpu->vcpu, nested, regs);
	library_end(cpu->sim);
	ch_set_cause(&cpu->sim->em, 0);
	if (status != MMU_OK)
		return status;
	cpu->inner = true;
	cpu->l1_regs = cpu->regs;
	cpu->regs = *regs;
	return MMU_OK;
}

void sim_vmexit(struct sim_cpu *cpu)
{
	cpu->sim->clock++;
	cpu->inner = false;
	cpu->l2_regs = cpu->regs;
	cpu->regs = cpu->l1_regs;
	library_begin(cpu->sim);
	mmu_nested_leave(cpu->vcpu, &cpu->regs);
	library_end(cpu->sim);
}

void sim_nested_flush(struct sim_cpu *cpu)
{
	cpu->sim->clock++;
	cpu_exit(cpu, CH_EXIT_svm, EXIT_INVLPGA, 0, 0);
	library_begin(cpu->sim);
	mmu_nested_flush(cpu->vcpu);
	library_end(cpu->sim);
	ch_set_cause(&cpu->sim->em, 0);
}

void sim_nested_free(struct sim_cpu *cpu)
{
	cpu->sim->clock++;
	library_begin(cpu->sim);
	mmu_nested_free(cpu->vcpu);
	library_end(cpu->sim);
}
