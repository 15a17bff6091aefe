/* SPDX-License-Identifier: MIT */
/* What a run cost, and two of them as a table. */
#include "tui/compare.h"
#include <inttypes.h>
#include <stdio.h>
#include "mmu/status.h"

enum { NEVER = 0 };	/* no event has this id */

static const struct row {
	u16 event, less;	/* less: takes away what event adds */
	const char *field;	/* counts only if it has the value */
	u64 value;
	const char *text;
} rows[] = {
#define COUNT(name, event, text) { EV_##event, NEVER, NULL, 0, text },
#define COUNT_IF(name, event, field, value, text) { EV_##event, NEVER, #field, value, text },
#define LEVEL(name, more, less, text) { EV_##more, EV_##less, NULL, 0, text },
#include "tui/compare.def"
};

/* ---- counting ------------------------------------------------------------------ */

/* present: of each row that has a `less`, how many there are now. */
static void count_rows(const struct schema *schema, const struct event *ev, struct counts *counts,
		       u64 *present)
{
	for (unsigned i = 0; i < COMPARE_ROWS; i++) {
		const struct row *row = &rows[i];
		u64 value;

		if (row->less && ev->id == row->less && present[i])
			present[i]--;
		if (ev->id != row->event)
			continue;
		if (row->field && (!event_field(schema, ev, row->field, &value) ||
				   value != row->value))
			continue;
		if (!row->less)
			counts->row[i]++;
		else if (++present[i] > counts->row[i])
			counts->row[i] = present[i];
	}
}

void compare_count(const struct timeline *tl, struct counts *counts)
{
	const struct schema *schema = timeline_schema(tl);
	u64 present[COMPARE_ROWS] = { 0 }, first = 0, kind;
	size_t n = timeline_count(tl);
	bool entered = false;

	*counts = (struct counts){ .events = n, .lost = timeline_live(tl)->lost };
	for (size_t i = 0; i < n; i++) {
		const struct event *ev = timeline_event(tl, i);

		if (!i || (ev->id == EV_enter && !entered))
			first = ev->clock;
		entered |= ev->id == EV_enter;
		if (ev->flags & CH_EV_SYNTHETIC)
			continue;
		count_rows(schema, ev, counts, present);
		if (ev->id == EV_exit && event_field(schema, ev, "kind", &kind) &&
		    kind < COMPARE_EXITS)
			counts->exits[kind]++;
	}
	if (n)
		counts->ticks = timeline_event(tl, n - 1)->clock - first;
}

/* ---- the table ------------------------------------------------------------------- */

#define BAR	12

/* So much of a bar that the larger of the two fills. */
static unsigned bar_length(u64 value, u64 largest)
{
	return value ? (unsigned)((value * BAR + largest - 1) / largest) : 0;
}

static void bars(struct text *to, u64 a, u64 b)
{
	u64 largest = a > b ? a : b;
	unsigned left = bar_length(a, largest), right = bar_length(b, largest);

	text_add(to, "  %*s", BAR - left, "");
	for (unsigned i = 0; i < left; i++)
		text_add(to, "=");
	text_add(to, "|");
	for (unsigned i = 0; i < right; i++)
		text_add(to, "#");
}

static void line(struct text *to, const char *text, u64 a, u64 b)
{
	if (!a && !b)
		return;
	text_add(to, "%-24s %12" PRIu64 " %12" PRIu64 " ", text, a, b);
	if (a)
		text_add(to, "%7.2f", (double)b / (double)a);
	else
		text_add(to, "%7s", "-");
	bars(to, a, b);
	text_add(to, "\n");
}

static void exit_lines(struct text *to, const struct counts *a, const struct counts *b)
{
	char text[24];

	for (unsigned kind = 0; kind < COMPARE_EXITS; kind++) {
		snprintf(text, sizeof(text), "  %s", ch_exit_name(kind));
		line(to, text, a->exits[kind], b->exits[kind]);
	}
}

void compare_table(struct text *to, const struct counts *a, const struct counts *b)
{
	text_add(to, "%-24s %12s %12s %7s  %*s|%s\n", "", "a", "b", "b/a", BAR, "a", "b");
	line(to, "ticks", a->ticks, b->ticks);
	line(to, "events", a->events, b->events);
	for (unsigned i = 0; i < COMPARE_ROWS; i++) {
		line(to, rows[i].text, a->row[i], b->row[i]);
		if (i == COMPARE_exits)
			exit_lines(to, a, b);
	}
	line(to, "events lost", a->lost, b->lost);
}
