/* SPDX-License-Identifier: MIT */
/*
 * Faults on MMIO entries. A slot may come to the address at any time; the
 * generation in the entry is then no longer the slots'. While an update is under
 * way no entry counts.
 */
#include "mmu/mmio.h"
#include "mmu/gwalk.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/unsync.h"

/* Needs a reserved address bit. */
#define MMIO_MAXPHYADDR 51

bool mmio_can_remember(const struct mmu_vm *vm, gfn_t gfn)
{
	return mmu_get_knob(vm, MMU_KNOB_mmio) && vm->maxphyaddr <= MMIO_MAXPHYADDR &&
	       gfn < MMIO_GFN_LIMIT;
}

/* A write goes the full way until D is set in the guest's entry: the recorded
 * rights have W only then. */
static bool is_allowed(const struct mmu_vcpu *vcpu, unsigned access, u64 error)
{
	if (vcpu->mmu->root_role.direct)
		return true;
	if (error & PFERR_WRITE && !(access & ACC_WRITE))
		return false;
	return gwalk_permits(vcpu->mmu, access, error, vcpu->regs.ac && vcpu->regs.cpl < 3);
}

/* Of the address space that the root was made for. */
static bool is_true_still(const struct mmu_vcpu *vcpu, u64 spte)
{
	u64 now;

	mmu_point(vcpu->vm, mmio_look);
	now = atomic_load(&vcpu->vm->slots[vcpu->mmu->root_role.smm].generation);
	return !(now & SLOTS_UPDATING) &&
	       (now & (MMIO_GENERATIONS - 1)) == spte_mmio_generation(spte);
}

/* A page that may be stale is not asked: what was a device may be memory now, and
 * the full way tells. */
static bool is_unsync(const struct mmu_vcpu *vcpu, const struct mmu_host_step *step)
{
	const struct sp *sp = sp_by_id(vcpu->vm, step->sp);

	return sp && sp_is_unsync(sp);
}

bool mmio_fault(struct mmu_vcpu *vcpu, const struct mmu_fault_in *in, struct mmu_fault *out)
{
	struct mmu_host_step steps[5];
	unsigned nr = mmu_host_walk(vcpu, in->addr, steps), access;
	u64 spte = nr ? steps[nr - 1].spte : 0;
	bool hit;

	if (!spte_is_mmio(spte)) {
		mmu_check(vcpu->vm, !spte_is_present(spte) || spte_hpa(spte) < BIT(vcpu->vm->maxphyaddr),
			  "D-3: the hardware found reserved bits in our tables", in->addr, spte);
		return false;
	}
	access = spte_access(spte);
	hit = is_true_still(vcpu, spte) && is_allowed(vcpu, access, in->error) &&
	      !is_unsync(vcpu, &steps[nr - 1]);
	vm_emit(vcpu->vm, vcpu->id, mmio_fault, in->addr, spte_mmio_gfn(spte), (u8)access,
		spte_mmio_generation(spte), hit);
	if (!hit)
		return false;
	out->gpa = spte_mmio_gfn(spte) << PAGE_SHIFT | (in->addr & ~PAGE_MASK);
	out->mmio = true;
	return true;
}
