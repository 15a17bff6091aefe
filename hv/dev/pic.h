/* SPDX-License-Identifier: MIT */
/*
 * The pair of 8259A interrupt controllers of a PC: master at 20, slave at a0,
 * edge triggered, slave on line 2. Fixed priority; rotation, polling and
 * special mask mode are not modelled (commands for them are ignored).
 *
 * source: Intel 8259A data sheet, "Programming the 8259A"
 */
#ifndef HV_DEV_PIC_H
#define HV_DEV_PIC_H

#include "mmu/types.h"

struct pic_chip {
	u8 irr, isr, imr;
	u8 lines;       /* levels, for the edge */
	u8 vector_base; /* ICW2 */
	u8 icw_next;    /* ICW expected by the data port, 0 = none (it is the mask) */
	bool icw4;      /* ICW1 announced it */
	bool auto_eoi;
	bool read_isr;  /* OCW3: what the command port reads */
};

struct pic {
	struct pic_chip chip[2]; /* master, slave */
};

void pic_init(struct pic *p);

/* line: 0..15. A rising edge requests. */
void pic_set_line(struct pic *p, unsigned line, bool level);

/* The vector of the request to deliver now, -1 if there is none. */
int pic_pending(const struct pic *p);

/* The CPU took the request with this vector: it becomes in service. If no line has
 * that vector (any more) nothing happens. */
void pic_ack(struct pic *p, u8 vector);

/* It did not take what was acknowledged last: it is requested again. */
void pic_unack(struct pic *p, u8 vector);

/* port: 20 21 a0 a1 */
u8 pic_in(const struct pic *p, u16 port);
void pic_out(struct pic *p, u16 port, u8 value);

#endif
