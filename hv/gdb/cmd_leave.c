/* SPDX-License-Identifier: MIT */
/*
 * D k vKill R: how a session ends, or does not.
 */
#include "hv/gdb/stub_i.h"

/* Inferiors that are not `pid`. */
static bool gdb_others_stay(struct gdb_stub *stub, uint64_t pid)
{
	struct gdb_tid thread;

	for (unsigned int i = 0; pid && gdb_thread_at(stub, i, &thread); i++) {
		if (thread.pid != pid) {
			return true;
		}
	}
	return false;
}

enum gdb_answer gdb_cmd_detach(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	uint64_t pid = 0;

	if (gdb_scan_left(args) && (!gdb_scan_char(args, ';') || !gdb_scan_hex(args, &pid) ||
				    gdb_scan_left(args) || pid > UINT32_MAX)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	gdb_answer_status(reply, GDB_OK);
	gdb_stub_send(stub, reply->len);
	if (!stub->attached) {
		return GDB_SILENT; /* the connection was lost by saying so */
	}
	if (!gdb_others_stay(stub, pid)) {
		stub->attached = false;
		stub->running = true;
		stub->owes_stop = false;
		stub->range.active = false;
	}
	stub->target->detach(stub->target->ctx, (uint32_t)pid);
	return GDB_SILENT;
}

enum gdb_answer gdb_cmd_kill(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	(void)args;
	(void)reply;
	stub->target->kill(stub->target->ctx, 0);
	return GDB_SILENT;
}

enum gdb_answer gdb_cmd_vkill(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	uint64_t pid;

	if (!gdb_scan_hex(args, &pid) || gdb_scan_left(args) || pid > UINT32_MAX) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	gdb_answer_status(reply, GDB_OK);
	gdb_stub_send(stub, reply->len);
	stub->target->kill(stub->target->ctx, (uint32_t)pid);
	return GDB_SILENT;
}

enum gdb_answer gdb_cmd_restart(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	(void)stub;
	(void)args;
	(void)reply;
	return GDB_SILENT;
}
