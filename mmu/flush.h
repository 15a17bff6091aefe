/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes: collected in the operation, done once. A vCPU in guest mode is
 * kicked, and the flush is over when it has left; one outside just finds the
 * request before it enters.
 */
#ifndef MMU_FLUSH_H
#define MMU_FLUSH_H

#include "mmu/internal.h"

enum flush_why {
#define WHY(name, sentence) FLUSH_##name,
#include "mmu/flush.def"
};

const char *flush_why_name(unsigned why);

/* The operation owes all vCPUs a flush, for this range and reason.
 * events  flush_request */
void flush_need_at(struct mmu_op *op, enum flush_why why, gfn_t gfn, u64 npages,
		   const struct mmu_site *site);
#define flush_need(op, why, gfn, npages) flush_need_at(op, why, gfn, npages, MMU_SITE)

/* Pays what is owed: requests, kicks, waits until nobody runs on old entries.
 * events  flush_vcpu per vCPU */
void flush_pay(struct mmu_op *op);

/* Asks every vCPU for something before it runs the guest again (MMU_REQ_). One
 * in guest mode sees it when it leaves: the caller owes a flush, too. */
void request_all(struct mmu_vm *vm, u32 request);

/* Only this vCPU, at its next entry; nobody waits. events flush_vcpu */
void flush_vcpu(struct mmu_vcpu *vcpu, enum flush_why why);

#endif
