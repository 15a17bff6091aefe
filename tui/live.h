/* SPDX-License-Identifier: MIT */
/* Three ways to be with a running machine: its console on the terminal, the
 * screen, or a script; and what `run`, `sim` and `demo` share of their options. */
#ifndef TUI_LIVE_H
#define TUI_LIVE_H

#include "tui/session.h"

struct live_options {
	bool tui, plain, verbose;
	const char *script, *size, *source, *record, *break_event, *say;
	const char *patched;	/* folder with files that stand in for those of the source */
	unsigned timeout_s;
	int gdb_port;		/* -1: none */
	bool gdb_nowait;
	u64 plain_events;	/* --plain: event lines to print, no more; 0: all */
	bool say_leave;		/* on a terminal: say how to leave before it begins */
	bool plain_mmu;		/* --plain: only the MMU's events, and what led to them */
};

/*
 * Prepares a session for these options: timeline, recording, GDB.
 *   returns  false: it was said why; session_finish() is still owed
 */
bool live_prepare(struct session *s, const struct live_options *opt);

/* Whether the machine has to stop before the guest's first instruction. */
bool live_waits(const struct live_options *opt);

/* Whether anybody wants to see events. */
bool live_wants_events(const struct live_options *opt);

/* Runs it to its end.
 *   returns  the exit status */
int live_run(struct session *s, const struct live_options *opt);

#endif
