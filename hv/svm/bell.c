/* SPDX-License-Identifier: MIT */
/*
 * COM2 and the PIC line it needs. The FIFO stays off: switching it on empties it
 * and would lose what came before bell_init(). Without it one byte waits here,
 * the others with the sender, and the first interrupts as soon as it may.
 */
#include "hv/svm/bell.h"

#include "hv/svm/trap.h"
#include "hv/svm/x86.h"

#include <stdatomic.h>

#define COM2      0x2f8
#define COM2_LINE 3
#define LSR_DATA  1

static _Atomic u32 bell_bits;

static void bell_interrupt(void)
{
	while (inb(COM2 + 5) & LSR_DATA)
		atomic_fetch_or(&bell_bits, 1u << (inb(COM2) & 31));
	outb(0x20, 0x20);
}

static void bell_init_pics(void)
{
	outb(0x20, 0x11);
	outb(0xa0, 0x11);
	outb(0x21, TRAP_PIC);
	outb(0xa1, TRAP_PIC + 8);
	outb(0x21, 4);
	outb(0xa1, 2);
	outb(0x21, 1);
	outb(0xa1, 1);
	outb(0x21, (u8)~(1u << COM2_LINE));
	outb(0xa1, 0xff);
}

void bell_init(void)
{
	bell_init_pics();
	trap_set_handler(TRAP_PIC + COM2_LINE, bell_interrupt);
	outb(COM2 + 3, 3); /* 8n1 */
	outb(COM2 + 4, 0xb); /* DTR RTS OUT2 */
	outb(COM2 + 1, 1); /* received data interrupts */
}

u32 bell_take(void)
{
	return bell_pending() ? atomic_exchange(&bell_bits, 0) : 0;
}

bool bell_pending(void)
{
	return atomic_load_explicit(&bell_bits, memory_order_relaxed);
}
