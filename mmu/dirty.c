/* SPDX-License-Identifier: MIT */
/* The bits of a dirty log, and the entries that decide about them. */
#include "mmu/dirty.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

/* ---- bits ------------------------------------------------------------------------ */

static _Atomic u64 *dirty_word(const struct mmu_vm *vm, const struct memslot *slot, u64 i)
{
	return parray_get(vm->env, &slot->dirty, i);
}

void dirty_mark(struct mmu_vm *vm, const struct mmu_vcpu *vcpu, const struct memslot *slot,
		gfn_t gfn)
{
	u64 i = gfn - slot->base_gfn, bit = BIT(i % 64);
	bool ordered;

	if (!slot_logs(slot))
		return;
	ordered = events_begin(vm);
	/* A full barrier, also where the bit is set: what was written is there for who
	 * takes the bit. */
	if (!(atomic_fetch_or(dirty_word(vm, slot, i / 64), bit) & bit))
		vm_emit(vm, vcpu ? vcpu->id : MMU_NO_VCPU, dirty_set, slot->as, gfn - i % 64, bit);
	events_end(vm, ordered);
}

bool dirty_is_set(const struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn)
{
	u64 i = gfn - slot->base_gfn;

	return dirty_get(vm, slot, i / 64) >> i % 64 & 1;
}

u64 dirty_get(const struct mmu_vm *vm, const struct memslot *slot, u64 i)
{
	return atomic_load(dirty_word(vm, slot, i));
}

u64 dirty_take(struct mmu_vm *vm, const struct memslot *slot, u64 i, u64 mask)
{
	bool ordered = events_begin(vm);
	u64 taken = atomic_fetch_and(dirty_word(vm, slot, i), ~mask) & mask;

	if (taken)
		vm_emit(vm, MMU_NO_VCPU, dirty_clear, slot->as, slot->base_gfn + 64 * i, taken);
	events_end(vm, ordered);
	return taken;
}

enum mmu_status dirty_make(struct mmu_vm *vm, struct memslot *slot)
{
	u64 words = MMU_DIRTY_WORDS(slot->npages);
	enum mmu_status status;

	if (!parray_init(&slot->dirty, words, sizeof(u64)))
		return MMU_INVAL;
	status = parray_make_range(vm->env, &slot->dirty, 0, words);
	if (status == MMU_OK)
		vm->nr_logs++;
	else
		slot->dirty = (struct parray){ 0 };
	return status;
}

void dirty_free(struct mmu_vm *vm, struct memslot *slot)
{
	if (!slot->dirty.nr)
		return;
	parray_fini(vm->env, &slot->dirty);
	slot->dirty = (struct parray){ 0 };
	vm->nr_logs--;
}

/* ---- entries ---------------------------------------------------------------------- */

static u64 leaf_bits(u64 spte, unsigned level, u64 bits)
{
	return spte_is_leaf(spte, level) ? spte & bits : 0;
}

void dirty_spte(struct mmu_op *op, const struct sp *sp, gfn_t gfn, u64 old_spte, u64 new_spte)
{
	unsigned level = sp_level(sp);
	u64 w = leaf_bits(new_spte, level, SPTE_W) & ~leaf_bits(old_spte, level, SPTE_W);
	u64 d = leaf_bits(old_spte, level, SPTE_D) & ~leaf_bits(new_spte, level, SPTE_D);
	const struct memslot *slot;

	if (!op->vm->nr_logs || !(w | d))
		return;
	slot = sp_slot(op->vm, sp, gfn);
	if (!slot || !slot_logs(slot))
		return;
	mmu_check(op->vm, !w || level == LEVEL_4K,
		  "L-3: a large page of a logged slot becomes writable", gfn, new_spte);
	if (slot_logs_by_d(slot) ? d : w)
		dirty_mark(op->vm, op->vcpu, slot, gfn);
}

bool dirty_rearm(struct mmu_op *op, const struct memslot *slot, struct sp *sp, unsigned index,
		 gfn_t gfn, enum dirty_how how)
{
	u64 bits = slot_logs_by_d(slot) ? SPTE_D : SPTE_W;

	if (sp->role.level > LEVEL_4K)
		bits = SPTE_W | SPTE_D;
	bits &= spte_get(sp_entry(op->vm, sp, index));
	if (bits && how != DIRTY_LOOK)
		spte_clear(op, sp, index, gfn, bits);
	return bits;
}
