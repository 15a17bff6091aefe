/* SPDX-License-Identifier: MIT */
/*
 * A view is a list of lines made from the model at the event cursor. The same
 * lines are drawn in a pane, saved as a picture and printed by --plain. A view
 * never touches another one: what they share is the selection in struct ui.
 */
#ifndef TUI_VIEW_H
#define TUI_VIEW_H

#include "tui/action.h"
#include "tui/canvas.h"
#include "tui/model.h"
#include "tui/timeline.h"

struct ui;

/* A line being made: text and the inks of its parts. */
#define LINE_RUNS 96

struct line {
	struct text text;
	struct {
		size_t end;	/* offset in text where this ink ends */
		enum ink ink;
	} run[LINE_RUNS];
	unsigned nr_runs;
};

/* Appends to a line. Beyond LINE_RUNS changes of ink the last one stays. */
void line_add(struct line *line, enum ink ink, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

struct view_ops {
	const char *name;	/* ":view pages" */
	const char *sentence;	/* for --plain and help */

	/* Brings the view's lines up to date with the model. width: columns it
	 * will have. Called before the others whenever anything changed. */
	void (*prepare)(struct ui *ui, int width);

	/* What stands in the heading after the name. May be NULL. */
	void (*title)(struct ui *ui, struct line *line);

	size_t (*count)(struct ui *ui);

	/* Line i < count. */
	void (*line)(struct ui *ui, size_t i, struct line *line);

	/* The line that must be in sight, or count if there is none. NULL: the
	 * view only scrolls. */
	size_t (*current)(struct ui *ui);

	/* The cursor was moved to line i: select what it is about. NULL: the
	 * view's lines cannot be selected. */
	void (*select)(struct ui *ui, size_t i);

	/* A key for this view: true if it was used. May be NULL. Up, down and
	 * page moves are done by the list otherwise. */
	bool (*action)(struct ui *ui, enum action action);

	/* Keep the last lines in sight (console). */
	bool tail;

	/* Too long to be printed with all the others. */
	bool bulky;
};

/* All views in the order of Tab and --plain; ends in NULL. [0] is pages. */
extern const struct view_ops *const views[];

extern const struct view_ops view_pages, view_page, view_spte, view_events, view_source,
	view_console, view_slots, view_vcpus, view_rmap, view_flushes, view_tlb, view_rules,
	view_help, view_knobs, view_notes;

/* NULL if there is none. */
const struct view_ops *view_by_name(const char *name);

#endif
