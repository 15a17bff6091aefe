/* SPDX-License-Identifier: MIT */
/*
 * What a local APIC does with interrupts: priorities, acceptance, end.
 *
 * source: APM2 16.6 "Local APIC Handling of Interrupts"
 */
#include "hv/dev/lapic.h"

#define VECTOR_FIRST 16 /* lower ones are illegal */

bool lapic_get_bit(const u32 *bits, u8 vector)
{
	return bits[vector / 32] >> vector % 32 & 1;
}

static void set_bit(u32 *bits, u8 vector)
{
	bits[vector / 32] |= 1u << vector % 32;
}

static void clear_bit(u32 *bits, u8 vector)
{
	bits[vector / 32] &= ~(1u << vector % 32);
}

static int highest_bit(const u32 *bits)
{
	for (int i = 7; i >= 0; i--) {
		if (bits[i])
			return i * 32 + 31 - __builtin_clz(bits[i]);
	}
	return -1;
}

u8 lapic_ppr(const struct lapic *l)
{
	int isr = highest_bit(l->isr);
	u8 tpr = (u8)l->tpr;

	return isr > 0 && (isr & 0xf0) > (tpr & 0xf0) ? isr & 0xf0 : tpr;
}

int lapic_pending(const struct lapic *l)
{
	int irr = highest_bit(l->irr);

	if (irr < 0 || !lapic_is_enabled(l) || (irr & 0xf0) <= (lapic_ppr(l) & 0xf0))
		return -1;
	return irr;
}

void lapic_ack(struct lapic *l, u8 vector)
{
	clear_bit(l->irr, vector);
	set_bit(l->isr, vector);
}

void lapic_unack(struct lapic *l, u8 vector)
{
	clear_bit(l->isr, vector);
	set_bit(l->irr, vector);
}

void lapic_end_of_interrupt(struct lapic *l)
{
	int vector = highest_bit(l->isr);

	if (vector < 0)
		return;
	clear_bit(l->isr, (u8)vector);
	if (!lapic_get_bit(l->tmr, (u8)vector))
		return;
	l->owner->eoi(l->owner->ctx, (u8)vector);
}

/* ---- acceptance ---- */

static void lapic_accept_fixed(struct lapic *l, u8 vector, bool level, enum apic_source source)
{
	if (!lapic_is_enabled(l))
		return;
	if (vector < VECTOR_FIRST) {
		lapic_error(l, LAPIC_RECEIVED_ILLEGAL);
		return;
	}
	if (level)
		set_bit(l->tmr, vector);
	else
		clear_bit(l->tmr, vector);
	set_bit(l->irr, vector);
	l->owner->accept(l->owner->ctx, l->id, APIC_FIXED, vector, source);
}

void lapic_deliver(struct lapic *l, const struct apic_message *m)
{
	switch (m->mode) {
	case APIC_FIXED:
	case APIC_LOWEST:
		lapic_accept_fixed(l, m->vector, m->level, m->source);
		break;
	case APIC_SMI:
	case APIC_NMI:
	case APIC_INIT:
	case APIC_SIPI:
		l->owner->accept(l->owner->ctx, l->id, m->mode, m->vector, m->source);
		break;
	default: /* ExtINT is asked of the PIC itself */
		break;
	}
}

void lapic_raise(struct lapic *l, enum lapic_lvt lvt)
{
	u32 entry = l->lvt[lvt];
	struct apic_message m = {
		.vector = (u8)entry,
		.mode = lvt == LVT_TIMER || lvt == LVT_ERROR ? APIC_FIXED : LAPIC_LVT_MODE(entry),
		.level = lvt == LVT_LINT0 && entry & LAPIC_LVT_LEVEL,
		.source = APIC_FROM_SELF,
	};

	if (entry & LAPIC_LVT_MASKED || !lapic_is_on(l))
		return;
	lapic_deliver(l, &m);
}

void lapic_error(struct lapic *l, enum lapic_error bit)
{
	u32 entry = l->lvt[LVT_ERROR];

	l->esr_new |= 1u << bit;
	/* An illegal vector here would be an error again. */
	if ((u8)entry >= VECTOR_FIRST)
		lapic_raise(l, LVT_ERROR);
}

/* ---- the PIC ---- */

bool lapic_lets_pic(const struct lapic *l)
{
	u32 entry = l->lvt[LVT_LINT0];

	if (!lapic_is_on(l))
		return true;
	return !(entry & LAPIC_LVT_MASKED) && LAPIC_LVT_MODE(entry) == APIC_EXTINT;
}

void lapic_set_lint0(struct lapic *l, bool level)
{
	bool was = l->lint0;

	l->lint0 = level;
	if (level && !was)
		lapic_raise(l, LVT_LINT0);
}

/* ---- destinations ---- */

/*
 * The logical ID of an x2APIC is made of its ID: 16 in a cluster.
 *
 * source: APM2 16.11 "Local x2APIC", "Logical Destination Mode"
 */
static bool matches_x2(const struct lapic *l, u32 dest)
{
	u32 ldr = l->id >> 4 << 16 | 1u << (l->id & 15);

	return dest >> 16 == ldr >> 16 && dest & ldr & 0xffff;
}

static bool matches_logical(const struct lapic *l, u32 dest)
{
	u32 ldr = l->ldr >> 24;

	if (lapic_is_x2(l))
		return matches_x2(l, dest);
	if (dest > 0xff)
		return false;
	if (l->dfr >> 28 == 0xf) /* flat */
		return dest & ldr;
	return dest >> 4 == ldr >> 4 && dest & ldr & 0xf;
}

bool lapic_matches(const struct lapic *l, const struct apic_message *m)
{
	if (!lapic_is_on(l))
		return false;
	if (m->dest == (m->wide ? 0xffffffff : 0xff))
		return true;
	return m->logical ? matches_logical(l, m->dest) : m->dest == l->id;
}
