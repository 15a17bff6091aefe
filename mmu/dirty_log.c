/* SPDX-License-Identifier: MIT */
/*
 * The log of a slot as its owner sees it: turned on and off, harvested. Every
 * operation is one hold of the write lock and owes at most one flush, which is paid
 * before it ends.
 */
#include "mmu/dirty_log.h"
#include "mmu/backend.h"
#include "mmu/dirty.h"
#include "mmu/flush.h"
#include "mmu/slots.h"

#define LOG_FLAGS ((u32)(MMU_SLOT_LOG_DIRTY | MMU_SLOT_LOG_BY_D))

/* ---- both back ends ----------------------------------------------------------------- */

/* See the back end's log_frames(). */
static u64 rearm_frames(struct mmu_op *op, const struct memslot *slot, u64 i, u64 mask,
			enum dirty_how how)
{
	gfn_t gfn = slot->base_gfn + 64 * i;
	struct mmu_vm *vm = op->vm;
	u64 taken = 0;

	if (slot->npages - 64 * i < 64)
		mask &= BIT(slot->npages - 64 * i) - 1;
	if (tdp_active(vm))
		taken |= vm->tdp->log_frames(op, slot, gfn, mask, how);
	if (shadow_maybe_present(vm))
		taken |= vm->shadow->log_frames(op, slot, gfn, mask, how);
	return taken;
}

static bool may_be_asked(unsigned as, unsigned id)
{
	return as < MMU_NR_AS && id < MMU_MAX_SLOTS;
}

/* ---- on and off --------------------------------------------------------------------- */

void dirty_split(struct mmu_vm *vm, unsigned as, unsigned id)
{
	const struct memslot *slot;
	gfn_t start = 0, end = 0;
	struct mmu_op op;
	u64 nr;

	op_begin(&op, vm, NULL, false);
	slot = slot_by_id(vm, as, id);
	if (slot && !slot_logs(slot)) {
		start = slot->base_gfn;
		end = start + slot->npages;
	}
	op_end(&op);
	if (start < end)
		(void)!mmu_split_range(vm, as, start, end, &nr);
}

/* A log of before may have ended with a bit for what only a TLB has (take_word()). */
void dirty_begin(struct mmu_op *op, const struct memslot *slot)
{
	for (u64 i = 0; i < slot->dirty.nr; i++)
		rearm_frames(op, slot, i, ~0ull, DIRTY_BEGIN);
	if (slot->dirty.nr)
		flush_need(op, FLUSH_log, slot->base_gfn, slot->npages);
}

/* The slot's flags and frames; false: there is none. */
static bool slot_say(struct mmu_vm *vm, unsigned as, unsigned id, u32 *flags, u64 *npages)
{
	const struct memslot *slot = NULL;
	struct mmu_op op;

	if (!may_be_asked(as, id))
		return false;
	op_begin(&op, vm, NULL, false);
	slot = slot_by_id(vm, as, id);
	*flags = slot ? slot->flags : 0;
	*npages = slot ? slot->npages : 0;
	op_end(&op);
	return slot;
}

enum mmu_status mmu_dirty_log(struct mmu_vm *vm, unsigned as, unsigned id, u32 flags)
{
	u32 now;
	u64 npages;

	if (flags & ~LOG_FLAGS || !may_be_asked(as, id))
		return MMU_INVAL;
	if (!slot_say(vm, as, id, &now, &npages))
		return MMU_NOENT;
	return mmu_slot_set_flags(vm, as, id, (now & ~LOG_FLAGS) | flags);
}

u64 mmu_dirty_frames(struct mmu_vm *vm, unsigned as, unsigned id)
{
	u64 npages = 0;
	u32 flags = 0;

	return slot_say(vm, as, id, &flags, &npages) && flags & MMU_SLOT_LOG_DIRTY ? npages : 0;
}

/* ---- asking --------------------------------------------------------------------------- */

/* Part of a log. */
struct span {
	const struct memslot *slot;
	u64 first, end;		/* words of its bitmap */
};

static enum mmu_status span_find(struct mmu_vm *vm, unsigned as, unsigned id, u64 first,
				 u64 npages, struct span *span)
{
	const struct memslot *slot = slot_by_id(vm, as, id);

	if (!slot || !slot_logs(slot))
		return MMU_NOENT;
	if (first % 64 || !npages || first >= slot->npages || npages > slot->npages - first ||
	    (npages % 64 && first + npages != slot->npages))
		return MMU_INVAL;
	*span = (struct span){ slot, first / 64, MMU_DIRTY_WORDS(first + npages) };
	return MMU_OK;
}

/* D of entries of up to 64 frames becomes their bits. */
static void collect(struct mmu_op *op, const struct memslot *slot, u64 i, u64 mask,
		    enum dirty_how how)
{
	u64 frames = slot_logs_by_d(slot) ? rearm_frames(op, slot, i, mask, how) : 0;

	for (; frames; frames &= frames - 1)
		dirty_mark(op->vm, NULL, slot,
			   slot->base_gfn + 64 * i + (unsigned)__builtin_ctzll(frames));
}

/* The bits go first: see dirty.h. One that is set may stand for what only a TLB has. */
static u64 take_word(struct mmu_op *op, const struct memslot *slot, u64 i, u64 mask)
{
	u64 taken;

	collect(op, slot, i, mask, DIRTY_TAKE);
	taken = dirty_take(op->vm, slot, i, mask);
	mmu_point(op->vm, dirty_taken);
	if (taken && !slot_logs_by_d(slot))
		rearm_frames(op, slot, i, taken, DIRTY_TAKE);
	return taken;
}

static void take_span(struct mmu_op *op, const struct span *span, const u64 *mask, u64 *bitmap)
{
	u64 any = 0, taken;

	for (u64 i = span->first; i < span->end; i++) {
		taken = take_word(op, span->slot, i, mask ? mask[i - span->first] : ~0ull);
		if (bitmap)
			bitmap[i - span->first] = taken;
		any |= taken;
	}
	if (any)
		flush_need(op, FLUSH_log, span->slot->base_gfn + 64 * span->first,
			   64 * (span->end - span->first));
}

static void look_span(struct mmu_op *op, const struct span *span, u64 *bitmap)
{
	for (u64 i = span->first; i < span->end; i++) {
		collect(op, span->slot, i, ~0ull, DIRTY_LOOK);
		bitmap[i - span->first] = dirty_get(op->vm, span->slot, i);
	}
}

enum mmu_status mmu_dirty_harvest(struct mmu_vm *vm, unsigned as, unsigned id, u64 first,
				  u64 npages, u64 *bitmap)
{
	enum mmu_status status;
	struct span span;
	struct mmu_op op;

	if (!may_be_asked(as, id))
		return MMU_INVAL;
	op_begin(&op, vm, NULL, true);
	status = span_find(vm, as, id, first, npages, &span);
	if (status == MMU_OK)
		take_span(&op, &span, NULL, bitmap);
	op_end(&op);
	return status;
}

enum mmu_status mmu_dirty_look(struct mmu_vm *vm, unsigned as, unsigned id, u64 first, u64 npages,
			       u64 *bitmap)
{
	enum mmu_status status;
	struct span span;
	struct mmu_op op;

	if (!may_be_asked(as, id))
		return MMU_INVAL;
	op_begin(&op, vm, NULL, true);
	status = span_find(vm, as, id, first, npages, &span);
	if (status == MMU_OK)
		look_span(&op, &span, bitmap);
	op_end(&op);
	return status;
}

enum mmu_status mmu_dirty_clear(struct mmu_vm *vm, unsigned as, unsigned id, u64 first, u64 npages,
				const u64 *bitmap)
{
	enum mmu_status status;
	struct span span;
	struct mmu_op op;

	if (!may_be_asked(as, id))
		return MMU_INVAL;
	op_begin(&op, vm, NULL, true);
	status = span_find(vm, as, id, first, npages, &span);
	if (status == MMU_OK)
		take_span(&op, &span, bitmap, NULL);
	op_end(&op);
	return status;
}
