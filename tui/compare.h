/* SPDX-License-Identifier: MIT */
/*
 * Two runs beside each other: what each cost, and where they first part. The runs
 * are timelines, recorded with different settings.
 */
#ifndef TUI_COMPARE_H
#define TUI_COMPARE_H

#include "tui/timeline.h"

enum {
#define COUNT(name, ...) COMPARE_##name,
#define COUNT_IF(name, ...) COMPARE_##name,
#define LEVEL(name, ...) COMPARE_##name,
#include "tui/compare.def"
	COMPARE_ROWS
};

#define COMPARE_EXITS	32	/* kinds of exits; see hv/channel/exitkind.def */

struct counts {
	u64 events, lost;
	u64 ticks;		/* from the first entry of the guest, or the first event */
	u64 row[COMPARE_ROWS];
	u64 exits[COMPARE_EXITS];
};

void compare_count(const struct timeline *tl, struct counts *counts);

/*
 * The table: a line for each thing that one of them did, with both numbers, the
 * ratio and a bar to each side. Exits by kind follow their sum.
 */
void compare_table(struct text *to, const struct counts *a, const struct counts *b);

/*
 * Where the events part first. Not compared: what the settings themselves say
 * (configuration, knobs, roles for our tables), what a hypervisor tells of itself, and numbers, times,
 * causes and places of events.
 *
 *   at_a, at_b  the indices of the two events; the count of a timeline where it
 *               has ended and the other goes on
 *   returns     false: they never part
 */
bool compare_parting(const struct timeline *a, const struct timeline *b, size_t *at_a,
		     size_t *at_b);

/*
 * What is different between two models: slots, roles, and by role and gfn the shadow
 * pages that only one has, or whose entries differ. At most `lines` lines for each.
 */
void compare_states(struct text *to, const struct model *a, const struct model *b,
		    unsigned lines);

/*
 * Did the guest show the same? Its console and its end are compared.
 *   say      gets the answer as a line
 */
bool compare_guest(struct text *say, const struct timeline *a, const struct timeline *b);

#endif
