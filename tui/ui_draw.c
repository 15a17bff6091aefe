/* SPDX-License-Identifier: MIT */
/* Where things stand on the screen: the tour's panes, one view alone, the
 * status line, lamps, console line, keys. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "mmu/role.h"
#include "tui/format.h"
#include "tui/ui.h"

#define FOOT 4	/* rule between, rules, console, keys */

/* ---- one view in a rectangle ------------------------------------------------- */

static void put_line(struct canvas *canvas, const struct rect *area, int y, const struct line *line)
{
	size_t at = 0;
	int x = 1;

	for (unsigned i = 0; i < line->nr_runs; i++) {
		struct text part = { 0 };

		text_put(&part, text_str(&line->text) + at, line->run[i].end - at);
		x = canvas_text(canvas, area, x, y, line->run[i].ink, text_str(&part));
		at = line->run[i].end;
		text_free(&part);
	}
}

static void draw_heading(struct ui *ui, struct canvas *canvas, const struct rect *area,
			 const struct view_ops *view, bool focused)
{
	struct line line = { 0 };
	enum ink ink = focused ? INK_focus : INK_title;
	char name[16] = { 0 };

	for (size_t i = 0; view->name[i] && i + 1 < sizeof(name); i++)
		name[i] = view->name[i] >= 'a' ? view->name[i] - 'a' + 'A' : view->name[i];
	canvas_text(canvas, area, 0, 0, ink, focused ? "▸" : " ");
	line_add(&line, ink, "%s", name);
	if (view->title)
		view->title(ui, &line);
	put_line(canvas, area, 0, &line);
	text_free(&line.text);
}

/* The first line to show, so that the current one is in sight. */
static size_t first_line(struct ui *ui, const struct view_ops *view, size_t n, size_t rows)
{
	size_t *top = ui_top(ui, view), at;
	size_t most = n > rows ? n - rows : 0;

	if (view->tail)
		return *top > most ? (*top = most, 0) : most - *top;
	if (*top > most)
		*top = most;
	if (!view->current)
		return *top;
	at = view->current(ui);
	if (at >= n)
		return *top;
	if (!view->select)
		*top = at < rows / 2 ? 0 : at - rows / 2;
	else if (at < *top)
		*top = at;
	else if (at >= *top + rows)
		*top = at - rows + 1;
	return *top > most ? *top = most : *top;
}

static void draw_view(struct ui *ui, struct canvas *canvas, struct rect area,
		      const struct view_ops *view, bool focused)
{
	size_t n, top, rows = area.h > 1 ? area.h - 1 : 0, now;

	if (area.w < 2 || area.h < 1)
		return;
	view->prepare(ui, area.w - 2);
	draw_heading(ui, canvas, &area, view, focused);
	n = view->count(ui);
	top = first_line(ui, view, n, rows);
	now = view->select && view->current ? view->current(ui) : n;
	for (size_t i = 0; i < rows && top + i < n; i++) {
		struct line line = { 0 };

		view->line(ui, top + i, &line);
		put_line(canvas, &area, i + 1, &line);
		text_free(&line.text);
		if (top + i != now)
			continue;
		canvas_text(canvas, &area, 0, i + 1, INK_changed, "▸");
		if (focused)
			canvas_ink(canvas, &area, 0, i + 1, area.w, INK_cursor);
	}
}

/* ---- the lines around -------------------------------------------------------- */

static const char *paging_text(u32 cpu_role)
{
	union mmu_role role = { .word = cpu_role };

	switch (role.level) {
	case 0:
		return "unpaged";
	case 2:
		return "2-level";
	case 3:
		return "PAE";
	case 4:
		return "4-level";
	default:
		return "5-level";
	}
}

static void state_text(struct ui *ui, struct text *to)
{
	const struct model *live = timeline_live(ui->tl);
	const struct event *ev = ui_event(ui);
	const struct ev_info *row = ev ? schema_row(timeline_schema(ui->tl), ev->id) : NULL;

	if (live->panicked)
		text_add(to, "PANIC");
	else if (live->ended)
		text_add(to, "ENDED (%u)", live->end_status);
	else if (!ui->machine.command)
		text_add(to, "RECORDING");
	else
		text_add(to, "%s", live->stopped ? "STOPPED" : "RUNNING");
	if (live->stopped && !live->ended && ui->machine.command)
		text_add(to, " by %s", stopwhy_name(live->stop_why));
	if (ev)
		text_add(to, "  at event %" PRIu64 ": %s", ev->seq, row ? row->name : "?");
}

static void draw_status(struct ui *ui, struct canvas *canvas)
{
	const struct rect area = { 0, 0, canvas->w, 1 };
	const struct model_vm *vm = ui_vm(ui);
	const struct model *live = timeline_live(ui->tl);
	struct text text = { 0 }, right = { 0 };

	text_add(&text, "vitrine  L%u vcpu%u", ui->at.level, ui->at.vcpu);
	if (vm && vm->configured)
		text_add(&text, " %s%s%s %s", mode_name(vm->config.mode),
			 vm->vcpu[ui->at.vcpu].smm ? " SMM" : "",
			 vm->vcpu[ui->at.vcpu].inner ? " inner guest" : "",
			 paging_text(model_walked(&vm->vcpu[ui->at.vcpu])->cpu_role));
	text_add(&text, "  ");
	state_text(ui, &text);
	text_add(&right, "guest at %" PRIu64 " ", live->seq);
	canvas_repeat(canvas, &area, 0, 0, canvas->w, INK_status, ' ');
	canvas_text(canvas, &area, 0, 0, INK_status, text_str(&text));
	if (canvas_width(text_str(&text)) + (int)right.len < canvas->w)
		canvas_text(canvas, &area, canvas->w - (int)right.len, 0, INK_status,
			    text_str(&right));
	text_free(&text);
	text_free(&right);
}

static void break_prompt(const struct ui *ui, struct text *to)
{
	struct text set = { 0 };

	text_add(to, "stop at event: %s▁", ui->typed);
	if (ui_breaks(ui, &set))
		text_add(to, "  again: removed; empty: all removed; set: %s", text_str(&set));
	text_free(&set);
}

static void draw_keys(struct ui *ui, struct canvas *canvas)
{
	const struct rect area = { 0, canvas->h - 1, canvas->w, 1 };
	struct text text = { 0 };

	canvas_repeat(canvas, &area, 0, 0, canvas->w, INK_keys, ' ');
	if (ui->prompt == 'b')
		break_prompt(ui, &text);
	else if (ui->prompt)
		text_add(&text, "%s%s▁", ui->prompt == '/'  ? "find: " :
					  ui->prompt == '\\' ? "only events with: " : ":", ui->typed);
	else if (ui->message[0])
		text_add(&text, "%s", ui->message);
	else if (ui->said[0])
		text_add(&text, "“%s”", ui->said);
	else
		text_add(&text, "space:run s:step f:fault e:exit i:insn b:break A:audit ←→:time Tab "
				"?:help q:quit");
	canvas_text(canvas, &area, 0, 0, INK_keys, text_str(&text));
	text_free(&text);
}

static void draw_rules(struct ui *ui, struct canvas *canvas, int y)
{
	const struct rect area = { 0, y, canvas->w, 1 };
	const struct model_vm *vm = ui_vm(ui);
	const struct model *m = ui_model(ui);
	struct text text = { 0 };
	int x = canvas_text(canvas, &area, 1, 0, INK_title, "RULES ");

	if (!vm || !vm->audit_seq)
		x = canvas_text(canvas, &area, x, 0, INK_dim, "not checked yet");
	else if (vm->audit_broken)
		text_add(&text, "✗ %u of %u broken", vm->audit_broken, vm->audit_rules);
	else
		text_add(&text, "● %u green", vm->audit_rules);
	x = canvas_text(canvas, &area, x, 0, vm && vm->audit_broken ? INK_bad : INK_good,
			text_str(&text));
	text_clear(&text);
	if (m->lost)
		text_add(&text, "  %" PRIu64 " events lost", m->lost);
	if (m->nr_damage)
		text_add(&text, "  %u contradictions (:view notes)", m->nr_damage);
	if (timeline_notes(ui->tl)[0])
		text_add(&text, "  damaged file (:view notes)");
	x = canvas_text(canvas, &area, x, 0, INK_bad, text_str(&text));
	text_clear(&text);
	if (vm && map_count(&vm->tlb))
		text_add(&text, "    TLB %u entries, %u ghosts", map_count(&vm->tlb), model_ghosts(vm));
	canvas_text(canvas, &area, x, 0, model_ghosts(vm) ? INK_bad : INK_plain, text_str(&text));
	text_free(&text);
}

/* The last lines of the console, newest at the bottom. */
static void draw_console(struct ui *ui, struct canvas *canvas, int y, int h)
{
	struct rect area = { 0, y, canvas->w, h };
	const struct view_ops *view = &view_console;
	size_t n, first;
	int x = canvas_text(canvas, &area, 1, 0, INK_title, "GUEST CONSOLE");

	view->prepare(ui, canvas->w - 2);
	n = view->count(ui);
	first = n > (size_t)h ? n - h : 0;
	area.x = x;
	area.w -= x;
	for (size_t i = first; i < n; i++) {
		struct line line = { 0 };

		view->line(ui, i, &line);
		put_line(canvas, &area, i - first, &line);
		text_free(&line.text);
	}
}

static void draw_frame(struct canvas *canvas, int split, int bottom)
{
	const struct rect all = { 0, 0, canvas->w, canvas->h };

	for (int y = 1; y < bottom; y++)
		canvas_repeat(canvas, &all, split, y, 1, INK_frame, 0x2502);
	canvas_repeat(canvas, &all, 0, bottom, canvas->w, INK_frame, 0x2500);
	canvas_repeat(canvas, &all, split, bottom, 1, INK_frame, 0x2534);
}

static void draw_tour(struct ui *ui, struct canvas *canvas)
{
	int console = canvas->h > 30 ? 4 : 1;
	int bottom = canvas->h - FOOT - console + 1, split = canvas->w * 42 / 80;
	int left = (bottom - 1) * 5 / 9;
	int right = left < 25 ? left : 25;	/* a page needs no more */
	const struct rect place[UI_PANES] = {
		{ 0, 1, split, left },
		{ split + 1, 1, canvas->w - split - 1, right },
		{ 0, 1 + left, split, bottom - 1 - left },
		{ split + 1, 1 + right, canvas->w - split - 1, bottom - 1 - right },
	};

	for (unsigned i = 0; i < UI_PANES; i++)
		draw_view(ui, canvas, place[i], ui_panes[i], i == ui->focus);
	draw_frame(canvas, split, bottom);
	draw_rules(ui, canvas, bottom + 1);
	draw_console(ui, canvas, bottom + 2, console);
}

static void draw_too_small(struct canvas *canvas)
{
	const struct rect all = { 0, 0, canvas->w, canvas->h };
	struct text text = { 0 };

	text_add(&text, "%dx%d: too small, needs %dx%d", canvas->w, canvas->h, UI_MIN_W, UI_MIN_H);
	canvas_text(canvas, &all, 0, 0, INK_plain, text_str(&text));
	canvas_text(canvas, &all, 0, 1, INK_plain, "q: quit");
	text_free(&text);
}

void ui_draw(struct ui *ui, struct canvas *canvas)
{
	ui->canvas = canvas;
	canvas_clear(canvas);
	if (canvas->w < UI_MIN_W || canvas->h < UI_MIN_H) {
		draw_too_small(canvas);
		return;
	}
	draw_status(ui, canvas);
	if (ui->view)
		draw_view(ui, canvas, (struct rect){ 0, 1, canvas->w, canvas->h - 2 }, ui->view,
			  true);
	else
		draw_tour(ui, canvas);
	draw_keys(ui, canvas);
}

/* ---- plain lines -------------------------------------------------------------- */

static void plain_view(struct ui *ui, const struct view_ops *view, struct text *to)
{
	struct line title = { 0 };
	size_t now;

	view->prepare(ui, 76);
	if (view->title)
		view->title(ui, &title);
	text_add(to, "== %s%s\n", view->name, text_str(&title.text));
	text_free(&title.text);
	now = view->select && view->current ? view->current(ui) : (size_t)-1;
	for (size_t i = 0, n = view->count(ui); i < n; i++) {
		struct line line = { 0 };

		view->line(ui, i, &line);
		text_add(to, "%s%s\n", i == now ? ">" : " ", text_str(&line.text));
		text_free(&line.text);
	}
}

bool ui_plain(struct ui *ui, const char *name, struct text *to)
{
	const struct view_ops *view = name ? view_by_name(name) : NULL;
	struct text state = { 0 };

	if (name && !view)
		return false;
	state_text(ui, &state);
	text_add(to, "vitrine: L%u vcpu%u %s\n", ui->at.level, ui->at.vcpu, text_str(&state));
	text_free(&state);
	for (unsigned i = 0; views[i]; i++)
		if (view ? views[i] == view : !views[i]->bulky)
			plain_view(ui, views[i], to);
	return true;
}
