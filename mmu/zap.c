/* SPDX-License-Identifier: MIT */
/*
 * Zapping for the whole VM, in both back ends: ranges of frames, everything, the
 * oldest. What takes long is done in parts, and others get their turn in between.
 */
#include "mmu/backend.h"
#include "mmu/memslot.h"

/* So much is done before others get their turn. */
#define ZAP_FRAMES	0x8000ull
#define ZAP_PAGES	10

/* The next frames, from *at on, of [*at, end) that lie in the slot; *at becomes
 * what follows them. The slot is looked for each time, it may be gone.
 * returns  false: there are none */
static bool next_frames(struct mmu_vm *vm, unsigned as, unsigned id, gfn_t *at, gfn_t *start,
			gfn_t end)
{
	const struct memslot *slot = slot_by_id(vm, as, id);

	if (!slot)
		return false;
	*start = *at > slot->base_gfn ? *at : slot->base_gfn;
	if (end > slot->base_gfn + slot->npages)
		end = slot->base_gfn + slot->npages;
	if (*start >= end)
		return false;
	*at = end - *start > ZAP_FRAMES ? *start + ZAP_FRAMES : end;
	return true;
}

/* Of the shadow MMU, slot by slot: a slot's rmaps go with it. */
static u64 zap_shadow(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end)
{
	u64 zapped = 0, frames = 0;

	for (unsigned id = 0; as < MMU_NR_AS && id < MMU_MAX_SLOTS; id++) {
		gfn_t at = start, from;

		while (next_frames(op->vm, as, id, &at, &from, end)) {
			if (frames + (at - from) > ZAP_FRAMES) {
				op_yield(op);
				frames = 0;
				if (!slot_by_id(op->vm, as, id))
					break;
			}
			frames += at - from;
			zapped += op->vm->shadow->zap_range(op, as, from, at);
		}
	}
	return zapped;
}

u64 mmu_zap_range(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end)
{
	struct mmu_op op;
	u64 zapped = 0;

	op_begin(&op, vm, NULL, true);
	op.may_yield = true;
	if (tdp_active(vm))
		zapped += vm->tdp->zap_range(&op, as, start, end);
	if (shadow_maybe_present(vm))
		zapped += zap_shadow(&op, as, start, end);
	vm_emit(vm, MMU_NO_VCPU, zap_range, (u8)as, start, end, (u32)zapped);
	op_end(&op);
	return zapped;
}

void zap_obsolete_parts(struct mmu_op *op, const struct mmu_backend *backend)
{
	while (backend->zap_obsolete(op, ZAP_PAGES) == ZAP_PAGES)
		op_yield(op);
}

/* Two at a time: the second first helps the first, and then both do the second's. So
 * there never are shadow pages of more than one obsolete generation. */
void mmu_zap_all(struct mmu_vm *vm)
{
	struct mmu_op op;
	u32 pages = 0;

	op_begin(&op, vm, NULL, true);
	if (tdp_active(vm))
		pages += vm->tdp->obsolete_all(&op);
	if (shadow_maybe_present(vm)) {
		zap_obsolete_parts(&op, vm->shadow);
		pages += vm->shadow->obsolete_all(&op);
	}
	vm_emit(vm, MMU_NO_VCPU, zap_all, pages);
	if (tdp_active(vm))
		zap_obsolete_parts(&op, vm->tdp);
	if (shadow_maybe_present(vm))
		zap_obsolete_parts(&op, vm->shadow);
	op_end(&op);
}

u32 mmu_shrink(struct mmu_vm *vm, u32 n)
{
	struct mmu_op op;
	u32 zapped = 0;

	op_begin(&op, vm, NULL, true);
	if (shadow_maybe_present(vm))
		zapped = vm->shadow->shrink(&op, n);
	op_end(&op);
	return zapped;
}
