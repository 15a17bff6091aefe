/* SPDX-License-Identifier: MIT */
/*
 * The timer.
 */
#include "hv/dev/pit.h"

#include <string.h>

#define NS_PER_S 1000000000ull

/* Both are exact to a tick for spans of hours: the whole seconds apart. */
static u64 pit_ticks(u64 ns)
{
	return ns / NS_PER_S * PIT_HZ + ns % NS_PER_S * PIT_HZ / NS_PER_S;
}

/* Rounded up: after so long the tick has happened. */
static u64 pit_ns(u64 ticks)
{
	return ticks / PIT_HZ * NS_PER_S + (ticks % PIT_HZ * NS_PER_S + PIT_HZ - 1) / PIT_HZ;
}

void pit_init(struct pit *p)
{
	memset(p, 0, sizeof(*p));
	for (unsigned i = 0; i < 3; i++)
		p->channel[i].gate = i != 2;
	p->next_irq_ns = PIT_NEVER;
}

static bool pit_periodic(const struct pit_channel *c)
{
	return c->mode == 2 || c->mode == 3;
}

static u64 pit_elapsed(const struct pit_channel *c, u64 now_ns)
{
	if (!c->running)
		return c->paused_ticks;
	return c->paused_ticks + pit_ticks(now_ns - c->start_ns);
}

static u16 pit_count(const struct pit_channel *c, u64 now_ns)
{
	u64 elapsed = pit_elapsed(c, now_ns);

	if (!c->reload)
		return 0;
	switch (c->mode) {
	case 2:
		return (u16)(c->reload - elapsed % c->reload);
	case 3:
		return (u16)(c->reload - 2 * elapsed % c->reload) & 0xfffe;
	default:
		return (u16)(c->reload - elapsed);
	}
}

static bool pit_output(const struct pit_channel *c, u64 now_ns)
{
	u64 elapsed = pit_elapsed(c, now_ns);

	if (!c->reload)
		return c->mode != 0;
	switch (c->mode) {
	case 2:
		return elapsed % c->reload != c->reload - 1;
	case 3:
		return elapsed % c->reload < (c->reload + 1) / 2;
	case 4:
		return elapsed != c->reload;
	default:
		return elapsed >= c->reload;
	}
}

static void pit_arm(struct pit *p)
{
	const struct pit_channel *c = &p->channel[0];

	p->next_irq_ns = c->running ? c->start_ns + pit_ns(c->reload) : PIT_NEVER;
}

static void pit_load(struct pit *p, struct pit_channel *c, u16 value, u64 now_ns)
{
	c->reload = value ? value : 65536;
	c->start_ns = now_ns;
	c->paused_ticks = 0;
	c->running = c->gate;
	if (c == &p->channel[0])
		pit_arm(p);
}

static void pit_set_gate(struct pit_channel *c, bool gate, u64 now_ns)
{
	if (gate == c->gate)
		return;
	if (!gate) {
		c->paused_ticks = pit_elapsed(c, now_ns);
		c->running = false;
	} else if (c->reload) {
		if (c->mode != 0 && c->mode != 4)
			c->paused_ticks = 0; /* a rising gate starts over */
		c->start_ns = now_ns;
		c->running = true;
	}
	c->gate = gate;
}

static void pit_write_count(struct pit *p, struct pit_channel *c, u8 value, u64 now_ns)
{
	switch (c->access) {
	case 1:
		pit_load(p, c, value, now_ns);
		break;
	case 2:
		pit_load(p, c, (u16)(value << 8), now_ns);
		break;
	case 3:
		if (c->high_next)
			pit_load(p, c, (u16)(value << 8 | c->write_low), now_ns);
		else
			c->write_low = value;
		c->high_next = !c->high_next;
		break;
	}
}

static u8 pit_read_latch(struct pit_channel *c)
{
	if (c->latched) {
		c->latched = false;
		return (u8)c->latch;
	}
	c->high_latched = false;
	return c->latch >> 8;
}

static u8 pit_read_count(struct pit_channel *c, u64 now_ns)
{
	u16 count = pit_count(c, now_ns);

	if (c->status_latched) {
		c->status_latched = false;
		return c->status;
	}
	if (c->latched || c->high_latched)
		return pit_read_latch(c);
	if (c->access != 3)
		return c->access == 2 ? count >> 8 : (u8)count;
	c->high_next = !c->high_next;
	return c->high_next ? (u8)count : count >> 8;
}

static void pit_latch(struct pit_channel *c, u64 now_ns)
{
	if (c->latched || c->high_latched)
		return;
	c->latch = pit_count(c, now_ns);
	c->latched = c->access & 1;
	c->high_latched = c->access & 2;
}

static void pit_read_back(struct pit *p, u8 value, u64 now_ns)
{
	for (unsigned i = 0; i < 3; i++) {
		struct pit_channel *c = &p->channel[i];

		if (!(value & 2u << i))
			continue;
		if (!(value & 0x20))
			pit_latch(c, now_ns);
		if (!(value & 0x10) && !c->status_latched) {
			c->status = (u8)(pit_output(c, now_ns) << 7 | c->access << 4 | c->mode << 1);
			c->status_latched = true;
		}
	}
}

static void pit_control(struct pit *p, u8 value, u64 now_ns)
{
	struct pit_channel *c;

	if (value >> 6 == 3) {
		pit_read_back(p, value, now_ns);
		return;
	}
	c = &p->channel[value >> 6];
	if (!(value >> 4 & 3)) {
		pit_latch(c, now_ns);
		return;
	}
	*c = (struct pit_channel){ .gate = c->gate, .access = value >> 4 & 3 };
	c->mode = value >> 1 & 7;
	if (c->mode > 5)
		c->mode -= 4;
	if (c == &p->channel[0])
		pit_arm(p);
}

u8 pit_in(struct pit *p, u16 port, u64 now_ns)
{
	if (port == 0x61)
		return (u8)(p->port61 | pit_output(&p->channel[2], now_ns) << 5 |
			    (now_ns / 15085 & 1) << 4); /* refresh toggles */
	if (port == 0x43)
		return 0xff;
	return pit_read_count(&p->channel[port & 3], now_ns);
}

void pit_out(struct pit *p, u16 port, u8 value, u64 now_ns)
{
	if (port == 0x61) {
		p->port61 = value & 3;
		pit_set_gate(&p->channel[2], value & 1, now_ns);
	} else if (port == 0x43) {
		pit_control(p, value, now_ns);
	} else {
		pit_write_count(p, &p->channel[port & 3], value, now_ns);
	}
}

bool pit_tick(struct pit *p, u64 now_ns)
{
	const struct pit_channel *c = &p->channel[0];
	u64 periods;

	if (now_ns < p->next_irq_ns)
		return false;
	if (!pit_periodic(c)) {
		p->next_irq_ns = PIT_NEVER;
		return true;
	}
	periods = pit_ticks(now_ns - c->start_ns) / c->reload + 1;
	p->next_irq_ns = c->start_ns + pit_ns(periods * c->reload);
	return true;
}

u64 pit_deadline(const struct pit *p)
{
	return p->next_irq_ns;
}
