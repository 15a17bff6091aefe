/* SPDX-License-Identifier: MIT */
/*
 * The IO-APIC.
 */
#include "hv/dev/ioapic.h"

#include <string.h>

enum { IO_SELECT = 0x00, IO_WINDOW = 0x10 };
enum { REG_ID = 0, REG_VERSION = 1, REG_ARBITRATION = 2, REG_ENTRIES = 0x10 };

#define VERSION (0x11u | (IOAPIC_PINS - 1) << 16)

#define ENTRY_LOGICAL    BIT(11)
#define ENTRY_REMOTE_IRR BIT(14)
#define ENTRY_LEVEL      BIT(15)
#define ENTRY_MASKED     BIT(16)
#define ENTRY_WRITABLE   0xff0000000001afffull

void ioapic_init(struct ioapic *io, u8 id, const struct ioapic_owner *owner)
{
	memset(io, 0, sizeof(*io));
	io->owner = *owner;
	io->id = id;
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++)
		io->entry[pin] = ENTRY_MASKED;
}

static void ioapic_send(struct ioapic *io, unsigned pin)
{
	u64 entry = io->entry[pin];
	const struct apic_message m = {
		.dest = entry >> 56,
		.vector = (u8)entry,
		.mode = entry >> 8 & 7,
		.logical = entry & ENTRY_LOGICAL,
		.level = entry & ENTRY_LEVEL,
		.source = APIC_FROM_IOAPIC,
	};

	if (entry & (ENTRY_MASKED | ENTRY_REMOTE_IRR))
		return;
	/* Before it is sent: the EOI may come at once. */
	if (entry & ENTRY_LEVEL)
		io->entry[pin] |= ENTRY_REMOTE_IRR;
	io->owner.send(io->owner.ctx, &m);
}

void ioapic_set_line(struct ioapic *io, unsigned pin, bool level)
{
	u32 bit = 1u << pin;
	bool was = io->lines & bit;

	io->lines = level ? io->lines | bit : io->lines & ~bit;
	if (level && !was)
		ioapic_send(io, pin);
}

static void ioapic_raise_level(struct ioapic *io, unsigned pin)
{
	if (io->entry[pin] & ENTRY_LEVEL && io->lines >> pin & 1)
		ioapic_send(io, pin);
}

void ioapic_eoi(struct ioapic *io, u8 vector)
{
	for (unsigned pin = 0; pin < IOAPIC_PINS; pin++) {
		u64 *entry = &io->entry[pin];

		if (!(*entry & ENTRY_REMOTE_IRR) || (u8)*entry != vector)
			continue;
		*entry &= ~ENTRY_REMOTE_IRR;
		ioapic_raise_level(io, pin);
	}
}

/* ---- registers ---- */

static u32 ioapic_get(const struct ioapic *io)
{
	unsigned half = io->select - REG_ENTRIES;

	switch (io->select) {
	case REG_ID:
	case REG_ARBITRATION:
		return (u32)io->id << 24;
	case REG_VERSION:
		return VERSION;
	default:
		if (io->select < REG_ENTRIES || half / 2 >= IOAPIC_PINS)
			return 0;
		return (u32)(io->entry[half / 2] >> 32 * (half & 1));
	}
}

static void ioapic_set_entry(struct ioapic *io, unsigned pin, bool high, u32 value)
{
	u64 *entry = &io->entry[pin], mask = high ? 0xffffffffull << 32 : 0xffffffffull;

	mask &= ENTRY_WRITABLE;
	*entry = (*entry & ~mask) | ((u64)value << 32 * high & mask);
	if (!(*entry & ENTRY_LEVEL))
		*entry &= ~ENTRY_REMOTE_IRR;
	ioapic_raise_level(io, pin);
}

static void ioapic_set(struct ioapic *io, u32 value)
{
	unsigned half = io->select - REG_ENTRIES;

	if (io->select == REG_ID)
		io->id = value >> 24 & 0xf;
	else if (io->select >= REG_ENTRIES && half / 2 < IOAPIC_PINS)
		ioapic_set_entry(io, half / 2, half & 1, value);
}

u32 ioapic_read(const struct ioapic *io, u32 offset, unsigned size)
{
	u32 value = 0;

	if ((offset & ~3u) == IO_SELECT)
		value = io->select;
	else if ((offset & ~3u) == IO_WINDOW)
		value = ioapic_get(io);
	value >>= 8 * (offset & 3);
	return size >= 4 ? value : value & ((1u << 8 * size) - 1);
}

void ioapic_write(struct ioapic *io, u32 offset, unsigned size, u32 value)
{
	if (offset == IO_SELECT)
		io->select = (u8)value;
	else if (offset == IO_WINDOW && size == 4)
		ioapic_set(io, value);
}
