/* SPDX-License-Identifier: MIT */
/*
 * One instruction, executed by the CPU this program runs on: x86-64 only. Code
 * and data lie at fixed addresses below 2 GiB, where any way to address memory
 * reaches them.
 */
#ifndef TESTS_NATIVE_H
#define TESTS_NATIVE_H

#include "hv/core/regs.h"

#define NATIVE_CODE      0x10000000u
#define NATIVE_DATA      0x10010000u
#define NATIVE_DATA_SIZE 0x2000u

struct native {
	u64 gpr[NR_GPRS];
	u64 rflags; /* status flags and DF */
	u64 rip;    /* after it: behind the instruction, or at it */
	int fault;  /* after it: 0, or the signal */
};

/* Registers before, and after native_run(). */
extern struct native native;

/* The data, in place; nobody else changes it. */
u8 *native_data(void);

void native_init(void);

/* Executes the instruction at NATIVE_CODE, at most 15 bytes. It may fault and must
 * not jump. */
void native_run(const u8 *code, size_t n);

#endif
