/* SPDX-License-Identifier: MIT */
/*
 * No page left: for every operation that may allocate the n-th page is refused, for
 * n = 1, 2, ... till it succeeds without one being refused. Each time it says so,
 * nothing is half-done, the audit is green, and the same operation, had again, does
 * its work. What an operation may keep is pages taken aside for its next time: the
 * vCPU's reserve, and pages of sparse arrays.
 */
#include "tests/starve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct guest g;

/* ---- what a dump shows ---------------------------------------------------------------- */

struct snapshot {
	struct fake_event *events;
	size_t nr;
	u64 pages;	/* that the library has, but those in reserve and in arrays */
	u32 taken;	/* all */
};

static void take(struct snapshot *s)
{
	struct fake *fake = &g.m.fake;

	*s = (struct snapshot){ .taken = fake->nr_taken };
	if (!g.m.vm)
		return;
	fake_forget(fake);
	mmu_dump(g.m.vm);
	s->nr = fake->nr_events;
	s->events = malloc(s->nr * sizeof(*s->events));
	ck_assert_ptr_nonnull(s->events);
	memcpy(s->events, fake->events, s->nr * sizeof(*s->events));
	s->pages = g.m.vm->pages;
}

static bool about_roots(const struct fake_event *event)
{
	return event->id == EV_root_set || event->id == EV_root_count || event->id == EV_request;
}

static size_t skip_roots(const struct snapshot *s, size_t i, bool skip)
{
	while (skip && i < s->nr && about_roots(&s->events[i]))
		i++;
	return i;
}

static void expect_same(const struct snapshot *a, const struct snapshot *b, bool but_roots)
{
	size_t i = 0, k = 0;

	for (;; i++, k++) {
		i = skip_roots(a, i, but_roots);
		k = skip_roots(b, k, but_roots);
		if (i == a->nr || k == b->nr)
			break;
		ck_assert_msg(a->events[i].id == b->events[k].id &&
			      !memcmp(a->events[i].payload, b->events[k].payload, a->events[i].len),
			      "event %zu of the dump (0x%x) is not as before", k, b->events[k].id);
	}
	ck_assert_uint_eq(a->nr - i, 0);
	ck_assert_uint_eq(b->nr - k, 0);
}

/* ---- one refusal ------------------------------------------------------------------------ */

static enum guest_mode mode;

/* The audit is the dear part; what leads to an operation others test. */
static void audit_now(bool now)
{
	g.m.audit_every = now ? 0 : UINT32_MAX;
	g.m.audit_calls = 1;
}

static void begin(const struct starve_row *row)
{
	if (row->where == ONCE) {
		memset(&g, 0, sizeof(g));
		fake_init(&g.m.fake);
		g.regs.cr0 = CR0_PE | CR0_WP;
	} else {
		guest_init_small(&g, mode, &starve_config, STARVE_FRAMES);
	}
	audit_now(false);
	if (row->begin)
		row->begin(&g);
}

static void count_pages(void)
{
	struct mmu_stats stats;

	if (!g.m.vm)
		return;
	mmu_get_stats(g.m.vm, &stats);
	ck_assert_uint_eq(stats.pages, g.m.fake.nr_taken);
	audit_now(true);
	machine_audit(&g.m);
	audit_now(false);
}

static void expect_nothing_done(const struct starve_row *row, const struct snapshot *before)
{
	struct snapshot after;

	take(&after);
	if (row->after == NO_VM)
		ck_assert_uint_eq(after.taken, before->taken);
	if (row->after == SOME && starve_part) {
		ck_assert_uint_gt(after.nr, before->nr);
	} else if (row->after == FEWER) {
		ck_assert_uint_lt(after.nr, before->nr);
		ck_assert_uint_lt(after.pages, before->pages);
	} else {
		expect_same(before, &after, row->after == NO_ROOT);
		ck_assert_uint_eq(before->pages, after.pages);
	}
	free(after.events);
}

static void finish(const struct starve_row *row)
{
	count_pages();
	if (row->done)
		row->done(&g);
	audit_now(true);
	machine_fini(&g.m);
}

/* returns  whether a page was refused */
static bool refuse(const struct starve_row *row, u64 n, bool all_after)
{
	struct snapshot before;
	bool done, refused;

	begin(row);
	take(&before);
	g.m.fake.fail_at = g.m.fake.nr_allocs + n;
	g.m.fake.fail_all_after = all_after;
	done = row->run(&g);
	refused = g.m.fake.nr_allocs >= g.m.fake.fail_at;
	g.m.fake.fail_at = 0;
	ck_assert(done || refused);
	ck_assert(row->after != NEVER || !refused);
	count_pages();
	if (!done) {
		expect_nothing_done(row, &before);
		ck_assert(row->run(&g));
	}
	free(before.events);
	finish(row);
	return refused;
}

/* returns  how many pages were refused, one at a time */
static unsigned refuse_each(const struct starve_row *row)
{
	unsigned n = 1;

	while (refuse(row, n, false)) {
		ck_assert_uint_lt(n, 400);
		refuse(row, n++, true);
	}
	return n - 1;
}

/* ---- all rows --------------------------------------------------------------------------- */

static bool row_is_for(const struct starve_row *row)
{
	bool shadow = starve_config.mode == MMU_MODE_SHADOW;

	switch (row->where) {
	case ONCE:
		return mode == UNPAGED;
	case SHADOW_PAGED:
		return shadow && mode != UNPAGED;
	case SHADOW_ONLY:
		return shadow;
	case TDP_ONLY:
		return !shadow;
	default:
		return true;
	}
}

/* returns  how many pages */
static unsigned refuse_rows(const struct starve_row *rows, unsigned nr)
{
	unsigned refused = 0;

	for (unsigned i = 0; i < nr; i++) {
		unsigned n;

		if (!row_is_for(&rows[i]))
			continue;
		n = refuse_each(&rows[i]);
		printf("# %s, %s: %u pages\n", rows[i].function, rows[i].when, n);
		ck_assert_msg(!n == (rows[i].after == NEVER), "%s, %s: asks for no page",
			      rows[i].function, rows[i].when);
		refused += n;
	}
	return refused;
}

/* Every row that there is for the guest, on a machine of this kind. */
static void refuse_all(enum mmu_mode mmu, unsigned tdp_level, enum guest_mode guest_mode)
{
	starve_config = (struct mmu_config){
		.mode = mmu, .nr_vcpus = 2, .maxphyaddr = 48, .tdp_level = tdp_level,
	};
	mode = guest_mode;
	ck_assert_uint_gt(refuse_rows(starve_rows, nr_starve_rows), 0);
	ck_assert_uint_gt(refuse_rows(starve_dirty_rows, nr_starve_dirty_rows), 0);
	ck_assert_uint_gt(refuse_rows(starve_more_rows, nr_starve_more_rows), 0);
}

#ifndef MMU_NO_SHADOW
START_TEST(shadow_tables_of_a_guest_without_paging)
{
	refuse_all(MMU_MODE_SHADOW, 0, UNPAGED);
}
END_TEST

START_TEST(shadow_tables_of_a_2_level_guest)
{
	refuse_all(MMU_MODE_SHADOW, 0, TWO_LEVEL);
}
END_TEST

START_TEST(shadow_tables_of_a_pae_guest)
{
	refuse_all(MMU_MODE_SHADOW, 0, PAE);
}
END_TEST

START_TEST(shadow_tables_of_a_4_level_guest)
{
	refuse_all(MMU_MODE_SHADOW, 0, LONG4);
}
END_TEST

START_TEST(shadow_tables_of_a_5_level_guest)
{
	refuse_all(MMU_MODE_SHADOW, 0, LONG5);
}
END_TEST
#endif

#ifndef MMU_NO_TDP
START_TEST(nested_tables_of_4_levels)
{
	refuse_all(MMU_MODE_TDP, 4, UNPAGED);
}
END_TEST

START_TEST(nested_tables_of_5_levels)
{
	refuse_all(MMU_MODE_TDP, 5, LONG4);
}
END_TEST
#endif

/* ---- the header -------------------------------------------------------------------------- */

/* Of the contract that was read last, and what follows it. */
static bool says_allocates(const char *line)
{
	return strstr(line, "May allocate") || strstr(line, "may allocate") ||
	       strstr(line, "NOMEM") || strstr(line, "NO_MEMORY");
}

static unsigned count_rows(const struct starve_row *rows, unsigned nr, const char *name, size_t len,
			   unsigned *allocate)
{
	unsigned any = 0;

	for (unsigned i = 0; i < nr; i++) {
		if (strlen(rows[i].function) != len || memcmp(rows[i].function, name, len))
			continue;
		any++;
		*allocate += rows[i].after != NEVER;
	}
	return any;
}

static bool has_row(const char *name, size_t len, bool allocates)
{
	unsigned allocate = 0, rows;

	rows = count_rows(starve_rows, nr_starve_rows, name, len, &allocate);
	rows += count_rows(starve_dirty_rows, nr_starve_dirty_rows, name, len, &allocate);
	rows += count_rows(starve_more_rows, nr_starve_more_rows, name, len, &allocate);
	ck_assert_msg(!rows || allocates == !!allocate,
		      "%.*s: its contract and its rows do not agree", (int)len, name);
	return rows;
}

/* A declaration names its function in its first line. */
static bool see_declaration(const char *line, bool allocates)
{
	const char *name = strstr(line, "mmu_"), *end = name ? strchr(name, '(') : NULL;

	while (name && end && memchr(name, ' ', end - name))
		name = strstr(name + 1, "mmu_");
	if (!name || !end || name > end)
		return false;
	ck_assert_msg(has_row(name, end - name, allocates) || !allocates,
		      "%.*s may allocate and has no row in tests/starve_*.c", (int)(end - name),
		      name);
	return true;
}

/* returns  how many functions */
static unsigned see_header(const char *name)
{
	const char *top = getenv("top_srcdir");
	bool comment = false, allocates = false;
	char path[512], line[512];
	unsigned functions = 0;
	FILE *header;

	snprintf(path, sizeof(path), "%s/mmu/%s", top ? top : "..", name);
	header = fopen(path, "r");
	ck_assert_msg(header, "%s cannot be read", path);
	while (fgets(line, sizeof(line), header)) {
		if (!comment && !strncmp(line, "/*", 2)) {
			comment = true;
			allocates = false;
		}
		if (comment)
			allocates |= says_allocates(line);
		else if (line[0] >= 'a' && line[0] <= 'z')
			functions += see_declaration(line, allocates);
		if (strstr(line, "*/"))
			comment = false;
	}
	fclose(header);
	return functions;
}

START_TEST(every_function_that_may_allocate_has_a_row)
{
	static const char *const others[] = { "age.h",	  "dirty_log.h", "gfn_cache.h",
#if !defined(MMU_NO_SHADOW) && !defined(MMU_NO_TDP)
					      "mode.h", /* else there is no other mode */
#endif
					      "nested.h", "resize.h",	 "slots.h" };

	ck_assert_uint_ge(see_header("mmu.h"), 30);
	for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		ck_assert_uint_ge(see_header(others[i]), 1);
}
END_TEST

TAP_MAIN("starve",
#ifndef MMU_NO_SHADOW
	 shadow_tables_of_a_guest_without_paging,
	 shadow_tables_of_a_2_level_guest,
	 shadow_tables_of_a_pae_guest,
	 shadow_tables_of_a_4_level_guest,
	 shadow_tables_of_a_5_level_guest,
#endif
#ifndef MMU_NO_TDP
	 nested_tables_of_4_levels,
	 nested_tables_of_5_levels,
#endif
	 every_function_that_may_allocate_has_a_row)
