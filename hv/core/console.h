/* SPDX-License-Identifier: MIT */
/*
 * The guest's console: its first serial port, joined to the channel. Output is
 * gathered into lines, so that an event carries more than one byte.
 */
#ifndef HV_CORE_CONSOLE_H
#define HV_CORE_CONSOLE_H

#include "mmu/types.h"

struct vm;

#define CONSOLE_LINE 128

struct console {
	u8 line[CONSOLE_LINE];
	unsigned len;
	u64 since; /* clock of the first byte in line */
	u64 listens_since; /* the guest, to its serial port; 0: not */
	bool gave_up; /* the reader did not make room in time */
	u64 lost;     /* bytes since the last one that reached the pipe */
};

/* A byte the guest transmitted. */
void console_out_byte(struct vm *vm, u8 byte);

/* Sends what is gathered. A reader that makes no room is waited for two seconds,
 * once; how many bytes it missed is written when there is room again.
 * events: console */
void console_flush(struct vm *vm);

/* Sends it if it has waited long enough. */
void console_age(struct vm *vm);

/* Moves input from the channel into the serial port, as much as it takes.
 *   returns  false: more is waiting
 *   events   console_in */
bool console_feed(struct vm *vm);

#endif
