/* SPDX-License-Identifier: MIT */
/*
 * An 82093AA IO-APIC with 24 pins: a line that is raised becomes a message to local
 * APICs, as the pin's entry says.
 *
 * A line's level is whether it is asserted; the polarity in an entry is kept and does
 * not matter. An edge at a masked pin is lost; a level-triggered pin raises while its
 * line is asserted, once for each EOI. ExtINT entries send nothing: the PIC's request
 * comes by LINT0.
 *
 * source: Intel 82093AA data sheet, "Register Description"
 */
#ifndef HV_DEV_IOAPIC_H
#define HV_DEV_IOAPIC_H

#include "hv/dev/lapic.h"

#define IOAPIC_GPA  0xfec00000u
#define IOAPIC_PINS 24

struct ioapic_owner {
	void *ctx;
	void (*send)(void *ctx, const struct apic_message *m);
};

struct ioapic {
	struct ioapic_owner owner;
	u8 id, select;
	u32 lines;              /* levels */
	u64 entry[IOAPIC_PINS];
};

/* id: 0..15, until the guest gives another. */
void ioapic_init(struct ioapic *io, u8 id, const struct ioapic_owner *owner);

/* pin: 0..23. calls: send */
void ioapic_set_line(struct ioapic *io, unsigned pin, bool level);

/* A local APIC is done with a level-triggered vector. calls: send */
void ioapic_eoi(struct ioapic *io, u8 vector);

/* One access to the page, within 4 aligned bytes. Only accesses of 4 bytes write. */
u32 ioapic_read(const struct ioapic *io, u32 offset, unsigned size);
void ioapic_write(struct ioapic *io, u32 offset, unsigned size, u32 value);

#endif
