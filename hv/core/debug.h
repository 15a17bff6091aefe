/* SPDX-License-Identifier: MIT */
/*
 * Software breakpoints in guest code: INT3 bytes that the hypervisor plants in
 * guest memory, and the step over one.
 *
 * A breakpoint belongs to a guest-physical byte; the gva it was asked for by is
 * kept to find it again. What a tool reads shows the guest's own byte.
 */
#ifndef HV_CORE_DEBUG_H
#define HV_CORE_DEBUG_H

#include "mmu/types.h"

struct vm;
struct vcpu;

#define DEBUG_MAX_BREAKS 64

struct debug_break {
	bool set;
	gva_t gva;
	gpa_t gpa;
	u8 saved; /* the guest's own byte */
};

struct debug {
	struct debug_break brk[DEBUG_MAX_BREAKS];
	unsigned nr;      /* set; INT3 exits while this is not 0 */
	bool stepping_over;
	gpa_t over_gpa;   /* taken out for one instruction */
	u8 over_vcpu;
};

enum debug_status { DEBUG_OK, DEBUG_FULL, DEBUG_FAULT };

/*
 * Plants a breakpoint where gva leads now, through v's tables.
 *
 *   returns  DEBUG_OK (also if it is set already), DEBUG_FULL, DEBUG_FAULT (not mapped)
 */
enum debug_status debug_set(struct vcpu *v, gva_t gva);

/* Takes it out again; nothing happens if there is none. */
void debug_clear(struct vm *vm, gva_t gva);
void debug_clear_all(struct vm *vm);

/* Whether a breakpoint is planted where v's RIP leads. */
bool debug_at_rip(struct vcpu *v);

/*
 * v is about to run from a planted breakpoint: takes it out until v has
 * executed one instruction. debug_step_done() plants it again.
 */
void debug_step_over(struct vcpu *v);
void debug_step_done(struct vm *vm);

/* Puts the guest's own bytes into buf, which was read from gpa. */
void debug_hide(struct vm *vm, gpa_t gpa, u8 *buf, size_t len);

/* Bytes at gpa are about to be replaced by buf: a breakpoint there stays, its
 * saved byte follows. buf is changed. */
void debug_keep(struct vm *vm, gpa_t gpa, u8 *buf, size_t len);

#endif
