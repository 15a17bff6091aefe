/* SPDX-License-Identifier: MIT */
/*
 * Calibration and deadlines. Channel 2 of the PIT counts down while TSC and
 * LAPIC are read at both ends, so that a pause in between does no harm.
 */
#include "hv/svm/timer.h"

#include "hv/svm/cpu.h"
#include "hv/svm/lapic.h"
#include "hv/svm/trap.h"
#include "hv/svm/x86.h"

#define PIT_HZ     1193182ull
#define PIT_TICKS  11932u /* 10 ms */
#define PIT_COUNT  0x42
#define PIT_MODE   0x43
#define PIT_GATE   0x61
#define LAPIC_MOST 0x7fffffffu

struct timer_sample {
	u64 tsc;
	u32 lapic;
	u32 pit; /* counts down */
};

static u64 timer_hz, timer_lapic_hz;

static struct timer_sample timer_sample(void)
{
	struct timer_sample s;

	outb(PIT_MODE, 0x80); /* latch channel 2 */
	s.tsc = rdtsc();
	s.lapic = lapic_timer_left();
	s.pit = inb(PIT_COUNT);
	s.pit |= (u32)inb(PIT_COUNT) << 8;
	return s;
}

static void timer_expired(void)
{
	cpu_this()->timer_armed = PLATFORM_NEVER;
}

void timer_init(void)
{
	struct timer_sample a, b;
	u64 pit;

	outb(PIT_GATE, (inb(PIT_GATE) & ~2u) | 1u);
	outb(PIT_MODE, 0xb0); /* channel 2, both bytes, mode 0 */
	outb(PIT_COUNT, 0xff);
	outb(PIT_COUNT, 0xff);
	lapic_timer_arm(0xffffffff);
	a = timer_sample();
	do
		b = timer_sample();
	while (((a.pit - b.pit) & 0xffff) < PIT_TICKS);
	lapic_timer_arm(0);
	pit = (a.pit - b.pit) & 0xffff;
	timer_hz = (b.tsc - a.tsc) * PIT_HZ / pit;
	timer_lapic_hz = (a.lapic - b.lapic) * PIT_HZ / pit;
	if (!timer_hz || !timer_lapic_hz)
		panic("no clock: TSC %lu Hz, LAPIC %lu Hz", timer_hz, timer_lapic_hz);
	trap_set_handler(TRAP_TIMER, timer_expired);
}

u64 timer_tsc_hz(void)
{
	return timer_hz;
}

/* At most some seconds: the interrupt then comes early and is armed again. */
static u32 timer_lapic_ticks(u64 tsc)
{
	u64 most = (u64)LAPIC_MOST / timer_lapic_hz * timer_hz;

	if (most && tsc > most)
		return LAPIC_MOST;
	return (u32)(tsc / timer_hz * timer_lapic_hz + tsc % timer_hz * timer_lapic_hz / timer_hz) + 1;
}

void timer_arm(u64 deadline)
{
	struct cpu *c = cpu_this();
	u64 now;

	if (deadline == c->timer_armed)
		return;
	c->timer_armed = deadline;
	if (deadline == PLATFORM_NEVER) {
		lapic_timer_arm(0);
		return;
	}
	now = rdtsc();
	lapic_timer_arm(deadline > now ? timer_lapic_ticks(deadline - now) : 1);
}
