/* SPDX-License-Identifier: MIT */
/*
 * g G p P: the registers of the thread Hg chose.
 */
#include "hv/gdb/stub_i.h"

static enum gdb_status gdb_regs_read(struct gdb_stub *stub, struct gdb_regs *regs)
{
	const struct gdb_target *target = stub->target;

	__builtin_memset(regs, 0, sizeof(*regs));
	return target->read_regs(target->ctx, stub->general, regs);
}

static enum gdb_status gdb_regs_write(struct gdb_stub *stub, const struct gdb_regs *regs,
				      unsigned int groups)
{
	const struct gdb_target *target = stub->target;
	enum gdb_status status = GDB_OK;

	if (groups) {
		status = target->write_regs(target->ctx, stub->general, regs, groups);
	}
	/* An empty answer would tell GDB that the packet is not known at all. */
	return status == GDB_UNSUPPORTED ? GDB_INVALID : status;
}

enum gdb_answer gdb_cmd_read_regs(struct gdb_stub *stub, struct gdb_scan *args,
				  struct gdb_buf *reply)
{
	struct gdb_regs regs;
	enum gdb_status status = gdb_regs_read(stub, &regs);

	(void)args;
	if (status != GDB_OK) {
		return gdb_answer_status(reply, status);
	}
	for (int reg = 0; reg < GDB_NR_REGS; reg++) {
		gdb_reg_put(reply, &regs, reg);
	}
	return GDB_ANSWER;
}

enum gdb_answer gdb_cmd_write_regs(struct gdb_stub *stub, struct gdb_scan *args,
				   struct gdb_buf *reply)
{
	struct gdb_regs regs;
	enum gdb_status status = gdb_regs_read(stub, &regs);
	unsigned int groups = 0;

	if (status != GDB_OK) {
		return gdb_answer_status(reply, status);
	}
	for (int reg = 0; reg < GDB_NR_REGS; reg++) {
		int group = gdb_reg_scan(args, &regs, reg);

		if (group < 0) {
			return gdb_answer_status(reply, GDB_INVALID);
		}
		groups |= (unsigned int)group;
	}
	if (gdb_scan_left(args)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	return gdb_answer_status(reply, gdb_regs_write(stub, &regs, groups));
}

enum gdb_answer gdb_cmd_read_reg(struct gdb_stub *stub, struct gdb_scan *args,
				 struct gdb_buf *reply)
{
	struct gdb_regs regs;
	enum gdb_status status;
	uint64_t reg;

	if (!gdb_scan_hex(args, &reg) || gdb_scan_left(args) || reg >= GDB_NR_REGS) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	status = gdb_regs_read(stub, &regs);
	if (status != GDB_OK) {
		return gdb_answer_status(reply, status);
	}
	gdb_reg_put(reply, &regs, (enum gdb_reg)reg);
	return GDB_ANSWER;
}

enum gdb_answer gdb_cmd_write_reg(struct gdb_stub *stub, struct gdb_scan *args,
				  struct gdb_buf *reply)
{
	struct gdb_regs regs;
	enum gdb_status status;
	uint64_t reg;
	int group;

	if (!gdb_scan_hex(args, &reg) || !gdb_scan_char(args, '=') || reg >= GDB_NR_REGS) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	status = gdb_regs_read(stub, &regs);
	if (status != GDB_OK) {
		return gdb_answer_status(reply, status);
	}
	group = gdb_reg_scan(args, &regs, (enum gdb_reg)reg);
	if (group < 0 || gdb_scan_left(args)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	return gdb_answer_status(reply, gdb_regs_write(stub, &regs, (unsigned int)group));
}
