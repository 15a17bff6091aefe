/* SPDX-License-Identifier: MIT */
/*
 * Inside the dirty log: who sets bits, who takes them. dirty_log.h is what the host
 * sees.
 *
 * A slot that is logged has a bitmap. By write protection the rule is: an entry lets
 * the guest write only where the frame's bit is set. By D bits: what a TLB lets the
 * guest write without a walk has D in its entry, or its bit set.
 *
 *	               W by writing          harvest
 *	bit 0, W 0  ------------------->  bit 1, W 1  --+
 *	    ^                                           | bit first, then W, then the
 *	    +-------------------------------------------+ flush, then the caller sees it
 *
 * The order in a harvest matters to who sets W without the lock (and the bit after
 * it): were W taken first, he could come between, and the bit be lost.
 */
#ifndef MMU_DIRTY_H
#define MMU_DIRTY_H

#include "mmu/backend.h"
#include "mmu/dirty_log.h"
#include "mmu/memslot.h"

static inline bool slot_logs(const struct memslot *slot)
{
	return slot->flags & MMU_SLOT_LOG_DIRTY;
}

static inline bool slot_logs_by_d(const struct memslot *slot)
{
	return slot->flags & MMU_SLOT_LOG_BY_D;
}

/* Must W wait until the guest writes, so that this faults? */
static inline bool slot_holds_w(const struct memslot *slot)
{
	return slot_logs(slot) && !slot_logs_by_d(slot);
}

/*
 * gfn, a frame of slot, is written to, or can be from now on. Nothing if the slot is
 * not logged.
 *
 *   vcpu     on whose behalf, or NULL
 *   context  vm->lock held, or whatever else keeps the slot (a read bracket of vcpu).
 *            Without the lock: after the write, or after W was set, never before; a
 *            harvest in between would report what is not there yet
 *   events   dirty_set, if the bit was clear
 */
void dirty_mark(struct mmu_vm *vm, const struct mmu_vcpu *vcpu, const struct memslot *slot,
		gfn_t gfn);

bool dirty_is_set(const struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn);

/* Frames 64 * i of the slot and on: the bits that are set; takes those of mask away
 * and returns which these were. events  dirty_clear. Write lock, for taking. */
u64 dirty_get(const struct mmu_vm *vm, const struct memslot *slot, u64 i);
u64 dirty_take(struct mmu_vm *vm, const struct memslot *slot, u64 i, u64 mask);

/*
 * Called by spte_set.c for every change of an entry for gfn: where it lets the guest
 * write the bit is set (the harvest, which has the write lock, is not in between); D
 * that goes with an entry becomes the bit. events  dirty_set
 */
void dirty_spte(struct mmu_op *op, const struct sp *sp, gfn_t gfn, u64 old_spte, u64 new_spte);

/*
 * Takes from a leaf what lets a write go unnoticed: W (mmu_writable stays), or D; from
 * a large one both. Owes the flush to the caller.
 *   returns  whether there was something. events  spte_set. Write lock
 */
bool dirty_rearm(struct mmu_op *op, const struct memslot *slot, struct sp *sp, unsigned index,
		 gfn_t gfn, enum dirty_how how);

/* The bitmap of a slot that is or was logged; returns OK, INVAL (too large), NOMEM. Write
 * lock; no lookup finds this record of the slot yet, or any more. */
enum mmu_status __must_check dirty_make(struct mmu_vm *vm, struct memslot *slot);
void dirty_free(struct mmu_vm *vm, struct memslot *slot);

/* Splits large mappings of a slot that will be logged: what is left of them is split
 * by the guest's writes. No lock held. events  those of mmu_split_range() */
void dirty_split(struct mmu_vm *vm, unsigned as, unsigned id);

/* Lookups find a slot with a log now, of which nothing was logged yet: what could be
 * written unnoticed till now cannot be any more, when the flush is paid. Write lock.
 * events  spte_set, flush_request */
void dirty_begin(struct mmu_op *op, const struct memslot *slot);

#endif
