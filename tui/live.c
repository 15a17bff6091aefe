/* SPDX-License-Identifier: MIT */
/* A running machine on a terminal, a screen, in a script or as plain lines. */
#include "tui/live.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include "tui/format.h"
#include "tui/loop.h"
#include "tui/say.h"

bool live_waits(const struct live_options *opt)
{
	return opt->tui || opt->script || opt->break_event ||
	       (opt->gdb_port >= 0 && !opt->gdb_nowait);
}

bool live_wants_events(const struct live_options *opt)
{
	return opt->tui || opt->script || opt->plain || opt->record || opt->break_event;
}

/* Port accesses and entries tell nothing about the MMU. */
static bool is_about_mmu(const struct event *ev)
{
	if (ev->id == EV_exit)
		return ev->len && (ev->payload[0] == CH_EXIT_fault || ev->payload[0] == CH_EXIT_cr ||
				   ev->payload[0] == CH_EXIT_invlpg);
	return ev->id < 0x100 || ev->id == EV_console || ev->id == EV_vm_new;
}

/* The long form of each event as it comes. */
static void print_event(struct session *s, const struct event *ev)
{
	const struct live_options *opt = s->arg;
	struct text text = { 0 };

	if (ev->id == EV_site || (opt->plain_events && s->printed == opt->plain_events))
		return;
	if (opt->plain_mmu && !is_about_mmu(ev))
		return;
	s->printed++;
	s->last_printed = ev->seq;
	format_event(&text, s->schema, ev);
	puts(text_str(&text));
	text_free(&text);
}

bool live_prepare(struct session *s, const struct live_options *opt)
{
	bool looks = opt->tui || opt->script || opt->plain;

	if (opt->break_event && !ev_info_by_name(opt->break_event, strlen(opt->break_event))) {
		say("--break=%s: no event has this name; the book lists them", opt->break_event);
		return false;
	}
	if (looks)
		s->tl = timeline_new(s->schema);
	if (opt->record) {
		s->rec = record_open(opt->record);
		if (!s->rec) {
			say("--record=%s: %s", opt->record, strerror(errno));
			return false;
		}
	}
	if (opt->gdb_port >= 0) {
		s->relay = relay_open(opt->gdb_port);
		if (!s->relay)
			return false;
	}
	s->verbose = opt->verbose;
	s->break_event = opt->break_event;
	s->go = opt->break_event && (opt->gdb_port < 0 || opt->gdb_nowait);
	s->console_out = s->console_in = !looks;
	s->arg = (void *)opt;
	if (opt->plain)
		s->on_event = print_event;
	return true;
}

/* ---- the console on the terminal ------------------------------------------------ */

static struct termios cooked;
static bool is_raw;

static void restore_terminal(void)
{
	if (is_raw)
		tcsetattr(STDIN_FILENO, TCSANOW, &cooked);
	is_raw = false;
}

static void make_raw(struct session *s)
{
	struct termios raw;

	if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &cooked))
		return;
	raw = cooked;
	raw.c_lflag &= ~(ICANON | ECHO | ISIG | IEXTEN);
	raw.c_iflag &= ~(ICRNL | IXON);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	is_raw = s->terminal = true;
	atexit(restore_terminal);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

static int run_console(struct session *s, const struct live_options *opt)
{
	int status;

	if (s->console_in)
		make_raw(s);
	if (s->terminal && opt->say_leave)
		say("the terminal is the guest's console; Ctrl-] leaves");
	while (session_turn(s, s->paced ? 1 : 5))
		;
	restore_terminal();
	status = session_finish(s);
	return status;
}

/* ---- the screen and scripts ------------------------------------------------------ */

static void send_command(void *arg, u16 command, u64 a, u64 b, u64 c, u64 d)
{
	struct session *s = arg;

	if (s->ready)
		link_command(s->link, command, a, b, c, d, NULL, 0);
}

static bool turn(void *arg)
{
	return session_turn(arg, 2);
}

static bool run_script(struct ui *ui, const struct live_options *opt)
{
	int w = 80, h = 24;
	struct canvas *canvas;
	int status;

	if (opt->size)
		sscanf(opt->size, "%dx%d", &w, &h);
	canvas = canvas_new(w > 0 && w < 1000 ? w : 80, h > 0 && h < 1000 ? h : 24);
	status = ui_script(ui, opt->script, canvas);
	canvas_free(canvas);
	return !status;
}

static int run_ui(struct session *s, const struct live_options *opt)
{
	struct ui *ui = ui_new(s->tl, opt->source);
	bool ok;
	int status;

	ui->machine = (struct ui_machine){ .arg = s, .command = send_command, .wait = turn };
	ui->break_once = opt->break_event;
	ui->patched = opt->patched;
	if (opt->say)
		snprintf(ui->said, sizeof(ui->said), "%s", opt->say);
	while (!s->ready && session_turn(s, 5))
		;
	ok = s->end != SESSION_BROKEN && (opt->script ? run_script(ui, opt) : loop_run(ui));
	if (s->end == SESSION_RUNS)
		s->end = SESSION_USER;
	ui_free(ui);
	status = session_finish(s);
	if (!ok)
		return status && status != EXIT_USER ? status : EXIT_VITRINE;
	return status == EXIT_USER ? 0 : status;
}

/* ---- plain lines ------------------------------------------------------------------ */

/* All views but those that would print every event or source file again. */
static void print_state(struct ui *ui)
{
	struct text text = { 0 };

	ui_plain(ui, NULL, &text);
	fputs(text_str(&text), stdout);
	text_free(&text);
}

/* When the scenario is over the simulated machine takes its MMU apart: what is
 * of interest is the moment before. */
static void go_before_teardown(struct ui *ui, const struct timeline *tl)
{
	for (size_t i = timeline_count(tl); i--;) {
		const struct event *ev = timeline_event(tl, i);

		if (ev->id != EV_guest_end)
			continue;
		printf("The state after event %llu, before the machine was taken apart:\n",
		       (unsigned long long)ev->seq);
		ui_goto(ui, i);
		return;
	}
}

static int run_plain(struct session *s, const struct live_options *opt)
{
	const struct event *last;
	struct ui *ui;

	while (session_turn(s, 5))
		;
	ui = ui_new(s->tl, opt->source);
	if (opt->plain_events && timeline_count(s->tl)) {
		last = timeline_event(s->tl, timeline_count(s->tl) - 1);
		printf("... up to event %llu.\n\nThe state after event %llu:\n",
		       (unsigned long long)last->seq, (unsigned long long)s->last_printed);
		ui_goto(ui, timeline_find(s->tl, s->last_printed));
	} else if (s->machine.simulated) {
		go_before_teardown(ui, s->tl);
	}
	print_state(ui);
	ui_free(ui);
	return session_finish(s);
}

int live_run(struct session *s, const struct live_options *opt)
{
	if (opt->tui || opt->script)
		return run_ui(s, opt);
	return opt->plain ? run_plain(s, opt) : run_console(s, opt);
}
