/* SPDX-License-Identifier: MIT */
/*
 * Dispatch of our own interrupts and exceptions, and the panic.
 */
#include "hv/svm/trap.h"

#include "hv/core/fmt.h"
#include "hv/core/x86.h"
#include "hv/svm/console.h"
#include "hv/svm/cpu.h"
#include "hv/svm/exit.h"
#include "hv/svm/lapic.h"
#include "hv/svm/x86.h"

#include <stdatomic.h>

static trap_fn_t trap_handlers[256];

void trap_set_handler(unsigned vector, trap_fn_t fn)
{
	trap_handlers[vector] = fn;
}

static void trap_print(const struct trap_frame *f)
{
	console_printf("rip %016lx  rsp %016lx  rflags %016lx  cs %02lx\n", f->rip, f->rsp,
		       f->rflags, f->cs);
	console_printf("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", f->rax, f->rbx, f->rcx,
		       f->rdx);
	console_printf("rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n", f->rsi, f->rdi, f->rbp,
		       f->r8);
	console_printf("r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n", f->r9, f->r10, f->r11,
		       f->r12);
	console_printf("r13 %016lx  r14 %016lx  r15 %016lx  err %016lx\n", f->r13, f->r14, f->r15,
		       f->error_code);
	console_printf("cr0 %016lx  cr2 %016lx  cr3 %016lx  cr4 %016lx\n", read_cr0(), read_cr2(),
		       read_cr3(), read_cr4());
}

static panic_hook_t panic_hook;

void panic_set_hook(panic_hook_t hook)
{
	panic_hook = hook;
}

/* A panic inside the hook is the end. */
static _Noreturn void panic_end(const char *text)
{
	panic_hook_t hook = panic_hook;

	panic_hook = NULL;
	if (hook)
		hook(text);
	image_exit(IMAGE_EXIT_CANNOT);
}

static const char *const trap_names[32] = {
	[0] = "#DE", [1] = "#DB", [2] = "NMI", [3] = "#BP", [4] = "#OF", [5] = "#BR",
	[6] = "#UD", [7] = "#NM", [8] = "#DF", [10] = "#TS", [11] = "#NP", [12] = "#SS",
	[13] = "#GP", [14] = "#PF", [16] = "#MF", [17] = "#AC", [18] = "#MC", [19] = "#XM",
};

/* What panic() has to say; its INT3 comes here for the registers. */
static const char *panic_text;

/* One CPU tells of its panic; what happens to others meanwhile is its consequence. */
static void trap_be_first(void)
{
	static _Atomic unsigned first; /* its number plus one */
	unsigned nobody = 0, mine = cpu_this()->index + 1;

	if (atomic_compare_exchange_strong(&first, &nobody, mine) || nobody == mine)
		return;
	for (;;)
		__asm__ volatile("cli; hlt");
}

static _Noreturn void trap_exception(const struct trap_frame *f)
{
	const char *name = trap_names[f->vector];
	char text[64];

	trap_be_first();
	fmt_snprintf(text, sizeof(text), "exception %lu %s in the hypervisor, rip %#lx", f->vector,
		     name ? name : "", f->rip);
	if (f->vector != X86_BP || !panic_text)
		panic_text = text;
	console_printf("vitrine-hv: panic: %s\n", panic_text);
	trap_print(f);
	panic_end(panic_text);
}

/* A guest's breakpoint may lie on our addresses, and is armed a little too long. */
static void trap_debug(struct trap_frame *f)
{
	f->rflags |= RFLAGS_RF;
}

void trap_dispatch(struct trap_frame *f)
{
	if (f->vector == X86_DB) {
		trap_debug(f);
		return;
	}
	if (f->vector < 32)
		trap_exception(f);
	cpu_this()->nr_irq++;
	if (trap_handlers[f->vector])
		trap_handlers[f->vector]();
	if (f->vector >= TRAP_TIMER && f->vector != TRAP_SPURIOUS)
		lapic_eoi();
}

void panic(const char *f, ...)
{
	char text[256];
	va_list ap;

	irq_disable();
	trap_be_first();
	va_start(ap, f);
	fmt_vsnprintf(text, sizeof(text), f, ap);
	va_end(ap);
	panic_text = text;
	__asm__ volatile("int3" : : : "memory");
	__builtin_unreachable();
}
