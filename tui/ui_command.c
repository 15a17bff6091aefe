/* SPDX-License-Identifier: MIT */
/*
 * The command language: what is typed after ':' and what scripts are made of.
 * One row per command; a script's lines without ':' are names of keys.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tui/format.h"
#include "tui/say.h"
#include "tui/ui.h"

typedef void (*command_fn)(struct ui *ui, const char *arg);

struct command {
	const char *name, *arg, *sentence;
	command_fn run;
};

static void fail(struct ui *ui, const char *what, const char *why)
{
	ui_say(ui, "%s: %s", what, why);
	ui->status = 1;
}

static void do_say(struct ui *ui, const char *arg)
{
	snprintf(ui->said, sizeof(ui->said), "%s", arg);
}

static void do_view(struct ui *ui, const char *arg)
{
	const struct view_ops *view = view_by_name(arg);

	if (!view && strcmp(arg, "tour"))
		fail(ui, arg, "there is no such view");
	else
		ui->view = view;
}

static bool write_file(const char *path, const struct text *text)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "w") : stdout;
	bool ok;

	if (!file)
		return false;
	if (file == stdout)
		return fputs(text_str(text), file) >= 0;
	ok = fwrite(text_str(text), 1, text->len, file) == text->len;
	return !fclose(file) && ok;
}

static void do_save_screen(struct ui *ui, const char *arg)
{
	size_t n = strlen(arg);
	struct text text = { 0 };

	if (!ui->canvas || !n) {
		fail(ui, "save-screen", n ? "there is no screen" : "which file?");
		return;
	}
	ui_draw(ui, ui->canvas);
	if (n > 4 && !strcmp(arg + n - 4, ".svg"))
		canvas_dump_svg(ui->canvas, &text);
	else
		canvas_dump_text(ui->canvas, &text);
	if (!write_file(arg, &text))
		fail(ui, arg, strerror(errno));
	text_free(&text);
}

/* "0x12", "18" */
static bool number(const char *arg, u64 *value)
{
	char *end;

	*value = strtoull(arg, &end, 0);
	return *arg && !*end;
}

static void do_goto(struct ui *ui, const char *arg)
{
	u64 seq;

	if (!number(arg, &seq))
		fail(ui, "goto", "which event? A number");
	else
		ui_goto(ui, timeline_find(ui->tl, seq));
}

static void do_page(struct ui *ui, const char *arg)
{
	u64 sp;

	if (!number(arg, &sp) || !model_sp(ui_vm(ui), sp))
		fail(ui, "page", "there is no such page at this event");
	else
		ui_select_page(ui, sp);
}

static void do_entry(struct ui *ui, const char *arg)
{
	u64 entry;

	if (!number(arg, &entry) || entry >= PT_ENTRIES)
		fail(ui, "entry", "a number below 512");
	else
		ui->at.entry = entry;
}

static void do_gfn(struct ui *ui, const char *arg)
{
	if (!number(arg, &ui->at.gfn))
		fail(ui, "gfn", "a number");
}

static void do_find(struct ui *ui, const char *arg)
{
	if (*arg)
		snprintf(ui->search, sizeof(ui->search), "%s", arg);
	if (ui->search[0])
		ui_find(ui, ui->search, true);
}

static void do_filter(struct ui *ui, const char *arg)
{
	snprintf(ui->filter, sizeof(ui->filter), "%s", arg);
	ui->nr_shown = ui->shown_upto = 0;
}

static void do_break(struct ui *ui, const char *arg)
{
	ui_break(ui, arg);
}

static void do_unbreak(struct ui *ui, const char *arg)
{
	(void)arg;
	ui_unbreak(ui);
}

static void do_set(struct ui *ui, const char *arg)
{
	ui_set_knob(ui, arg);
}

static void do_mmu(struct ui *ui, const char *arg)
{
	ui_set_mmu(ui, arg);
}

static void do_dirty(struct ui *ui, const char *arg)
{
	ui_log_dirty(ui, arg);
}

static void do_age(struct ui *ui, const char *arg)
{
	ui_age(ui, arg, true);
}

static void do_young(struct ui *ui, const char *arg)
{
	ui_age(ui, arg, false);
}

static const struct send_row {
	const char *name, *sentence;
	u16 id;
} sends[] = {
#define COMMAND(id, name, sentence, a, b, c, d) { #name, sentence, id },
#include "hv/channel/command.def"
};

/* "walk 0 0xc0000000": a command of the debug channel with its numbers. */
static void do_send(struct ui *ui, const char *arg)
{
	size_t n = strcspn(arg, " ");
	u64 numbers[4] = { 0 };
	const char *p = arg + n;

	for (unsigned i = 0; i < 4 && *p; i++)
		numbers[i] = strtoull(p, (char **)&p, 0);
	for (size_t i = 0; i < sizeof(sends) / sizeof(sends[0]); i++) {
		if (strlen(sends[i].name) != n || memcmp(sends[i].name, arg, n))
			continue;
		if (ui_listens(ui, "send"))
			ui->machine.command(ui->machine.arg, sends[i].id, numbers[0], numbers[1],
					    numbers[2], numbers[3]);
		return;
	}
	fail(ui, arg, "the debug channel has no such command");
}

/* For the vCPU that is looked at. */
static void do_smi(struct ui *ui, const char *arg)
{
	char line[16];

	(void)arg;
	snprintf(line, sizeof(line), "smi %u", ui->at.vcpu);
	do_send(ui, line);
}

/* Steps, registers and SMIs are for it until the cursor moves to another's event. */
static void do_vcpu(struct ui *ui, const char *arg)
{
	const struct model_vm *vm = ui_vm(ui);
	char line[16];
	u64 id;

	if (!number(arg, &id) || id >= MODEL_MAX_VCPUS || !vm || !vm->vcpu[id].known) {
		fail(ui, "vcpu", "there is no such vCPU");
		return;
	}
	ui->at.vcpu = (u8)id;
	snprintf(line, sizeof(line), "regs %u", ui->at.vcpu);
	if (ui->machine.command && timeline_live(ui->tl)->stopped)
		do_send(ui, line);
}

/* Looks from `at` on for an event of this kind. */
static bool find_kind(struct ui *ui, size_t *at, u16 id)
{
	for (; *at < timeline_count(ui->tl); (*at)++)
		if (timeline_event(ui->tl, *at)->id == id)
			return true;
	return false;
}

static void do_until(struct ui *ui, const char *arg)
{
	const struct ev_info *row = ev_info_by_name(arg, strlen(arg));
	size_t at = ui->cursor + 1;

	if (!row) {
		fail(ui, arg, "no event has this name");
		return;
	}
	ui_say(ui, "until %s; any key ends the wait", arg);
	while (!find_kind(ui, &at, row->id)) {
		bool runs = ui->machine.wait && ui->machine.wait(ui->machine.arg);
		const struct model *live = timeline_live(ui->tl);

		if (ui->interrupted && ui->interrupted(ui)) {
			fail(ui, arg, "no such event came yet; you pressed a key");
			return;
		}
		if (live->stopped && live->stop_why == CH_STOP_BREAK)
			ui_break_hit(ui);
		if (runs || find_kind(ui, &at, row->id))
			continue;
		fail(ui, arg, "no such event came before the end");
		return;
	}
	if (ui->break_once && !strcmp(ui->break_once, row->name))
		ui_break_hit(ui);
	ui->message[0] = '\0';
	ui_goto(ui, at);
}

static void do_quit(struct ui *ui, const char *arg)
{
	(void)arg;
	ui->quit = true;
}

static void do_keys(struct ui *ui, const char *arg)
{
	while (*arg) {
		size_t n = strcspn(arg, " ");
		int key = key_by_name(arg, n);

		if (key == KEY_NONE) {
			fail(ui, arg, "no key has this name");
			return;
		}
		ui_key(ui, key);
		arg += n + strspn(arg + n, " ");
	}
}

static void do_type(struct ui *ui, const char *arg)
{
	for (; *arg; arg++)
		ui_key(ui, *arg);
	ui_key(ui, KEY_ENTER_);
}

static void do_help(struct ui *ui, const char *arg);

static const struct command commands[] = {
	{ "say", "TEXT", "show a sentence", do_say },
	{ "until", "EVENT", "go on to the next event of this kind", do_until },
	{ "view", "NAME", "show a view", do_view },
	{ "save-screen", "FILE", "save as text (- is stdout), or as .svg", do_save_screen },
	{ "goto", "N", "to event number N", do_goto },
	{ "page", "N", "select a shadow page", do_page },
	{ "entry", "N", "select an entry of the page", do_entry },
	{ "gfn", "N", "select a guest frame", do_gfn },
	{ "vcpu", "N", "select a vCPU: steps, registers and SMIs are its", do_vcpu },
	{ "find", "TEXT", "search the events", do_find },
	{ "filter", "TEXT", "show only events with a text", do_filter },
	{ "break", "[EVENT]", "stop at these, or no more; alone: list", do_break },
	{ "unbreak", "", "remove all breaks", do_unbreak },
	{ "set", "[KNOB=VALUE]", "turn a knob of the MMU; alone: show them", do_set },
	{ "mmu", "shadow|tdp", "let this MMU serve the guest from now on", do_mmu },
	{ "smi", "", "a system-management interrupt for this vCPU", do_smi },
	{ "dirty", "WHAT [SLOT [AS]]", "log writes: on, by-d, off; harvest", do_dirty },
	{ "young", "[GFN [N [AS]]]", "which memory was used; alone: of all", do_young },
	{ "age", "[GFN [N [AS]]]", "the same, and it counts anew from now on", do_age },
	{ "send", "COMMAND N...", "one of the debug channel: walk, zap ...", do_send },
	{ "keys", "KEY...", "press keys, by name", do_keys },
	{ "type", "TEXT", "type a text and Enter", do_type },
	{ "help", "", "this list", do_help },
	{ "quit", "", "leave", do_quit },
};

static void do_help(struct ui *ui, const char *arg)
{
	(void)arg;
	ui_open(ui, &view_help);
	*ui_top(ui, &view_help) = NR_ACTIONS;	/* the keys come first */
}

bool ui_command_row(size_t i, const char **name, const char **arg, const char **sentence)
{
	if (i >= sizeof(commands) / sizeof(commands[0]))
		return false;
	*name = commands[i].name;
	*arg = commands[i].arg;
	*sentence = commands[i].sentence;
	return true;
}

void ui_command(struct ui *ui, const char *line)
{
	size_t n;

	line += strspn(line, ": ");
	n = strcspn(line, " ");
	if (!n)
		return;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strlen(commands[i].name) == n && !memcmp(commands[i].name, line, n)) {
			commands[i].run(ui, line + n + strspn(line + n, " "));
			return;
		}
	fail(ui, line, "no command has this name; :help lists them");
}

/* ---- scripts ------------------------------------------------------------------ */

static int script_line(struct ui *ui, char *line, const char *path, unsigned nr)
{
	line[strcspn(line, "\n")] = '\0';
	ui->status = 0;
	if (line[0] == ':')
		ui_command(ui, line);
	else if (line[0] && line[0] != '#')
		do_keys(ui, line);
	ui_note_replies(ui);
	ui_note_age(ui);
	ui_draw(ui, ui->canvas);
	if (ui->status)
		say("%s:%u: %s", path, nr, ui->message);
	return ui->status;
}

int ui_script(struct ui *ui, const char *path, struct canvas *canvas)
{
	FILE *file = fopen(path, "r");
	char line[512];
	int status = 0;

	if (!file) {
		say("%s: %s", path, strerror(errno));
		return 1;
	}
	ui_draw(ui, canvas);
	for (unsigned nr = 1; !status && !ui->quit && fgets(line, sizeof(line), file); nr++)
		status = script_line(ui, line, path, nr);
	fclose(file);
	return status;
}
