/* SPDX-License-Identifier: MIT */
/*
 * The registers of a local APIC: one table (lapic.def), two ways to them.
 */
#include "hv/dev/lapic.h"

#include <string.h>

enum lapic_reg {
#define LAPIC_REG(offset, name, page, msr, what) REG_##name = offset,
#include "hv/dev/lapic.def"
	REG_ISR = 0x100, /* 8 words each */
	REG_TMR = 0x180,
	REG_IRR = 0x200,
	REG_IRR_END = 0x280,
};

enum { NO = 0, R = 1, W = 2, RW = 3 };

static const struct {
	u16 offset;
	u8 page, msr;
} lapic_regs[] = {
#define LAPIC_REG(offset, name, page, msr, what) { offset, page, msr },
#include "hv/dev/lapic.def"
};

#define VERSION      (0x14u | (LAPIC_NR_LVTS - 1) << 16)
#define SVR_BITS     0x3ffu
#define DFR_ONES     0x0fffffffu
#define ICR_LEVEL    BIT(15)
#define ICR_ASSERT   BIT(14)
#define ICR_LOGICAL  BIT(11)
#define ICR_BITS     0x000ccfffull
#define VECTOR_FIRST 16

/* Bits of each LVT that can be written. */
static const u32 lvt_bits[LAPIC_NR_LVTS] = {
	[LVT_TIMER] = 0x700ff,	 [LVT_THERMAL] = 0x107ff, [LVT_PERF] = 0x107ff,
	[LVT_LINT0] = 0x1a7ff, [LVT_LINT1] = 0x1a7ff,	[LVT_ERROR] = 0x100ff,
};

void lapic_reset(struct lapic *l)
{
	l->tpr = l->ldr = l->esr = l->esr_new = 0;
	l->dfr = 0xffffffff;
	l->svr = 0xff;
	l->icr = 0;
	memset(l->irr, 0, sizeof(l->irr));
	memset(l->isr, 0, sizeof(l->isr));
	memset(l->tmr, 0, sizeof(l->tmr));
	for (unsigned i = 0; i < LAPIC_NR_LVTS; i++)
		l->lvt[i] = LAPIC_LVT_MASKED;
	l->divide = l->initial = 0;
	l->expires_ns = LAPIC_NEVER;
	l->deadline = 0;
}

void lapic_init(struct lapic *l, unsigned id, const struct lapic_owner *owner)
{
	memset(l, 0, sizeof(*l));
	l->owner = owner;
	l->id = id;
	l->present = l->offer_x2 = l->offer_deadline = true;
	l->base = LAPIC_GPA | LAPIC_BASE_ON | (id == 0 ? LAPIC_BASE_BSP : 0);
	lapic_reset(l);
	if (id != 0)
		return;
	l->svr |= LAPIC_SVR_ENABLE;
	l->lvt[LVT_LINT0] = APIC_EXTINT << 8;
	l->lvt[LVT_LINT1] = APIC_NMI << 8;
}

static unsigned lapic_rights(u32 offset, bool msr)
{
	if (offset >= REG_ISR && offset < REG_IRR_END)
		return R;
	for (size_t i = 0; i < sizeof(lapic_regs) / sizeof(*lapic_regs); i++) {
		if (lapic_regs[i].offset == offset)
			return msr ? lapic_regs[i].msr : lapic_regs[i].page;
	}
	return NO;
}

/* ---- reading ---- */

static u32 lapic_get_bits(const struct lapic *l, u32 offset)
{
	unsigned word = offset >> 4 & 7;

	if (offset < REG_TMR)
		return l->isr[word];
	return offset < REG_IRR ? l->tmr[word] : l->irr[word];
}

static u32 lapic_get_ldr(const struct lapic *l)
{
	return lapic_is_x2(l) ? l->id >> 4 << 16 | 1u << (l->id & 15) : l->ldr;
}

static u32 lapic_get(const struct lapic *l, u32 offset)
{
	if (offset >= REG_ISR && offset < REG_IRR_END)
		return lapic_get_bits(l, offset);
	if (offset >= REG_LVT_TIMER && offset <= REG_LVT_ERROR)
		return l->lvt[(offset - REG_LVT_TIMER) >> 4];
	switch (offset) {
	case REG_ID:
		return lapic_is_x2(l) ? l->id : l->id << 24;
	case REG_VERSION:
		return VERSION;
	case REG_TPR:
		return l->tpr;
	case REG_APR:
	case REG_PPR:
		return lapic_ppr(l);
	case REG_LDR:
		return lapic_get_ldr(l);
	case REG_DFR:
		return l->dfr;
	case REG_SVR:
		return l->svr;
	case REG_ESR:
		return l->esr;
	case REG_ICR:
		return (u32)l->icr;
	case REG_ICR_HIGH:
		return l->icr >> 32;
	case REG_INITIAL:
		return l->initial;
	case REG_CURRENT:
		return lapic_timer_count(l);
	case REG_DIVIDE:
		return l->divide;
	default:
		return 0;
	}
}

/* ---- writing ---- */

static void lapic_send(struct lapic *l)
{
	u32 low = (u32)l->icr, high = l->icr >> 32;
	struct apic_message m = {
		.wide = lapic_is_x2(l),
		.dest = lapic_is_x2(l) ? high : high >> 24,
		.vector = (u8)low,
		.mode = low >> 8 & 7,
		.logical = low & ICR_LOGICAL,
		.level = low & ICR_LEVEL,
		.source = APIC_FROM_CPU,
	};

	/* Going inactive, of INIT above all: nothing happens. */
	if (low & ICR_LEVEL && !(low & ICR_ASSERT))
		return;
	if (m.mode <= APIC_LOWEST && m.vector < VECTOR_FIRST) {
		lapic_error(l, LAPIC_SENT_ILLEGAL);
		return;
	}
	l->owner->send(l->owner->ctx, l->id, &m, low >> 18 & 3);
}

static void lapic_set_svr(struct lapic *l, u32 value)
{
	l->svr = value & SVR_BITS;
	if (l->svr & LAPIC_SVR_ENABLE)
		return;
	for (unsigned i = 0; i < LAPIC_NR_LVTS; i++)
		l->lvt[i] |= LAPIC_LVT_MASKED;
}

static u32 lapic_lvt_bits(const struct lapic *l, enum lapic_lvt lvt)
{
	/* Without the deadline mode its bit is reserved. */
	return lvt == LVT_TIMER && !l->offer_deadline ? lvt_bits[lvt] & ~BIT(18) : lvt_bits[lvt];
}

static void lapic_set_lvt(struct lapic *l, enum lapic_lvt lvt, u32 value)
{
	value &= lapic_lvt_bits(l, lvt);
	if (!(l->svr & LAPIC_SVR_ENABLE))
		value |= LAPIC_LVT_MASKED;
	if (lvt == LVT_TIMER)
		lapic_timer_set_lvt(l, value);
	else
		l->lvt[lvt] = value;
}

static void lapic_self_ipi(struct lapic *l, u8 vector)
{
	const struct apic_message m = { .vector = vector, .source = APIC_FROM_CPU };

	if (vector < VECTOR_FIRST)
		lapic_error(l, LAPIC_SENT_ILLEGAL);
	else
		lapic_deliver(l, &m);
}

static void lapic_set(struct lapic *l, u32 offset, u32 value)
{
	if (offset >= REG_LVT_TIMER && offset <= REG_LVT_ERROR) {
		lapic_set_lvt(l, (offset - REG_LVT_TIMER) >> 4, value);
		return;
	}
	switch (offset) {
	case REG_TPR:
		l->tpr = value & 0xff;
		break;
	case REG_EOI:
		lapic_end_of_interrupt(l);
		break;
	case REG_LDR:
		l->ldr = value & 0xff000000;
		break;
	case REG_DFR:
		l->dfr = value | DFR_ONES;
		break;
	case REG_SVR:
		lapic_set_svr(l, value);
		break;
	case REG_ESR: /* what has come since the last write is to be read now */
		l->esr = l->esr_new;
		l->esr_new = 0;
		break;
	case REG_ICR:
		l->icr = (l->icr & ~0xffffffffull) | (value & ICR_BITS & ~BIT(12));
		lapic_send(l);
		break;
	case REG_ICR_HIGH:
		l->icr = (u64)(value & 0xff000000) << 32 | (u32)l->icr;
		break;
	case REG_INITIAL:
		lapic_timer_start(l, value);
		break;
	case REG_DIVIDE:
		lapic_timer_set_divide(l, value);
		break;
	case REG_SELF:
		lapic_self_ipi(l, (u8)value);
		break;
	}
}

/* ---- as a page ---- */

bool lapic_covers(const struct lapic *l, gpa_t gpa)
{
	return lapic_is_on(l) && !lapic_is_x2(l) && (gpa & PAGE_MASK) == (l->base & PAGE_MASK);
}

u32 lapic_read(struct lapic *l, u32 offset, unsigned size)
{
	u32 reg = offset & ~0xfu, value;

	if (offset & 0xc)
		return 0;
	if (lapic_rights(reg, false) == NO)
		lapic_error(l, LAPIC_ILLEGAL_REGISTER);
	if (!(lapic_rights(reg, false) & R))
		return 0;
	value = lapic_get(l, reg) >> 8 * (offset & 3);
	return size >= 4 ? value : value & ((1u << 8 * size) - 1);
}

void lapic_write(struct lapic *l, u32 offset, unsigned size, u32 value)
{
	if (size != 4 || offset & 0xf)
		return;
	if (lapic_rights(offset, false) & W)
		lapic_set(l, offset, value);
	else if (lapic_rights(offset, false) == NO)
		lapic_error(l, LAPIC_ILLEGAL_REGISTER);
}

/* ---- as MSRs ---- */

bool lapic_read_base(const struct lapic *l, u64 *value)
{
	*value = l->base;
	return l->present;
}

/*
 * source: APM2 16.9 "Detecting and Enabling x2APIC Mode", Table "State Transitions"
 */
bool lapic_write_base(struct lapic *l, u64 value, unsigned maxphyaddr)
{
	const u64 modes = LAPIC_BASE_ON | LAPIC_BASE_X2;
	u64 defined = ((BIT(maxphyaddr) - 1) & PAGE_MASK) | LAPIC_BASE_BSP | LAPIC_BASE_ON |
		      (l->offer_x2 ? LAPIC_BASE_X2 : 0);
	u64 old = l->base & modes, new = value & modes;

	if (!l->present || value & ~defined || new == LAPIC_BASE_X2)
		return false;
	if ((old == 0 && new == modes) || (old == modes && new == LAPIC_BASE_ON))
		return false;
	l->base = (value & ~LAPIC_BASE_BSP) | (l->base & LAPIC_BASE_BSP);
	if (old && !new)
		lapic_reset(l);
	return true;
}

/* Bits of a register that must be written as 0 by MSR. */
static u32 lapic_reserved(const struct lapic *l, u32 offset)
{
	if (offset >= REG_LVT_TIMER && offset <= REG_LVT_ERROR)
		return ~(lapic_lvt_bits(l, (offset - REG_LVT_TIMER) >> 4) | BIT(12));
	switch (offset) {
	case REG_TPR:
	case REG_SELF:
		return ~0xffu;
	case REG_SVR:
		return ~SVR_BITS;
	case REG_ICR:
		return ~(u32)ICR_BITS;
	case REG_DIVIDE:
		return ~0xbu;
	case REG_EOI:
	case REG_ESR:
		return ~0u;
	default:
		return 0;
	}
}

bool lapic_read_msr(struct lapic *l, u32 msr, u64 *value)
{
	u32 offset = (msr - LAPIC_MSR_FIRST) << 4;

	if (msr == LAPIC_MSR_DEADLINE) {
		*value = lapic_timer_get_deadline(l);
		return l->present && l->offer_deadline;
	}
	if (!lapic_is_x2(l) || !(lapic_rights(offset, true) & R))
		return false;
	*value = offset == REG_ICR ? l->icr : lapic_get(l, offset);
	return true;
}

bool lapic_write_msr(struct lapic *l, u32 msr, u64 value)
{
	u32 offset = (msr - LAPIC_MSR_FIRST) << 4;

	if (msr == LAPIC_MSR_DEADLINE) {
		if (!l->present || !l->offer_deadline)
			return false;
		lapic_timer_set_deadline(l, value);
		return true;
	}
	if (!lapic_is_x2(l) || !(lapic_rights(offset, true) & W) ||
	    (u32)value & lapic_reserved(l, offset))
		return false;
	if (offset == REG_ICR)
		l->icr = value & ~0xffffffffull;
	else if (value >> 32)
		return false;
	lapic_set(l, offset, (u32)value);
	return true;
}
