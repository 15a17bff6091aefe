/* SPDX-License-Identifier: MIT */
/*
 * Time on the real machine: the TSC is the clock, the LAPIC's one-shot makes
 * a deadline an interrupt. Both are measured against the PIT at start.
 */
#ifndef HV_SVM_TIMER_H
#define HV_SVM_TIMER_H

#include "mmu/types.h"

/* Measures. context: boot CPU, interrupts off, LAPIC on; takes 10 ms */
void timer_init(void);

u64 timer_tsc_hz(void);

/* An interrupt at this TSC value or soon after it; PLATFORM_NEVER: none. */
void timer_arm(u64 deadline);

#endif
