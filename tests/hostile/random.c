/* SPDX-License-Identifier: MIT */
/*
 * Rounds by chance.
 */
#include "tests/hostile/hostile.h"

/* The code begins anywhere in its area; often close to the end of a page. */
static u32 choose_place(enum mode mode)
{
	u32 at = chance(15) * 4096;

	if (mode == REAL)
		return CODE16;
	if (chance(2))
		at += 4096 - chance(64);
	return (mode == PROT16 || mode == V86 ? CODE16 : CODE) + at;
}

static void fill(u32 from, u32 size)
{
	for (u32 i = 0; i < size; i += 4)
		word_at(from + i) = random32();
}

void random_rounds(u32 seed, u32 rounds)
{
	u32 seen[3] = { 0 };

	seed_random(seed);
	for (u32 i = 0; i < rounds; i++) {
		enum mode mode = chance(NR_MODES);
		u32 at = choose_place(mode), vector;

		if (chance(8) == 0)
			fill(DATA, AREA);
		setup_round(mode, mode == PROT16 || mode == V86 ? at - CODE16 : at);
		emit_round((u8 *)at, mode);
		vector = run_env();
		put(".");
		seen[vector < 32 ? 0 : vector == 0x20 ? 1 : 2]++;
	}
	put("rounds ended by an exception: ");
	put_number(seen[0]);
	put(", by the timer: ");
	put_number(seen[1]);
	put(", otherwise: ");
	put_number(seen[2]);
	put("\n");
}
