/* SPDX-License-Identifier: MIT */
/* The TDP MMU: roots, and what is done to whole trees under the write lock. */
#include "mmu/flush.h"
#include "mmu/memslot.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/tdp_iter.h"
#include "mmu/tdp_mmu.h"

#define for_each_tdp_root(vm, root)                                                                \
	for (root = list_entry((vm)->tdp_roots.next, struct sp, active);                           \
	     &root->active != &(vm)->tdp_roots;                                                    \
	     root = list_entry(root->active.next, struct sp, active))

/* ---- roots ----------------------------------------------------------------------- */

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
		if (root)
			list_add(&root->active, &op->vm->tdp_roots);
	}
	return root;
}

static enum mmu_status tdp_load_root(struct mmu_op *op, struct mmu *mmu)
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

static void tdp_put_root(struct mmu_op *op, struct mmu_root *slot)
{
	struct sp *root = slot->sp;

	slot->sp = NULL;
	mmu_check(op->vm, root->root_count, "E-4: a root nobody uses is put", root->id, 0);
	root->root_count--;
	vm_emit(op->vm, op_vcpu(op), root_count, root->id, root->root_count);
	if (root->role.invalid && !root->root_count)
		list_add(&root->active, &op->zapped);
}

/* ---- taking trees down --------------------------------------------------------------- */

static void invalidate(struct mmu_op *op, struct sp *sp)
{
	sp_set_invalid(sp);
	vm_emit(op->vm, op_vcpu(op), sp_zap, sp->id, sp->gfn, sp->role.word, sp->root_count,
		(u8)ZAP_tree);
}

/* Entries of a removed table are frozen: who still has it in hand puts nothing
 * into it. returns the table that the entry led to, or NULL */
static struct sp *freeze_entry(struct mmu_op *op, struct sp *sp, unsigned index)
{
	gfn_t gfn = sp_entry_gfn(op->vm, sp, index);
	u64 old_spte = spte_get(sp_entry(op->vm, sp, index));
	struct sp *child;

	if (!spte_is_present(old_spte))
		return NULL;
	old_spte = spte_set(op, sp, index, gfn, SPTE_FROZEN);
	if (spte_is_leaf(old_spte, sp->role.level))
		return NULL;
	child = sp_by_table(op->vm, spte_hpa(old_spte));
	mmu_check(op->vm, child, "D-4: a TDP entry leads to no page of ours", gfn, old_spte);
	child->ptep = NULL;
	vm_emit(op->vm, op_vcpu(op), sp_unlink, sp->id, (u16)index, child->id);
	return child;
}

/* Takes all entries out of the tree and queues all its tables but the root;
 * returns how many pages it had, the root included. */
static u32 tear_down(struct mmu_op *op, struct sp *root)
{
	struct {
		struct sp *sp;
		unsigned next;
	} stack[LEVEL_MAX] = { { root, 0 } };
	unsigned depth = 1;
	u32 pages = 1;

	invalidate(op, root);
	while (depth > 0) {
		struct sp *sp = stack[depth - 1].sp, *child = NULL;

		while (!child && stack[depth - 1].next < PT_ENTRIES)
			child = freeze_entry(op, sp, stack[depth - 1].next++);
		if (!child) {
			depth--;
			continue;
		}
		invalidate(op, child);
		list_add(&child->active, &op->zapped);
		stack[depth].sp = child;
		stack[depth++].next = 0;
		pages++;
	}
	return pages;
}

static u32 tdp_obsolete_all(struct mmu_op *op)
{
	struct mmu_vm *vm = op->vm;
	u32 pages = 0;

	while (!list_is_empty(&vm->tdp_roots)) {
		struct sp *root = list_entry(vm->tdp_roots.next, struct sp, active);

		list_remove(&root->active);
		pages += tear_down(op, root);
		if (!root->root_count)
			list_add(&root->active, &op->zapped);
	}
	request_all(vm, MMU_REQ_RELOAD);
	if (pages)
		flush_need(op, FLUSH_zap, 0, 0);
	return pages;
}

static void tdp_zap_inner(struct mmu_op *op)
{
	struct list *node, *next;

	for (node = op->vm->tdp_roots.next; node != &op->vm->tdp_roots; node = next) {
		struct sp *root = list_entry(node, struct sp, active);

		next = node->next;
		if (!root->role.guest_mode)
			continue;
		list_remove(node);
		tear_down(op, root);
		if (!root->root_count)
			list_add(&root->active, &op->zapped);
		else
			request_all(op->vm, MMU_REQ_RELOAD);
		flush_need(op, FLUSH_zap, 0, 0);
	}
}

/* ---- ranges -------------------------------------------------------------------------- */

static u64 zap_leaves(struct mmu_op *op, struct sp *root, gfn_t start, gfn_t end)
{
	struct tdp_iter iter;
	u64 zapped = 0;

	for_each_tdp_entry (iter, op->vm, root, start, end) {
		if (!spte_is_leaf(iter.old_spte, iter.level))
			continue;
		spte_set(op, iter.sp, iter.index, iter.gfn, 0);
		zapped++;
	}
	return zapped;
}

static u64 tdp_zap_range(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end)
{
	struct sp *root;
	u64 zapped = 0;

	for_each_tdp_root(op->vm, root)
		if (root->role.smm == as)
			zapped += zap_leaves(op, root, start, end);
	if (zapped)
		flush_need(op, FLUSH_zap, start, end - start);
	return zapped;
}

static enum mmu_status split_tree(struct mmu_op *op, struct sp *root, gfn_t start, gfn_t end,
				  u64 *nr)
{
	struct tdp_iter iter;

	for_each_tdp_entry_min (iter, op->vm, root, start, end, LEVEL_2M) {
		if (!spte_is_leaf(iter.old_spte, iter.level))
			continue;
		if (tdp_split_entry(op, &iter) != MMU_OK)
			return MMU_NOMEM;
		++*nr;
		return MMU_AGAIN;
	}
	return MMU_OK;
}

static enum mmu_status tdp_split_range(struct mmu_op *op, unsigned as, gfn_t *at, gfn_t end,
				       u64 *nr)
{
	enum mmu_status status;
	struct sp *root;

	for_each_tdp_root(op->vm, root) {
		status = root->role.smm == as ? split_tree(op, root, *at, end, nr) : MMU_OK;
		if (status != MMU_OK)
			return status;
	}
	return MMU_OK;
}

static bool write_protect_tree(struct mmu_op *op, struct sp *root, gfn_t gfn)
{
	struct tdp_iter iter;
	bool was_writable = false;

	for_each_tdp_entry (iter, op->vm, root, gfn, gfn + 1) {
		if (!spte_is_leaf(iter.old_spte, iter.level) || !(iter.old_spte & SPTE_MMU_W))
			continue;
		spte_set(op, iter.sp, iter.index, iter.gfn,
			 iter.old_spte & ~(SPTE_W | SPTE_MMU_W));
		was_writable = true;
	}
	return was_writable;
}

static bool tdp_write_protect(struct mmu_op *op, struct memslot *slot, gfn_t gfn)
{
	bool was_writable = false;
	struct sp *root;

	for_each_tdp_root(op->vm, root)
		if (root->role.smm == slot->as)
			was_writable |= write_protect_tree(op, root, gfn);
	return was_writable;
}

/* ---- the contract ---------------------------------------------------------------------- */

const struct mmu_backend tdp_mmu = {
	.name = "tdp",
	.load_root = tdp_load_root,
	.put_root = tdp_put_root,
	.fault = tdp_fault,
	.zap_range = tdp_zap_range,
	.split_range = tdp_split_range,
	.obsolete_all = tdp_obsolete_all,
	.zap_inner = tdp_zap_inner,
	.write_protect = tdp_write_protect,
};
