/* SPDX-License-Identifier: MIT */
/*
 * The library's own locks, on C11 atomics; the same code serves threads and
 * bare metal. Waiting calls env->relax(). None is recursive. No interrupt
 * handler may take one.
 *
 * Order: vm->lock, then vm->unsync_lock, then rmap bit locks, then
 * vm->flush_roots.lock, then one of vm->sps_lock, vm->free_lock and vm->events_lock, then the emitter's lock (in the
 * host). Never the other way round.
 */
#ifndef MMU_LOCK_H
#define MMU_LOCK_H

#include <stdatomic.h>
#include "mmu/env.h"

/* Many readers or one writer. A waiting writer keeps new readers out. */
struct rw_lock {
	_Atomic u32 word;	/* bit 31: a writer is in; bit 30: one waits; else readers */
};

void rw_read_lock(const struct mmu_env *env, struct rw_lock *lock);
void rw_read_unlock(struct rw_lock *lock);
void rw_write_lock(const struct mmu_env *env, struct rw_lock *lock);
void rw_write_unlock(struct rw_lock *lock);

/* For assertions: true if the lock is held that way by somebody. */
bool rw_is_read_locked(const struct rw_lock *lock);
bool rw_is_write_locked(const struct rw_lock *lock);

struct spin_lock {
	_Atomic u32 word;
};

void spin_lock(const struct mmu_env *env, struct spin_lock *lock);
void spin_unlock(struct spin_lock *lock);

#endif
