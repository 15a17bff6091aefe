/* SPDX-License-Identifier: MIT */
/* A bus with four local APICs, for their tests. */
#ifndef TESTS_LAPIC_BUS_H
#define TESTS_LAPIC_BUS_H

#include "hv/dev/apic_bus.h"
#include "tests/tap.h"

#define NR 4
#define MS 1000000ull

enum {
	ID = 0x20, VERSION = 0x30, TPR = 0x80, PPR = 0xa0, EOI = 0xb0, LDR = 0xd0, DFR = 0xe0,
	SVR = 0xf0, ISR = 0x100, TMR = 0x180, IRR = 0x200, ESR = 0x280, ICR = 0x300,
	ICR_HIGH = 0x310, TIMER = 0x320, PERF = 0x340, LINT0 = 0x350, ERROR_LVT = 0x370,
	INITIAL = 0x380, CURRENT = 0x390, DIVIDE = 0x3e0, SELF = 0x3f0,
};

enum { PERIODIC = 0x20000, DEADLINE = 0x40000, MASKED = 0x10000, DIVIDE_1 = 0xb };

extern struct apic_bus bus;
extern const struct lapic_owner owner; /* its TSC has 2 GHz */
extern u64 now_ns;

/* What was accepted, and which level-triggered vectors were ended. */
extern struct seen { unsigned cpu, mode, vector; } seen[32];
extern unsigned nr_seen;
extern u8 ended[8];
extern unsigned nr_ended;

/* All enabled, flat logical IDs 1 2 4 8; the second: in x2APIC mode. */
void setup(void);
void setup_x2(void);

/* A register by the page. */
u32 rd(unsigned cpu, u32 reg);
void wr(unsigned cpu, u32 reg, u32 value);

#endif
