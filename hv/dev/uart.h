/* SPDX-License-Identifier: MIT */
/*
 * A 16550A serial port: transmits at once, receives through a 16-byte FIFO, or one
 * register while the FIFO is off.
 *
 * Its interrupt is a level: the caller gives uart_line() to the PIC, whose
 * edge rule then raises once per cause. The transmitter-empty cause is set by
 * writing THR or by enabling it, and is gone once IIR has been read.
 *
 * source: National Semiconductor PC16550D data sheet, "Registers"
 */
#ifndef HV_DEV_UART_H
#define HV_DEV_UART_H

#include "mmu/types.h"

#define UART_FIFO 16

/* Who asks so often whether there is something to read wants to read. */
#define UART_POLLS 64

struct uart {
	u8 ier, lcr, mcr, scr, fcr;
	u8 polls;	/* reads of LSR without anything else between, at most UART_POLLS */
	u16 divisor;
	bool thr_empty_cause, overrun;
	u8 modem_changes; /* since they were read, as in MSR */
	u8 fifo[UART_FIFO];
	unsigned nr, first;

	/* A byte leaves. ctx is the owner's. */
	void (*transmit)(void *ctx, u8 byte);
	void *ctx;
};

void uart_init(struct uart *u, void (*transmit)(void *ctx, u8 byte), void *ctx);

/* reg: 0..7, port minus base */
u8 uart_in(struct uart *u, unsigned reg);
void uart_out(struct uart *u, unsigned reg, u8 value);

/* Whether the guest wants to receive, which it says by RTS, by the receiver's interrupt
 * or by polling: what arrives while a driver sets the port up would be lost. */
bool uart_listens(const struct uart *u);

/* Room for received bytes (none before the guest listens, and in loop mode, where the
 * line is cut), and a byte received. */
unsigned uart_room(const struct uart *u);
void uart_receive(struct uart *u, u8 byte);

/* The level of its interrupt line. */
bool uart_line(const struct uart *u);

#endif
