/* SPDX-License-Identifier: MIT */
/* Writing a recording, chunk by chunk. */
#include "tui/record.h"
#include "tui/record_i.h"
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include "tui/say.h"

struct recorder {
	FILE *file;
	u8 *data;	/* of the chunk being filled */
	size_t len;
	unsigned nr;	/* events in it */
	u64 events;
	bool failed;
};

u32 record_crc(u32 crc, const u8 *bytes, size_t len)
{
	static u32 table[256];

	if (!table[1])
		for (u32 i = 0; i < 256; i++) {
			table[i] = i;
			for (int bit = 0; bit < 8; bit++)
				table[i] = table[i] >> 1 ^ (table[i] & 1 ? 0xedb88320u : 0);
		}
	crc = ~crc;
	for (size_t i = 0; i < len; i++)
		crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
	return ~crc;
}

static void put(struct recorder *rec, const void *bytes, size_t len)
{
	if (len && fwrite(bytes, 1, len, rec->file) != len)
		rec->failed = true;
}

static void chunk(struct recorder *rec, u32 type, const u8 *data, size_t len)
{
	u8 head[RECORD_HEAD] = { 0 };

	put_le(head, type, 4);
	put_le(head + 4, len, 4);
	put_le(head + 8, record_crc(record_crc(0, head, 8), data, len), 4);
	put(rec, head, sizeof(head));
	put(rec, data, len);
}

static json_t *row_json(const struct ev_info *row)
{
	json_t *fields = json_array();

	for (const struct ev_field *f = row->fields; f->name; f++)
		json_array_append_new(fields, json_pack("[ssi]", f->name, f->unit, f->size));
	return json_pack("[iso]", row->id, row->name, fields);
}

static void write_meta(struct recorder *rec)
{
	json_t *rows = json_array(), *meta;
	char *text;

	for (unsigned i = 0; i < ev_table_size; i++)
		json_array_append_new(rows, row_json(&ev_table[i]));
	meta = json_pack("{sssiso}", "program", "vitrine", "format", RECORD_VERSION, "events", rows);
	text = json_dumps(meta, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(meta);
	if (!text)
		die("out of memory");
	chunk(rec, RECORD_META, (const u8 *)text, strlen(text));
	free(text);
}

struct recorder *record_open(const char *path)
{
	struct recorder *rec;
	u8 head[RECORD_HEAD] = RECORD_MAGIC;
	FILE *file = fopen(path, "wb");

	if (!file)
		return NULL;
	rec = xcalloc(1, sizeof(*rec));
	rec->file = file;
	rec->data = xcalloc(RECORD_EVENTS, RECORD_EVENT_HEAD + 0x10000);
	put_le(head + 8, RECORD_VERSION, 4);
	put_le(head + 12, 0, 4);
	put(rec, head, sizeof(head));
	write_meta(rec);
	return rec;
}

static void flush_events(struct recorder *rec)
{
	if (rec->nr)
		chunk(rec, RECORD_EVNT, rec->data, rec->len);
	fflush(rec->file);
	rec->nr = 0;
	rec->len = 0;
}

void record_event(struct recorder *rec, const struct event *ev)
{
	u8 *to = rec->data + rec->len;

	put_le(to, ev->seq, 8);
	put_le(to + 8, ev->clock, 8);
	put_le(to + 16, ev->cause ? ev->seq - ev->cause : 0, 4);
	put_le(to + 20, ev->id, 2);
	put_le(to + 22, ev->site, 2);
	to[24] = ev->vm;
	to[25] = ev->level;
	to[26] = ev->vcpu;
	to[27] = ev->flags;
	put_le(to + 28, ev->len, 2);
	put_le(to + 30, 0, 2);
	if (ev->len)
		memcpy(to + RECORD_EVENT_HEAD, ev->payload, ev->len);
	rec->len += RECORD_EVENT_HEAD + ev->len;
	rec->events++;
	if (++rec->nr == RECORD_EVENTS)
		flush_events(rec);
}

bool record_close(struct recorder *rec, u64 lost)
{
	u8 end[16];
	bool ok;

	flush_events(rec);
	put_le(end, rec->events, 8);
	put_le(end + 8, lost, 8);
	chunk(rec, RECORD_END, end, sizeof(end));
	ok = !rec->failed;
	if (fclose(rec->file))
		ok = false;
	free(rec->data);
	free(rec);
	return ok;
}
