/* SPDX-License-Identifier: MIT */
/*
 * What the guest does to its registers and its TLB: loads of control registers,
 * INVLPG, INVPCID. A flush asked for by the guest has two sides: our tables catch
 * up with its stores (before the next entry), and the hardware forgets.
 *
 * The hardware runs without PCIDs. So a root kept for another PCID has nothing in
 * the TLB, but what it missed of the guest's stores it has missed.
 */
#include "mmu/backend.h"
#include "mmu/flush.h"
#include "mmu/roots.h"
#include "mmu/vcpu.h"

/* Not so on nested tables: what the inner guest does to its own concerns no shadow. */
static bool owns_mirrors(const struct mmu_vcpu *vcpu)
{
	return vcpu->mmu == vcpu->walk_mmu && vcpu->mmu->backend->indirect;
}

/* Not what the vCPU comes back to without a flush: only with PCIDs it can. */
static void guest_flush(struct mmu_vcpu *vcpu, bool all)
{
	const struct mmu_regs *regs = &vcpu->regs;

	vm_emit(vcpu->vm, vcpu->id, guest_flush, all);
	if (owns_mirrors(vcpu)) {
		vcpu_ask(vcpu, MMU_REQ_SYNC);
		if (regs->cr4 & CR4_PCIDE)
			roots_forget(vcpu, all ? ROOTS_ANY_PCID : regs_pcid(regs, regs->cr3));
	}
	flush_vcpu(vcpu, FLUSH_guest, all ? MMU_FLUSH_ALL : MMU_FLUSH_NONGLOBAL);
}

void mmu_set_regs(struct mmu_vcpu *vcpu, const struct mmu_regs *regs, enum mmu_cr3_load load)
{
	bool all = (vcpu->regs.cr4 ^ regs->cr4) & (CR4_PGE | CR4_PCIDE);
	bool changed = vcpu->regs.cr3 != regs->cr3;

	mmu_check(vcpu->vm, !vcpu->inner || vcpu->regs.smm == regs->smm,
		  "S-3: SMM is entered or left while an inner guest runs", vcpu->id, regs->smm);
	vcpu->regs = *regs;
	vcpu->same_faults = 0;
	if (load != MMU_CR3_NONE || changed)
		vm_emit(vcpu->vm, vcpu->id, guest_cr3, regs->cr3);
	if (changed && owns_mirrors(vcpu))
		vcpu_ask(vcpu, MMU_REQ_RELOAD | (load == MMU_CR3_NONE ? MMU_REQ_SYNC : 0));
	all |= vcpu_set_role(vcpu);
	if (all || load == MMU_CR3_LOAD)
		guest_flush(vcpu, all);
}

const struct mmu_regs *mmu_get_regs(const struct mmu_vcpu *vcpu)
{
	return &vcpu->regs;
}

/* Bits above the highest translated one all equal it. */
static bool gva_is_canonical(const struct mmu_vcpu *vcpu, gva_t gva)
{
	unsigned unused = vcpu->regs.cr4 & CR4_LA57 ? 64 - 57 : 64 - 48;

	return (gva_t)((s64)(gva << unused) >> unused) == gva;
}

/* Global translations belong to every PCID. */
void mmu_invlpg(struct mmu_vcpu *vcpu, gva_t gva)
{
	if (!gva_is_canonical(vcpu, gva))
		return;
	vm_emit(vcpu->vm, vcpu->id, guest_invlpg, gva);
	vcpu->same_faults = 0;
	if (owns_mirrors(vcpu))
		roots_sync_gva(vcpu, ROOTS_ANY_PCID, gva);
	flush_vcpu(vcpu, FLUSH_guest, MMU_FLUSH_ALL);
}

static void invpcid_address(struct mmu_vcpu *vcpu, unsigned pcid, gva_t gva)
{
	if (!gva_is_canonical(vcpu, gva))
		return;
	if (owns_mirrors(vcpu))
		roots_sync_gva(vcpu, pcid, gva);
	if (pcid == regs_pcid(&vcpu->regs, vcpu->regs.cr3))
		flush_vcpu(vcpu, FLUSH_guest, MMU_FLUSH_NONGLOBAL);
}

static void invpcid_context(struct mmu_vcpu *vcpu, unsigned pcid)
{
	if (pcid == regs_pcid(&vcpu->regs, vcpu->regs.cr3))
		guest_flush(vcpu, false);
	else if (owns_mirrors(vcpu))
		roots_forget(vcpu, pcid);
}

static void invpcid_all(struct mmu_vcpu *vcpu, bool global)
{
	if (owns_mirrors(vcpu))
		roots_forget(vcpu, ROOTS_ANY_PCID);
	guest_flush(vcpu, global);
}

bool mmu_invpcid(struct mmu_vcpu *vcpu, enum mmu_invpcid type, u64 pcid, gva_t gva)
{
	bool one = type == MMU_INVPCID_ADDRESS || type == MMU_INVPCID_CONTEXT;

	if (type > MMU_INVPCID_NONGLOBAL || pcid > BITS(11, 0))
		return false;
	if (one && pcid && !(vcpu->regs.cr4 & CR4_PCIDE))
		return false;
	vm_emit(vcpu->vm, vcpu->id, guest_invpcid, (u8)type, (u16)pcid, gva);
	vcpu->same_faults = 0;
	switch (type) {
	case MMU_INVPCID_ADDRESS:
		invpcid_address(vcpu, pcid, gva);
		break;
	case MMU_INVPCID_CONTEXT:
		invpcid_context(vcpu, pcid);
		break;
	case MMU_INVPCID_ALL:
	case MMU_INVPCID_NONGLOBAL:
		invpcid_all(vcpu, type == MMU_INVPCID_ALL);
		break;
	}
	return true;
}
