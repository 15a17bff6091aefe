/* SPDX-License-Identifier: MIT */
/*
 * An event as the host program holds it, and the rows it is described by. A
 * recording made by another version brings its own rows along; the schema has
 * ours and, for ids we do not know, theirs.
 */
#ifndef TUI_EVENT_H
#define TUI_EVENT_H

#include "hv/channel/channel.h"
#include "hv/channel/event.h"

#define EVENT_NO_SITE 0xffff
#define EVENT_NO_VCPU 0xff

struct event {
	u64 seq, clock;
	u64 cause;		/* seq of the event that brought this about; 0: none */
	u16 id, site, len;
	u8 vm, level, vcpu;
	u8 flags;		/* CH_EV_ */
	const u8 *payload;	/* owned by whoever handed the event out */
};

struct schema;

/* Our own rows. */
struct schema *schema_new(void);
void schema_free(struct schema *schema);

/* Adds a row for an id we have none for; it is taken over. */
void schema_add(struct schema *schema, struct ev_info *row);

/* The row of an id; NULL if nobody knows it. */
const struct ev_info *schema_row(const struct schema *schema, u16 id);

/* Frees a row made by the reader of a recording, its texts included. */
void schema_row_free(struct ev_info *row);

/* The value of a field by name; false if the event has no such field. */
bool event_field(const struct schema *schema, const struct event *ev, const char *name, u64 *value);

/* The text or bytes at the end of the payload; NULL and 0 if there are none. */
const u8 *event_tail(const struct schema *schema, const struct event *ev, size_t *len);

#endif
