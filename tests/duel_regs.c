/* SPDX-License-Identifier: MIT */
/* The duel: loads of registers, paging modes, flushes that the guest asks for. */
#include "tests/duel.h"

#define FLUSH_CR0 (CR0_PG | CR0_PE)
#define FLUSH_CR4 (CR4_PSE | CR4_PAE | CR4_PGE | CR4_LA57 | CR4_PCIDE | CR4_SMEP | CR4_SMAP)
#define ALL_PCIDS ((1u << NAIVE_PCIDS) - 1)

void duel_set_regs(struct duel *d, struct sim_cpu *cpu, const struct mmu_regs *regs,
		   enum mmu_cr3_load load)
{
	const struct mmu_regs *old = &cpu->regs;
	bool all = (old->cr0 ^ regs->cr0) & FLUSH_CR0 || (old->cr4 ^ regs->cr4) & FLUSH_CR4 ||
		   (old->efer ^ regs->efer) & (EFER_NXE | EFER_LMA) || old->smm != regs->smm;

	if (old->cr3 != regs->cr3)
		naive_leave(&d->naive.past, cpu->id, old->cr3);
	if (all || load == MMU_CR3_LOAD)
		naive_flush(&d->naive.past, cpu->id, all ? ALL_PCIDS : 1u << naive_pcid(regs), all);
	duel_line(d, "cpu%u: regs 0x%llx 0x%llx 0x%llx 0x%llx %u %u", cpu->id,
		  (unsigned long long)regs->cr0, (unsigned long long)regs->cr3,
		  (unsigned long long)regs->cr4, (unsigned long long)regs->efer, regs->smm,
		  load);
	sim_set_regs(cpu, regs, load);
}

void duel_flush_all(struct duel *d)
{
	for (unsigned i = 0; i < d->cpus; i++) {
		struct sim_cpu *cpu = &d->sim.cpu[i];
		struct mmu_regs regs = cpu->regs, other = regs;

		other.cr4 ^= CR4_PGE;
		duel_set_regs(d, cpu, &other, true);
		duel_set_regs(d, cpu, &regs, true);
	}
}

/* A flush that the guest asked for empties the TLB of what is not global. */
static void check_flushed(struct duel *d, struct sim_cpu *cpu, gva_t gva, const char *what)
{
	const struct tlb_entry *e;

	if (duel_cpu_is_tdp(d, cpu))
		return;
	duel_visit(d, cpu);
	e = tlb_find(&cpu->tlb, gva);
	if (e && (!e->global || *what == 'I'))
		duel_fail(d, "%s did not empty the TLB of 0x%llx", what, (unsigned long long)gva);
}

void duel_invlpg(struct duel *d, struct sim_cpu *cpu, gva_t gva)
{
	duel_line(d, "cpu%u: invlpg 0x%llx", cpu->id, (unsigned long long)gva);
	naive_invlpg(&d->naive.past, cpu->id, gva);
	sim_invlpg(cpu, gva);
}

void duel_op_cr3(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	struct mmu_regs regs = cpu->regs;

	enum mmu_cr3_load load = MMU_CR3_LOAD;

	if (op->r[1] % 4)
		regs.cr3 = duel_root(&regs, op->r[0]);
	if (regs.cr4 & CR4_PCIDE) {
		regs.cr3 |= op->r[1] >> 8 & (NAIVE_PCIDS - 1);
		load = op->r[1] >> 16 & 1 ? MMU_CR3_LOAD_NOFLUSH : MMU_CR3_LOAD;
	}
	duel_tell(op, "0x%llx%s", (unsigned long long)regs.cr3,
		  load == MMU_CR3_LOAD_NOFLUSH ? " without a flush" : "");
	duel_set_regs(d, cpu, &regs, load);
	if (load == MMU_CR3_LOAD)
		check_flushed(d, cpu, duel_gva(&regs, op->r[2]), "CR3");
}

void duel_op_invpcid(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	unsigned type = op->r[0] % 4, pcid = 0, now = naive_pcid(&cpu->regs);
	gva_t gva = duel_recent(d, cpu, op->r[1]);

	if (cpu->regs.cr4 & CR4_PCIDE && type < MMU_INVPCID_ALL)
		pcid = op->r[2] % 3 ? now : op->r[3] % NAIVE_PCIDS;
	duel_tell(op, "%u pcid %u gva 0x%llx", type, pcid, (unsigned long long)gva);
	duel_line(d, "cpu%u: invpcid %u %u 0x%llx", cpu->id, type, pcid, (unsigned long long)gva);
	if (type != MMU_INVPCID_ADDRESS)
		naive_flush(&d->naive.past, cpu->id,
			    type == MMU_INVPCID_CONTEXT ? 1u << pcid : ALL_PCIDS,
			    type == MMU_INVPCID_ALL);
	if (!sim_invpcid(cpu, type, pcid, gva))
		duel_fail(d, "INVPCID is refused");
	if (pcid == now)
		check_flushed(d, cpu, gva, "PCID");
}

/* vCPUs of one guest mostly run in one mode, on common tables. */
void duel_same_for_all(struct duel *d, const struct mmu_regs *regs)
{
	for (unsigned i = 0; i < d->cpus; i++) {
		struct mmu_regs its = *regs;

		its.smm = d->sim.cpu[i].regs.smm;
		duel_set_regs(d, &d->sim.cpu[i], &its, true);
	}
}

void duel_op_bit(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	struct mmu_regs regs = cpu->regs;

	switch (op->r[0] % 7) {
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
	case 6: /* on only in long mode, with PCID 0 */
		if (regs.cr4 & CR4_PCIDE || (regs.efer & EFER_LMA && !(regs.cr3 & BITS(11, 0))))
			regs.cr4 ^= CR4_PCIDE;
		break;
	}
	/* With CR0.WP clear a user page that the supervisor writes to becomes a
	 * supervisor page that the user cannot reach; SMAP does not guard it then.
	 * No combination of an entry's bits says it all, in KVM neither. */
	if (!(regs.cr0 & CR0_WP))
		regs.cr4 &= ~CR4_SMAP;
	duel_tell(op, "cr0 0x%llx cr4 0x%llx efer 0x%llx", (unsigned long long)regs.cr0,
	     (unsigned long long)regs.cr4, (unsigned long long)regs.efer);
	duel_set_regs(d, cpu, &regs, false);
	if (op->r[1] & 1)
		duel_same_for_all(d, &regs);
}

void duel_op_mode(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	struct mmu_regs regs = duel_mode_regs(op->r[0]);

	regs.smm = cpu->regs.smm;
	duel_tell(op, "%u levels, cr3 0x%llx", duel_levels(&regs), (unsigned long long)regs.cr3);
	duel_set_regs(d, cpu, &regs, true);
	if (op->r[1] & 3)
		duel_same_for_all(d, &regs);
}

/* SMI: paging is off, and the handler may turn it on later. RSM: all as before. */
void duel_op_smm(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	struct mmu_regs regs = d->saved[cpu->id];

	if (cpu->inner)
		duel_vmexit(d, cpu);
	regs = d->saved[cpu->id];
	if (!cpu->regs.smm) {
		d->saved[cpu->id] = cpu->regs;
		regs = (struct mmu_regs){ .cr0 = CR0_PE, .smm = true };
	}
	duel_tell(op, regs.smm ? "SMI" : "RSM, cr3 0x%llx", (unsigned long long)regs.cr3);
	duel_set_regs(d, cpu, &regs, true);
	if (regs.smm && op->r[0] % 4 == 0) {
		regs = duel_mode_regs(op->r[1]);
		regs.smm = true;
		duel_set_regs(d, cpu, &regs, true);
	}
}

void duel_op_invlpg(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	gva_t gva = op->r[1] % 3 ? duel_recent(d, cpu, op->r[0]) : duel_gva(&cpu->regs, op->r[0]);

	duel_tell(op, "0x%llx", (unsigned long long)gva);
	duel_invlpg(d, cpu, gva);
	check_flushed(d, cpu, gva, "INVLPG");
}

void duel_op_visit(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	(void)op;
	duel_visit(d, cpu);
	duel_check_tlb(d, cpu);
}
