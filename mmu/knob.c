/* SPDX-License-Identifier: MIT */
/* Knobs: what they are, and turning them. */
#include "mmu/internal.h"
#include "mmu/vcpu.h"

const struct mmu_knob_row mmu_knobs[MMU_NR_KNOBS] = {
#define KNOB(name, initial, min, max, sentence) { #name, initial, min, max, sentence },
#include "mmu/knob.def"
};

static bool same_name(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

enum mmu_knob mmu_knob_by_name(const char *name)
{
	unsigned i = 0;

	while (i < MMU_NR_KNOBS && !same_name(name, mmu_knobs[i].name))
		i++;
	return i;
}

#define KNOB(name, initial, min, max, sentence)                                                    \
	_Static_assert(sizeof(sentence) <= 73, "the sentence of " #name " fits a line");
#include "mmu/knob.def"

void vm_init_knobs(struct mmu_vm *vm)
{
	for (unsigned i = 0; i < MMU_NR_KNOBS; i++)
		vm->knob[i] = mmu_knobs[i].initial;
}

void vm_emit_knob(struct mmu_vm *vm, enum mmu_knob knob)
{
	vm_emit(vm, MMU_NO_VCPU, knob, (u8)knob, mmu_get_knob(vm, knob));
}

enum mmu_status mmu_set_knob(struct mmu_vm *vm, enum mmu_knob knob, u64 value)
{
	struct mmu_op op;

	if (knob >= MMU_NR_KNOBS || value < mmu_knobs[knob].min || value > mmu_knobs[knob].max)
		return MMU_INVAL;
	op_begin(&op, vm, NULL, true);
	atomic_store_explicit(&vm->knob[knob], value, memory_order_relaxed);
	vm_emit_knob(vm, knob);
	op_end(&op);
	return MMU_OK;
}

u64 mmu_get_knob(const struct mmu_vm *vm, enum mmu_knob knob)
{
	return atomic_load_explicit(&vm->knob[knob], memory_order_relaxed);
}
