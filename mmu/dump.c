/* SPDX-License-Identifier: MIT */
/*
 * The present state as events. Each names only what an earlier one made: slots,
 * then pages, then their entries, then what connects them, then who uses them.
 */
#include "mmu/dirty.h"
#include "mmu/page_track.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/vcpu.h"

static void dump_dirty(struct mmu_vm *vm, const struct memslot *slot)
{
	for (u64 i = parray_next(vm->env, &slot->dirty, 0); i < slot->dirty.nr;
	     i = parray_next(vm->env, &slot->dirty, i + 1))
		vm_emit(vm, MMU_NO_VCPU, dirty_set, slot->as, slot->base_gfn + 64 * i,
			dirty_get(vm, slot, i));
}

static void dump_slots(struct mmu_vm *vm, unsigned as)
{
	for (unsigned id = 0; id < MMU_MAX_SLOTS; id++) {
		const struct memslot *slot = slot_by_id(vm, as, id);

		if (!slot)
			continue;
		vm_emit(vm, MMU_NO_VCPU, slot_create, (u8)as, (u16)id, slot->base_gfn,
			slot->npages, slot->hpa, (u8)slot->flags);
		dump_dirty(vm, slot);
	}
	vm_emit(vm, MMU_NO_VCPU, slot_generation, (u8)as, vm->slots[as].generation);
}

static void dump_sp(struct mmu_vm *vm, const struct sp *sp)
{
	vm_emit(vm, MMU_NO_VCPU, sp_new, sp->id, sp->gfn, sp->role.word, sp->table_hpa,
		(u8)sp->flags);
	if (sp->unsync)
		vm_emit(vm, MMU_NO_VCPU, sp_unsync, sp->id, sp->gfn);
	if (sp->root_count)
		vm_emit(vm, MMU_NO_VCPU, root_count, sp->id, sp->root_count);
}

/* An entry that leads to a table stands for the table's frame. */
static void dump_entry(struct mmu_vm *vm, const struct sp *sp, unsigned index)
{
	u64 spte = spte_get(sp_entry(vm, sp, index));
	unsigned level = sp->role.level;
	const struct sp *child = spte_is_table(spte, level) ? sp_by_table(vm, spte_hpa(spte)) : NULL;
	gfn_t gfn = child ? child->gfn : sp_entry_gfn(vm, sp, index);

	if (!spte)
		return;
	vm_emit(vm, MMU_NO_VCPU, spte_set, sp->id, (u16)index, (u8)level, gfn, 0, spte);
	if (child)
		vm_emit(vm, MMU_NO_VCPU, sp_link, sp->id, (u16)index, child->id);
	else if (spte_is_present(spte) && !sp_is_tdp(sp))
		vm_emit(vm, MMU_NO_VCPU, rmap_add, (u8)sp->role.smm, gfn, (u8)level, sp->id,
			(u16)index);
}

/* Is sp the first of the pages that make its frame tracked? twin: those of both
 * address spaces do. */
static bool first_on_frame(const struct mmu_vm *vm, const struct sp *sp, bool twin)
{
	for (struct sp *other = sp_hash_chain(vm, sp->gfn); other; other = other->hash_next)
		if (other->gfn == sp->gfn && (twin || other->role.smm == sp->role.smm) &&
		    sp_has_gptes(other) && other->id < sp->id)
			return false;
	return true;
}

static void dump_track(struct mmu_vm *vm, const struct sp *sp)
{
	const struct memslot *slot, *twin;

	if (!sp_has_gptes(sp) || sp->role.invalid)
		return;
	slot = sp_slot(vm, sp, sp->gfn);
	twin = slot ? slot_twin(vm, slot, sp->gfn) : NULL;
	if (!slot || !first_on_frame(vm, sp, twin))
		return;
	vm_emit(vm, MMU_NO_VCPU, track_add, slot->as, sp->gfn,
		(u16)track_count(vm, slot, sp->gfn));
	if (twin)
		vm_emit(vm, MMU_NO_VCPU, track_add, twin->as, sp->gfn,
			(u16)track_count(vm, twin, sp->gfn));
}

static void dump_vcpu(struct mmu_vm *vm, struct mmu_vcpu *vcpu)
{
	const struct mmu *const contexts[] = { &vcpu->root_mmu, &vcpu->guest_mmu,
					       &vcpu->nested_mmu };
	u32 requests = atomic_load(&vcpu->requests);

	if (vcpu->inner)
		vm_emit(vm, vcpu->id, nested_enter, vcpu->nested.np, vcpu->nested.ncr3);
	for (unsigned i = 0; i < sizeof(contexts) / sizeof(contexts[0]); i++)
		if (contexts[i]->cpu_role.ext.valid)
			vcpu_emit_role(vcpu, contexts[i]);
	vm_emit(vm, vcpu->id, guest_cr3, vcpu->regs.cr3);
	for (unsigned i = 0; i < MMU_ROOT_SLOTS; i++) {
		const struct mmu_root *root = mmu_root_slot(vcpu->mmu, i);

		if (root->sp)
			vm_emit(vm, vcpu->id, root_set, (u8)i, root->sp->id, root->sp->table_hpa,
				root->pgd, (u8)context_id(vcpu, vcpu->mmu));
	}
	if (vm->flush_roots.root[vcpu->id])
		vm_emit(vm, MMU_NO_VCPU, root_load, vcpu->id, vm->flush_roots.root[vcpu->id]->id);
	for (unsigned i = 0; i < MMU_NR_REQUESTS; i++)
		if (requests & 1u << i)
			vm_emit(vm, vcpu->id, request, vcpu->id, (u8)i);
}

void mmu_dump(struct mmu_vm *vm)
{
	struct sp *sp;

	if (!vm->env->events_on)
		return;
	vm_emit_config(vm);
	for (unsigned as = 0; as < MMU_NR_AS; as++)
		dump_slots(vm, as);
	for (sp = sp_next(vm, NULL); sp; sp = sp_next(vm, sp))
		dump_sp(vm, sp);
	for (sp = sp_next(vm, NULL); sp; sp = sp_next(vm, sp)) {
		for (unsigned i = 0; i < PT_ENTRIES; i++)
			dump_entry(vm, sp, i);
		dump_track(vm, sp);
	}
	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++)
		if (vm->vcpu[i])
			dump_vcpu(vm, vm->vcpu[i]);
}
