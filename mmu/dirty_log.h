/* SPDX-License-Identifier: MIT */
/*
 * The log of a slot: which of its frames were written to since somebody asked last.
 * What a migration copies, what a display redraws.
 *
 *	mmu_slot_set_flags(vm, as, slot, LOG_DIRTY)	from now on
 *	... the guest runs ...
 *	mmu_dirty_harvest(vm, as, slot, 0, npages, map)	what was written, and forget it
 *
 * A bit stands for a frame, the lowest for the slot's first. It is set by whoever
 * writes through this slot: the guest and its guest, their page walks when they set A
 * or D, and the host for them. Memory that two slots map is logged in that through
 * which it is written; each address space has slots, and so logs, of its own.
 *
 * There are two ways to notice a guest's writes. Both set bits for more than was
 * written at most where the hardware walks the guest's tables, which it does as a
 * writer.
 *
 *	LOG_DIRTY		its first write to a frame faults: W is taken from the
 *				entries of what was harvested. Cost: a fault for each
 *				frame that is written.
 *	LOG_DIRTY | LOG_BY_D	the hardware notes D in the entry, and D is taken. AMD
 *				has no list of such entries (Intel's PML is one), so a
 *				harvest looks at every entry of the slot. Cost: that;
 *				no faults. An inner guest's entries are looked at like
 *				the others.
 *
 * While a slot is logged nothing in it is mapped by large entries, which would stand
 * for 512 frames or more.
 *
 * Context: no lock of the library held. Bits are seen by the caller when it is true of
 * every vCPU that it flushes before it runs on: what is written later is in the next
 * harvest.
 *
 *   first    frames into the slot, a multiple of 64
 *   npages   how many, from 1; a multiple of 64 unless the slot ends there
 *   bitmap   MMU_DIRTY_WORDS(npages) words; bits beyond npages are 0, or ignored
 *   returns  OK
 *            INVAL  as, slot, first or npages are out of range
 *            NOENT  there is no such slot, or it is not logged
 */
#ifndef MMU_DIRTY_LOG_H
#define MMU_DIRTY_LOG_H

#include "mmu/mmu.h"

#define MMU_DIRTY_WORDS(npages) (((npages) + 63) / 64)

/*
 * Turns the log of a slot on or off; its other flags stay as they are.
 *   flags    LOG_DIRTY, perhaps with LOG_BY_D; or 0
 *   returns  as mmu_slot_set_flags(), which it is
 */
enum mmu_status __must_check mmu_dirty_log(struct mmu_vm *vm, unsigned as, unsigned slot, u32 flags);

/* How many frames a slot has that is logged; 0: there is no such slot. */
u64 mmu_dirty_frames(struct mmu_vm *vm, unsigned as, unsigned slot);

/*
 * Get and clear: the frames written to since they were asked for last.
 *   events   spte_set, dirty_clear (dirty_set by D bits); flush_request, once, if any
 */
enum mmu_status __must_check mmu_dirty_harvest(struct mmu_vm *vm, unsigned as, unsigned slot,
					       u64 first, u64 npages, u64 *bitmap);

/*
 * The two halves apart, for who copies page by page: to look changes nothing for the
 * guest; then the bits set in bitmap are cleared, just before their pages are copied,
 * and only these cost the guest a fault again.
 *   events   look: dirty_set by D bits; clear: as of harvest
 */
enum mmu_status __must_check mmu_dirty_look(struct mmu_vm *vm, unsigned as, unsigned slot,
					    u64 first, u64 npages, u64 *bitmap);
enum mmu_status __must_check mmu_dirty_clear(struct mmu_vm *vm, unsigned as, unsigned slot,
					     u64 first, u64 npages, const u64 *bitmap);

#endif
