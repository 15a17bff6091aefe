/* SPDX-License-Identifier: MIT */
/* Recordings: the same events give the same bytes, damage is named, nothing
 * that can be read is withheld. */
#include "tests/tap.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/tui/fake.h"
#include "tui/format.h"
#include "tui/record.h"
#include "tui/record_i.h"

static struct schema *schema;

static u8 *slurp(const char *path, size_t *len)
{
	FILE *file = fopen(path, "rb");
	u8 *bytes = malloc(1 << 22);

	ck_assert_ptr_nonnull(file);
	*len = fread(bytes, 1, 1 << 22, file);
	fclose(file);
	return bytes;
}

/* A recording of nr events, as bytes. */
static u8 *recorded(unsigned nr, size_t *len)
{
	char path[] = "/tmp/vitrine-check-XXXXXX";
	int fd = mkstemp(path);
	struct recorder *rec = record_open(path);
	u8 *bytes;

	ck_assert_int_ge(fd, 0);
	ck_assert_ptr_nonnull(rec);
	for (u64 i = 1; i <= nr; i++) {
		struct ev_sp_free e = { i };
		struct ev_sp_new n = { i, i + 0x100, 0x31, i << 12, 0 };
		struct event ev = { .seq = i, .clock = i * 3, .cause = i / 2, .site = 4,
				    .level = 1, .vcpu = 0 };

		ev.id = i & 1 ? EV_sp_new : EV_sp_free;
		ev.payload = i & 1 ? (const u8 *)&n : (const u8 *)&e;
		ev.len = i & 1 ? sizeof(n) : sizeof(e);
		record_event(rec, &ev);
	}
	ck_assert(record_close(rec, 0));
	bytes = slurp(path, len);
	close(fd);
	unlink(path);
	return bytes;
}

static enum record_result read_back(const u8 *bytes, size_t len, struct timeline **tl)
{
	schema = schema ? schema : schema_new();
	*tl = timeline_new(schema);
	return record_read_bytes(bytes, len, schema, *tl);
}

static void done(u8 *bytes, struct timeline *tl)
{
	timeline_free(tl);
	schema_free(schema);
	schema = NULL;
	free(bytes);
}

START_TEST(what_was_recorded_is_read_back)
{
	size_t len;
	struct timeline *tl;
	u8 *bytes = recorded(1000, &len);
	const struct event *ev;

	ck_assert_int_eq(read_back(bytes, len, &tl), RECORD_OK);
	ck_assert_uint_eq(timeline_count(tl), 1000);
	ev = timeline_event(tl, 698);
	ck_assert_uint_eq(ev->seq, 699);
	ck_assert_uint_eq(ev->clock, 2097);
	ck_assert_uint_eq(ev->cause, 349);
	ck_assert_uint_eq(ev->site, 4);
	ck_assert_uint_eq(ev->id, EV_sp_new);
	ck_assert_str_eq(timeline_notes(tl), "");
	done(bytes, tl);
}
END_TEST

START_TEST(two_recordings_of_the_same_events_are_the_same_bytes)
{
	size_t a_len, b_len;
	u8 *a = recorded(700, &a_len), *b = recorded(700, &b_len);

	ck_assert_uint_eq(a_len, b_len);
	ck_assert_mem_eq(a, b, a_len);
	free(a);
	free(b);
}
END_TEST

START_TEST(a_truncated_recording_is_shown_as_far_as_it_goes)
{
	size_t len, last = 0;
	u8 *bytes = recorded(600, &len);

	for (size_t cut = RECORD_HEAD; cut < len; cut += 97) {
		struct timeline *tl;

		ck_assert_int_eq(read_back(bytes, cut, &tl), RECORD_DAMAGED);
		ck_assert_uint_ge(timeline_count(tl), last);
		last = timeline_count(tl);
		ck_assert_ptr_nonnull(strstr(timeline_notes(tl), "damaged at offset"));
		timeline_free(tl);
	}
	ck_assert_uint_ge(last, 2 * RECORD_EVENTS);
	schema_free(schema);
	schema = NULL;
	free(bytes);
}
END_TEST

START_TEST(a_wrong_byte_costs_one_chunk_and_is_named)
{
	size_t len, at;
	struct timeline *tl;
	u8 *bytes = recorded(1000, &len);

	for (at = RECORD_HEAD; get_le(bytes + at, 4) != RECORD_EVNT;)
		at += RECORD_HEAD + get_le(bytes + at + 4, 4);
	at += RECORD_HEAD + get_le(bytes + at + 4, 4);
	bytes[at + 300] ^= 0x10;
	ck_assert_int_eq(read_back(bytes, len, &tl), RECORD_DAMAGED);
	ck_assert_uint_eq(timeline_count(tl), 1000 - RECORD_EVENTS);
	ck_assert_ptr_nonnull(strstr(timeline_notes(tl), "chunk 3: the checksum is wrong"));
	ck_assert_uint_eq(timeline_live(tl)->lost, RECORD_EVENTS);
	done(bytes, tl);
}
END_TEST

START_TEST(what_is_no_recording_is_refused)
{
	struct timeline *tl;

	ck_assert_int_eq(read_back((const u8 *)"#!/bin/sh\necho hello world\n", 27, &tl),
			 RECORD_NOT_ONE);
	done(NULL, tl);
}
END_TEST

/* A recording whose writer had an event we do not know, and one whose fields
 * lie in another order. */
static u8 *foreign(size_t *len)
{
	static const char meta[] = "{\"events\":[[4000,\"strange\",[[\"depth\",\"count\",2]]],"
				   "[19,\"sp_free\",[[\"extra\",\"num\",2],[\"sp\",\"sp\",4]]]]}";
	u8 *bytes = calloc(1, 4096), *p = bytes + RECORD_HEAD, *events;
	size_t meta_len = sizeof(meta) - 1;

	memcpy(bytes, RECORD_MAGIC, 8);
	put_le(bytes + 8, RECORD_VERSION, 4);
	put_le(p, RECORD_META, 4);
	put_le(p + 4, meta_len, 4);
	memcpy(p + RECORD_HEAD, meta, meta_len);
	put_le(p + 8, record_crc(record_crc(0, p, 8), p + RECORD_HEAD, meta_len), 4);
	p += RECORD_HEAD + meta_len;
	events = p + RECORD_HEAD;
	put_le(events, 1, 8);
	put_le(events + 20, 4000, 2);
	put_le(events + 28, 2, 2);
	put_le(events + 32, 77, 2);
	put_le(events + 34, 2, 8);
	put_le(events + 54, EV_sp_free, 2);
	put_le(events + 62, 6, 2);
	put_le(events + 66, 0x9999, 2);
	put_le(events + 68, 12, 4);
	put_le(p, RECORD_EVNT, 4);
	put_le(p + 4, 72, 4);
	put_le(p + 8, record_crc(record_crc(0, p, 8), events, 72), 4);
	*len = p + RECORD_HEAD + 72 - bytes;
	return bytes;
}

START_TEST(events_of_another_version_stay_readable)
{
	size_t len;
	u8 *bytes = foreign(&len);
	struct timeline *tl;
	struct text text = { 0 };
	u64 sp = 0;

	ck_assert_int_eq(read_back(bytes, len, &tl), RECORD_DAMAGED);
	ck_assert_uint_eq(timeline_count(tl), 2);
	format_event(&text, schema, timeline_event(tl, 0));
	ck_assert_str_eq(text_str(&text), "1 0 0.0.0 cause=0 strange depth=77 @0");
	ck_assert(event_field(schema, timeline_event(tl, 1), "sp", &sp));
	ck_assert_uint_eq(sp, 12);
	text_free(&text);
	done(bytes, tl);
}
END_TEST

START_TEST(no_damaged_file_can_harm_the_reader)
{
	size_t len;
	u8 *bytes = recorded(300, &len), *copy = malloc(len);
	u64 random = 42;

	for (int round = 0; round < 400; round++) {
		struct timeline *tl;

		memcpy(copy, bytes, len);
		for (int i = 0; i < 1 + round % 7; i++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			copy[RECORD_HEAD + (random >> 20) % (len - RECORD_HEAD)] = random >> 56;
		}
		/* Half of them with a checksum that fits, so that the inside is
		 * looked at. */
		for (size_t at = RECORD_HEAD; round & 1 && len - at > RECORD_HEAD;) {
			u64 n = get_le(copy + at + 4, 4);

			if (n > len - at - RECORD_HEAD)
				break;
			put_le(copy + at + 8,
			       record_crc(record_crc(0, copy + at, 8), copy + at + RECORD_HEAD, n),
			       4);
			at += RECORD_HEAD + n;
		}
		read_back(copy, len, &tl);
		timeline_at(tl, timeline_count(tl) / 2);
		timeline_free(tl);
		schema_free(schema);
		schema = NULL;
	}
	free(copy);
	free(bytes);
}
END_TEST

TAP_MAIN("record", what_was_recorded_is_read_back,
	 two_recordings_of_the_same_events_are_the_same_bytes,
	 a_truncated_recording_is_shown_as_far_as_it_goes,
	 a_wrong_byte_costs_one_chunk_and_is_named, what_is_no_recording_is_refused,
	 events_of_another_version_stay_readable, no_damaged_file_can_harm_the_reader)
