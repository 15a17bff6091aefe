/* SPDX-License-Identifier: MIT */
/*
 * The documents GDB reads with qXfer: registers, memory, threads.
 *
 *   source    GDB manual, "Target Descriptions", "Memory Map Format",
 *             "Thread List Format"
 */
#include "hv/gdb/stub_i.h"

static const char *const gdb_feature_names[GDB_NR_FEATURES] = {
#define GDB_FEATURE(id, name) [GDB_FEATURE_##id] = name,
#include "hv/gdb/regs.def"
};

struct gdb_flag_row {
	enum gdb_feature feature;
	const char *type;
	uint8_t bytes;
	const char *name;
	uint8_t first;
	uint8_t last;
};

static const struct gdb_flag_row gdb_flag_rows[] = {
#define GDB_FLAG(feature, type, bytes, name, first, last) \
	{GDB_FEATURE_##feature, type, bytes, name, first, last},
#include "hv/gdb/regs.def"
};

#define GDB_NR_FLAGS (sizeof(gdb_flag_rows) / sizeof(gdb_flag_rows[0]))

/* The views of an SSE register; 16-bit floats are left to GDB's own layout. */
static const char gdb_vector_types[] =
    "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/>"
    "<vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
    "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/>"
    "<vector id=\"v8i16\" type=\"int16\" count=\"8\"/>"
    "<vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
    "<vector id=\"v2i64\" type=\"int64\" count=\"2\"/>"
    "<union id=\"vec128\">"
    "<field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>"
    "<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v8_int16\" type=\"v8i16\"/>"
    "<field name=\"v4_int32\" type=\"v4i32\"/><field name=\"v2_int64\" type=\"v2i64\"/>"
    "<field name=\"uint128\" type=\"uint128\"/></union>\n";

static void gdb_put_attr(struct gdb_buf *buf, const char *name, const char *value)
{
	gdb_put_char(buf, ' ');
	gdb_put_str(buf, name);
	gdb_put_str(buf, "=\"");
	gdb_put_str(buf, value);
	gdb_put_char(buf, '"');
}

static void gdb_put_attr_dec(struct gdb_buf *buf, const char *name, uint64_t value)
{
	gdb_put_char(buf, ' ');
	gdb_put_str(buf, name);
	gdb_put_str(buf, "=\"");
	gdb_put_dec(buf, value);
	gdb_put_char(buf, '"');
}

static void gdb_put_attr_hex(struct gdb_buf *buf, const char *name, uint64_t value)
{
	gdb_put_char(buf, ' ');
	gdb_put_str(buf, name);
	gdb_put_str(buf, "=\"0x");
	gdb_put_hex(buf, value);
	gdb_put_char(buf, '"');
}

/* Text of the target's, which may hold anything. */
static void gdb_put_escaped(struct gdb_buf *buf, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			gdb_put_str(buf, "&lt;");
			break;
		case '>':
			gdb_put_str(buf, "&gt;");
			break;
		case '&':
			gdb_put_str(buf, "&amp;");
			break;
		case '"':
			gdb_put_str(buf, "&quot;");
			break;
		default:
			gdb_put_char(buf, *text >= ' ' && *text <= '~' ? *text : '?');
		}
	}
}

/* Whether rows i and j, which may not be there, are of one flags type. */
static bool gdb_same_flags(size_t i, size_t j)
{
	const char *a, *b;

	if (i >= GDB_NR_FLAGS || j >= GDB_NR_FLAGS) {
		return false;
	}
	a = gdb_flag_rows[i].type;
	b = gdb_flag_rows[j].type;
	return gdb_strlen(a) == gdb_strlen(b) && !__builtin_memcmp(a, b, gdb_strlen(a));
}

static void gdb_describe_flags(struct gdb_buf *buf, enum gdb_feature feature)
{
	for (size_t i = 0; i < GDB_NR_FLAGS; i++) {
		const struct gdb_flag_row *row = &gdb_flag_rows[i];

		if (row->feature != feature) {
			continue;
		}
		if (!gdb_same_flags(i - 1, i)) {
			gdb_put_str(buf, "<flags");
			gdb_put_attr(buf, "id", row->type);
			gdb_put_attr_dec(buf, "size", row->bytes);
			gdb_put_str(buf, ">");
		}
		gdb_put_str(buf, "<field");
		gdb_put_attr(buf, "name", row->name);
		gdb_put_attr_dec(buf, "start", row->first);
		gdb_put_attr_dec(buf, "end", row->last);
		gdb_put_str(buf, "/>");
		if (!gdb_same_flags(i, i + 1)) {
			gdb_put_str(buf, "</flags>\n");
		}
	}
}

static void gdb_describe_regs(struct gdb_buf *buf, enum gdb_feature feature)
{
	for (int reg = 0; reg < GDB_NR_REGS; reg++) {
		const struct gdb_reg_row *row = &gdb_reg_rows[reg];

		if (row->feature != feature) {
			continue;
		}
		gdb_put_str(buf, "<reg");
		gdb_put_attr(buf, "name", row->name);
		gdb_put_attr_dec(buf, "bitsize", row->bytes * 8u);
		gdb_put_attr(buf, "type", row->type);
		gdb_put_attr_dec(buf, "regnum", (uint64_t)reg);
		if (row->group == GDB_GROUP_X87) {
			gdb_put_attr(buf, "group", "float");
		}
		gdb_put_str(buf, "/>\n");
	}
}

/*
 * Whatever mode the guest is in, the description is that of a 64-bit one: GDB
 * reads it once, and a guest changes modes as it boots. A GDB without a symbol
 * file would take the guest for a process of the system it was built for; the
 * OS ABI says it is none.
 */
void gdb_describe_target(struct gdb_buf *buf)
{
	gdb_put_str(buf, "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n"
			 "<target version=\"1.0\"><architecture>i386:x86-64</architecture>"
			 "<osabi>none</osabi>\n");
	for (int feature = 0; feature < GDB_NR_FEATURES; feature++) {
		gdb_put_str(buf, "<feature");
		gdb_put_attr(buf, "name", gdb_feature_names[feature]);
		gdb_put_str(buf, ">\n");
		gdb_describe_flags(buf, feature);
		if (feature == GDB_FEATURE_SSE) {
			gdb_put_str(buf, gdb_vector_types);
		}
		gdb_describe_regs(buf, feature);
		gdb_put_str(buf, "</feature>\n");
	}
	gdb_put_str(buf, "</target>\n");
}

/*
 * [start, last], both included, since the end of the space has no number. A
 * length of 2^64 has none either: that piece is told as two.
 */
static void gdb_describe_piece(struct gdb_buf *buf, const char *type, uint64_t start, uint64_t last)
{
	if (!start && last == UINT64_MAX) {
		gdb_describe_piece(buf, type, 0, UINT64_MAX / 2);
		start = UINT64_MAX / 2 + 1;
	}
	gdb_put_str(buf, "<memory");
	gdb_put_attr(buf, "type", type);
	gdb_put_attr_hex(buf, "start", start);
	gdb_put_attr_hex(buf, "length", last - start + 1);
	gdb_put_str(buf, "/>\n");
}

/*
 * GDB refuses to touch what no region covers, and it asks for the map once, in
 * the addresses it uses: virtual ones, which mean something else after the
 * guest's next write to CR3. So all that is not ROM is told to be RAM; what is
 * not mapped at the moment the target itself refuses, quietly.
 */
void gdb_describe_memory(struct gdb_stub *stub, struct gdb_buf *buf)
{
	const struct gdb_target *target = stub->target;
	struct gdb_region rom;
	uint64_t next = 0;
	bool top = false; /* the last piece reached the end of the space */

	gdb_put_str(buf, "<?xml version=\"1.0\"?>\n<memory-map>\n");
	for (unsigned int i = 0; target->rom(target->ctx, i, &rom); i++) {
		if (rom.start > next) {
			gdb_describe_piece(buf, "ram", next, rom.start - 1);
		}
		gdb_describe_piece(buf, "rom", rom.start, rom.start + (rom.len - 1));
		next = rom.start + rom.len;
		top = !next;
	}
	if (!top) {
		gdb_describe_piece(buf, "ram", next, UINT64_MAX);
	}
	gdb_put_str(buf, "</memory-map>\n");
}

void gdb_describe_threads(struct gdb_stub *stub, struct gdb_buf *buf)
{
	const struct gdb_target *target = stub->target;
	struct gdb_tid thread;

	gdb_put_str(buf, "<?xml version=\"1.0\"?>\n<threads>\n");
	for (unsigned int i = 0; gdb_thread_at(stub, i, &thread); i++) {
		struct gdb_thread_info info = {0};

		target->thread_info(target->ctx, thread, &info);
		gdb_put_str(buf, "<thread id=\"");
		gdb_put_tid(stub, buf, thread);
		gdb_put_char(buf, '"');
		gdb_put_attr_dec(buf, "core", info.core);
		if (info.name[0]) {
			gdb_put_str(buf, " name=\"");
			gdb_put_escaped(buf, info.name);
			gdb_put_char(buf, '"');
		}
		gdb_put_char(buf, '>');
		gdb_put_escaped(buf, info.extra);
		gdb_put_str(buf, "</thread>\n");
	}
	gdb_put_str(buf, "</threads>\n");
}
