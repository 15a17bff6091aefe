/* SPDX-License-Identifier: MIT */
/*
 * Every value of something: each is tried in 32-bit mode, and what it does to the CPU is
 * undone by the next attempt. What the answer is does not matter here, but where it says
 * so.
 */
#include "tests/hostile/hostile.h"

static u32 reg_value, reg_number;

static void write_cr0(void) { __asm__ volatile("movl %0, %%cr0" : : "r"(reg_value)); }
static void write_cr2(void) { __asm__ volatile("movl %0, %%cr2" : : "r"(reg_value)); }
static void write_cr3(void)
{
	u32 cr3;

	__asm__ volatile("movl %%cr3, %0; movl %1, %%cr3; movl %0, %%cr3"
			 : "=&r"(cr3) : "r"((reg_value & 0x18) | TABLES));
}
/* But for what the tables look like, and SMEP and SMAP, with which these are no good. */
static void write_cr4(void)
{
	const u32 kept = 0x300000 | CR4_PSE | CR4_PAE;
	u32 cr4;

	__asm__ volatile("movl %%cr4, %0" : "=r"(cr4));
	cr4 = (cr4 & kept) | (reg_value & ~kept);
	__asm__ volatile("movl %0, %%cr4" : : "r"(cr4));
}

static void write_cr8(void) { __asm__ volatile("lock; movl %0, %%cr0" : : "r"(reg_value)); }
static void write_dr(void)
{
	__asm__ volatile("movl %0, %%dr0; movl %0, %%dr3; movl %0, %%dr6; movl %0, %%dr7; "
			 "movl %%dr7, %%eax; movl %%dr6, %%eax" : : "r"(reg_value) : "eax");
}

static void sweep_cr(void)
{
	static void (*const writes[])(void) = { write_cr0, write_cr2, write_cr3, write_cr4, write_cr8,
						write_dr };
	static const u32 bases[] = { 0x11, 0x80000011, 0xe0000011, 0x20, ~0u };
	static const enum mode modes[] = { PAGED2, PAGED_PAE, COMPAT };

	for (u32 i = 0; i < sizeof(writes) / sizeof(*writes); i++) {
		for (u32 b = 0; b < sizeof(bases) / sizeof(*bases); b++) {
			for (u32 bit = 0; bit < 33; bit++) {
				reg_value = bases[b] ^ (bit < 32 ? 1u << bit : 0);
				if (!i) /* without PE it is another code that goes on */
					reg_value |= 1;
				attempt_in(modes[bit % 3], writes[i]);
			}
		}
	}
}

static void read_msr(void)
{
	u32 low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(reg_number));
}

static void write_msr(void)
{
	__asm__ volatile("wrmsr" : : "c"(reg_number), "a"(reg_value), "d"(reg_value));
}

static void sweep_msr(void)
{
	static const u32 starts[] = { 0, 0x800, 0x40000000, 0xc0000000, 0xc0010000, 0xffffff00 };
	static const u32 sizes[] = { 0x300, 0x40, 0x20, 0x200, 0x140, 0x100 };

	for (u32 r = 0; r < sizeof(starts) / sizeof(*starts); r++) {
		for (u32 i = 0; i < sizes[r]; i++) {
			reg_number = starts[r] + i;
			attempt(read_msr);
			reg_value = random32();
			attempt(write_msr);
			reg_value = 1u << chance(32);
			attempt(write_msr);
		}
	}
}

/* Ports whose purpose is to end the machine. */
static bool is_exit(u32 port)
{
	return (port >= 0xf4 && port < 0xf8) || port == 0x64 || port == 0xcf9 ||
	       (port >= 0x500 && port < 0x508) || port == 0x604;
}

static void try_port(u32 port)
{
	u32 value = random32();

	__asm__ volatile("inb %w1, %%al; inw %w1, %%ax; inl %w1, %0" : "=&a"(value) : "Nd"(port));
	for (u32 i = 0; i < 4; i++) {
		if (is_exit(port + i))
			return;
	}
	value = random32();
	__asm__ volatile("outb %b0, %w1; outw %w0, %w1; outl %0, %w1" : : "a"(value), "Nd"(port));
}

static void sweep_ports(void)
{
	for (u32 port = 0; port < 0x10000; port++)
		try_port(port);
}

static void string_port(void)
{
	u32 count = 7;

	__asm__ volatile("rep insb; movl $7, %%ecx; rep outsb; movl $3, %%ecx; rep insl; "
			 "movl $3, %%ecx; rep outsl"
			 : "+c"(count) : "S"(reg_value), "D"(reg_value), "d"(0x80) : "memory");
}

/* Into all kinds of memory and none. */
static void sweep_strings(void)
{
	static const u32 places[] = { DATA, DATA + 4093, 0x9fffd, 0xbfffd, 0x1fffffd, 0x2000000,
				      0xf0000000, 0xfee00ffd, 0xfffffffa, TABLES };

	for (u32 i = 0; i < sizeof(places) / sizeof(*places); i++) {
		reg_value = places[i];
		attempt(string_port);
	}
}

static void one_group(void)
{
	u8 *code = (u8 *)CODE;

	code[0] = 0x0f;
	code[1] = 0x01;
	code[2] = (u8)reg_number;
	code[3] = 0xc3;
	__asm__ volatile("call *%0" : : "r"(CODE), "a"(DATA), "c"(0), "d"(0) : "memory", "ebx", "esi");
}

/* VMRUN VMLOAD VMSAVE STGI CLGI SKINIT INVLPGA: this CPU says it has none. VMMCALL, D9,
 * may be answered. */
static void sweep_svm(void)
{
	for (reg_number = 0xd8; reg_number < 0xe0; reg_number++) {
		if (attempt(one_group) != 6 && reg_number != 0xd9)
			finish(3);
	}
	for (reg_number = 0xc0; reg_number < 0x100; reg_number++) {
		if (reg_number != 0xe4) /* SMSW ESP: the way back is lost */
			attempt(one_group);
	}
}

/* An operand in R/M of 0F 00 and 0F 01, and every selector. */
static void load_selector(void)
{
	__asm__ volatile("movl %0, %%fs; lldt %w0" : : "r"(reg_value));
}

static void load_task(void)
{
	__asm__ volatile("ltr %w0" : : "r"(reg_value));
}

static void sweep_selectors(void)
{
	for (u32 i = 0; i < 0x400; i++) {
		reg_value = i;
		attempt(load_selector);
		attempt(load_task);
	}
}

static void interrupt(void)
{
	u8 *code = (u8 *)CODE;

	code[0] = 0xcd;
	code[1] = (u8)reg_number;
	code[2] = 0xc3;
	__asm__ volatile("call *%0" : : "r"(CODE) : "memory");
}

static void sweep_interrupts(void)
{
	for (reg_number = 0; reg_number < 256; reg_number++) {
		if (attempt(interrupt) != reg_number)
			finish(3);
	}
}

static void ask(void)
{
	u32 a = reg_number, b, c = reg_value, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
}

static void sweep_cpuid(void)
{
	for (u32 i = 0; i < 0x300; i++) {
		reg_number = (i >> 8) * 0x40000000 + (i & 0xff);
		reg_value = chance(4);
		ask();
	}
}

bool sweep(const char *name)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} all[] = {
		{ "cr", sweep_cr }, { "msr", sweep_msr }, { "ports", sweep_ports },
		{ "strings", sweep_strings }, { "svm", sweep_svm }, { "selectors", sweep_selectors },
		{ "interrupts", sweep_interrupts }, { "cpuid", sweep_cpuid },
	};

	for (u32 i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (!equal(name, all[i].name))
			continue;
		all[i].run();
		put("swept\n");
		return true;
	}
	return false;
}
