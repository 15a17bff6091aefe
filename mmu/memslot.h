/* SPDX-License-Identifier: MIT */
/*
 * Memory slots: guest frames to host memory, for two address spaces. Three
 * kinds of lookup that cannot be confused: vm_ always means address space 0,
 * vcpu_ the one the vCPU is in, sp_ the one a shadow page was built for.
 *
 * A lookup searches once: the slot found last, then by halves. It tests no flag: what
 * nobody else may see is in an address space that nobody else looks in.
 *
 * Who finds a slot that is invalid met a change that is under way: no entry is made
 * for it and it is no device either; slots_wait(), without any lock, and look again.
 *
 * Context: vm->lock held, at least for reading, or in a read bracket (epoch.h),
 * unless said otherwise. The slot is valid as long.
 */
#ifndef MMU_MEMSLOT_H
#define MMU_MEMSLOT_H

#include "mmu/internal.h"

/* returns  NULL where no slot is */
struct memslot *vm_slot(struct mmu_vm *vm, gfn_t gfn);
struct memslot *vcpu_slot(struct mmu_vcpu *vcpu, gfn_t gfn);
struct memslot *sp_slot(struct mmu_vm *vm, const struct sp *sp, gfn_t gfn);

/* By address space; the core of the three. *steps: how many slots it looked at. */
struct memslot *slot_lookup(struct mmu_vm *vm, unsigned as, gfn_t gfn);
struct memslot *slot_search(struct mmu_vm *vm, unsigned as, gfn_t gfn, unsigned *steps);

/* Is a slot there, and may entries be made for it? */
static inline bool slot_is_usable(const struct memslot *slot)
{
	return slot && !slot->invalid;
}

/* Till no change of slots is under way. No lock, no bracket. */
void slots_wait(struct mmu_vm *vm);

/* The slot of the other address space that maps gfn to the same memory as this one
 * of gfn does: what is written through one is read through the other. NULL if
 * there is none, or it is invalid. */
struct memslot *slot_twin(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn);

/* By number; NULL if not in use. */
struct memslot *slot_by_id(struct mmu_vm *vm, unsigned as, unsigned id);

static inline pfn_t slot_pfn(const struct memslot *slot, gfn_t gfn)
{
	return (slot->hpa >> PAGE_SHIFT) + (gfn - slot->base_gfn);
}

static inline bool slot_is_writable(const struct memslot *slot)
{
	return !(slot->flags & MMU_SLOT_READONLY);
}

/* The rmap head of gfn at level 1..3. Only after slots_make_rmaps(). */
struct rmap_head *slot_rmap(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn,
			    unsigned level);

/* Makes the rmap heads and track counters of all slots, of those to come too;
 * when the first shadow root is built. All or nothing. Write lock.
 * returns  OK, NOMEM */
enum mmu_status __must_check slots_make_rmaps(struct mmu_vm *vm);

/* The largest level whose whole range around gfn lies in the slot with host
 * memory aligned alike; 1..3. 1 while the slot is logged. */
unsigned slot_max_level(const struct memslot *slot, gfn_t gfn);

/* Makes the empty slot arrays of a new VM; gives all slots back. No lock.
 * returns  OK, NOMEM */
enum mmu_status __must_check slots_init(struct mmu_vm *vm);
void slots_fini(struct mmu_vm *vm);

/* For slot_update.c and the auditor. What is looked in now; the record by number
 * (internal.h), named or not; what depends on where the slot lies, all or nothing (INVAL:
 * too large for a parray, NOMEM); the end of that, and of all that hangs on it. */
const struct slot_view *slot_view(const struct mmu_vm *vm, unsigned as);
struct memslot *slot_record(struct mmu_vm *vm, unsigned as, unsigned number);
enum mmu_status __must_check slot_make_arrays(struct mmu_vm *vm, struct memslot *slot);
void slot_free_rmaps(struct mmu_vm *vm, struct memslot *slot);
void slot_free_arrays(struct mmu_vm *vm, struct memslot *slot);

#endif
