/* SPDX-License-Identifier: MIT */
/*
 * The devices of the guest's board and the ports they answer at (ports.def).
 * Ports nobody answers at read all ones and ignore writes.
 */
#ifndef HV_DEV_BOARD_H
#define HV_DEV_BOARD_H

#include "hv/dev/pic.h"
#include "hv/dev/pit.h"
#include "hv/dev/rtc.h"
#include "hv/dev/uart.h"

/* What the board tells its owner. */
struct board_owner {
	void *ctx;
	u64 (*now_ns)(void *ctx);
	void (*console)(void *ctx, u8 byte);
	void (*line)(void *ctx, unsigned line, bool level); /* changed */
	void (*smi)(void *ctx);
	void (*end)(void *ctx, unsigned status, const char *reason);
};

struct board {
	struct pic pic;
	struct pit pit;
	struct rtc rtc;
	struct uart uart;
	u16 line_levels; /* as last told */
	u8 apm[2]; /* control and status of power management */
	struct board_owner owner;
};

void board_init(struct board *b, const struct board_owner *owner);

/* One port access of 1, 2 or 4 bytes; wider ones go byte by byte to byte-wide
 * devices. Reads return zero above the size. */
u32 board_in(struct board *b, u16 port, unsigned bytes);
void board_out(struct board *b, u16 port, unsigned bytes, u32 value);

/* Brings interrupt lines up to date with the clock. */
void board_update(struct board *b);

/* When board_update() has something to do next, in ns; PIT_NEVER if not by time. */
u64 board_deadline(const struct board *b);

#endif
