/* SPDX-License-Identifier: MIT */
/*
 * What a vCPU did last: its exits are remembered also while nobody wants events, so
 * that a guest's end can be explained.
 */
#ifndef HV_CORE_LAST_H
#define HV_CORE_LAST_H

#include "hv/core/platform.h"

#define LAST_EXITS 8

struct last_exits {
	struct {
		u32 code;
		u8 kind;
		u64 info1, info2, rip;
		u64 times; /* in a row */
	} exit[LAST_EXITS];
	unsigned nr; /* of different ones, ever */
};

struct vcpu;

/* Remembers v->exit, which happened at RIP. What the host's own interrupts cause does
 * not count. */
void last_note(struct vcpu *v);

/* Tells what is remembered, oldest first, and the registers. events: last_exit, regs */
void last_tell(struct vcpu *v);

#endif
