/* SPDX-License-Identifier: MIT */
/*
 * Memory slots that exist are changed. mmu.h creates and deletes them.
 *
 * Context: any, no lock of the library held.
 */
#ifndef MMU_SLOTS_H
#define MMU_SLOTS_H

#include "mmu/mmu.h"

/*
 * Gives a slot other flags; its frames and its memory stay. Only LOG_DIRTY can be
 * turned on and off, and LOG_BY_D with it: READONLY and SMRAM belong to a slot from its
 * creation to its deletion, as in KVM.
 *
 * When logging begins, its large mappings are split (as far as there is memory; the
 * others lose W, and the guest's writes split them), and every vCPU will flush before
 * it runs again; no bit is set. When it ends its bits are gone, what it took from
 * the entries comes back by faults, and large mappings take the place of small ones
 * again, as mmu_recover_range() does it.
 *
 *   flags    MMU_SLOT_, all of them: with READONLY and SMRAM as they are. The same
 *            flags again: nothing is done
 *   returns  OK
 *            INVAL  as, slot or flags are out of range; READONLY or SMRAM differ; the
 *                   slot is logged, and in another way
 *            NOENT  there is no such slot
 *            NOMEM  for the bitmap; no flag was changed (mappings may have been split)
 *   events   those of mmu_split_range() and mmu_recover_range(); spte_set, flush_request, slot_flags,
 *            slot_generation
 *   source   KVM api.rst, KVM_SET_USER_MEMORY_REGION
 */
enum mmu_status __must_check mmu_slot_set_flags(struct mmu_vm *vm, unsigned as, unsigned slot,
						u32 flags);

/*
 * Moves a slot to guest frames that begin at gfn; its memory, its flags and its log
 * stay. Till it returns, who meets it at the old frames or at the new ones waits. When
 * it returns no entry of any table leads to it at the old ones.
 *
 *   returns  OK     also if it is there already: nothing is done
 *            INVAL  as, slot or gfn are out of range
 *            NOENT  there is no such slot
 *            EXIST  the frames overlap another slot
 *            NOMEM  nothing was changed
 *   events   slot_invalid, what mmu_slot_delete() drops, slot_move, slot_generation;
 *            flush_request where a CR3 led to no memory till now
 *   source   KVM api.rst, KVM_SET_USER_MEMORY_REGION
 */
enum mmu_status __must_check mmu_slot_move(struct mmu_vm *vm, unsigned as, unsigned slot,
					   gfn_t gfn);

#endif
