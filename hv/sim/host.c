/* SPDX-License-Identifier: MIT */
/*
 * Lines that say exactly what a host does: slots on one block of memory, writes of
 * any size, tools that use the guest's own tables, registers all at once. What the
 * duel writes down is made of these.
 */
#include "hv/sim/run.h"
#include <string.h>

static const char *place(struct run *run, const struct scn_line *line)
{
	u64 size = line->n[3], offset = line->n[4];
	enum mmu_status status;

	if (!run->ram_bytes)
		return "there is no block of memory; see ram";
	if (size > run->ram_bytes || offset > run->ram_bytes - size)
		return "the block of memory is not that large";
	run->have_slot = true;
	status = mmu_slot_create(run->sim.vm, line->n[0], line->n[1], line->n[2] >> PAGE_SHIFT,
				 size >> PAGE_SHIFT, run->ram_hpa + offset,
				 !line->nr_w			 ? 0 :
				 !strcmp(line->w[0], "smram") ? MMU_SLOT_SMRAM :
								MMU_SLOT_READONLY);
	return status == MMU_OK ? NULL : mmu_status_text(status);
}

bool run_make_ram(struct run *run)
{
	if (!run->ram_bytes)
		return true;
	run->ram_hpa = sim_mem_block(&run->sim.mem, run->ram_bytes, level_bytes(LEVEL_2M));
	return run->ram_hpa != HPA_INVALID;
}

static unsigned size_of(const struct scn_line *line, unsigned at)
{
	return line->nr_n > at ? line->n[at] : 4;
}

static const char *poke(struct run *run, const struct scn_line *line)
{
	unsigned size = size_of(line, 2);

	return mmu_vm_write(run->sim.vm, line->n[0], &line->n[1], size) == size
		       ? NULL
		       : "there is no memory to write to";
}

static const char *peek(struct run *run, const struct scn_line *line)
{
	struct sim_access a = { .outcome = SIM_OK };
	unsigned size = size_of(line, 1);

	if (mmu_vm_read(run->sim.vm, line->n[0], &a.value, size) != size)
		a.outcome = SIM_MMIO;
	run_judge_access(run, line, &a);
	return NULL;
}

const char *run_host(struct run *run, const struct scn_line *line)
{
	switch (line->word) {
	case WORD_place:
		return place(run, line);
	case WORD_poke:
		return poke(run, line);
	default:
		return peek(run, line);
	}
}

void run_put(struct run *run, const struct scn_line *line)
{
	unsigned size = size_of(line, 2);

	if (mmu_vcpu_write(run->sim.cpu[line->cpu].vcpu, line->n[0], &line->n[1], size) != size)
		run_fail(run, line, "there is no memory to write to");
}

void run_tool(struct run *run, const struct scn_line *line)
{
	struct mmu_vcpu *vcpu = run->sim.cpu[line->cpu].vcpu;
	struct sim_access a = { .outcome = SIM_OK };
	struct mmu_fault fault = { 0 };
	size_t done;

	if (line->word == WORD_tool_write) {
		a.value = line->n[1];
		done = mmu_write_gva(vcpu, line->n[0], &a.value, 8, 0, &fault);
	} else {
		done = mmu_read_gva(vcpu, line->n[0], &a.value, 8, 0, &fault);
	}
	a.error = fault.error;
	if (done != 8)
		a.outcome = fault.mmio ? SIM_MMIO : SIM_FAULT;
	run_judge_access(run, line, &a);
}

void run_regs(struct run *run, const struct scn_line *line)
{
	struct sim_cpu *cpu = &run->sim.cpu[line->cpu];
	struct mmu_regs regs = cpu->regs;

	regs.cr0 = line->n[0];
	regs.cr3 = line->n[1];
	regs.cr4 = line->n[2];
	regs.efer = line->n[3];
	regs.smm = line->n[4];
	sim_set_regs(cpu, &regs, line->n[5]);
}
