/* SPDX-License-Identifier: MIT */
/*
 * A guest just good enough for a GDB: two vCPUs that know six instructions, a
 * little memory, breakpoints that hit. The stub's tests and tests/gdb_server.c
 * put it behind struct gdb_target.
 *
 *     gva 0x10000..0x17fff  is gpa 0..0x7fff; 0x17000 and up is ROM
 *     0x10000  loop: nop; inc rax; inc qword [rdi]; jmp loop     (vCPU 1)
 *     0x10010  idle: jmp idle                                    (vCPU 2)
 *     0x10020  out 0xf4, al: the guest ends with al as its status
 *     0x10030  ud2: the guest gets a fatal exception
 *     0x11000  the counter rdi points to
 */
#ifndef TESTS_GDB_FAKE_H
#define TESTS_GDB_FAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "hv/gdb/stub.h"

#define FAKE_NR_THREADS 3 /* the third is pid 2 and shown only on demand */
#define FAKE_NR_BREAKS	8
#define FAKE_NR_WATCHES 4 /* of them watchpoints and GDB_BREAK_HARD */
#define FAKE_GVA	0x10000ull
#define FAKE_RAM	0x8000ull
#define FAKE_ROM	(FAKE_GVA + 0x7000)
#define FAKE_LOOP	(FAKE_GVA + 0x00)
#define FAKE_IDLE	(FAKE_GVA + 0x10)
#define FAKE_EXIT	(FAKE_GVA + 0x20)
#define FAKE_UD2	(FAKE_GVA + 0x30)
#define FAKE_COUNTER	(FAKE_GVA + 0x1000)

struct fake_break {
	bool used;
	struct gdb_break brk;
};

struct gdb_fake {
	struct gdb_target target;
	struct gdb_stub *stub;

	unsigned int nr_threads;
	struct gdb_regs regs[FAKE_NR_THREADS];
	uint8_t ram[FAKE_RAM];
	struct fake_break breaks[FAKE_NR_BREAKS];

	bool planned[FAKE_NR_THREADS];
	bool fresh[FAKE_NR_THREADS]; /* has done nothing since run() */
	enum gdb_action plan[FAKE_NR_THREADS];
	bool running;
	bool wish; /* interrupt() was called */
	bool over; /* the guest has ended */

	/* what a test looks at afterwards */
	unsigned int nr_runs, nr_interrupts, nr_detaches, nr_kills, nr_mem_writes;
	unsigned int nr_reg_writes;
	unsigned int nr_wraps; /* accesses beyond the end of the address space */
	size_t largest_read;
	unsigned int written_groups;
	uint32_t detached_pid;
	char monitor_line[64];

	/* what a test asks for */
	enum gdb_status break_status; /* not GDB_OK: set_break answers this */
	enum gdb_status write_status; /* not GDB_OK: write_regs answers this */
	struct gdb_region rom;	      /* length 0: none */
	const char *extra;	      /* not NULL: what is said of each thread */
};

/* A standing guest; fake->target is ready for gdb_stub_init(). */
void gdb_fake_init(struct gdb_fake *fake, struct gdb_stub *stub);

/*
 * Runs planned vCPUs in turn for at most n instructions each, and tells the
 * stub when and why they stop. Without a stop the guest runs on next time.
 */
void gdb_fake_run(struct gdb_fake *fake, unsigned int n);

unsigned int gdb_fake_nr_breaks(const struct gdb_fake *fake);

#endif
