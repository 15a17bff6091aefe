/* SPDX-License-Identifier: MIT */
/*
 * Small leaves go where a fault would make a large one. They are found by the rmaps of
 * their frames: those in direct pages, which stand for a part of what the guest has
 * as one large page.
 */
#include "mmu/flush.h"
#include "mmu/memslot.h"
#include "mmu/page_track.h"
#include "mmu/rmap.h"
#include "mmu/shadow.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

/* So many ranges of 2 MiB are looked at before others get their turn. */
#define PAUSE_RANGES 16

static bool may_be_large(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn)
{
	return mmu_get_knob(vm, MMU_KNOB_huge) && slot_max_level(slot, gfn) > LEVEL_4K &&
	       track_allows_level(vm, slot, gfn, LEVEL_2M);
}

/* The first leaf of the frame that lies in a direct page; NULL: none. */
static struct sp *find_direct(struct mmu_vm *vm, struct rmap_head *head, unsigned *index)
{
	struct rmap_iter iter;
	spte_t *sptep;
	struct sp *sp;

	for_each_rmap(vm, head, &iter, sptep) {
		sp = sp_of_entry(vm, sptep, index);
		if (sp->role.direct)
			return sp;
	}
	return NULL;
}

/* Of frames [start, end), which lie in one range of 2 MiB. */
static u64 drop_small(struct mmu_op *op, struct memslot *slot, gfn_t start, gfn_t end)
{
	unsigned index;
	struct sp *sp;
	u64 nr = 0;

	for (gfn_t gfn = start; gfn < end; gfn++)
		while ((sp = find_direct(op->vm, slot_rmap(op->vm, slot, gfn, LEVEL_4K), &index))) {
			shadow_drop_entry(op, sp, index);
			nr++;
		}
	if (nr)
		flush_need(op, FLUSH_recover, start, end - start);
	return nr;
}

/* From *at on, to the end of its 2 MiB; *at moves on.
 * returns  false: the slot has nothing there, or is gone */
static bool recover_part(struct mmu_op *op, unsigned as, unsigned id, gfn_t *at, gfn_t end, u64 *nr)
{
	struct memslot *slot = slot_by_id(op->vm, as, id);
	gfn_t start = *at, next;

	if (!slot)
		return false;
	if (start < slot->base_gfn)
		start = slot->base_gfn;
	if (end > slot->base_gfn + slot->npages)
		end = slot->base_gfn + slot->npages;
	if (start >= end)
		return false;
	next = (start | (level_frames(LEVEL_2M) - 1)) + 1;
	if (may_be_large(op->vm, slot, start))
		*nr += drop_small(op, slot, start, next < end ? next : end);
	*at = next;
	return true;
}

u64 shadow_recover_range(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end)
{
	u64 nr = 0;

	for (unsigned id = 0; as < MMU_NR_AS && id < MMU_MAX_SLOTS; id++) {
		gfn_t at = start;

		while (recover_part(op, as, id, &at, end, &nr))
			if (op->may_yield && ++op->work >= PAUSE_RANGES)
				op_yield(op);
	}
	return nr;
}
