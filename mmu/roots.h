/* SPDX-License-Identifier: MIT */
/*
 * Root slots: the root the hardware has (0) and, per context, up to three it had
 * before (1..3), newest first. Each slot that names a page is a reference to it.
 * Switching to a kept root costs no page and, if the guest did not flush, no
 * look at its tables.
 *
 *	CR3 load ---- current fits? ---- kept one fits? ---- load a root
 *	              (same value)       (swapped in)        (oldest one kept goes)
 */
#ifndef MMU_ROOTS_H
#define MMU_ROOTS_H

#include "mmu/internal.h"

/*
 * Does what MMU_REQ_RELOAD and MMU_REQ_SYNC ask for, so that the current slot
 * names the root of the VM's mode for mmu->root_role and the present CR3. A flush that goes with
 * a changed root is asked for.
 *
 *   context  no lock held; may allocate
 *   returns  OK
 *            NOMEM  the vCPU has no current root
 *   events   request_done, root_set, root_count; mmu_role after mmu_mode; sp_new or sp_hit and what goes
 *            with them; flush_request, flush_vcpu, request
 */
enum mmu_status __must_check roots_prepare(struct mmu_vcpu *vcpu);

/* Every slot of every context, or of one, names nothing any more. Write lock.
 * events root_count, root_set; as of put_root for special roots */
void roots_drop(struct mmu_op *op, struct mmu_vcpu *vcpu);
void roots_drop_context(struct mmu_op *op, const struct mmu_vcpu *vcpu, struct mmu *mmu);

/* The vCPUs that name the page in any slot shall look through them. The caller
 * owes a flush. Write lock. events request */
void roots_ask_users(struct mmu_vm *vm, const struct sp *root);

/*
 * Gives up previous roots of the vCPU's context, so that who comes back to them
 * looks at the guest's tables first.
 *
 *   pcid     those made for a CR3 with this PCID; or all: ROOTS_ANY_PCID
 *   context  no lock held
 *   events   root_count, root_set
 */
#define ROOTS_ANY_PCID	~0u
void roots_forget(struct mmu_vcpu *vcpu, unsigned pcid);

/* Brings in the way to gva in the current root and the previous ones, if they
 * were made for this PCID. No lock held. */
void roots_sync_gva(struct mmu_vcpu *vcpu, unsigned pcid, gva_t gva);

/* The PCID in a value of CR3: 0 unless CR4.PCIDE. */
static inline unsigned regs_pcid(const struct mmu_regs *regs, u64 cr3)
{
	return regs->cr4 & CR4_PCIDE ? cr3 & BITS(11, 0) : 0;
}

#endif
