/* SPDX-License-Identifier: MIT */
/*
 * The board: device memory.
 */
#include "hv/dev/board.h"

#include <string.h>

static u32 board_ioapic_read(struct board *b, u32 offset, unsigned size)
{
	return ioapic_read(&b->ioapic, offset, size);
}

static void board_ioapic_write(struct board *b, u32 offset, unsigned size, u32 value)
{
	ioapic_write(&b->ioapic, offset, size, value);
}

static u32 board_test_mem_read(struct board *b, u32 offset, unsigned size)
{
	u32 value = 0;

	memcpy(&value, b->test.memory + offset, size);
	return value;
}

static void board_test_mem_write(struct board *b, u32 offset, unsigned size, u32 value)
{
	memcpy(b->test.memory + offset, &value, size);
}

static const struct board_mmio {
	gpa_t start;
	u32 bytes;
	u32 (*read)(struct board *b, u32 offset, unsigned size);
	void (*write)(struct board *b, u32 offset, unsigned size, u32 value);
} board_mmio[] = {
#define MMIO(start, bytes, device, what) \
	{ start, bytes, board_##device##_read, board_##device##_write },
#include "hv/dev/mmio.def"
};

static const struct board_mmio *board_find_mmio(gpa_t gpa)
{
	for (size_t i = 0; i < sizeof(board_mmio) / sizeof(*board_mmio); i++) {
		if (gpa - board_mmio[i].start < board_mmio[i].bytes)
			return &board_mmio[i];
	}
	return NULL;
}

static u32 board_read_part(struct board *b, unsigned cpu, gpa_t gpa, unsigned size)
{
	const struct board_mmio *m;

	if (lapic_covers(&b->apics.cpu[cpu], gpa))
		return lapic_read(&b->apics.cpu[cpu], gpa & ~PAGE_MASK, size);
	m = board_find_mmio(gpa);
	return m ? m->read(b, (u32)(gpa - m->start), size) : ~0u;
}

static void board_write_part(struct board *b, unsigned cpu, gpa_t gpa, unsigned size, u32 value)
{
	const struct board_mmio *m = board_find_mmio(gpa);

	if (lapic_covers(&b->apics.cpu[cpu], gpa))
		lapic_write(&b->apics.cpu[cpu], gpa & ~PAGE_MASK, size, value);
	else if (m)
		m->write(b, (u32)(gpa - m->start), size, value);
}

/* Up to the next multiple of 4. */
static unsigned board_part(gpa_t gpa, size_t len)
{
	unsigned most = 4 - (gpa & 3);

	return len < most ? (unsigned)len : most;
}

void board_read_mem(struct board *b, unsigned cpu, gpa_t gpa, void *to, size_t len)
{
	u8 *at = to;

	for (unsigned part; len; gpa += part, at += part, len -= part) {
		u32 value;

		part = board_part(gpa, len);
		value = board_read_part(b, cpu, gpa, part);
		memcpy(at, &value, part);
	}
	board_update(b);
}

void board_write_mem(struct board *b, unsigned cpu, gpa_t gpa, const void *from, size_t len)
{
	const u8 *at = from;

	for (unsigned part; len; gpa += part, at += part, len -= part) {
		u32 value = 0;

		part = board_part(gpa, len);
		memcpy(&value, at, part);
		board_write_part(b, cpu, gpa, part, value);
	}
	board_update(b);
}
