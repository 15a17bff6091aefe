/* SPDX-License-Identifier: MIT */
/*
 * The real local APIC, as far as the hypervisor needs it: PIC interrupts let
 * through, a one-shot timer to leave the guest in time, kicks between CPUs.
 */
#ifndef HV_SVM_LAPIC_H
#define HV_SVM_LAPIC_H

#include <stdbool.h>
#include "mmu/types.h"

/* Switches the running CPU's LAPIC on. with_pic: this CPU takes the PICs'
 * interrupts (LINT0 as ExtINT), which only the boot CPU may. */
void lapic_start(bool with_pic);

void lapic_eoi(void);

/* One interrupt (TRAP_TIMER) after ticks of the LAPIC clock, at least 1;
 * replaces what was armed; 0 disarms. */
void lapic_timer_arm(u32 ticks);

/* What is left of the one-shot; 0 = expired or not armed. */
u32 lapic_timer_left(void);

/* Makes another CPU wait for its start; starts it in real mode at page << 12. */
void lapic_send_init(u32 apic_id);
void lapic_send_start(u32 apic_id, u8 page);

/* TRAP_KICK to this CPU: pending at once while interrupts are off. */
void lapic_kick_self(void);

/* TRAP_KICK to another CPU. Returns when the LAPIC has accepted it. */
void lapic_kick(u32 apic_id);

#endif
