/* SPDX-License-Identifier: MIT */
/*
 * The bus between local APICs (and IO-APICs): who a message is for.
 *
 * source: APM2 16.5 "Interprocessor Interrupts (IPI)", 16.7 "Legacy and Extended
 *         Destination Modes"; lowest priority: 16.6.1 "Receiving System and IPI Interrupts"
 */
#ifndef HV_DEV_APIC_BUS_H
#define HV_DEV_APIC_BUS_H

#include "hv/dev/lapic.h"

#define APIC_BUS_MAX 16

struct apic_bus {
	struct lapic cpu[APIC_BUS_MAX];
	unsigned nr;
};

/* nr: 1..APIC_BUS_MAX. owner stays where it is. */
void apic_bus_init(struct apic_bus *b, unsigned nr, const struct lapic_owner *owner);

/* A message to its destination; from: the CPU that sends it, of use with a
 * shorthand. returns how many got it. calls: lapic_owner.accept */
unsigned apic_bus_send(struct apic_bus *b, unsigned from, const struct apic_message *m,
		       enum apic_shorthand shorthand);

#endif
