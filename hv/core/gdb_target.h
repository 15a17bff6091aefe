/* SPDX-License-Identifier: MIT */
/*
 * The callbacks of struct gdb_target for a VM.
 */
#ifndef HV_CORE_GDB_TARGET_H
#define HV_CORE_GDB_TARGET_H

#include "hv/gdb/target.h"

struct vm;

void gdb_target_init(struct gdb_target *t, struct vm *vm);

/* A vCPU's name for GDB: process 1, threads from 1. */
static inline struct gdb_tid gdb_tid_of(unsigned vcpu)
{
	return (struct gdb_tid){ .pid = 1, .tid = vcpu + 1 };
}

#endif
