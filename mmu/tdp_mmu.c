/* SPDX-License-Identifier: MIT */
/* The TDP MMU: what is done to ranges of frames in all trees. */
#include "mmu/aging.h"
#include "mmu/flush.h"
#include "mmu/memslot.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/tdp_iter.h"
#include "mmu/tdp_mmu.h"

/* ---- ranges -------------------------------------------------------------------------- */

/* Leaves that were zapped and for which no flush is owed yet; frames [start, end). */
struct zapped {
	gfn_t start, end;
	u64 nr;
};

static void note(struct zapped *zapped, const struct tdp_iter *iter)
{
	if (!zapped->nr++)
		zapped->start = iter->gfn;
	zapped->end = iter->gfn + level_frames(iter->level);
}

static u64 owe(struct mmu_op *op, struct zapped *zapped)
{
	u64 nr = zapped->nr;

	if (nr)
		flush_need(op, FLUSH_zap, zapped->start, zapped->end - zapped->start);
	zapped->nr = 0;
	return nr;
}

/*
 * Leaves of an invalid root, too: it may be in use until its vCPUs have reloaded, and
 * after an unmap nothing may lead to the memory.
 */
static u64 zap_leaves(struct mmu_op *op, struct sp *root, gfn_t start, gfn_t end)
{
	struct zapped zapped = { 0 };
	struct tdp_iter iter;
	u64 nr = 0;

	for_each_tdp_entry (iter, op->vm, root, start, end) {
		if (tdp_iter_is_due(&iter, op)) {
			nr += owe(op, &zapped);
			tdp_iter_pause(&iter, op);
			continue;
		}
		if (!spte_is_leaf(iter.old_spte, iter.level))
			continue;
		spte_set(op, iter.sp, iter.index, iter.gfn, 0);
		note(&zapped, &iter);
	}
	return nr + owe(op, &zapped);
}

static u64 tdp_zap_range(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end)
{
	u64 zapped = 0;
	struct sp *root;

	for_each_tdp_root_held(op, root)
		if (root->role.smm == as)
			zapped += zap_leaves(op, root, start, end);
	return zapped;
}

/* Until the reserve must be filled again, or somebody else was faster. */
static enum mmu_status split_tree(struct mmu_op *op, struct sp *root, gfn_t start, gfn_t end,
				  u64 *nr)
{
	struct tdp_iter iter;
	enum mmu_status status;

	for_each_tdp_entry_min (iter, op->vm, root, start, end, LEVEL_2M) {
		if (!spte_is_leaf(iter.old_spte, iter.level))
			continue;
		if (op->reserve->nr < FAULT_PAGES)
			return MMU_AGAIN;
		status = tdp_split_entry(op, &iter);
		if (status != MMU_OK)
			return status;
		++*nr;
	}
	return MMU_OK;
}

static enum mmu_status tdp_split_range(struct mmu_op *op, unsigned as, gfn_t *at, gfn_t end,
				       u64 *nr)
{
	enum mmu_status status;
	struct sp *root;

	for_each_tdp_root(op->vm, root) {
		if (root->role.invalid || root->role.smm != as)
			continue;
		status = split_tree(op, root, *at, end, nr);
		if (status != MMU_OK)
			return status;
	}
	return MMU_OK;
}

/* Of invalid roots, too: no entry of any tree lets the guest write there. */
static bool write_protect_tree(struct mmu_op *op, struct sp *root, gfn_t gfn)
{
	struct tdp_iter iter;
	bool was_writable = false;

	for_each_tdp_entry (iter, op->vm, root, gfn, gfn + 1) {
		if (!spte_is_leaf(iter.old_spte, iter.level) || !(iter.old_spte & SPTE_MMU_W))
			continue;
		spte_set(op, iter.sp, iter.index, iter.gfn,
			 iter.old_spte & ~(SPTE_W | SPTE_MMU_W));
		flush_need(op, FLUSH_wrprot, iter.gfn, level_frames(iter.level));
		was_writable = true;
	}
	return was_writable;
}

static bool tdp_write_protect(struct mmu_op *op, struct memslot *slot, gfn_t gfn)
{
	bool was_writable = false;
	struct sp *root;

	for_each_tdp_root(op->vm, root)
		if (root->role.smm == slot->as)
			was_writable |= write_protect_tree(op, root, gfn);
	return was_writable;
}

/* ---- the contract ---------------------------------------------------------------------- */

const struct mmu_backend tdp_mmu = {
	.name = "tdp",
	.load_root = tdp_load_root,
	.put_root = tdp_put_root,
	.fault = tdp_fault,
	.zap_range = tdp_zap_range,
	.split_range = tdp_split_range,
	.recover_range = tdp_recover_range,
	.obsolete_all = tdp_obsolete_all,
	.zap_obsolete = tdp_zap_obsolete,
	.zap_inner = tdp_zap_inner,
	.write_protect = tdp_write_protect,
	.log_frames = tdp_log_frames,
	.age = tdp_age,
};
