/* SPDX-License-Identifier: MIT */
/*
 * The register table and its text form; see regs.h.
 */
#include "hv/gdb/regs.h"

#define GDB_REG(number, name, bits, type, feature, group, expedited, field)       \
	_Static_assert(GDB_REG_##name == number, "numbers of regs.def count up"); \
	_Static_assert(sizeof(((struct gdb_regs *)0)->field) * 8 == bits, "width of a register");
#include "hv/gdb/regs.def"

_Static_assert(GDB_NR_REGS <= 256, "a stop reply has two digits for a register's number");

const struct gdb_reg_row gdb_reg_rows[GDB_NR_REGS] = {
#define GDB_REG(number, reg_name, bits, reg_type, feat, grp, exp, field) \
	[number] = {.name = #reg_name,                                   \
		    .type = reg_type,                                    \
		    .offset = offsetof(struct gdb_regs, field),          \
		    .bytes = bits / 8,                                   \
		    .feature = GDB_FEATURE_##feat,                       \
		    .group = GDB_GROUP_##grp,                            \
		    .expedited = exp},
#include "hv/gdb/regs.def"
};

void gdb_reg_put(struct gdb_buf *buf, const struct gdb_regs *regs, enum gdb_reg reg)
{
	const struct gdb_reg_row *row = &gdb_reg_rows[reg];

	if (regs->known & row->group) {
		gdb_put_hexbytes(buf, (const uint8_t *)regs + row->offset, row->bytes);
		return;
	}
	for (int i = 0; i < 2 * row->bytes; i++) {
		gdb_put_char(buf, 'x');
	}
}

int gdb_reg_scan(struct gdb_scan *scan, struct gdb_regs *regs, enum gdb_reg reg)
{
	const struct gdb_reg_row *row = &gdb_reg_rows[reg];
	uint8_t *field = (uint8_t *)regs + row->offset;
	struct gdb_scan text = *scan;
	uint8_t value[16];

	if (gdb_scan_left(scan) >= 2u * row->bytes && *scan->at == 'x') {
		scan->at += 2 * row->bytes;
		return 0;
	}
	if (!(regs->known & row->group) || !gdb_scan_hexbytes(&text, value, row->bytes)) {
		return -1;
	}
	*scan = text;
	if (!__builtin_memcmp(field, value, row->bytes)) {
		return 0;
	}
	__builtin_memcpy(field, value, row->bytes);
	return (int)row->group;
}
