/* SPDX-License-Identifier: MIT */
/* The duel: loads of registers, paging modes, flushes that the guest asks for. */
#include "tests/duel.h"

/* A flush that the guest asked for empties the TLB of what is not global. */
static void check_flushed(struct duel *d, struct sim_cpu *cpu, gva_t gva, const char *what)
{
	const struct tlb_entry *e;

	if (duel_is_tdp(d))
		return;
	duel_visit(d, cpu);
	e = tlb_find(&cpu->tlb, gva);
	if (e && (!e->global || *what == 'I'))
		duel_fail(d, "%s did not empty the TLB of 0x%llx", what, (unsigned long long)gva);
}

void duel_op_cr3(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	struct mmu_regs regs = cpu->regs;

	if (op->r[1] % 4)
		regs.cr3 = duel_root(&regs, op->r[0]);
	duel_tell(op, "0x%llx", (unsigned long long)regs.cr3);
	sim_set_regs(cpu, &regs, true);
	check_flushed(d, cpu, duel_gva(&regs, op->r[2]), "CR3");
}

/* vCPUs of one guest mostly run in one mode, on common tables. */
static void same_for_all(struct duel *d, const struct mmu_regs *regs)
{
	for (unsigned i = 0; i < DUEL_CPUS; i++)
		sim_set_regs(&d->sim.cpu[i], regs, true);
}

void duel_op_bit(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	struct mmu_regs regs = cpu->regs;

	switch (op->r[0] % 6) {
	case 0:
		regs.cr0 ^= CR0_WP;
		break;
	case 1:
		regs.cr4 ^= CR4_SMEP;
		break;
	case 2:
		regs.cr4 = op->r[2] % 3 ? regs.cr4 & ~CR4_SMAP : regs.cr4 ^ CR4_SMAP;
		break;
	case 3:
		regs.cr4 ^= CR4_PSE;
		break;
	case 4:
		regs.cr4 ^= CR4_PGE;
		break;
	case 5:
		regs.efer ^= regs.cr4 & CR4_PAE ? EFER_NXE : 0;
		break;
	}
	/* With CR0.WP clear a user page that the supervisor writes to becomes a
	 * supervisor page that the user cannot reach; SMAP does not guard it then.
	 * No combination of an entry's bits says it all, in KVM neither. */
	if (!(regs.cr0 & CR0_WP))
		regs.cr4 &= ~CR4_SMAP;
	duel_tell(op, "cr0 0x%llx cr4 0x%llx efer 0x%llx", (unsigned long long)regs.cr0,
	     (unsigned long long)regs.cr4, (unsigned long long)regs.efer);
	sim_set_regs(cpu, &regs, false);
	if (op->r[1] & 1)
		same_for_all(d, &regs);
}

void duel_op_mode(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	struct mmu_regs regs = duel_mode_regs(op->r[0]);

	duel_tell(op, "%u levels, cr3 0x%llx", duel_levels(&regs), (unsigned long long)regs.cr3);
	sim_set_regs(cpu, &regs, true);
	if (op->r[1] & 3)
		same_for_all(d, &regs);
}

void duel_op_invlpg(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	gva_t gva = duel_gva(&cpu->regs, op->r[0]);

	duel_tell(op, "0x%llx", (unsigned long long)gva);
	sim_invlpg(cpu, gva);
	check_flushed(d, cpu, gva, "INVLPG");
}

void duel_op_visit(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	(void)op;
	duel_visit(d, cpu);
}
