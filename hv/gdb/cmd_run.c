/* SPDX-License-Identifier: MIT */
/*
 * Letting the guest go: vCont and its elders c C s S.
 */
#include "hv/gdb/stub_i.h"

/* Sends the planned threads off; the answer is the stop reply. */
static enum gdb_answer gdb_run(struct gdb_stub *stub)
{
	stub->owes_stop = true;
	stub->running = true;
	stub->target->run(stub->target->ctx);
	return GDB_SILENT;
}

/* A guest that is over has only its end to tell. */
static bool gdb_run_over(struct gdb_stub *stub)
{
	if (stub->last.reason != GDB_STOP_EXITED) {
		return false;
	}
	gdb_stub_send_stop(stub);
	return true;
}

/* One action of vCont: c, Csig, s, Ssig, t, rSTART,END; then :THREAD or all. */
struct gdb_vcont {
	char action;
	uint64_t start;
	uint64_t end;
	struct gdb_tid id;
};

static bool gdb_scan_vcont(struct gdb_scan *scan, struct gdb_vcont *cont)
{
	struct gdb_scan text = gdb_scan_until(scan, ';');
	static const char actions[] = "cCsStr";
	uint64_t signal;
	bool known = false;

	cont->id = (struct gdb_tid){GDB_TID_ALL, GDB_TID_ALL};
	for (int i = 0; actions[i] && !known; i++) {
		cont->action = actions[i];
		known = gdb_scan_char(&text, actions[i]);
	}
	if (!known) {
		return false;
	}
	if ((cont->action == 'C' || cont->action == 'S') && !gdb_scan_hex(&text, &signal)) {
		return false;
	}
	if (cont->action == 'r' &&
	    (!gdb_scan_hex(&text, &cont->start) || !gdb_scan_char(&text, ',') ||
	     !gdb_scan_hex(&text, &cont->end))) {
		return false;
	}
	if (gdb_scan_char(&text, ':') && !gdb_scan_tid(&text, &cont->id)) {
		return false;
	}
	return !gdb_scan_left(&text);
}

/* The leftmost action that speaks of `thread`. */
static bool gdb_vcont_for(struct gdb_scan actions, struct gdb_tid thread, struct gdb_vcont *cont)
{
	while (gdb_scan_left(&actions) && gdb_scan_vcont(&actions, cont)) {
		if (gdb_thread_match(cont->id, thread)) {
			return true;
		}
	}
	return false;
}

static void gdb_vcont_plan(struct gdb_stub *stub, const struct gdb_vcont *cont,
			   struct gdb_tid thread)
{
	const struct gdb_target *target = stub->target;
	bool step = cont->action == 's' || cont->action == 'S' || cont->action == 'r';

	if (cont->action == 'r' && !stub->range.active) {
		stub->range.active = true;
		stub->range.thread = thread;
		stub->range.start = cont->start;
		stub->range.end = cont->end;
	} else if (!step) {
		stub->range.others_run = true;
	}
	target->plan(target->ctx, thread, step ? GDB_ACTION_STEP : GDB_ACTION_CONTINUE);
}

enum gdb_answer gdb_cmd_vcont(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	struct gdb_scan check = *args;
	struct gdb_vcont cont = {0};
	struct gdb_tid thread;
	bool planned = false, stop = false;

	do {
		if (!gdb_scan_vcont(&check, &cont)) {
			return gdb_answer_status(reply, GDB_INVALID);
		}
		stop |= cont.action == 't';
	} while (gdb_scan_left(&check));
	if (stub->running) {
		if (!stop) {
			return gdb_answer_status(reply, GDB_BUSY);
		}
		stub->owes_stop = true;
		gdb_stub_interrupt(stub);
		return GDB_SILENT;
	}
	if (gdb_run_over(stub)) {
		return GDB_SILENT;
	}
	stub->range = (struct gdb_range){0};
	for (unsigned int i = 0; gdb_thread_at(stub, i, &thread); i++) {
		if (gdb_vcont_for(*args, thread, &cont) && cont.action != 't') {
			gdb_vcont_plan(stub, &cont, thread);
			planned = true;
		}
	}
	return planned ? gdb_run(stub) : gdb_answer_status(reply, GDB_INVALID);
}

enum gdb_answer gdb_cmd_vcont_query(struct gdb_stub *stub, struct gdb_scan *args,
				    struct gdb_buf *reply)
{
	(void)stub;
	(void)args;
	/* GDB takes vCont only from a stub that has both c and C. */
	gdb_put_str(reply, "vCont;c;C;s;S;t;r");
	return GDB_ANSWER;
}

/* The thread an elder packet is about. */
static struct gdb_tid gdb_run_thread(struct gdb_stub *stub)
{
	struct gdb_tid thread;

	if (gdb_thread_match(stub->cont, stub->general) ||
	    !gdb_thread_find(stub, stub->cont, &thread)) {
		return stub->general;
	}
	return thread;
}

/* c and s: an address to go on from may follow. */
static enum gdb_answer gdb_resume(struct gdb_stub *stub, struct gdb_scan *args,
				  struct gdb_buf *reply, enum gdb_action action)
{
	const struct gdb_target *target = stub->target;
	bool all = stub->cont.tid == GDB_TID_ANY || stub->cont.tid == GDB_TID_ALL;
	struct gdb_tid chosen = gdb_run_thread(stub), thread;
	struct gdb_regs regs = {0};
	bool jump = gdb_scan_left(args);
	uint64_t rip = 0;

	if (jump && (!gdb_scan_hex(args, &rip) || gdb_scan_left(args))) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	if (gdb_run_over(stub)) {
		return GDB_SILENT;
	}
	if (jump) {
		enum gdb_status status = target->read_regs(target->ctx, chosen, &regs);

		regs.rip = rip;
		if (status == GDB_OK) {
			status = target->write_regs(target->ctx, chosen, &regs, GDB_GROUP_GENERAL);
		}
		if (status != GDB_OK) {
			return gdb_answer_status(reply, status);
		}
	}
	for (unsigned int i = 0; all && gdb_thread_at(stub, i, &thread); i++) {
		if (!gdb_thread_match(chosen, thread)) {
			target->plan(target->ctx, thread, GDB_ACTION_CONTINUE);
		}
	}
	target->plan(target->ctx, chosen, action);
	return gdb_run(stub);
}

enum gdb_answer gdb_cmd_continue(struct gdb_stub *stub, struct gdb_scan *args,
				 struct gdb_buf *reply)
{
	return gdb_resume(stub, args, reply, GDB_ACTION_CONTINUE);
}

enum gdb_answer gdb_cmd_step(struct gdb_stub *stub, struct gdb_scan *args, struct gdb_buf *reply)
{
	return gdb_resume(stub, args, reply, GDB_ACTION_STEP);
}

/* SIGNAL or SIGNAL;ADDR: leaves what c and s take. */
static bool gdb_scan_signal(struct gdb_scan *args)
{
	uint64_t signal;

	return gdb_scan_hex(args, &signal) && (!gdb_scan_left(args) || gdb_scan_char(args, ';'));
}

enum gdb_answer gdb_cmd_continue_signal(struct gdb_stub *stub, struct gdb_scan *args,
					struct gdb_buf *reply)
{
	if (!gdb_scan_signal(args)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	return gdb_resume(stub, args, reply, GDB_ACTION_CONTINUE);
}

enum gdb_answer gdb_cmd_step_signal(struct gdb_stub *stub, struct gdb_scan *args,
				    struct gdb_buf *reply)
{
	if (!gdb_scan_signal(args)) {
		return gdb_answer_status(reply, GDB_INVALID);
	}
	return gdb_resume(stub, args, reply, GDB_ACTION_STEP);
}
