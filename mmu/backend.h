/* SPDX-License-Identifier: MIT */
/*
 * What a back end is: the same functions for the shadow MMU and the TDP MMU.
 * The front door (mmu.c) calls them with the lock they ask for; they never
 * call the front door.
 */
#ifndef MMU_BACKEND_H
#define MMU_BACKEND_H

#include "mmu/internal.h"

/* A fault after the front door has looked at it. */
struct mmu_fault_in {
	u64 addr;	/* SHADOW: gva; TDP: gpa */
	u64 error;
};

struct mmu_backend {
	const char *name;

	/* The tables need rmaps, tracks and the guest walker. */
	bool indirect;

	/*
	 * Makes the vCPU's root slot name a root of mmu->root_role for the
	 * present CR3. Write lock. events sp_new, root_set, root_count
	 */
	enum mmu_status (*load_root)(struct mmu_op *op, struct mmu *mmu);
	/* Drops the reference of a root slot, which names nothing then; the
	 * caller sees to root_set. Write lock. events root_count */
	void (*put_root)(struct mmu_op *op, struct mmu_root *root);

	/*
	 * Mends the tables for one access, or says why not. Takes and drops the
	 * lock itself; what a walk reads before that is read again under it.
	 */
	enum mmu_verdict (*fault)(struct mmu_vcpu *vcpu, const struct mmu_fault_in *in,
				  struct mmu_fault *out);

	/* Drops leaf entries of [start, end) in address space as; returns how
	 * many, and owes the flush to op. Write lock. */
	u64 (*zap_range)(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end);
	/* Makes the leaves of [*at, end) small, as many as one hold of the lock is for.
	 * Adds the number to *nr and moves *at on. op->reserve is stocked.
	 *   returns  OK: all are; AGAIN: call again; NOMEM. Write lock. */
	enum mmu_status (*split_range)(struct mmu_op *op, unsigned as, gfn_t *at, gfn_t end,
				       u64 *nr);
	/* Invalidates all trees and asks every vCPU for another root; pages go to
	 * op->zapped, and the flush is owed to op. Returns how many. Write lock. */
	u32 (*zap_all)(struct mmu_op *op);
	/* Zaps the trees of inner guests: all pages with guest_mode. Who uses one as
	 * root is asked for another; the flush is owed to op. Write lock. */
	void (*zap_inner)(struct mmu_op *op);
	/* Clears W and mmu_writable of every entry that maps gfn; returns
	 * whether one had mmu_writable (a flush is owed). Write lock. */
	bool (*write_protect)(struct mmu_op *op, struct memslot *slot, gfn_t gfn);
	/* These two only where guest tables are mirrored (indirect), else NULL. */

	/* A present guest table was written to (by the host or an emulated
	 * instruction); the event guest_write has been emitted. Write lock. */
	void (*guest_wrote)(struct mmu_op *op, unsigned as, gpa_t gpa, unsigned bytes);
	/* Gives up every shadow of the frame, so that it may be written to;
	 * returns whether there was one. Write lock. */
	bool (*unprotect)(struct mmu_op *op, unsigned as, gfn_t gfn);
	/* INVLPG, and a flush asked for by the guest. No lock held. */
	void (*invlpg)(struct mmu_vcpu *vcpu, gva_t gva);
	void (*guest_flush)(struct mmu_vcpu *vcpu);
	/* The guest has flushed since: no entry below the root may be stale when it
	 * runs again (MMU_REQ_SYNC, which guest_flush sets). Only where guest tables are
	 * mirrored. Not in guest mode; no lock held. events sp_sync, as of zap_range */
	void (*sync)(struct mmu_vcpu *vcpu);
};

extern const struct mmu_backend shadow_mmu;	/* shadow_mmu.c */
extern const struct mmu_backend tdp_mmu;	/* tdp_mmu.c */

/* The two questions by which the front door goes to one back end or both. */
static inline bool tdp_active(const struct mmu_vm *vm)
{
	return vm->tdp;
}

/* Once a shadow root was made there may be shadow pages, in TDP mode, too. */
static inline bool shadow_maybe_present(const struct mmu_vm *vm)
{
	return vm->shadow && vm->shadow_used;
}

#endif
