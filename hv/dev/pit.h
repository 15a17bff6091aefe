/* SPDX-License-Identifier: MIT */
/*
 * The 8254 timer: channel 0 (line 0 of the PIC) and channel 2 with its gate
 * and output at port 61. Modes 0, 1 (as 0), 2, 3, 4; binary counting.
 *
 * The model holds no counter that runs: a count is computed from the time it
 * was started at. Times are nanoseconds of the guest's clock.
 *
 * source: Intel 82C54 data sheet, "Mode Definitions"
 */
#ifndef HV_DEV_PIT_H
#define HV_DEV_PIT_H

#include "mmu/types.h"

#define PIT_HZ    1193182u
#define PIT_NEVER (~0ull)

struct pit_channel {
	u8 mode;
	u8 access;      /* 1 low byte, 2 high byte, 3 both */
	bool high_next; /* of a two-byte read or write */
	u8 write_low;
	u16 latch;
	bool latched, high_latched; /* what of the latch is still to be read */
	bool status_latched;
	u8 status;
	bool running;   /* a count was loaded (and the gate is open) */
	bool gate;
	u32 reload;     /* 1..65536 */
	u64 start_ns;
	u64 paused_ticks; /* counted before the gate closed */
};

struct pit {
	struct pit_channel channel[3];
	u64 next_irq_ns; /* of channel 0; PIT_NEVER */
	u8 port61;       /* bits 0 (gate 2) and 1 (speaker) */
};

void pit_init(struct pit *p);

/* port: 40..43, 61 */
u8 pit_in(struct pit *p, u16 port, u64 now_ns);
void pit_out(struct pit *p, u16 port, u8 value, u64 now_ns);

/*
 * Whether channel 0 has given a rising edge since the last call. Ticks that
 * were missed meanwhile count once.
 */
bool pit_tick(struct pit *p, u64 now_ns);

/* When the next one is due; PIT_NEVER if none. */
u64 pit_deadline(const struct pit *p);

#endif
