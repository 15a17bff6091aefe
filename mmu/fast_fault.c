/* SPDX-License-Identifier: MIT */
/* A write is let through again without the lock. */
#include "mmu/fast_fault.h"
#include "mmu/epoch.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/vcpu.h"

/* So often somebody else may come first; then the lock is the shorter way. */
#define TRIES 4

/* The 4 KiB leaf for the fault, as it was read. */
struct place {
	struct sp *sp;
	unsigned index;
	u64 spte;
};

/* A write that the tables forbid, to something that is mapped. */
static bool may_be_fast(const struct mmu_vcpu *vcpu, const struct mmu_fault_in *in)
{
	return vcpu->mmu->root_role.direct &&
	       (in->error & (PFERR_PRESENT | PFERR_WRITE | PFERR_RSVD | PFERR_FETCH)) ==
		       (PFERR_PRESENT | PFERR_WRITE);
}

static u64 reread(struct mmu_vm *vm, struct place *at)
{
	mmu_point(vm, read_entry);
	at->spte = spte_get(sp_entry(vm, at->sp, at->index));
	return at->spte;
}

/* In the bracket. returns  false: there is no small leaf */
static bool find_leaf(struct mmu_vcpu *vcpu, u64 addr, struct place *at)
{
	unsigned level;

	at->sp = vcpu_has_root(vcpu) ? vcpu->mmu->root.sp : NULL;
	if (!at->sp || addr >> PAGE_SHIFT >= PT_ENTRIES * level_frames(sp_level(at->sp)))
		return false;
	while (at->sp) {
		level = sp_level(at->sp);
		at->index = level_index(addr, level);
		reread(vcpu->vm, at);
		if (!spte_is_table(at->spte, level))
			return level == LEVEL_4K && spte_is_present(at->spte);
		at->sp = sp_by_table(vcpu->vm, spte_hpa(at->spte));
	}
	return false;
}

/* A large leaf of a logged slot must not get W, for which there is one bit a frame:
 * large ones are left to the back end. */
static bool repair(struct mmu_op *op, u64 addr, enum mmu_verdict *verdict)
{
	struct place at;

	if (!find_leaf(op->vcpu, addr, &at))
		return false;
	for (unsigned i = 0; i < TRIES && spte_is_present(at.spte); i++) {
		*verdict = spte_is_writable(at.spte) ? MMU_SPURIOUS : MMU_RETRY;
		if (*verdict == MMU_SPURIOUS)
			return true;
		if (!(at.spte & SPTE_MMU_W))
			return false;
		mmu_point(op->vm, spte_cas);
		if (spte_give_w(op, at.sp, at.index, addr >> PAGE_SHIFT, at.spte) == MMU_OK)
			return true;
		reread(op->vm, &at);
	}
	return false;
}

bool fast_fault(struct mmu_vcpu *vcpu, const struct mmu_fault_in *in, enum mmu_verdict *verdict)
{
	struct mmu_op op = { .vm = vcpu->vm, .vcpu = vcpu };
	bool done;

	if (!may_be_fast(vcpu, in))
		return false;
	mmu_read_begin(vcpu);
	done = repair(&op, in->addr, verdict);
	mmu_read_end(vcpu);
	if (!done)
		return false;
	stat_add(vcpu->vm, fast_faults, *verdict == MMU_RETRY);
	vm_emit(vcpu->vm, vcpu->id, fast_fault, in->addr, in->error, *verdict == MMU_RETRY);
	return true;
}
