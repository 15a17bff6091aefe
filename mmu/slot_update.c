/* SPDX-License-Identifier: MIT */
/*
 * Changes of slots. One that goes or moves is in between replaced by a copy of it that
 * is invalid: all that leads to it is dropped, and nobody makes anything new of it,
 * though the lock is given back before lookups find what is to be.
 *
 * Generations count up by MMU_NR_AS from the number of the address space, so that none
 * of one is ever one of the other. They do at the end: an entry of device memory made
 * while the change was under way does not outlive it.
 */
#include "mmu/slots.h"
#include "mmu/backend.h"
#include "mmu/dirty.h"
#include "mmu/flush.h"
#include "mmu/resize.h"
#include "mmu/slot_view.h"

/* What a slot has from its creation to its deletion, and what can be turned. */
#define SLOT_FIXED_FLAGS	(MMU_SLOT_READONLY | MMU_SLOT_SMRAM)
#define SLOT_LOG_FLAGS		(MMU_SLOT_LOG_DIRTY | MMU_SLOT_LOG_BY_D)

/* ---- what may be ---------------------------------------------------------------- */

static bool flags_are_sane(const struct mmu_vm *vm, u32 flags)
{
	if (flags & MMU_SLOT_LOG_BY_D && vm->config.ad_disabled)
		return false;
	return !(flags & ~(SLOT_FIXED_FLAGS | SLOT_LOG_FLAGS)) &&
	       (flags & SLOT_LOG_FLAGS) != MMU_SLOT_LOG_BY_D;
}

static bool frames_are_sane(const struct mmu_vm *vm, const struct memslot *slot)
{
	u64 frames = 1ull << (vm->maxphyaddr - PAGE_SHIFT);
	pfn_t pfn = slot->hpa >> PAGE_SHIFT;

	return slot->npages && slot->npages <= frames && !(slot->hpa & ~PAGE_MASK) &&
	       slot->base_gfn <= frames - slot->npages && pfn <= frames - slot->npages;
}

static bool slot_is_sane(const struct mmu_vm *vm, unsigned as, unsigned id,
			 const struct memslot *slot)
{
	if (as >= MMU_NR_AS || id >= MMU_MAX_SLOTS || !flags_are_sane(vm, slot->flags))
		return false;
	if (slot->flags & MMU_SLOT_SMRAM && as == 0)
		return false;
	return frames_are_sane(vm, slot);
}

static bool slots_overlap(const struct memslot *a, const struct memslot *b)
{
	return a->base_gfn < b->base_gfn + b->npages && b->base_gfn < a->base_gfn + a->npages;
}

/* With another slot than itself. */
static bool slot_collides(struct mmu_vm *vm, const struct memslot *slot)
{
	for (unsigned id = 0; id < MMU_MAX_SLOTS; id++) {
		const struct memslot *other = slot_by_id(vm, slot->as, id);

		if (other && id != slot->id && slots_overlap(slot, other))
			return true;
	}
	return false;
}

/* ---- generations ---------------------------------------------------------------- */

static void zap_everything(struct mmu_op *op)
{
	struct mmu_vm *vm = op->vm;

	if (tdp_active(vm))
		backend_zap_all(vm->tdp, op);
	if (shadow_maybe_present(vm))
		backend_zap_all(vm->shadow, op);
}

static void generation_begin(struct mmu_vm *vm, unsigned as)
{
	vm->slots[as].generation |= SLOTS_UPDATING;
}

/* MMIO entries know 19 bits of the generation: when these begin again, all go. */
static void generation_end(struct mmu_op *op, unsigned as)
{
	struct slot_set *set = &op->vm->slots[as];
	u64 generation = (set->generation & ~SLOTS_UPDATING) + MMU_NR_AS;

	if (generation % MMIO_GENERATIONS < MMU_NR_AS)
		zap_everything(op);
	set->generation = generation;
	vm_emit(op->vm, MMU_NO_VCPU, slot_generation, (u8)as, generation);
}

/* A root that stands for "the guest's CR3 points nowhere" may now be wrong. */
static void obsolete_dummy_roots(struct mmu_op *op, const struct memslot *slot)
{
	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++) {
		struct mmu_vcpu *vcpu = op->vm->vcpu[i];

		if (!vcpu || !vcpu->mmu->root.sp || !(vcpu->mmu->root.sp->flags & SP_DUMMY))
			continue;
		vcpu_ask(vcpu, MMU_REQ_RELOAD);
		flush_need(op, FLUSH_slot, slot->base_gfn, slot->npages);
	}
}

/* Does the other address space have some of this memory at the same frames? */
static bool slot_has_twins(struct mmu_vm *vm, const struct memslot *slot)
{
	for (unsigned id = 0; id < MMU_MAX_SLOTS; id++) {
		const struct memslot *other = slot_by_id(vm, !slot->as, id);

		if (other && slots_overlap(slot, other) &&
		    slot_pfn(other, other->base_gfn) == slot_pfn(slot, other->base_gfn))
			return true;
	}
	return false;
}

/* ---- creation ------------------------------------------------------------------- */

/* The shadows there are were counted without this slot. */
static void zap_uncounted(struct mmu_op *op, const struct memslot *slot)
{
	if (shadow_maybe_present(op->vm) && slot_has_twins(op->vm, slot))
		op->vm->shadow->zap_tables(op, !slot->as, slot->base_gfn,
					   slot->base_gfn + slot->npages);
}

static void slot_add(struct mmu_op *op, const struct memslot *slot)
{
	struct mmu_vm *vm = op->vm;

	zap_uncounted(op, slot);
	generation_begin(vm, slot->as);
	slot_publish(vm, slot);
	vm_emit(vm, MMU_NO_VCPU, slot_create, slot->as, slot->id, slot->base_gfn, slot->npages,
		slot->hpa, (u8)slot->flags);
	generation_end(op, slot->as);
	obsolete_dummy_roots(op, slot);
	slots_wait_for_readers(op);
}

static enum mmu_status make_all(struct mmu_vm *vm, struct memslot *slot)
{
	enum mmu_status status = slot_make_arrays(vm, slot);

	if (status == MMU_OK && slot_logs(slot))
		status = dirty_make(vm, slot);
	if (status != MMU_OK)
		slot_free_arrays(vm, slot);
	return status;
}

enum mmu_status mmu_slot_create(struct mmu_vm *vm, unsigned as, unsigned id, gfn_t gfn, u64 npages,
				hpa_t hpa, u32 flags)
{
	const struct memslot slot = { .as = as, .id = id, .flags = flags, .base_gfn = gfn,
				      .npages = npages, .hpa = hpa };
	enum mmu_status status = MMU_EXIST;
	struct memslot made = slot;
	struct mmu_op op;

	if (!slot_is_sane(vm, as, id, &slot))
		return MMU_INVAL;
	slots_change_begin(&op, vm);
	if (!slot_by_id(vm, as, id) && !slot_collides(vm, &slot))
		status = make_all(vm, &made);
	if (status == MMU_OK)
		slot_add(&op, &made);
	slots_change_end(&op);
	return status;
}

/* ---- deletion and moving ---------------------------------------------------------- */

/* Drops what leads to the slot's memory, and what mirrors a guest table there. Other
 * trees, and what else these led to, stay. */
static void slot_zap(struct mmu_op *op, const struct memslot *slot)
{
	gfn_t start = slot->base_gfn, end = start + slot->npages;
	struct mmu_vm *vm = op->vm;

	if (tdp_active(vm))
		vm->tdp->zap_range(op, slot->as, start, end);
	if (shadow_maybe_present(vm)) {
		vm->shadow->zap_tables(op, slot->as, start, end);
		vm->shadow->zap_range(op, slot->as, start, end);
	}
	flush_need(op, FLUSH_slot, start, slot->npages);
}

/*
 * The slot becomes invalid, and nothing leads to it any more, no TLB either, when the
 * lock is given back. A page of the other address space on the same memory is counted
 * in the slot, too, as long as that is valid: it goes first.
 *   returns  the record that replaces it
 */
static struct memslot *slot_retire(struct mmu_op *op, const struct memslot *slot)
{
	struct mmu_vm *vm = op->vm;
	struct memslot retired = *slot;

	zap_uncounted(op, slot);
	generation_begin(vm, slot->as);
	retired.invalid = true;
	slot = slot_publish(vm, &retired);
	vm_emit(vm, MMU_NO_VCPU, slot_invalid, slot->as, slot->id);
	slot_zap(op, slot);
	op_yield(op);
	slots_wait_for_readers(op);
	return (struct memslot *)slot;
}

static void slot_remove(struct mmu_op *op, const struct memslot *slot)
{
	struct memslot *retired = slot_retire(op, slot);

	slot_withdraw(op->vm, retired->as, retired->id);
	vm_emit(op->vm, MMU_NO_VCPU, slot_delete, retired->as, retired->id);
	generation_end(op, retired->as);
	slots_wait_for_readers(op);
	slot_free_arrays(op->vm, retired);
}

enum mmu_status mmu_slot_delete(struct mmu_vm *vm, unsigned as, unsigned id)
{
	const struct memslot *slot;
	struct mmu_op op;

	if (as >= MMU_NR_AS || id >= MMU_MAX_SLOTS)
		return MMU_INVAL;
	slots_change_begin(&op, vm);
	slot = slot_by_id(vm, as, id);
	if (slot)
		slot_remove(&op, slot);
	slots_change_end(&op);
	return slot ? MMU_OK : MMU_NOENT;
}

/* Its arrays are made: they may be wanted in the meantime. */
static void slot_replace(struct mmu_op *op, const struct memslot *slot, struct memslot *moved)
{
	struct mmu_vm *vm = op->vm;
	struct memslot *retired;

	vm->slot_to_come = moved;
	retired = slot_retire(op, slot);
	vm->slot_to_come = NULL;
	zap_uncounted(op, moved);
	slot_publish(vm, moved);
	vm_emit(vm, MMU_NO_VCPU, slot_move, moved->as, moved->id, moved->base_gfn);
	generation_end(op, moved->as);
	obsolete_dummy_roots(op, moved);
	slots_wait_for_readers(op);
	slot_free_rmaps(vm, retired);
	parray_fini(vm->env, &retired->used_frames);
}

enum mmu_status mmu_slot_move(struct mmu_vm *vm, unsigned as, unsigned id, gfn_t gfn)
{
	enum mmu_status status = MMU_OK;
	const struct memslot *slot;
	struct memslot moved;
	struct mmu_op op;

	if (as >= MMU_NR_AS || id >= MMU_MAX_SLOTS)
		return MMU_INVAL;
	slots_change_begin(&op, vm);
	slot = slot_by_id(vm, as, id);
	if (slot) {
		moved = *slot;
		moved.base_gfn = gfn;
	}
	if (!slot)
		status = MMU_NOENT;
	else if (!frames_are_sane(vm, &moved))
		status = MMU_INVAL;
	else if (slot_collides(vm, &moved))
		status = MMU_EXIST;
	else if (gfn != slot->base_gfn)
		status = slot_make_arrays(vm, &moved);
	if (status == MMU_OK && gfn != slot->base_gfn)
		slot_replace(&op, slot, &moved);
	slots_change_end(&op);
	return status;
}

/* ---- flags -------------------------------------------------------------------- */

/*
 * The log is there before lookups find that there is one, and as long as a reader may
 * have found it. What could be written unnoticed is taken away when all find it: who
 * sets W without the lock looks for the slot after that.
 */
static enum mmu_status flags_change(struct mmu_op *op, struct memslot *slot, u32 flags)
{
	struct memslot changed = *slot;
	const struct memslot *found;
	struct mmu_vm *vm = op->vm;
	bool logs = flags & MMU_SLOT_LOG_DIRTY;
	enum mmu_status status = logs ? dirty_make(vm, &changed) : MMU_OK;

	if (status != MMU_OK)
		return status;
	if (!logs)
		changed.dirty = (struct parray){ 0 };
	changed.flags = flags;
	generation_begin(vm, slot->as);
	found = slot_publish(vm, &changed);
	if (!logs)
		slots_wait_for_readers(op);
	vm_emit(vm, MMU_NO_VCPU, slot_flags, changed.as, changed.id, (u8)flags);
	dirty_begin(op, found);
	generation_end(op, changed.as);
	if (!logs)
		dirty_free(vm, slot);
	slots_wait_for_readers(op);
	return MMU_OK;
}

/* How a slot is logged is settled when that begins. */
static bool changes_way(u32 old_flags, u32 flags)
{
	return old_flags & flags & MMU_SLOT_LOG_DIRTY && (old_flags ^ flags) & MMU_SLOT_LOG_BY_D;
}

enum mmu_status mmu_slot_set_flags(struct mmu_vm *vm, unsigned as, unsigned id, u32 flags)
{
	enum mmu_status status = MMU_OK;
	gfn_t start = 0, end = 0;	/* logged till now */
	struct memslot *slot;
	struct mmu_op op;

	if (as >= MMU_NR_AS || id >= MMU_MAX_SLOTS || !flags_are_sane(vm, flags))
		return MMU_INVAL;
	if (flags & MMU_SLOT_LOG_DIRTY)
		dirty_split(vm, as, id);
	slots_change_begin(&op, vm);
	slot = slot_by_id(vm, as, id);
	if (!slot)
		status = MMU_NOENT;
	else if ((slot->flags ^ flags) & SLOT_FIXED_FLAGS || changes_way(slot->flags, flags))
		status = MMU_INVAL;
	else if (slot->flags != flags)
		status = flags_change(&op, slot, flags);
	if (slot && status == MMU_OK && !(flags & MMU_SLOT_LOG_DIRTY)) {
		start = slot->base_gfn;
		end = start + slot->npages;
	}
	slots_change_end(&op);
	/* What the log has split may be large again. */
	if (start != end)
		mmu_recover_range(vm, as, start, end);
	return status;
}
