/* SPDX-License-Identifier: MIT */
/* What the guest's memory was before, and what a vCPU may still believe of it. */
#include "tests/naive_past.h"
#include <stdlib.h>
#include <string.h>

bool naive_past_open(struct naive_past *past, u64 ram_size)
{
	*past = (struct naive_past){ .now = 1, .nr = 1, .room = 1024 };
	past->latest = calloc(ram_size / 8, sizeof(*past->latest));
	past->change = calloc(past->room, sizeof(*past->change));
	return past->latest && past->change;
}

void naive_past_close(struct naive_past *past)
{
	free(past->latest);
	free(past->change);
	*past = (struct naive_past){ 0 };
}

void naive_past_write(struct naive_past *past, const u8 *ram, u64 offset)
{
	u32 *latest = &past->latest[offset / 8];
	struct naive_change *change;

	past->now++;
	if (past->nr == past->room) {
		past->room *= 2;
		past->change = realloc(past->change, past->room * sizeof(*change));
		if (!past->change)
			abort();
	}
	change = &past->change[past->nr];
	*change = (struct naive_change){ .until = past->now, .before = *latest,
					.told = past->told };
	memcpy(&change->value, ram + offset / 8 * 8, 8);
	*latest = past->nr++;
}

/* These say nothing about where an entry leads, so they leave no past, but in a frame
 * where they may make an entry unusable. */
void naive_past_ad(struct naive_past *past, const u8 *ram, u64 offset)
{
	if (offset >> 12 < 32 && past->pdpts >> (offset >> 12) & 1)
		naive_past_write(past, ram, offset);
}

void naive_past_settle(struct naive_past *past, const u8 *ram, u64 offset, unsigned len)
{
	unsigned from = offset % 8 / 4 * 4, to = (offset % 8 + len + 3) / 4 * 4;

	for (u32 i = past->latest[offset / 8]; i; i = past->change[i].before)
		memcpy((u8 *)&past->change[i].value + from, ram + offset / 8 * 8 + from, to - from);
	if (from == 0 && to == 8)
		past->latest[offset / 8] = 0;
}

/* ---- forgetting ------------------------------------------------------------ */

void naive_flush(struct naive_past *past, unsigned cpu, unsigned pcids, bool global_too)
{
	struct naive_flushes *f = &past->flushes[cpu];

	past->now++;
	for (unsigned i = 0; i < NAIVE_PCIDS; i++)
		if (pcids & 1u << i)
			f->own[i] = past->now;
	if (global_too)
		f->all = past->now;
}

void naive_nested_flush(struct naive_past *past, unsigned cpu)
{
	past->flushes[cpu].nested = ++past->now;
}

void naive_invlpg(struct naive_past *past, unsigned cpu, gva_t gva)
{
	struct naive_flushes *f = &past->flushes[cpu];
	unsigned i = f->next++ % NAIVE_FORGOTTEN;

	f->page[i].page = gva >> 12;
	f->page[i].at = ++past->now;
}

void naive_leave(struct naive_past *past, unsigned cpu, u64 cr3)
{
	struct naive_flushes *f = &past->flushes[cpu];
	unsigned at = 0;

	for (unsigned i = 0; i < NAIVE_ROOTS; i++) {
		if (f->root[i].cr3 == cr3) {
			at = i;
			break;
		}
		if (f->root[i].until < f->root[at].until)
			at = i;
	}
	/* Later than an INVLPG just before. */
	f->root[at] = (struct naive_root){ .cr3 = cr3, .until = ++past->now };
}

bool naive_left_pdpte(const struct naive_past *past, gpa_t gpa)
{
	for (unsigned cpu = 0; cpu < NAIVE_CPUS; cpu++)
		for (unsigned i = 0; i < NAIVE_ROOTS; i++) {
			const struct naive_root *root = &past->flushes[cpu].root[i];

			if (root->until && gpa - (root->cr3 & 0xffffffe0) < 32)
				return true;
		}
	return false;
}

/* When did the vCPU last have to forget this address? */
static u64 horizon(const struct naive_past *past, const struct naive_way *way, bool global)
{
	const struct naive_flushes *f = &past->flushes[way->cpu];
	u64 at = global ? f->all : f->own[way->pcid];

	for (unsigned i = 0; i < NAIVE_FORGOTTEN; i++)
		if (f->page[i].page == way->gva >> 12 && f->page[i].at > at)
			at = f->page[i].at;
	return at;
}

/* ---- ways through the tables ------------------------------------------------ */

static u64 part(u64 word, u64 offset, unsigned size)
{
	return size == 8 ? word : (u32)(word >> offset % 8 * 8);
}

/* Another value of the entry, unless it is known already. */
static void add(struct naive_change *known, unsigned *nr, u64 value, u64 until)
{
	for (unsigned i = 0; i < *nr; i++)
		if (known[i].value == value)
			return;
	known[*nr] = (struct naive_change){ .value = value, .until = until };
	++*nr;
}

u64 naive_choose(const struct naive_past *past, const u8 *ram, u64 offset, unsigned size,
		 unsigned level, struct naive_way *way)
{
	struct naive_change known[NAIVE_VALUES];
	const struct naive_flushes *f = &past->flushes[way->cpu];
	u64 word, since = way->nested ? f->nested : f->all;
	unsigned nr = 0, at = way->depth++, pick, levels = way->nested ? 1 : past->levels;
	u64 *until = way->nested ? &way->nested_until : &way->until;

	memcpy(&word, ram + offset / 8 * 8, 8);
	add(known, &nr, part(word, offset, size), ~0ull);
	for (u32 i = past->latest[offset / 8]; i && level <= levels;
	     i = past->change[i].before) {
		const struct naive_change *c = &past->change[i];

		way->lost |= nr == NAIVE_VALUES;
		if (c->until <= since || way->lost || (way->nested && c->told && level))
			break;
		add(known, &nr, part(c->value, offset, size), c->until);
	}
	way->of[at] = nr;
	way->offset[at] = offset;
	pick = way->pick[at] < nr ? way->pick[at] : 0;
	if (known[pick].until < *until)
		*until = known[pick].until;
	return known[pick].value;
}

bool naive_way_is_open(const struct naive_past *past, const struct naive_way *way, bool global)
{
	return way->until > horizon(past, way, global) &&
	       way->nested_until > past->flushes[way->cpu].nested;
}

bool naive_next_way(struct naive_way *way)
{
	unsigned i = way->depth;

	way->until = way->nested_until = ~0ull;
	way->depth = 0;
	while (i--) {
		if (++way->pick[i] < way->of[i])
			return true;
		way->pick[i] = 0;
	}
	return false;
}
