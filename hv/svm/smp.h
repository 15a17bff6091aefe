/* SPDX-License-Identifier: MIT */
/*
 * The other real CPUs. Each starts in real mode in a page below 1 MiB, goes the way
 * of the boot CPU (boot.S), gets its tables and LAPIC, and works on what it was
 * started for.
 */
#ifndef HV_SVM_SMP_H
#define HV_SVM_SMP_H

#include <stdbool.h>
#include "hv/core/pages.h"

/*
 * Starts the CPU with this APIC id as number `index` (1..CPU_MAX - 1). There it
 * calls work(index) with interrupts off, and halts when that returns. Takes a stack
 * of pages; overwrites SMP_START_PAGE, which must not be in use.
 *
 *   context   boot CPU, after pvh_read(), lapic_start() and timer_init(); for one
 *             CPU at a time
 *   returns   false: no memory, or it did not come within SMP_WAIT_MS
 *   source    APM2 14.1.3 "Processor Initialization State", 16.5 "Interprocessor
 *             Interrupts (IPI)"
 */
bool smp_start(unsigned index, u32 apic_id, struct pages *pages, void (*work)(unsigned index));

#define SMP_START_PAGE 0x8000u
#define SMP_STACK      32768u
#define SMP_WAIT_MS    20000u

#endif
