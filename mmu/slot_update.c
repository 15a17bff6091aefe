/* SPDX-License-Identifier: MIT */
/*
 * Creation and deletion of slots. Generations count up by MMU_NR_AS from the
 * number of the address space, so that none of one is ever one of the other.
 */
#include "mmu/slots.h"
#include "mmu/backend.h"
#include "mmu/dirty.h"
#include "mmu/flush.h"
#include "mmu/memslot.h"

/* What a slot has from its creation to its deletion, and what can be turned. */
#define SLOT_FIXED_FLAGS	(MMU_SLOT_READONLY | MMU_SLOT_SMRAM)
#define SLOT_LOG_FLAGS		(MMU_SLOT_LOG_DIRTY | MMU_SLOT_LOG_BY_D)

static bool flags_are_sane(u32 flags)
{
	return !(flags & ~(SLOT_FIXED_FLAGS | SLOT_LOG_FLAGS)) &&
	       (flags & SLOT_LOG_FLAGS) != MMU_SLOT_LOG_BY_D;
}

static bool slot_is_sane(const struct mmu_vm *vm, unsigned as, unsigned id,
			 const struct memslot *slot)
{
	u64 frames = 1ull << (vm->maxphyaddr - PAGE_SHIFT);
	pfn_t pfn = slot->hpa >> PAGE_SHIFT;

	if (as >= MMU_NR_AS || id >= MMU_MAX_SLOTS || !flags_are_sane(slot->flags))
		return false;
	if (slot->flags & MMU_SLOT_SMRAM && as == 0)
		return false;
	if (slot->hpa & ~PAGE_MASK || slot->npages == 0 || slot->npages > frames)
		return false;
	return slot->base_gfn <= frames - slot->npages && pfn <= frames - slot->npages;
}

static bool slots_overlap(const struct memslot *a, const struct memslot *b)
{
	return a->base_gfn < b->base_gfn + b->npages && b->base_gfn < a->base_gfn + a->npages;
}

static bool slot_collides(struct mmu_vm *vm, unsigned as, const struct memslot *slot)
{
	for (unsigned id = 0; id < MMU_MAX_SLOTS; id++) {
		const struct memslot *other = slot_by_id(vm, as, id);

		if (!other)
			continue;
		if (id == slot->id || slots_overlap(slot, other))
			return true;
	}
	return false;
}

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

static void slot_publish(struct mmu_op *op, const struct memslot *slot)
{
	generation_begin(op->vm, slot->as);
	*slot_record(op->vm, slot->as, slot->id) = *slot;
	vm_emit(op->vm, MMU_NO_VCPU, slot_create, slot->as, slot->id, slot->base_gfn, slot->npages,
		slot->hpa, (u8)slot->flags);
	generation_end(op, slot->as);
	obsolete_dummy_roots(op, slot);
}

enum mmu_status mmu_slot_create(struct mmu_vm *vm, unsigned as, unsigned id, gfn_t gfn, u64 npages,
				hpa_t hpa, u32 flags)
{
	struct memslot slot = { .used = true, .as = as, .id = id, .flags = flags,
				.base_gfn = gfn, .npages = npages, .hpa = hpa };
	enum mmu_status status = MMU_EXIST;
	struct mmu_op op;

	if (!slot_is_sane(vm, as, id, &slot))
		return MMU_INVAL;
	op_begin(&op, vm, NULL, true);
	if (!slot_collides(vm, as, &slot)) {
		status = slot_make_arrays(vm, &slot);
		/* The shadows there are were counted without this slot. */
		if (status == MMU_OK && shadow_maybe_present(vm) && slot_has_twins(vm, &slot))
			vm->shadow->zap_tables(&op, !slot.as, slot.base_gfn,
					       slot.base_gfn + slot.npages);
		if (status == MMU_OK)
			slot_publish(&op, &slot);
	}
	op_end(&op);
	return status;
}

/* What leads to the slot's memory, and what mirrors a guest table there; a page of
 * the other address space on the same memory counts here, too. Other trees, and what
 * else these led to, stay. */
static void slot_zap(struct mmu_op *op, const struct memslot *slot)
{
	gfn_t start = slot->base_gfn, end = start + slot->npages;
	struct mmu_vm *vm = op->vm;
	bool twins = slot_has_twins(vm, slot);

	if (tdp_active(vm))
		vm->tdp->zap_range(op, slot->as, start, end);
	if (shadow_maybe_present(vm)) {
		vm->shadow->zap_tables(op, slot->as, start, end);
		if (twins)
			vm->shadow->zap_tables(op, !slot->as, start, end);
		vm->shadow->zap_range(op, slot->as, start, end);
	}
	flush_need(op, FLUSH_slot, start, slot->npages);
}

enum mmu_status mmu_slot_delete(struct mmu_vm *vm, unsigned as, unsigned id)
{
	struct memslot *slot;
	struct mmu_op op;

	if (as >= MMU_NR_AS || id >= MMU_MAX_SLOTS)
		return MMU_INVAL;
	op_begin(&op, vm, NULL, true);
	slot = slot_by_id(vm, as, id);
	if (slot) {
		generation_begin(vm, as);
		slot_zap(&op, slot);
		slot_free_arrays(vm, slot);
		slot->used = false;
		vm_emit(vm, MMU_NO_VCPU, slot_delete, (u8)as, (u16)id);
		generation_end(&op, as);
	}
	op_end(&op);
	return slot ? MMU_OK : MMU_NOENT;
}

/* ---- flags -------------------------------------------------------------------- */

/* What differs is whether it is logged. */
static enum mmu_status flags_change(struct mmu_op *op, struct memslot *slot, u32 flags)
{
	bool on = flags & MMU_SLOT_LOG_DIRTY;
	enum mmu_status status = on ? dirty_make(op->vm, slot) : MMU_OK;

	if (status != MMU_OK)
		return status;
	generation_begin(op->vm, slot->as);
	slot->flags = flags;
	vm_emit(op->vm, MMU_NO_VCPU, slot_flags, slot->as, slot->id, (u8)flags);
	if (on)
		dirty_begin(op, slot);
	else
		dirty_free(op->vm, slot);
	generation_end(op, slot->as);
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
	struct memslot *slot;
	struct mmu_op op;

	if (as >= MMU_NR_AS || id >= MMU_MAX_SLOTS || !flags_are_sane(flags))
		return MMU_INVAL;
	if (flags & MMU_SLOT_LOG_DIRTY)
		dirty_split(vm, as, id);
	op_begin(&op, vm, NULL, true);
	slot = slot_by_id(vm, as, id);
	if (!slot)
		status = MMU_NOENT;
	else if ((slot->flags ^ flags) & SLOT_FIXED_FLAGS || changes_way(slot->flags, flags))
		status = MMU_INVAL;
	else if (slot->flags != flags)
		status = flags_change(&op, slot, flags);
	op_end(&op);
	return status;
}
