/* SPDX-License-Identifier: MIT */
/*
 * Text in and out of packets: a bounded writer and a bounded reader.
 *
 * Neither allocates nor goes beyond its buffer. A writer that runs full drops
 * what does not fit and remembers it in `full`; one with `skip` set leaves out
 * that many bytes first, so any part of a long text can be made by writing all
 * of it. A reader that meets something else than asked for stays where it is
 * and says so.
 *
 * Numbers of the protocol are hexadecimal, most significant digit first;
 * registers and memory are bytes, two digits each, in the guest's order.
 */
#ifndef HV_GDB_TEXT_H
#define HV_GDB_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gdb_buf {
	char *data;
	size_t len;
	size_t size;
	uint64_t skip; /* bytes still to be left out before the first one kept */
	bool full;     /* something was dropped at the end */
};

struct gdb_scan {
	const char *at;
	const char *end;
};

void gdb_buf_init(struct gdb_buf *buf, char *data, size_t size);
void gdb_put_char(struct gdb_buf *buf, char c);
void gdb_put_bytes(struct gdb_buf *buf, const void *bytes, size_t n);
void gdb_put_str(struct gdb_buf *buf, const char *str);
/* `value` without leading zeros. */
void gdb_put_hex(struct gdb_buf *buf, uint64_t value);
/* Exactly two digits. */
void gdb_put_hex8(struct gdb_buf *buf, uint8_t value);
void gdb_put_dec(struct gdb_buf *buf, uint64_t value);
/* Two digits for each byte, in memory order. */
void gdb_put_hexbytes(struct gdb_buf *buf, const void *bytes, size_t n);

void gdb_scan_init(struct gdb_scan *scan, const char *text, size_t n);
size_t gdb_scan_left(const struct gdb_scan *scan);
/* True, and steps over it, if `c` comes next. */
bool gdb_scan_char(struct gdb_scan *scan, char c);
/* True, and steps over it, if `str` comes next. */
bool gdb_scan_str(struct gdb_scan *scan, const char *str);
/* At least one digit and a value below 2^64; false leaves the reader alone. */
bool gdb_scan_hex(struct gdb_scan *scan, uint64_t *value);
/* Exactly 2n digits into n bytes; false may have written some of them. */
bool gdb_scan_hexbytes(struct gdb_scan *scan, void *bytes, size_t n);
/* Everything up to `delim` (stepped over) or the end. */
struct gdb_scan gdb_scan_until(struct gdb_scan *scan, char delim);
/* True if all of `scan` is `str`. */
bool gdb_scan_is(const struct gdb_scan *scan, const char *str);

size_t gdb_strlen(const char *str);
/* 0..15, or -1 for what is no digit. */
int gdb_hex_digit(char c);

#endif
