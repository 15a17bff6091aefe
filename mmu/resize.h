/* SPDX-License-Identifier: MIT */
/*
 * Large mappings where small ones are: the way back from mmu_split_range(), for when
 * what needed small ones (a log, a shadowed table) is over.
 */
#ifndef MMU_RESIZE_H
#define MMU_RESIZE_H

#include "mmu/mmu.h"

/*
 * Lets large mappings take the place of small ones where frames [start, end) of the
 * address space are concerned, as large as slot, memory, tracking, log and the knob
 * `huge` allow. The guest can do what it could, and as fast as the memory allows:
 *
 *	TDP	a table gives way to one leaf with all the rights the slot has now; A
 *		or D if any of the small ones had it. Frames that were not mapped are.
 *	SHADOW	mappings of 4 KiB below a large page of the guest (or without paging)
 *		are dropped, and the next access makes a large one. Those that mirror an
 *		entry for 4 KiB can be no larger.
 *
 * A long range is done in parts, others get their turn in between. Allocates nothing.
 *
 *   returns  how many mappings gave way
 *   events   spte_set, sp_unlink, sp_zap, rmap_remove, flush_request, sp_free
 */
u64 mmu_recover_range(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end);

#endif
