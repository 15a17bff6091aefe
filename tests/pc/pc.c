/* SPDX-License-Identifier: MIT */
/*
 * pc: a Multiboot guest that asks what machine it is on. It wants
 *
 *   pc.elf "one two"   as command line
 *   a, then b          as modules with these strings, 5000 bytes each: 'a' and 'b'
 *
 * and does not run on plain QEMU, whose CPU delivers #UD without RF and knows no
 * hypercall.
 */
#include "hv/guests/cpu.h"
#include "hv/guests/fault.h"
#include "hv/guests/guest.h"

enum {
	MULTIBOOT_MAGIC = 0x2badb002,
	MODULE_SIZE = 5000,
	FW_CFG = 0x510,
	FW_CFG_SIGNATURE = 0,
	FW_CFG_RAM_SIZE = 3,
	FW_CFG_NR_CPUS = 5,
	TEST_DATA = 0xe0,
	TEST_FORGET = 0xe4,
	TEST_MEMORY = 0xff000000,
	PAGE_TO_FORGET = 0x800000,
	MSR_TSC = 0x10,
	RFLAGS_RF = 1u << 16,
};

struct module {
	uint32_t start, end, string, reserved;
};

static uint32_t info(unsigned int word)
{
	return word_at(boot_ebx + 4 * word);
}

static bool same(uint32_t at, const char *text)
{
	const char *p = (const char *)(unsigned long)at;

	while (*text && *p == *text) {
		p++;
		text++;
	}
	return *p == *text;
}

static void told_by_the_loader(void)
{
	uint32_t cmdline = info(4), slash = cmdline;

	expect_eq(boot_eax, MULTIBOOT_MAGIC);
	expect_eq(info(0) & 0x4d, 0x4d);
	for (; *(const char *)(unsigned long)cmdline; cmdline++) {
		if (*(const char *)(unsigned long)cmdline == '/') {
			slash = cmdline + 1;
		}
	}
	expect(same(slash, "pc.elf one two"));
	expect(info(1) >= 512 && info(1) <= 640);
}

static void modules(void)
{
	const struct module *m = (const void *)(unsigned long)info(6);

	expect_eq(info(5), 2);
	for (unsigned int i = 0; i < 2; i++) {
		const char name[] = { (char)('a' + i), 0 };

		expect(same(m[i].string, name));
		expect_eq(m[i].start % PAGE_SIZE, 0);
		expect_eq(m[i].end - m[i].start, MODULE_SIZE);
		for (uint32_t at = m[i].start; at < m[i].end; at++) {
			expect_eq(*(const uint8_t *)(unsigned long)at, name[0]);
		}
	}
}

static uint32_t fw_cfg(uint16_t key)
{
	uint32_t value = 0;

	asm volatile("outw %0, %1" : : "a"(key), "Nd"((uint16_t)FW_CFG));
	for (unsigned int i = 0; i < 4; i++) {
		value |= (uint32_t)inb(FW_CFG + 1) << 8 * i;
	}
	return value;
}

static void firmware_configuration(void)
{
	expect_eq(fw_cfg(FW_CFG_SIGNATURE), 0x554d4551);
	expect_eq(fw_cfg(FW_CFG_RAM_SIZE), (info(2) + 1024) << 10);
	expect_eq(fw_cfg(FW_CFG_NR_CPUS), 1);
}

static void test_device(void)
{
	uint32_t value;

	asm volatile("outl %0, %1" : : "a"(0x12345678), "Nd"((uint16_t)TEST_DATA));
	expect_eq(inb(TEST_DATA + 1), 0x56);
	word_at(PAGE_TO_FORGET) = 0xcafe;
	asm volatile("outl %0, %1" : : "a"(PAGE_TO_FORGET), "Nd"((uint16_t)TEST_FORGET));
	expect_eq(word_at(PAGE_TO_FORGET), 0xcafe);
	word_at(TEST_MEMORY + 0xffc) = 0x11223344;
	word_at(TEST_MEMORY + 0x1000) = 0x55667788;
	expect_eq(word_at(TEST_MEMORY + 0xffe), 0x77881122);
	asm volatile("lock xaddl %0, %1"
		     : "=r"(value), "+m"(word_at(TEST_MEMORY + 0x1000))
		     : "0"(1) : "memory");
	expect_eq(value, 0x55667788);
	expect_eq(word_at(TEST_MEMORY + 0x1000), 0x55667789);
}

static void hypercalls_are_answered(void)
{
	int32_t answer;

	asm volatile("vmmcall" : "=a"(answer) : "a"(1) : "ebx", "ecx", "edx", "memory");
	expect_eq(answer, -1000);
}

/* The flags that an invalid opcode pushes. */
static uint32_t flags_of_ud(void)
{
	uint32_t flags;
	static struct {
		uint16_t offset_low, selector, type, offset_high;
	} gate[7];
	struct {
		uint16_t limit;
		uint32_t base;
	} __attribute__((packed)) old, new = { sizeof(gate) - 1, (uint32_t)gate };
	uint32_t handler;

	asm volatile("movl $1f, %0\n\tjmp 2f\n"
		     "1:\tmovl 8(%%esp), %%eax\n\taddl $2, (%%esp)\n\tiret\n2:"
		     : "=r"(handler));
	gate[6].offset_low = (uint16_t)handler;
	gate[6].offset_high = handler >> 16;
	gate[6].selector = 0x08;
	gate[6].type = 0x8e00;
	asm volatile("sidt %0" : "=m"(old));
	asm volatile("lidt %1\n\tud2\n\tlidt %2" : "=a"(flags) : "m"(new), "m"(old) : "memory");
	return flags;
}

/* Stops at an instruction, and once more at a word that is written. */
static void breakpoints(void)
{
	static uint32_t word;
	uint32_t at;

	asm volatile("movl $1f, %%eax\n\tmovl %%eax, %%dr0\n\tmovl $0x402, %%eax\n\t"
		     "movl %%eax, %%dr7\n\tjmp 2f\n1:\tnop\n\tret\n2:\tmovl $1b, %0"
		     : "=r"(at) : : "eax");
	expect_eq(attempt("call *%0", "r"(at)), EXCEPTION(VECTOR_DB, 0));
	asm volatile("movl %0, %%dr1" : : "r"(&word));
	asm volatile("movl %0, %%dr7" : : "r"(0x00d00408));
	expect_eq(attempt("movl %0, (%1)", "r"(7), "r"(&word)), EXCEPTION(VECTOR_DB, 0));
	expect_eq(word, 7);
	asm volatile("movl %0, %%dr7" : : "r"(0x400));
	asm volatile("call *%0" : : "r"(at));
}

static uint64_t rdtsc(void)
{
	uint32_t low, high;

	asm volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static void time_is_what_was_written(void)
{
	const uint64_t far = 1ull << 60;

	expect(rdtsc() < far);
	wrmsr(MSR_TSC, far);
	expect(rdtsc() >= far);
	expect(rdmsr(MSR_TSC) >= far);
	wrmsr(MSR_TSC, 0);
	expect(rdtsc() < far);
}

void guest_main(void)
{
	title("pc", "a Multiboot guest and QEMU's own devices");
	fault_init();
	step("magic, flags, memory and command line of the loader");
	told_by_the_loader();
	step("modules with their strings");
	modules();
	step("firmware configuration");
	firmware_configuration();
	step("test device: ports and memory");
	test_device();
	step("hypercalls are answered");
	hypercalls_are_answered();
	step("an invalid opcode pushes RF");
	expect_eq(flags_of_ud() & RFLAGS_RF, RFLAGS_RF);
	step("breakpoints of the guest's own");
	breakpoints();
	step("the time-stamp counter is what was written");
	time_is_what_was_written();
}
