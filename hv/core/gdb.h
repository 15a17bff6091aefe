/* SPDX-License-Identifier: MIT */
/*
 * The GDB stub's target: this VM's vCPUs as threads, its memory through their
 * own page tables. Bytes come and go through the channel's pipes; the host
 * program owns the socket and rings the bell.
 */
#ifndef HV_CORE_GDB_H
#define HV_CORE_GDB_H

#include "hv/gdb/stub.h"
#include "mmu/types.h"

struct vm;

struct gdb_session {
	struct gdb_stub stub;
	struct gdb_target target;
	u32 open;                    /* of the pipe, when we last looked */
	bool step_planned;
	u8 step_vcpu;
	u32 planned;                 /* vCPUs that are to run, each as its bit */
	enum gdb_stop_reason reason; /* of the stop that is asked for */
	u8 vcpu;                     /* whose stop it is */
};

void gdb_init(struct vm *vm);

/* The host rang: connect, disconnect, bytes. context: at a safe point */
void gdb_serve(struct vm *vm);

/* v arrived at a planted breakpoint: stops the machine for it. */
void gdb_hit_breakpoint(struct vm *vm, u8 vcpu);

/* The machine stopped (control.why says for what), or its guest is at its end. */
void gdb_tell_stopped(struct vm *vm);
void gdb_tell_ended(struct vm *vm);

#endif
