/* SPDX-License-Identifier: MIT */
/*
 * Lab 7: the properties of roles, and the oracle that knows them. The oracle
 * works from scratch: the quadrant of a page follows from an address alone,
 *
 *	level 1: bit 21      level 2: bits 31:30
 *
 * and never from a parent, so it shares nothing with the code it judges.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "labs/lab07.h"
#include "mmu/role.h"

#define ROUNDS 50

typedef union mmu_role role_t;

/* A role that a page of this level under such a guest can have. */
static role_t some_role(uint64_t *rng, unsigned level, bool four_byte)
{
	uint64_t bits = lab_random(rng);
	role_t role = { .level = level, .has_4_byte_gpte = four_byte };

	role.access = bits & ACC_ALL;
	role.efer_nx = 1;
	role.cr0_wp = bits >> 3 & 1;
	role.smep_andnot_wp = !role.cr0_wp && (bits >> 4 & 1);
	role.smap_andnot_wp = !role.cr0_wp && (bits >> 5 & 1);
	role.ad_disabled = bits >> 6 & 1;
	role.guest_mode = bits >> 7 & 1;
	role.smm = bits >> 8 & 1;
	if (four_byte && level < LEVEL_1G)
		role.quadrant = bits >> 9 & (level == LEVEL_2M ? 3 : 1);
	return role;
}

/* Says in which field of the mask two roles differ. */
static bool differs(role_t have, role_t want, role_t mask, char *text, size_t size)
{
#define FIELD(name)                                                                                \
	if ((have.name ^ want.name) & mask.name) {                                                 \
		snprintf(text, size, #name " is %u, not %u", have.name, want.name);                \
		return true;                                                                       \
	}
	FIELD(level)
	FIELD(quadrant)
	FIELD(access)
	FIELD(direct)
	FIELD(passthrough)
	FIELD(has_4_byte_gpte)
	FIELD(invalid)
	FIELD(efer_nx)
	FIELD(cr0_wp)
	FIELD(smep_andnot_wp)
	FIELD(smap_andnot_wp)
	FIELD(ad_disabled)
	FIELD(guest_mode)
	FIELD(smm)
#undef FIELD
	snprintf(text, size, "a bit is set that means nothing here");
	return (have.word ^ want.word) & mask.word;
}

/* One question, compared under a mask of the role word. */
static bool child_is(struct grading *g, role_t parent, unsigned index, bool direct,
		     unsigned access, role_t want, role_t mask)
{
	char parent_text[80], have_text[80], what[80];
	uint64_t answer;
	role_t have;

	if (!lab_ask(g, &answer, "child %x %u %u %u", parent.word, index, direct, access))
		return false;
	have.word = (uint32_t)answer;
	if (!differs(have, want, mask, what, sizeof(what)))
		return true;
	role_text(parent, parent_text, sizeof(parent_text));
	role_text(have, have_text, sizeof(have_text));
	return lab_fails(g, "role_child(%#x [%s], index %u, direct %d, %s) = %#x [%s]: %s",
			 parent.word, parent_text, index, direct, role_access_text(access),
			 have.word, have_text, what);
}

static bool build(struct grading *g, uint64_t seed)
{
	uint64_t answer;

	(void)seed;
	return lab_ask(g, &answer, "root 0 0");
}

static bool level(struct grading *g, uint64_t rng)
{
	const role_t mask = { .level = 15 };

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned from = 2 + lab_random(&rng) % 4;
		role_t parent = some_role(&rng, from, false);
		role_t want = { .level = from - 1 };

		if (!child_is(g, parent, lab_random(&rng) % 512, lab_random(&rng) & 1,
			      lab_random(&rng) & 7, want, mask))
			return false;
	}
	return true;
}

static bool inherit(struct grading *g, uint64_t rng)
{
	role_t mask = { .word = ~0u };

	mask.level = 0;
	mask.quadrant = 0;
	for (unsigned i = 0; i < ROUNDS; i++) {
		role_t parent = some_role(&rng, 2 + lab_random(&rng) % 4, false);
		role_t want = parent;
		bool direct = lab_random(&rng) & 1;
		unsigned access = lab_random(&rng) & parent.access;

		want.level = parent.level - 1;
		want.direct = direct;
		want.access = access;
		if (!child_is(g, parent, lab_random(&rng) % 512, direct, access, want, mask))
			return false;
	}
	return true;
}

static bool passthrough(struct grading *g, uint64_t rng)
{
	const role_t mask = { .passthrough = 1, .level = 15 };
	role_t parent = some_role(&rng, 5, false);
	role_t want = { .level = 4 };

	parent.passthrough = 1;
	return child_is(g, parent, 0, false, ACC_ALL, want, mask);
}

static bool directory(struct grading *g, uint64_t rng)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		role_t parent = some_role(&rng, LEVEL_1G, true), want = parent;
		uint64_t address = lab_random(&rng) & 0xffffffff;
		unsigned access = lab_random(&rng) & 7;

		want.level = LEVEL_2M;
		want.quadrant = address >> 30;
		want.access = access;
		if (!child_is(g, parent, address >> 30, false, access, want,
			      (role_t){ .word = ~0u }))
			return false;
	}
	return true;
}

static bool table(struct grading *g, uint64_t rng)
{
	for (unsigned i = 0; i < ROUNDS; i++) {
		role_t parent = some_role(&rng, LEVEL_2M, true), want = parent;
		uint64_t address = lab_random(&rng) & 0xffffffff;
		unsigned access = lab_random(&rng) & 7;
		bool direct = lab_random(&rng) & 1;

		want.level = LEVEL_4K;
		want.quadrant = address >> 21 & 1;
		want.access = access;
		want.direct = direct;
		if (!child_is(g, parent, address >> 21 & 511, direct, access, want,
			      (role_t){ .word = ~0u }))
			return false;
	}
	return true;
}

static bool eight_byte(struct grading *g, uint64_t rng)
{
	const role_t mask = { .quadrant = 3, .has_4_byte_gpte = 1, .level = 15 };

	for (unsigned i = 0; i < ROUNDS; i++) {
		unsigned from = 2 + lab_random(&rng) % 3;
		role_t want = { .level = from - 1 };

		if (!child_is(g, some_role(&rng, from, false), lab_random(&rng) % 512, false,
			      ACC_ALL, want, mask))
			return false;
	}
	for (unsigned q = 0; q < 4; q++) {	/* a directory's quadrant stays there */
		role_t parent = some_role(&rng, LEVEL_2M, true);
		role_t want = { .level = LEVEL_4K, .has_4_byte_gpte = 1, .quadrant = 0 };

		parent.quadrant = q;
		if (!child_is(g, parent, 2 * (lab_random(&rng) % 256), false, ACC_ALL, want, mask))
			return false;
	}
	return true;
}

/* Asks for the root of a guest with so many levels. */
static bool ask_root(struct grading *g, role_t base, role_t *root)
{
	uint64_t answer;

	if (!lab_ask(g, &answer, "root %x 1", base.word))
		return false;
	root->word = (uint32_t)answer;
	return true;
}

static bool root(struct grading *g, uint64_t rng)
{
	static const unsigned levels[] = { 0, 2, 3, 4, 5 };
	char what[80];

	for (unsigned i = 0; i < 5; i++) {
		role_t base = some_role(&rng, levels[i], levels[i] == 2), want, have;

		base.efer_nx = lab_random(&rng) & 1;
		base.quadrant = 0;
		base.direct = levels[i] == 0;
		want = base;
		want.level = levels[i] < 3 ? 3 : levels[i];
		want.efer_nx = 1;
		if (!ask_root(g, base, &have))
			return false;
		if (differs(have, want, (role_t){ .word = ~0u }, what, sizeof(what)))
			return lab_fails(g, "role_root_shadow(base %#x: %u levels) = %#x: %s",
					 base.word, levels[i], have.word, what);
	}
	return true;
}

/* The quadrant an address has at a level, from scratch. */
static unsigned quadrant(uint64_t address, unsigned level)
{
	return address >> (12 + 9 * level) & ((1u << level) - 1);
}

static bool chain_of(struct grading *g, uint64_t *rng, unsigned levels)
{
	bool four = levels == 2;
	role_t base = some_role(rng, levels, four), role;
	uint64_t address = lab_random(rng) & (four ? 0xffffffffull : 0xffffffffffffull);

	base.quadrant = 0;
	if (!ask_root(g, base, &role))
		return false;
	if (role.level < 3 || role.level > 5)
		return lab_fails(g, "the root of %u guest levels has level %u", levels, role.level);
	while (role.level > LEVEL_4K) {
		unsigned index = level_index(address, role.level);
		role_t want = role;

		want.level = role.level - 1;
		want.quadrant = four ? quadrant(address, want.level) : 0;
		if (!child_is(g, role, index, false, role.access, want, (role_t){ .word = ~0u }))
			return false;
		role = want;
	}
	return true;
}

static bool chain(struct grading *g, uint64_t rng)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		if (!chain_of(g, &rng, 2 + lab_random(&rng) % 4))
			return false;
	return true;
}

/* A 2-level guest that touches a page in both halves of a table, in each GiB;
 * one table hangs in two GiB. Addresses and values come from the seed. */
static void write_guest(FILE *f, uint64_t rng)
{
	uint64_t page[4][2], value[4][2];

	fputs("mmu shadow\nmem 16M\nmode 2level\n", f);
	for (unsigned gib = 0; gib < 4; gib++) {
		uint64_t base = ((uint64_t)gib << 30) + (lab_random(&rng) % 128 << 22);

		for (unsigned half = 0; half < 2; half++) {
			page[gib][half] = base + (half << 21) + (lab_random(&rng) % 512 << 12);
			value[gib][half] = lab_random(&rng) & 0xffffffff;
			fprintf(f, "map %#" PRIx64 " %#x rwu\n", page[gib][half],
				0x400000 + (2 * gib + half) * 0x1000);
		}
	}
	for (unsigned i = 0; i < 8; i++)
		fprintf(f, "cpu0: write %#" PRIx64 " = %" PRIu64 "\n", page[i / 2][i % 2],
			value[i / 2][i % 2]);
	for (unsigned i = 0; i < 8; i++)
		fprintf(f, "cpu0: read %#" PRIx64 " -> %" PRIu64 "\n", page[i / 2][i % 2],
			value[i / 2][i % 2]);
	for (unsigned q = 0; q < 4; q++)
		fprintf(f, "expect sp level=2 quadrant=%u count=1\n", q);
	for (unsigned q = 0; q < 2; q++)
		fprintf(f, "expect sp level=1 quadrant=%u count=4\n", q);
	fputs("expect audit\n", f);
}

static bool machine(struct grading *g, uint64_t seed)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	bool ok;

	if (!f)
		return lab_fails(g, "no memory");
	write_guest(f, seed);
	fclose(f);
	ok = lab_run_scenario(g, text, seed & 0xffffffff);
	free(text);
	return ok;
}

#define TEST(name, points, sentence) { #name, points, sentence, name },
const struct lab_test lab07_tests[] = {
#include "labs/07-quadrants/rubric.def"
	{ NULL, 0, NULL, NULL },
};
#undef TEST
