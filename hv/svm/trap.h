/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and exceptions of the hypervisor itself. An exception is a bug of
 * ours and ends in a panic; an interrupt wakes a sleeping CPU or ends a guest
 * run and is handled by the function its vector was given.
 */
#ifndef HV_SVM_TRAP_H
#define HV_SVM_TRAP_H

#include "mmu/types.h"

/* What gates.S leaves on the stack, lowest address first. */
struct trap_frame {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rdi, rsi, rbp, rbx, rdx, rcx, rax;
	u64 vector, error_code;
	u64 rip, cs, rflags, rsp, ss;
};

/* Vectors we use. The PICs are moved to 0x20. */
enum trap_vector {
	TRAP_PIC = 0x20,      /* .. 0x2f */
	TRAP_TIMER = 0x40,    /* LAPIC timer */
	TRAP_KICK = 0x41,     /* another CPU wants us out of the guest */
	TRAP_SPURIOUS = 0xff, /* LAPIC; no end-of-interrupt */
};

typedef void (*trap_fn_t)(void);

/* Gives an interrupt vector (32..255) its function; it runs with interrupts
 * off and must not enter the MMU, allocate, or wait. */
void trap_set_handler(unsigned vector, trap_fn_t fn);

/* Called from gates.S only. */
void trap_dispatch(struct trap_frame *f);

/* What a panic does when it has said what it is and printed the registers;
 * without one the machine ends with IMAGE_EXIT_CANNOT. */
typedef void (*panic_hook_t)(const char *text);
void panic_set_hook(panic_hook_t hook);

/*
 * Our own bug: says what, prints the registers, and stays
 * reachable (panic_set_hook).
 *
 *   context   any; interrupts are switched off; never returns
 */
void panic(const char *f, ...) __attribute__((noreturn, format(printf, 1, 2)));

#endif
