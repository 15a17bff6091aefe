/* SPDX-License-Identifier: MIT */
/*
 * Memory slots: guest frames to host memory, for two address spaces. Three
 * kinds of lookup that cannot be confused: vm_ always means address space 0,
 * vcpu_ the one the vCPU is in, sp_ the one a shadow page was built for.
 *
 * Context: vm->lock held, at least for reading, unless said otherwise.
 */
#ifndef MMU_MEMSLOT_H
#define MMU_MEMSLOT_H

#include "mmu/internal.h"

/* returns  NULL where no slot is */
struct memslot *vm_slot(struct mmu_vm *vm, gfn_t gfn);
struct memslot *vcpu_slot(struct mmu_vcpu *vcpu, gfn_t gfn);
struct memslot *sp_slot(struct mmu_vm *vm, const struct sp *sp, gfn_t gfn);

/* By address space; the core of the three. */
struct memslot *slot_lookup(struct mmu_vm *vm, unsigned as, gfn_t gfn);

/* The slot of the other address space that maps gfn to the same memory as this one
 * of gfn does: what is written through one is read through the other. NULL if
 * there is none. */
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

/* For slot_update.c. The record by number, in use or not; what hangs on it,
 * all or nothing (INVAL: too large for a parray, NOMEM). */
struct memslot *slot_record(struct mmu_vm *vm, unsigned as, unsigned id);
enum mmu_status __must_check slot_make_arrays(struct mmu_vm *vm, struct memslot *slot);
void slot_free_arrays(struct mmu_vm *vm, struct memslot *slot);

#endif
