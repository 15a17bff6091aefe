/* SPDX-License-Identifier: MIT */
/*
 * COM1, polled, transmit only. A line nobody listens to must not stop the
 * hypervisor: the wait for the transmitter is bounded.
 */
#include "hv/svm/console.h"

#include "hv/core/fmt.h"
#include "hv/svm/x86.h"

#define COM1       0x3f8
#define LSR_THRE   0x20
#define PUTC_SPINS 100000

void console_init(void)
{
	outb(COM1 + 1, 0);    /* no interrupts */
	outb(COM1 + 3, 0x80); /* divisor 1: 115200 */
	outb(COM1 + 0, 1);
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 3); /* 8n1 */
	outb(COM1 + 2, 7); /* FIFOs on and empty */
	outb(COM1 + 4, 3); /* DTR RTS */
}

void console_putc(char c)
{
	for (unsigned i = 0; i < PUTC_SPINS && !(inb(COM1 + 5) & LSR_THRE); i++)
		cpu_relax();
	outb(COM1, (u8)c);
}

void console_vprintf(const char *f, va_list ap)
{
	char line[512];

	fmt_vsnprintf(line, sizeof(line), f, ap);
	for (const char *p = line; *p; p++) {
		if (*p == '\n')
			console_putc('\r');
		console_putc(*p);
	}
}

void console_printf(const char *f, ...)
{
	va_list ap;

	va_start(ap, f);
	console_vprintf(f, ap);
	va_end(ap);
}
