/* SPDX-License-Identifier: MIT */
/*
 * unpaged: 32-bit protected mode with CR0.PG = 0. A linear address is a
 * physical address; nothing can fault for want of a translation. What a
 * hypervisor must still get right: every byte of RAM, accesses of every size,
 * segment bases, and exceptions that have nothing to do with paging.
 *
 *   100000  this image
 *   200000  memory under test: every word holds a number made of its address
 *   f00000  its end; the last MiB is left alone
 */
#include "hv/guests/cpu.h"
#include "hv/guests/fault.h"
#include "hv/guests/guest.h"

enum {
	TEST_START = 0x200000,
	TEST_END = 0xf00000,
	STRIDE = 0x404, /* prime to the page: every offset, every page */
	SEGMENT_BASE = 0x400000,
	SELECTOR_BASED = 0x30,
	SELECTOR_ABSENT = 0x38,
};

static uint32_t pattern(unsigned long addr)
{
	return (uint32_t)addr * 2654435761u ^ 0xa5a5a5a5u;
}

static void memory_keeps_its_values(void)
{
	for (unsigned long a = TEST_START; a < TEST_END; a += STRIDE) {
		word_at(a) = pattern(a);
	}
	for (unsigned long a = TEST_START; a < TEST_END; a += STRIDE) {
		expect_eq(word_at(a), pattern(a));
	}
}

static void sizes_and_page_borders(void)
{
	for (unsigned long page = TEST_START; page < TEST_START + 64 * PAGE_SIZE; page += PAGE_SIZE) {
		unsigned long a = page + PAGE_SIZE - 2; /* half here, half in the next page */

		word_at(a) = 0x44332211;
		expect_eq(*(volatile uint8_t *)(a + 1), 0x22);
		expect_eq(*(volatile uint16_t *)(a + 2), 0x4433);
		*(volatile uint8_t *)(a + 2) = 0x99;
		expect_eq(word_at(a), 0x44992211);
	}
}

static void locked_instructions(void)
{
	uint32_t old = 7;

	word_at(TEST_START) = 40;
	asm volatile("lock xaddl %0, %1" : "+r"(old), "+m"(word_at(TEST_START)) : : "memory");
	expect_eq(old, 40);
	expect_eq(word_at(TEST_START), 47);
	asm volatile("lock btsl $31, %0" : "+m"(word_at(TEST_START)) : : "memory");
	expect_eq(word_at(TEST_START), 0x8000002f);
}

static void string_instructions(void)
{
	unsigned long from = TEST_START + 0x123, to = TEST_END - 0x20000;
	unsigned long si = from, di = to, count = 0x11000;

	for (unsigned long i = 0; i < count; i += 4) {
		word_at(from + i) = pattern(i);
	}
	asm volatile("rep movsb" : "+S"(si), "+D"(di), "+c"(count) : : "memory");
	expect_eq(si, from + 0x11000);
	expect_eq(di, to + 0x11000);
	for (unsigned long i = 0; i < 0x11000; i += 4) {
		expect_eq(word_at(to + i), pattern(i));
	}
}

/* A GDT of the guest's own making: a data segment that does not begin at 0. */
static void segment_base(void)
{
	static uint64_t table[8];
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) old, new = { sizeof(table) - 1, (uint32_t)table };
	uint32_t value;

	asm volatile("sgdt %0" : "=m"(old));
	for (unsigned int i = 0; i < 6; i++) {
		table[i] = ((uint64_t *)old.base)[i];
	}
	table[SELECTOR_BASED / 8] = 0x00c093000000ffff | (uint64_t)SEGMENT_BASE << 16;
	table[SELECTOR_ABSENT / 8] = table[SELECTOR_BASED / 8] & ~(1ull << 47);
	asm volatile("lgdt %0" : : "m"(new));

	word_at(SEGMENT_BASE + 0x1000) = 0xfeedbeef;
	asm volatile("mov %1, %%fs\n\tmovl %%fs:0x1000, %0" : "=r"(value) : "r"(SELECTOR_BASED));
	expect_eq(value, 0xfeedbeef);
	asm volatile("movl %0, %%fs:0x2000" : : "r"(0x1234567) : "memory");
	expect_eq(word_at(SEGMENT_BASE + 0x2000), 0x1234567);

	expect_eq(attempt("mov %0, %%fs", "r"(SELECTOR_ABSENT)),
		  EXCEPTION(VECTOR_NP, SELECTOR_ABSENT));
	expect_eq(attempt("mov %0, %%fs", "r"(0x40)), EXCEPTION(VECTOR_GP, 0x40));
	asm volatile("mov %0, %%fs\n\tlgdt %1" : : "r"(0), "m"(old));
}

static void exceptions(void)
{
	expect_eq(attempt("ud2", "i"(0)), EXCEPTION(VECTOR_UD, 0));
	expect_eq(attempt("xorl %%edx, %%edx\n\tdivl %0", "r"(0), "a"(1)),
		  EXCEPTION(VECTOR_DE, 0));
	expect_eq(page_faults(), 0);
}

void guest_main(void)
{
	title("unpaged", "32-bit protected mode, CR0.PG = 0");
	fault_init();
	expect_eq(read_cr0() & CR0_PG, 0);

	step("13 MiB of memory keep what was written");
	memory_keeps_its_values();
	step("bytes, halves and words across page borders");
	sizes_and_page_borders();
	step("locked instructions");
	locked_instructions();
	step("string moves of 68 KiB");
	string_instructions();
	step("segments with a base of their own, absent and wrong ones");
	segment_base();
	step("exceptions other than page faults");
	exceptions();
}
