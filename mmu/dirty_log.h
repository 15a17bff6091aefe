/* SPDX-License-Identifier: MIT */
/* What follows from the flags of a slot. */
#ifndef MMU_DIRTY_LOG_H
#define MMU_DIRTY_LOG_H

#include "mmu/memslot.h"

/*
 * The flags of a slot that is in use are new: LOG_DIRTY was turned on or off. The
 * event slot_flags follows. Not OK: nothing is left of it, the caller puts the old
 * flags back.
 *
 *   context  write lock
 *   returns  OK, NOMEM
 */
enum mmu_status __must_check slot_flags_changed(struct mmu_op *op, struct memslot *slot,
						u32 old_flags);

#endif
