/* SPDX-License-Identifier: MIT */
/*
 * Console bytes to and from the channel.
 */
#include "hv/core/console.h"

#include "hv/core/clock.h"
#include "hv/core/fmt.h"
#include "hv/core/vm.h"

#define CONSOLE_AGE_NS 5000000u
#define CONSOLE_SETUP_NS 50000000u

/* A full pipe with a reader at its end is waited for, but not for ever. */
#define CONSOLE_WAIT_NS 2000000000ull

/* Waits for room if there is somebody to make it. Having waited in vain once is
 * enough, until a line goes without waiting. */
static size_t console_wait(struct vm *vm, const u8 *bytes, size_t n)
{
	const struct platform *p = vm->p;
	u64 until = p->clock() + clock_from_ns(p, CONSOLE_WAIT_NS);
	size_t sent = 0;

	if (p->deterministic || vm->console.gave_up)
		return 0;
	while (sent < n && atomic_load(&p->em->header->reader)) {
		p->relax();
		sent += ch_pipe_write(p->em, CH_CONSOLE_OUT, bytes + sent, n - sent);
		if (sent < n && p->clock() >= until) {
			vm->console.gave_up = true;
			break;
		}
	}
	return sent;
}

/* Where bytes were lost it says so, as soon as there is room for that. */
static bool console_mark_lost(struct vm *vm)
{
	struct console *c = &vm->console;
	char mark[64];
	size_t n;

	if (!c->lost)
		return true;
	n = fmt_snprintf(mark, sizeof(mark), "\n[vitrine: %lu bytes lost]\n", c->lost);
	if (ch_pipe_room(vm->p->em, CH_CONSOLE_OUT) < n + CONSOLE_LINE)
		return false;
	ch_pipe_write(vm->p->em, CH_CONSOLE_OUT, mark, n);
	c->lost = 0;
	return true;
}

static void console_send(struct vm *vm, const u8 *bytes, size_t n)
{
	struct console *c = &vm->console;
	size_t sent = 0;

	if (console_mark_lost(vm))
		sent = ch_pipe_write(vm->p->em, CH_CONSOLE_OUT, bytes, n);
	if (sent == n)
		c->gave_up = false;
	else
		sent += console_wait(vm, bytes + sent, n - sent);
	c->lost += n - sent;
}

void console_flush(struct vm *vm)
{
	struct console *c = &vm->console;
	unsigned n = c->len;

	if (!n)
		return;
	c->len = 0;
	if (vm->env.events_on)
		hv_emit_tail(vm->p->em, 0, console, c->line, n);
	console_send(vm, c->line, n);
}

void console_out_byte(struct vm *vm, u8 byte)
{
	struct console *c = &vm->console;

	if (!c->len)
		c->since = vm->p->clock();
	c->line[c->len++] = byte;
	if (byte == '\n' || c->len == CONSOLE_LINE)
		console_flush(vm);
}

void console_age(struct vm *vm)
{
	struct console *c = &vm->console;

	if (c->len && vm->p->clock() - c->since > clock_from_ns(vm->p, CONSOLE_AGE_NS))
		console_flush(vm);
}

/* A driver that begins to listen goes on to set the port up, which drops what came. */
static bool console_is_heard(struct vm *vm)
{
	struct console *c = &vm->console;
	u64 now = vm->p->clock();

	if (!uart_listens(&vm->board.uart)) {
		c->listens_since = 0;
		return false;
	}
	if (!c->listens_since)
		c->listens_since = now;
	return now - c->listens_since >= clock_from_ns(vm->p, CONSOLE_SETUP_NS);
}

bool console_feed(struct vm *vm)
{
	u8 bytes[UART_FIFO];
	unsigned room = console_is_heard(vm) ? uart_room(&vm->board.uart) : 0;
	size_t n = ch_pipe_read(vm->p->em, CH_CONSOLE_IN, bytes, room);

	for (size_t i = 0; i < n; i++)
		uart_receive(&vm->board.uart, bytes[i]);
	if (n && vm->env.events_on)
		hv_emit_tail(vm->p->em, 0, console_in, bytes, n);
	if (n)
		board_update(&vm->board);
	return n < room;
}
