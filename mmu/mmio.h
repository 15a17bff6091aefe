/* SPDX-License-Identifier: MIT */
/*
 * Device memory seen again: a fault with PFERR_RSVD came from an MMIO entry,
 * which says what lies there without a walk of the guest's tables.
 */
#ifndef MMU_MMIO_H
#define MMU_MMIO_H

#include "mmu/backend.h"

/* May entries for this frame be made: knob, width of an address, size of gfn. */
bool mmio_can_remember(const struct mmu_vm *vm, gfn_t gfn);

/*
 * Answers a fault from the MMIO entry at in->addr, if there is one that is still
 * true and allows the access. No lock: the tables are read in an epoch, the
 * generation after them.
 *
 *   returns  true: EMULATE, *out is filled; false: the full way must be gone
 *   events   mmio_fault, if there was such an entry
 *   source   KVM mmu.rst "Fast invalidation of MMIO sptes"
 */
bool mmio_fault(struct mmu_vcpu *vcpu, const struct mmu_fault_in *in, struct mmu_fault *out);

#endif
