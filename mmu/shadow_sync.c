/* SPDX-License-Identifier: MIT */
/*
 * Syncing: entries of unsync pages compared with the guest's, and taken back
 * where they allow more. Nothing is added here; what is missing the guest faults
 * in. Other vCPUs may remember what is taken back, and once it is gone nobody
 * would know whom to flush: so a flush is owed to all of them at once.
 */
#include "mmu/flush.h"
#include "mmu/guest_pte.h"
#include "mmu/memslot.h"
#include "mmu/mirror.h"
#include "mmu/shadow.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/unsync.h"

static u64 with_rights(u64 spte, unsigned access)
{
	if (!(access & ACC_WRITE))
		spte &= ~(SPTE_W | SPTE_MMU_W);
	if (!(access & ACC_USER))
		spte &= ~SPTE_U;
	return access & ACC_EXEC ? spte : spte | SPTE_NX;
}

/* The entry is not empty. returns  whether a TLB may remember more than is left */
static bool sync_entry(struct mmu_op *op, struct sp *sp, const struct mirror *mirror,
		       unsigned index)
{
	u64 spte = spte_get(sp_entry(op->vm, sp, index)), gpte, left;
	gfn_t gfn = sp_entry_gfn(op->vm, sp, index);
	unsigned access = spte_access(spte);

	gpte = mirror_gpte(mirror, index);
	if (!mirror_is_usable(mirror, gpte) || !(gpte & GPTE_A) ||
	    mirror_gfn(mirror, index, gpte) != gfn || !mirror_leaf_rights(mirror, gpte, &access))
		return shadow_drop_entry(op, sp, index);
	if (spte_is_mmio(spte))
		return access != spte_access(spte) && shadow_drop_entry(op, sp, index);
	left = access == spte_access(spte) ? spte : with_rights(spte, access);
	if (!(gpte & GPTE_G))
		left &= ~SPTE_G;
	if (left == spte)
		return false;
	shadow_note(op, sp, index, gfn, access);
	spte = spte_set(op, sp, index, gfn, left);
	return spte_needs_flush(spte, left, LEVEL_4K);
}

static bool is_used(const struct mmu_op *op, const struct sp *sp, unsigned index)
{
	return spte_get(sp_entry(op->vm, sp, index)) != 0;
}

/* Looks at the whole range, and so finds what it is now. */
static bool sync_page(struct mmu_op *op, struct sp *sp)
{
	unsigned start = PT_ENTRIES, end = 0;
	struct mirror mirror;
	bool changed = false;

	if (!mirror_begin(op->vm, sp, &mirror))
		mmu_bug(op->vm, "C-3: a shadowed table lies in no slot", sp->gfn, sp->id);
	stat_add(op->vm, syncs, 1);
	for (unsigned i = sp->used_start; i < sp->used_end; i++) {
		if (!is_used(op, sp, i))
			continue;
		changed |= sync_entry(op, sp, &mirror, i);
		if (!is_used(op, sp, i))
			continue;
		start = start < i ? start : i;
		end = i + 1;
	}
	sp->used_start = end ? start : 0;
	sp->used_end = end;
	return changed;
}

/* Protecting such a table would only cost the next fault. */
static bool is_hot(const struct mmu_vm *vm, const struct sp *sp)
{
	u64 hot = mmu_get_knob(vm, MMU_KNOB_hot);

	return hot && sp->unsyncs >= hot;
}

/* The flush comes before the reading: what a vCPU writes by a translation it
 * still remembers would be missed. One that is owed for the batch before may be for
 * an entry that mapped a table of this one. */
static void protect_batch(struct mmu_op *op, struct sp *const *batch, unsigned nr)
{
	bool was_writable = false;

	for (unsigned i = 0; i < nr; i++)
		if (!is_hot(op->vm, batch[i]))
			was_writable |= shadow_protect_frame(op, sp_slot(op->vm, batch[i], batch[i]->gfn),
							     batch[i]->gfn);
	if (was_writable)
		flush_need(op, FLUSH_wrprot, batch[0]->gfn, nr);
	flush_pay(op);
}

/* The marks go last: who looks for them without the lock, in a flush of the guest's,
 * waits as long as an entry may still be stale. */
static void sync_batch(struct mmu_op *op, struct sp *const *batch, unsigned nr)
{
	bool changed = false;

	protect_batch(op, batch, nr);
	for (unsigned i = 0; i < nr; i++) {
		struct sp *sp = batch[i];

		if (!sp->unsync)
			continue;
		changed |= sync_page(op, sp);
		if (is_hot(op->vm, sp))
			continue;
		unsync_clear(op, sp);
		vm_emit(op->vm, op_vcpu(op), sp_sync, sp->id, sp->gfn);
	}
	if (changed)
		flush_need(op, FLUSH_sync, batch[0]->gfn, nr);
}

void shadow_sync_root(struct mmu_op *op, struct sp *root)
{
	struct sp *batch[UNSYNC_BATCH];
	struct unsync_walk walk;
	unsigned nr;

	if (!root->unsync_children)
		return;
	unsync_walk_begin(&walk, op->vm, root);
	while ((nr = unsync_walk_next(&walk, batch)))
		sync_batch(op, batch, nr);
}

void shadow_sync_page(struct mmu_op *op, struct sp *sp)
{
	if (sp->unsync && sync_page(op, sp))
		flush_need(op, FLUSH_sync, sp->gfn, 1);
	shadow_sync_root(op, sp);
}

void shadow_sync_gva(struct mmu_op *op, struct sp *root, gva_t gva)
{
	unsigned index = 0;
	struct sp *sp = root;
	struct mirror mirror;

	if (root->role.level == LEVEL_1G)
		gva &= BITS(31, 0);
	for (; sp->role.level > LEVEL_4K;
	     sp = sp_by_table(op->vm, spte_hpa(spte_get(sp_entry(op->vm, sp, index))))) {
		index = level_index(gva, sp->role.level);
		if (!sp_is_unsync_child(sp, index))
			return;
	}
	index = level_index(gva, LEVEL_4K);
	if (!is_used(op, sp, index))
		return;
	if (!mirror_begin(op->vm, sp, &mirror))
		mmu_bug(op->vm, "C-3: a shadowed table lies in no slot", sp->gfn, sp->id);
	if (sync_entry(op, sp, &mirror, index))
		flush_need(op, FLUSH_sync, sp->gfn, 1);
}
