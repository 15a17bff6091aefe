/* SPDX-License-Identifier: MIT */
/*
 * The slots of both address spaces: lookup, and the arrays that hang on a slot.
 * slot_update.c changes them.
 */
#include "mmu/memslot.h"
#include "mmu/dirty.h"

/* ---- lookup ------------------------------------------------------------------ */

static bool slot_contains(const struct memslot *slot, gfn_t gfn)
{
	return gfn >= slot->base_gfn && gfn - slot->base_gfn < slot->npages;
}

const struct slot_view *slot_view(const struct mmu_vm *vm, unsigned as)
{
	const struct slot_set *set = &vm->slots[as];

	return &set->view[atomic_load(&set->active)];
}

struct memslot *slot_record(struct mmu_vm *vm, unsigned as, unsigned number)
{
	return parray_get(vm->env, &vm->slots[as].slots, number);
}

struct memslot *slot_by_id(struct mmu_vm *vm, unsigned as, unsigned id)
{
	unsigned which = slot_view(vm, as)->by_id[id];

	return which ? slot_record(vm, as, 2 * id + which - 1) : NULL;
}

struct memslot *slot_search(struct mmu_vm *vm, unsigned as, gfn_t gfn, unsigned *steps)
{
	struct slot_view *view = (struct slot_view *)slot_view(vm, as);
	unsigned low = 0, high = view->nr;
	unsigned at = atomic_load_explicit(&view->last, memory_order_relaxed);
	struct memslot *slot;

	*steps = 0;
	while (low < high) {
		slot = slot_record(vm, as, view->by_gfn[at]);
		++*steps;
		if (slot_contains(slot, gfn)) {
			atomic_store_explicit(&view->last, at, memory_order_relaxed);
			return slot;
		}
		if (gfn < slot->base_gfn)
			high = at;
		else
			low = at + 1;
		at = (low + high) / 2;
	}
	return NULL;
}

struct memslot *slot_lookup(struct mmu_vm *vm, unsigned as, gfn_t gfn)
{
	unsigned steps;

	return slot_search(vm, as, gfn, &steps);
}

struct memslot *slot_twin(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn)
{
	struct memslot *other;

	_Static_assert(MMU_NR_AS == 2, "there is one other address space");
	other = slot_lookup(vm, !slot->as, gfn);
	return slot_is_usable(other) && slot_pfn(other, gfn) == slot_pfn(slot, gfn) ? other : NULL;
}

struct memslot *vm_slot(struct mmu_vm *vm, gfn_t gfn)
{
	return slot_lookup(vm, 0, gfn);
}

struct memslot *vcpu_slot(struct mmu_vcpu *vcpu, gfn_t gfn)
{
	return slot_lookup(vcpu->vm, vcpu->regs.smm, gfn);
}

struct memslot *sp_slot(struct mmu_vm *vm, const struct sp *sp, gfn_t gfn)
{
	return slot_lookup(vm, sp_role(sp).smm, gfn);
}

unsigned slot_max_level(const struct memslot *slot, gfn_t gfn)
{
	gfn_t shift = gfn ^ slot_pfn(slot, gfn);
	unsigned level;

	if (slot_logs(slot))
		return LEVEL_4K;
	for (level = LEVEL_1G; level > LEVEL_4K; level--) {
		u64 mask = level_frames(level) - 1;

		if (!(shift & mask) && slot_contains(slot, gfn & ~mask) &&
		    slot_contains(slot, gfn | mask))
			break;
	}
	return level;
}

/* ---- the arrays of a slot ------------------------------------------------------ */

static u64 level_number(gfn_t gfn, unsigned level)
{
	return gfn >> (9 * (level - 1));
}

/* How many entries of this level the slot touches. */
static u64 level_count(const struct memslot *slot, unsigned level)
{
	return level_number(slot->base_gfn + slot->npages - 1, level) -
	       level_number(slot->base_gfn, level) + 1;
}

struct rmap_head *slot_rmap(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn,
			    unsigned level)
{
	u64 i = level_number(gfn, level) - level_number(slot->base_gfn, level);
	struct rmap_head *head = parray_get(vm->env, &slot->rmap[level - 1], i);

	mmu_check(vm, head, "a frame of a slot has an rmap head", gfn, level);
	return head;
}

static bool slot_init_arrays(struct memslot *slot)
{
	for (unsigned level = LEVEL_4K; level <= LEVEL_1G; level++)
		if (!parray_init(&slot->rmap[level - 1], level_count(slot, level),
				 sizeof(struct rmap_head)))
			return false;
	for (unsigned i = 0; i < 2; i++)
		if (!parray_init(&slot->huge_shadowed[i], level_count(slot, LEVEL_2M + i),
				 sizeof(u32)))
			return false;
	return parray_init(&slot->used_frames,
			   (slot->base_gfn + slot->npages - 1) / 64 - slot->base_gfn / 64 + 1,
			   sizeof(u64)) &&
	       parray_init(&slot->track, slot->npages, sizeof(u16)) &&
	       parray_init(&slot->shadowed, slot->npages, sizeof(u16));
}

#define SHADOW_ARRAYS 7

/* What only shadow paging needs of a slot. */
static struct parray *shadow_array(struct memslot *slot, unsigned i)
{
	struct parray *const arrays[SHADOW_ARRAYS] = {
		&slot->rmap[0],	 &slot->rmap[1],	  &slot->rmap[2],	   &slot->track,
		&slot->shadowed, &slot->huge_shadowed[0], &slot->huge_shadowed[1],
	};

	return arrays[i];
}

void slot_free_rmaps(struct mmu_vm *vm, struct memslot *slot)
{
	for (unsigned i = 0; i < SHADOW_ARRAYS; i++)
		parray_fini(vm->env, shadow_array(slot, i));
}

static enum mmu_status slot_make_rmaps(struct mmu_vm *vm, struct memslot *slot)
{
	enum mmu_status status = MMU_OK;

	for (unsigned i = 0; i < SHADOW_ARRAYS && status == MMU_OK; i++) {
		struct parray *array = shadow_array(slot, i);

		status = parray_make_range(vm->env, array, 0, array->nr);
	}
	if (status != MMU_OK)
		slot_free_rmaps(vm, slot);
	return status;
}

static void free_all_rmaps(struct mmu_vm *vm)
{
	struct memslot *slot;

	if (vm->slot_to_come)
		slot_free_rmaps(vm, vm->slot_to_come);
	for (unsigned as = 0; as < MMU_NR_AS; as++)
		for (unsigned id = 0; id < MMU_MAX_SLOTS; id++)
			if ((slot = slot_by_id(vm, as, id)))
				slot_free_rmaps(vm, slot);
}

enum mmu_status slots_make_rmaps(struct mmu_vm *vm)
{
	struct memslot *slot;

	if (vm->shadow_used)
		return MMU_OK;
	if (vm->slot_to_come && slot_make_rmaps(vm, vm->slot_to_come) != MMU_OK)
		return MMU_NOMEM;
	for (unsigned as = 0; as < MMU_NR_AS; as++) {
		for (unsigned id = 0; id < MMU_MAX_SLOTS; id++) {
			slot = slot_by_id(vm, as, id);
			if (slot && slot_make_rmaps(vm, slot) != MMU_OK) {
				free_all_rmaps(vm);
				return MMU_NOMEM;
			}
		}
	}
	vm->shadow_used = true;
	return MMU_OK;
}

void slot_free_arrays(struct mmu_vm *vm, struct memslot *slot)
{
	slot_free_rmaps(vm, slot);
	dirty_free(vm, slot);
	parray_fini(vm->env, &slot->used_frames);
}

enum mmu_status slot_make_arrays(struct mmu_vm *vm, struct memslot *slot)
{
	enum mmu_status status = MMU_OK;

	if (!slot_init_arrays(slot))
		return MMU_INVAL;
	status = parray_make_range(vm->env, &slot->used_frames, 0, slot->used_frames.nr);
	if (status == MMU_OK && vm->shadow_used)
		status = slot_make_rmaps(vm, slot);
	if (status != MMU_OK)
		parray_fini(vm->env, &slot->used_frames);
	return status;
}

enum mmu_status slots_init(struct mmu_vm *vm)
{
	for (unsigned as = 0; as < MMU_NR_AS; as++) {
		struct slot_set *set = &vm->slots[as];

		set->generation = as;
		if (!parray_init(&set->slots, 2 * MMU_MAX_SLOTS, SLOT_RECORD_SIZE))
			return MMU_INVAL;
		if (parray_make_range(vm->env, &set->slots, 0, set->slots.nr) != MMU_OK) {
			slots_fini(vm);
			return MMU_NOMEM;
		}
	}
	return MMU_OK;
}

void slots_fini(struct mmu_vm *vm)
{
	struct memslot *slot;

	for (unsigned as = 0; as < MMU_NR_AS; as++) {
		for (unsigned id = 0; id < MMU_MAX_SLOTS; id++)
			if ((slot = slot_by_id(vm, as, id)))
				slot_free_arrays(vm, slot);
		parray_fini(vm->env, &vm->slots[as].slots);
	}
}
