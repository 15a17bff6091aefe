/* SPDX-License-Identifier: MIT */
/* Audit of the slots and the counters that hang on them. */
#include "mmu/audit.h"
#include "mmu/dirty.h"
#include "mmu/memslot.h"
#include "mmu/page_track.h"
#include "mmu/sp.h"

static bool overlap(const struct memslot *a, const struct memslot *b)
{
	return a->base_gfn < b->base_gfn + b->npages && b->base_gfn < a->base_gfn + a->npages;
}

static void audit_overlaps(struct audit *audit, const struct memslot *slot)
{
	for (unsigned id = 0; id < slot->id; id++) {
		const struct memslot *other = slot_by_id(audit->vm, slot->as, id);

		if (other)
			audit_check(audit, RULE_C_1, !overlap(slot, other), AT(0, 0),
				    slot->base_gfn, other->base_gfn);
	}
}

static void audit_generation(struct audit *audit, unsigned as)
{
	u64 generation = audit->vm->slots[as].generation;

	audit_check(audit, RULE_C_4, !(generation & BIT(63)) && generation % MMU_NR_AS == as,
		    AT(0, 0), generation, as);
}

/* Ascending, and each the one that its number leads to. */
static void audit_view(struct audit *audit, unsigned as)
{
	const struct slot_view *view = slot_view(audit->vm, as);
	unsigned numbered = 0;
	gfn_t end = 0;

	for (unsigned id = 0; id < MMU_MAX_SLOTS; id++)
		numbered += view->by_id[id] != 0;
	audit_check(audit, RULE_C_2, numbered == view->nr, AT(0, 0), numbered, view->nr);
	for (unsigned i = 0; i < view->nr; i++) {
		const struct memslot *slot = slot_record(audit->vm, as, view->by_gfn[i]);
		unsigned id = view->by_gfn[i] / 2;

		audit_check(audit, RULE_C_2, slot_by_id(audit->vm, as, id) == slot, AT(0, i), id,
			    view->by_id[id]);
		audit_check(audit, RULE_C_2, slot->id == id && slot->as == as && slot->base_gfn >= end,
			    AT(0, i), slot->base_gfn, end);
		end = slot->base_gfn;
	}
}

static void audit_flags(struct audit *audit, const struct memslot *slot)
{
	audit_check(audit, RULE_C_4, !slot->invalid, AT(0, 0), slot->id, slot->as);
	audit_check(audit, RULE_S_4, slot->as || !(slot->flags & MMU_SLOT_SMRAM), AT(0, 0),
		    slot->id, slot->flags);
}

/* What the counters of a frame should be. */
struct frame {
	unsigned all, upper;
};

static struct frame count_frame(const struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn)
{
	bool twin = slot_twin((struct mmu_vm *)vm, slot, gfn);
	struct frame frame = { 0 };

	for (const struct sp *sp = sp_hash_chain(vm, gfn); sp; sp = sp->hash_next) {
		if (sp->gfn != gfn || (sp->role.smm != slot->as && !twin) || !sp_has_gptes(sp))
			continue;
		frame.all++;
		frame.upper += sp->role.level > LEVEL_4K;
	}
	return frame;
}

static void audit_frame(struct audit *audit, const struct memslot *slot, gfn_t gfn)
{
	const struct frame frame = count_frame(audit->vm, slot, gfn);
	unsigned all = track_count(audit->vm, slot, gfn);
	unsigned upper = track_upper_count(audit->vm, slot, gfn);

	audit_check(audit, RULE_H_7, all == frame.all && upper == frame.upper, AT(0, 0),
		    (u64)upper << 32 | all, (u64)frame.upper << 32 | frame.all);
}

/* Frames with a counter, and frames with a shadow page: these are all that can be
 * wrong. */
static void audit_frames(struct audit *audit, const struct memslot *slot)
{
	const struct parray *counters[] = { &slot->shadowed, &slot->track };
	const struct mmu_env *env = audit->vm->env;

	for (unsigned k = 0; k < 2; k++)
		for (u64 i = parray_next(env, counters[k], 0); i < counters[k]->nr;
		     i = parray_next(env, counters[k], i + 1))
			audit_frame(audit, slot, slot->base_gfn + i);
	for (struct sp *sp = sp_next(audit->vm, NULL); sp; sp = sp_next(audit->vm, sp))
		if (sp->gfn - slot->base_gfn < slot->npages && sp_has_gptes(sp) &&
		    !track_count(audit->vm, slot, sp->gfn))
			audit_frame(audit, slot, sp->gfn);
}

/* The sum goes by what the frames' counters say: H-7 says whether these are
 * right. */
static u64 count_range(const struct mmu_vm *vm, const struct memslot *slot, gfn_t start, gfn_t end)
{
	gfn_t slot_end = slot->base_gfn + slot->npages;
	u64 sum = 0, i = start > slot->base_gfn ? start - slot->base_gfn : 0;
	u64 last = (end < slot_end ? end : slot_end) - slot->base_gfn;

	for (i = parray_next(vm->env, &slot->shadowed, i); i < last;
	     i = parray_next(vm->env, &slot->shadowed, i + 1))
		sum += track_count((struct mmu_vm *)vm, slot, slot->base_gfn + i);
	return sum;
}

static void audit_ranges(struct audit *audit, const struct memslot *slot, unsigned level)
{
	const struct parray *counters = &slot->huge_shadowed[level - LEVEL_2M];
	gfn_t step = level_frames(level), first = slot->base_gfn & ~(step - 1);

	for (u64 i = 0; i < counters->nr; i++) {
		const u32 *count = parray_get(audit->vm->env, counters, i);
		u64 sum = count_range(audit->vm, slot, first + i * step, first + (i + 1) * step);

		audit_check(audit, RULE_M_3, (count ? *count : 0) == sum, AT(0, 0),
			    count ? *count : 0, sum);
	}
}

static void audit_counters(struct audit *audit, const struct memslot *slot)
{
	audit_frames(audit, slot);
	for (unsigned level = LEVEL_2M; level <= LEVEL_1G; level++)
		audit_ranges(audit, slot, level);
}

static void audit_arrays(struct audit *audit, const struct memslot *slot)
{
	const struct parray *arrays[] = { &slot->rmap[0], &slot->rmap[1], &slot->rmap[2],
					  &slot->track, &slot->shadowed };

	for (unsigned i = 0; i < sizeof(arrays) / sizeof(arrays[0]); i++)
		audit_check(audit, RULE_C_7, !arrays[i]->pages == !audit->vm->shadow_used,
			    AT(0, i), arrays[i]->pages, audit->vm->shadow_used);
}

/* returns  whether it has a log */
static bool audit_log(struct audit *audit, const struct memslot *slot)
{
	u64 nr = slot->dirty.nr, want = slot_logs(slot) ? MMU_DIRTY_WORDS(slot->npages) : 0;
	unsigned rest = slot->npages % 64;

	audit_check(audit, RULE_L_4, nr == want, AT(0, 0), nr, want);
	if (nr && nr == want && rest)
		audit_check(audit, RULE_L_4, !(dirty_get(audit->vm, slot, nr - 1) >> rest), AT(0, 0),
			    dirty_get(audit->vm, slot, nr - 1), rest);
	return nr;
}

void audit_slots(struct audit *audit)
{
	u32 logs = 0;

	for (unsigned as = 0; as < MMU_NR_AS; as++) {
		audit_generation(audit, as);
		audit_view(audit, as);
		for (unsigned id = 0; id < MMU_MAX_SLOTS; id++) {
			const struct memslot *slot = slot_by_id(audit->vm, as, id);

			if (!slot)
				continue;
			audit_overlaps(audit, slot);
			logs += audit_log(audit, slot);
			audit_flags(audit, slot);
			audit_arrays(audit, slot);
			if (audit->vm->shadow_used)
				audit_counters(audit, slot);
		}
	}
	audit_check(audit, RULE_L_4, audit->vm->nr_logs == logs, AT(0, 0), audit->vm->nr_logs, logs);
}
