/* SPDX-License-Identifier: MIT */
/*
 * A large leaf becomes a table of small ones: the same frames, the same rights.
 *
 *	before	2 MiB leaf, made for gfn 0x400 with rights wux
 *	after	direct page, gfn 0x400, role access wux, 512 leaves
 *
 * No vCPU is needed. What the leaf was made for is noted, so the page's key is
 * the one a fault would look for: a fault afterwards finds this very page.
 */
#include "mmu/flush.h"
#include "mmu/memslot.h"
#include "mmu/rmap.h"
#include "mmu/shadow.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

static unsigned made_with_access(struct mmu_op *op, const struct sp *sp, unsigned index)
{
	const u64 *notes;

	if (!sp->shadowed_hpa)
		return sp->role.access;
	notes = mmu_va(op->vm->env, sp->shadowed_hpa);
	return notes[index] & ACC_ALL;
}

/* One leaf for every frame that the child does not map yet. What it maps already
 * is the same frame with the same rights: they are in its role. That the guest's page
 * is global is not, so none of them is. */
static enum mmu_status fill(struct mmu_op *op, struct sp *child, struct memslot *slot,
			    u64 huge_spte)
{
	unsigned level = child->role.level;

	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		gfn_t gfn = child->gfn + i * level_frames(level);
		spte_t *sptep = sp_entry(op->vm, child, i);

		if (spte_is_present(spte_get(sptep)))
			continue;
		if (shadow_add_rmap(op, child, i, slot, gfn) != MMU_OK)
			return MMU_NOMEM;
		spte_set(op, child, i, gfn, spte_split(huge_spte & ~SPTE_G, level + 1, i));
	}
	return MMU_OK;
}

enum mmu_status shadow_split_leaf(struct mmu_op *op, struct sp *sp, unsigned index)
{
	u64 huge_spte = spte_get(sp_entry(op->vm, sp, index));
	gfn_t gfn = sp_entry_gfn(op->vm, sp, index);
	union mmu_role role = role_child(sp->role, index, true, made_with_access(op, sp, index));
	struct sp *child = shadow_get_page(op, gfn, role);

	if (!child || fill(op, child, sp_slot(op->vm, sp, gfn), huge_spte) != MMU_OK)
		return MMU_NOMEM;
	shadow_drop_entry(op, sp, index);
	flush_need(op, FLUSH_split, gfn, level_frames(sp->role.level));
	return shadow_link(op, sp, index, child);
}

/* Splits the leaves of one rmap, until none is left or there is no memory. */
static enum mmu_status split_rmap(struct mmu_op *op, struct rmap_head *head, u64 *nr)
{
	enum mmu_status status = MMU_OK;
	struct rmap_iter iter;
	unsigned index;
	spte_t *sptep;

	while (status == MMU_OK && (sptep = rmap_first(op->vm, head, &iter))) {
		struct sp *sp = sp_of_entry(op->vm, sptep, &index);

		status = shadow_split_leaf(op, sp, index);
		*nr += status == MMU_OK;
	}
	return status;
}

enum mmu_status shadow_split_frame(struct mmu_op *op, struct memslot *slot, gfn_t gfn, u64 *nr)
{
	enum mmu_status status = MMU_OK;

	for (unsigned level = LEVEL_1G; level > LEVEL_4K && status == MMU_OK; level--)
		status = split_rmap(op, slot_rmap(op->vm, slot, gfn, level), nr);
	return status;
}

enum mmu_status shadow_split_range(struct mmu_op *op, unsigned as, gfn_t *at, gfn_t end, u64 *nr)
{
	enum mmu_status status;
	struct memslot *slot;
	u64 before = *nr;

	while (*at < end) {
		slot = slot_lookup(op->vm, as, *at);
		status = slot ? shadow_split_frame(op, slot, *at, nr) : MMU_OK;
		if (status != MMU_OK)
			return *nr != before ? MMU_AGAIN : status;
		*at = (*at | (level_frames(LEVEL_2M) - 1)) + 1;
		if (*nr != before)
			return MMU_AGAIN;
	}
	return MMU_OK;
}
