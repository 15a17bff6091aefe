/* SPDX-License-Identifier: MIT */
/*
 * The timer of ACPI's power management: 24 bits that count 3.579545 MHz, at ports 608
 * to 60b. A read of the lowest byte holds the others.
 *
 * source: ACPI Specification 6.5, 4.8.2.1 "Power Management Timer"
 */
#ifndef HV_DEV_PM_TIMER_H
#define HV_DEV_PM_TIMER_H

#include "mmu/types.h"

#define PM_TIMER_PORT 0x608u

struct pm_timer {
	u32 held;
};

/* port: 608..60b */
u8 pm_timer_in(struct pm_timer *t, u16 port, u64 now_ns);

#endif
