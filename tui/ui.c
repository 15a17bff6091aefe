/* SPDX-License-Identifier: MIT */
/* The user's state: cursor, selection, views. What keys do to it is in ui_keys.c. */
#include "tui/ui.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tui/format.h"
#include "tui/say.h"

const struct view_ops *const ui_panes[UI_PANES] = { &view_pages, &view_page, &view_events,
						    &view_source };

struct ui *ui_new(struct timeline *tl, const char *source_root)
{
	struct ui *ui = xcalloc(1, sizeof(*ui));

	ui->tl = tl;
	ui->source_root = source_root;
	ui->follow = true;
	map_init(&ui->folded, sizeof(u8));
	ui_update(ui);
	return ui;
}

void ui_free(struct ui *ui)
{
	if (!ui)
		return;
	for (size_t i = 0; i < ui->nr_page_lines; i++)
		text_free(&ui->page_lines[i].text);
	free(ui->page_lines);
	free(ui->rows);
	free(ui->shown);
	free(ui->source.text);
	free(ui->source.lines);
	free(ui->console_line);
	free(ui->keys);
	map_fini(&ui->folded);
	free(ui);
}

enum {
#define COMMAND(id, name, sentence, a, b, c, d) DO_##name = id,
#include "hv/channel/command.def"
};

/* ---- the moment looked at ---------------------------------------------------- */

const struct model *ui_model(struct ui *ui)
{
	return timeline_count(ui->tl) ? timeline_at(ui->tl, ui->cursor) : timeline_live(ui->tl);
}

const struct model_vm *ui_vm(struct ui *ui)
{
	return model_vm(ui_model(ui), ui->at.level, ui->at.vm);
}

const struct model_sp *ui_sp(struct ui *ui)
{
	return model_sp(ui_vm(ui), ui->at.sp);
}

const struct event *ui_event(struct ui *ui)
{
	return ui->cursor < timeline_count(ui->tl) ? timeline_event(ui->tl, ui->cursor) : NULL;
}

/* An event that names no page belongs to the one its operation worked on last. */
static bool page_of(struct ui *ui, const struct event *ev, u64 *sp)
{
	const struct schema *schema = timeline_schema(ui->tl);
	size_t i = timeline_find(ui->tl, ev->seq);

	if (event_field(schema, ev, "sp", sp))
		return *sp != 0;
	for (unsigned back = 0; ev->cause && back < 32 && i--; back++) {
		const struct event *before = timeline_event(ui->tl, i);

		if (before->cause == ev->cause && event_field(schema, before, "sp", sp) && *sp)
			return true;
	}
	return false;
}

/* What the event is about becomes the selection. */
static void select_event(struct ui *ui, const struct event *ev)
{
	const struct schema *schema = timeline_schema(ui->tl);
	u64 value;

	if (ev->id == EV_gap)	/* belongs to no machine */
		return;
	ui->at.level = ev->level;
	ui->at.vm = ev->vm;
	if (ev->vcpu < MODEL_MAX_VCPUS)
		ui->at.vcpu = ev->vcpu;
	if (page_of(ui, ev, &value))
		ui_select_page(ui, value);
	if (event_field(schema, ev, "index", &value) && value < PT_ENTRIES)
		ui->at.entry = value;
	if (event_field(schema, ev, "gfn", &value))
		ui->at.gfn = value;
	if (!ui_sp(ui) && ui_vm(ui))
		ui_select_page(ui, model_hardware(&ui_vm(ui)->vcpu[ui->at.vcpu])->root[0].sp);
}

static void move_cursor(struct ui *ui, size_t index)
{
	size_t count = timeline_count(ui->tl);

	if (!count)
		return;
	ui->cursor = index < count ? index : count - 1;
	select_event(ui, timeline_event(ui->tl, ui->cursor));
}

void ui_goto(struct ui *ui, size_t index)
{
	move_cursor(ui, index);
	ui->follow = ui->cursor + 1 >= timeline_count(ui->tl);
}

/* The cursor goes to the event that made the machine stop; what came after it
 * in the same operation is still to be stepped through. */
static void note_stop(struct ui *ui)
{
	const struct model *live = timeline_live(ui->tl);

	if (!ui->machine.command || !live->stopped || live->stop_seq == ui->stop_seen)
		return;
	ui->stop_seen = live->stop_seq;
	if (live->stop_why == CH_STOP_START)
		return;
	if (live->stop_why == CH_STOP_BREAK)
		ui_break_hit(ui);
	if (ui->follow)
		ui_goto(ui, timeline_find(ui->tl, live->stop_seq));
	ui->machine.command(ui->machine.arg, DO_regs, ui->at.vcpu, 0, 0, 0);
}

/* The audit the user asked for is over: shows the moment after it. */
static void note_audit(struct ui *ui)
{
	const struct model_vm *vm = model_vm(timeline_live(ui->tl), ui->at.level, ui->at.vm);

	if (!ui->audit_asked || !vm || !vm->audit_done || vm->audit_seq == ui->audit_seen)
		return;
	ui->audit_asked = false;
	ui->audit_seen = vm->audit_seq;
	ui_goto(ui, timeline_count(ui->tl));
	if (vm->audit_broken)
		ui_say(ui, "%u of %u rules are broken", vm->audit_broken, vm->audit_rules);
	else
		ui_say(ui, "%u rules checked: all hold", vm->audit_rules);
}

void ui_update(struct ui *ui)
{
	ui_note_replies(ui);
	note_stop(ui);
	note_audit(ui);
	ui_note_age(ui);
	if (ui->follow && timeline_count(ui->tl))
		move_cursor(ui, timeline_count(ui->tl) - 1);
}

void ui_go_by(struct ui *ui, long by)
{
	if (by < 0 && ui->cursor < (size_t)-by)
		ui_goto(ui, 0);
	else
		ui_goto(ui, ui->cursor + by);
}

void ui_find(struct ui *ui, const char *wanted, bool forward)
{
	struct text text = { 0 };
	size_t i = ui->cursor, count = timeline_count(ui->tl);

	while (forward ? ++i < count : i-- > 0) {
		text_clear(&text);
		format_event_short(&text, timeline_schema(ui->tl), timeline_event(ui->tl, i));
		if (!strstr(text_str(&text), wanted))
			continue;
		ui_goto(ui, i);
		text_free(&text);
		return;
	}
	text_free(&text);
	ui_say(ui, "no %s event with \"%s\"", forward ? "later" : "earlier", wanted);
	ui->status = 1;
}

void ui_say(struct ui *ui, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(ui->message, sizeof(ui->message), format, args);
	va_end(args);
}

/* ---- views ------------------------------------------------------------------- */

const struct view_ops *ui_focused(const struct ui *ui)
{
	return ui->view ? ui->view : ui_panes[ui->focus];
}

size_t *ui_top(struct ui *ui, const struct view_ops *view)
{
	unsigned i = 0;

	while (views[i] && views[i] != view)
		i++;
	return &ui->top[i];
}

void ui_select_page(struct ui *ui, u32 sp)
{
	if (ui->at.sp == sp)
		return;
	ui->at.sp = sp;
	ui->at.entry = 0;
}

void ui_open(struct ui *ui, const struct view_ops *view)
{
	if (ui->nr_jumps == UI_JUMPS)
		memmove(ui->jumps, ui->jumps + 1, --ui->nr_jumps * sizeof(*ui->jumps));
	ui->jumps[ui->nr_jumps++] = (struct ui_jump){ .view = ui->view, .selection = ui->at,
						      .cursor = ui->cursor, .focus = ui->focus };
	for (unsigned i = 0; !ui->view && view && i < UI_PANES; i++)
		if (ui_panes[i] == view) {
			ui->focus = i;
			return;
		}
	ui->view = view;
}

void ui_go_back(struct ui *ui)
{
	const struct ui_jump *jump;

	if (!ui->nr_jumps) {
		ui->view = NULL;
		return;
	}
	jump = &ui->jumps[--ui->nr_jumps];
	ui->view = jump->view;
	ui->focus = jump->focus;
	ui_goto(ui, jump->cursor);
	ui->at = jump->selection;
}

void ui_next_view(struct ui *ui)
{
	unsigned i = 0;

	if (!ui->view) {
		ui->focus = (ui->focus + 1) % UI_PANES;
		return;
	}
	while (views[i] && views[i] != ui->view)
		i++;
	ui->view = views[i] && views[i + 1] ? views[i + 1] : views[0];
}

void ui_show(struct ui *ui, const struct view_ops *view)
{
	ui->view = view;
	ui->nr_jumps = 0;
}
