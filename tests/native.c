/* SPDX-License-Identifier: MIT */
/*
 * All registers are loaded, RSP too, then the instruction runs and jumps back. A
 * fault comes back the same way, with the registers as the instruction left them.
 */
#define _GNU_SOURCE /* REG_RIP */
#include "tests/native.h"
#include "tests/tap.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

struct native native;
void *native_host_rsp;
void native_enter(void);
extern const char native_back[];

#define LOAD(name, at) "movq native+8*" #at "(%rip), %" name "\n\t"
#define SAVE(name, at) "movq %" name ", native+8*" #at "(%rip)\n\t"

__asm__(".text\n"
	".globl native_enter, native_back\n"
	"native_enter:\n\t"
	"pushq %rbx\n\tpushq %rbp\n\tpushq %r12\n\tpushq %r13\n\tpushq %r14\n\tpushq %r15\n\t"
	"movq %rsp, native_host_rsp(%rip)\n\t"
	"pushq native+8*16(%rip)\n\t"
	"popfq\n\t"
	LOAD("rax", 0) LOAD("rcx", 1) LOAD("rdx", 2) LOAD("rbx", 3) LOAD("rsp", 4)
	LOAD("rbp", 5) LOAD("rsi", 6) LOAD("rdi", 7) LOAD("r8", 8) LOAD("r9", 9)
	LOAD("r10", 10) LOAD("r11", 11) LOAD("r12", 12) LOAD("r13", 13) LOAD("r14", 14)
	LOAD("r15", 15)
	"jmp *native+8*17(%rip)\n"
	"native_back:\n\t"
	SAVE("rax", 0) SAVE("rcx", 1) SAVE("rdx", 2) SAVE("rbx", 3) SAVE("rsp", 4)
	SAVE("rbp", 5) SAVE("rsi", 6) SAVE("rdi", 7) SAVE("r8", 8) SAVE("r9", 9)
	SAVE("r10", 10) SAVE("r11", 11) SAVE("r12", 12) SAVE("r13", 13) SAVE("r14", 14)
	SAVE("r15", 15)
	"movq native_host_rsp(%rip), %rsp\n\t"
	"pushfq\n\t"
	"popq native+8*16(%rip)\n\t"
	"cld\n\t"
	"popq %r15\n\tpopq %r14\n\tpopq %r13\n\tpopq %r12\n\tpopq %rbp\n\tpopq %rbx\n\t"
	"ret\n");

_Static_assert(offsetof(struct native, rflags) == 8 * 16 && offsetof(struct native, rip) == 8 * 17,
	       "the code above knows where they are");

static void on_signal(int signal, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	(void)info;
	native.fault = signal;
	u->uc_mcontext.gregs[REG_RIP] = (greg_t)(uintptr_t)native_back;
}

static void *map_at(uintptr_t at, size_t size, int prot)
{
	void *p = mmap((void *)at, size, prot,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	ck_assert_msg(p == (void *)at, "no memory at %#lx", (unsigned long)at);
	return p;
}

u8 *native_data(void)
{
	return (u8 *)(uintptr_t)NATIVE_DATA;
}

void native_init(void)
{
	static u8 stack[65536]; /* RSP is the instruction's when it faults */
	const stack_t alternative = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	map_at(NATIVE_CODE, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);
	map_at(NATIVE_DATA, NATIVE_DATA_SIZE, PROT_READ | PROT_WRITE);
	ck_assert_int_eq(sigaltstack(&alternative, NULL), 0);
	ck_assert_int_eq(sigaction(SIGSEGV, &action, NULL), 0);
	ck_assert_int_eq(sigaction(SIGBUS, &action, NULL), 0);
	ck_assert_int_eq(sigaction(SIGILL, &action, NULL), 0);
}

void native_run(const u8 *code, size_t n)
{
	static const u8 jump[] = { 0xff, 0x25, 0, 0, 0, 0 }; /* jmp *0(%rip) */
	const char *back = native_back;
	u8 *page = (u8 *)(uintptr_t)NATIVE_CODE;

	memcpy(page, code, n);
	memcpy(page + n, jump, sizeof(jump));
	memcpy(page + n + sizeof(jump), &back, sizeof(back));
	native.fault = 0;
	native.rip = NATIVE_CODE;
	native_enter();
	native.rip = NATIVE_CODE + (native.fault ? 0 : n);
}
