/* SPDX-License-Identifier: MIT */
/*
 * Leaf entries of the shadow MMU. A present leaf stands in exactly one rmap:
 * that of the frame noted for it, at its level. It leaves by the same key, so
 * the frame in the note changes only while the entry is empty; the rights in it
 * follow the entry's.
 */
#include "mmu/flush.h"
#include "mmu/memslot.h"
#include "mmu/rmap.h"
#include "mmu/shadow.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

/* More entries than this for one frame are not kept. */
#define RMAP_LIMIT 1000

void shadow_note(struct mmu_op *op, struct sp *sp, unsigned index, gfn_t gfn, unsigned access)
{
	u64 *notes;

	if (!sp->shadowed_hpa)
		return;
	notes = mmu_va(op->vm->env, sp->shadowed_hpa);
	notes[index] = gfn << PAGE_SHIFT | access;
}

enum mmu_status shadow_add_rmap(struct mmu_op *op, struct sp *sp, unsigned index,
				struct memslot *slot, gfn_t gfn)
{
	unsigned level = sp->role.level;
	struct rmap_head *head = slot_rmap(op->vm, slot, gfn, level);

	if (rmap_count(op->vm, head) >= RMAP_LIMIT) {
		shadow_zap_rmap(op, head);
		flush_need(op, FLUSH_zap, gfn, level_frames(level));
	}
	if (rmap_add(op->vm, head, sp_entry(op->vm, sp, index), op->reserve) != MMU_OK)
		return MMU_NOMEM;
	vm_emit(op->vm, op_vcpu(op), rmap_add, slot->as, gfn, (u8)level, sp->id, (u16)index);
	return MMU_OK;
}

void shadow_leaf_dropped(struct mmu_op *op, struct sp *sp, unsigned index, gfn_t gfn)
{
	struct memslot *slot = sp_slot(op->vm, sp, gfn);
	unsigned level = sp->role.level;

	mmu_check(op->vm, slot, "C-3: an entry maps a frame of no slot", gfn, sp->id);
	rmap_remove(op->vm, slot_rmap(op->vm, slot, gfn, level), sp_entry(op->vm, sp, index));
	vm_emit(op->vm, op_vcpu(op), rmap_remove, slot->as, gfn, (u8)level, sp->id, (u16)index);
}

u32 shadow_zap_rmap(struct mmu_op *op, struct rmap_head *head)
{
	struct rmap_iter iter;
	unsigned index;
	spte_t *sptep;
	u32 zapped = 0;

	for (; (sptep = rmap_first(op->vm, head, &iter)); zapped++) {
		struct sp *sp = sp_of_entry(op->vm, sptep, &index);

		shadow_drop_entry(op, sp, index);
	}
	return zapped;
}

static bool maps_the_same(struct mmu_op *op, const struct sp *sp, unsigned index, gfn_t gfn,
			  u64 old_spte, u64 spte)
{
	return spte_is_leaf(old_spte, sp->role.level) && spte_hpa(old_spte) == spte_hpa(spte) &&
	       sp_entry_gfn(op->vm, sp, index) == gfn;
}

enum mmu_status shadow_set_leaf(struct mmu_op *op, struct sp *sp, unsigned index,
				struct memslot *slot, gfn_t gfn, const struct spte_leaf *leaf)
{
	u64 spte = spte_make_leaf(leaf), old_spte = spte_get(sp_entry(op->vm, sp, index));
	unsigned level = sp->role.level;

	if (spte_is_present(old_spte) && !maps_the_same(op, sp, index, gfn, old_spte, spte)) {
		shadow_drop_entry(op, sp, index);
		flush_need(op, FLUSH_changed, gfn, level_frames(level));
		old_spte = 0;
	}
	if (!spte_is_present(old_spte) && shadow_add_rmap(op, sp, index, slot, gfn) != MMU_OK)
		return MMU_NOMEM;
	/* Who could write still can: the frame's bit is set, its next write is no news. */
	if (leaf->held && spte & SPTE_MMU_W && spte_is_writable(old_spte))
		spte |= SPTE_W;
	shadow_note(op, sp, index, gfn, leaf->access);
	old_spte = spte_set(op, sp, index, gfn, spte);
	if (spte_needs_flush(old_spte, spte, level))
		flush_need(op, FLUSH_changed, gfn, level_frames(level));
	return (old_spte ^ spte) & ~(SPTE_A | SPTE_D) ? MMU_OK : MMU_AGAIN;
}

void shadow_set_mmio(struct mmu_op *op, struct sp *sp, unsigned index, gfn_t gfn, unsigned access)
{
	u64 generation = op->vm->slots[sp->role.smm].generation;

	if (shadow_drop_entry(op, sp, index))
		flush_need(op, FLUSH_changed, gfn, 1);
	shadow_note(op, sp, index, gfn, access);
	spte_set(op, sp, index, gfn, spte_make_mmio(gfn, access, generation));
}
