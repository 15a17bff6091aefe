/* SPDX-License-Identifier: MIT */
/* Stopping, waiting, and waiting for a slow reader. */
#include "hv/sim/control.h"
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROOM_WANTED	0x4000u		/* free slots before a line begins */
#define PATIENCE_MS	2000		/* with a reader that does not read */

static bool break_hits(const struct control_break *b, u16 id, const void *payload, u16 len)
{
	u64 bytes = 0;

	if (!b->set || b->event != id)
		return false;
	if (b->offset < len)
		memcpy(&bytes, (const u8 *)payload + b->offset,
		       len - b->offset < 8 ? len - b->offset : 8);
	return (bytes & b->mask) == b->value;
}

static void ask(struct control *c, enum ch_stop why, u64 seq)
{
	if (c->asked || c->stopped)
		return;
	c->asked = true;
	c->why = why;
	c->why_seq = seq;
}

void control_seen(void *arg, u64 seq, u8 vcpu, u16 id, const void *payload, u16 len)
{
	struct control *c = arg;

	(void)vcpu;
	if (c->stopped || c->serving || !c->run || c->run->sim.em.synthetic)
		return;
	for (unsigned i = 0; i < CONTROL_BREAKS; i++)
		if (break_hits(&c->brk[i], id, payload, len))
			ask(c, CH_STOP_BREAK, seq);
	if (c->step == CH_STEP_EVENT || (c->step == CH_STEP_FAULT && id == EV_fault) ||
	    (c->step == CH_STEP_EXIT && id == EV_exit) || (c->step == CH_STEP_INSN && id == EV_access))
		ask(c, CH_STOP_STEP, seq);
}

/* Takes the doorbell's bytes; waits for the first if told so. */
static void answer_bell(struct control *c, int timeout_ms)
{
	struct pollfd p = { .fd = c->bell, .events = POLLIN };
	char byte;

	while (!c->quit && poll(&p, 1, timeout_ms) > 0) {
		if (read(c->bell, &byte, 1) != 1) {
			c->quit = c->wait; /* nobody will ever let us go on */
			c->stopped = false;
			c->bell = -1;
			return;
		}
		if (byte != CH_BELL_MAIL)
			continue;
		c->serving = true;
		command_serve(c);
		c->serving = false;
		timeout_ms = 0;
	}
}

static bool is_crowded(struct control *c)
{
	struct ch_emitter *em = &c->run->sim.em;

	return atomic_load(&em->header->reader) && ch_free_slots(em) < ROOM_WANTED;
}

/* A reader gets time; one that does not read does not hold us up for good. */
static void wait_for_reader(struct control *c)
{
	for (int ms = 0; is_crowded(c) && !c->lossy; ms++) {
		if (ms == PATIENCE_MS)
			c->lossy = true;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	if (!is_crowded(c))
		c->lossy = false;
}

static void stop(struct control *c, enum ch_stop why, u64 seq)
{
	c->asked = false;
	c->step = CH_STEP_NONE;
	c->stopped = true;
	sim_emit(&c->run->sim, MMU_NO_VCPU, stop, why, seq);
	while (c->stopped && !c->quit)
		answer_bell(c, -1);
}

bool control_between(void *arg, struct run *run, const struct scn_line *line)
{
	struct control *c = arg;

	c->run = run;
	if (c->bell < 0)
		return true;
	wait_for_reader(c);
	/* Where we stop anyhow, what has come in is answered stopped: a resume
	 * that came early must not be lost. */
	if (!line && c->wait)
		stop(c, c->started ? CH_STOP_PAUSE : CH_STOP_START, 0);
	else if (line && line->word == WORD_stop && c->wait)
		stop(c, CH_STOP_BREAK, 0);
	else
		answer_bell(c, 0);
	if (c->asked && !c->quit)
		stop(c, c->why, c->why_seq);
	c->started = true;
	return !c->quit;
}
