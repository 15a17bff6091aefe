/* SPDX-License-Identifier: MIT */
/* What it means for a slot that its writes are logged. */
#include "mmu/dirty_log.h"

enum mmu_status slot_flags_changed(struct mmu_op *op, struct memslot *slot, u32 old_flags)
{
	mmu_check(op->vm, !((slot->flags ^ old_flags) & ~MMU_SLOT_LOG_DIRTY),
		  "only the log of a slot is turned on and off", slot->flags, old_flags);
	return MMU_OK;
}
