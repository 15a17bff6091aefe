/* SPDX-License-Identifier: MIT */
/*
 * The session: connection, acknowledgements, choice of the handler, stops.
 * What each packet means is in the cmd_*.c files.
 */
#include "hv/gdb/stub_i.h"

enum gdb_cmd_flag {
	WHOLE = 1 << 0,
	STOPPED = 1 << 1,
};

struct gdb_cmd {
	const char *prefix;
	gdb_handler_t handler;
	unsigned int flags;
};

static const struct gdb_cmd gdb_cmds[] = {
#define GDB_CMD(prefix, handler, flags, sentence) {prefix, handler, flags},
#include "hv/gdb/cmd.def"
};

#define GDB_NR_CMDS (sizeof(gdb_cmds) / sizeof(gdb_cmds[0]))

void gdb_stub_init(struct gdb_stub *stub, const struct gdb_target *target, gdb_out_fn_t out,
		   void *out_ctx)
{
	__builtin_memset(stub, 0, sizeof(*stub));
	stub->target = target;
	stub->out = out;
	stub->out_ctx = out_ctx;
	stub->running = true;
	gdb_rx_init(&stub->rx);
}

enum gdb_answer gdb_answer_status(struct gdb_buf *reply, enum gdb_status status)
{
	/* The numbers are those of errno, as other stubs send them. */
	static const char *const text[] = {
	    [GDB_OK] = "OK",	 [GDB_UNSUPPORTED] = "", [GDB_FULL] = "E28",
	    [GDB_FAULT] = "E14", [GDB_INVALID] = "E22",	 [GDB_BUSY] = "E16",
	};

	reply->len = 0;
	gdb_put_str(reply, text[status]);
	return GDB_ANSWER;
}

void gdb_stub_send(struct gdb_stub *stub, size_t len)
{
	stub->reply_len = len;
	gdb_tx_packet(stub->reply, len, stub->out, stub->out_ctx);
}

void gdb_stub_interrupt(struct gdb_stub *stub)
{
	if (stub->running && !stub->interrupted) {
		stub->interrupted = true;
		stub->target->interrupt(stub->target->ctx);
	}
}

void gdb_stub_connected(struct gdb_stub *stub)
{
	gdb_stub_disconnected(stub);
	stub->connected = true;
	stub->attached = true;
	stub->no_ack = false;
	stub->multiprocess = false;
	stub->swbreak = false;
	stub->hwbreak = false;
	stub->space = GDB_SPACE_GVA;
	stub->cont = (struct gdb_tid){GDB_TID_ANY, GDB_TID_ANY};
	stub->next_thread = 0;
	stub->reply_len = 0;
	gdb_rx_init(&stub->rx);
	stub->target->thread(stub->target->ctx, 0, &stub->general);
	if (!stub->running && stub->last.thread.tid) {
		stub->general = stub->last.thread;
	}
	gdb_stub_interrupt(stub);
}

void gdb_stub_disconnected(struct gdb_stub *stub)
{
	bool attached = stub->attached;

	if (!stub->connected) {
		return;
	}
	stub->connected = false;
	stub->attached = false;
	stub->owes_stop = false;
	stub->interrupted = false;
	stub->range.active = false;
	if (attached) {
		stub->running = true;
		stub->target->detach(stub->target->ctx, 0);
	}
}

static const struct gdb_cmd *gdb_cmd_lookup(const struct gdb_scan *packet, struct gdb_scan *args)
{
	const struct gdb_cmd *best = NULL;
	size_t best_len = 0;

	for (size_t i = 0; i < GDB_NR_CMDS; i++) {
		size_t len = gdb_strlen(gdb_cmds[i].prefix);
		struct gdb_scan rest = *packet;

		if (len <= best_len || !gdb_scan_str(&rest, gdb_cmds[i].prefix)) {
			continue;
		}
		if (gdb_scan_left(&rest) && gdb_cmds[i].flags & WHOLE) {
			continue;
		}
		best = &gdb_cmds[i];
		best_len = len;
		*args = rest;
	}
	return best;
}

static void gdb_stub_packet(struct gdb_stub *stub)
{
	const struct gdb_cmd *cmd;
	struct gdb_scan packet, args;
	struct gdb_buf reply;

	gdb_scan_init(&packet, stub->rx.data, stub->rx.len);
	gdb_buf_init(&reply, stub->reply, sizeof(stub->reply));
	stub->reply_len = 0;
	cmd = gdb_cmd_lookup(&packet, &args);
	if (!cmd) {
		gdb_stub_send(stub, 0);
	} else if (stub->running && cmd->flags & STOPPED) {
		gdb_answer_status(&reply, GDB_BUSY);
		gdb_stub_send(stub, reply.len);
	} else if (cmd->handler(stub, &args, &reply) == GDB_ANSWER && stub->connected) {
		gdb_stub_send(stub, reply.len);
	}
}

static void gdb_stub_ack(struct gdb_stub *stub, char ack)
{
	if (!stub->no_ack) {
		stub->out(stub->out_ctx, &ack, 1);
	}
}

/*
 * A packet that did not arrive as it was sent is never carried out. Without
 * acknowledgements an error is the only way to keep GDB from waiting for ever.
 */
static void gdb_stub_bad(struct gdb_stub *stub)
{
	struct gdb_buf reply;

	if (!stub->no_ack) {
		gdb_stub_ack(stub, '-');
		return;
	}
	gdb_buf_init(&reply, stub->reply, sizeof(stub->reply));
	gdb_answer_status(&reply, GDB_INVALID);
	gdb_stub_send(stub, reply.len);
}

static void gdb_stub_byte(struct gdb_stub *stub, uint8_t byte)
{
	struct gdb_buf reply;

	switch (gdb_rx_byte(&stub->rx, byte)) {
	case GDB_RX_NONE:
	case GDB_RX_ACK:
		return;
	case GDB_RX_PACKET:
		gdb_stub_ack(stub, '+');
		gdb_stub_packet(stub);
		return;
	case GDB_RX_BAD:
		gdb_stub_bad(stub);
		return;
	case GDB_RX_OVERSIZE:
		gdb_stub_ack(stub, '+');
		gdb_buf_init(&reply, stub->reply, sizeof(stub->reply));
		gdb_answer_status(&reply, GDB_INVALID);
		gdb_stub_send(stub, reply.len);
		return;
	case GDB_RX_NAK:
		if (!stub->no_ack && stub->reply_len) {
			gdb_stub_send(stub, stub->reply_len);
		}
		return;
	case GDB_RX_INTERRUPT:
		/* While the guest stands, its stop has crossed the byte: done. */
		gdb_stub_interrupt(stub);
		return;
	}
}

void gdb_stub_input(struct gdb_stub *stub, const void *bytes, size_t n)
{
	const uint8_t *byte = bytes;

	for (size_t i = 0; i < n && stub->connected; i++) {
		gdb_stub_byte(stub, byte[i]);
	}
}

/* A step within its range that nobody wants stopped takes the next one. */
static bool gdb_stub_step_on(struct gdb_stub *stub, const struct gdb_stop *stop)
{
	const struct gdb_target *target = stub->target;
	const struct gdb_range *range = &stub->range;
	struct gdb_regs regs = {0};
	struct gdb_tid thread;

	if (!range->active || stub->interrupted || stop->reason != GDB_STOP_STEP ||
	    !gdb_thread_match(range->thread, stop->thread)) {
		return false;
	}
	if (target->read_regs(target->ctx, stop->thread, &regs) != GDB_OK ||
	    regs.rip < range->start || regs.rip >= range->end) {
		return false;
	}
	for (unsigned int i = 0; range->others_run && gdb_thread_at(stub, i, &thread); i++) {
		if (!gdb_thread_match(range->thread, thread)) {
			target->plan(target->ctx, thread, GDB_ACTION_CONTINUE);
		}
	}
	target->plan(target->ctx, range->thread, GDB_ACTION_STEP);
	target->run(target->ctx);
	return true;
}

void gdb_stub_stopped(struct gdb_stub *stub, const struct gdb_stop *stop)
{
	if (stub->running && gdb_stub_step_on(stub, stop)) {
		return;
	}
	stub->last = *stop;
	stub->running = false;
	stub->interrupted = false;
	stub->range.active = false;
	if (stop->thread.tid) {
		stub->general = stop->thread;
	}
	if (stub->owes_stop) {
		stub->owes_stop = false;
		gdb_stub_send_stop(stub);
	}
}

bool gdb_stub_console(struct gdb_stub *stub, const char *text, size_t n)
{
	char packet[1 + 2 * 128];
	struct gdb_buf buf;

	if (!stub->connected || !(stub->owes_stop || stub->in_monitor)) {
		return false;
	}
	while (n) {
		size_t piece = n < 128 ? n : 128;

		gdb_buf_init(&buf, packet, sizeof(packet));
		gdb_put_char(&buf, 'O');
		gdb_put_hexbytes(&buf, text, piece);
		gdb_tx_packet(packet, buf.len, stub->out, stub->out_ctx);
		text += piece;
		n -= piece;
	}
	stub->reply_len = 0; /* what was sent before must not come after this */
	return true;
}
