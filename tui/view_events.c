/* SPDX-License-Identifier: MIT */
/* The events, under what caused them; with a filter. */
#include "tui/ui.h"
#include <inttypes.h>
#include <string.h>
#include "tui/format.h"
#include "tui/say.h"

static bool passes(struct ui *ui, const struct event *ev)
{
	struct text text = { 0 };
	bool pass;

	if (!ui->filter[0])
		return true;
	format_event_short(&text, timeline_schema(ui->tl), ev);
	pass = strstr(text_str(&text), ui->filter);
	text_free(&text);
	return pass;
}

/* Without a filter every event is shown and no list is needed. */
static void prepare(struct ui *ui, int width)
{
	(void)width;
	for (; ui->filter[0] && ui->shown_upto < timeline_count(ui->tl); ui->shown_upto++) {
		if (!passes(ui, timeline_event(ui->tl, ui->shown_upto)))
			continue;
		if (ui->nr_shown == ui->shown_room) {
			ui->shown_room = ui->shown_room ? ui->shown_room * 2 : 256;
			ui->shown = xrealloc(ui->shown, ui->shown_room * sizeof(*ui->shown));
		}
		ui->shown[ui->nr_shown++] = ui->shown_upto;
	}
}

static size_t count(struct ui *ui)
{
	return ui->filter[0] ? ui->nr_shown : timeline_count(ui->tl);
}

static size_t index_of(struct ui *ui, size_t i)
{
	return ui->filter[0] ? ui->shown[i] : i;
}

static void title(struct ui *ui, struct line *line)
{
	if (ui->filter[0])
		line_add(line, INK_title, " with \"%s\": %zu", ui->filter, ui->nr_shown);
}

/* How many causes stand above it, up to three. */
static unsigned depth(struct ui *ui, const struct event *ev)
{
	unsigned n = 0;

	while (ev->cause && n < 3) {
		size_t i = timeline_find(ui->tl, ev->cause);

		n++;
		if (i == timeline_count(ui->tl) || timeline_event(ui->tl, i)->seq != ev->cause)
			break;
		ev = timeline_event(ui->tl, i);
	}
	return n;
}

static const char *branch(struct ui *ui, size_t index)
{
	const struct event *ev = timeline_event(ui->tl, index);

	if (index + 1 < timeline_count(ui->tl) &&
	    timeline_event(ui->tl, index + 1)->cause == ev->cause)
		return "├ ";
	return "└ ";
}

static enum ink ink_of(const struct event *ev)
{
	switch (ev->id) {
	case EV_gap:
	case EV_panic:
	case EV_audit_rule:
	case EV_tlb_ghost:
	case EV_tlb_ghost_used:
		return INK_bad;
	case EV_exit:
	case EV_command:
		return INK_title;
	default:
		return ev->flags & CH_EV_SYNTHETIC ? INK_dim : INK_plain;
	}
}

static void line(struct ui *ui, size_t i, struct line *line)
{
	size_t index = index_of(ui, i);
	const struct event *ev = timeline_event(ui->tl, index);
	unsigned n = depth(ui, ev);
	struct text text = { 0 };

	line_add(line, index == ui->cursor ? INK_changed : INK_dim, "%" PRIu64 " ", ev->seq);
	if (n)
		line_add(line, INK_frame, "%*s%s", 2 * (int)(n - 1), "", branch(ui, index));
	format_event_short(&text, timeline_schema(ui->tl), ev);
	line_add(line, ink_of(ev), "%s", text_str(&text));
	text_free(&text);
}

static size_t current(struct ui *ui)
{
	size_t low = 0, high = ui->nr_shown;

	if (!ui->filter[0])
		return ui->cursor;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ui->shown[middle] < ui->cursor)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void select_line(struct ui *ui, size_t i)
{
	ui_goto(ui, index_of(ui, i));
}

static bool action(struct ui *ui, enum action action)
{
	const struct event *ev = ui_event(ui);

	if (action != ACTION_enter || !ev)
		return false;
	if (ev->cause) {
		ui_open(ui, ui->view);
		ui_goto(ui, timeline_find(ui->tl, ev->cause));
	} else {
		ui_open(ui, &view_source);
	}
	return true;
}

const struct view_ops view_events = {
	.name = "events", .sentence = "what happened, under what caused it", .prepare = prepare,
	.title = title, .count = count, .line = line, .current = current, .select = select_line,
	.action = action,
	.bulky = true,
};
