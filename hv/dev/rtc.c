/* SPDX-License-Identifier: MIT */
/*
 * The calendar: 2026-01-01 00:00:00 is the guest's time zero, always; a run
 * does not depend on the day it was made.
 */
#include "hv/dev/rtc.h"

#include <string.h>

#define NS_PER_S   1000000000ull
#define START_YEAR 2026u
#define START_WDAY 5u /* Thursday; Sunday is 1 */

enum {
	RTC_SECOND = 0x00,
	RTC_MINUTE = 0x02,
	RTC_HOUR = 0x04,
	RTC_WDAY = 0x06,
	RTC_DAY = 0x07,
	RTC_MONTH = 0x08,
	RTC_YEAR = 0x09,
	RTC_A = 0x0a,
	RTC_B = 0x0b,
	RTC_C = 0x0c,
	RTC_D = 0x0d,
	RTC_CENTURY = 0x32,
};

#define B_24_HOURS 0x02

struct rtc_date {
	unsigned year, month, day, wday; /* month and day from 1 */
};

void rtc_init(struct rtc *r)
{
	memset(r, 0, sizeof(*r));
	r->cmos[RTC_A] = 0x26; /* 32 kHz, 1024 Hz */
	r->cmos[RTC_B] = B_24_HOURS;
	r->cmos[RTC_D] = 0x80; /* the battery is good */
}

static u8 rtc_bcd(unsigned v)
{
	return (u8)(v / 10 % 10 << 4 | v % 10);
}

static unsigned rtc_month_days(unsigned year, unsigned month)
{
	static const u8 days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static struct rtc_date rtc_date(u64 days)
{
	struct rtc_date d = { START_YEAR, 1, 1, (unsigned)((START_WDAY - 1 + days) % 7 + 1) };

	for (; days >= rtc_month_days(d.year, d.month); d.month++) {
		days -= rtc_month_days(d.year, d.month);
		if (d.month == 12) {
			d.month = 0;
			d.year++;
		}
	}
	d.day += (unsigned)days;
	return d;
}

u8 rtc_in(const struct rtc *r, u16 port, u64 now_ns)
{
	u64 s = now_ns / NS_PER_S;
	struct rtc_date d = rtc_date(s / 86400);

	if (!(port & 1))
		return 0xff;
	switch (r->index) {
	case RTC_SECOND:
		return rtc_bcd((unsigned)(s % 60));
	case RTC_MINUTE:
		return rtc_bcd((unsigned)(s / 60 % 60));
	case RTC_HOUR:
		return rtc_bcd((unsigned)(s / 3600 % 24));
	case RTC_WDAY:
		return rtc_bcd(d.wday);
	case RTC_DAY:
		return rtc_bcd(d.day);
	case RTC_MONTH:
		return rtc_bcd(d.month);
	case RTC_YEAR:
		return rtc_bcd(d.year % 100);
	case RTC_CENTURY:
		return rtc_bcd(d.year / 100);
	default:
		return r->cmos[r->index];
	}
}

void rtc_out(struct rtc *r, u16 port, u8 value)
{
	if (!(port & 1))
		r->index = value & 0x7f;
	else if (r->index == RTC_B)
		r->cmos[RTC_B] = (value & ~4u) | B_24_HOURS; /* stays 24 hours, BCD */
	else if (r->index != RTC_C && r->index != RTC_D)
		r->cmos[r->index] = value;
}
