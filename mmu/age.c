/* SPDX-License-Identifier: MIT */
/*
 * Aging for who asks: a range of frames is looked at in parts, each in a read bracket
 * of its own so that nothing waits long for the reader to be out.
 */
#include "mmu/age.h"
#include "mmu/aging.h"
#include "mmu/backend.h"
#include "mmu/epoch.h"
#include "mmu/memslot.h"

/* One question, and the answer so far. */
struct asking {
	struct mmu_vm *vm;
	unsigned as;
	gfn_t start, end;
	bool clear;
	const struct mmu_age_bitmap *bitmap;	/* NULL: none is wanted */
	u64 young, old;				/* frames */
};

const char *mmu_age_name(struct mmu_age age)
{
	static const char *const name[MMU_NR_AGES] = {
		[MMU_AGE_UNKNOWN] = "unknown",
		[MMU_AGE_OLD] = "old",
		[MMU_AGE_YOUNG] = "young",
	};

	return age.is < MMU_NR_AGES ? name[age.is] : name[MMU_AGE_UNKNOWN];
}

/* ---- parts ------------------------------------------------------------------------ */

/* Up to where the address space has the same slot, or none, as at gfn. */
static gfn_t slot_until(struct mmu_vm *vm, unsigned as, gfn_t gfn, gfn_t end)
{
	const struct memslot *slot = slot_lookup(vm, as, gfn);

	if (slot)
		return end < slot->base_gfn + slot->npages ? end : slot->base_gfn + slot->npages;
	for (unsigned id = 0; id < MMU_MAX_SLOTS; id++) {
		slot = slot_by_id(vm, as, id);
		if (slot && slot->base_gfn > gfn && slot->base_gfn < end)
			end = slot->base_gfn;
	}
	return end;
}

/* The same for both address spaces, and no more than one look is for. */
static gfn_t part_until(struct mmu_vm *vm, gfn_t gfn, gfn_t end)
{
	gfn_t limit = (gfn & ~63ull) + AGING_FRAMES;

	for (unsigned as = 0; as < MMU_NR_AS; as++)
		end = slot_until(vm, as, gfn, end);
	return end < limit ? end : limit;
}

static void look(struct aging *aging, const struct memslot *slot)
{
	struct mmu_vm *vm = aging->vm;

	aging->slot = slot;
	if (tdp_active(vm))
		vm->tdp->age(aging);
	if (shadow_has_leaves(vm))
		vm->shadow->age(aging);
	aging_take_notes(aging);
}

/* The frames from gfn on, in a bracket. Up to end nothing is known if none are there.
 * returns  whether any are */
static bool look_at_part(const struct asking *ask, gfn_t gfn, struct aging *aging)
{
	const struct memslot *slot = slot_lookup(ask->vm, ask->as, gfn), *twin;

	*aging = (struct aging){ .vm = ask->vm, .clear = ask->clear, .start = gfn,
				 .base = gfn & ~63ull };
	if (!slot) {
		aging->end = slot_until(ask->vm, ask->as, gfn, ask->end);
		return false;
	}
	aging->end = part_until(ask->vm, gfn, ask->end);
	twin = slot_twin(ask->vm, slot, gfn);
	look(aging, slot);
	if (twin)
		look(aging, twin);
	return true;
}

/* ---- answers ------------------------------------------------------------------------ */

static u64 count_bits(u64 word)
{
	u64 n = 0;

	for (; word; word &= word - 1)
		n++;
	return n;
}

/* The bits of frames from gfn on, which is bit 0, into words that begin at the first
 * frame asked about. */
static void put_bits(u64 *words, u64 i, u64 bits)
{
	words[i / 64] |= bits << i % 64;
	if (i % 64 && bits >> (64 - i % 64))
		words[i / 64 + 1] |= bits >> (64 - i % 64);
}

/* 64 frames, or those of them that were asked about. */
static void take_word(struct asking *ask, gfn_t gfn, u64 young, u64 known)
{
	gfn_t first = gfn < ask->start ? ask->start : gfn;

	ask->young += count_bits(young);
	ask->old += count_bits(known & ~young);
	if (known && ask->end - ask->start > 1)
		vm_emit(ask->vm, MMU_NO_VCPU, ages, (u8)ask->as, gfn, young, known);
	if (!ask->bitmap)
		return;
	put_bits(ask->bitmap->young, first - ask->start, young >> (first - gfn));
	put_bits(ask->bitmap->known, first - ask->start, known >> (first - gfn));
}

static void take_part(struct asking *ask, const struct aging *aging)
{
	for (gfn_t gfn = aging->base; gfn < aging->end; gfn += 64) {
		unsigned i = (gfn - aging->base) / 64;
		u64 asked = ~0ull;

		if (gfn < aging->start)
			asked &= ~0ull << (aging->start - gfn);
		if (aging->end - gfn < 64)
			asked &= BIT(aging->end - gfn) - 1;
		take_word(ask, gfn, aging->young[i], (aging->young[i] | ~aging->unsure[i]) & asked);
	}
}

static struct mmu_age answer(const struct asking *ask)
{
	if (ask->young)
		return (struct mmu_age){ MMU_AGE_YOUNG };
	if (ask->end > ask->start && ask->old == ask->end - ask->start)
		return (struct mmu_age){ MMU_AGE_OLD };
	return (struct mmu_age){ MMU_AGE_UNKNOWN };
}

static struct mmu_age ask_all(struct asking *ask)
{
	_Atomic u64 *reader;
	struct aging aging;
	bool any;

	for (gfn_t gfn = ask->start; ask->as < MMU_NR_AS && gfn < ask->end; gfn = aging.end) {
		reader = mmu_outside_begin(ask->vm);
		any = look_at_part(ask, gfn, &aging);
		mmu_outside_end(reader);
		if (any)
			take_part(ask, &aging);
	}
	vm_emit(ask->vm, MMU_NO_VCPU, aged, (u8)ask->as, ask->start, ask->end, ask->clear,
		ask->young, ask->old);
	return answer(ask);
}

static struct mmu_age ask_range(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end, bool clear)
{
	struct asking ask = { .vm = vm, .as = as, .start = start, .end = end, .clear = clear };

	return ask_all(&ask);
}

static void ask_bitmap(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end, bool clear,
		       const struct mmu_age_bitmap *bitmap)
{
	struct asking ask = { .vm = vm, .as = as, .start = start, .end = end, .clear = clear,
			      .bitmap = bitmap };
	u64 words = end > start ? MMU_AGE_WORDS(end - start) : 0;

	memset(bitmap->young, 0, words * sizeof(u64));
	memset(bitmap->known, 0, words * sizeof(u64));
	ask_all(&ask);
}

/* ---- the front door ------------------------------------------------------------------ */

struct mmu_age mmu_age_gfn(struct mmu_vm *vm, unsigned as, gfn_t gfn)
{
	return ask_range(vm, as, gfn, gfn + 1, true);
}

struct mmu_age mmu_test_age_gfn(struct mmu_vm *vm, unsigned as, gfn_t gfn)
{
	return ask_range(vm, as, gfn, gfn + 1, false);
}

struct mmu_age mmu_age_range(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end)
{
	return ask_range(vm, as, start, end, true);
}

struct mmu_age mmu_test_age_range(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end)
{
	return ask_range(vm, as, start, end, false);
}

void mmu_age_bitmap(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end,
		    const struct mmu_age_bitmap *bitmap)
{
	ask_bitmap(vm, as, start, end, true, bitmap);
}

void mmu_test_age_bitmap(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end,
			 const struct mmu_age_bitmap *bitmap)
{
	ask_bitmap(vm, as, start, end, false, bitmap);
}
