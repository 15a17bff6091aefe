/* SPDX-License-Identifier: MIT */
/*
 * Recordings. All numbers little-endian.
 *
 *	file    "vitrec1\n", u32 version 1, u32 0, then chunks
 *	chunk   u32 type, u32 length of data, u32 CRC-32 of type, length and
 *	        data, u32 0, data
 *	META    JSON: who wrote it, and the rows of every event it knew
 *	EVNT    RECORD_EVENTS events (fewer in the last one), each
 *	        u64 seq, u64 clock, u32 cause (seq minus it), u16 id, u16 site,
 *	        u8 vm, level, vcpu, flags, u16 length, u16 0, payload
 *	END     u64 events, u64 lost
 *
 * The same events give the same bytes: no times, no names of this machine.
 */
#ifndef TUI_RECORD_H
#define TUI_RECORD_H

#include <stdio.h>
#include "tui/event.h"
#include "tui/timeline.h"

#define RECORD_VERSION	1u
#define RECORD_EVENTS	256u

struct recorder;

/*
 * Begins a recording.
 *   returns  NULL if the file cannot be made; errno says why
 */
struct recorder *record_open(const char *path);
void record_event(struct recorder *rec, const struct event *ev);

/* Writes the last chunk and END. Returns false if any write failed. */
bool record_close(struct recorder *rec, u64 lost);

/* ---- reading --------------------------------------------------------------- */

enum record_result {
	RECORD_OK,
	RECORD_DAMAGED,		/* something was missing; the notes say what */
	RECORD_NOT_ONE,		/* the file is no recording */
	RECORD_UNREADABLE,	/* errno */
};

/*
 * Reads a recording into a timeline, as far as it is readable: damaged chunks
 * are named in the timeline's notes and skipped.
 *   schema  gets the rows of events that only the writer knew
 */
enum record_result record_read(const char *path, struct schema *schema, struct timeline *tl);

/* The same from memory. */
enum record_result record_read_bytes(const u8 *bytes, size_t len, struct schema *schema,
				     struct timeline *tl);

#endif
