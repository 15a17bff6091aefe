/* SPDX-License-Identifier: MIT */
/* Breaks: which are set, told by the machine's own events, and changing them. */
#include "tui/ui.h"
#include <string.h>

#define ALL_BREAKS 0xff

enum {
#define COMMAND(id, name, sentence, a, b, c, d) DO_##name = id,
#include "hv/channel/command.def"
};

/* The event each break waits for, by its number; 0: not set. */
static void read_breaks(const struct ui *ui, u16 event[UI_BREAKS])
{
	struct ev_break_set set;

	memset(event, 0, UI_BREAKS * sizeof(*event));
	for (size_t i = 0; i < timeline_count(ui->tl); i++) {
		const struct event *ev = timeline_event(ui->tl, i);

		if (ev->id == EV_break_clear && ev->len && ev->payload[0] < UI_BREAKS)
			event[ev->payload[0]] = 0;
		if (ev->id != EV_break_set || ev->len < sizeof(set))
			continue;
		memcpy(&set, ev->payload, sizeof(set));
		if (set.nr < UI_BREAKS)
			event[set.nr] = set.event;
	}
}

bool ui_breaks(const struct ui *ui, struct text *to)
{
	u16 event[UI_BREAKS];
	bool any = false;

	read_breaks(ui, event);
	for (unsigned i = 0; i < UI_BREAKS; i++) {
		const struct ev_info *row = schema_row(timeline_schema(ui->tl), event[i]);

		if (!event[i])
			continue;
		text_add(to, "%s%s", any ? ", " : "", row ? row->name : "?");
		any = true;
	}
	return any;
}

/* Removes the break that waits for this event; false: there is none. */
static bool remove_break(struct ui *ui, u16 id)
{
	u16 event[UI_BREAKS];
	bool any = false;

	read_breaks(ui, event);
	for (unsigned i = 0; i < UI_BREAKS; i++) {
		if (event[i] != id)
			continue;
		ui->machine.command(ui->machine.arg, DO_unbrk, i, 0, 0, 0);
		any = true;
	}
	return any;
}

void ui_break_hit(struct ui *ui)
{
	const char *name = ui->break_once;
	const struct ev_info *row = name ? ev_info_by_name(name, strlen(name)) : NULL;

	ui->break_once = NULL;
	if (row)
		remove_break(ui, row->id);
}

static bool nothing_to_stop(struct ui *ui)
{
	if (ui->machine.command)
		return false;
	ui_say(ui, "break: a recording: use find or until");
	ui->status = 1;
	return true;
}

static void say_breaks(struct ui *ui)
{
	struct text text = { 0 };

	if (ui_breaks(ui, &text))
		ui_say(ui, "breaks: %s; a name that is set removes it", text_str(&text));
	else
		ui_say(ui, "no break is set");
	text_free(&text);
}

void ui_break(struct ui *ui, const char *name)
{
	const struct ev_info *row = ev_info_by_name(name, strlen(name));

	if (nothing_to_stop(ui))
		return;
	if (!*name) {
		say_breaks(ui);
	} else if (!row) {
		ui_say(ui, "%s: no event has this name; trace stat or the book lists them", name);
		ui->status = 1;
	} else if (remove_break(ui, row->id)) {
		ui_say(ui, "the break at %s is removed", row->name);
	} else {
		ui->machine.command(ui->machine.arg, DO_brk, row->id, 0, 0, 0);
		ui_say(ui, "stops at every %s; b and the name again: removed", row->name);
	}
}

void ui_unbreak(struct ui *ui)
{
	if (nothing_to_stop(ui))
		return;
	ui->break_once = NULL;
	ui->machine.command(ui->machine.arg, DO_unbrk, ALL_BREAKS, 0, 0, 0);
	ui_say(ui, "all breaks removed");
}
