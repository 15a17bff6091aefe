/* SPDX-License-Identifier: MIT */
/* The link's state, for its own files. */
#ifndef TUI_LINK_I_H
#define TUI_LINK_I_H

#include "tui/link.h"

/* Our place in a ring. Where its slots are was checked once. */
struct reader {
	struct ch_slot *slots;
	u32 nr_slots;
	u64 position;
};

/* A command that waits for the mailbox. */
struct waiting {
	u32 ticket;
	u16 command, len;
	u64 arg[4];
	u8 data[];
};

struct link {
	u8 *map;
	u64 size;
	u64 header_offset;
	struct ch_header *header;	/* NULL: not found yet */
	bool started, postmortem, ended;
	struct reader reader[CH_MAX_RINGS];
	unsigned nr_rings;
	u64 last_seq, last_clock, lost;
	u8 payload[CH_MAX_PAYLOAD + CH_NEXT_PAYLOAD];
	link_bell_fn bell;
	void *bell_arg;
	u32 next_ticket;
	struct waiting **waiting;
	unsigned nr_waiting;
};

/* Memory of the machine; NULL if it is not all in the file. */
void *link_memory(const struct link *link, u64 hpa, u64 len);

/* Whether a whole event seems to begin at the reader's place. */
bool link_slot_plausible(const struct link *link, unsigned ring);

#endif
