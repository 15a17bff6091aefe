/* SPDX-License-Identifier: MIT */
/* A nested page fault: find the memory, go down the tree, link what is missing. */
#include "mmu/dirty.h"
#include "mmu/flush.h"
#include "mmu/memslot.h"
#include "mmu/mmio.h"
#include "mmu/page_track.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/tdp_iter.h"
#include "mmu/tdp_mmu.h"
#include "mmu/unsync.h"

/* What the fault wants to see mapped. */
struct want {
	struct mmu_op *op;
	struct memslot *slot;	/* NULL: device memory */
	gfn_t gfn;
	unsigned level;		/* of the leaf to make */
	bool write;
	bool mmu_writable;	/* no synced shadow stands on gfn */
	enum mmu_verdict verdict;
};

unsigned tdp_max_level(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn)
{
	unsigned level;

	if (!mmu_get_knob(vm, MMU_KNOB_huge))
		return LEVEL_4K;
	level = slot_max_level(slot, gfn);
	while (level > LEVEL_4K &&
	       !track_allows_level(vm, slot, gfn & ~(level_frames(level) - 1), level))
		level--;
	return level;
}

static u64 want_mmio(const struct want *want, const struct tdp_iter *iter)
{
	struct mmu_vm *vm = want->op->vm;

	return spte_make_mmio(iter->gfn, ACC_ALL, vm->slots[iter->sp->role.smm].generation);
}

static u64 want_leaf(const struct want *want, const struct tdp_iter *iter)
{
	const struct spte_leaf leaf = {
		.pfn = slot_pfn(want->slot, iter->gfn),
		.level = iter->level,
		.access = ACC_ALL,
		.host_writable = slot_is_writable(want->slot),
		.mmu_writable = want->mmu_writable,
		.dirty = want->write,
		.held = slot_holds_w(want->slot) && !want->write,
		.ad_disabled = iter->sp->role.ad_disabled,
	};

	return spte_make_leaf(&leaf) | spte_ad_type(true, leaf.ad_disabled);
}

/* Another vCPU was faster, or the access was mapped all the time; but what is tracked
 * has to become young. */
static bool already_mapped(const struct want *want, u64 spte)
{
	return spte_is_present(spte) && (!want->write || spte_is_writable(spte));
}

static enum mmu_verdict map_leaf(struct want *want, struct tdp_iter *iter)
{
	bool mapped = already_mapped(want, iter->old_spte);
	u64 spte;

	if (mapped && !spte_is_tracked(iter->old_spte))
		return MMU_SPURIOUS;
	spte = mapped	   ? spte_make_young(iter->old_spte) :
	       want->slot  ? want_leaf(want, iter) :
			     want_mmio(want, iter);
	mmu_point(want->op->vm, spte_cas);
	/* AGAIN means that somebody else worked on the entry: the guest looks. */
	(void)!spte_cas(want->op, iter->sp, iter->index, iter->gfn, iter->old_spte, spte);
	return MMU_RETRY;
}

/* A table for the entry, not yet linked; NULL: no memory. */
static struct sp *make_child(struct want *want, const struct tdp_iter *iter)
{
	union mmu_role role = role_child(iter->sp->role, iter->index, true, ACC_ALL);
	struct sp *child = sp_create(want->op, iter->gfn, role, SP_TDP);

	if (child)
		child->ptep = sp_entry(want->op->vm, iter->sp, iter->index);
	return child;
}

static bool link_child(struct want *want, struct tdp_iter *iter, struct sp *child)
{
	u64 spte = spte_make_table(child->table_hpa) |
		   spte_ad_type(true, iter->sp->role.ad_disabled);

	mmu_point(want->op->vm, spte_cas);
	if (spte_cas(want->op, iter->sp, iter->index, iter->gfn, iter->old_spte, spte) != MMU_OK)
		return false;
	vm_emit(want->op->vm, op_vcpu(want->op), sp_link, iter->sp->id, (u16)iter->index,
		child->id);
	iter->old_spte = spte;
	return true;
}

/* The child is nobody's but ours, so no exchange can fail. */
static void fill_child(struct want *want, struct sp *child, u64 huge_spte, bool fill)
{
	unsigned level = child->role.level;

	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		u64 spte = spte_split(huge_spte, level + 1, i);
		enum mmu_status status;

		status = spte_cas(want->op, child, i, child->gfn + i * level_frames(level),
				  fill ? 0 : spte, fill ? spte : 0);
		mmu_check(want->op->vm, status == MMU_OK, "W-1: an unlinked table was changed",
			  child->id, i);
	}
}

/* Nothing yet: an empty table. A huge leaf where small ones are wanted now: a
 * table that maps the same. returns false: the fault is over */
static bool go_down(struct want *want, struct tdp_iter *iter)
{
	u64 huge_spte = spte_is_present(iter->old_spte) ? iter->old_spte : 0;
	struct sp *child = make_child(want, iter);

	want->verdict = child ? MMU_RETRY : MMU_NO_MEMORY;
	if (!child)
		return false;
	if (huge_spte)
		fill_child(want, child, huge_spte, true);
	if (!link_child(want, iter, child)) {
		if (huge_spte)
			fill_child(want, child, huge_spte, false);
		sp_free(want->op->vm, child);
		return false;
	}
	if (huge_spte)
		flush_need(want->op, FLUSH_split, iter->gfn, level_frames(iter->level));
	return true;
}

enum mmu_status tdp_split_entry(struct mmu_op *op, struct tdp_iter *iter)
{
	struct want want = { .op = op };

	if (go_down(&want, iter))
		return MMU_OK;
	return want.verdict == MMU_NO_MEMORY ? MMU_NOMEM : MMU_AGAIN;
}

/* One entry on the way down. returns false: the fault is over */
static bool visit(struct want *want, struct tdp_iter *iter)
{
	if (iter->old_spte == SPTE_FROZEN) {
		want->verdict = MMU_RETRY;
		return false;
	}
	/* Where small pages are mapped they stay: putting a huge one in their
	 * place would cost a flush for nothing. */
	if (spte_is_table(iter->old_spte, iter->level))
		return true;
	/* A huge leaf serves as it is, unless tracking took its W away. Below a
	 * table, the pages are smaller than they might be. */
	if (iter->level <= want->level || already_mapped(want, iter->old_spte)) {
		want->verdict = map_leaf(want, iter);
		return false;
	}
	return go_down(want, iter);
}

static enum mmu_verdict tdp_map(struct want *want, struct sp *root)
{
	struct mmu_vm *vm = want->op->vm;
	struct tdp_iter iter;

	want->level = want->slot ? tdp_max_level(vm, want->slot, want->gfn) : LEVEL_4K;
	want->verdict = MMU_RETRY;
	for_each_tdp_entry (iter, vm, root, want->gfn, want->gfn + 1)
		if (!visit(want, &iter))
			break;
	return want->verdict;
}

/* Under the lock, so that slot, tracking and root hold until the entry is made. */
static enum mmu_verdict fault_locked(struct mmu_op *op, const struct mmu_fault_in *in,
				     struct mmu_fault *out)
{
	struct want want = { .op = op, .gfn = in->addr >> PAGE_SHIFT };
	struct sp *root = op->vcpu->mmu->root.sp;
	gfn_t limit;

	if (!root || root->role.invalid)
		return MMU_RETRY;
	limit = PT_ENTRIES * level_frames(root->role.level);
	out->gpa = in->addr;
	want.write = in->error & PFERR_WRITE;
	/* What lies beyond the tree is no memory, whatever the slots say. */
	if (want.gfn < limit)
		want.slot = slot_lookup(op->vm, root->role.smm, want.gfn);
	op->awaits_slots = want.slot && !slot_is_usable(want.slot);
	if (op->awaits_slots)
		return MMU_RETRY;
	out->mmio = !want.slot;
	if (!want.slot && want.gfn < limit && mmio_can_remember(op->vm, want.gfn))
		(void)tdp_map(&want, root);
	if (!want.slot || (want.write && !slot_is_writable(want.slot)))
		return MMU_EMULATE;
	want.mmu_writable = unsync_try(op, want.slot, want.gfn, want.write);
	out->table = want.write && !want.mmu_writable;
	return out->table ? MMU_EMULATE : tdp_map(&want, root);
}

enum mmu_verdict tdp_fault(struct mmu_vcpu *vcpu, const struct mmu_fault_in *in,
			   struct mmu_fault *out)
{
	enum mmu_verdict verdict;
	struct mmu_op op;

	if (op_begin_stocked(&op, vcpu, false) != MMU_OK)
		return MMU_NO_MEMORY;
	mmu_point(vcpu->vm, fault_locked);
	verdict = fault_locked(&op, in, out);
	op_end(&op);
	return verdict;
}
