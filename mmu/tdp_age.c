/* SPDX-License-Identifier: MIT */
/*
 * Aging in TDP trees, in a read bracket. The trees hang on a list of their own
 * that is read without a lock: a root that leaves it still leads to the next one
 * until it is freed, and that is when every reader is out.
 */
#include "mmu/aging.h"
#include "mmu/memslot.h"
#include "mmu/tdp_iter.h"

/* A root is in no hash. */
static struct sp **tree_link(struct sp *root)
{
	return &root->hash_next;
}

void tdp_tree_new(struct mmu_vm *vm, struct sp *root)
{
	spin_lock(vm->env, &vm->free_lock);
	*tree_link(root) = vm->tdp_trees;
	__atomic_store_n(&vm->tdp_trees, root, __ATOMIC_RELEASE);
	spin_unlock(&vm->free_lock);
}

void tdp_tree_gone(struct mmu_vm *vm, struct sp *root)
{
	struct sp **link = &vm->tdp_trees;

	spin_lock(vm->env, &vm->free_lock);
	while (*link && *link != root)
		link = tree_link(*link);
	mmu_check(vm, *link, "K-1: a tree that goes was not known", root->id, root->role.word);
	__atomic_store_n(link, *tree_link(root), __ATOMIC_RELEASE);
	spin_unlock(&vm->free_lock);
}

static struct sp *next_tree(struct sp **link)
{
	return __atomic_load_n(link, __ATOMIC_ACQUIRE);
}

static void age_tree(struct aging *aging, struct sp *root)
{
	struct tdp_iter iter;

	for_each_tdp_entry (iter, aging->vm, root, aging->start, aging->end) {
		if (iter.old_spte == SPTE_FROZEN)
			aging_unsure(aging, iter.gfn, level_frames(iter.level));
		else if (spte_is_leaf(iter.old_spte, iter.level))
			aging_leaf(aging, iter.sp, iter.index, iter.gfn, iter.old_spte);
	}
}

void tdp_age(struct aging *aging)
{
	for (struct sp *root = next_tree(&aging->vm->tdp_trees); root;
	     root = next_tree(tree_link(root)))
		if (sp_role(root).smm == aging->slot->as)
			age_tree(aging, root);
	if (atomic_load(&aging->vm->tdp_unlinked))
		aging_unsure(aging, aging->start, aging->end - aging->start);
}
