/* SPDX-License-Identifier: MIT */
/* Views of the slots, and their exchange. */
#include "mmu/slot_view.h"
#include "mmu/epoch.h"

#define NO_RECORD	(2u * MMU_MAX_SLOTS)

/* ---- one change at a time ------------------------------------------------------- */

void slots_wait(struct mmu_vm *vm)
{
	while (atomic_load(&vm->slots_changing))
		vm->env->relax(vm->env->ctx);
}

void slots_change_begin(struct mmu_op *op, struct mmu_vm *vm)
{
	op_begin(op, vm, NULL, true);
	while (atomic_load(&vm->slots_changing))
		op_wait(op);
	atomic_store(&vm->slots_changing, true);
}

void slots_change_end(struct mmu_op *op)
{
	atomic_store(&op->vm->slots_changing, false);
	op_end(op);
}

void slots_wait_for_readers(struct mmu_op *op)
{
	u64 epoch = epoch_advance(op->vm);

	while (!epoch_is_over(op->vm, epoch))
		op_wait(op);
}

static void view_add(struct mmu_vm *vm, unsigned as, struct slot_view *view, unsigned number)
{
	gfn_t base_gfn = slot_record(vm, as, number)->base_gfn;
	unsigned i = view->nr++;

	for (; i && slot_record(vm, as, view->by_gfn[i - 1])->base_gfn > base_gfn; i--)
		view->by_gfn[i] = view->by_gfn[i - 1];
	view->by_gfn[i] = number;
	view->by_id[number / 2] = 1 + number % 2;
}

/* From now on lookups find the slot by this record, or (NO_RECORD) not at all. */
static void publish(struct mmu_vm *vm, unsigned as, unsigned id, unsigned number)
{
	const struct slot_view *old = slot_view(vm, as);
	struct slot_set *set = &vm->slots[as];
	unsigned next = old == &set->view[0];
	struct slot_view *view = &set->view[next];

	memset(view, 0, sizeof(*view));
	for (unsigned i = 0; i < old->nr; i++)
		if (old->by_gfn[i] / 2u != id)
			view_add(vm, as, view, old->by_gfn[i]);
	if (number != NO_RECORD)
		view_add(vm, as, view, number);
	mmu_point(vm, slots_publish);
	/* Who looks for the slot after a store of his own (dirty.h) finds this view, or we
	 * see the store. */
	atomic_store(&set->active, next);
}

/* The record of the two that the active view does not name. */
static unsigned free_record(const struct mmu_vm *vm, unsigned as, unsigned id)
{
	return 2 * id + (slot_view(vm, as)->by_id[id] == 1);
}

struct memslot *slot_publish(struct mmu_vm *vm, const struct memslot *slot)
{
	unsigned number = free_record(vm, slot->as, slot->id);
	struct memslot *copy = slot_record(vm, slot->as, number);

	*copy = *slot;
	publish(vm, slot->as, slot->id, number);
	return copy;
}

void slot_withdraw(struct mmu_vm *vm, unsigned as, unsigned id)
{
	publish(vm, as, id, NO_RECORD);
}
