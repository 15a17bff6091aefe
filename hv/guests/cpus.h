/* SPDX-License-Identifier: MIT */
/*
 * Several CPUs: found, started, and put to work. The first one is number 0, the others
 * have the numbers in the order in which they come.
 *
 * Every loop here that waits has a PAUSE in it.
 *
 * source: Intel MultiProcessor Specification 1.4, chapter 4 "MP Configuration Table",
 *         B.4 "Application Processor Startup"; APM2 16.5 "Interprocessor Interrupts
 *         (IPI)"
 */
#ifndef HV_GUESTS_CPUS_H
#define HV_GUESTS_CPUS_H

#include "hv/guests/guest.h"

enum {
	MAX_CPUS = 16,

	APIC = 0xfee00000u, /* each CPU sees its own there; the guest maps it */
	APIC_ID = 0x20,
	APIC_EOI = 0xb0,
	APIC_SPURIOUS = 0xf0,
	APIC_ENABLED = 0x1ff,
	APIC_ICR = 0x300,
	APIC_ICR_HIGH = 0x310,
	ICR_INIT = 0x500,
	ICR_SIPI = 0x600,
	ICR_PENDING = 1 << 12,
	ICR_ASSERT = 1 << 14,
	ICR_SELF = 1 << 18,
	ICR_ALL = 2 << 18,
	ICR_OTHERS = 3 << 18,
};

extern unsigned int nr_cpus;
extern uint8_t apic_ids[MAX_CPUS]; /* in the order of the MP table */

/* CPUs that have come to work, but for the first: INIT does not take one away. */
extern volatile uint32_t cpus_ready;

/* ---- words that all share ---- */

void pause(void);

/* Adds at once; returns what was there. */
uint32_t add(volatile uint32_t *word, uint32_t n);
void await(volatile uint32_t *word, uint32_t value);

/* One lock, for everything. */
void lock(void);
void unlock(void);

/* ---- CPUs ---- */

/* The number of this one. */
unsigned int cpu(void);

/* Reads the MP table; ends the guest if it names one CPU only. */
void cpus_find(void);

/* Starts all; they come with the first one's CR0, CR3, CR4 and EFER, with interrupts
 * on and the same IDT. */
void cpus_start(void);

/* Stops one and starts it again, with its old number. */
void cpus_restart(unsigned int number, unsigned int apic_id);

/* Every CPU does it; returns when all have. */
void on_all(void (*what)(unsigned int cpu));

/* ---- the APIC ---- */

uint32_t apic_read(unsigned int reg);
void apic_write(unsigned int reg, uint32_t value);
void apic_on(void);

/* An interrupt of on_interrupt(): to an APIC, or with an ICR_ shorthand. */
void apic_send_line(unsigned int apic_id, uint32_t where, unsigned int line);

#endif
