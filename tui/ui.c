/* SPDX-License-Identifier: MIT */
/* The user's state: cursor, selection, views; and what keys do to it. */
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
		ui_select_page(ui, ui_vm(ui)->vcpu[ui->at.vcpu].root[0].sp);
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
	if (ui->follow)
		ui_goto(ui, timeline_find(ui->tl, live->stop_seq));
	ui->machine.command(ui->machine.arg, DO_regs, ui->at.vcpu, 0, 0, 0);
}

void ui_update(struct ui *ui)
{
	note_stop(ui);
	if (ui->follow && timeline_count(ui->tl))
		move_cursor(ui, timeline_count(ui->tl) - 1);
}

static void go_by(struct ui *ui, long by)
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

static void go_back(struct ui *ui)
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

static void next_view(struct ui *ui)
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

static void show(struct ui *ui, const struct view_ops *view)
{
	ui->view = view;
	ui->nr_jumps = 0;
}

/* ---- the guest ---------------------------------------------------------------- */

static bool send(struct ui *ui, u16 command, u64 a, u64 b)
{
	if (!ui->machine.command || timeline_live(ui->tl)->ended) {
		ui_say(ui, "%s: nothing runs here", ui->machine.command ? "the guest has ended" :
									  "a recording");
		return false;
	}
	ui->machine.command(ui->machine.arg, command, a, b, 0, 0);
	return true;
}

static void run_or_pause(struct ui *ui)
{
	bool stopped = timeline_live(ui->tl)->stopped;

	if (send(ui, stopped ? DO_resume : DO_pause, 0, 0))
		ui_goto(ui, timeline_count(ui->tl));
}

static bool is_fault(const struct event *ev)
{
	struct ev_exit exit;

	if (ev->id != EV_exit || ev->len < sizeof(exit))
		return ev->id == EV_fault;
	memcpy(&exit, ev->payload, sizeof(exit));
	return exit.kind == CH_EXIT_fault;
}

/* What has happened already is stepped through first; then the guest works. */
static void step(struct ui *ui, enum ch_step kind)
{
	for (size_t i = ui->cursor + 1; i < timeline_count(ui->tl); i++)
		if (kind == CH_STEP_EVENT || (kind == CH_STEP_FAULT &&
					      is_fault(timeline_event(ui->tl, i)))) {
			ui_goto(ui, i);
			return;
		}
	if (send(ui, DO_step, kind, ui->at.vcpu))
		ui_goto(ui, timeline_count(ui->tl));
}

static void ask(struct ui *ui, char prompt)
{
	ui->prompt = prompt;
	ui->typed[0] = '\0';
}

/* ---- keys --------------------------------------------------------------------- */

static void move_line(struct ui *ui, const struct view_ops *view, long by)
{
	size_t *top = ui_top(ui, view), n, i;

	view->prepare(ui, ui->canvas ? ui->canvas->w : 80);
	n = view->count(ui);
	if (!view->select) {
		by = view->tail ? -by : by;
		*top = by < 0 && *top < (size_t)-by ? 0 : *top + by;
		return;
	}
	if (!n)
		return;
	i = view->current(ui);
	if (i >= n)
		i = 0;
	else if (by < 0)
		i = i < (size_t)-by ? 0 : i + by;
	else
		i = i + by < n ? i + by : n - 1;
	view->select(ui, i);
}

static void move_action(struct ui *ui, enum action action)
{
	const struct view_ops *view = ui_focused(ui);
	int screen = ui->canvas ? ui->canvas->h - 6 : 18;

	if (action == ACTION_up || action == ACTION_down)
		move_line(ui, view, action == ACTION_up ? -1 : 1);
	else if (action == ACTION_pageup || action == ACTION_pagedown)
		move_line(ui, view, action == ACTION_pageup ? -screen : screen);
	else if (action == ACTION_back)
		go_back(ui);
}

static void time_action(struct ui *ui, enum action action)
{
	switch (action) {
	case ACTION_prev:
	case ACTION_left:
		go_by(ui, -1);
		break;
	case ACTION_next:
	case ACTION_right:
		go_by(ui, 1);
		break;
	case ACTION_prev10:
		go_by(ui, -10);
		break;
	case ACTION_next10:
		go_by(ui, 10);
		break;
	case ACTION_first:
		ui_goto(ui, 0);
		break;
	case ACTION_last:
		ui_goto(ui, timeline_count(ui->tl));
		break;
	case ACTION_again:
	case ACTION_before:
		if (ui->search[0])
			ui_find(ui, ui->search, action == ACTION_again);
		break;
	default:
		move_action(ui, action);
	}
}

static void screen_action(struct ui *ui, enum action action)
{
	static const struct view_ops *const keyed[] = { &view_rmap,   NULL,	     &view_pages,
							&view_page,   &view_spte,    &view_events,
							&view_source, &view_console, &view_slots,
							&view_vcpus };

	if (action >= ACTION_view1 && action <= ACTION_view9)
		show(ui, keyed[action - ACTION_view1 + 1]);
	else if (action == ACTION_view0)
		show(ui, keyed[0]);
	else if (action == ACTION_tab)
		next_view(ui);
	else if (action == ACTION_help)
		ui_open(ui, &view_help);
	else if (action == ACTION_redraw)
		ui->full_redraw = true;
	else if (action == ACTION_quit && ui->view == &view_help)
		go_back(ui);
	else if (action == ACTION_quit)
		ui->quit = true;
	else
		time_action(ui, action);
}

void ui_action(struct ui *ui, enum action action)
{
	const struct view_ops *view = ui_focused(ui);

	if (view->action && view->action(ui, action))
		return;
	switch (action) {
	case ACTION_run:
		run_or_pause(ui);
		break;
	case ACTION_step:
		step(ui, CH_STEP_EVENT);
		break;
	case ACTION_fault:
		step(ui, CH_STEP_FAULT);
		break;
	case ACTION_insn:
		step(ui, CH_STEP_INSN);
		break;
	case ACTION_audit:
		send(ui, DO_audit, 0, 0);
		break;
	case ACTION_brk:
		ask(ui, 'b');
		break;
	case ACTION_search:
		ask(ui, '/');
		break;
	case ACTION_filter:
		ask(ui, '\\');
		break;
	case ACTION_command:
		ask(ui, ':');
		break;
	default:
		screen_action(ui, action);
	}
}

static void typed(struct ui *ui)
{
	static const char *const verbs[] = { ['/'] = "find", ['\\'] = "filter", ['b'] = "break",
					     [':'] = "" };
	char line[160];

	snprintf(line, sizeof(line), "%s %s", verbs[(unsigned char)ui->prompt], ui->typed);
	ui->prompt = 0;
	ui_command(ui, line);
}

static void prompt_key(struct ui *ui, int key)
{
	size_t n = strlen(ui->typed);

	if (key == KEY_ESCAPE) {
		ui->prompt = 0;
	} else if (key == KEY_ENTER_ || key == '\r') {
		typed(ui);
	} else if (key == KEY_BACK || key == '\b') {
		if (n)
			ui->typed[n - 1] = '\0';
		else
			ui->prompt = 0;
	} else if (key >= 0x20 && key < 0x7f && n + 1 < sizeof(ui->typed)) {
		ui->typed[n] = key;
		ui->typed[n + 1] = '\0';
	}
}

void ui_key(struct ui *ui, int key)
{
	enum action action;

	ui->message[0] = ui->said[0] = '\0';
	if (key == '\r')
		key = KEY_ENTER_;
	if (key == '\b')
		key = KEY_BACK;
	if (ui->prompt) {
		prompt_key(ui, key);
		return;
	}
	action = action_of_key(key);
	if (action)
		ui_action(ui, action);
	else if (key < KEY_NONE)
		ui_say(ui, "this key does nothing; ? shows those that do");
}
