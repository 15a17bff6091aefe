/* SPDX-License-Identifier: MIT */
/*
 * The bounded writer and reader; see text.h.
 */
#include "hv/gdb/text.h"

static const char hex_digits[] = "0123456789abcdef";

size_t gdb_strlen(const char *str)
{
	size_t n = 0;

	while (str[n]) {
		n++;
	}
	return n;
}

int gdb_hex_digit(char c)
{
	if (c >= '0' && c <= '9') {
		return c - '0';
	}
	if (c >= 'a' && c <= 'f') {
		return c - 'a' + 10;
	}
	if (c >= 'A' && c <= 'F') {
		return c - 'A' + 10;
	}
	return -1;
}

void gdb_buf_init(struct gdb_buf *buf, char *data, size_t size)
{
	buf->data = data;
	buf->len = 0;
	buf->size = size;
	buf->skip = 0;
	buf->full = false;
}

void gdb_put_char(struct gdb_buf *buf, char c)
{
	gdb_put_bytes(buf, &c, 1);
}

void gdb_put_bytes(struct gdb_buf *buf, const void *bytes, size_t n)
{
	size_t room = buf->size - buf->len;
	size_t skip = buf->skip < n ? (size_t)buf->skip : n;

	buf->skip -= skip;
	n -= skip;
	if (n > room) {
		buf->full = true;
		n = room;
	}
	__builtin_memcpy(buf->data + buf->len, (const char *)bytes + skip, n);
	buf->len += n;
}

void gdb_put_str(struct gdb_buf *buf, const char *str)
{
	gdb_put_bytes(buf, str, gdb_strlen(str));
}

void gdb_put_hex8(struct gdb_buf *buf, uint8_t value)
{
	gdb_put_char(buf, hex_digits[value >> 4]);
	gdb_put_char(buf, hex_digits[value & 15]);
}

void gdb_put_hex(struct gdb_buf *buf, uint64_t value)
{
	int shift = 60;

	while (shift > 0 && !(value >> shift)) {
		shift -= 4;
	}
	for (; shift >= 0; shift -= 4) {
		gdb_put_char(buf, hex_digits[(value >> shift) & 15]);
	}
}

void gdb_put_dec(struct gdb_buf *buf, uint64_t value)
{
	char digits[20];
	int n = 0;

	do {
		digits[n++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (n) {
		gdb_put_char(buf, digits[--n]);
	}
}

void gdb_put_hexbytes(struct gdb_buf *buf, const void *bytes, size_t n)
{
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < n; i++) {
		gdb_put_hex8(buf, byte[i]);
	}
}

void gdb_scan_init(struct gdb_scan *scan, const char *text, size_t n)
{
	scan->at = text;
	scan->end = text + n;
}

size_t gdb_scan_left(const struct gdb_scan *scan)
{
	return (size_t)(scan->end - scan->at);
}

bool gdb_scan_char(struct gdb_scan *scan, char c)
{
	if (scan->at == scan->end || *scan->at != c) {
		return false;
	}
	scan->at++;
	return true;
}

bool gdb_scan_str(struct gdb_scan *scan, const char *str)
{
	size_t n = gdb_strlen(str);

	if (gdb_scan_left(scan) < n || __builtin_memcmp(scan->at, str, n)) {
		return false;
	}
	scan->at += n;
	return true;
}

bool gdb_scan_is(const struct gdb_scan *scan, const char *str)
{
	return gdb_scan_left(scan) == gdb_strlen(str) &&
	       !__builtin_memcmp(scan->at, str, gdb_scan_left(scan));
}

bool gdb_scan_hex(struct gdb_scan *scan, uint64_t *value)
{
	const char *at = scan->at;
	uint64_t sum = 0;

	for (; at < scan->end && gdb_hex_digit(*at) >= 0; at++) {
		if (sum >> 60) {
			return false;
		}
		sum = sum << 4 | (uint64_t)gdb_hex_digit(*at);
	}
	if (at == scan->at) {
		return false;
	}
	scan->at = at;
	*value = sum;
	return true;
}

bool gdb_scan_hexbytes(struct gdb_scan *scan, void *bytes, size_t n)
{
	uint8_t *byte = bytes;

	if (gdb_scan_left(scan) / 2 < n) {
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		int high = gdb_hex_digit(scan->at[0]);
		int low = gdb_hex_digit(scan->at[1]);

		if (high < 0 || low < 0) {
			return false;
		}
		byte[i] = (uint8_t)(high << 4 | low);
		scan->at += 2;
	}
	return true;
}

struct gdb_scan gdb_scan_until(struct gdb_scan *scan, char delim)
{
	struct gdb_scan piece = {.at = scan->at, .end = scan->at};

	while (piece.end < scan->end && *piece.end != delim) {
		piece.end++;
	}
	scan->at = piece.end < scan->end ? piece.end + 1 : piece.end;
	return piece;
}
