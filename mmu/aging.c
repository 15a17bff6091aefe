/* SPDX-License-Identifier: MIT */
/*
 * One look at some frames: what leaves say, and what is remembered of leaves that
 * went. Of each frame of a slot one bit is kept for that.
 */
#include "mmu/aging.h"
#include "mmu/memslot.h"
#include "mmu/spte_set.h"

static gfn_t min(gfn_t a, gfn_t b)
{
	return a < b ? a : b;
}

static gfn_t max(gfn_t a, gfn_t b)
{
	return a > b ? a : b;
}

/* The bits of [from, to) that are in the word for frames from `first` on. */
static u64 word_mask(u64 first, u64 from, u64 to)
{
	from = max(from, first) - first;
	to = min(to, first + 64) - first;
	return from < to ? BITS(to - 1, from) : 0;
}

static void set_bits(const struct aging *aging, u64 *words, gfn_t start, gfn_t end)
{
	start = max(start, aging->start);
	end = min(end, aging->end);
	for (gfn_t at = start & ~63ull; at < end; at += 64)
		words[(at - aging->base) / 64] |= word_mask(at, start, end);
}

void aging_unsure(struct aging *aging, gfn_t gfn, u64 frames)
{
	set_bits(aging, aging->unsure, gfn, gfn + frames);
}

/* ---- notes ----------------------------------------------------------------------- */

/* The word in which the bits of 64 frames from gfn on are. */
static _Atomic u64 *note_word(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn)
{
	return parray_get(vm->env, &slot->used_frames, gfn / 64 - slot->base_gfn / 64);
}

/* Frames [start, end), which may reach out of the slot. */
static void note(struct mmu_vm *vm, const struct memslot *slot, gfn_t start, gfn_t end)
{
	start = max(start, slot->base_gfn);
	end = min(end, slot->base_gfn + slot->npages);
	for (gfn_t at = start & ~63ull; at < end; at += 64) {
		_Atomic u64 *word = note_word(vm, slot, at);

		if (word)
			atomic_fetch_or(word, word_mask(at, start, end));
	}
}

void aging_note(struct mmu_vm *vm, unsigned as, gfn_t gfn, u64 frames)
{
	const struct memslot *slot = slot_lookup(vm, as, gfn);

	if (slot)
		note(vm, slot, gfn, gfn + frames);
}

void aging_take_notes(struct aging *aging)
{
	mmu_point(aging->vm, age_notes);
	for (gfn_t at = aging->base; at < aging->end; at += 64) {
		_Atomic u64 *word = note_word(aging->vm, aging->slot, at);
		u64 bits = word ? atomic_load(word) : 0;

		bits &= word_mask(at, aging->start, aging->end);
		if (bits && aging->clear)
			atomic_fetch_and(word, ~bits);
		aging->young[(at - aging->base) / 64] |= bits;
	}
}

/* ---- leaves ----------------------------------------------------------------------- */

/*
 * The frames of a large leaf that were not asked about stay young: that is noted
 * before the leaf becomes old, or who asks about them now would find neither. If
 * somebody else changes the entry now it stays young.
 */
static void make_old(struct aging *aging, struct sp *sp, unsigned index, gfn_t gfn, u64 spte)
{
	gfn_t end = gfn + level_frames(sp_level(sp));

	note(aging->vm, aging->slot, gfn, min(end, aging->start));
	note(aging->vm, aging->slot, max(gfn, aging->end), end);
	mmu_point(aging->vm, age_entry);
	(void)!spte_age(aging->vm, sp, index, gfn, spte);
}

void aging_leaf(struct aging *aging, struct sp *sp, unsigned index, gfn_t gfn, u64 spte)
{
	gfn_t end = gfn + level_frames(sp_level(sp));

	if (!spte_is_young(spte) || gfn >= aging->end || end <= aging->start)
		return;
	set_bits(aging, aging->young, gfn, end);
	if (aging->clear)
		make_old(aging, sp, index, gfn, spte);
}
