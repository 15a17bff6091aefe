/* SPDX-License-Identifier: MIT */
/*
 * Roots of TDP trees, by role: made, shared, left, taken down.
 *
 *	valid     faults add to it; whoever wants this role gets it
 *	  |       invalidated: its vCPUs are asked for another root, a flush is owed
 *	invalid   nothing is added any more, but what must reach every leaf still does
 *	  |       taken down: in parts, small tables first
 *	empty     in no list; only root slots name it
 *	  |       the last root slot forgets it
 *	freed
 *
 * Two counts keep a root: root_count of the root slots, pins of the library
 * itself. One pin is the list's, until the tree has been taken down; who gives
 * the lock up on its way through a tree has another.
 */
#include "mmu/aging.h"
#include "mmu/epoch.h"
#include "mmu/flush.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/tdp_iter.h"
#include "mmu/tdp_mmu.h"

/* ---- making and sharing --------------------------------------------------------- */

static struct sp *root_lookup(struct mmu_vm *vm, union mmu_role role)
{
	struct sp *root;

	for_each_tdp_root(vm, root)
		if (root->role.word == role.word)
			return root;
	return NULL;
}

static struct sp *root_get(struct mmu_op *op, union mmu_role role)
{
	struct sp *root = root_lookup(op->vm, role);

	if (!root) {
		root = sp_create(op, 0, role, SP_TDP);
		if (root) {
			root->pins = 1;
			list_add(&root->active, &op->vm->tdp_roots);
			tdp_tree_new(op->vm, root);
		}
	}
	return root;
}

enum mmu_status tdp_load_root(struct mmu_op *op, struct mmu *mmu)
{
	struct sp *root = root_get(op, mmu->root_role);

	if (!root)
		return MMU_NOMEM;
	root->root_count++;
	mmu->root = (struct mmu_root){ .sp = root };
	vm_emit(op->vm, op_vcpu(op), root_count, root->id, root->root_count);
	vm_emit(op->vm, op_vcpu(op), root_set, 0, root->id, root->table_hpa, 0,
		(u8)context_id(op->vcpu, mmu));
	return MMU_OK;
}

/* ---- letting go ------------------------------------------------------------------- */

/*
 * The page is in no tree. No hardware walks below a root that was invalid before
 * the lock was taken: that flush has been paid, and nobody enters with it. So the
 * page only waits for readers; else for the flush that this operation owes.
 */
static void give_up(struct mmu_op *op, struct sp *sp)
{
	if (op->owed)
		list_add(&sp->active, &op->zapped);
	else
		epoch_defer(op->vm, sp);
}

static void free_if_unused(struct mmu_op *op, struct sp *root)
{
	if (!root->pins && !root->root_count)
		give_up(op, root);
}

void tdp_put_root(struct mmu_op *op, struct mmu_root *slot)
{
	struct sp *root = slot->sp;

	slot->sp = NULL;
	mmu_check(op->vm, root->root_count, "E-4: a root nobody uses is put", root->id, 0);
	root->root_count--;
	vm_emit(op->vm, op_vcpu(op), root_count, root->id, root->root_count);
	free_if_unused(op, root);
}

/* The last pin is that of an invalid and empty root. */
static void unpin(struct mmu_op *op, struct sp *root)
{
	mmu_check(op->vm, root->pins, "I-4: a root nobody holds is let go", root->id, 0);
	mmu_check(op->vm, root->role.invalid || root->pins > 1, "I-4: a valid root is given up",
		  root->id, root->root_count);
	if (--root->pins)
		return;
	list_remove(&root->active);
	tdp_tree_gone(op->vm, root);
	free_if_unused(op, root);
}

struct sp *tdp_next_root(struct mmu_op *op, struct sp *last)
{
	struct list *node = last ? last->active.next : op->vm->tdp_roots.next;
	struct sp *root = NULL;

	mmu_check(op->vm, op->locked == OP_WRITE, "W-1: roots are held without the write lock",
		  op->locked, 0);
	if (node != &op->vm->tdp_roots) {
		root = list_entry(node, struct sp, active);
		root->pins++;
	}
	if (last)
		unpin(op, last);
	return root;
}

/* ---- leaving ----------------------------------------------------------------------- */

static void invalidate(struct mmu_op *op, struct sp *sp, enum zap_why why)
{
	sp_set_invalid(sp);
	vm_emit(op->vm, op_vcpu(op), sp_zap, sp->id, sp->gfn, sp->role.word, sp->root_count,
		(u8)why);
}

static void leave_root(struct mmu_op *op, struct sp *root)
{
	invalidate(op, root, ZAP_tree);
	root->down_level = LEVEL_2M;
	root->down_gfn = 0;
}

u32 tdp_obsolete_all(struct mmu_op *op)
{
	struct mmu_vm *vm = op->vm;
	struct sp *root;
	u32 roots = 0;

	for_each_tdp_root(vm, root) {
		if (root->role.invalid)
			continue;
		leave_root(op, root);
		roots++;
	}
	request_all(vm, MMU_REQ_RELOAD);
	if (roots)
		flush_need(op, FLUSH_zap, 0, 0);
	return roots ? vm->nr_sps - vm->nr_hashed - vm->nr_deferred : 0;
}

/* ---- taking down ------------------------------------------------------------------- */

/* Entries of a table out of its tree are frozen: who still has it in hand puts
 * nothing into it. What the hardware or a repair noted until then is not lost:
 * it is in the value that was exchanged. */
static u64 freeze_entries(struct mmu_op *op, struct sp *sp)
{
	u64 noted = 0;

	for (unsigned i = 0; i < PT_ENTRIES && sp->present; i++) {
		u64 old_spte = spte_get(sp_entry(op->vm, sp, i));

		if (!spte_is_present(old_spte))
			continue;
		mmu_check(op->vm, spte_is_leaf(old_spte, sp->role.level),
			  "I-1: a table goes before what hangs on it", sp->id, i);
		noted |= spte_set(op, sp, i, sp_entry_gfn(op->vm, sp, i), SPTE_FROZEN);
	}
	return noted & (SPTE_A | SPTE_D);
}

u64 tdp_drop_table(struct mmu_op *op, struct sp *child, enum zap_why why)
{
	u64 noted;

	invalidate(op, child, why);
	noted = freeze_entries(op, child);
	give_up(op, child);
	return noted;
}

/* The table that the entry leads to, with all its leaves. */
static void take_off(struct mmu_op *op, struct tdp_iter *iter)
{
	struct sp *child = sp_by_table(op->vm, spte_hpa(iter->old_spte));

	mmu_check(op->vm, child, "D-4: a TDP entry leads to no page of ours", iter->gfn,
		  iter->old_spte);
	/* Till its leaves are frozen nobody finds out whether they were used. */
	atomic_fetch_add(&op->vm->tdp_unlinked, 1);
	spte_set(op, iter->sp, iter->index, iter->gfn, 0);
	child->ptep = NULL;
	vm_emit(op->vm, op_vcpu(op), sp_unlink, iter->sp->id, (u16)iter->index, child->id);
	tdp_drop_table(op, child, ZAP_tree);
	atomic_fetch_sub(&op->vm->tdp_unlinked, 1);
}

/* Tables that hang on entries of root->down_level, up to max; returns how many,
 * fewer than max: the rest. */
static u32 take_off_level(struct mmu_op *op, struct sp *root, u32 max)
{
	struct tdp_iter iter;
	u32 tables = 0;

	for_each_tdp_entry_min (iter, op->vm, root, root->down_gfn, ~(gfn_t)0, root->down_level) {
		if (iter.level != root->down_level || !spte_is_table(iter.old_spte, iter.level))
			continue;
		if (tables == max)
			break;
		take_off(op, &iter);
		root->down_gfn = iter.gfn + level_frames(iter.level);
		tables++;
	}
	return tables;
}

/*
 * Level by level from below: no step is longer than one table of leaves, however
 * much memory hangs on the root; from above, one entry could be a walk through
 * 512 GiB. Nobody adds anything, so what was passed stays empty.
 *   returns  how many pages; fewer than max: the root is down
 */
static u32 take_down(struct mmu_op *op, struct sp *root, u32 max)
{
	unsigned top = root->role.level;
	u32 pages = 0;

	for (; root->down_level <= top; root->down_level++, root->down_gfn = 0) {
		pages += take_off_level(op, root, max - pages);
		if (pages == max)
			return pages;
	}
	mmu_check(op->vm, !root->present, "E-7: a root that was taken down is not empty", root->id,
		  root->present);
	unpin(op, root);
	return pages + 1;
}

static bool is_leaving(const struct sp *root)
{
	return root->role.invalid && root->down_level <= root->role.level;
}

static struct sp *first_leaving(struct mmu_vm *vm)
{
	struct sp *root;

	for_each_tdp_root(vm, root)
		if (is_leaving(root))
			return root;
	return NULL;
}

u32 tdp_zap_obsolete(struct mmu_op *op, u32 max)
{
	struct sp *root;
	u32 pages = 0;

	while (pages < max && (root = first_leaving(op->vm)))
		pages += take_down(op, root, max - pages);
	return pages;
}

void tdp_zap_inner(struct mmu_op *op)
{
	struct sp *root;

	for_each_tdp_root(op->vm, root) {
		if (!root->role.guest_mode || root->role.invalid)
			continue;
		leave_root(op, root);
		request_all(op->vm, MMU_REQ_RELOAD);
		flush_need(op, FLUSH_zap, 0, 0);
	}
	tdp_zap_obsolete(op, UINT32_MAX);
}
