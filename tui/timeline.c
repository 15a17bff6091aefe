/* SPDX-License-Identifier: MIT */
/* Events in an array, their payloads in blocks that never move, a copy of the
 * model every so many events. */
#include "tui/timeline.h"
#include <stdlib.h>
#include <string.h>
#include "tui/say.h"

#define BLOCK_SIZE (1u << 20)

struct timeline {
	const struct schema *schema;
	struct event *events;
	size_t count, room;
	u8 **blocks;
	size_t nr_blocks, block_used;
	struct model *live;
	struct model *checkpoints[TIMELINE_MAX_CHECKPOINTS];
	size_t nr_checkpoints;
	size_t interval;		/* [i] is the model after (i + 1) * interval events */
	struct model *cursor;		/* NULL: none made yet */
	size_t cursor_next;		/* events that are in it */
	struct text notes;
};

struct timeline *timeline_new(const struct schema *schema)
{
	struct timeline *tl = xcalloc(1, sizeof(*tl));

	tl->schema = schema;
	tl->live = model_new();
	tl->interval = TIMELINE_CHECKPOINT;
	return tl;
}

void timeline_free(struct timeline *tl)
{
	if (!tl)
		return;
	for (size_t i = 0; i < tl->nr_checkpoints; i++)
		model_free(tl->checkpoints[i]);
	for (size_t i = 0; i < tl->nr_blocks; i++)
		free(tl->blocks[i]);
	model_free(tl->cursor);
	model_free(tl->live);
	free(tl->blocks);
	free(tl->events);
	text_free(&tl->notes);
	free(tl);
}

const struct schema *timeline_schema(const struct timeline *tl)
{
	return tl->schema;
}

static const u8 *keep(struct timeline *tl, const u8 *payload, size_t len)
{
	u8 *to;

	if (!tl->nr_blocks || tl->block_used + len > BLOCK_SIZE) {
		tl->blocks = xrealloc(tl->blocks, (tl->nr_blocks + 1) * sizeof(*tl->blocks));
		tl->blocks[tl->nr_blocks++] = xcalloc(1, BLOCK_SIZE);
		tl->block_used = 0;
	}
	to = tl->blocks[tl->nr_blocks - 1] + tl->block_used;
	if (len)
		memcpy(to, payload, len);
	tl->block_used += len;
	return to;
}

/* Keeps every second one: memory stays bounded, and visiting an event costs at
 * most twice as many steps. */
static void thin_out(struct timeline *tl)
{
	for (size_t i = 0; i < tl->nr_checkpoints; i++) {
		if (i & 1)
			tl->checkpoints[i / 2] = tl->checkpoints[i];
		else
			model_free(tl->checkpoints[i]);
	}
	tl->nr_checkpoints /= 2;
	tl->interval *= 2;
}

static void add_checkpoint(struct timeline *tl)
{
	if (tl->nr_checkpoints == TIMELINE_MAX_CHECKPOINTS)
		thin_out(tl);
	if (tl->count % tl->interval == 0)
		tl->checkpoints[tl->nr_checkpoints++] = model_copy(tl->live);
}

void timeline_append(struct timeline *tl, const struct event *ev)
{
	struct event *copy;

	if (tl->count == tl->room) {
		tl->room = tl->room ? tl->room * 2 : 1024;
		tl->events = xrealloc(tl->events, tl->room * sizeof(*tl->events));
	}
	copy = &tl->events[tl->count++];
	*copy = *ev;
	copy->payload = keep(tl, ev->payload, ev->len);
	model_apply(tl->live, copy);
	if (tl->count % tl->interval == 0)
		add_checkpoint(tl);
}

size_t timeline_count(const struct timeline *tl)
{
	return tl->count;
}

const struct event *timeline_event(const struct timeline *tl, size_t index)
{
	return &tl->events[index];
}

size_t timeline_find(const struct timeline *tl, u64 seq)
{
	size_t low = 0, high = tl->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (tl->events[middle].seq < seq)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct model *timeline_live(const struct timeline *tl)
{
	return tl->live;
}

/* Makes the cursor a copy of the nearest model at or before `next` events. */
static void rewind_cursor(struct timeline *tl, size_t next)
{
	size_t checkpoint = next / tl->interval;

	if (tl->cursor && tl->cursor_next <= next &&
	    tl->cursor_next >= checkpoint * tl->interval)
		return;
	model_free(tl->cursor);
	tl->cursor = checkpoint ? model_copy(tl->checkpoints[checkpoint - 1]) : model_new();
	tl->cursor_next = checkpoint * tl->interval;
}

const struct model *timeline_at(struct timeline *tl, size_t index)
{
	size_t next = index + 1;

	if (next >= tl->count)
		return tl->live;
	rewind_cursor(tl, next);
	while (tl->cursor_next < next)
		model_apply(tl->cursor, &tl->events[tl->cursor_next++]);
	return tl->cursor;
}

void timeline_note(struct timeline *tl, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vadd(&tl->notes, format, args);
	va_end(args);
	text_put(&tl->notes, "\n", 1);
}

const char *timeline_notes(const struct timeline *tl)
{
	return text_str(&tl->notes);
}
