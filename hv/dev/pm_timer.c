/* SPDX-License-Identifier: MIT */
/*
 * The count is made of the time when somebody asks.
 */
#include "hv/dev/pm_timer.h"

#define PM_TIMER_HZ   3579545u
#define PM_TIMER_MASK 0xffffffu
#define NS_PER_S      1000000000u

u8 pm_timer_in(struct pm_timer *t, u16 port, u64 now_ns)
{
	unsigned byte = port - PM_TIMER_PORT;

	if (!byte)
		t->held = (u32)(now_ns / NS_PER_S * PM_TIMER_HZ +
				now_ns % NS_PER_S * PM_TIMER_HZ / NS_PER_S) & PM_TIMER_MASK;
	return (u8)(t->held >> (8 * byte));
}
