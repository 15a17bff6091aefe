/* SPDX-License-Identifier: MIT */
/*
 * What every built-in guest may use: the console, numbered steps, the exit.
 *
 * A guest is a list of steps. step() prints a sentence; every expect() until
 * the next step belongs to it. The first one that does not hold ends the guest
 * with the step's number as its status.
 */
#ifndef HV_GUESTS_GUEST_H
#define HV_GUESTS_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum guest_status {
	GUEST_OK = 0,
	GUEST_LAST_STEP = 89,     /* 1..89: this step failed */
	GUEST_EXCEPTION = 90,     /* an exception nobody asked for */
	GUEST_CPU_TOO_SMALL = 91, /* the CPU lacks what this guest is about */
};

enum { PAGE_SIZE = 4096 };

/* Registers the loader entered it with. */
extern uint32_t boot_eax, boot_ebx;

/* The guest itself; when it returns, the status is GUEST_OK. */
void guest_main(void);

/* Ends the run. start.S calls it after guest_main(). */
_Noreturn void guest_exit(unsigned int status);

/* %s, %u (unsigned int), %lx (unsigned long, hex with 0x), %%. */
__attribute__((format(printf, 1, 2))) void print(const char *fmt, ...);

/* The first lines of a guest: its name and what it shows. */
void title(const char *name, const char *what);

/* Closes the step before, if any, and opens the next one. */
void step(const char *what);

/* Fails the current step, saying where and what was seen. */
_Noreturn void step_failed(const char *file, unsigned int line, const char *what,
			   unsigned long got, unsigned long want);

#define expect_eq(got, want)                                                       \
	do {                                                                       \
		unsigned long got_ = (unsigned long)(got);                         \
		unsigned long want_ = (unsigned long)(want);                       \
		if (got_ != want_)                                                 \
			step_failed(__FILE__, __LINE__, #got, got_, want_);        \
	} while (0)
#define expect(cond) expect_eq(!!(cond), true)

/* A word of memory as the CPU sees it now: never kept in a register. */
#define word_at(addr) (*(volatile uint32_t *)(unsigned long)(addr))

/*
 * A pseudo-random sequence, the same on every run (xorshift32).
 *
 *   state   any number but 0
 */
static inline uint32_t next_random(uint32_t *state)
{
	uint32_t x = *state;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return *state = x;
}

#endif
