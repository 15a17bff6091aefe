/* SPDX-License-Identifier: MIT */
/*
 * IDT, TSS and the outcome of the last access. How an access survives its own
 * fault: before it, fault_resume is set to the address behind it; the handler
 * returns there. Ring 3 never returns by itself: any exception in it, int $0x80
 * included, goes back to whoever called enter_user() (trap.S).
 */
#include "hv/guests/fault.h"

#include "hv/guests/cpu.h"

/* What trap.S leaves on the stack. */
struct frame {
#ifdef __x86_64__
	unsigned long r15, r14, r13, r12, r11, r10, r9, r8;
#endif
	unsigned long di, si, bp, sp, bx, dx, cx, ax;
	unsigned long vector, error;
	unsigned long ip, cs, flags; /* from here on the CPU's own */
};

struct tss {
#ifdef __x86_64__
	uint32_t reserved0;
	uint64_t rsp0;
	uint8_t rest[92];
#else
	uint32_t link;
	uint32_t esp0, ss0;
	uint8_t rest[92];
#endif
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "APM2 12.2: the smallest TSS");

struct gate {
	uint16_t offset_low, selector, type, offset_high;
#ifdef __x86_64__
	uint32_t offset_top, reserved;
#endif
};

enum {
	SELECTOR_CODE = 0x08,
	SELECTOR_DATA = 0x10,
	SELECTOR_TSS = 0x28,
	NR_STUBS = 48, /* as in trap.S: exceptions, then interrupts */
	GATE_KERNEL = 0x8e00,
	GATE_USER = 0xee00,
	FETCH_USER = 2, /* put_code(): where ring 3 enters */
	FLAG_FIXED = 1 << 1,
	FLAG_TRAP = 1 << 8,
	FLAG_INTERRUPT = 1 << 9,
};

extern uint64_t gdt[];
extern const unsigned long trap_stubs[NR_STUBS];
extern char trap_user[], trap_stack_top[];
extern char user_read[], user_write[], user_fetch[], user_wait[];
void enter_user(unsigned long ip, unsigned long va);
_Noreturn void leave_user(void);
void trap(struct frame *frame);

static struct gate idt[VECTOR_USER + 1] __attribute__((aligned(PAGE_SIZE)));
static struct tss tss;

unsigned long fault_resume; /* 0: no exception is expected */
unsigned long fault_stack;  /* the stack pointer that goes with it */
unsigned long user_flags = FLAG_FIXED; /* ring 3 begins with them */
static unsigned int outcome;
static unsigned long fault_va;
static page_fault_fn repair;
static interrupt_fn interrupt;
static unsigned int nr_page_faults;
static unsigned long user_base;

static void idt_set(unsigned int vector, unsigned long to, uint16_t type)
{
	idt[vector] = (struct gate){
		.offset_low = (uint16_t)to,
		.selector = SELECTOR_CODE,
		.type = type,
		.offset_high = (uint16_t)(to >> 16),
	};
}

void idt_at(unsigned long va)
{
	struct {
		uint16_t limit;
		unsigned long base;
	} __attribute__((packed)) pointer = { sizeof(idt) - 1, va };

	asm volatile("lidt %0" : : "m"(pointer));
}

unsigned long idt_address(void)
{
	return (unsigned long)idt;
}

void fault_init(void)
{
	unsigned long base = (unsigned long)&tss;

	for (unsigned int v = 0; v < NR_STUBS; v++) {
		idt_set(v, trap_stubs[v], GATE_KERNEL);
	}
	idt_set(VECTOR_USER, (unsigned long)trap_user, GATE_USER);
	idt_at((unsigned long)idt);

#ifdef __x86_64__
	tss.rsp0 = (unsigned long)trap_stack_top;
#else
	tss.esp0 = (unsigned long)trap_stack_top;
	tss.ss0 = SELECTOR_DATA;
#endif
	/* An available TSS; the image lies below 16 MiB. */
	gdt[SELECTOR_TSS / 8] = 0x0000890000000000 | (uint64_t)base << 16 | (sizeof(tss) - 1);
	asm volatile("ltr %w0" : : "r"(SELECTOR_TSS));
}

static _Noreturn void unexpected(const struct frame *frame)
{
	print("FAILED\nexception %u, error code %lx, at %lx, CR2 %lx\n",
	      (unsigned int)frame->vector, frame->error, frame->ip, read_cr2());
	guest_exit(GUEST_EXCEPTION);
}

void trap(struct frame *frame)
{
	bool page_fault = frame->vector == VECTOR_PF;
	bool user = frame->cs & 3;

	if (frame->vector >= VECTOR_INTERRUPT && frame->vector < NR_STUBS && interrupt) {
		interrupt((unsigned int)frame->vector - VECTOR_INTERRUPT);
		return;
	}
	if (page_fault) {
		fault_va = read_cr2();
		nr_page_faults++;
		if (repair && !user && repair(fault_va, (unsigned int)frame->error)) {
			return;
		}
	}
	if (frame->vector == VECTOR_DB) { /* one step is enough */
		frame->flags &= ~(unsigned long)FLAG_TRAP;
	}
	if (frame->vector != VECTOR_USER) {
		outcome = EXCEPTION(frame->vector, (unsigned int)frame->error);
	}
	if (user) {
		leave_user();
	}
	if (!fault_resume) {
		unexpected(frame);
	}
	frame->ip = fault_resume;
}

unsigned int fault_outcome(void)
{
	unsigned int result = outcome;

	fault_resume = 0;
	outcome = NO_FAULT;
	return result;
}

void on_interrupt(interrupt_fn handler)
{
	interrupt = handler;
}

void trap_stack_at(unsigned long top)
{
#ifdef __x86_64__
	tss.rsp0 = top;
#else
	tss.esp0 = top;
#endif
}

unsigned long trap_stack(void)
{
	return (unsigned long)trap_stack_top;
}

unsigned int user_waits(unsigned long turns)
{
	user_flags = FLAG_FIXED | FLAG_INTERRUPT;
	enter_user(user_base + (unsigned long)(user_wait - user_code), turns);
	user_flags = FLAG_FIXED;
	return fault_outcome();
}

void on_page_fault(page_fault_fn handler)
{
	repair = handler;
}

unsigned int page_faults(void)
{
	return nr_page_faults;
}

void user_code_at(unsigned long va)
{
	user_base = va;
}

void put_code(unsigned long va)
{
	word_at(va) = 0x80cd00c3; /* ret; (hole); int $0x80 */
}

static unsigned int user_access(const char *routine, unsigned long va)
{
	enter_user(user_base + (unsigned long)(routine - user_code), va);
	return fault_outcome();
}

static unsigned int access_outcome(enum access how, unsigned long va)
{
	switch (how) {
	case KERNEL_READ:
		return attempt("movl (%0), %%edx", "r"(va));
	case KERNEL_WRITE:
		return attempt("movl %1, (%0)", "r"(va), "i"(ACCESS_VALUE));
	case KERNEL_FETCH:
		return attempt("call *%0", "r"(va));
	case USER_READ:
		return user_access(user_read, va);
	case USER_WRITE:
		return user_access(user_write, va);
	case USER_FETCH:
		return user_access(user_fetch, va + FETCH_USER);
	}
	return EXCEPTION(VECTOR_UD, 0);
}

unsigned int access(enum access how, unsigned long va)
{
	unsigned int result = access_outcome(how, va);

	if (result >> 16 == VECTOR_PF) {
		expect_eq(fault_va, how == USER_FETCH ? va + FETCH_USER : va);
	}
	return result;
}
