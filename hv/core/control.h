/* SPDX-License-Identifier: MIT */
/*
 * Stop, step, break: who may let the guest run on, and until when.
 *
 * A stop takes effect at the end of the operation in which its reason arose:
 * no lock is held then, nothing is half-done. While the machine is stopped
 * commands are still carried out.
 */
#ifndef HV_CORE_CONTROL_H
#define HV_CORE_CONTROL_H

#include "hv/channel/emit.h"

struct vm;

#define CONTROL_MAX_BREAKS 16
#define CONTROL_NR_RECENT  16
#define CONTROL_ALL_BREAKS 0xff

/* Stop at an event whose 8 payload bytes at offset, & mask, are value. */
struct control_break {
	bool set;
	u16 event, offset;
	u64 mask, value;
};

/* One of the events seen last, for a panic's last words. */
struct control_recent {
	u64 seq;
	u16 id;
	u8 vcpu;
};

struct control {
	bool panicked;       /* only what is safe is still done */
	struct control_recent recent[CONTROL_NR_RECENT];
	unsigned nr_recent;  /* ever; the newest is at (nr_recent - 1) % CONTROL_NR_RECENT */
	bool stopped;
	bool asked; /* stop at the end of this operation: why, and the event that did it */
	enum ch_stop why;
	u64 seq;
	enum ch_step step; /* what ends a step in progress */
	u8 step_vcpu;
	u32 held; /* vCPUs that stand though the machine runs, each as its bit */
	struct control_break brk[CONTROL_MAX_BREAKS];
	bool console_waiting; /* the host rang for console input that is not all taken */
	bool lossy;           /* gave up waiting for the reader */
	bool overran;         /* and has overwritten what was not read */
	u64 lossy_seq;        /* of the last event before that */
	u64 last_seq;         /* of the last event emitted */
};

/* Called by the emitter for every event stored (struct ch_emitter.seen). In a
 * snapshot it waits for the reader when the ring is nearly full. */
void control_seen(void *vm, u64 seq, u8 vcpu, u16 id, const void *payload, u16 len);

/* Asks for a stop at the end of the operation at work. */
void control_ask(struct vm *vm, enum ch_stop why);

/*
 * Between operations: waits for a slow reader, and while the machine is stopped stays
 * here. The first CPU also serves doorbells, commands and console input. Returns when
 * the guest may run or is at its end.
 *
 *   context   between two turns (cpus.h); interrupts on
 *   events    stop, resume, command and what it causes, reply, console_in, gap
 */
void control_safe_point(struct vm *vm);

/* Lets the guest run until the step is done (CH_STEP_NONE: until further notice).
 * context: every CPU stands */
void control_resume(struct vm *vm, enum ch_step step, u8 vcpu);

/* Emits breaks and the stop, for a snapshot. */
void control_snapshot(struct vm *vm);

/*
 * A rule of ours is broken: tells the host and stays here to answer what can
 * be answered without a lock, until it says quit; returns at once if nobody reads.
 *
 *   context  panic; the vCPUs stand wherever they stood
 *   events   panic, stop
 */
void control_panic(struct vm *vm, const char *text);

/* Carries out the command in the mailbox, if there is one. events: command, reply */
void command_serve(struct vm *vm);

#endif
