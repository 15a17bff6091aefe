/* SPDX-License-Identifier: MIT */
/*
 * Prefetch: the neighbours of a leaf that a fault has made, from the same mirror.
 * A guest that touches one page often touches the next one soon.
 *
 *	entries   8k ... 8k + 7     one of them faulted
 *
 * Only what the guest has used before (A is set there) and what is empty here:
 * an entry made in advance must cost nothing but the reading. It is made old, for
 * nobody has used it through us, and no table becomes unsync for its sake.
 */
#include "mmu/dirty.h"
#include "mmu/guest_pte.h"
#include "mmu/memslot.h"
#include "mmu/mirror.h"
#include "mmu/shadow.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/unsync.h"

#define GROUP 8

/* returns  NOMEM: it is as it was, and there is no point in going on */
static enum mmu_status prefetch_leaf(struct mmu_op *op, struct sp *sp, unsigned index,
				     gfn_t gfn, unsigned access)
{
	struct memslot *slot = sp_slot(op->vm, sp, gfn);
	bool usable = slot_is_usable(slot);
	const struct spte_leaf leaf = {
		.pfn = usable ? slot_pfn(slot, gfn) : 0,
		.level = LEVEL_4K,
		.access = access,
		.host_writable = usable && slot_is_writable(slot),
		.mmu_writable = usable && unsync_try(op, slot, gfn, false),
		.unused = true,
		.held = slot && slot_holds_w(slot),
		.ad_disabled = sp->role.ad_disabled,
	};

	return usable ? shadow_set_leaf(op, sp, index, slot, gfn, &leaf) : MMU_OK;
}

static enum mmu_status prefetch_entry(struct mmu_op *op, struct sp *sp,
				      const struct mirror *mirror, unsigned index)
{
	u64 gpte = mirror_gpte(mirror, index);
	unsigned access = ACC_ALL;

	if (spte_get(sp_entry(op->vm, sp, index)) || !mirror_is_usable(mirror, gpte) ||
	    !(gpte & GPTE_A) || !mirror_leaf_rights(mirror, gpte, &access))
		return MMU_OK;
	return prefetch_leaf(op, sp, index, mirror_gfn(mirror, index, gpte), access);
}

void shadow_prefetch(struct mmu_op *op, struct sp *sp, unsigned index)
{
	unsigned first = index & ~(GROUP - 1u);
	enum mmu_status status = MMU_OK;
	struct mirror mirror;

	if (!mmu_get_knob(op->vm, MMU_KNOB_prefetch) || sp->role.level != LEVEL_4K ||
	    !sp_has_gptes(sp) || !mirror_begin(op->vm, sp, &mirror))
		return;
	for (unsigned i = first; i < first + GROUP && status != MMU_NOMEM; i++)
		status = prefetch_entry(op, sp, &mirror, i);
}
