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
 * turned on and off: READONLY and SMRAM belong to a slot from its creation to its
 * deletion, as in KVM.
 *
 *   flags    MMU_SLOT_, all of them: with READONLY and SMRAM as they are. The same
 *            flags again: nothing is done
 *   returns  OK
 *            INVAL  as, slot or flags are out of range; READONLY or SMRAM differ
 *            NOENT  there is no such slot
 *            NOMEM  nothing was changed
 *   events   slot_flags, slot_generation
 *   source   KVM api.rst, KVM_SET_USER_MEMORY_REGION
 */
enum mmu_status __must_check mmu_slot_set_flags(struct mmu_vm *vm, unsigned as, unsigned slot,
						u32 flags);

#endif
