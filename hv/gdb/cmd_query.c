/* SPDX-License-Identifier: MIT */
/*
 * What the stub can do, the documents GDB reads, and monitor commands.
 */
#include "hv/gdb/stub_i.h"

/* One "name+" of GDB's list; any other name or sign is not for us. */
static void gdb_feature_take(struct gdb_stub *stub, const struct gdb_scan *item)
{
	if (gdb_scan_is(item, "multiprocess+")) {
		stub->multiprocess = true;
	} else if (gdb_scan_is(item, "swbreak+")) {
		stub->swbreak = true;
	} else if (gdb_scan_is(item, "hwbreak+")) {
		stub->hwbreak = true;
	}
}

/* What is offered does not depend on GDB's list, which may be missing. */
enum gdb_answer gdb_cmd_supported(struct gdb_stub *stub, struct gdb_scan *args,
				  struct gdb_buf *reply)
{
	if (gdb_scan_left(args) && !gdb_scan_char(args, ':')) {
		return gdb_answer_status(reply, GDB_UNSUPPORTED);
	}
	stub->multiprocess = false;
	stub->swbreak = false;
	stub->hwbreak = false;
	while (gdb_scan_left(args)) {
		struct gdb_scan item = gdb_scan_until(args, ';');

		gdb_feature_take(stub, &item);
	}
	gdb_put_str(reply, "PacketSize=");
	gdb_put_hex(reply, GDB_PACKET_MAX);
	gdb_put_str(reply, ";QStartNoAckMode+;qXfer:features:read+;qXfer:threads:read+"
			   ";swbreak+;hwbreak+;vContSupported+;binary-upload+");
	if (stub->target->rom) {
		gdb_put_str(reply, ";qXfer:memory-map:read+");
	}
	if (stub->multiprocess) {
		gdb_put_str(reply, ";multiprocess+");
	}
	return GDB_ANSWER;
}

/* The acknowledgement of this packet is out already; GDB's for OK is ignored. */
enum gdb_answer gdb_cmd_no_ack(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	(void)args;
	stub->no_ack = true;
	return gdb_answer_status(reply, GDB_OK);
}

enum gdb_answer gdb_cmd_attached(struct gdb_stub *stub, struct gdb_scan *args,
				 struct gdb_buf *reply)
{
	(void)stub;
	(void)args;
	gdb_put_char(reply, '1');
	return GDB_ANSWER;
}

/*
 * ANNEX:OFFSET,LENGTH. The reply becomes the buffer for that part of the
 * document: all of it is written there, `skip` and `size` cut out the part.
 */
static bool gdb_xfer_begin(struct gdb_scan *args, const char *annex, struct gdb_buf *reply)
{
	struct gdb_scan name = gdb_scan_until(args, ':');
	uint64_t offset, len;

	if (!gdb_scan_is(&name, annex) || !gdb_scan_hex(args, &offset) ||
	    !gdb_scan_char(args, ',') || !gdb_scan_hex(args, &len) || gdb_scan_left(args)) {
		return false;
	}
	gdb_put_char(reply, 'm');
	if (len < reply->size - 1) {
		reply->size = (size_t)len + 1;
	}
	reply->skip = offset;
	return true;
}

/* 'm': there is more; 'l': this was the last part. */
static enum gdb_answer gdb_xfer_end(struct gdb_buf *reply)
{
	reply->data[0] = reply->full ? 'm' : 'l';
	return GDB_ANSWER;
}

enum gdb_answer gdb_cmd_xfer_features(struct gdb_stub *stub, struct gdb_scan *args,
				      struct gdb_buf *reply)
{
	(void)stub;
	if (!gdb_xfer_begin(args, "target.xml", reply)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	gdb_describe_target(reply);
	return gdb_xfer_end(reply);
}

enum gdb_answer gdb_cmd_xfer_memory(struct gdb_stub *stub, struct gdb_scan *args,
				    struct gdb_buf *reply)
{
	if (!stub->target->rom) {
		return gdb_answer_status(reply, GDB_UNSUPPORTED);
	}
	if (!gdb_xfer_begin(args, "", reply)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	gdb_describe_memory(stub, reply);
	return gdb_xfer_end(reply);
}

enum gdb_answer gdb_cmd_xfer_threads(struct gdb_stub *stub, struct gdb_scan *args,
				     struct gdb_buf *reply)
{
	if (!gdb_xfer_begin(args, "", reply)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	gdb_describe_threads(stub, reply);
	return gdb_xfer_end(reply);
}

/* The line takes the place of its digits: it is half as long. */
enum gdb_answer gdb_cmd_monitor(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	const struct gdb_target *target = stub->target;
	size_t len = gdb_scan_left(args) / 2;
	char *line = (char *)args->at;
	enum gdb_status status;

	if (!target->monitor) {
		return gdb_answer_status(reply, GDB_UNSUPPORTED);
	}
	if (gdb_scan_left(args) % 2 || !gdb_scan_hexbytes(args, line, len)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	line[len] = 0;
	stub->in_monitor = true;
	status = target->monitor(target->ctx, stub->general, line, stub);
	stub->in_monitor = false;
	if (status == GDB_UNSUPPORTED) {
		status = GDB_INVALID;
	}
	return gdb_answer_status(reply, status);
}

enum gdb_answer gdb_cmd_unsupported(struct gdb_stub *stub, struct gdb_scan *args,
				    struct gdb_buf *reply)
{
	(void)stub;
	(void)args;
	return gdb_answer_status(reply, GDB_UNSUPPORTED);
}
