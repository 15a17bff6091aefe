/* SPDX-License-Identifier: MIT */
/*
 * end STATUS: ends the machine by its debug-exit port. A program for i386, which all of
 * Debian's x86 kernels run, without a C library.
 *
 * source: the kernel's user-space interface; numbers from <asm/unistd_32.h>
 */

enum {
	SYS_EXIT = 1,
	SYS_IOPL = 110,
	DEBUG_EXIT = 0xf4,
	MAX_STATUS = 119,
};

void end_main(const char *const *stack);

/* The kernel enters with argc and argv on the stack. */
asm(".globl _start\n"
    "_start:\n"
    "	mov %esp, %eax\n"
    "	push %eax\n"
    "	call end_main\n");

static void call(unsigned number, unsigned argument)
{
	asm volatile("int $0x80" : "+a"(number) : "b"(argument) : "memory");
}

static unsigned read_number(const char *text)
{
	unsigned n = 0;

	while (*text >= '0' && *text <= '9' && n <= MAX_STATUS)
		n = n * 10 + (unsigned)(*text++ - '0');
	return n < MAX_STATUS ? n : MAX_STATUS;
}

/* Without a status: 0. Comes back only where there is no such port. */
void end_main(const char *const *stack)
{
	unsigned status = stack[1] && stack[2] ? read_number(stack[2]) : 0;

	call(SYS_IOPL, 3);
	asm volatile("outb %b0, %w1" : : "a"(status), "Nd"(DEBUG_EXIT));
	for (;;)
		call(SYS_EXIT, 1);
}
