/* SPDX-License-Identifier: MIT */
/*
 * A small duel of inner guests: random nested tables of L1, random tables of L2 in
 * every mode, stores by L1 and its host, zaps, other registers; after each the
 * simulated hardware reaches through L2's tables and ours what the oracle composes
 * and L1's entries have the A and D they must.
 */
#include "tests/inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NR_OPS		900
#define NR_L2_TABLES	6	/* nGPA 0x1000 .. */
#define NR_PAGES	8	/* of L2 in each of its two regions */
#define POOL		0x800ull /* frames that L1 gives L2 */
#define HUGE_POOL	0xc00ull

static struct inner in;
static enum guest_mode mode;
static gpa_t npt_entry[32];	/* every entry of L1's that matters */
static u64 npt_good[32];	/* what they were at first */
static unsigned nr_npt_entries;
static u64 random_state;
static unsigned endings[5];

static u64 rnd(u64 below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state % below;
}

static bool one_in(unsigned n)
{
	return rnd(n) == 0;
}

/* ---- what is random --------------------------------------------------------------------- */

static gpa_t random_ngpa_page(void)
{
	return (rnd(2) << 21) + (rnd(NR_PAGES) << PAGE_SHIFT);
}

static gpa_t random_l2_table(void)
{
	return (1 + rnd(NR_L2_TABLES)) << PAGE_SHIFT;
}

static u64 random_flags(void)
{
	return (one_in(12) ? 0 : GPTE_P) | (one_in(6) ? 0 : GPTE_W) | (one_in(9) ? 0 : GPTE_U) |
	       (one_in(3) ? GPTE_D : 0) | (one_in(10) ? GPTE_NX : 0) |
	       (one_in(80) ? BIT(rnd(64)) : 0);
}

/* Mostly what L2 needs to run; sometimes another table, a huge page, nothing there. */
static u64 random_npt_value(gpa_t was)
{
	u64 e = (POOL + rnd(16)) << PAGE_SHIFT;

	if (one_in(12))
		e = (NPT_GFN + rnd(8)) << PAGE_SHIFT;
	else if (one_in(12))
		e = HUGE_POOL << PAGE_SHIFT | GPTE_PS;
	else if (one_in(8))
		e = (GUEST_FRAMES + rnd(4)) << PAGE_SHIFT;
	else if (one_in(2))
		e = was & BITS(51, 12) & ~(u64)GPTE_PS;
	if (npt_levels(&in) == 3 && one_in(3))
		return e | GPTE_P; /* fit for a PDPTE */
	e |= random_flags();
	return npt_entry_size(&in) == 4 ? (u32)e : e;
}

static u64 random_l2_value(void)
{
	u64 e = one_in(3) ? random_ngpa_page() : random_l2_table();

	if (one_in(8))
		e = rnd(2) << 21 | GPTE_PS;
	if (mode == PAE && one_in(4))
		return e | GPTE_P;
	e |= random_flags();
	return mode == TWO_LEVEL ? (u32)e : e;
}

static gva_t random_gva(void)
{
	gva_t gva;

	if (mode == UNPAGED)
		return random_ngpa_page() | rnd(PAGE_SIZE - 8);
	gva = rnd(4) << 12 | rnd(3) << 21 | rnd(3) << 30 | rnd(PAGE_SIZE - 8);
	if (mode >= LONG4)
		gva |= rnd(2) << 39;
	return mode == LONG5 ? gva | rnd(2) << 48 : gva;
}

static u64 random_access(void)
{
	static const u64 kinds[] = { 0, PFERR_WRITE, PFERR_FETCH };

	return kinds[rnd(3)] | (rnd(2) ? PFERR_USER : 0);
}

/* ---- L1 and L2 as they begin -------------------------------------------------------------- */

static void make_npt(void)
{
	unsigned size = npt_entry_size(&in);
	gpa_t table = in.nested.ncr3;

	for (unsigned region = 0; region < 2; region++)
		for (unsigned i = 0; i < NR_PAGES; i++) {
			gpa_t ngpa = (u64)region << 21 | (gpa_t)i << PAGE_SHIFT;

			npt_entry[nr_npt_entries++] =
				npt_map(&in, ngpa, (POOL + region * NR_PAGES + i) << PAGE_SHIFT,
					NPT_ALL, LEVEL_4K);
		}
	for (unsigned level = npt_levels(&in); level > 1; level--) {
		npt_entry[nr_npt_entries++] = table;
		if (level == 2)
			npt_entry[nr_npt_entries++] = table + size;
		table = guest_peek(&in.g, table, size) & BITS(51, 12);
	}
	for (unsigned i = 0; i < nr_npt_entries; i++)
		npt_good[i] = guest_peek(&in.g, npt_entry[i], size);
}

static unsigned entry_size(void)
{
	return mode == TWO_LEVEL ? 4 : 8;
}

/* An entry of L2's that some address may use, where L1 puts its table now; 0: nowhere. */
static gpa_t random_l2_entry(void)
{
	static const unsigned levels[NR_GUEST_MODES] = { 0, 2, 3, 4, 5 };
	unsigned level = mode == UNPAGED ? 1 : 1 + rnd(levels[mode]);
	gpa_t table = level == levels[mode] ? in.regs.cr3 : random_l2_table(), gpa;
	struct guest as = { .mode = mode };

	gpa = guest_entry(&as, table, level, random_gva());
	return inner_place(&in, gpa, &gpa) ? gpa : 0;
}

static void l2_store(void)
{
	u64 value = random_l2_value();
	gpa_t gpa = random_l2_entry();

	if (gpa && gpa >> PAGE_SHIFT < GUEST_FRAMES)
		ck_assert_uint_eq(mmu_vm_write(in.g.m.vm, gpa, &value, entry_size()), entry_size());
}

static void flush_all(void)
{
	for (unsigned i = 0; i < 2; i++)
		mmu_nested_flush(in.g.m.vcpu[i]);
}

static void leave_all(void)
{
	for (unsigned i = 0; i < 2; i++)
		inner_leave(&in, i);
}

static void enter_all(void)
{
	for (unsigned i = 0; i < 2; i++)
		inner_enter(&in, i);
}

/* ---- operations ------------------------------------------------------------------------------ */

static void op_access(void)
{
	struct arrival a = inner_compare(&in, rnd(2), random_gva(), random_access());

	endings[a.ending]++;
}

static void op_l1_store(void)
{
	gpa_t entry = npt_entry[rnd(one_in(6) ? nr_npt_entries : 2 * NR_PAGES)];
	unsigned size = npt_entry_size(&in);
	u64 value = random_npt_value(guest_peek(&in.g, entry, size));

	if (one_in(3)) {
		ck_assert_uint_eq(mmu_vm_write(in.g.m.vm, entry, &value, size), size);
	} else {
		inner_leave(&in, 0);
		l1_store(&in, 0, entry, value);
		inner_enter(&in, 0);
	}
	flush_all();
}

static void op_mend(void)
{
	for (unsigned i = 0; i < nr_npt_entries; i++)
		if (i >= 2 * NR_PAGES || one_in(2))
			ck_assert_uint_eq(mmu_vm_write(in.g.m.vm, npt_entry[i], &npt_good[i],
						       npt_entry_size(&in)),
					  npt_entry_size(&in));
	flush_all();
}

static void op_regs(void)
{
	static const u64 cr4s[] = { CR4_SMEP, CR4_SMAP, CR4_PSE, 0 };

	if (one_in(3)) {
		leave_all();
		mode = rnd(NR_GUEST_MODES);
		in.regs = inner_regs(mode, random_l2_table());
		if (one_in(2))
			in.nested.efer ^= one_in(4) && npt_levels(&in) > 2 ? EFER_NXE : 0;
		enter_all();
		return;
	}
	if (mode == UNPAGED)
		return;
	in.regs.cr3 = random_l2_table();
	in.regs.cr4 ^= cr4s[rnd(4)];
	in.regs.cr0 ^= one_in(4) ? CR0_WP : 0;
	for (unsigned i = 0; i < 2; i++)
		mmu_set_regs(in.g.m.vcpu[i], &in.regs, true);
}

static void op_host(void)
{
	gfn_t gfn = (one_in(3) ? NPT_GFN : POOL) + rnd(16);

	switch (rnd(6)) {
	case 0:
		mmu_zap_all(in.g.m.vm);
		break;
	case 1:
		mmu_unprotect(in.g.m.vm, gfn);
		break;
	case 2:
		machine_knob(&in.g.m, MMU_KNOB_huge, rnd(2));
		machine_knob(&in.g.m, MMU_KNOB_unsync, rnd(2));
		machine_knob(&in.g.m, MMU_KNOB_flood, rnd(4));
		break;
	case 3:
		leave_all();
		for (unsigned i = 0; i < 2; i++)
			mmu_nested_free(in.g.m.vcpu[i]);
		ck_assert_uint_eq(inner_pages(&in), 0);
		enter_all();
		break;
	default:
		mmu_zap_range(in.g.m.vm, 0, gfn, gfn + 1 + rnd(4));
	}
	machine_audit(&in.g.m);
}

static void play(unsigned tdp_level, unsigned npt_levels)
{
	inner_init(&in, tdp_level, npt_levels);
	in.g.m.audit_every = 8;
	nr_npt_entries = 0;
	make_npt();
	mode = rnd(NR_GUEST_MODES);
	in.regs = inner_regs(mode, random_l2_table());
	enter_all();
	for (unsigned i = 0; i < 40; i++)
		l2_store();
	for (unsigned i = 0; i < NR_OPS; i++) {
		u64 op = rnd(100);

		if (op < 60)
			op_access();
		else if (op < 72)
			l2_store();
		else if (op < 84)
			op_l1_store();
		else if (op < 92)
			op_mend();
		else if (op < 96)
			op_regs();
		else
			op_host();
	}
	leave_all();
	inner_fini(&in);
}

static void many(unsigned tdp_level, unsigned npt_levels)
{
	const char *seed = getenv("SEED");

	memset(endings, 0, sizeof(endings));
	for (unsigned i = 0; i < (seed ? 1 : 6); i++) {
		random_state = seed ? strtoull(seed, NULL, 0) : 0x9e3779b97f4a7c15ull * (i + 1);
		printf("# SEED=0x%llx\n", (unsigned long long)random_state);
		fflush(stdout);
		play(tdp_level, npt_levels);
	}
	printf("# endings: reached %u, L2 %u, L1 %u, device %u, table %u\n", endings[0],
	       endings[1], endings[2], endings[3], endings[4]);
	fflush(stdout);
	/* Random is no excuse for never getting anywhere. */
	for (unsigned i = 0; i < 4 && !seed; i++)
		ck_assert_msg(endings[i] > 20, "only %u accesses ended as %u", endings[i], i);
}

START_TEST(four_levels_of_l1_over_four_of_ours)
{
	many(4, 4);
}
END_TEST

START_TEST(four_levels_of_l1_over_five_of_ours)
{
	many(5, 4);
}
END_TEST

START_TEST(five_levels_of_l1_over_five_of_ours)
{
	many(5, 5);
}
END_TEST

START_TEST(two_levels_of_l1_over_four_of_ours)
{
	many(4, 2);
}
END_TEST

START_TEST(two_levels_of_l1_over_five_of_ours)
{
	many(5, 2);
}
END_TEST

START_TEST(pae_of_l1_over_four_of_ours)
{
	many(4, 3);
}
END_TEST

START_TEST(pae_of_l1_over_five_of_ours)
{
	many(5, 3);
}
END_TEST

TAP_MAIN("nested_random", four_levels_of_l1_over_four_of_ours,
	 four_levels_of_l1_over_five_of_ours, five_levels_of_l1_over_five_of_ours,
	 two_levels_of_l1_over_four_of_ours, two_levels_of_l1_over_five_of_ours,
	 pae_of_l1_over_four_of_ours, pae_of_l1_over_five_of_ours)
