/* SPDX-License-Identifier: MIT */
/*
 * Inner guests: a guest that is a hypervisor (L1) runs a guest of its own (L2).
 *
 *	                              mmu		walk_mmu
 *	L1 runs                       root_mmu	root_mmu
 *	L2, L1 offers no nested paging root_mmu	root_mmu
 *	L2, on L1's nested tables     guest_mmu	nested_mmu
 *
 * guest_mmu shadows L1's nested tables as root_mmu shadows a guest's own, in the
 * format of the nested tables that the hardware walks; nested_mmu is only a way to
 * walk L2's tables. A context that is left keeps no root: the page is found again
 * by its key, and what became of it meanwhile is no concern of a context at rest.
 */
#include "mmu/nested.h"
#include "mmu/backend.h"
#include "mmu/flush.h"
#include "mmu/roots.h"
#include "mmu/vcpu.h"

bool mmu_nested_paging(const struct mmu_vm *vm)
{
	return tdp_active(vm) && vm->shadow;
}

static bool five_levels(const struct mmu_nested *nested)
{
	return nested->efer & EFER_LMA && nested->cr4 & CR4_LA57;
}

static enum mmu_status check(const struct mmu_vcpu *vcpu, const struct mmu_nested *nested)
{
	if (vcpu->inner)
		return MMU_EXIST;
	if (!nested->np)
		return MMU_OK;
	if (!(nested->cr0 & CR0_PG))
		return MMU_INVAL;
	if (!mmu_nested_paging(vcpu->vm))
		return MMU_NOSUPP;
	if (five_levels(nested) && vcpu->vm->config.tdp_level < 5)
		return MMU_NOSUPP;
	return MMU_OK;
}

/* Other CPUs look at vcpu->mmu under the lock. */
static void switch_to(struct mmu_vcpu *vcpu, struct mmu *mmu, struct mmu *walk_mmu)
{
	struct mmu_op op;

	op_begin(&op, vcpu->vm, vcpu, true);
	if (vcpu->mmu != mmu)
		roots_drop(&op, vcpu);
	vcpu->mmu = mmu;
	vcpu->walk_mmu = walk_mmu;
	op_end(&op);
}

static void set_regs(struct mmu_vcpu *vcpu, const struct mmu_regs *regs)
{
	vcpu->regs = *regs;
	vcpu->same_faults = 0;
	vm_emit(vcpu->vm, vcpu->id, guest_cr3, regs->cr3);
	vcpu_set_role(vcpu);
	vcpu_ask(vcpu, MMU_REQ_RELOAD | MMU_REQ_SYNC);
	flush_vcpu(vcpu, FLUSH_nested, MMU_FLUSH_ALL);
}

enum mmu_status mmu_nested_enter(struct mmu_vcpu *vcpu, const struct mmu_nested *nested,
				 const struct mmu_regs *regs)
{
	enum mmu_status status = check(vcpu, nested);

	if (status != MMU_OK)
		return status;
	vcpu->nested = nested->np ? *nested : (struct mmu_nested){ 0 };
	vcpu->inner = vcpu->nests = true;
	vm_emit(vcpu->vm, vcpu->id, nested_enter, vcpu->nested.np, vcpu->nested.ncr3);
	if (nested->np)
		switch_to(vcpu, &vcpu->guest_mmu, &vcpu->nested_mmu);
	set_regs(vcpu, regs);
	return MMU_OK;
}

void mmu_nested_leave(struct mmu_vcpu *vcpu, const struct mmu_regs *regs)
{
	mmu_check(vcpu->vm, vcpu->inner, "A-4: no inner guest is left", vcpu->id, 0);
	vcpu->inner = false;
	vm_emit(vcpu->vm, vcpu->id, nested_leave, vcpu->nested.np);
	switch_to(vcpu, &vcpu->root_mmu, &vcpu->root_mmu);
	set_regs(vcpu, regs);
}

void mmu_nested_flush(struct mmu_vcpu *vcpu)
{
	vm_emit(vcpu->vm, vcpu->id, nested_flush, vcpu->inner);
	if (vcpu->mmu == &vcpu->guest_mmu)
		vcpu_ask(vcpu, MMU_REQ_SYNC);
	flush_vcpu(vcpu, FLUSH_guest, MMU_FLUSH_ALL);
}

static bool anybody_nests(const struct mmu_vm *vm)
{
	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++)
		if (vm->vcpu[i] && vm->vcpu[i]->nests)
			return true;
	return false;
}

void mmu_nested_free(struct mmu_vcpu *vcpu)
{
	struct mmu_vm *vm = vcpu->vm;
	struct mmu_op op;

	mmu_check(vm, !vcpu->inner, "R-3: nesting ends while an inner guest runs", vcpu->id, 0);
	op_begin(&op, vm, vcpu, true);
	vcpu->nests = false;
	roots_drop(&op, vcpu);
	if (!anybody_nests(vm)) {
		if (tdp_active(vm))
			vm->tdp->zap_inner(&op);
		if (shadow_maybe_present(vm))
			vm->shadow->zap_inner(&op);
	}
	op_end(&op);
}
