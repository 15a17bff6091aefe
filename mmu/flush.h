/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes: collected in the operation, done once. A vCPU in guest mode is
 * kicked, and the flush is over when it has left; one outside just finds the
 * request before it enters.
 *
 *	flush_need()   an operation owes, for a reason and a range
 *	flush_pay()    once for all that is owed, before the lock is given back or a
 *	               page is freed; op.c sees to that, and checks it
 *	mmu_enter()    a vCPU does once whatever it was asked for how often
 *
 * Of whose translations? All that the vCPU has. What runs on it are two contexts at
 * most, a guest and its guest, and a host may give each an ASID of its own; but none of
 * either survives a change between them (nested.c asks for a flush), so "of the loaded
 * context" and "of all" are the same. A flush of the guest's own is more: shadows of
 * its tables that may be behind are synced, and roots given up that may be
 * (guest_flush.c), before the hardware forgets.
 */
#ifndef MMU_FLUSH_H
#define MMU_FLUSH_H

#include "mmu/internal.h"

enum flush_why {
#define WHY(name, sentence) FLUSH_##name,
#include "mmu/flush.def"
};

/* The operation owes all vCPUs a flush, for this reason and these frames of the
 * guest: every one whose translations were changed, at the size they were mapped
 * with; npages 0: every frame there is.
 * events  flush_request; flush_joined if one was owed already */
void flush_need_at(struct mmu_op *op, enum flush_why why, gfn_t gfn, u64 npages,
		   const struct mmu_site *site);
#define flush_need(op, why, gfn, npages) flush_need_at(op, why, gfn, npages, MMU_SITE)

/* Pays what is owed: asks the host to flush by root (flush_roots.h); where it cannot or
 * will not, requests, kicks, waits until nobody runs on old entries.
 * events  flush_root for each root; request and flush_vcpu for each vCPU */
void flush_pay(struct mmu_op *op);

/* Asks the vCPU for something (MMU_REQ_) before it runs the guest again; takes
 * back what it is asked for, and says what that was.
 * events  request; request_done */
void vcpu_ask_at(struct mmu_vcpu *vcpu, u32 requests, const struct mmu_site *site);
#define vcpu_ask(vcpu, requests) vcpu_ask_at(vcpu, requests, MMU_SITE)
u32 vcpu_take(struct mmu_vcpu *vcpu, u32 requests);

/* Asks every vCPU for something before it runs the guest again (MMU_REQ_). One
 * in guest mode sees it when it leaves: the caller owes a flush, too. */
void request_all(struct mmu_vm *vm, u32 request);

/*
 * Only this vCPU, at its next entry; nobody waits. NONGLOBAL is for what the guest
 * flushed or changed by loading CR3: entries dropped by us may be held as global
 * ones by any TLB and need ALL, which flush_need() means.
 * events  flush_request, request, flush_vcpu
 */
void flush_vcpu(struct mmu_vcpu *vcpu, enum flush_why why, enum mmu_flush scope);

#endif
