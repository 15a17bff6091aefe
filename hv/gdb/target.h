/* SPDX-License-Identifier: MIT */
/*
 * What the GDB stub asks of the one that runs the guests: one struct of
 * callbacks. The stub knows the protocol, the target knows vCPUs, page tables
 * and breakpoints. The hypervisor fills it for its guests; tests fill it with a
 * few bytes of memory.
 *
 * A thread is a vCPU, an inferior (pid) a guest: 1 is the outermost one, guests
 * of a guest come after it. Both count from 1.
 *
 * Every callback runs in the context that called gdb_stub_input(),
 * gdb_stub_connected(), gdb_stub_disconnected() or gdb_stub_stopped(), returns
 * without waiting for the guest, and receives `ctx` first.
 */
#ifndef HV_GDB_TARGET_H
#define HV_GDB_TARGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hv/gdb/regs.h"

struct gdb_stub;

struct gdb_tid {
	uint32_t pid;
	uint32_t tid;
};

/* How a callback went; the stub turns it into GDB's answer. */
enum gdb_status {
	GDB_OK,
	GDB_UNSUPPORTED, /* this target does not have that at all */
	GDB_FULL,	 /* every debug register is in use, no room left */
	GDB_FAULT,	 /* nothing is mapped there */
	GDB_INVALID,	 /* no such thread, length or value */
	GDB_BUSY,	 /* not while the guest runs */
};

/* What an address of read_mem and write_mem is. */
enum gdb_space {
	GDB_SPACE_GVA, /* linear address, through the thread's own page tables */
	GDB_SPACE_GPA, /* physical address of the thread's guest */
};

/* The types of the Z packet, in its numbering. */
enum gdb_break_type {
	GDB_BREAK_SOFT, /* the target plants an INT3 or what serves as one */
	GDB_BREAK_HARD, /* without a change of guest memory */
	GDB_WATCH_WRITE,
	GDB_WATCH_READ,
	GDB_WATCH_ACCESS,
	GDB_NR_BREAK_TYPES,
};

struct gdb_break {
	enum gdb_break_type type;
	uint64_t gva;
	uint64_t len; /* bytes watched; for breakpoints 1 or GDB's "kind" */
};

enum gdb_action {
	GDB_ACTION_STEP,     /* one instruction, then stop */
	GDB_ACTION_CONTINUE, /* until something stops the guest */
};

enum gdb_stop_reason {
	GDB_STOP_PAUSED,    /* somebody else's wish, or not started yet */
	GDB_STOP_STEP,	    /* the instruction asked for is done */
	GDB_STOP_SOFT,	    /* rip is the address of a GDB_BREAK_SOFT */
	GDB_STOP_HARD,	    /* rip is the address of a GDB_BREAK_HARD */
	GDB_STOP_WATCH,	    /* the access is done; gva is the watched address */
	GDB_STOP_INTERRUPT, /* interrupt() was called */
	GDB_STOP_SIGNAL,    /* the guest did something fatal; number in signal */
	GDB_STOP_EXITED,    /* the guest is over; exit status in code */
};

struct gdb_stop {
	enum gdb_stop_reason reason;
	struct gdb_tid thread;
	enum gdb_break_type watch; /* GDB_STOP_WATCH: which kind it was */
	uint64_t gva;		   /* GDB_STOP_WATCH */
	uint8_t signal;		   /* GDB_STOP_SIGNAL, GDB's numbering: 11 SEGV */
	uint8_t code;		   /* GDB_STOP_EXITED */
};

struct gdb_thread_info {
	unsigned int core; /* real CPU it ran on last */
	char name[32];	   /* NUL-terminated: "vcpu 0" */
	char extra[96];	   /* NUL-terminated: level, mode, why it stopped */
};

/* A piece of the address space that is not plain RAM to GDB. */
struct gdb_region {
	uint64_t start;
	uint64_t len; /* not 0; start + len may be 2^64 but not more */
};

struct gdb_target {
	void *ctx;

	/*
	 * The index-th thread, in an order that stays while the guest is
	 * stopped; index 0 always exists. False at the end of the list.
	 */
	bool (*thread)(void *ctx, unsigned int index, struct gdb_tid *thread);

	/* For `info threads`. `info` comes zeroed. */
	void (*thread_info)(void *ctx, struct gdb_tid thread, struct gdb_thread_info *info);

	/*
	 * All registers of a stopped vCPU; `regs` comes zeroed. Sets
	 * regs->known; what the target has not seen stays unknown.
	 *
	 *   returns   GDB_OK, GDB_INVALID, GDB_BUSY
	 */
	enum gdb_status (*read_regs)(void *ctx, struct gdb_tid thread, struct gdb_regs *regs);

	/*
	 * The registers of `groups` take the values of `regs`, all or none.
	 * Values of a group that did not change are those read_regs gave.
	 *
	 *   returns   GDB_OK
	 *             GDB_INVALID      a value the vCPU could not have
	 *             GDB_UNSUPPORTED  one of the groups is read-only here
	 */
	enum gdb_status (*write_regs)(void *ctx, struct gdb_tid thread, const struct gdb_regs *regs,
				      unsigned int groups);

	/*
	 * Guest memory. Translates as the hardware would for supervisor
	 * accesses but ignores write protection, sets no accessed or dirty bit
	 * and raises nothing in the guest. Reads show the guest's own bytes
	 * where a breakpoint is planted; writes there keep the breakpoint.
	 *
	 *   returns   bytes done, from the first; fewer than len where nothing
	 *             is mapped. Never touches device memory.
	 */
	size_t (*read_mem)(void *ctx, struct gdb_tid thread, enum gdb_space space, uint64_t addr,
			   void *bytes, size_t len);
	size_t (*write_mem)(void *ctx, struct gdb_tid thread, enum gdb_space space, uint64_t addr,
			    const void *bytes, size_t len);

	/*
	 * Breakpoints hold for every thread of the inferior. GDB sets all of
	 * them again each time the guest runs and clears them at each stop, so
	 * both are cheap, setting what is set and clearing what is not are
	 * GDB_OK, and one clear undoes any number of sets.
	 * It is the target that changes guest code, if anybody does: the stub
	 * never writes memory for a breakpoint.
	 *
	 *   returns   GDB_OK, GDB_UNSUPPORTED, GDB_FULL, GDB_FAULT, GDB_INVALID
	 */
	enum gdb_status (*set_break)(void *ctx, struct gdb_tid thread, const struct gdb_break *brk);
	enum gdb_status (*clear_break)(void *ctx, struct gdb_tid thread,
				       const struct gdb_break *brk);

	/*
	 * Says what `thread` does at the next run(); a thread without a word
	 * stays where it is. Changes nothing yet.
	 */
	void (*plan)(void *ctx, struct gdb_tid thread, enum gdb_action action);

	/*
	 * Lets the planned threads go and forgets the plan. The first stop
	 * stops all of them and is told by gdb_stub_stopped(), later, never
	 * from inside this call. A breakpoint at the rip of a thread does not
	 * stop it before its first instruction; a step that ends at one is told
	 * as that breakpoint's stop. Of several threads told to step, a target
	 * may step one and hold all others: another stop comes anyway.
	 */
	void (*run)(void *ctx);

	/*
	 * Stops the guest soon, also if it is halted; gdb_stub_stopped() tells
	 * when it did, from inside this call if it stands already. If another
	 * stop comes first, that one is told and this wish is forgotten.
	 */
	void (*interrupt)(void *ctx);

	/*
	 * GDB leaves inferior `pid`, 0 means all: its breakpoints are dropped.
	 * When no other inferior is left to GDB, an interrupt() that has not
	 * stopped the guest yet is forgotten and everything runs on. Called for
	 * lost connections too.
	 */
	void (*detach)(void *ctx, uint32_t pid);

	/*
	 * GDB wants inferior `pid`, 0 means all, ended, not resumed. If the
	 * machine outlives it, gdb_stub_stopped() tells GDB_STOP_EXITED.
	 */
	void (*kill)(void *ctx, uint32_t pid);

	/*
	 * A `monitor` line, NUL-terminated, may be empty. The answer is text
	 * given to gdb_stub_console() in any number of pieces; an unknown
	 * command is answered in words too. May be NULL: then GDB says the
	 * target has none.
	 *
	 *   returns   GDB_OK; anything else makes GDB report a protocol error
	 */
	enum gdb_status (*monitor)(void *ctx, struct gdb_tid thread, const char *line,
				   struct gdb_stub *stub);

	/*
	 * The index-th region that is ROM, by ascending address, no overlaps:
	 * GDB uses GDB_BREAK_HARD there and refuses to write. May be NULL.
	 */
	bool (*rom)(void *ctx, unsigned int index, struct gdb_region *region);
};

#endif
