/* SPDX-License-Identifier: MIT */
/*
 * A small duel: random tables, stores, register changes and zaps, and after each
 * the pretended CPU reaches through our tables what the oracle says. There is no
 * TLB here: what stands in our tables must be right at any time.
 */
#include "tests/guest_pt.h"

#include <stdlib.h>

#include "mmu/sp.h"

#define NR_TABLES	6
#define NR_OPS		2000

static struct guest g;
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

static unsigned entry_size(void)
{
	return g.mode == TWO_LEVEL ? 4 : 8;
}

/* PDPTEs are tables of their own, or the A bits of a walk would spoil them. */
#define NR_ROOTS 2

static gpa_t random_root(void)
{
	return (GUEST_TABLES + rnd(g.mode == PAE ? NR_ROOTS : NR_TABLES)) << PAGE_SHIFT;
}

static gpa_t random_table(void)
{
	unsigned first = g.mode == PAE ? NR_ROOTS : 0;

	return (GUEST_TABLES + first + rnd(NR_TABLES - first)) << PAGE_SHIFT;
}

/* Mostly present, often a table, and a huge leaf may begin at a table's frame. */
static u64 random_entry(gpa_t gpa)
{
	u64 e = random_table();

	if (g.mode == PAE && gpa >> PAGE_SHIFT < GUEST_TABLES + NR_ROOTS && !one_in(10))
		return e | (one_in(8) ? 0 : GPTE_P);
	if (one_in(4))
		e = rnd(GUEST_FRAMES + GUEST_FRAMES / 8) << PAGE_SHIFT;
	if (one_in(6))
		e = (rnd(8) << 22) | GPTE_PS;
	if (one_in(20))
		e = GPTE_PS;
	e |= one_in(15) ? 0 : GPTE_P;
	e |= one_in(6) ? 0 : GPTE_W;
	e |= one_in(6) ? 0 : GPTE_U;
	e |= one_in(3) ? GPTE_D : 0;
	e |= one_in(10) ? GPTE_NX : 0;
	e |= one_in(60) ? BIT(rnd(64)) : 0;
	return entry_size() == 4 ? (u32)e : e;
}

/* Few indices at each level, so that paths meet. */
static gva_t random_gva(void)
{
	gva_t gva = rnd(4) << 12 | rnd(3) << 21 | rnd(4) << 30 | rnd(PAGE_SIZE);

	if (g.mode >= LONG4)
		gva |= rnd(2) << 39;
	if (g.mode == LONG5)
		gva |= rnd(2) << 48;
	return gva;
}

/* An entry that such an address may use. */
static gpa_t random_entry_gpa(void)
{
	gva_t gva = random_gva();
	unsigned level = 1 + rnd(guest_levels(&g));

	return guest_entry(&g, level == guest_levels(&g) ? random_root() : random_table(), level,
			   gva);
}

static u64 random_access(void)
{
	static const u64 kinds[] = { 0, PFERR_WRITE, PFERR_FETCH };

	return kinds[rnd(3)] | (rnd(2) ? PFERR_USER : 0);
}

/* ---- judging ------------------------------------------------------------------------- */

/* What our tables let through now, without a fault, must be allowed. */
static void nothing_is_too_permissive(void)
{
	for (unsigned i = 0; i < 40; i++) {
		gva_t gva = random_gva();
		u64 access = random_access(), error;
		struct outcome out = { 0 };
		struct oracle o;

		if (!cpu_translate(&g, rnd(2), gva, access, &out, &error))
			continue;
		o = oracle_walk(&g, &g.regs, gva, access);
		ck_assert_msg(o.ok, "0x%llx may not be accessed by 0x%llx",
			      (unsigned long long)gva, (unsigned long long)access);
		ck_assert_uint_eq(out.hpa, FAKE_RAM + o.gpa);
	}
}

/* A write to a table, carried out by the host: any 4 or 8 bytes. */
static void emulate_write(unsigned vcpu, gva_t gva, gpa_t gpa, u64 access)
{
	u64 value = random_entry(gpa);
	struct mmu_fault fault;
	unsigned size = one_in(3) ? 4 : 8;
	size_t done = mmu_write_gva(g.m.vcpu[vcpu], gva & ~7ull, &value, size, access, &fault);

	ck_assert_uint_eq(done, size);
}

/* PDPTEs are read again when CR3 is loaded, and a test may store to them at any
 * time: so the guest loads CR3 after each store. */
static void after_store(void)
{
	for (unsigned i = 0; i < 2 && g.mode == PAE; i++)
		guest_set_regs(&g, i, true);
}

static void random_access_by_a_cpu(unsigned *reached)
{
	u64 access = random_access();
	gva_t gva = random_gva();
	struct oracle o = oracle_walk(&g, &g.regs, gva, access);
	unsigned vcpu = rnd(2);
	struct outcome out = cpu_access(&g, vcpu, gva, access);

	if (!o.ok) {
		ck_assert_int_eq(out.verdict, MMU_INJECT);
		ck_assert_uint_eq(out.fault.error, o.error);
	} else if (o.gpa >> PAGE_SHIFT >= GUEST_FRAMES) {
		ck_assert_int_eq(out.verdict, MMU_EMULATE);
		ck_assert(out.fault.mmio);
	} else if (out.verdict == MMU_EMULATE) {
		ck_assert(out.fault.table && access & PFERR_WRITE);
		ck_assert_uint_eq(out.fault.gpa, o.gpa);
		ck_assert_uint_lt((o.gpa >> PAGE_SHIFT) - GUEST_TABLES, NR_TABLES);
		emulate_write(vcpu, gva, o.gpa, access);
		after_store();
	} else {
		ck_assert_int_eq(out.verdict, MMU_RETRY);
		ck_assert_uint_eq(out.hpa, FAKE_RAM + o.gpa);
		++*reached;
	}
}

/* ---- moves --------------------------------------------------------------------------- */

static void random_store(void)
{
	gpa_t gpa = random_entry_gpa();

	guest_store(&g, gpa, random_entry(gpa));
	after_store();
}

static void random_regs(void)
{
	bool wp = rnd(2);

	g.regs.cr0 = CR0_PE | CR0_PG | (wp ? CR0_WP : 0);
	g.regs.cr4 &= CR4_PAE | CR4_LA57;
	g.regs.cr4 |= (rnd(2) ? CR4_SMEP : 0) | (rnd(3) ? CR4_PSE : 0);
	/* Without WP, a page made writable for the kernel escapes SMAP. */
	g.regs.cr4 |= wp && rnd(2) ? CR4_SMAP : 0;
	g.regs.efer &= ~EFER_NXE;
	g.regs.efer |= rnd(3) ? EFER_NXE : 0;
	g.regs.ac = rnd(2);
	g.regs.cpl = rnd(2) ? 3 : 0;
	g.regs.cr3 = one_in(2) ? g.regs.cr3 : random_root();
	for (unsigned i = 0; i < 2; i++)
		guest_set_regs(&g, i, one_in(2));
}

static void random_zap(void)
{
	switch (rnd(4)) {
	case 0:
		mmu_zap_all(g.m.vm);
		break;
	case 1:
		mmu_unprotect(g.m.vm, GUEST_TABLES + rnd(NR_TABLES));
		break;
	default:
		mmu_zap_range(g.m.vm, 0, rnd(GUEST_FRAMES), GUEST_FRAMES);
	}
	machine_audit(&g.m);
}

/* Another one finds other things: SHADOW_SEED=n check_shadow_random.t */
static u64 seed(void)
{
	const char *text = getenv("SHADOW_SEED");

	return text ? strtoull(text, NULL, 0) << 16 : 0;
}

static void duel(enum guest_mode mode, bool huge)
{
	const struct mmu_config config = {
		.mode = MMU_MODE_SHADOW, .nr_vcpus = 2, .maxphyaddr = 48,
	};
	unsigned reached = 0;

	random_state = (0x9e3779b97f4a7c15 ^ (mode << 8 | huge)) + seed();
	guest_init(&g, mode, &config);
	machine_knob(&g.m, MMU_KNOB_huge, huge);
	machine_knob(&g.m, MMU_KNOB_budget, huge ? 30 : 0);
	g.m.fake.env.events_on = false;
	g.m.audit_every = 400;
	for (gpa_t gpa = GUEST_TABLES << PAGE_SHIFT;
	     gpa < (GUEST_TABLES + NR_TABLES) << PAGE_SHIFT; gpa += entry_size())
		guest_poke(&g, gpa, random_entry(gpa), entry_size());
	for (unsigned i = 0; i < NR_OPS; i++) {
		if (one_in(5))
			random_store();
		else if (one_in(40))
			random_regs();
		else if (one_in(60))
			random_zap();
		else
			random_access_by_a_cpu(&reached);
		if (i % 10 == 0)
			nothing_is_too_permissive();
	}
	ck_assert_uint_gt(reached, NR_OPS / 50);
	guest_fini(&g);
}

START_TEST(two_level_guests_win_no_duel)
{
	duel(TWO_LEVEL, false);
	duel(TWO_LEVEL, true);
}
END_TEST

START_TEST(pae_guests_win_no_duel)
{
	duel(PAE, false);
	duel(PAE, true);
}
END_TEST

START_TEST(four_level_guests_win_no_duel)
{
	duel(LONG4, false);
	duel(LONG4, true);
}
END_TEST

START_TEST(five_level_guests_win_no_duel)
{
	duel(LONG5, false);
	duel(LONG5, true);
}
END_TEST

TAP_MAIN("shadow_random",
	 two_level_guests_win_no_duel,
	 pae_guests_win_no_duel,
	 four_level_guests_win_no_duel,
	 five_level_guests_win_no_duel)
