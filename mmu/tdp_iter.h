/* SPDX-License-Identifier: MIT */
/*
 * Pre-order walk of a TDP tree: down as long as there is a table, then to the
 * side, then up. After a pause (yield) it starts again at the root and goes
 * down to where it was; the caller must `continue` then.
 *
 *	for_each_tdp_entry(iter, vm, root, start, end)
 *		... iter.sp, iter.index, iter.level, iter.gfn, iter.old_spte
 */
#ifndef MMU_TDP_ITER_H
#define MMU_TDP_ITER_H

#include "mmu/internal.h"

struct tdp_iter {
	bool valid;		/* the members below name an entry */
	struct mmu_vm *vm;
	struct sp *root;
	gfn_t next_gfn;		/* first frame not yet visited at the lowest level */
	gfn_t end_gfn;		/* one past the last frame */
	gfn_t gfn;		/* first frame the entry stands for */
	unsigned level;		/* of the table the entry lies in */
	unsigned min_level;	/* do not go below */
	struct sp *sp;		/* that table */
	unsigned index;		/* of the entry in it */
	u64 old_spte;		/* its value when it was read */
	struct sp *path[LEVEL_MAX + 1];	/* by level: the tables above */
	bool yielded;		/* the next step starts again from the root */
	gfn_t paused_gfn;	/* next_gfn at the last pause */
};

/* min_level 1..root level; [start, end) is cut to what the root can map. */
void tdp_iter_start(struct tdp_iter *iter, struct mmu_vm *vm, struct sp *root, gfn_t start,
		    gfn_t end, unsigned min_level);
void tdp_iter_next(struct tdp_iter *iter);

/* The entry changed (or a CAS failed): read it again. */
void tdp_iter_reread(struct tdp_iter *iter);

/* Others may have changed the tree: go on from the root at the next step. */
void tdp_iter_yielded(struct tdp_iter *iter);

/*
 * Is it time to give others their turn? The operation may, has seen much since it
 * has the lock, and has come on since its last pause. Then the caller says what
 * flush is owed, pauses (op_yield), and must `continue`.
 */
bool tdp_iter_is_due(const struct tdp_iter *iter, struct mmu_op *op);
void tdp_iter_pause(struct tdp_iter *iter, struct mmu_op *op);

#define for_each_tdp_entry_min(iter, vm, root, start, end, min)                                    \
	for (tdp_iter_start(&(iter), vm, root, start, end, min); (iter).valid;                     \
	     tdp_iter_next(&(iter)))
#define for_each_tdp_entry(iter, vm, root, start, end)                                             \
	for_each_tdp_entry_min(iter, vm, root, start, end, LEVEL_4K)

#endif
