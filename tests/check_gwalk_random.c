/* SPDX-License-Identifier: MIT */
/* The guest walker against the oracle, on random tables in every paging mode. */
#include "tests/guest_pt.h"

#include "mmu/gwalk.h"

static struct guest g;

static enum gwalk_result walk_as(unsigned vcpu, gva_t gva, u64 access, bool set_ad, bool quiet,
				 struct gwalk *walk)
{
	enum gwalk_result result;
	struct mmu_op op;

	op_begin(&op, g.m.vm, g.m.vcpu[vcpu], false);
	result = gwalk(&op, g.m.vcpu[vcpu]->walk_mmu, gva, access, set_ad, quiet, walk);
	op_end(&op);
	return result;
}

#define NR_TABLES 6

static u64 random_state;

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

/* An entry that is mostly good: it leads to a table, and a bad bit is rare. */
static u64 random_entry(unsigned size)
{
	u64 e = (GUEST_TABLES + rnd(NR_TABLES)) << PAGE_SHIFT;

	if (one_in(12))
		e = rnd(GUEST_FRAMES) << PAGE_SHIFT;
	if (one_in(80))
		e = rnd(1ull << 36) << PAGE_SHIFT;
	if (one_in(8))
		e = (e & ~(one_in(3) ? 0x3fffffull : 0x3fffffffull)) | GPTE_PS;
	e |= one_in(20) ? 0 : GPTE_P;
	e |= one_in(8) ? 0 : GPTE_W;
	e |= one_in(8) ? 0 : GPTE_U;
	e |= one_in(20) ? GPTE_PS : 0;
	e |= rnd(2) ? GPTE_A : 0;
	e |= rnd(2) ? GPTE_D : 0;
	e |= one_in(10) ? GPTE_NX : 0;
	e |= one_in(80) ? BIT(rnd(64)) : 0;
	return size == 4 ? (u32)e : e;
}

static void random_tables(void)
{
	unsigned size = g.mode == TWO_LEVEL ? 4 : 8;

	for (gpa_t gpa = GUEST_TABLES << PAGE_SHIFT;
	     gpa < (GUEST_TABLES + NR_TABLES) << PAGE_SHIFT; gpa += size)
		guest_poke(&g, gpa, random_entry(size), size);
	if (g.mode == PAE)
		for (unsigned i = 0; i < 4; i++)
			guest_poke(&g, (GUEST_TABLES << PAGE_SHIFT) + 8 * i,
				   (GUEST_TABLES + rnd(NR_TABLES)) << PAGE_SHIFT |
					   (one_in(6) ? 0 : GPTE_P) | (one_in(20) ? BIT(rnd(64)) : 0),
				   8);
}

static void random_regs(void)
{
	g.regs.cr0 = CR0_PE | CR0_PG | (rnd(2) ? CR0_WP : 0);
	g.regs.cr4 &= CR4_PAE | CR4_LA57;
	g.regs.cr4 |= (rnd(2) ? CR4_SMEP : 0) | (rnd(2) ? CR4_SMAP : 0) | (rnd(3) ? CR4_PSE : 0);
	g.regs.efer &= ~EFER_NXE;
	g.regs.efer |= rnd(3) ? EFER_NXE : 0;
	g.regs.ac = rnd(2);
	g.regs.cpl = rnd(2) ? 3 : 0;
	guest_set_regs(&g, 0, false);
}

static gva_t random_gva(void)
{
	gva_t gva = rnd(1ull << 20) << PAGE_SHIFT | rnd(PAGE_SIZE);

	if (g.mode >= LONG4)
		gva |= rnd(1ull << 27) << 32;
	if (g.mode >= LONG4 && rnd(2))
		gva |= g.mode == LONG4 ? 0xffff800000000000 : 0xff00000000000000;
	return gva;
}

static void same_answer(const struct oracle *o, enum gwalk_result result, const struct gwalk *w,
			gva_t gva)
{
	if (!o->ok) {
		ck_assert_int_eq(result, o->no_table ? GWALK_NO_TABLE : GWALK_FAULT);
		ck_assert_uint_eq(w->error, o->error);
		return;
	}
	ck_assert_int_eq(result, GWALK_OK);
	ck_assert_uint_eq(w->gfn << PAGE_SHIFT | (gva & ~PAGE_MASK), o->gpa);
	ck_assert_uint_eq(w->access, o->rights);
	ck_assert_uint_eq(w->leaf_level, o->level);
}

/* The walk set A and D where the oracle says, and nowhere else on its way. */
static void same_memory(const struct oracle *o, bool set_ad)
{
	for (unsigned i = 0; i < o->nr; i++) {
		u64 want = o->ok && set_ad ? o->entry[i].with_ad : o->entry[i].old;

		/* A table may be read twice, once as a leaf: A or D from there. */
		for (unsigned j = 0; o->ok && set_ad && j < o->nr; j++)
			if (o->entry[j].gpa == o->entry[i].gpa)
				want |= o->entry[j].with_ad;
		ck_assert_uint_eq(guest_peek(&g, o->entry[i].gpa, o->entry[i].size), want);
	}
}

static void random_walks(enum guest_mode mode)
{
	unsigned ok = 0, n = 0;

	random_state = 0x1234567 + mode;
	guest_init(&g, mode, NULL);
	g.m.fake.env.events_on = false;
	for (unsigned round = 0; round < 60; round++) {
		random_tables();
		for (unsigned i = 0; i < 500; i++, n++) {
			u64 access = rnd(8) << 1 & (PFERR_WRITE | PFERR_USER);
			gva_t gva = random_gva();
			bool set_ad = rnd(2);
			struct oracle o;
			struct gwalk w;

			if (i % 50 == 0)
				random_regs();
			access |= !(access & PFERR_WRITE) && one_in(3) ? PFERR_FETCH : 0;
			o = oracle_walk(&g, &g.regs, gva, access);
			same_answer(&o, walk_as(0, gva, access, set_ad, true, &w), &w, gva);
			same_memory(&o, set_ad);
			ok += o.ok;
		}
	}
	/* Both answers occur often enough to mean something. */
	ck_assert_uint_gt(ok, n / 20);
	ck_assert_uint_lt(ok, n - n / 20);
	guest_fini(&g);
}

START_TEST(two_level_walks_agree_with_the_oracle)
{
	random_walks(TWO_LEVEL);
}
END_TEST

START_TEST(pae_walks_agree_with_the_oracle)
{
	random_walks(PAE);
}
END_TEST

START_TEST(four_level_walks_agree_with_the_oracle)
{
	random_walks(LONG4);
}
END_TEST

START_TEST(five_level_walks_agree_with_the_oracle)
{
	random_walks(LONG5);
}
END_TEST

TAP_MAIN("gwalk_random",
	 two_level_walks_agree_with_the_oracle,
	 pae_walks_agree_with_the_oracle,
	 four_level_walks_agree_with_the_oracle,
	 five_level_walks_agree_with_the_oracle)
