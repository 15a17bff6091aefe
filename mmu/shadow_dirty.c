/* SPDX-License-Identifier: MIT */
/* The dirty log in shadow pages, those of inner guests too: found by the rmaps. */
#include "mmu/dirty.h"
#include "mmu/rmap.h"
#include "mmu/shadow.h"
#include "mmu/sp.h"

static bool log_rmap(struct mmu_op *op, const struct memslot *slot, struct rmap_head *head,
		     enum dirty_how how)
{
	struct rmap_iter iter;
	bool taken = false;
	unsigned index;
	spte_t *sptep;

	for_each_rmap (op->vm, head, &iter, sptep) {
		struct sp *sp = sp_of_entry(op->vm, sptep, &index);

		taken |= dirty_rearm(op, slot, sp, index, sp_entry_gfn(op->vm, sp, index), how);
	}
	return taken;
}

u64 shadow_log_frames(struct mmu_op *op, const struct memslot *slot, gfn_t gfn, u64 mask,
		      enum dirty_how how)
{
	unsigned top = how == DIRTY_BEGIN ? LEVEL_1G : LEVEL_4K;
	u64 taken = 0;

	for (u64 left = mask; left; left &= left - 1) {
		unsigned i = (unsigned)__builtin_ctzll(left);

		for (unsigned level = LEVEL_4K; level <= top; level++)
			if (log_rmap(op, slot, slot_rmap(op->vm, slot, gfn + i, level), how))
				taken |= BIT(i);
	}
	return taken;
}
