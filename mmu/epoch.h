/* SPDX-License-Identifier: MIT */
/*
 * Read brackets and deferred freeing. Who looks at TDP tables without the lock
 * does so between mmu_read_begin and mmu_read_end; a table that was unlinked is
 * given back only when every reader that could have seen it is out. Running a
 * guest is not reading. Nobody waits for readers under a lock: what cannot be
 * freed yet stays queued.
 */
#ifndef MMU_EPOCH_H
#define MMU_EPOCH_H

#include "mmu/internal.h"

/* Not nested. The vCPU is the reader's identity. */
void mmu_read_begin(struct mmu_vcpu *vcpu);
void mmu_read_end(struct mmu_vcpu *vcpu);

/* The same for who is no vCPU. begin waits while too many others are inside; end gets
 * what it returned. */
_Atomic u64 *mmu_outside_begin(struct mmu_vm *vm);
void mmu_outside_end(_Atomic u64 *reader);

/* From now on begins a new epoch: returns the one that ends. It is over when every
 * reader that began in it or before is out. */
u64 epoch_advance(struct mmu_vm *vm);
bool epoch_is_over(struct mmu_vm *vm, u64 epoch);

/* Queues a page, unlinked and flushed, for sp_free(). */
void epoch_defer(struct mmu_vm *vm, struct sp *sp);

/* Frees what no reader can see any more; returns how many remain queued.
 * context  any; no lock of the VM but vm->lock may be held */
unsigned epoch_reap(struct mmu_vm *vm);

#endif
