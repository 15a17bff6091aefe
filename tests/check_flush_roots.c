/* SPDX-License-Identifier: MIT */
/*
 * Flushes by root, against a log of what the host was asked for. The letters are
 * roots of vCPUs, . is none; no page of a real tree is behind them.
 */
#include "mmu/flush.h"
#include "mmu/flush_roots.h"
#include "mmu/sp.h"
#include "tests/fake_env.h"

#include <string.h>

#define LOG 64

static struct machine m;
static struct sp page[26];
static struct {
	char root[LOG];
	gfn_t gfn[LOG];
	u64 npages[LOG];
	unsigned nr, refuse;	/* the call, from 1, that fails; 0: none does */
} asked;

static char letter(const struct sp *sp)
{
	return sp ? 'A' + (sp - page) : '.';
}

static bool flush_root(void *ctx, hpa_t root_hpa, gfn_t gfn, u64 npages)
{
	(void)ctx;
	ck_assert_uint_lt(asked.nr, LOG);
	asked.root[asked.nr] = 'A' + (root_hpa >> PAGE_SHIFT) - 1;
	asked.gfn[asked.nr] = gfn;
	asked.npages[asked.nr] = npages;
	asked.root[++asked.nr] = 0;
	return asked.nr != asked.refuse;
}

/* A VM whose roots are letters. */
static void setup(unsigned nr_vcpus)
{
	const struct mmu_config config = { .mode = MMU_MODE_TDP, .nr_vcpus = nr_vcpus,
					   .tdp_level = 4, .maxphyaddr = 48 };

	memset(&asked, 0, sizeof(asked));
	machine_init(&m, &config);
	m.fake.env.flush_root = flush_root;
	for (u32 i = 0; i < 26; i++)
		page[i] = (struct sp){ .id = i + 1, .table_hpa = (i + 1) << PAGE_SHIFT,
				       .flags = SP_TDP };
}

static void load(unsigned vcpu, char root)
{
	const struct sp *now = m.vm->flush_roots.root[vcpu];

	m.vcpu[vcpu]->root_mmu.root.sp = &page[root - 'A'];
	ck_assert_int_eq(flush_roots_load(m.vcpu[vcpu]), now != &page[root - 'A']);
	m.vcpu[vcpu]->root_mmu.root.sp = NULL;
}

/* Nothing is noted but these. */
static void have(const char *roots)
{
	for (unsigned i = 0; i < 26; i++)
		flush_roots_forget(m.vm, &page[i]);
	for (unsigned i = 0; roots[i]; i++)
		if (roots[i] != '.')
			load(i, roots[i]);
	asked.nr = asked.root[0] = 0;
}

static bool flush_range_of(gfn_t gfn, u64 npages)
{
	struct mmu_op op = { .vm = m.vm };

	asked.nr = asked.root[0] = 0;
	flush_range_add(&op.range, gfn, npages);
	return flush_roots_flush(&op);
}

static bool flush_all(void)
{
	return flush_range_of(0, 0);
}

static char common(void)
{
	return letter(m.vm->flush_roots.common);
}

static u64 looks(void)
{
	return m.vm->stats.root_looks;
}

static void expect_flush(const char *roots, const char *flushed, char now_common)
{
	have(roots);
	ck_assert(flush_all());
	ck_assert_str_eq(asked.root, flushed);
	ck_assert_int_eq(common(), now_common);
}

/* Roots were never in a slot. */
static void finish(void)
{
	have("");
	machine_fini(&m);
}

START_TEST(one_root_for_all_is_flushed_once_and_then_nobody_is_looked_at)
{
	u64 before;

	setup(3);
	expect_flush("AAA", "A", 'A');
	before = looks();
	ck_assert(flush_all());
	ck_assert_str_eq(asked.root, "A");
	ck_assert_uint_eq(looks(), before);
	finish();
}
END_TEST

START_TEST(who_has_no_root_stands_in_nobodys_way)
{
	setup(4);
	expect_flush("A.AA", "A", 'A');
	expect_flush(".AA", "A", 'A');
	expect_flush("..A", "A", 'A');
	finish();
}
END_TEST

START_TEST(without_a_root_there_is_nothing_to_flush)
{
	setup(3);
	expect_flush("...", "", '.');
	finish();
}
END_TEST

START_TEST(each_root_is_flushed_once)
{
	setup(4);
	expect_flush("AB", "AB", '.');
	expect_flush("ABA", "AB", '.');
	expect_flush("ABB", "AB", '.');
	expect_flush("AB.C", "ABC", '.');
	expect_flush("BABA", "BA", '.');
	finish();
}
END_TEST

START_TEST(the_common_root_is_forgotten_with_the_first_other_one)
{
	u64 before;

	setup(3);
	expect_flush("AAA", "A", 'A');
	load(1, 'A');
	ck_assert_int_eq(common(), 'A');
	load(1, 'B');
	ck_assert_int_eq(common(), '.');
	ck_assert(flush_all());
	ck_assert_str_eq(asked.root, "AB");
	ck_assert_int_eq(common(), '.');
	load(1, 'A');
	ck_assert_int_eq(common(), '.');
	ck_assert(flush_all());
	ck_assert_str_eq(asked.root, "A");
	ck_assert_int_eq(common(), 'A');
	before = looks();
	ck_assert(flush_all());
	ck_assert_uint_eq(looks(), before);
	finish();
}
END_TEST

START_TEST(who_comes_to_the_common_root_changes_nothing)
{
	setup(3);
	expect_flush("A.A", "A", 'A');
	load(1, 'A');
	ck_assert_int_eq(common(), 'A');
	finish();
}
END_TEST

START_TEST(a_refused_flush_is_never_a_success)
{
	for (unsigned refuse = 1; refuse <= 3; refuse++) {
		setup(3);
		have("ABC");
		asked.refuse = refuse;
		ck_assert(!flush_all());
		ck_assert_uint_eq(asked.nr, refuse);
		ck_assert_int_eq(common(), '.');
		finish();
	}
}
END_TEST

START_TEST(after_a_refusal_the_rest_is_only_looked_at_till_another_root_is_found)
{
	u64 before;

	setup(4);
	have("AAAA");
	asked.refuse = 1;
	ck_assert(!flush_all());
	ck_assert_str_eq(asked.root, "A");
	ck_assert_int_eq(common(), 'A');
	have("ABAB");
	before = looks();
	ck_assert(!flush_all());
	ck_assert_str_eq(asked.root, "A");
	ck_assert_uint_eq(looks() - before, 2);
	ck_assert_int_eq(common(), '.');
	asked.refuse = 0;
	have("AA..");
	ck_assert(flush_all());
	asked.refuse = 1;
	ck_assert(!flush_all());
	ck_assert_int_eq(common(), 'A');
	finish();
}
END_TEST

START_TEST(a_root_that_is_freed_is_noted_nowhere)
{
	setup(3);
	expect_flush("AAA", "A", 'A');
	flush_roots_forget(m.vm, &page[0]);
	ck_assert_int_eq(common(), '.');
	for (unsigned i = 0; i < 3; i++)
		ck_assert_ptr_null(m.vm->flush_roots.root[i]);
	expect_flush("ABB", "AB", '.');
	flush_roots_forget(m.vm, &page[0]);
	ck_assert(flush_all());
	ck_assert_str_eq(asked.root, "B");
	ck_assert_int_eq(common(), 'B');
	flush_roots_forget(m.vm, &page[2]);
	ck_assert_int_eq(common(), 'B');
	finish();
}
END_TEST

START_TEST(frames_are_named_for_trees_of_the_guests_frames_alone)
{
	setup(2);
	page[1].flags = 0;
	have("AB");
	ck_assert(flush_range_of(0x200, 0x10));
	ck_assert_str_eq(asked.root, "AB");
	ck_assert_uint_eq(asked.gfn[0], 0x200);
	ck_assert_uint_eq(asked.npages[0], 0x10);
	ck_assert_uint_eq(asked.gfn[1], 0);
	ck_assert_uint_eq(asked.npages[1], 0);
	have("AA");
	ck_assert(flush_range_of(0x200, 0));
	ck_assert_uint_eq(asked.gfn[0], 0);
	ck_assert_uint_eq(asked.npages[0], 0);
	finish();
}
END_TEST

/* ---- random, against the obvious ------------------------------------------------- */

static u64 state;

static unsigned roll(unsigned n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (state >> 33) % n;
}

/* Everything that is noted must be flushed once, unless it was refused. */
static void flush_and_judge(const char *roots, unsigned nr)
{
	char want[LOG] = "";
	unsigned unique = 0;
	bool ok;

	for (unsigned i = 0; i < nr; i++)
		if (roots[i] != '.' && !strchr(want, roots[i]))
			want[unique++] = roots[i];
	asked.refuse = roll(3) ? 0 : 1 + roll(4);
	ok = flush_all();
	ck_assert_int_eq(ok, !asked.refuse || asked.refuse > unique);
	if (!ok)
		want[asked.refuse] = 0;
	ck_assert_str_eq(asked.root, want);
	ck_assert_int_eq(common(), unique == 1 ? want[0] : '.');
}

START_TEST(whatever_is_loaded_and_freed_each_root_is_flushed_once)
{
	char roots[17] = "................";

	setup(16);
	for (unsigned i = 0; i < 20000; i++) {
		unsigned nr = 1 + i / 500 % 16, vcpu = roll(nr);
		char root = 'A' + roll(1 + i / 100 % 4);

		if (roll(8)) {
			roots[vcpu] = root;
			load(vcpu, root);
		} else {
			flush_roots_forget(m.vm, &page[root - 'A']);
			for (unsigned k = 0; k < 16; k++)
				if (roots[k] == root)
					roots[k] = '.';
		}
		for (unsigned k = 0; k < 16; k++)
			ck_assert(common() == '.' || roots[k] == '.' || roots[k] == common());
		if (!roll(2))
			flush_and_judge(roots, 16);
	}
	finish();
}
END_TEST

TAP_MAIN("flush_roots", one_root_for_all_is_flushed_once_and_then_nobody_is_looked_at,
	 who_has_no_root_stands_in_nobodys_way, without_a_root_there_is_nothing_to_flush,
	 each_root_is_flushed_once, the_common_root_is_forgotten_with_the_first_other_one,
	 who_comes_to_the_common_root_changes_nothing, a_refused_flush_is_never_a_success,
	 after_a_refusal_the_rest_is_only_looked_at_till_another_root_is_found,
	 a_root_that_is_freed_is_noted_nowhere,
	 frames_are_named_for_trees_of_the_guests_frames_alone,
	 whatever_is_loaded_and_freed_each_root_is_flushed_once)
