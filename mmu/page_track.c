/* SPDX-License-Identifier: MIT */
/*
 * Counters of shadowed page tables: per frame, and per 2 MiB and 1 GiB entry so
 * that the question for a huge mapping needs no search. They are made with the
 * slot's rmaps; a slot without them has no shadowed table.
 */
#include "mmu/page_track.h"

static u16 *frame_counter(struct mmu_vm *vm, const struct memslot *slot,
			  const struct parray *counters, gfn_t gfn)
{
	return parray_get(vm->env, counters, gfn - slot->base_gfn);
}

static u32 *huge_counter(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn, unsigned level)
{
	unsigned shift = 9 * (level - 1);

	return parray_get(vm->env, &slot->huge_shadowed[level - LEVEL_2M],
			  (gfn >> shift) - (slot->base_gfn >> shift));
}

static void emit_count(struct mmu_op *op, const struct memslot *slot, gfn_t gfn, bool more,
		       u16 count)
{
	if (more)
		vm_emit(op->vm, op_vcpu(op), track_add, slot->as, gfn, count);
	else
		vm_emit(op->vm, op_vcpu(op), track_remove, slot->as, gfn, count);
}

/* One shadow more (by = 1) or less (by = -1). */
static void track_change(struct mmu_op *op, struct memslot *slot, gfn_t gfn, unsigned level, int by)
{
	struct mmu_vm *vm = op->vm;
	u16 *shadowed = frame_counter(vm, slot, &slot->shadowed, gfn);
	u16 *track = frame_counter(vm, slot, &slot->track, gfn);

	mmu_check(vm, shadowed && track, "a shadowed frame has counters", gfn, level);
	mmu_check(vm, by > 0 ? *shadowed < UINT16_MAX : *shadowed > 0,
		  "the count of shadows of a frame fits", gfn, *shadowed);
	*shadowed += by;
	if (level > LEVEL_4K) {
		mmu_check(vm, by > 0 || *track > 0, "a tracked frame has a count", gfn, level);
		*track += by;
	}
	for (unsigned huge = LEVEL_2M; huge <= LEVEL_1G; huge++)
		*huge_counter(vm, slot, gfn, huge) += by;
	emit_count(op, slot, gfn, by > 0, *shadowed);
}

void track_add(struct mmu_op *op, struct memslot *slot, gfn_t gfn, unsigned level)
{
	track_change(op, slot, gfn, level, 1);
}

void track_remove(struct mmu_op *op, struct memslot *slot, gfn_t gfn, unsigned level)
{
	track_change(op, slot, gfn, level, -1);
}

unsigned track_count(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn)
{
	const u16 *count = frame_counter(vm, slot, &slot->shadowed, gfn);

	return count ? *count : 0;
}

unsigned track_upper_count(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn)
{
	const u16 *count = frame_counter(vm, slot, &slot->track, gfn);

	return count ? *count : 0;
}

bool track_is_shadowed(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn)
{
	return track_count(vm, slot, gfn) != 0;
}

bool track_allows_level(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn, unsigned level)
{
	const u32 *count;

	if (level == LEVEL_4K)
		return !track_is_shadowed(vm, slot, gfn);
	if (level > LEVEL_1G)
		return false;
	count = huge_counter(vm, slot, gfn, level);
	return !count || *count == 0;
}
