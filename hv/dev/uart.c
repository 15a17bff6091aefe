/* SPDX-License-Identifier: MIT */
/*
 * The serial port.
 */
#include "hv/dev/uart.h"

#include <string.h>

enum { IER_RX = 1, IER_THR = 2 };
enum { LCR_DLAB = 0x80 };
enum { MCR_OUT2 = 8, MCR_LOOP = 0x10 };
enum { LSR_DATA = 1, LSR_THR_EMPTY = 0x20, LSR_IDLE = 0x40 };
enum { MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_DCD = 0x80 };
enum { IIR_NONE = 1, IIR_THR = 2, IIR_RX = 4, IIR_FIFO = 0xc0 };
enum { FCR_ENABLE = 1, FCR_CLEAR_RX = 2 };

void uart_init(struct uart *u, void (*transmit)(void *ctx, u8 byte), void *ctx)
{
	memset(u, 0, sizeof(*u));
	u->transmit = transmit;
	u->ctx = ctx;
	u->divisor = 1;
}

static u8 uart_cause(const struct uart *u)
{
	if (u->nr && u->ier & IER_RX)
		return IIR_RX;
	if (u->thr_empty_cause && u->ier & IER_THR)
		return IIR_THR;
	return IIR_NONE;
}

bool uart_line(const struct uart *u)
{
	return uart_cause(u) != IIR_NONE && u->mcr & MCR_OUT2;
}

unsigned uart_room(const struct uart *u)
{
	return UART_FIFO - u->nr;
}

void uart_receive(struct uart *u, u8 byte)
{
	if (u->nr == UART_FIFO)
		return;
	u->fifo[(u->first + u->nr++) % UART_FIFO] = byte;
}

static u8 uart_read_data(struct uart *u)
{
	u8 byte;

	if (!u->nr)
		return 0;
	byte = u->fifo[u->first];
	u->first = (u->first + 1) % UART_FIFO;
	u->nr--;
	return byte;
}

static u8 uart_read_iir(struct uart *u)
{
	u8 cause = uart_cause(u);

	if (cause == IIR_THR)
		u->thr_empty_cause = false;
	return cause | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0);
}

/* In loop mode the modem inputs are the outputs: how Linux tells a UART. */
static u8 uart_modem_status(const struct uart *u)
{
	if (!(u->mcr & MCR_LOOP))
		return MSR_DCD | MSR_DSR | MSR_CTS;
	return (u8)((u->mcr & 0x0c) << 4 | (u->mcr & 2) << 3 | (u->mcr & 1) << 5);
}

u8 uart_in(struct uart *u, unsigned reg)
{
	switch (reg) {
	case 0:
		return u->lcr & LCR_DLAB ? (u8)u->divisor : uart_read_data(u);
	case 1:
		return u->lcr & LCR_DLAB ? u->divisor >> 8 : u->ier;
	case 2:
		return uart_read_iir(u);
	case 3:
		return u->lcr;
	case 4:
		return u->mcr;
	case 5:
		return LSR_THR_EMPTY | LSR_IDLE | (u->nr ? LSR_DATA : 0);
	case 6:
		return uart_modem_status(u);
	default:
		return u->scr;
	}
}

static void uart_write_data(struct uart *u, u8 value)
{
	u->thr_empty_cause = true;
	if (u->mcr & MCR_LOOP)
		uart_receive(u, value);
	else
		u->transmit(u->ctx, value);
}

static void uart_write_ier(struct uart *u, u8 value)
{
	if (value & ~u->ier & IER_THR)
		u->thr_empty_cause = true;
	u->ier = value & 0x0f;
}

void uart_out(struct uart *u, unsigned reg, u8 value)
{
	switch (reg) {
	case 0:
		if (u->lcr & LCR_DLAB)
			u->divisor = (u->divisor & 0xff00) | value;
		else
			uart_write_data(u, value);
		break;
	case 1:
		if (u->lcr & LCR_DLAB)
			u->divisor = (u16)((u->divisor & 0xff) | value << 8);
		else
			uart_write_ier(u, value);
		break;
	case 2:
		u->fcr = value;
		if (value & FCR_CLEAR_RX)
			u->nr = 0;
		break;
	case 3:
		u->lcr = value;
		break;
	case 4:
		u->mcr = value & 0x1f;
		break;
	case 7:
		u->scr = value;
		break;
	}
}
