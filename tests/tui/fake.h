/* SPDX-License-Identifier: MIT */
/*
 * A tiny machine for the tests of the host program: the channel's layout in an
 * anonymous file, written to by the real hv/channel/emit.c.
 */
#ifndef TESTS_TUI_FAKE_H
#define TESTS_TUI_FAKE_H

#include "hv/channel/emit.h"
#include "tui/timeline.h"

struct fake {
	int fd;
	u8 *memory;
	u64 size, next;		/* bytes; next free hpa */
	struct ch_emitter em;
	unsigned cpu;		/* emits as this CPU */
	u64 clock;
};

/* nr_rings rings of nr_slots slots each, all pipes. Header at offset 0. */
void fake_open(struct fake *fake, unsigned nr_rings, u32 nr_slots);
void fake_close(struct fake *fake);

/* A short history of shadow paging: slots, a root, pages, entries, an exit, a
 * console line. */
void fake_history(struct fake *fake);

/* The whole of a text file as a string, to be freed; from $srcdir. Fails the
 * test if it cannot be read. */
char *fake_file(const char *path);

/* A timeline of the events in a text file. */
struct timeline *fake_timeline(const struct schema *schema, const char *path);

#endif
