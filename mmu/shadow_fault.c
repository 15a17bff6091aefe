/* SPDX-License-Identifier: MIT */
/*
 * A page fault of a guest on shadow tables: what the guest's own tables say
 * about the access, and what is to be done about it.
 */
#include "mmu/memslot.h"
#include "mmu/mmio.h"
#include "mmu/shadow.h"
#include "mmu/unsync.h"

#define ACCESS_BITS (PFERR_WRITE | PFERR_USER | PFERR_FETCH)

/* Sets A and D in the guest's entries, as the hardware would have. */
static enum gwalk_result walk_guest(struct mmu_vcpu *vcpu, const struct mmu_fault_in *in,
				    struct gwalk *walk)
{
	enum gwalk_result result;
	struct mmu_op op;

	walk->exclusive = false;
	do {
		op_begin(&op, vcpu->vm, vcpu, walk->exclusive);
		result = gwalk(&op, vcpu->mmu, in->addr, in->error & ACCESS_BITS, true, false,
			       walk);
		op.awaits_slots = walk->changing;
		op_end(&op);
	} while (walk->exclusive);
	return result;
}

/* The walk arrived. A frame that is a shadowed table, and may not be unsync, is
 * written by the host, who tells us; it may have become one only now, if it is a
 * table of this walk. */
static enum mmu_verdict fault_locked(struct mmu_op *op, const struct mmu_fault_in *in,
				     const struct gwalk *walk, struct mmu_fault *out)
{
	const struct sp *root = op->vcpu->mmu->root.sp;
	bool write = in->error & PFERR_WRITE;
	enum mmu_verdict verdict;
	struct memslot *slot;

	if (!root || root->role.invalid || sp_is_obsolete(op->vm, root) || root->flags & SP_DUMMY)
		return MMU_RETRY;
	out->gpa = walk->gfn << PAGE_SHIFT | (in->addr & ~PAGE_MASK);
	slot = slot_lookup(op->vm, root->role.smm, walk->gfn);
	op->awaits_slots = slot && !slot_is_usable(slot);
	if (op->awaits_slots)
		return MMU_RETRY;
	out->mmio = !slot;
	if (!slot && mmio_can_remember(op->vm, walk->gfn))
		(void)shadow_fetch(op, in->addr, in->error, walk, NULL);
	if (!slot || (write && !slot_is_writable(slot)))
		return MMU_EMULATE;
	out->table = write && !unsync_try(op, slot, walk->gfn, true);
	if (out->table)
		return MMU_EMULATE;
	verdict = shadow_fetch(op, in->addr, in->error, walk, slot);
	out->table = write && verdict == MMU_RETRY && !unsync_try(op, slot, walk->gfn, true);
	return out->table ? MMU_EMULATE : verdict;
}

/* The tables forbid it: whose they are gets the fault. */
static enum mmu_verdict refuse(const struct mmu_vcpu *vcpu, const struct mmu_fault_in *in,
			       const struct gwalk *walk, struct mmu_fault *out)
{
	out->error = walk->error;
	out->nested = vcpu->mmu == &vcpu->guest_mmu;
	if (out->nested) {
		out->error |= in->error & (PFERR_GUEST_PAGE | PFERR_GUEST_FINAL);
		out->gpa = in->addr;
		return MMU_REFLECT;
	}
	out->gva = in->addr;
	return MMU_INJECT;
}

enum mmu_verdict shadow_fault(struct mmu_vcpu *vcpu, const struct mmu_fault_in *in,
			      struct mmu_fault *out)
{
	enum mmu_verdict verdict;
	struct gwalk walk;
	struct mmu_op op;

	if (walk_guest(vcpu, in, &walk) != GWALK_OK)
		return walk.changing ? MMU_RETRY : refuse(vcpu, in, &walk, out);
	mmu_point(vcpu->vm, walked);
	shadow_make_room(vcpu);
	if (op_begin_stocked(&op, vcpu, true) != MMU_OK)
		return MMU_NO_MEMORY;
	mmu_point(vcpu->vm, fault_locked);
	verdict = fault_locked(&op, in, &walk, out);
	op_end(&op);
	return verdict;
}
