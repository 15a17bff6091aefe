/* SPDX-License-Identifier: MIT */
/*
 * The timer of a local APIC. All that is kept is the moment at which the count is
 * 0; changing between one-shot and periodic mode leaves the count as it is.
 */
#include "hv/dev/lapic.h"

enum timer_mode { TIMER_ONE_SHOT, TIMER_PERIODIC, TIMER_DEADLINE };

static enum timer_mode timer_mode(u32 lvt)
{
	return lvt >> 17 & 3;
}

/* Bits 0, 1 and 3; 111 is 1. */
static u64 timer_divisor(const struct lapic *l)
{
	unsigned code = (l->divide & 3) | (l->divide & 8) >> 1;

	return 1ull << ((code + 1) & 7);
}

static u64 timer_period(const struct lapic *l)
{
	return l->initial * timer_divisor(l);
}

static u64 timer_now(const struct lapic *l)
{
	return l->owner->now_ns(l->owner->ctx);
}

u32 lapic_timer_count(const struct lapic *l)
{
	u64 now;

	if (l->expires_ns == LAPIC_NEVER || timer_mode(l->lvt[LVT_TIMER]) == TIMER_DEADLINE)
		return 0;
	now = timer_now(l);
	if (now >= l->expires_ns)
		return 0;
	return (u32)((l->expires_ns - now + timer_divisor(l) - 1) / timer_divisor(l));
}

void lapic_timer_start(struct lapic *l, u32 initial)
{
	if (timer_mode(l->lvt[LVT_TIMER]) == TIMER_DEADLINE)
		return;
	l->initial = initial;
	l->expires_ns = initial ? timer_now(l) + timer_period(l) : LAPIC_NEVER;
}

void lapic_timer_set_divide(struct lapic *l, u32 divide)
{
	u64 left = lapic_timer_count(l);

	l->divide = divide & 0xb;
	if (left)
		l->expires_ns = timer_now(l) + left * timer_divisor(l);
}

void lapic_timer_set_lvt(struct lapic *l, u32 lvt)
{
	bool was = timer_mode(l->lvt[LVT_TIMER]) == TIMER_DEADLINE;

	if (was != (timer_mode(lvt) == TIMER_DEADLINE)) {
		l->initial = 0;
		l->deadline = 0;
		l->expires_ns = LAPIC_NEVER;
	}
	l->lvt[LVT_TIMER] = lvt;
}

void lapic_timer_set_deadline(struct lapic *l, u64 tsc)
{
	if (timer_mode(l->lvt[LVT_TIMER]) != TIMER_DEADLINE)
		return;
	l->deadline = tsc;
	l->expires_ns = tsc ? l->owner->tsc_ns(l->owner->ctx, tsc) : LAPIC_NEVER;
}

u64 lapic_timer_get_deadline(const struct lapic *l)
{
	return timer_mode(l->lvt[LVT_TIMER]) == TIMER_DEADLINE ? l->deadline : 0;
}

/* The next expiry after now, on the grid of the periods. */
static u64 timer_next(const struct lapic *l, u64 now)
{
	u64 period = timer_period(l);

	if (timer_mode(l->lvt[LVT_TIMER]) != TIMER_PERIODIC || !period)
		return LAPIC_NEVER;
	if (period < LAPIC_MIN_PERIOD_NS)
		period = LAPIC_MIN_PERIOD_NS;
	return l->expires_ns + ((now - l->expires_ns) / period + 1) * period;
}

void lapic_update(struct lapic *l)
{
	u64 now;

	if (l->expires_ns == LAPIC_NEVER)
		return;
	now = timer_now(l);
	if (now < l->expires_ns)
		return;
	l->deadline = 0;
	l->expires_ns = timer_next(l, now);
	lapic_raise(l, LVT_TIMER);
}

u64 lapic_deadline(const struct lapic *l)
{
	if (!lapic_is_on(l) || l->lvt[LVT_TIMER] & LAPIC_LVT_MASKED)
		return LAPIC_NEVER;
	return l->expires_ns;
}
