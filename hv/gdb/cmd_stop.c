/* SPDX-License-Identifier: MIT */
/*
 * ? and vCtrlC, and what GDB is told when the guest stops.
 */
#include "hv/gdb/stub_i.h"

#define GDB_SIGNAL_INT	2
#define GDB_SIGNAL_TRAP 5

static uint8_t gdb_stop_signal(const struct gdb_stop *stop)
{
	switch (stop->reason) {
	case GDB_STOP_PAUSED:
		return 0;
	case GDB_STOP_INTERRUPT:
		return GDB_SIGNAL_INT;
	case GDB_STOP_SIGNAL:
		return stop->signal;
	default:
		return GDB_SIGNAL_TRAP;
	}
}

/* Only GDBs that said so understand swbreak and hwbreak; watch is older. */
static void gdb_put_reason(struct gdb_stub *stub, struct gdb_buf *buf)
{
	static const char *const watch[GDB_NR_BREAK_TYPES] = {
	    [GDB_WATCH_WRITE] = "watch",
	    [GDB_WATCH_READ] = "rwatch",
	    [GDB_WATCH_ACCESS] = "awatch",
	};
	const struct gdb_stop *stop = &stub->last;

	if (stop->reason == GDB_STOP_SOFT && stub->swbreak) {
		gdb_put_str(buf, "swbreak:;");
	} else if (stop->reason == GDB_STOP_HARD && stub->hwbreak) {
		gdb_put_str(buf, "hwbreak:;");
	} else if (stop->reason == GDB_STOP_WATCH && watch[stop->watch]) {
		gdb_put_str(buf, watch[stop->watch]);
		gdb_put_char(buf, ':');
		gdb_put_hex(buf, stop->gva);
		gdb_put_char(buf, ';');
	}
}

static void gdb_put_expedited(struct gdb_stub *stub, struct gdb_buf *buf)
{
	const struct gdb_target *target = stub->target;
	struct gdb_regs regs = {0};

	if (target->read_regs(target->ctx, stub->general, &regs) != GDB_OK) {
		return;
	}
	for (int reg = 0; reg < GDB_NR_REGS; reg++) {
		if (!gdb_reg_rows[reg].expedited || !(regs.known & gdb_reg_rows[reg].group)) {
			continue;
		}
		gdb_put_hex8(buf, (uint8_t)reg);
		gdb_put_char(buf, ':');
		gdb_reg_put(buf, &regs, (enum gdb_reg)reg);
		gdb_put_char(buf, ';');
	}
}

void gdb_stub_send_stop(struct gdb_stub *stub)
{
	const struct gdb_stop *stop = &stub->last;
	struct gdb_buf buf;

	gdb_buf_init(&buf, stub->reply, sizeof(stub->reply));
	if (stop->reason == GDB_STOP_EXITED) {
		gdb_put_char(&buf, 'W');
		gdb_put_hex8(&buf, stop->code);
		if (stub->multiprocess) {
			gdb_put_str(&buf, ";process:");
			gdb_put_hex(&buf, stub->general.pid);
		}
	} else {
		gdb_put_char(&buf, 'T');
		gdb_put_hex8(&buf, gdb_stop_signal(stop));
		gdb_put_str(&buf, "thread:");
		gdb_put_tid(stub, &buf, stub->general);
		gdb_put_char(&buf, ';');
		gdb_put_reason(stub, &buf);
		gdb_put_expedited(stub, &buf);
	}
	gdb_stub_send(stub, buf.len);
}

enum gdb_answer gdb_cmd_why(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	(void)args;
	(void)reply;
	stub->attached = true;
	stub->owes_stop = stub->running;
	if (stub->running) {
		gdb_stub_interrupt(stub);
	} else {
		gdb_stub_send_stop(stub);
	}
	return GDB_SILENT;
}

enum gdb_answer gdb_cmd_ctrl_c(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	(void)args;
	gdb_answer_status(reply, GDB_OK);
	gdb_stub_send(stub, reply->len); /* before the stop reply, however soon */
	gdb_stub_interrupt(stub);
	return GDB_SILENT;
}
