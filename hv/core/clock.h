/* SPDX-License-Identifier: MIT */
/*
 * The machine's clock as nanoseconds and back, without
 * overflow for centuries (tsc_hz below 18 GHz).
 */
#ifndef HV_CORE_CLOCK_H
#define HV_CORE_CLOCK_H

#include "hv/core/platform.h"

#define NS_PER_S 1000000000ull

static inline u64 clock_to_ns(const struct platform *p, u64 ticks)
{
	return ticks / p->tsc_hz * NS_PER_S + ticks % p->tsc_hz * NS_PER_S / p->tsc_hz;
}

/* Rounded up: at that tick the time has come. */
static inline u64 clock_from_ns(const struct platform *p, u64 ns)
{
	return ns / NS_PER_S * p->tsc_hz + (ns % NS_PER_S * p->tsc_hz + NS_PER_S - 1) / NS_PER_S;
}

#endif
