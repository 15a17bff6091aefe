/* SPDX-License-Identifier: MIT */
/*
 * Which MMU serves a VM, and its change while the guest runs: a part of the
 * library's public face (mmu.h).
 *
 *	mmu_set_mode()      mode says SHADOW; nothing of TDP is current any more
 *	  vCPU 0, inside    is kicked; its faults of before are RETRY
 *	  vCPU 1, halted    keeps a dead root till it comes
 *	mmu_enter()         the vCPU gets the new MMU's root; its TLB is emptied
 */
#ifndef MMU_MODE_H
#define MMU_MODE_H

#include "mmu/mmu.h"

/*
 * Lets the other MMU serve the VM. Each vCPU goes over when it next enters:
 * struct mmu_entry says what the hardware must be set up for. Whatever runs there
 * goes on, a guest's guest, too; but one on nested tables stays on nested paging in
 * either mode, for the shadow MMU builds its tables anyway.
 *
 * The host must have told the registers (mmu_set_regs) before an entry, CR3 too,
 * which it may not have seen while the hardware walked the guest's tables by itself.
 *
 *   context  any CPU, at any time, except inside mmu_enter() and mmu_leave() of its
 *            own vCPU. May allocate. What is left of the other MMU is zapped in
 *            parts, others get their turn in between.
 *   returns  OK, also if it serves already
 *            INVAL   there is no such mode
 *            NOSUPP  this build has no such back end, or the VM no nested paging
 *                    (config.tdp_level is 0)
 *            NOMEM   for what SHADOW needs of the slots; nothing has changed
 *   events   mmu_mode, request, flush_request, flush_vcpu, sp_zap and what it drops;
 *            at each vCPU's entry root_count, root_set, mmu_role
 */
enum mmu_status __must_check mmu_set_mode(struct mmu_vm *vm, enum mmu_mode mode);

/* The mode that entries from now on are for. */
enum mmu_mode mmu_get_mode(const struct mmu_vm *vm);

/*
 * What the hardware has for the vCPU since it last entered: whether an address that
 * faults or that mmu_host_walk() is given is a gva (SHADOW) or a gpa (TDP; of a guest's
 * guest on nested tables an nGPA).
 */
enum mmu_mode mmu_vcpu_mode(const struct mmu_vcpu *vcpu);

#endif
