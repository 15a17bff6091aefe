/* SPDX-License-Identifier: MIT */
/*
 * Thread ids, and the packets about threads.
 */
#include "hv/gdb/stub_i.h"

bool gdb_thread_at(struct gdb_stub *stub, unsigned int index, struct gdb_tid *thread)
{
	const struct gdb_target *target = stub->target;

	if (stub->multiprocess) {
		return target->thread(target->ctx, index, thread);
	}
	/* Plain ids cannot tell inferiors apart: only the outermost is shown. */
	for (unsigned int i = 0; target->thread(target->ctx, i, thread); i++) {
		if (thread->pid == 1 && !index--) {
			return true;
		}
	}
	return false;
}

static bool gdb_part_match(uint32_t id, uint32_t part)
{
	return id == GDB_TID_ANY || id == GDB_TID_ALL || id == part;
}

bool gdb_thread_match(struct gdb_tid id, struct gdb_tid thread)
{
	return gdb_part_match(id.pid, thread.pid) && gdb_part_match(id.tid, thread.tid);
}

bool gdb_thread_find(struct gdb_stub *stub, struct gdb_tid id, struct gdb_tid *thread)
{
	for (unsigned int i = 0; gdb_thread_at(stub, i, thread); i++) {
		if (gdb_thread_match(id, *thread)) {
			return true;
		}
	}
	return false;
}

static bool gdb_scan_tid_part(struct gdb_scan *scan, uint32_t *part)
{
	struct gdb_scan text = *scan;
	uint64_t value;

	if (gdb_scan_str(&text, "-1")) {
		*part = GDB_TID_ALL;
	} else if (gdb_scan_hex(&text, &value) && value < GDB_TID_ALL) {
		*part = (uint32_t)value;
	} else {
		return false;
	}
	*scan = text;
	return true;
}

bool gdb_scan_tid(struct gdb_scan *scan, struct gdb_tid *id)
{
	id->pid = GDB_TID_ANY;
	if (!gdb_scan_char(scan, 'p')) {
		return gdb_scan_tid_part(scan, &id->tid);
	}
	id->tid = GDB_TID_ALL;
	return gdb_scan_tid_part(scan, &id->pid) &&
	       (!gdb_scan_char(scan, '.') || gdb_scan_tid_part(scan, &id->tid));
}

void gdb_put_tid(struct gdb_stub *stub, struct gdb_buf *buf, struct gdb_tid thread)
{
	if (stub->multiprocess) {
		gdb_put_char(buf, 'p');
		gdb_put_hex(buf, thread.pid);
		gdb_put_char(buf, '.');
	}
	gdb_put_hex(buf, thread.tid);
}

enum gdb_answer gdb_cmd_select(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	bool cont = gdb_scan_char(args, 'c');
	struct gdb_tid id, thread;

	if (!cont && !gdb_scan_char(args, 'g')) {
		return gdb_answer_status(reply, GDB_UNSUPPORTED);
	}
	if (!gdb_scan_tid(args, &id) || gdb_scan_left(args) ||
	    !gdb_thread_find(stub, id, &thread)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	if (cont) {
		stub->cont = id;
	} else if (!gdb_thread_match(id, stub->general)) {
		stub->general = thread;
	}
	return gdb_answer_status(reply, GDB_OK);
}

enum gdb_answer gdb_cmd_alive(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	struct gdb_tid id, thread;
	bool found =
	    gdb_scan_tid(args, &id) && !gdb_scan_left(args) && gdb_thread_find(stub, id, &thread);

	return gdb_answer_status(reply, found ? GDB_OK : GDB_INVALID);
}

enum gdb_answer gdb_cmd_current(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	(void)args;
	gdb_put_str(reply, "QC");
	gdb_put_tid(stub, reply, stub->general);
	return GDB_ANSWER;
}

/* As many ids as surely fit: an id is at most 18 characters and a comma. */
enum gdb_answer gdb_cmd_next_threads(struct gdb_stub *stub, struct gdb_scan *args,
				     struct gdb_buf *reply)
{
	struct gdb_tid thread;

	(void)args;
	while (reply->size - reply->len > 20 && gdb_thread_at(stub, stub->next_thread, &thread)) {
		gdb_put_char(reply, reply->len ? ',' : 'm');
		gdb_put_tid(stub, reply, thread);
		stub->next_thread++;
	}
	if (!reply->len) {
		gdb_put_char(reply, 'l');
	}
	return GDB_ANSWER;
}

enum gdb_answer gdb_cmd_first_threads(struct gdb_stub *stub, struct gdb_scan *args,
				      struct gdb_buf *reply)
{
	stub->next_thread = 0;
	return gdb_cmd_next_threads(stub, args, reply);
}

enum gdb_answer gdb_cmd_thread_extra(struct gdb_stub *stub, struct gdb_scan *args,
				     struct gdb_buf *reply)
{
	const struct gdb_target *target = stub->target;
	struct gdb_thread_info info = {0};
	struct gdb_tid id, thread;

	if (!gdb_scan_tid(args, &id) || gdb_scan_left(args) ||
	    !gdb_thread_find(stub, id, &thread)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	target->thread_info(target->ctx, thread, &info);
	gdb_put_hexbytes(reply, info.name, gdb_strlen(info.name));
	if (info.name[0] && info.extra[0]) {
		gdb_put_hex8(reply, ' ');
	}
	gdb_put_hexbytes(reply, info.extra, gdb_strlen(info.extra));
	return GDB_ANSWER;
}
