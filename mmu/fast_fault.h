/* SPDX-License-Identifier: MIT */
/*
 * The fast page fault: a write to a page that is mapped, but had W taken away only
 * so that its first write is noticed. W is given back without the lock, by one
 * compare-exchange:
 *
 *	host_writable  mmu_writable  W
 *	      1             1        0    dirty logging: given back here
 *	      1             0        0    a shadowed page table: never
 *	      0             0        0    read-only: never
 *
 * Only in direct pages, where an entry stands for the same frame as long as its table
 * lives: an entry that comes back to its old value meanwhile (ABA) means what it
 * meant. The read bracket keeps the table.
 */
#ifndef MMU_FAST_FAULT_H
#define MMU_FAST_FAULT_H

#include "mmu/backend.h"

/*
 * Tries to do without the lock.
 *
 *   returns  whether it did: *verdict is RETRY (W is given back, and where writes are
 *            logged the frame is marked before this returns) or SPURIOUS (the write
 *            was allowed already). Else nothing has changed, and it is a matter for
 *            the back end
 *   context  no lock held, not in a read bracket
 *   events   spte_set, fast_fault
 */
bool fast_fault(struct mmu_vcpu *vcpu, const struct mmu_fault_in *in, enum mmu_verdict *verdict);

#endif
