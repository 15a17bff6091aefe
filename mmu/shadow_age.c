/* SPDX-License-Identifier: MIT */
/*
 * Aging through rmaps. The lock bit of a list keeps its entries' pages alive: none
 * is freed before its entries have left all lists.
 */
#include "mmu/aging.h"
#include "mmu/memslot.h"
#include "mmu/rmap.h"
#include "mmu/sp.h"

static void age_list(struct aging *aging, struct rmap_head *head, unsigned level, gfn_t gfn)
{
	u64 word = rmap_lock(aging->vm, head), spte;
	struct rmap_iter iter;
	unsigned index;
	spte_t *sptep;

	if (!word)
		return;
	for_each_rmap (aging->vm, head, &iter, sptep) {
		struct sp *sp = sp_of_entry(aging->vm, sptep, &index);

		spte = spte_get(sptep);
		if (spte_is_leaf(spte, level))
			aging_leaf(aging, sp, index, gfn, spte);
	}
	rmap_unlock(head, word);
}

void shadow_age(struct aging *aging)
{
	for (unsigned level = LEVEL_4K; level <= LEVEL_1G; level++) {
		gfn_t step = level_frames(level);

		for (gfn_t gfn = aging->start & ~(step - 1); gfn < aging->end; gfn += step) {
			gfn_t within = gfn < aging->start ? aging->start : gfn;

			stat_add(aging->vm, rmap_visits, 1);
			age_list(aging, slot_rmap(aging->vm, aging->slot, within, level), level,
				 gfn);
		}
	}
}
