/* SPDX-License-Identifier: MIT */
/*
 * Z and z: breakpoints and watchpoints, all of them the target's work.
 */
#include "hv/gdb/stub_i.h"

/*
 * TYPE,ADDR,KIND. Conditions and commands, which may follow a ';', are never
 * offered to GDB; it evaluates them itself.
 */
static enum gdb_status gdb_scan_break(struct gdb_scan *scan, struct gdb_break *brk)
{
	uint64_t type;

	if (!gdb_scan_hex(scan, &type) || !gdb_scan_char(scan, ',') ||
	    !gdb_scan_hex(scan, &brk->gva) || !gdb_scan_char(scan, ',') ||
	    !gdb_scan_hex(scan, &brk->len) || gdb_scan_left(scan)) {
		return GDB_INVALID;
	}
	if (type >= GDB_NR_BREAK_TYPES) {
		return GDB_UNSUPPORTED;
	}
	brk->type = (enum gdb_break_type)type;
	return brk->len ? GDB_OK : GDB_INVALID;
}

/*
 * An empty answer makes GDB plant an INT3 with a memory write of its own, which
 * a guest that is not prepared for #BP does not survive. So a target without
 * software breakpoints is an error to GDB, never an empty answer.
 */
static enum gdb_answer gdb_answer_break(struct gdb_buf *reply, enum gdb_break_type type,
					enum gdb_status status)
{
	if (type == GDB_BREAK_SOFT && status == GDB_UNSUPPORTED) {
		status = GDB_INVALID;
	}
	return gdb_answer_status(reply, status);
}

enum gdb_answer gdb_cmd_set_break(struct gdb_stub *stub, struct gdb_scan *args,
				  struct gdb_buf *reply)
{
	const struct gdb_target *target = stub->target;
	struct gdb_break brk;
	enum gdb_status status = gdb_scan_break(args, &brk);

	if (status != GDB_OK) {
		return gdb_answer_status(reply, status);
	}
	status = target->set_break(target->ctx, stub->general, &brk);
	return gdb_answer_break(reply, brk.type, status);
}

enum gdb_answer gdb_cmd_clear_break(struct gdb_stub *stub, struct gdb_scan *args,
				    struct gdb_buf *reply)
{
	const struct gdb_target *target = stub->target;
	struct gdb_break brk;
	enum gdb_status status = gdb_scan_break(args, &brk);

	if (status != GDB_OK) {
		return gdb_answer_status(reply, status);
	}
	status = target->clear_break(target->ctx, stub->general, &brk);
	return gdb_answer_break(reply, brk.type, status);
}
