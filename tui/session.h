/* SPDX-License-Identifier: MIT */
/*
 * A running machine and everything that hangs on it: the channel, a recording,
 * a timeline for the screen, the console, GDB. One loop turns it all.
 */
#ifndef TUI_SESSION_H
#define TUI_SESSION_H

#include "tui/link.h"
#include "tui/machine.h"
#include "tui/record.h"
#include "tui/relay.h"
#include "tui/text.h"
#include "tui/timeline.h"

enum session_end {
	SESSION_RUNS,
	SESSION_GUEST,		/* the guest is at its end: status */
	SESSION_USER,
	SESSION_TIMEOUT,
	SESSION_BROKEN,		/* QEMU or the hypervisor failed; it was said */
};

struct session {
	struct machine machine;
	struct link *link;
	struct schema *schema;
	struct timeline *tl;		/* NULL: nobody looks back */
	struct recorder *rec;		/* NULL: not recorded */
	struct relay *relay;		/* NULL: no GDB */
	void (*on_event)(struct session *s, const struct event *ev);	/* may be NULL */
	void *arg;			/* for on_event */
	const char *break_event;	/* set at the start; NULL: none */
	bool go;			/* resume once, when breaks are set */
	bool console_out, console_in;	/* stdin and stdout belong to the guest */
	char input[256];		/* for the guest, what the pipe had no room for yet */
	size_t input_len;
	bool terminal;			/* stdin is one; Ctrl-] leaves */
	bool paced;			/* --icount: freeze the machine while reading */
	bool kvm;			/* --accel=kvm */
	bool verbose;			/* show what the hypervisor says */

	bool ready;			/* the channel is there */
	bool guest_ended, panicked, refused;
	u8 guest_status;
	char guest_reason[128];
	u64 events, lost, printed;
	u64 last_printed;		/* seq */
	s64 deadline_ms;		/* 0: none */
	bool timed_out;			/* it was asked to end by itself, and say where it is */
	struct text last;		/* what the guest did before its end */
	s64 bell_ms;			/* when the bell was rung last */
	char log[8192];			/* the end of what the machine said */
	size_t log_len;
	enum session_end end;
};

/* Before machine_start_*(): everything empty. */
void session_init(struct session *s);

/* After it: connects. timeout_s 0: none. */
void session_start(struct session *s, unsigned timeout_s);

/*
 * Turns the loop once, waiting at most wait_ms for something to do.
 *   returns  whether it still runs
 */
bool session_turn(struct session *s, int wait_ms);

/* Ends the machine, the recording and the rest.
 *   returns  the exit status of `vitrine run` */
int session_finish(struct session *s);

/* Signals that end us end the session first. */
void session_catch_signals(void);

#endif
