/* SPDX-License-Identifier: MIT */
/*
 * GDB remote stub: the session with one GDB about the guests of one target.
 *
 *     bytes from GDB --> gdb_stub_input()   --> callbacks of struct gdb_target
 *     a stop         --> gdb_stub_stopped() --> out(), bytes to GDB
 *
 * All-stop. Everything happens inside the calls below: the stub has no thread,
 * no clock and no memory but its own struct, and takes no lock: its owner makes
 * one call at a time.
 *
 *   source    GDB manual, appendix "GDB Remote Serial Protocol"
 */
#ifndef HV_GDB_STUB_H
#define HV_GDB_STUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv/gdb/packet.h"
#include "hv/gdb/target.h"

/* A step that goes on while rip is in [start, end): vCont's `r`. */
struct gdb_range {
	bool active;
	bool others_run; /* the other threads continue meanwhile */
	struct gdb_tid thread;
	uint64_t start;
	uint64_t end;
};

/* Private to hv/gdb; here so that its owner can have one without malloc. */
struct gdb_stub {
	const struct gdb_target *target;
	gdb_out_fn_t out;
	void *out_ctx;

	/* the connection */
	bool connected;
	bool no_ack;
	bool multiprocess; /* thread ids are pPID.TID */
	bool swbreak;	   /* GDB understands these stop reasons */
	bool hwbreak;
	bool attached; /* since connect or '?', until D or k */

	/* the guest */
	bool running;	  /* let go, or never seen standing */
	bool owes_stop;	  /* GDB waits for a stop reply */
	bool interrupted; /* interrupt() was called and no stop came yet */
	bool in_monitor;
	struct gdb_stop last;
	struct gdb_range range;

	/* what later packets refer to */
	struct gdb_tid general; /* Hg: registers and memory of this thread */
	struct gdb_tid cont;	/* Hc: what c and s are about; tid 0 is any */
	enum gdb_space space;
	unsigned int next_thread; /* qsThreadInfo */

	/* the last packet sent, for a '-'; built here too */
	size_t reply_len;
	char reply[GDB_PACKET_MAX];

	struct gdb_rx rx;
};

/*
 * Starts without a connection and with a guest that is taken to run until
 * gdb_stub_stopped() says otherwise. `target` and what it points to outlive the
 * stub. `out` gets the bytes for GDB.
 */
void gdb_stub_init(struct gdb_stub *stub, const struct gdb_target *target, gdb_out_fn_t out,
		   void *out_ctx);

/*
 * A GDB is there: a new session in ack mode, nothing of an earlier one stays.
 * The guest is stopped if it runs.
 */
void gdb_stub_connected(struct gdb_stub *stub);

/*
 * The connection is lost or closed: the same as if GDB had detached. May be
 * called more than once and from inside `out`.
 */
void gdb_stub_disconnected(struct gdb_stub *stub);

/* n bytes from GDB, cut anywhere. Ignored without a connection. */
void gdb_stub_input(struct gdb_stub *stub, const void *bytes, size_t n);

/*
 * All threads stand, because of `stop`. Called once for each run() or
 * interrupt(), and when the guest stops or ends for a reason of its own; with a
 * connection or without.
 */
void gdb_stub_stopped(struct gdb_stub *stub, const struct gdb_stop *stop);

/*
 * Text for GDB's user. GDB takes it while the guest runs or a monitor command
 * is being answered; at other times it is dropped.
 *
 *   returns   whether it was sent
 */
bool gdb_stub_console(struct gdb_stub *stub, const char *text, size_t n);

#endif
