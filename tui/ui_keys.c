/* SPDX-License-Identifier: MIT */
/* What keys do: to the guest, to the cursor, to the views. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "tui/ui.h"

enum {
#define COMMAND(id, name, sentence, a, b, c, d) DO_##name = id,
#include "hv/channel/command.def"
};

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

static bool ends_step(const struct event *ev, enum ch_step kind)
{
	return kind == CH_STEP_EVENT || (kind == CH_STEP_FAULT && is_fault(ev)) ||
	       (kind == CH_STEP_EXIT && ev->id == EV_exit);
}

/* What has happened already is stepped through first; then the guest works. */
static void step(struct ui *ui, enum ch_step kind)
{
	for (size_t i = ui->cursor + 1; i < timeline_count(ui->tl); i++)
		if (ends_step(timeline_event(ui->tl, i), kind)) {
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
		ui_go_back(ui);
}

static void time_action(struct ui *ui, enum action action)
{
	switch (action) {
	case ACTION_prev:
	case ACTION_left:
		ui_go_by(ui, -1);
		break;
	case ACTION_next:
	case ACTION_right:
		ui_go_by(ui, 1);
		break;
	case ACTION_prev10:
		ui_go_by(ui, -10);
		break;
	case ACTION_next10:
		ui_go_by(ui, 10);
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

static void open_help(struct ui *ui)
{
	*ui_top(ui, &view_help) = 0;
	ui_open(ui, &view_help);
}

static void screen_action(struct ui *ui, enum action action)
{
	static const struct view_ops *const keyed[] = { &view_rmap,   NULL,	     &view_pages,
							&view_page,   &view_spte,    &view_events,
							&view_source, &view_console, &view_slots,
							&view_vcpus };

	if (action >= ACTION_view1 && action <= ACTION_view9)
		ui_show(ui, keyed[action - ACTION_view1 + 1]);
	else if (action == ACTION_view0)
		ui_show(ui, keyed[0]);
	else if (action == ACTION_tab)
		ui_next_view(ui);
	else if (action == ACTION_help)
		open_help(ui);
	else if (action == ACTION_redraw)
		ui->full_redraw = true;
	else if (action == ACTION_quit && ui->view == &view_help)
		ui_go_back(ui);
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
	case ACTION_exit:
		step(ui, CH_STEP_EXIT);
		break;
	case ACTION_audit:
		ui->audit_asked = send(ui, DO_audit, 0, 0);
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

	snprintf(line, sizeof(line), "%s %s",
		 ui->prompt == 'b' && !ui->typed[0] ? "unbreak" : verbs[(unsigned char)ui->prompt],
		 ui->typed);
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
