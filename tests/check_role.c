/* SPDX-License-Identifier: MIT */
/*
 * Roles: computed from registers, derived down a chain of parents, held against
 * a second formula that knows only the address.
 */
#include "tests/tap.h"

#include <string.h>

#include "mmu/mmu.h"
#include "mmu/role.h"

enum mode { REAL, TWO_LEVEL, PAE, LONG4, LONG5, NR_MODES };

static struct mmu_regs regs_of(enum mode mode)
{
	struct mmu_regs regs = { .cr0 = CR0_PE | CR0_WP };

	if (mode != REAL)
		regs.cr0 |= CR0_PG;
	if (mode >= PAE)
		regs.cr4 |= CR4_PAE;
	if (mode >= LONG4)
		regs.efer |= EFER_LME | EFER_LMA;
	if (mode == LONG5)
		regs.cr4 |= CR4_LA57;
	return regs;
}

static unsigned levels_of(enum mode mode)
{
	static const unsigned levels[NR_MODES] = { 0, 2, 3, 4, 5 };

	return levels[mode];
}

/* Deterministic numbers, good enough to pick addresses. */
static u64 next_random(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

START_TEST(the_word_has_the_layout_of_kvm)
{
	ck_assert_uint_eq(((union mmu_role){ .level = 15 }).word, 0xf);
	ck_assert_uint_eq(((union mmu_role){ .has_4_byte_gpte = 1 }).word, 1u << 4);
	ck_assert_uint_eq(((union mmu_role){ .quadrant = 3 }).word, 3u << 5);
	ck_assert_uint_eq(((union mmu_role){ .direct = 1 }).word, 1u << 7);
	ck_assert_uint_eq(((union mmu_role){ .access = 7 }).word, 7u << 8);
	ck_assert_uint_eq(((union mmu_role){ .invalid = 1 }).word, 1u << 11);
	ck_assert_uint_eq(((union mmu_role){ .efer_nx = 1 }).word, 1u << 12);
	ck_assert_uint_eq(((union mmu_role){ .cr0_wp = 1 }).word, 1u << 13);
	ck_assert_uint_eq(((union mmu_role){ .smep_andnot_wp = 1 }).word, 1u << 14);
	ck_assert_uint_eq(((union mmu_role){ .smap_andnot_wp = 1 }).word, 1u << 15);
	ck_assert_uint_eq(((union mmu_role){ .ad_disabled = 1 }).word, 1u << 16);
	ck_assert_uint_eq(((union mmu_role){ .guest_mode = 1 }).word, 1u << 17);
	ck_assert_uint_eq(((union mmu_role){ .passthrough = 1 }).word, 1u << 18);
	ck_assert_uint_eq(((union mmu_role){ .smm = 1 }).word, 1u << 24);
}
END_TEST

START_TEST(a_guest_without_paging_has_a_direct_role_and_nothing_else)
{
	struct mmu_regs regs = { .cr0 = CR0_PE | CR0_WP,
				 .cr4 = CR4_PAE | CR4_SMEP | CR4_SMAP | CR4_PSE,
				 .efer = EFER_NXE };
	struct cpu_role cpu = role_cpu(&regs);
	union mmu_role want = { .direct = 1, .access = ACC_ALL };

	ck_assert_uint_eq(cpu.base.word, want.word);
	ck_assert_uint_eq(cpu.ext.word, 1);
	regs.smm = true;
	want.smm = 1;
	ck_assert_uint_eq(role_cpu(&regs).base.word, want.word);
}
END_TEST

START_TEST(each_paging_mode_has_its_level)
{
	for (enum mode mode = TWO_LEVEL; mode < NR_MODES; mode++) {
		struct mmu_regs regs = regs_of(mode);
		struct cpu_role cpu = role_cpu(&regs);

		ck_assert_uint_eq(cpu.base.level, levels_of(mode));
		ck_assert_uint_eq(cpu.base.has_4_byte_gpte, mode == TWO_LEVEL);
		ck_assert_uint_eq(cpu.base.direct, 0);
		ck_assert_uint_eq(cpu.ext.efer_lma, mode >= LONG4);
		ck_assert_uint_eq(cpu.ext.cr4_la57, mode == LONG5);
	}
}
END_TEST

START_TEST(smep_and_smap_enter_the_role_only_without_write_protection)
{
	struct mmu_regs regs = regs_of(LONG4);
	struct cpu_role cpu;

	regs.cr4 |= CR4_SMEP | CR4_SMAP;
	cpu = role_cpu(&regs);
	ck_assert(cpu.base.cr0_wp && !cpu.base.smep_andnot_wp && !cpu.base.smap_andnot_wp);
	ck_assert(cpu.ext.cr4_smep && cpu.ext.cr4_smap);
	regs.cr0 &= ~CR0_WP;
	cpu = role_cpu(&regs);
	ck_assert(!cpu.base.cr0_wp && cpu.base.smep_andnot_wp && cpu.base.smap_andnot_wp);
	regs.cr4 &= ~CR4_SMAP;
	cpu = role_cpu(&regs);
	ck_assert(cpu.base.smep_andnot_wp && !cpu.base.smap_andnot_wp);
}
END_TEST

START_TEST(la57_and_protection_keys_count_only_in_long_mode)
{
	struct mmu_regs regs = regs_of(PAE);

	regs.cr4 |= CR4_LA57 | CR4_PKE;
	ck_assert_uint_eq(role_cpu(&regs).base.level, 3);
	ck_assert(!role_cpu(&regs).ext.cr4_la57 && !role_cpu(&regs).ext.cr4_pke);
	regs.efer = EFER_LME | EFER_LMA;
	ck_assert(role_cpu(&regs).ext.cr4_la57 && role_cpu(&regs).ext.cr4_pke);
}
END_TEST

START_TEST(four_byte_entries_have_no_nx)
{
	struct mmu_regs regs = regs_of(TWO_LEVEL);

	regs.efer |= EFER_NXE;
	ck_assert(!role_cpu(&regs).base.efer_nx);
	regs.cr4 |= CR4_PAE;
	ck_assert(role_cpu(&regs).base.efer_nx);
}
END_TEST

START_TEST(a_shadow_root_has_three_levels_at_least_and_nx)
{
	static const unsigned want[NR_MODES] = { 3, 3, 3, 4, 5 };

	for (enum mode mode = REAL; mode < NR_MODES; mode++) {
		struct mmu_regs regs = regs_of(mode);
		union mmu_role role = role_root_shadow(role_cpu(&regs));

		ck_assert_uint_eq(role.level, want[mode]);
		ck_assert(role.efer_nx);
		ck_assert_uint_eq(role.direct, mode == REAL);
		ck_assert_uint_eq(role.has_4_byte_gpte, mode == TWO_LEVEL);
		ck_assert(role_is_sane(role, true));
		ck_assert_uint_eq(role_is_sane(role, false), mode != TWO_LEVEL);
	}
}
END_TEST

START_TEST(a_tdp_root_does_not_depend_on_the_paging_mode)
{
	struct mmu_regs real = regs_of(REAL);
	union mmu_role want = role_root_tdp(role_cpu(&real), 4);

	ck_assert(want.direct && want.level == 4 && want.access == ACC_ALL);
	for (enum mode mode = REAL; mode < NR_MODES; mode++) {
		struct mmu_regs regs = regs_of(mode);

		ck_assert_uint_eq(role_root_tdp(role_cpu(&regs), 4).word, want.word);
	}
	real.smm = true;
	ck_assert_uint_eq(role_root_tdp(role_cpu(&real), 5).word,
			  (want.word & ~0xfu) | 5 | 1u << 24);
}
END_TEST

/* The second formula: a page's role from nothing but root role, address and
 * level. An address bit selects the half or quarter of a 1024-entry table. */
static union mmu_role role_from_scratch(union mmu_role root, u64 addr, unsigned level,
					bool direct, unsigned access)
{
	union mmu_role role = { .word = root.word & ~0x407eful };

	role.level = level;
	role.direct = direct;
	role.access = access;
	role.has_4_byte_gpte = root.has_4_byte_gpte;
	if (root.has_4_byte_gpte && level < root.level)
		role.quadrant = (addr >> (12 + 9 * level)) & ((1u << level) - 1);
	return role;
}

static void walk_down(union mmu_role root, u64 addr, u64 *random)
{
	union mmu_role role = root;

	while (role.level > 1) {
		unsigned access = next_random(random) & ACC_ALL & role.access;
		bool direct = role.direct || (next_random(random) & 3) == 0;
		unsigned index = level_index(addr, role.level);

		if (role.level == 3 && root.level == 3)
			index &= 3;
		role = role_child(role, index, direct, access);
		ck_assert_uint_eq(role.word, role_from_scratch(root, addr, role.level, direct,
							       access).word);
		ck_assert(role_is_sane(role, false));
	}
}

START_TEST(a_chain_of_children_equals_the_formula_for_every_directory_entry)
{
	struct mmu_regs regs = regs_of(TWO_LEVEL);
	u64 random = 0x5eed;

	for (unsigned wp = 0; wp < 2; wp++) {
		regs.cr0 = CR0_PE | CR0_PG | (wp ? CR0_WP : 0);
		regs.cr4 = CR4_PSE | CR4_SMEP;
		for (u64 pde = 0; pde < 1024; pde++)
			for (u64 half = 0; half < 2; half++)
				walk_down(role_root_shadow(role_cpu(&regs)), pde << 22 | half << 21,
					  &random);
	}
}
END_TEST

START_TEST(a_chain_of_children_equals_the_formula_for_random_addresses)
{
	u64 random = 0xfeed;

	for (unsigned i = 0; i < 200000; i++) {
		struct mmu_regs regs = regs_of(i % NR_MODES);
		union mmu_role root;
		u64 addr = next_random(&random);

		regs.smm = next_random(&random) & 1;
		if (next_random(&random) & 1)
			regs.cr0 &= ~CR0_WP;
		if (next_random(&random) & 1)
			regs.cr4 |= CR4_SMEP;
		if (next_random(&random) & 1)
			regs.cr4 |= CR4_SMAP;
		root = role_root_shadow(role_cpu(&regs));
		if (root.level == 3)
			addr &= 0xffffffff;
		root.passthrough = root.level == 5 && (next_random(&random) & 1);
		root.guest_mode = next_random(&random) & 1;
		root.ad_disabled = next_random(&random) & 1;
		walk_down(root, addr, &random);
	}
}
END_TEST

START_TEST(the_quadrants_of_a_two_level_guest_are_its_gigabytes_and_table_halves)
{
	struct mmu_regs regs = regs_of(TWO_LEVEL);
	union mmu_role root = role_root_shadow(role_cpu(&regs)), pd;

	for (unsigned gib = 0; gib < 4; gib++) {
		pd = role_child(root, gib, false, ACC_ALL);
		ck_assert_uint_eq(pd.level, 2);
		ck_assert_uint_eq(pd.quadrant, gib);
		ck_assert_uint_eq(role_child(pd, 510, false, ACC_ALL).quadrant, 0);
		ck_assert_uint_eq(role_child(pd, 511, false, ACC_ALL).quadrant, 1);
		ck_assert_uint_eq(role_child(pd, 511, true, ACC_ALL).quadrant, 1);
	}
}
END_TEST

START_TEST(the_directories_of_a_pae_guest_have_no_quadrant)
{
	struct mmu_regs regs = regs_of(PAE);
	union mmu_role root = role_root_shadow(role_cpu(&regs));

	for (unsigned gib = 0; gib < 4; gib++)
		ck_assert_uint_eq(role_child(root, gib, false, ACC_ALL).quadrant, 0);
}
END_TEST

START_TEST(an_insane_word_is_recognised)
{
	const union mmu_role good = { .level = 1, .access = 7, .efer_nx = 1 };
	union mmu_role bad;

	ck_assert(role_is_sane(good, false));
#define WITH(field, value) (bad = good, bad.field = (value), bad)
	ck_assert(!role_is_sane(WITH(level, 0), false));
	ck_assert(!role_is_sane(WITH(level, 6), false));
	ck_assert(!role_is_sane(WITH(unused, 1), false));
	ck_assert(!role_is_sane(WITH(mirror, 1), false));
	ck_assert(!role_is_sane(WITH(smm, 2), false));
	ck_assert(!role_is_sane(WITH(quadrant, 1), false));
#undef WITH
	bad = (union mmu_role){ .level = 1, .has_4_byte_gpte = 1, .quadrant = 2 };
	ck_assert(!role_is_sane(bad, false));
	bad = (union mmu_role){ .level = 2, .has_4_byte_gpte = 1, .quadrant = 3 };
	ck_assert(role_is_sane(bad, false));
	bad = (union mmu_role){ .level = 3, .has_4_byte_gpte = 1, .quadrant = 1 };
	ck_assert(!role_is_sane(bad, true));
	bad = (union mmu_role){ .level = 4, .has_4_byte_gpte = 1 };
	ck_assert(!role_is_sane(bad, false));
	ck_assert(role_is_sane(bad, true));
	bad = (union mmu_role){ .level = 1, .cr0_wp = 1, .smep_andnot_wp = 1 };
	ck_assert(!role_is_sane(bad, false));
	bad = (union mmu_role){ .level = 1, .cr0_wp = 1, .smap_andnot_wp = 1 };
	ck_assert(!role_is_sane(bad, false));
}
END_TEST

START_TEST(a_role_reads_as_in_a_trace_of_kvm)
{
	char text[ROLE_TEXT_MAX];
	union mmu_role role = { .level = 2, .direct = 1, .access = 7, .efer_nx = 1 };

	ck_assert_uint_eq(role_text(role, text, sizeof(text)), strlen(text));
	ck_assert_str_eq(text, "l2 8-byte q0 direct wux nxe ad");
	role = (union mmu_role){ .level = 1, .has_4_byte_gpte = 1, .quadrant = 1, .access = 4,
				 .invalid = 1, .ad_disabled = 1 };
	role_text(role, text, sizeof(text));
	ck_assert_str_eq(text, "l1 4-byte q1 -u- invalid !nxe !ad");
	role = (union mmu_role){ .word = ~0u };
	ck_assert_uint_lt(role_text(role, text, sizeof(text)), ROLE_TEXT_MAX - 1);
}
END_TEST

START_TEST(a_text_never_overruns_its_buffer)
{
	char text[ROLE_TEXT_MAX];
	union mmu_role role = { .level = 4, .access = 7 };

	ck_assert_uint_eq(role_text(role, text, 0), 0);
	for (unsigned size = 1; size < ROLE_TEXT_MAX; size++) {
		memset(text, '#', sizeof(text));
		role_text(role, text, size);
		ck_assert_uint_lt(strlen(text), size);
		ck_assert_int_eq(text[size], '#');
	}
}
END_TEST

START_TEST(access_is_three_letters)
{
	static const char *const want[8] = { "---", "--x", "w--", "w-x",
					     "-u-", "-ux", "wu-", "wux" };

	for (unsigned access = 0; access < 8; access++)
		ck_assert_str_eq(role_access_text(access), want[access]);
	ck_assert_str_eq(role_access_text(8), "---");
}
END_TEST

TAP_MAIN("role",
	 the_word_has_the_layout_of_kvm,
	 a_guest_without_paging_has_a_direct_role_and_nothing_else,
	 each_paging_mode_has_its_level,
	 smep_and_smap_enter_the_role_only_without_write_protection,
	 la57_and_protection_keys_count_only_in_long_mode,
	 four_byte_entries_have_no_nx,
	 a_shadow_root_has_three_levels_at_least_and_nx,
	 a_tdp_root_does_not_depend_on_the_paging_mode,
	 a_chain_of_children_equals_the_formula_for_every_directory_entry,
	 a_chain_of_children_equals_the_formula_for_random_addresses,
	 the_quadrants_of_a_two_level_guest_are_its_gigabytes_and_table_halves,
	 the_directories_of_a_pae_guest_have_no_quadrant,
	 an_insane_word_is_recognised,
	 a_role_reads_as_in_a_trace_of_kvm,
	 a_text_never_overruns_its_buffer,
	 access_is_three_letters)
