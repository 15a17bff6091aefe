/* SPDX-License-Identifier: MIT */
/*
 * All events of a run in their order, and the model at any of them. Live
 * machines and recordings fill it; views ask it.
 *
 * Events are counted from 0 here (index); seq is the number the hypervisor gave
 * them, and may have holes where events were lost. The model at an event is
 * made from the nearest checkpoint before it; moving forward from the last one
 * asked for is cheap.
 */
#ifndef TUI_TIMELINE_H
#define TUI_TIMELINE_H

#include "tui/event.h"
#include "tui/model.h"

#define TIMELINE_CHECKPOINT	 4096u	/* events between checkpoints, at first */
#define TIMELINE_MAX_CHECKPOINTS 256u	/* beyond, every other one is dropped */

struct timeline;

/* The schema stays the caller's and must live longer. */
struct timeline *timeline_new(const struct schema *schema);
void timeline_free(struct timeline *tl);

const struct schema *timeline_schema(const struct timeline *tl);

/* Takes a copy of the event, payload included. */
void timeline_append(struct timeline *tl, const struct event *ev);

size_t timeline_count(const struct timeline *tl);

/* index < count. Valid as long as the timeline. */
const struct event *timeline_event(const struct timeline *tl, size_t index);

/* The index of the event with this seq, or of the first after it; count if
 * there is none. */
size_t timeline_find(const struct timeline *tl, u64 seq);

/* The model after the last event. */
const struct model *timeline_live(const struct timeline *tl);

/* The model after event `index`; before any event if count is 0. Valid until
 * the next call for this timeline. */
const struct model *timeline_at(struct timeline *tl, size_t index);

/* A remark about the source of the events: a damaged recording. */
void timeline_note(struct timeline *tl, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
const char *timeline_notes(const struct timeline *tl);	/* lines; "" if none */

#endif
