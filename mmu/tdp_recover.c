/* SPDX-License-Identifier: MIT */
/*
 * Tables of small leaves give way to large leaves.
 *
 *	before	entry -> table of 512 leaves, some not mapped
 *	after	leaf: the same memory, and the frames between
 *
 * Level by level from below, so that 2 MiB leaves can become one of 1 GiB.
 */
#include "mmu/flush.h"
#include "mmu/memslot.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/tdp_iter.h"
#include "mmu/tdp_mmu.h"

/* May a leaf of this level stand here? Not where the slot is on its way out. No frame of it is a shadowed table then, so
 * its leaf may have W whatever the small ones had. */
static bool may_be_large(struct mmu_op *op, const struct sp *root, const struct tdp_iter *iter,
			 struct memslot **slot)
{
	*slot = slot_lookup(op->vm, root->role.smm, iter->gfn);
	return slot_is_usable(*slot) && tdp_max_level(op->vm, *slot, iter->gfn) >= iter->level;
}

/* What the leaves of the table have, of the bits that tell that they were used;
 * *leaves: is there any. returns  false: larger tables hang below it */
static bool look(struct mmu_vm *vm, const struct sp *child, bool *leaves, u64 *noted)
{
	*noted = 0;
	*leaves = false;
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		u64 spte = spte_get(sp_entry(vm, child, i));

		if (spte_is_table(spte, child->role.level))
			return false;
		*leaves |= spte_is_present(spte);
		if (spte_is_present(spte))
			*noted |= spte & (SPTE_A | SPTE_D);
	}
	return true;
}

static u64 large_leaf(const struct memslot *slot, const struct tdp_iter *iter, u64 noted)
{
	const struct spte_leaf leaf = {
		.pfn = slot_pfn(slot, iter->gfn),
		.level = iter->level,
		.access = ACC_ALL,
		.host_writable = slot_is_writable(slot),
		.mmu_writable = true,
		.unused = !(noted & SPTE_A),
		.dirty = noted & SPTE_D,
		.ad_disabled = iter->sp->role.ad_disabled,
	};

	return spte_make_leaf(&leaf) | spte_ad_type(true, leaf.ad_disabled);
}

/* A table that maps nothing leaves nothing in its place. What the hardware notes in
 * the old leaves until they are frozen is noted in the new one. */
static u64 replace(struct mmu_op *op, struct tdp_iter *iter, const struct memslot *slot)
{
	struct sp *child = sp_by_table(op->vm, spte_hpa(iter->old_spte));
	u32 present = child->present;
	u64 noted, spte;
	bool leaves;

	if (!look(op->vm, child, &leaves, &noted))
		return 0;
	spte = leaves ? large_leaf(slot, iter, noted) : 0;
	flush_need(op, FLUSH_recover, iter->gfn, level_frames(iter->level));
	/* Till what its leaves note is in the new one nobody finds out. */
	atomic_fetch_add(&op->vm->tdp_unlinked, 1);
	spte_set(op, iter->sp, iter->index, iter->gfn, spte);
	child->ptep = NULL;
	vm_emit(op->vm, op_vcpu(op), sp_unlink, iter->sp->id, (u16)iter->index, child->id);
	noted = tdp_drop_table(op, child, ZAP_recover);
	if (leaves)
		spte_set(op, iter->sp, iter->index, iter->gfn, large_leaf(slot, iter, noted));
	atomic_fetch_sub(&op->vm->tdp_unlinked, 1);
	tdp_iter_reread(iter);
	return present;
}

static u64 recover_level(struct mmu_op *op, struct sp *root, gfn_t start, gfn_t end,
			 unsigned level)
{
	struct memslot *slot;
	struct tdp_iter iter;
	u64 nr = 0;

	for_each_tdp_entry_min (iter, op->vm, root, start, end, level) {
		if (root->role.invalid)
			break;
		if (tdp_iter_is_due(&iter, op)) {
			tdp_iter_pause(&iter, op);
			continue;
		}
		if (iter.level == level && spte_is_table(iter.old_spte, level) &&
		    may_be_large(op, root, &iter, &slot)) {
			nr += replace(op, &iter, slot);
			op->work += PT_ENTRIES;
		}
	}
	return nr;
}

u64 tdp_recover_range(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end)
{
	struct sp *root;
	u64 nr = 0;

	for_each_tdp_root_held(op, root)
		for (unsigned level = LEVEL_2M; root->role.smm == as && level <= LEVEL_1G; level++)
			nr += recover_level(op, root, start, end, level);
	return nr;
}
