/* SPDX-License-Identifier: MIT */
/*
 * A step of ours, of one instruction, that the guest must not notice. The machine
 * steps by setting RFLAGS.TF; where the instruction itself stores RFLAGS, or loads
 * them, what it stored or loaded is put right when the step has ended. Exceptions
 * and INT n leave the guest during a step and are delivered without our TF.
 *
 * source: APM2 13.1.4 "Breakpoint and Single-Step Exceptions", "Single Stepping";
 *         APM3 "PUSHF", "POPF", "SYSCALL"
 */
#ifndef HV_CORE_STEP_H
#define HV_CORE_STEP_H

#include "hv/core/x86.h"

struct vcpu;

/* How the instruction that is stepped has to do with TF. */
enum step_kind {
	STEP_NOTHING,
	STEP_PUSHES,  /* PUSHF: stores RFLAGS on the stack */
	STEP_SYSCALL, /* stores RFLAGS in R11, and masks them */
	STEP_LOADS,   /* POPF, IRET, SYSRET: TF afterwards is the guest's */
};

struct step {
	enum step_kind kind;
	bool traced; /* the guest had TF set itself */
};

/* v is about to execute one instruction for us. */
void step_begin(struct vcpu *v);

/* It has; the trap was ours. A guest that traces itself gets its own. */
void step_end(struct vcpu *v);

#endif
