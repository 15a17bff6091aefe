/* SPDX-License-Identifier: MIT */
/*
 * The clock chip (MC146818) at ports 70 and 71: a calendar that starts at a
 * fixed date and runs with the guest's clock, and its 128 bytes of CMOS.
 * Alarms and its interrupt are not modelled.
 */
#ifndef HV_DEV_RTC_H
#define HV_DEV_RTC_H

#include "mmu/types.h"

struct rtc {
	u8 index;
	u8 cmos[128];
};

void rtc_init(struct rtc *r);

/* port: 70, 71 */
u8 rtc_in(const struct rtc *r, u16 port, u64 now_ns);
void rtc_out(struct rtc *r, u16 port, u8 value);

#endif
