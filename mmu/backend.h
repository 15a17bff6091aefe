/* SPDX-License-Identifier: MIT */
/*
 * What a back end is: the same functions for the shadow MMU and the TDP MMU.
 * The front door (mmu.c) calls them with the lock they ask for; they never
 * call the front door.
 */
#ifndef MMU_BACKEND_H
#define MMU_BACKEND_H

#include "mmu/internal.h"

struct aging;

/* A fault after the front door has looked at it. */
struct mmu_fault_in {
	u64 addr;	/* SHADOW: gva; TDP: gpa */
	u64 error;
};

enum dirty_how {
	DIRTY_LOOK,	/* nothing is changed */
	DIRTY_TAKE,
	DIRTY_BEGIN,	/* the same, and what large leaves have */
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
	 * caller sees to root_set. A special root nobody names goes. Write lock.
	 * events root_count; sp_zap and what it drops */
	void (*put_root)(struct mmu_op *op, struct mmu_root *root);
	/* Would load_root give the vCPU this very page? Its role and the CR3 it was
	 * made for are right. NULL: always. Write lock. */
	bool (*root_serves)(struct mmu_op *op, const struct mmu *mmu, const struct sp *root);

	/*
	 * Mends the tables for one access, or says why not. Takes and drops the
	 * lock itself; what a walk reads before that is read again under it.
	 */
	enum mmu_verdict (*fault)(struct mmu_vcpu *vcpu, const struct mmu_fault_in *in,
				  struct mmu_fault *out);

	/* Drops leaf entries of [start, end) in address space as; returns how many, and
	 * owes the flush to op. If op->may_yield others may get their turn on the way, and
	 * what they map there behind it stays. Write lock. */
	u64 (*zap_range)(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end);
	/* Makes the leaves of [*at, end) small, as many as one hold of the lock is for.
	 * Adds the number to *nr; may move *at on. op->reserve is stocked.
	 *   returns  OK: all are; AGAIN: call again; NOMEM. Write lock; if not indirect,
	 *            read lock. */
	enum mmu_status (*split_range)(struct mmu_op *op, unsigned as, gfn_t *at, gfn_t end,
				       u64 *nr);
	/* Small mappings of [start, end) give way to large ones, at once or at the next
	 * fault; returns how many did. Pauses as zap_range does. Write lock. See resize.h */
	u64 (*recover_range)(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end);
	/*
	 * All pages count as gone from now on, and every vCPU is asked for another
	 * root; the flush is owed to op. Who did this before must be done with
	 * zap_obsolete(). Returns how many pages. Write lock.
	 */
	u32 (*obsolete_all)(struct mmu_op *op);
	/* Zaps up to max pages of those; returns how many, fewer than max: the rest. The
	 * lock may be given up between two calls. Write lock. */
	u32 (*zap_obsolete)(struct mmu_op *op, u32 max);
	/* Zaps the trees of inner guests: all pages with guest_mode. Who uses one as
	 * root is asked for another; the flush is owed to op. Write lock. */
	void (*zap_inner)(struct mmu_op *op);
	/* Clears W and mmu_writable of every entry that maps gfn; returns
	 * whether one had mmu_writable (a flush is owed). Write lock. */
	bool (*write_protect)(struct mmu_op *op, struct memslot *slot, gfn_t gfn);
	/*
	 * For the dirty log: dirty_rearm() for every leaf that maps a frame gfn + i of
	 * slot with bit i of mask set; large ones only when logging begins. Returns the
	 * frames of mask where there was something; the flush is the caller's. Write lock.
	 * events  spte_set
	 */
	u64 (*log_frames)(struct mmu_op *op, const struct memslot *slot, gfn_t gfn, u64 mask,
			  enum dirty_how how);
	/* Looks at every leaf that maps frames of aging->slot from aging->start to
	 * aging->end (aging.h). No lock: in a read bracket. */
	void (*age)(struct aging *aging);
	/* These only where guest tables are mirrored (indirect), else NULL. */

	/* Zaps all pages that mirror a guest table in [start, end), roots too; returns
	 * how many. Write lock. */
	u32 (*zap_tables)(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end);
	/* Zaps up to n of the oldest pages that are no roots; returns how many. Write
	 * lock. */
	u32 (*shrink)(struct mmu_op *op, u32 n);

	/* A guest table is written to next (by the host or an emulated instruction);
	 * the event guest_write has been emitted. The flush is owed to op. Write lock. */
	void (*guest_wrote)(struct mmu_op *op, unsigned as, gpa_t gpa, unsigned bytes);
	/* Does a page mirror the guest table at gfn as one of 8-byte entries? Any lock. */
	bool (*reads_8_bytes)(struct mmu_vm *vm, unsigned as, gfn_t gfn);
	/* Gives up every shadow of the frame, so that it may be written to;
	 * returns whether there was one. Write lock. */
	bool (*unprotect)(struct mmu_op *op, unsigned as, gfn_t gfn);
	/* May a page below the root have missed something of the guest's stores? The
	 * slot is one of the running vCPU's. No lock. */
	bool (*may_be_behind)(const struct mmu_root *root);
	/* The guest flushed: whatever a page below the root, or only the entries on
	 * the way to gva, may have missed of the guest's stores is brought in, and
	 * the flush for that owed to op. root is a slot of op->vcpu's. Write lock. */
	void (*sync_root)(struct mmu_op *op, const struct mmu_root *root);
	void (*sync_gva)(struct mmu_op *op, const struct mmu_root *root, gva_t gva);
};

/* Everything at once, while the lock is held. Write lock. */
static inline u32 backend_zap_all(const struct mmu_backend *backend, struct mmu_op *op)
{
	u32 pages;

	backend->zap_obsolete(op, UINT32_MAX);
	pages = backend->obsolete_all(op);
	backend->zap_obsolete(op, UINT32_MAX);
	return pages;
}

/* zap_obsolete() till nothing is left. Gives the lock up between, but not after the last
 * page. Write lock. (zap.c) */
void zap_obsolete_parts(struct mmu_op *op, const struct mmu_backend *backend);

/* Who serves in this mode; NULL: nobody. (mode.c) */
const struct mmu_backend *vm_backend(const struct mmu_vm *vm, enum mmu_mode mode);

extern const struct mmu_backend shadow_mmu;	/* shadow_mmu.c */
extern const struct mmu_backend tdp_mmu;	/* tdp_mmu.c */

/* The two questions by which the front door goes to one back end or both. Once the VM
 * was in TDP mode there may be what is left of it. */
static inline bool tdp_active(const struct mmu_vm *vm)
{
	return vm->tdp_used;
}

/* Once a shadow root was made there may be shadow pages, in TDP mode, too. */
static inline bool shadow_maybe_present(const struct mmu_vm *vm)
{
	return vm->shadow && vm->shadow_used;
}

/* Are there pages that leaves of the shadow MMU can be in? In TDP mode only while inner
 * guests' tables are shadowed, or what was before that mode goes. A page counts until
 * its leaves are gone. Any context. */
static inline bool shadow_has_leaves(const struct mmu_vm *vm)
{
	return shadow_maybe_present(vm) && atomic_load(&vm->nr_hashed);
}

#endif
