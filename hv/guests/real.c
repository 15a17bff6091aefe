/* SPDX-License-Identifier: MIT */
/*
 * real: the mode every x86 starts in. No paging, no protection; an address is
 * segment * 16 + offset; interrupts go through the table at address 0. The guest
 * goes down there (real16.S), does something, comes back to protected mode and
 * looks at what was done; again and again.
 *
 *   000000  interrupt vector table
 *   007000  RESULT: what a 16-bit routine leaves for us
 *   007ff0  the 16-bit stack, downwards
 *   008000  REAL_CODE: the copy of real16.S
 *   020000  segments 2000, 3000, 4000: data
 *   100000  this image
 *   100200  reached from real mode as ffff:0210
 */
#include "hv/guests/cpu.h"
#include "hv/guests/fault.h"
#include "hv/guests/guest.h"

enum {
	RESULT = 0x7000,
	REAL_CODE = 0x8000,
	ROUNDS = 3,
	FLAG_CARRY = 1,
	FLAG_INTERRUPT = 1 << 9,
};

extern char real_start[], real_end[];
extern char real_interrupts[], real_exceptions[], real_segments[], real_strings[], real_calls[];
void real_run(unsigned int routine);

static uint16_t result(unsigned int i)
{
	return ((volatile uint16_t *)RESULT)[i];
}

/* Runs one routine of real16.S in real mode. */
static void in_real_mode(const char *routine)
{
	for (unsigned int i = 0; i < 64; i += 4) {
		word_at(RESULT + i) = 0;
	}
	real_run((unsigned int)(REAL_CODE + (routine - real_start)));
	expect_eq(read_cr0() & (CR0_PE | CR0_PG), CR0_PE);
}

static void copy_down(void)
{
	volatile char *to = (volatile char *)REAL_CODE;

	for (const char *from = real_start; from < real_end; from++) {
		*to++ = *from;
	}
}

static void interrupts(void)
{
	in_real_mode(real_interrupts);
	expect_eq(result(0), 8);
	expect(result(1) > REAL_CODE && result(1) < REAL_CODE + (real_end - real_start));
	expect_eq(result(2), 0); /* CS */
	expect_eq(result(3) & (FLAG_CARRY | FLAG_INTERRUPT), FLAG_CARRY);
}

static void exceptions(void)
{
	in_real_mode(real_exceptions);
	expect_eq(result(0), 3);
	/* The protected-mode table is in force again. */
	expect_eq(attempt("ud2", "i"(0)), EXCEPTION(VECTOR_UD, 0));
}

static void segments(void)
{
	in_real_mode(real_segments);
	expect_eq(word_at(RESULT), 0x12345678);
	expect_eq(word_at(0x21230), 0x12345678);
	expect_eq(word_at(RESULT + 4), 0x12345678);
	expect_eq(word_at(RESULT + 8), word_at(0x100200));
}

static void strings(void)
{
	in_real_mode(real_strings);
	expect_eq(result(0), 0);
	expect_eq(result(1), 0);
	for (unsigned long a = 0; a < 0x10000; a += 4) {
		expect_eq(word_at(0x30000 + a), 0xa55aa55a);
		expect_eq(word_at(0x40000 + a), 0xa55aa55a);
		word_at(0x40000 + a) = 0;
	}
}

static void calls(void)
{
	in_real_mode(real_calls);
	expect_eq(result(0), REAL_CODE >> 4);
	expect_eq(result(1), 100);
	expect_eq(result(2), 99);
}

void guest_main(void)
{
	title("real", "real mode and back");
	fault_init();
	copy_down();
	for (unsigned int round = 0; round < ROUNDS; round++) {
		step("INT through the vector table");
		interrupts();
		step("divide error and invalid opcode");
		exceptions();
		step("segments and offsets, one address by many ways");
		segments();
		step("64 KiB filled and copied by string instructions");
		strings();
		step("far calls and a deep stack");
		calls();
	}
}
