/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine under the host program's control: doorbell bytes on a
 * descriptor, commands in the mailbox, stops between the lines of a scenario.
 * An operation is a line; a stop takes effect at its end.
 */
#ifndef SIM_CONTROL_H
#define SIM_CONTROL_H

#include "hv/sim/run.h"

#define CONTROL_BREAKS 16

/* Stop at an event whose 8 payload bytes at offset, & mask, are value. */
struct control_break {
	bool set;
	u16 event, offset;
	u64 mask, value;
};

struct control {
	int bell;		/* bytes come from here; -1: nobody controls us */
	bool wait;		/* stopped before the first line and after the last */
	bool stopped, quit, lossy, started;
	bool serving;		/* a command is at work: its own events end no step */
	bool asked;		/* stop at the end of this line */
	enum ch_stop why;
	u64 why_seq;
	enum ch_step step;	/* what ends the step in progress */
	struct control_break brk[CONTROL_BREAKS];
	struct run *run;
};

/* For run_options.between: serves what has come in, waits while stopped. */
bool control_between(void *arg, struct run *run, const struct scn_line *line);

/* For run_options.seen: looks for breaks and the end of a step. */
void control_seen(void *arg, u64 seq, u8 vcpu, u16 id, const void *payload, u16 len);

/* Carries out the command in the mailbox. events command, ..., reply */
void command_serve(struct control *control);

/* The command dirty, with its arguments; a harvest says what it found. */
enum mmu_status log_command(struct sim *sim, const u64 arg[4], char *said, size_t size);

#endif
