/* SPDX-License-Identifier: MIT */
/*
 * The TDP MMU's own parts: trees that map guest-physical memory, one per role,
 * shared by all vCPUs of that role. They are reached from vm->tdp_roots and by
 * the iterator alone: no hash, no rmap.
 *
 *	fault		read lock; entries change by compare-exchange, who loses
 *			gives its table back and the guest tries again
 *	everything else	write lock
 *
 * Invalid roots, whose trees are being taken down: zap_range and write_protect
 * reach their leaves, since nothing may lead to memory that is unmapped. Whoever
 * adds or replaces (fault, split) walks valid ones only.
 */
#ifndef MMU_TDP_MMU_H
#define MMU_TDP_MMU_H

#include "mmu/backend.h"
#include "mmu/sp.h"

/* tdp_fault.c; see backend.h */
enum mmu_verdict tdp_fault(struct mmu_vcpu *vcpu, const struct mmu_fault_in *in,
			   struct mmu_fault *out);

/* ---- tdp_roots.c ------------------------------------------------------------- */

/* Valid and invalid ones. The lock is not given up in the body. Any lock. */
#define for_each_tdp_root(vm, root)                                                                \
	for (root = list_entry((vm)->tdp_roots.next, struct sp, active);                           \
	     &root->active != &(vm)->tdp_roots;                                                    \
	     root = list_entry(root->active.next, struct sp, active))

/* The same where it may be: the root stays meanwhile. The loop must run to its
 * end. Write lock. */
#define for_each_tdp_root_held(op, root)                                                           \
	for (root = tdp_next_root(op, NULL); root; root = tdp_next_root(op, root))

/* Holds the root after the last one (NULL: the first) and lets go of that. */
struct sp *tdp_next_root(struct mmu_op *op, struct sp *last);

/* See backend.h */
enum mmu_status tdp_load_root(struct mmu_op *op, struct mmu *mmu);
void tdp_put_root(struct mmu_op *op, struct mmu_root *slot);
u32 tdp_obsolete_all(struct mmu_op *op);
u32 tdp_zap_obsolete(struct mmu_op *op, u32 max);
void tdp_zap_inner(struct mmu_op *op);

/* A table that no entry leads to any more: it becomes invalid, its leaves are
 * frozen, and it is freed after the flush, which is owed already if the hardware may
 * be in it. Write lock.
 * returns  A and D if any leaf had it when it was frozen. events  sp_zap, spte_set */
u64 tdp_drop_table(struct mmu_op *op, struct sp *child, enum zap_why why);

/* tdp_recover.c; see backend.h */
u64 tdp_recover_range(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end);

/* ---- tdp_fault.c ------------------------------------------------------------- */

/* The largest page that slot, tracking and configuration allow for gfn, 1..3. */
unsigned tdp_max_level(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn);

struct tdp_iter;

/* tdp_dirty.c; see backend.h */
u64 tdp_log_frames(struct mmu_op *op, const struct memslot *slot, gfn_t gfn, u64 mask, enum dirty_how how);

/* Puts a table in the place of the huge leaf that the iterator stands on. Any lock.
 * returns  OK; AGAIN: somebody else changed it; NOMEM.
 * events  sp_new, spte_set, sp_link, flush_request */
enum mmu_status __must_check tdp_split_entry(struct mmu_op *op, struct tdp_iter *iter);

#endif
