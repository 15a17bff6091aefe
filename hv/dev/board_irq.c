/* SPDX-License-Identifier: MIT */
/*
 * The board: how interrupts get from devices to CPUs.
 */
#include "hv/dev/board.h"

#define LINE_PIT  0
#define LINE_UART 4

/* ---- what the APICs ask ---- */

static u64 board_now_ns(void *ctx)
{
	struct board *b = ctx;

	return b->owner.now_ns(b->owner.ctx);
}

static u64 board_tsc_ns(void *ctx, u64 tsc)
{
	struct board *b = ctx;

	return b->owner.tsc_ns(b->owner.ctx, tsc);
}

static void board_send(void *ctx, unsigned cpu, const struct apic_message *m,
		       enum apic_shorthand shorthand)
{
	struct board *b = ctx;

	apic_bus_send(&b->apics, cpu, m, shorthand);
}

static void board_send_from_ioapic(void *ctx, const struct apic_message *m)
{
	struct board *b = ctx;

	apic_bus_send(&b->apics, 0, m, APIC_TO_DEST);
}

static void board_accept(void *ctx, unsigned cpu, enum apic_mode mode, u8 vector,
			 enum apic_source source)
{
	struct board *b = ctx;

	b->owner.accept(b->owner.ctx, cpu, mode, vector, source);
}

static void board_eoi(void *ctx, u8 vector)
{
	struct board *b = ctx;

	ioapic_eoi(&b->ioapic, vector);
}

void board_init_apics(struct board *b, unsigned nr_cpus)
{
	const struct ioapic_owner ioapic_owner = { b, board_send_from_ioapic };

	b->apic_owner = (struct lapic_owner){
		.ctx = b,
		.now_ns = board_now_ns,
		.tsc_ns = board_tsc_ns,
		.send = board_send,
		.accept = board_accept,
		.eoi = board_eoi,
	};
	apic_bus_init(&b->apics, nr_cpus, &b->apic_owner);
	ioapic_init(&b->ioapic, nr_cpus & 0xf, &ioapic_owner); /* no CPU's ID */
}

/* ---- lines ---- */

static void board_wire(struct board *b, unsigned line, bool level)
{
	pic_set_line(&b->pic, line, level);
	ioapic_set_line(&b->ioapic, board_pin(line), level);
}

static void board_set_line(struct board *b, unsigned line, bool level)
{
	u16 bit = 1u << line;

	board_wire(b, line, level);
	if (!!(b->line_levels & bit) == level)
		return;
	b->line_levels ^= bit;
	b->owner.line(b->owner.ctx, line, level);
}

void board_set_test_line(struct board *b, unsigned line, bool level)
{
	u32 bit = 1u << line;

	b->test.lines = level ? b->test.lines | bit : b->test.lines & ~bit;
	if (line < 16)
		board_set_line(b, line, level);
	else
		ioapic_set_line(&b->ioapic, line, level);
}

struct board_irq board_irq(const struct board *b, unsigned cpu)
{
	const struct lapic *l = &b->apics.cpu[cpu];

	if (cpu == 0 && lapic_lets_pic(l) && pic_pending(&b->pic) >= 0)
		return (struct board_irq){ pic_pending(&b->pic), true };
	return (struct board_irq){ lapic_pending(l), false };
}

void board_ack(struct board *b, unsigned cpu, struct board_irq irq)
{
	if (irq.from_pic)
		pic_ack(&b->pic, (u8)irq.vector);
	else
		lapic_ack(&b->apics.cpu[cpu], (u8)irq.vector);
}

void board_unack(struct board *b, unsigned cpu, struct board_irq irq)
{
	if (irq.from_pic)
		pic_unack(&b->pic, (u8)irq.vector);
	else
		lapic_unack(&b->apics.cpu[cpu], (u8)irq.vector);
}

void board_update(struct board *b)
{
	if (pit_tick(&b->pit, b->owner.now_ns(b->owner.ctx))) {
		/* The output falls and rises again; only the edge is of interest. */
		board_wire(b, LINE_PIT, false);
		b->line_levels &= ~(1u << LINE_PIT);
		board_set_line(b, LINE_PIT, true);
	}
	board_set_line(b, LINE_UART, uart_line(&b->uart) || b->test.lines & 1u << LINE_UART);
	for (unsigned i = 0; i < b->apics.nr; i++)
		lapic_update(&b->apics.cpu[i]);
	lapic_set_lint0(&b->apics.cpu[0], pic_pending(&b->pic) >= 0);
}

u64 board_deadline(const struct board *b)
{
	return pit_deadline(&b->pit);
}
