/* SPDX-License-Identifier: MIT */
/*
 * D k vKill R: how a session ends, or does not.
 */
#include "hv/gdb/stub_i.h"

/* Whether the target has inferior `pid`, 0 being all of them, and others. */
static bool gdb_inferior_exists(struct gdb_stub *stub, uint64_t pid, bool *others)
{
	const struct gdb_target *target = stub->target;
	struct gdb_tid thread;
	bool exists = !pid;

	*others = false;
	for (unsigned int i = 0; pid && target->thread(target->ctx, i, &thread); i++) {
		exists |= thread.pid == pid;
		*others |= thread.pid != pid;
	}
	return exists;
}

/* No inferior is GDB's any more; the connection may stay. */
static void gdb_leave(struct gdb_stub *stub)
{
	stub->attached = false;
	stub->running = true;
	stub->owes_stop = false;
	stub->interrupted = false;
	stub->range.active = false;
}

enum gdb_answer gdb_cmd_detach(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	uint64_t pid = 0;
	bool others;

	if (gdb_scan_left(args) &&
	    (!gdb_scan_char(args, ';') || !gdb_scan_hex(args, &pid) || gdb_scan_left(args))) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	if (!gdb_inferior_exists(stub, pid, &others)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	gdb_answer_status(reply, GDB_OK);
	gdb_stub_send(stub, reply->len);
	if (!stub->attached) {
		return GDB_SILENT; /* the connection was lost by saying so */
	}
	if (!others) {
		gdb_leave(stub);
	}
	stub->target->detach(stub->target->ctx, (uint32_t)pid);
	return GDB_SILENT;
}

enum gdb_answer gdb_cmd_kill(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	(void)args;
	(void)reply;
	gdb_leave(stub);
	stub->target->kill(stub->target->ctx, 0);
	return GDB_SILENT;
}

enum gdb_answer gdb_cmd_vkill(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	uint64_t pid;
	bool others;

	if (!gdb_scan_hex(args, &pid) || gdb_scan_left(args) ||
	    !gdb_inferior_exists(stub, pid, &others)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	gdb_answer_status(reply, GDB_OK);
	gdb_stub_send(stub, reply->len);
	if (!others) {
		gdb_leave(stub);
	}
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
