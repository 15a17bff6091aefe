/* SPDX-License-Identifier: MIT */
/*
 * Aging, among the library's files: a look at some frames of one slot, which the back
 * ends fill in.
 *
 *	age.c		the front door: which slots, in how many parts, what is told
 *	aging.c		one look: what a leaf says, and what entries that went had said
 *	tdp_age.c	finds the leaves in the trees, and the trees
 *	shadow_age.c	finds them through the rmaps
 *
 * Two rules make it right without vm->lock.
 *   - Nobody takes a used leaf away before he has noted that it was used
 *     (aging_note(), in spte_set.c, and that by compare-exchange): who finds no leaf
 *     and reads the notes afterwards finds the note.
 *   - A tree is found until all of it has been noted; and while a table is out of its
 *     tree and its leaves have not, vm->tdp_unlinked says so.
 *
 * Context: a look is made in a read bracket (epoch.h) or under vm->lock.
 */
#ifndef MMU_AGING_H
#define MMU_AGING_H

#include "mmu/internal.h"

#define AGING_FRAMES 2048u	/* at most, at once */

struct aging {
	struct mmu_vm *vm;
	bool clear;			/* what is young becomes old */
	const struct memslot *slot;	/* whose frames are looked at; all are in it */
	gfn_t start, end;
	gfn_t base;			/* of bit 0 of both: start rounded down to 64 */
	u64 young[AGING_FRAMES / 64];
	u64 unsure[AGING_FRAMES / 64];	/* only what is young is certain */
};

/* A present leaf, entry `index` of sp, which maps frames from gfn on. */
void aging_leaf(struct aging *aging, struct sp *sp, unsigned index, gfn_t gfn, u64 spte);

/* Frames [gfn, gfn + frames) cannot be looked at now. */
void aging_unsure(struct aging *aging, gfn_t gfn, u64 frames);

/* Takes in what entries that went had said. After the entries, never before. */
void aging_take_notes(struct aging *aging);

/* Frames [gfn, gfn + frames) of address space as were used, and no leaf will say so.
 * Frames of no slot are passed over.
 * context  vm->lock held, at least for reading */
void aging_note(struct mmu_vm *vm, unsigned as, gfn_t gfn, u64 frames);

/* ---- tdp_age.c, shadow_age.c: `age` of the back ends ------------------------------ */

void tdp_age(struct aging *aging);
void shadow_age(struct aging *aging);

/*
 * Trees that aging looks through: a root is found from the one call to the other, valid
 * or not. gone: all below it is empty; before it is queued to be freed.
 * Context: any.
 */
void tdp_tree_new(struct mmu_vm *vm, struct sp *root);
void tdp_tree_gone(struct mmu_vm *vm, struct sp *root);

#endif
