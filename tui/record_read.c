/* SPDX-License-Identifier: MIT */
/*
 * Reading a recording: whatever is whole is shown, whatever is not is named
 * with its place. The file is hostile input.
 */
#include "tui/record.h"
#include "tui/record_i.h"
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "hv/channel/channel.h"
#include "tui/say.h"

/* How the writer laid out an event that we lay out differently. */
struct layout {
	u16 id;
	struct ev_info *theirs;
};

struct reader {
	const u8 *bytes;
	size_t len, at;
	struct schema *schema;
	struct timeline *tl;
	struct layout *layouts;
	unsigned nr_layouts;
	unsigned chunk;		/* number of the present one, from 1 */
	u64 events;
	bool damaged, meta, end;
};

static void damage(struct reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void damage(struct reader *r, const char *format, ...)
{
	struct text text = { 0 };
	va_list args;

	va_start(args, format);
	text_vadd(&text, format, args);
	va_end(args);
	timeline_note(r->tl, "damaged at offset %zu, chunk %u: %s", r->at, r->chunk,
		      text_str(&text));
	text_free(&text);
	r->damaged = true;
}

/* ---- META: the writer's rows ------------------------------------------------ */

static bool same_layout(const struct ev_info *a, const struct ev_info *b)
{
	for (unsigned i = 0;; i++) {
		const struct ev_field *x = &a->fields[i], *y = &b->fields[i];

		if (!x->name || !y->name)
			return !x->name && !y->name;
		if (strcmp(x->name, y->name) || x->size != y->size)
			return false;
	}
}

static bool field_from_json(json_t *json, struct ev_field *field)
{
	const char *name, *unit;
	int size;

	if (json_unpack(json, "[ssi]", &name, &unit, &size) ||
	    (size != 0 && size != 1 && size != 2 && size != 4 && size != 8))
		return false;
	field->name = xstrdup(name);
	field->unit = xstrdup(unit);
	field->size = size;
	return true;
}

static struct ev_info *row_from_json(json_t *json)
{
	struct ev_info *row;
	const char *name;
	json_t *fields;
	int id;

	if (json_unpack(json, "[iso]", &id, &name, &fields) || id <= 0 || id > 0xffff ||
	    json_array_size(fields) > EV_MAX_FIELDS)
		return NULL;
	row = xcalloc(1, sizeof(*row));
	row->id = id;
	row->name = xstrdup(name);
	row->sentence = row->kvm = "";
	for (size_t i = 0; i < json_array_size(fields); i++)
		if (!field_from_json(json_array_get(fields, i), &row->fields[i])) {
			schema_row_free(row);
			return NULL;
		}
	return row;
}

static void take_row(struct reader *r, struct ev_info *theirs)
{
	const struct ev_info *ours = schema_row(r->schema, theirs->id);

	if (!ours) {
		schema_add(r->schema, theirs);
	} else if (same_layout(ours, theirs)) {
		schema_row_free(theirs);
	} else {
		r->layouts = xrealloc(r->layouts, (r->nr_layouts + 1) * sizeof(*r->layouts));
		r->layouts[r->nr_layouts++] = (struct layout){ theirs->id, theirs };
	}
}

static void read_meta(struct reader *r, const u8 *data, size_t len)
{
	json_t *meta = json_loadb((const char *)data, len, 0, NULL);
	json_t *rows = json_object_get(meta, "events");

	if (!json_is_array(rows))
		damage(r, "META is not what it should be; events are read by our own table");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		struct ev_info *row = row_from_json(json_array_get(rows, i));

		if (row)
			take_row(r, row);
		else
			damage(r, "META row %zu is not what it should be", i);
	}
	json_decref(meta);
	r->meta = true;
}

/* ---- EVNT ------------------------------------------------------------------- */

static const struct ev_info *their_layout(const struct reader *r, u16 id)
{
	for (unsigned i = 0; i < r->nr_layouts; i++)
		if (r->layouts[i].id == id)
			return r->layouts[i].theirs;
	return NULL;
}

static bool their_value(const struct ev_info *row, const char *name, const u8 *payload, size_t len,
			u64 *value)
{
	for (unsigned i = 0; row->fields[i].name; i++)
		if (!strcmp(row->fields[i].name, name))
			return ev_value(row, i, payload, len, value);
	return false;
}

/* Lays the payload out as our row has it: fields go by name, those the writer
 * did not know are 0, text or bytes at the end stay. */
static size_t convert(const struct ev_info *ours, const struct ev_info *theirs, const u8 *payload,
		      size_t len, u8 *to)
{
	size_t n = 0, skip = ev_fixed_size(theirs);
	u64 value;

	for (const struct ev_field *f = ours->fields; f->name && f->size; f++) {
		if (!their_value(theirs, f->name, payload, len, &value))
			value = 0;
		put_le(to + n, value, f->size);
		n += f->size;
	}
	if (len > skip) {
		memcpy(to + n, payload + skip, len - skip);
		n += len - skip;
	}
	return n;
}

static void append(struct reader *r, struct event *ev)
{
	const struct ev_info *theirs = r->nr_layouts ? their_layout(r, ev->id) : NULL;
	u8 *converted = NULL;

	if (theirs) {
		converted = xcalloc(1, (size_t)ev->len + 8 * EV_MAX_FIELDS);
		ev->len = convert(schema_row(r->schema, ev->id), theirs, ev->payload, ev->len,
				  converted);
		ev->payload = converted;
	}
	timeline_append(r->tl, ev);
	r->events++;
	free(converted);
}

static void read_events(struct reader *r, const u8 *data, size_t len)
{
	size_t at = 0;

	while (len - at >= RECORD_EVENT_HEAD) {
		const u8 *p = data + at;
		u32 cause = get_le(p + 16, 4);
		struct event ev = {
			.seq = get_le(p, 8), .clock = get_le(p + 8, 8), .id = get_le(p + 20, 2),
			.site = get_le(p + 22, 2), .vm = p[24], .level = p[25], .vcpu = p[26],
			.flags = p[27], .len = get_le(p + 28, 2), .payload = p + RECORD_EVENT_HEAD,
		};

		ev.cause = cause && cause < ev.seq ? ev.seq - cause : 0;
		if (ev.len > CH_MAX_PAYLOAD || ev.len > len - at - RECORD_EVENT_HEAD)
			break;
		append(r, &ev);
		at += RECORD_EVENT_HEAD + p[28] + (p[29] << 8);
	}
	if (at != len)
		damage(r, "an event at byte %zu of the chunk is cut off", at);
}

/* ---- chunks ----------------------------------------------------------------- */

#define MAX_CHUNK (1u << 20)

struct chunk {
	u32 type;
	size_t len;
	const u8 *data;
};

/* Whether a whole chunk with the right checksum begins at `at`. */
static bool chunk_at(const struct reader *r, size_t at, struct chunk *chunk)
{
	const u8 *p = r->bytes + at;

	if (r->len - at < RECORD_HEAD)
		return false;
	chunk->type = get_le(p, 4);
	chunk->len = get_le(p + 4, 4);
	chunk->data = p + RECORD_HEAD;
	if (chunk->type != RECORD_META && chunk->type != RECORD_EVNT && chunk->type != RECORD_END)
		return false;
	return chunk->len <= MAX_CHUNK && chunk->len <= r->len - at - RECORD_HEAD &&
	       record_crc(record_crc(0, p, 8), chunk->data, chunk->len) == get_le(p + 8, 4);
}

static const char *what_is_wrong(const struct reader *r)
{
	u32 type;

	if (r->len - r->at < RECORD_HEAD)
		return "the file ends in the middle of a chunk's head";
	type = get_le(r->bytes + r->at, 4);
	if (type != RECORD_META && type != RECORD_EVNT && type != RECORD_END)
		return "no chunk begins here";
	if (get_le(r->bytes + r->at + 4, 4) > r->len - r->at - RECORD_HEAD)
		return "the file ends in the middle of a chunk";
	return "the checksum is wrong";
}

/* Names the damage and goes to the next whole chunk; false if there is none. */
static bool skip_damage(struct reader *r, struct chunk *chunk)
{
	size_t at = r->at + 1;

	while (at < r->len && !chunk_at(r, at, chunk))
		at++;
	damage(r, "%s; %zu bytes are not readable", what_is_wrong(r), at - r->at);
	r->at = at;
	return at < r->len;
}

static void read_end(struct reader *r, const struct chunk *chunk)
{
	u64 events = chunk->len >= 16 ? get_le(chunk->data, 8) : 0;

	r->end = true;
	if (events != r->events)
		damage(r, "%" PRIu64 " of %" PRIu64 " events could be read", r->events, events);
}

static void read_chunks(struct reader *r)
{
	struct chunk chunk;

	while (r->at < r->len && !r->end) {
		r->chunk++;
		if (!chunk_at(r, r->at, &chunk) && !skip_damage(r, &chunk))
			break;
		if (chunk.type == RECORD_META)
			read_meta(r, chunk.data, chunk.len);
		else if (chunk.type == RECORD_EVNT)
			read_events(r, chunk.data, chunk.len);
		else
			read_end(r, &chunk);
		r->at += RECORD_HEAD + chunk.len;
	}
	if (r->at < r->len)
		damage(r, "%zu bytes follow the end", r->len - r->at);
	if (!r->end)
		damage(r, "the recording has no end: it was cut off, or is still being written");
}

enum record_result record_read_bytes(const u8 *bytes, size_t len, struct schema *schema,
				     struct timeline *tl)
{
	struct reader r = { .bytes = bytes, .len = len, .at = RECORD_HEAD, .schema = schema,
			    .tl = tl };

	if (len < RECORD_HEAD || memcmp(bytes, RECORD_MAGIC, 8))
		return RECORD_NOT_ONE;
	if (get_le(bytes + 8, 4) != RECORD_VERSION)
		timeline_note(tl, "the recording has format %u, this program knows %u",
			      (unsigned)get_le(bytes + 8, 4), RECORD_VERSION);
	read_chunks(&r);
	for (unsigned i = 0; i < r.nr_layouts; i++)
		schema_row_free(r.layouts[i].theirs);
	free(r.layouts);
	return r.damaged ? RECORD_DAMAGED : RECORD_OK;
}

static u8 *read_file(FILE *file, size_t *len)
{
	u8 *bytes = NULL;
	size_t room = 0, n;

	*len = 0;
	do {
		room = room ? room * 2 : 1u << 16;
		bytes = xrealloc(bytes, room);
		n = fread(bytes + *len, 1, room - *len, file);
		*len += n;
	} while (*len == room);
	if (ferror(file)) {
		free(bytes);
		return NULL;
	}
	return bytes;
}

enum record_result record_read(const char *path, struct schema *schema, struct timeline *tl)
{
	enum record_result result;
	FILE *file = fopen(path, "rb");
	size_t len;
	u8 *bytes;

	if (!file)
		return RECORD_UNREADABLE;
	bytes = read_file(file, &len);
	fclose(file);
	if (!bytes)
		return RECORD_UNREADABLE;
	result = record_read_bytes(bytes, len, schema, tl);
	free(bytes);
	return result;
}
