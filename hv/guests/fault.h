/* SPDX-License-Identifier: MIT */
/*
 * Exceptions as results: make one access, in ring 0 or ring 3, and see what
 * became of it.
 *
 *   access(USER_WRITE, va)  ->  NO_FAULT, or PF(7), or EXCEPTION(13, 0) ...
 *
 * A faulting access is skipped, not repeated, unless a handler set by
 * on_page_fault() repairs the tables. An exception outside access() and
 * attempt() that no handler takes ends the guest with GUEST_EXCEPTION.
 *
 * source: APM2 8.2 "Vectors", 8.4.2 "Page-Fault Error Code"
 */
#ifndef HV_GUESTS_FAULT_H
#define HV_GUESTS_FAULT_H

#include "hv/guests/guest.h"

/* Bits of a page fault's error code. */
enum {
	PF_PRESENT = 1,
	PF_WRITE = 2,
	PF_USER = 4,
	PF_RESERVED = 8,
	PF_FETCH = 16,
};

enum {
	VECTOR_DE = 0,
	VECTOR_DB = 1,
	VECTOR_UD = 6,
	VECTOR_NP = 11,
	VECTOR_GP = 13,
	VECTOR_PF = 14,
	VECTOR_INTERRUPT = 0x20, /* and 15 more: the lines of both PICs */
	VECTOR_USER = 0x80, /* int $0x80: ring 3 is done */
};

#define NO_FAULT 0u
#define EXCEPTION(vector, error) ((unsigned int)(vector) << 16 | (error))
#define PF(error) EXCEPTION(VECTOR_PF, error)

enum access {
	KERNEL_READ,
	KERNEL_WRITE, /* writes ACCESS_VALUE */
	KERNEL_FETCH, /* calls va; put_code() must have been there */
	USER_READ,
	USER_WRITE,
	USER_FETCH,
};

enum { ACCESS_VALUE = 0x5eed };

/*
 * Sets up IDT and TSS. user_code_at() follows once the guest has mapped the page
 * of ring-3 code.
 */
void fault_init(void);

/* The physical page that holds the ring-3 code. */
extern char user_code[];

/* Says at which address the guest has mapped user_code for ring 3. */
void user_code_at(unsigned long va);

/*
 * Makes one access of 4 bytes (or an instruction fetch) and returns its
 * outcome. A page fault's CR2 is checked here: it must be the address asked
 * for.
 */
unsigned int access(enum access how, unsigned long va);

/*
 * Runs an instruction that may raise an exception and returns its outcome. The
 * exception skips to the end of it; the stack pointer is then what it was.
 */
#define attempt(instruction, ...)                                            \
	({                                                                   \
		asm volatile("mov %%" STACK_POINTER ", fault_stack\n\t"      \
			     "movl $2f, fault_resume\n\t" instruction       \
			     "\n2:\tmov fault_stack, %%" STACK_POINTER       \
			     : : __VA_ARGS__ : "edx", "memory", "cc");       \
		fault_outcome();                                             \
	})
#ifdef __x86_64__
#define STACK_POINTER "rsp"
#else
#define STACK_POINTER "esp"
#endif
unsigned int fault_outcome(void);

/* Makes a page of the guest's memory callable by both kinds of fetch. */
void put_code(unsigned long va);

/*
 * A handler for page faults of ring 0: returns true if it repaired the cause
 * and the access shall be repeated. 0 removes it.
 */
typedef bool (*page_fault_fn)(unsigned long va, unsigned int error);
void on_page_fault(page_fault_fn handler);

/*
 * A handler for interrupts, lines 0..15; without one they are exceptions that
 * nobody asked for. It runs with interrupts off, in the middle of anything.
 */
typedef void (*interrupt_fn)(unsigned int line);
void on_interrupt(interrupt_fn handler);

/*
 * Lets ring 3 count down from turns with interrupts on, and returns how that
 * ended: NO_FAULT when it was done. One turn is two instructions.
 */
unsigned int user_waits(unsigned long turns);

/* Where the IDT lies, and at which address the CPU reads it. */
unsigned long idt_address(void);
void idt_at(unsigned long va);

/* The same of the stack that is used when ring 3 is left: its end. */
unsigned long trap_stack(void);
void trap_stack_at(unsigned long top);

/* Page faults seen since the start. */
unsigned int page_faults(void);

#endif
