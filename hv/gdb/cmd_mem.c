/* SPDX-License-Identifier: MIT */
/*
 * m M x X, search and checksum: memory of the thread Hg chose, in the address
 * space Qqemu.PhyMemMode chose.
 */
#include "hv/gdb/stub_i.h"

static size_t gdb_mem_read(struct gdb_stub *stub, uint64_t addr, void *bytes, size_t len)
{
	const struct gdb_target *target = stub->target;

	return target->read_mem(target->ctx, stub->general, stub->space, addr, bytes, len);
}

static enum gdb_status gdb_mem_write(struct gdb_stub *stub, uint64_t addr, const void *bytes,
				     size_t len)
{
	const struct gdb_target *target = stub->target;
	size_t done;

	if (!len) {
		return GDB_OK;
	}
	if (addr + (len - 1) < addr) {
		return GDB_FAULT;
	}
	done = target->write_mem(target->ctx, stub->general, stub->space, addr, bytes, len);
	return done == len ? GDB_OK : GDB_FAULT;
}

/* ADDR,LENGTH; the length is cut at `max` and at the end of the space. */
static bool gdb_scan_range(struct gdb_scan *scan, uint64_t *addr, uint64_t *len, uint64_t max)
{
	if (!gdb_scan_hex(scan, addr) || !gdb_scan_char(scan, ',') || !gdb_scan_hex(scan, len)) {
		return false;
	}
	if (*len > max) {
		*len = max;
	}
	if (*len && *addr + (*len - 1) < *addr) {
		*len = -*addr;
	}
	return true;
}

/*
 * The bytes are read into the second half of the reply; each is turned into
 * its two digits before these could reach it.
 */
enum gdb_answer gdb_cmd_read_mem(struct gdb_stub *stub, struct gdb_scan *args,
				 struct gdb_buf *reply)
{
	const size_t half = sizeof(stub->reply) / 2;
	char *bytes = stub->reply + half;
	uint64_t addr, len;
	size_t done;

	if (!gdb_scan_range(args, &addr, &len, half) || gdb_scan_left(args) || !len) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	done = gdb_mem_read(stub, addr, bytes, (size_t)len);
	if (!done) {
		return gdb_answer_status(reply, GDB_FAULT);
	}
	gdb_put_hexbytes(reply, bytes, done);
	return GDB_ANSWER;
}

/* Length 0 is GDB asking whether the packet is known. */
enum gdb_answer gdb_cmd_read_binary(struct gdb_stub *stub, struct gdb_scan *args,
				    struct gdb_buf *reply)
{
	uint64_t addr, len;
	size_t done;

	if (!gdb_scan_range(args, &addr, &len, reply->size - 1) || gdb_scan_left(args)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	done = len ? gdb_mem_read(stub, addr, reply->data + 1, (size_t)len) : 0;
	if (len && !done) {
		return gdb_answer_status(reply, GDB_FAULT);
	}
	gdb_put_char(reply, 'b');
	reply->len += done;
	return GDB_ANSWER;
}

/* ADDR,LENGTH: and then exactly `digits` characters for each byte. */
static bool gdb_scan_write(struct gdb_scan *scan, uint64_t *addr, size_t *len, size_t digits)
{
	uint64_t count;

	if (!gdb_scan_hex(scan, addr) || !gdb_scan_char(scan, ',') || !gdb_scan_hex(scan, &count) ||
	    !gdb_scan_char(scan, ':') || gdb_scan_left(scan) % digits ||
	    gdb_scan_left(scan) / digits != count) {
		return false;
	}
	*len = (size_t)count;
	return true;
}

enum gdb_answer gdb_cmd_write_mem(struct gdb_stub *stub, struct gdb_scan *args,
				  struct gdb_buf *reply)
{
	char *bytes = stub->reply; /* half as long as the digits, so it fits */
	uint64_t addr;
	size_t len;

	if (!gdb_scan_write(args, &addr, &len, 2) || !gdb_scan_hexbytes(args, bytes, len)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	return gdb_answer_status(reply, gdb_mem_write(stub, addr, bytes, len));
}

enum gdb_answer gdb_cmd_write_binary(struct gdb_stub *stub, struct gdb_scan *args,
				     struct gdb_buf *reply)
{
	uint64_t addr;
	size_t len;

	if (!gdb_scan_write(args, &addr, &len, 1)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	return gdb_answer_status(reply, gdb_mem_write(stub, addr, args->at, len));
}

/* The offset of pattern[0, n) in hay[0, len), or len if it is not there. */
static size_t gdb_find(const char *hay, size_t len, const char *pattern, size_t n)
{
	for (size_t i = 0; i + n <= len; i++) {
		if (hay[i] == pattern[0] && !__builtin_memcmp(hay + i, pattern, n)) {
			return i;
		}
	}
	return len;
}

/*
 * Looks through memory in pieces; the last n - 1 bytes of a piece are kept in
 * front of the next one, so that a pattern lying across is found.
 */
static enum gdb_status gdb_search(struct gdb_stub *stub, uint64_t addr, uint64_t len,
				  struct gdb_scan pattern, bool *found, uint64_t *where)
{
	size_t n = gdb_scan_left(&pattern);
	char *hay = stub->reply;
	size_t kept = 0;

	*found = false;
	while (len) {
		size_t piece = sizeof(stub->reply) - kept;
		size_t offset;

		piece = piece < len ? piece : (size_t)len;
		if (gdb_mem_read(stub, addr, hay + kept, piece) != piece) {
			return GDB_FAULT;
		}
		offset = gdb_find(hay, kept + piece, pattern.at, n);
		if (offset < kept + piece) {
			*found = true;
			*where = addr - kept + offset;
			return GDB_OK;
		}
		addr += piece;
		len -= piece;
		piece += kept;
		kept = n - 1 < piece ? n - 1 : piece;
		__builtin_memmove(hay, hay + piece - kept, kept);
	}
	return GDB_OK;
}

enum gdb_answer gdb_cmd_search(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	uint64_t addr, len, where = 0;
	enum gdb_status status;
	bool found;

	if (!gdb_scan_hex(args, &addr) || !gdb_scan_char(args, ';') || !gdb_scan_hex(args, &len) ||
	    !gdb_scan_char(args, ';') || !gdb_scan_left(args) ||
	    gdb_scan_left(args) > GDB_PATTERN_MAX || len > GDB_SCAN_MAX) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	if (len && addr + (len - 1) < addr) {
		len = -addr;
	}
	status = gdb_search(stub, addr, len, *args, &found, &where);
	if (status != GDB_OK) {
		return gdb_answer_status(reply, status);
	}
	gdb_put_char(reply, found ? '1' : '0');
	if (found) {
		gdb_put_char(reply, ',');
		gdb_put_hex(reply, where);
	}
	return GDB_ANSWER;
}

/* The CRC-32 of the protocol: polynomial 04c11db7, highest bit first. */
static uint32_t gdb_crc32(uint32_t crc, const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		crc ^= (uint32_t)bytes[i] << 24;
		for (int bit = 0; bit < 8; bit++) {
			crc = crc & 0x80000000u ? crc << 1 ^ 0x04c11db7u : crc << 1;
		}
	}
	return crc;
}

enum gdb_answer gdb_cmd_crc(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	uint32_t crc = 0xffffffffu;
	uint64_t addr, len;

	if (!gdb_scan_range(args, &addr, &len, GDB_SCAN_MAX + 1) || gdb_scan_left(args) ||
	    len > GDB_SCAN_MAX) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	while (len) {
		size_t piece = len < sizeof(stub->reply) ? (size_t)len : sizeof(stub->reply);

		if (gdb_mem_read(stub, addr, stub->reply, piece) != piece) {
			return gdb_answer_status(reply, GDB_FAULT);
		}
		crc = gdb_crc32(crc, (const uint8_t *)stub->reply, piece);
		addr += piece;
		len -= piece;
	}
	gdb_put_char(reply, 'C');
	gdb_put_hex(reply, crc);
	return GDB_ANSWER;
}

enum gdb_answer gdb_cmd_get_phys(struct gdb_stub *stub, struct gdb_scan *args,
				 struct gdb_buf *reply)
{
	(void)args;
	gdb_put_char(reply, stub->space == GDB_SPACE_GPA ? '1' : '0');
	return GDB_ANSWER;
}

enum gdb_answer gdb_cmd_set_phys(struct gdb_stub *stub, struct gdb_scan *args,
				 struct gdb_buf *reply)
{
	if (gdb_scan_is(args, "0")) {
		stub->space = GDB_SPACE_GVA;
	} else if (gdb_scan_is(args, "1")) {
		stub->space = GDB_SPACE_GPA;
	} else {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	return gdb_answer_status(reply, GDB_OK);
}
