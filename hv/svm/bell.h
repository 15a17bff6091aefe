/* SPDX-License-Identifier: MIT */
/*
 * The doorbell: bytes of the host on COM2, by interrupt. Nothing is polled.
 */
#ifndef HV_SVM_BELL_H
#define HV_SVM_BELL_H

#include "mmu/types.h"

/* Moves the PICs to TRAP_PIC and lets COM2's interrupt through, alone. */
void bell_init(void);

/* Bytes that came since the last call, as a set of 1 << (byte & 31). */
u32 bell_take(void);

/* Whether there are any. For a check with interrupts off before sleeping. */
bool bell_pending(void);

#endif
