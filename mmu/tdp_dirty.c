/* SPDX-License-Identifier: MIT */
/* The dirty log in TDP trees. */
#include "mmu/dirty.h"
#include "mmu/tdp_iter.h"
#include "mmu/tdp_mmu.h"

static u64 log_tree(struct mmu_op *op, struct sp *root, const struct memslot *slot, gfn_t gfn,
		    u64 mask, enum dirty_how how)
{
	gfn_t end = gfn + 64 - (unsigned)__builtin_clzll(mask);
	struct tdp_iter iter;
	u64 taken = 0, bit;

	for_each_tdp_entry (iter, op->vm, root, gfn + (unsigned)__builtin_ctzll(mask), end) {
		if (!spte_is_leaf(iter.old_spte, iter.level) || (iter.level > LEVEL_4K && how != DIRTY_BEGIN))
			continue;
		bit = iter.level > LEVEL_4K ? mask : mask & BIT(iter.gfn - gfn);
		if (bit && dirty_rearm(op, slot, iter.sp, iter.index, iter.gfn, how))
			taken |= bit;
	}
	return taken;
}

u64 tdp_log_frames(struct mmu_op *op, const struct memslot *slot, gfn_t gfn, u64 mask, enum dirty_how how)
{
	struct sp *root;
	u64 taken = 0;

	if (!mask)
		return 0;
	for_each_tdp_root(op->vm, root)
		if (root->role.smm == slot->as)
			taken |= log_tree(op, root, slot, gfn, mask, how);
	return taken;
}
