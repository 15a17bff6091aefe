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
 * A root stays in vm->tdp_roots without any reference until it is invalidated,
 * so that an address space that is visited now and then keeps its tree.
 */
#ifndef MMU_TDP_MMU_H
#define MMU_TDP_MMU_H

#include "mmu/backend.h"

/* tdp_fault.c; see backend.h */
enum mmu_verdict tdp_fault(struct mmu_vcpu *vcpu, const struct mmu_fault_in *in,
			   struct mmu_fault *out);

struct tdp_iter;

/* Puts a table in the place of the huge leaf that the iterator stands on. Write lock.
 * returns  OK, NOMEM. events  sp_new, spte_set, sp_link, flush_request */
enum mmu_status __must_check tdp_split_entry(struct mmu_op *op, struct tdp_iter *iter);

#endif
