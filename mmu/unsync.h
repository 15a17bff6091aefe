/* SPDX-License-Identifier: MIT */
/*
 * Pages that may be stale. Mirrors of tables of level 1 need not follow every
 * store of the guest: like a TLB they may remember what was there until the guest
 * flushes. Such a page is unsync, and its frame may be mapped writable.
 *
 *	root   [..1.....]	bit: somewhere below this entry is an unsync page
 *	         |
 *	page   [.1......]
 *	         |
 *	level 1  unsync
 *
 * The bits are exact on every path, so what must be synced is found without
 * looking at the rest.
 *
 * Context: vm->lock held for writing, unless said otherwise. Pages become unsync
 * also under the read lock; nothing else here changes then.
 */
#ifndef MMU_UNSYNC_H
#define MMU_UNSYNC_H

#include "mmu/internal.h"

#define UNSYNC_BATCH 16

/*
 * May gfn, a frame of slot, be mapped writable by an entry of 4 KiB? It may if
 * no synced page mirrors it. If only pages of level 1 do and the access is a
 * write, they are made unsync, which whoever sees the writable entry then sees,
 * too.
 *
 *   write    the guest writes now; else nothing changes
 *   context  vm->lock held, at least for reading
 *   returns  false: a write must be emulated
 *   events   sp_unsync
 */
bool __must_check unsync_try(struct mmu_op *op, struct memslot *slot, gfn_t gfn, bool write);

/* The page is unsync no more: it was synced (the caller emits) or goes. */
void unsync_clear(struct mmu_op *op, struct sp *sp);

/* The entry is about to lead to child; leads nowhere now. */
void unsync_linked(struct mmu_vm *vm, struct sp *parent, unsigned index, const struct sp *child);
void unsync_unlinked(struct mmu_vm *vm, struct sp *parent, unsigned index);

/* Any context; whoever saw a writable entry sees what made it possible. */
static inline bool sp_is_unsync(const struct sp *sp)
{
	return __atomic_load_n(&sp->unsync, __ATOMIC_ACQUIRE);
}

static inline bool sp_has_unsync_below(const struct sp *sp)
{
	return __atomic_load_n(&sp->unsync_children, __ATOMIC_ACQUIRE);
}

static inline bool sp_is_unsync_child(const struct sp *sp, unsigned index)
{
	return sp->unsync_child[index / 64] >> index % 64 & 1;
}

/* ---- finding them -------------------------------------------------------------- */

/* A walk over the unsync pages below a page. What was returned may be cleared
 * between two steps; links must stay. */
struct unsync_walk {
	struct mmu_vm *vm;
	struct sp *sp[LEVEL_MAX + 1];	/* by level: where the walk is */
	u16 next[LEVEL_MAX + 1];	/* by level: the entry to look at next */
	unsigned level, top;
};

void unsync_walk_begin(struct unsync_walk *walk, struct mmu_vm *vm, struct sp *top);

/* returns  how many pages batch holds; 0: that was all. One that has two parents
 * may come twice. */
unsigned unsync_walk_next(struct unsync_walk *walk, struct sp *batch[UNSYNC_BATCH]);

#endif
