/* SPDX-License-Identifier: MIT */
/*
 * The TDP iterator on drawn trees: what it visits is compared with a list of
 * the leaves that were made. CK_SEED=N draws the trees of that seed again.
 */
#include "mmu/backend.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/tdp_iter.h"
#include "tests/fake_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MAX_LEAVES 300

struct leaf {
	gfn_t gfn;
	unsigned level;
	unsigned visits;
};

/* A tree and the leaves in it, in order. */
struct forest {
	struct machine m;
	struct sp *root;
	struct leaf leaf[MAX_LEAVES];
	unsigned nr;
	u64 state;
};

static u64 draw(struct forest *f, u64 below)
{
	f->state ^= f->state << 13;
	f->state ^= f->state >> 7;
	f->state ^= f->state << 17;
	return f->state % below;
}

static u64 seed(void)
{
	const char *text = getenv("CK_SEED");
	u64 value = text ? strtoull(text, NULL, 0) : (u64)time(NULL) * 2654435761u;

	fprintf(stderr, "# CK_SEED=%llu\n", (unsigned long long)value);
	return value | 1;
}

static int by_gfn(const void *a, const void *b)
{
	const struct leaf *x = a, *y = b;

	return x->gfn < y->gfn ? -1 : x->gfn > y->gfn;
}

static bool overlaps(const struct forest *f, gfn_t gfn, unsigned level)
{
	u64 size = level_frames(level);

	for (unsigned i = 0; i < f->nr; i++)
		if (gfn < f->leaf[i].gfn + level_frames(f->leaf[i].level) &&
		    f->leaf[i].gfn < gfn + size)
			return true;
	return false;
}

/* Down to the level of the leaf, making tables, then the leaf; all by the
 * choke point, none by the code under test. */
static void plant(struct forest *f, struct mmu_op *op, gfn_t gfn, unsigned level)
{
	const struct spte_leaf leaf = { .pfn = gfn, .level = level, .access = ACC_ALL };
	struct sp *sp = f->root;

	while (sp->role.level > level) {
		unsigned i = level_index(gfn << PAGE_SHIFT, sp->role.level);
		u64 spte = spte_get(sp_entry(f->m.vm, sp, i));
		gfn_t base = gfn & ~(level_frames(sp->role.level) - 1);
		struct sp *child;

		if (!spte) {
			child = sp_create(op, base, role_child(sp->role, i, true, ACC_ALL), SP_TDP);
			child->ptep = sp_entry(f->m.vm, sp, i);
			spte = spte_make_table(child->table_hpa);
			spte_set(op, sp, i, base, spte);
		}
		sp = sp_by_table(f->m.vm, spte_hpa(spte));
	}
	spte_set(op, sp, level_index(gfn << PAGE_SHIFT, level), gfn, spte_make_leaf(&leaf));
}

static void grow(struct forest *f, u64 seed_value)
{
	struct mmu_op op;

	machine_init(&f->m, NULL);
	f->m.fake.env.events_on = false;
	f->state = seed_value;
	f->nr = 0;
	machine_enter(&f->m, 0);
	f->root = f->m.vcpu[0]->mmu->root.sp;
	op_begin(&op, f->m.vm, NULL, true);
	for (unsigned i = 0; i < MAX_LEAVES; i++) {
		unsigned level = 1 + draw(f, 8) / 6 + (draw(f, 30) == 0);
		/* Near each other, at the edges of tables, and far away. */
		gfn_t gfn = draw(f, 2) ? draw(f, 4096) :
			    draw(f, 2) ? (draw(f, 8) << 18) + draw(f, 1024) - 512 :
					 draw(f, 1ull << 36);

		gfn &= ~(level_frames(level) - 1) & ((1ull << 36) - 1);
		if (overlaps(f, gfn, level))
			continue;
		plant(f, &op, gfn, level);
		f->leaf[f->nr++] = (struct leaf){ .gfn = gfn, .level = level };
	}
	op_end(&op);
	qsort(f->leaf, f->nr, sizeof(f->leaf[0]), by_gfn);
}

static void fell(struct forest *f)
{
	mmu_vm_destroy(f->m.vm);
	fake_fini(&f->m.fake);
}

static struct leaf *find(struct forest *f, gfn_t gfn, unsigned level)
{
	for (unsigned i = 0; i < f->nr; i++)
		if (f->leaf[i].gfn == gfn && f->leaf[i].level == level)
			return &f->leaf[i];
	return NULL;
}

static void draw_range(struct forest *f, gfn_t *start, gfn_t *end)
{
	const struct leaf *a = &f->leaf[draw(f, f->nr)], *b = &f->leaf[draw(f, f->nr)];

	*start = a->gfn < b->gfn ? a->gfn : b->gfn;
	*end = (a->gfn < b->gfn ? b->gfn : a->gfn) + draw(f, 3);
	*start += draw(f, 2);
}

/* Does the leaf share a frame with the range? */
static bool in_range(const struct leaf *leaf, gfn_t start, gfn_t end)
{
	return start < end && leaf->gfn < end && start < leaf->gfn + level_frames(leaf->level);
}

START_TEST(each_leaf_of_the_range_is_visited_once_and_in_order)
{
	static struct forest f;
	u64 value = seed();

	for (unsigned tree = 0; tree < 20; tree++) {
		grow(&f, value + 2 * tree);
		for (unsigned n = 0; n < 20; n++) {
			struct tdp_iter iter;
			gfn_t start, end, last = 0;
			unsigned visited = 0;

			draw_range(&f, &start, &end);
			for_each_tdp_entry (iter, f.m.vm, f.root, start, end) {
				if (!spte_is_leaf(iter.old_spte, iter.level))
					continue;
				ck_assert(!visited || iter.gfn > last);
				last = iter.gfn;
				ck_assert_ptr_nonnull(find(&f, iter.gfn, iter.level));
				ck_assert(in_range(find(&f, iter.gfn, iter.level), start, end));
				visited++;
			}
			for (unsigned i = 0; i < f.nr; i++)
				visited -= in_range(&f.leaf[i], start, end);
			ck_assert_uint_eq(visited, 0);
		}
		fell(&f);
	}
}
END_TEST

START_TEST(every_entry_names_its_place)
{
	static struct forest f;
	struct tdp_iter iter;

	grow(&f, seed());
	for_each_tdp_entry (iter, f.m.vm, f.root, 0, 1ull << 36) {
		ck_assert_uint_eq(iter.sp->role.level, iter.level);
		ck_assert_uint_eq(iter.gfn, sp_entry_gfn(f.m.vm, iter.sp, iter.index));
		ck_assert_uint_eq(iter.old_spte, spte_get(sp_entry(f.m.vm, iter.sp, iter.index)));
	}
	fell(&f);
}
END_TEST

START_TEST(nothing_below_the_lowest_level_asked_for_is_visited)
{
	static struct forest f;
	struct tdp_iter iter;
	unsigned tables = 0;

	grow(&f, seed());
	for_each_tdp_entry_min (iter, f.m.vm, f.root, 0, 1ull << 36, LEVEL_2M) {
		ck_assert_uint_ge(iter.level, LEVEL_2M);
		tables += iter.level == LEVEL_2M && spte_is_table(iter.old_spte, iter.level);
	}
	ck_assert_uint_gt(tables, 0);
	fell(&f);
}
END_TEST

START_TEST(an_empty_range_and_one_beyond_the_tree_visit_nothing)
{
	static struct forest f;
	struct tdp_iter iter;

	grow(&f, 1);
	for_each_tdp_entry (iter, f.m.vm, f.root, 5, 5)
		ck_abort_msg("visited");
	for_each_tdp_entry (iter, f.m.vm, f.root, 1ull << 36, 1ull << 37)
		ck_abort_msg("visited");
	for_each_tdp_entry (iter, f.m.vm, f.root, (1ull << 36) - 1, ~0ull)
		ck_assert_uint_le(iter.gfn, (1ull << 36) - 1);
	fell(&f);
}
END_TEST

/* While the iteration pauses, somebody drops a leaf here and there. */
static void disturb(struct forest *f)
{
	struct leaf *leaf = &f->leaf[draw(f, f->nr)];
	struct mmu_op op;

	op_begin(&op, f->m.vm, NULL, true);
	if (f->m.vm->tdp->zap_range(&op, 0, leaf->gfn, leaf->gfn + 1))
		leaf->visits += 1000;
	op_end(&op);
}

/* Or takes out the very table in which the cursor stands, and all in it. */
static void cut(struct forest *f, struct sp *sp)
{
	struct mmu_op op;
	struct sp *parent;
	unsigned index;

	op_begin(&op, f->m.vm, NULL, true);
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		gfn_t gfn = sp_entry_gfn(f->m.vm, sp, i);

		if (spte_is_present(spte_set(&op, sp, i, gfn, 0)))
			find(f, gfn, LEVEL_4K)->visits += 1000;
	}
	parent = sp_of_entry(f->m.vm, sp->ptep, &index);
	spte_set(&op, parent, index, sp->gfn, 0);
	sp_free(f->m.vm, sp);
	op_end(&op);
}

START_TEST(pauses_and_changes_never_make_it_skip_what_stays)
{
	static struct forest f;
	u64 value = seed();

	for (unsigned tree = 0; tree < 20; tree++) {
		struct tdp_iter iter;
		gfn_t paused_at = GFN_INVALID;
		unsigned pauses = 0;

		grow(&f, value + 2 * tree);
		for_each_tdp_entry (iter, f.m.vm, f.root, 0, 1ull << 36) {
			/* Only after progress, or it would never end. */
			if (draw(&f, 100) < 5 && iter.next_gfn != paused_at) {
				paused_at = iter.next_gfn;
				if (iter.level == LEVEL_4K && draw(&f, 4) == 0)
					cut(&f, iter.sp);
				else
					disturb(&f);
				tdp_iter_yielded(&iter);
				pauses++;
				continue;
			}
			if (spte_is_leaf(iter.old_spte, iter.level))
				find(&f, iter.gfn, iter.level)->visits++;
		}
		ck_assert_uint_gt(pauses, 0);
		for (unsigned i = 0; i < f.nr; i++)
			ck_assert_msg(f.leaf[i].visits == 1 || f.leaf[i].visits >= 1000,
				      "gfn 0x%llx: %u visits", (unsigned long long)f.leaf[i].gfn,
				      f.leaf[i].visits);
		fell(&f);
	}
}
END_TEST

START_TEST(a_table_that_appears_under_the_cursor_is_gone_into)
{
	static struct forest f;
	struct tdp_iter iter;
	bool planted = false, seen = false;
	struct mmu_op op;

	grow(&f, 1);
	op_begin(&op, f.m.vm, NULL, true);
	f.m.vm->tdp->obsolete_all(&op);
	f.m.vm->tdp->zap_obsolete(&op, UINT32_MAX);
	op_end(&op);
	machine_enter(&f.m, 0);
	f.root = f.m.vcpu[0]->mmu->root.sp;
	for_each_tdp_entry (iter, f.m.vm, f.root, 0x123456, 0x123457) {
		if (!planted) {
			op_begin(&op, f.m.vm, NULL, true);
			plant(&f, &op, 0x123456, LEVEL_4K);
			op_end(&op);
			planted = true;
		}
		seen |= spte_is_leaf(iter.old_spte, iter.level);
	}
	ck_assert(seen);
	fell(&f);
}
END_TEST

TAP_MAIN("tdp_iter",
	 each_leaf_of_the_range_is_visited_once_and_in_order,
	 every_entry_names_its_place,
	 nothing_below_the_lowest_level_asked_for_is_visited,
	 an_empty_range_and_one_beyond_the_tree_visit_nothing,
	 pauses_and_changes_never_make_it_skip_what_stays,
	 a_table_that_appears_under_the_cursor_is_gone_into)
