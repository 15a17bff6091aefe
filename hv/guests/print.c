/* SPDX-License-Identifier: MIT */
/*
 * The console on COM1, the numbered steps and the exit port; and the memory
 * functions that compilers call on their own.
 */
#include "hv/guests/guest.h"

#include <stdarg.h>

#include "hv/guests/cpu.h"

enum {
	COM1 = 0x3f8,
	COM1_LSR = COM1 + 5,
	LSR_THRE = 0x20, /* room for one more byte */
	DEBUG_EXIT = 0xf4,
};

static unsigned int step_number;

void *memset(void *to, int byte, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size);

void *memset(void *to, int byte, size_t size)
{
	void *at = to;

	asm volatile("rep stosb" : "+D"(at), "+c"(size) : "a"(byte) : "memory");
	return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	void *at = to;

	asm volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(size) : : "memory");
	return to;
}

static void print_char(char c)
{
	while (!(inb(COM1_LSR) & LSR_THRE)) {
		asm volatile("pause");
	}
	outb(COM1, (uint8_t)c);
}

static void print_string(const char *s)
{
	for (; *s; s++) {
		if (*s == '\n') {
			print_char('\r');
		}
		print_char(*s);
	}
}

static void print_number(unsigned long value, unsigned int base)
{
	char digits[2 * sizeof(value) + 4];
	char *at = digits + sizeof(digits);

	*--at = 0;
	do {
		*--at = "0123456789abcdef"[value % base];
		value /= base;
	} while (value);
	print_string(at);
}

void print(const char *fmt, ...)
{
	va_list args;
	char literal[2] = "";

	va_start(args, fmt);
	for (; *fmt; fmt++) {
		if (fmt[0] == '%' && fmt[1] == 's') {
			print_string(va_arg(args, const char *));
			fmt++;
		} else if (fmt[0] == '%' && fmt[1] == 'u') {
			print_number(va_arg(args, unsigned int), 10);
			fmt++;
		} else if (fmt[0] == '%' && fmt[1] == 'l' && fmt[2] == 'x') {
			print_string("0x");
			print_number(va_arg(args, unsigned long), 16);
			fmt += 2;
		} else {
			fmt += fmt[0] == '%' && fmt[1] == '%';
			literal[0] = *fmt;
			print_string(literal);
		}
	}
	va_end(args);
}

void title(const char *name, const char *what)
{
	print("%s: %s\n", name, what);
}

void step(const char *what)
{
	if (step_number) {
		print("ok\n");
	}
	step_number++;
	print("%s%u %s ... ", step_number < 10 ? "  " : " ", step_number, what);
}

void step_failed(const char *file, unsigned int line, const char *what,
		 unsigned long got, unsigned long want)
{
	print("FAILED\n%s:%u: %s is %lx, expected %lx\n", file, line, what, got, want);
	guest_exit(step_number < GUEST_LAST_STEP ? step_number : GUEST_LAST_STEP);
}

void guest_exit(unsigned int status)
{
	if (status == GUEST_OK) {
		print("ok\nall %u steps hold\n", step_number);
	}
	outb(DEBUG_EXIT, (uint8_t)status);
	for (;;) {
		asm volatile("cli; hlt");
	}
}
