/* SPDX-License-Identifier: MIT */
/* Audit of the slots and the counters that hang on them. */
#include "mmu/audit.h"
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

/* The counter of the range is checked when its last frame has been seen. */
static void audit_huge(struct audit *audit, const struct memslot *slot, gfn_t gfn, unsigned level,
		       u64 *sum)
{
	bool last = gfn + 1 == slot->base_gfn + slot->npages ||
		    !((gfn + 1) & (level_frames(level) - 1));
	unsigned shift = 9 * (level - 1);
	const u32 *count;

	if (!last)
		return;
	count = parray_get(audit->vm->env, &slot->huge_shadowed[level - LEVEL_2M],
			   (gfn >> shift) - (slot->base_gfn >> shift));
	audit_check(audit, RULE_M_3, (count ? *count : 0) == *sum, AT(0, 0), count ? *count : 0,
		    *sum);
	*sum = 0;
}

/* The sums go by what the frames' counters say: H-7 says whether these are
 * right. */
static void audit_counters(struct audit *audit, const struct memslot *slot)
{
	u64 sum[LEVEL_1G + 1] = { 0 };
	struct mmu_vm *vm = audit->vm;

	for (gfn_t gfn = slot->base_gfn; gfn < slot->base_gfn + slot->npages; gfn++) {
		const struct frame frame = count_frame(vm, slot, gfn);
		unsigned all = track_count(vm, slot, gfn);
		unsigned upper = track_upper_count(vm, slot, gfn);

		audit_check(audit, RULE_H_7, all == frame.all && upper == frame.upper, AT(0, 0),
			    (u64)upper << 32 | all, (u64)frame.upper << 32 | frame.all);
		for (unsigned level = LEVEL_2M; level <= LEVEL_1G; level++) {
			sum[level] += all;
			audit_huge(audit, slot, gfn, level, &sum[level]);
		}
	}
}

void audit_slots(struct audit *audit)
{
	for (unsigned as = 0; as < MMU_NR_AS; as++) {
		audit_generation(audit, as);
		for (unsigned id = 0; id < MMU_MAX_SLOTS; id++) {
			const struct memslot *slot = slot_by_id(audit->vm, as, id);

			if (!slot)
				continue;
			audit_overlaps(audit, slot);
			if (audit->vm->shadow_used)
				audit_counters(audit, slot);
		}
	}
}
