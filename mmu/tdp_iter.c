/* SPDX-License-Identifier: MIT */
/* The cursor over a TDP tree. */
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/tdp_iter.h"

/* So many entries are looked at before others get their turn. */
#define PAUSE_ENTRIES	4096

void tdp_iter_reread(struct tdp_iter *iter)
{
	iter->old_spte = spte_get(sp_entry(iter->vm, iter->sp, iter->index));
	/* Who finds nothing has nothing to be surprised by till it stores. */
	if (iter->old_spte)
		mmu_point(iter->vm, tdp_step);
}

/* Stands on the entry of the table at this level that maps gfn. */
static void iter_stand(struct tdp_iter *iter, struct sp *sp, gfn_t gfn)
{
	iter->sp = sp;
	iter->level = sp_level(sp);
	iter->path[iter->level] = sp;
	iter->gfn = gfn & ~(level_frames(iter->level) - 1);
	iter->index = level_index(iter->gfn << PAGE_SHIFT, iter->level);
	tdp_iter_reread(iter);
}

static void iter_restart(struct tdp_iter *iter)
{
	iter->yielded = false;
	iter->valid = iter->next_gfn < iter->end_gfn;
	if (iter->valid)
		iter_stand(iter, iter->root, iter->next_gfn);
}

void tdp_iter_start(struct tdp_iter *iter, struct mmu_vm *vm, struct sp *root, gfn_t start,
		    gfn_t end, unsigned min_level)
{
	gfn_t limit = PT_ENTRIES * level_frames(sp_level(root));

	*iter = (struct tdp_iter){
		.vm = vm,
		.root = root,
		.min_level = min_level,
		.next_gfn = start,
		.paused_gfn = start,
		.end_gfn = end < limit ? end : limit,
	};
	iter_restart(iter);
}

/* The entry may have become a table since it was read, or a table a leaf. */
static bool iter_step_down(struct tdp_iter *iter)
{
	struct sp *child;

	if (iter->level == iter->min_level)
		return false;
	tdp_iter_reread(iter);
	if (!spte_is_table(iter->old_spte, iter->level))
		return false;
	child = sp_by_table(iter->vm, spte_hpa(iter->old_spte));
	mmu_check(iter->vm, child, "D-4: a TDP entry leads to no page of ours", iter->gfn,
		  iter->old_spte);
	iter_stand(iter, child, iter->next_gfn);
	return true;
}

static bool iter_step_side(struct tdp_iter *iter)
{
	if (iter->index == PT_ENTRIES - 1)
		return false;
	iter->gfn += level_frames(iter->level);
	iter->next_gfn = iter->gfn;
	iter->index++;
	if (iter->gfn >= iter->end_gfn)
		iter->valid = false;
	else
		tdp_iter_reread(iter);
	return true;
}

/* To the entry above that leads here; it was visited before. */
static bool iter_step_up(struct tdp_iter *iter)
{
	if (iter->sp == iter->root)
		return false;
	iter->level++;
	iter->sp = iter->path[iter->level];
	iter->gfn &= ~(level_frames(iter->level) - 1);
	iter->index = level_index(iter->gfn << PAGE_SHIFT, iter->level);
	return true;
}

void tdp_iter_next(struct tdp_iter *iter)
{
	if (iter->yielded) {
		iter_restart(iter);
		return;
	}
	if (iter_step_down(iter))
		return;
	do {
		if (iter_step_side(iter))
			return;
	} while (iter_step_up(iter));
	iter->valid = false;
}

void tdp_iter_yielded(struct tdp_iter *iter)
{
	iter->yielded = true;
}

bool tdp_iter_is_due(const struct tdp_iter *iter, struct mmu_op *op)
{
	return op->may_yield && op->work++ >= PAUSE_ENTRIES && iter->next_gfn != iter->paused_gfn;
}

void tdp_iter_pause(struct tdp_iter *iter, struct mmu_op *op)
{
	iter->paused_gfn = iter->next_gfn;
	op_yield(op);
	tdp_iter_yielded(iter);
}
