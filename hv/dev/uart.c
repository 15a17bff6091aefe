/* SPDX-License-Identifier: MIT */
/*
 * The serial port.
 */
#include "hv/dev/uart.h"

#include <string.h>

enum { IER_RX = 1, IER_THR = 2, IER_LINE = 4, IER_MODEM = 8, IER_BITS = 0x0f };
enum { LCR_DLAB = 0x80 };
enum { MCR_DTR = 1, MCR_RTS = 2, MCR_OUT1 = 4, MCR_OUT2 = 8, MCR_LOOP = 0x10, MCR_BITS = 0x1f };
enum { LSR_DATA = 1, LSR_OVERRUN = 2, LSR_THR_EMPTY = 0x20, LSR_IDLE = 0x40 };
enum { MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80 };
enum {
	IIR_MODEM = 0, IIR_NONE = 1, IIR_THR = 2, IIR_RX = 4, IIR_LINE = 6, IIR_TIMEOUT = 0x0c,
	IIR_FIFO = 0xc0
};
enum { FCR_ENABLE = 1, FCR_CLEAR_RX = 2, FCR_KEPT = 0xc9 };

void uart_init(struct uart *u, void (*transmit)(void *ctx, u8 byte), void *ctx)
{
	memset(u, 0, sizeof(*u));
	u->transmit = transmit;
	u->ctx = ctx;
	u->divisor = 1;
}

/* Without FIFO there is one holding register. */
static unsigned uart_depth(const struct uart *u)
{
	return u->fcr & FCR_ENABLE ? UART_FIFO : 1;
}

static unsigned uart_trigger(const struct uart *u)
{
	static const u8 levels[] = { 1, 4, 8, 14 };

	return u->fcr & FCR_ENABLE ? levels[u->fcr >> 6] : 1;
}

/*
 * The cause of the highest priority. Fewer bytes than the trigger level are told as
 * if they had waited for four characters' time: there are no bauds here.
 */
static u8 uart_cause(const struct uart *u)
{
	if (u->overrun && u->ier & IER_LINE)
		return IIR_LINE;
	if (u->nr && u->ier & IER_RX)
		return u->nr >= uart_trigger(u) ? IIR_RX : IIR_TIMEOUT;
	if (u->thr_empty_cause && u->ier & IER_THR)
		return IIR_THR;
	if (u->modem_changes && u->ier & IER_MODEM)
		return IIR_MODEM;
	return IIR_NONE;
}

/* In loop mode the outputs are inactive, and OUT2 is the gate of the line. */
bool uart_line(const struct uart *u)
{
	return uart_cause(u) != IIR_NONE && (u->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;
}

/* Drivers enable interrupts for a moment, without OUT2, to see whether that works. */
bool uart_listens(const struct uart *u)
{
	if (u->mcr & MCR_LOOP)
		return false;
	return u->mcr & MCR_RTS || (u->ier & IER_RX && u->mcr & MCR_OUT2) ||
	       u->polls == UART_POLLS;
}

unsigned uart_room(const struct uart *u)
{
	unsigned depth = uart_depth(u);

	return !uart_listens(u) || u->nr >= depth ? 0 : depth - u->nr;
}

/* What there is no room for is lost: the last byte, or without FIFO the one before. */
void uart_receive(struct uart *u, u8 byte)
{
	if (u->nr < uart_depth(u)) {
		u->fifo[(u->first + u->nr++) % UART_FIFO] = byte;
		return;
	}
	u->overrun = true;
	if (uart_depth(u) == 1)
		u->fifo[u->first] = byte;
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

static u8 uart_read_lsr(struct uart *u)
{
	u8 lsr = LSR_THR_EMPTY | LSR_IDLE | (u->nr ? LSR_DATA : 0);

	if (u->overrun)
		lsr |= LSR_OVERRUN;
	u->overrun = false;
	return lsr;
}

/* In loop mode the modem inputs are the outputs: how Linux tells a UART. */
static u8 uart_modem_lines(const struct uart *u)
{
	u8 lines = 0;

	if (!(u->mcr & MCR_LOOP))
		return MSR_DCD | MSR_DSR | MSR_CTS;
	if (u->mcr & MCR_RTS)
		lines |= MSR_CTS;
	if (u->mcr & MCR_DTR)
		lines |= MSR_DSR;
	if (u->mcr & MCR_OUT1)
		lines |= MSR_RI;
	if (u->mcr & MCR_OUT2)
		lines |= MSR_DCD;
	return lines;
}

static u8 uart_read_msr(struct uart *u)
{
	u8 msr = uart_modem_lines(u) | u->modem_changes;

	u->modem_changes = 0;
	return msr;
}

/* Reading data is part of polling. */
static void uart_count_polls(struct uart *u, unsigned reg)
{
	if (reg == 5)
		u->polls += u->polls < UART_POLLS;
	else if (reg)
		u->polls = 0;
}

u8 uart_in(struct uart *u, unsigned reg)
{
	uart_count_polls(u, reg);
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
		return uart_read_lsr(u);
	case 6:
		return uart_read_msr(u);
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
	u->ier = value & IER_BITS;
}

static void uart_write_fcr(struct uart *u, u8 value)
{
	bool toggled = (value ^ u->fcr) & FCR_ENABLE;

	u->fcr = value & FCR_ENABLE ? value & FCR_KEPT : 0;
	if (toggled || (value & FCR_ENABLE && value & FCR_CLEAR_RX))
		u->nr = 0;
}

/* RI counts when it goes away. */
static void uart_write_mcr(struct uart *u, u8 value)
{
	u8 before = uart_modem_lines(u), changes;

	u->mcr = value & MCR_BITS;
	changes = before ^ uart_modem_lines(u);
	if (!(before & MSR_RI))
		changes &= ~MSR_RI;
	u->modem_changes |= changes >> 4;
}

void uart_out(struct uart *u, unsigned reg, u8 value)
{
	u->polls = 0;
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
		uart_write_fcr(u, value);
		break;
	case 3:
		u->lcr = value;
		break;
	case 4:
		uart_write_mcr(u, value);
		break;
	case 7:
		u->scr = value;
		break;
	}
}
