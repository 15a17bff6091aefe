/* SPDX-License-Identifier: MIT */
/*
 * One thing each that ends a machine, or seems to: the script knows which status it
 * has to be. Where a guest comes back it ends with 0.
 */
#include "tests/hostile/hostile.h"

static void lidt(u32 base, u16 limit)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) pointer = { limit, base };

	__asm__ volatile("lidt %0" : : "m"(pointer));
}

static void lgdt(u32 base, u16 limit)
{
	struct {
		u16 limit;
		u32 base;
	} __attribute__((packed)) pointer = { limit, base };

	__asm__ volatile("lgdt %0; pushl $0x10; popl %%ds" : : "m"(pointer));
}

static void triple(void)
{
	lidt(0, 0);
	__asm__ volatile("ud2");
}

static void halt(void)
{
	__asm__ volatile("cli; hlt");
}

static void silent(void)
{
	outb(0x21, 0xff);
	for (;;)
		__asm__ volatile("sti; hlt");
}

static void spin(void)
{
	__asm__ volatile("cli; 1: jmp 1b");
}

static void exits(void)
{
	__asm__ volatile("cli; 1: xorl %%eax, %%eax; cpuid; jmp 1b" : : : "eax", "ebx", "ecx", "edx");
}

/* Exceptions whose handler is the instruction that raises them. */
static void faults(void)
{
	static u64 idt[256];
	u32 to = CODE;

	byte_at(CODE) = 0x0f;
	byte_at(CODE + 1) = 0x0b;
	for (u32 v = 0; v < 32; v++)
		idt[v] = (u64)(to & 0xffff0000) << 32 | 0x00008e00ull << 32 | SEL_CODE << 16 |
			 (to & 0xffff);
	lidt((u32)idt, sizeof(idt) - 1);
	__asm__ volatile("cli; jmp *%0" : : "r"(CODE));
}

static void shout(void)
{
	for (;;)
		put("a line that is the same as all others, again and again and again\n");
}

static void jump(u32 to)
{
	__asm__ volatile("call *%0" : : "r"(to) : "memory", "cc");
}

static void jump_mmio(void) { jump(0xb8000); }
static void jump_beyond(void) { jump(0x2000000); }
static void jump_top(void) { jump(0xfffffff0); }

/* An instruction whose second half is not there. */
static void jump_edge(void)
{
	byte_at(0x1ffffff) = 0x0f;
	jump(0x1ffffff);
}

static void gdt_mmio(void) { lgdt(0xb8000, 0xff); }
static void gdt_none(void) { lgdt(0, 0); }
static void gdt_beyond(void) { lgdt(0xf0000000, 0xffff); }

static void idt_mmio(void)
{
	lidt(0xb8000, 0x7ff);
	__asm__ volatile("ud2");
}

static void stack_mmio(void)
{
	__asm__ volatile("movl $0xb8800, %esp; ud2");
}

static void stack_none(void)
{
	__asm__ volatile("movl $0xf0000000, %esp; ud2");
}

static void paging_on(u32 cr3, u32 cr4)
{
	__asm__ volatile("movl %0, %%cr4; movl %1, %%cr3; movl %%cr0, %%eax; "
			 "orl $0x80000000, %%eax; movl %%eax, %%cr0; jmp 1f; 1:"
			 : : "r"(cr4), "r"(cr3) : "eax", "memory");
}

/* Page tables that are no memory, that lead to each other, or are the code itself. */
static void tables_mmio(void) { paging_on(0xb8000, CR4_PSE); }
static void tables_beyond(void) { paging_on(0xf0000000, CR4_PSE); }
static void tables_code(void) { paging_on(0x100000, CR4_PSE); }

static void tables_loop(void)
{
	u32 *pd = (u32 *)TABLES;

	for (u32 i = 0; i < 1024; i++)
		pd[i] = (u32)pd | 7;
	paging_on(TABLES, CR4_PSE);
	for (u32 i = 0; i < 1024; i++)
		word_at(i << 22 | i << 12) = random32();
}

/* All 512 entries of all levels are the table itself; it is written through itself. */
static void tables_self(void)
{
	u64 *pdpt = (u64 *)TABLES, *pd = pdpt + 512;

	for (u32 i = 0; i < 4; i++)
		pdpt[i] = (u32)pd | 1;
	for (u32 i = 0; i < 512; i++)
		pd[i] = (u64)i << 21 | 0x87;
	pd[511] = (u32)pd | 7;
	paging_on(TABLES, CR4_PAE);
	for (u32 i = 0; i < 4096; i++) {
		word_at(0x3ffff000 | (chance(1000) + 16) * 4 % 4096) = random32() & ~1u;
		(void)word_at(DATA + chance(AREA));
	}
}

/* Entries of which each has one bit more than there may be. */
static void tables_reserved(void)
{
	u64 *pdpt = (u64 *)TABLES, *pd = pdpt + 512;

	for (u32 i = 0; i < 4; i++)
		pdpt[i] = (u32)pd | 1;
	for (u32 i = 0; i < 512; i++)
		pd[i] = ((u64)(i & 3) << 21) | (i > 3 ? 1ull << (i & 63) : 0) | 0x87;
	paging_on(TABLES, CR4_PAE);
	for (u32 i = 4; i < 512; i++)
		(void)word_at(i << 21);
}

static void smi_storm(void)
{
	for (u32 i = 0; i < 2000; i++)
		outb(0xb2, 0); /* a 30 would be a wish of the firmware's */
}

/* The timer as fast as it goes, with interrupts off: work must go on. */
static void timer_storm(void)
{
	outb(0x43, 0x34);
	outb(0x40, 2);
	outb(0x40, 0);
	for (u32 i = 0; i < 3000; i++)
		__asm__ volatile("cpuid" : : "a"(0), "c"(0) : "ebx", "edx", "memory");
	for (volatile u32 i = 0; i < 10000000; i++)
		;
}

static void task(void)
{
	__asm__ volatile("lcall $0x60, $0");
}

static void trap_everything(void)
{
	__asm__ volatile("pushl $0x302; popfl; cpuid; outb %%al, $0x80; wbinvd; nop; int3"
			 : : : "eax", "ebx", "ecx", "edx");
}

/* FPU and SSE with TS and EM set: #NM and #UD, not ours. */
static void no_fpu(void)
{
	__asm__ volatile("movl %%cr0, %%eax; orl $0xc, %%eax; movl %%eax, %%cr0; fld1; "
			 ".byte 0x0f, 0x10, 0x00" : : : "eax");
}

/* A loop that writes over its own OUT, which exits; port f4 is its end. */
static void rewrites(void)
{
	static const u8 code[] = { 0xfe, 0x05, 0x09, 0, 0x40, 0, /* incb 400009 */
				   0x31, 0xc0, 0xe6, 0xb3, 0xeb, 0xf4 };

	for (u32 i = 0; i < sizeof(code); i++)
		byte_at(CODE + i) = code[i];
	jump(CODE);
}

/* In long mode, to a code segment that has both L and D; then an exit. */
static void far_to_both(void)
{
	__asm__ volatile("ljmp $0x70, $1f; 1: xorl %%eax, %%eax; cpuid; ud2"
			 : : : "eax", "ebx", "ecx", "edx");
}

/* Refused: a TR without a TSS is not to be had. */
static void null_task(void)
{
	__asm__ volatile("xorl %%eax, %%eax; ltr %%ax" : : : "eax");
}

/* An interrupt from ring 3 where no TSS was ever loaded. */
static void user_interrupt(void)
{
	__asm__ volatile("int $0x40");
}

static u32 without_task(void (*fn)(void))
{
	setup_round(USER32, (u32)fn);
	env.tss = 0;
	return run_env();
}

bool endings(const char *name)
{
	static const struct {
		const char *name;
		void (*run)(void);
		unsigned mode; /* enum mode; 0: without paging */
	} all[] = {
		{ "triple", triple, 0 }, { "halt", halt, 0 }, { "silent", silent, 0 },
		{ "spin", spin, 0 }, { "exits", exits, 0 }, { "faults", faults, 0 },
		{ "shout", shout, 0 }, { "jump-mmio", jump_mmio, 0 },
		{ "jump-beyond", jump_beyond, 0 }, { "jump-top", jump_top, 0 },
		{ "jump-edge", jump_edge, 0 }, { "gdt-mmio", gdt_mmio, 0 },
		{ "gdt-none", gdt_none, 0 }, { "gdt-beyond", gdt_beyond, 0 },
		{ "idt-mmio", idt_mmio, 0 }, { "stack-mmio", stack_mmio, 0 },
		{ "stack-none", stack_none, 0 }, { "tables-mmio", tables_mmio, 0 },
		{ "tables-beyond", tables_beyond, 0 }, { "tables-code", tables_code, 0 },
		{ "tables-loop", tables_loop, 0 }, { "tables-self", tables_self, 0 },
		{ "tables-reserved", tables_reserved, 0 }, { "smi-storm", smi_storm, 0 },
		{ "timer-storm", timer_storm, 0 }, { "task", task, 0 },
		{ "trap", trap_everything, 0 }, { "no-fpu", no_fpu, 0 },
		{ "rewrites", rewrites, 0 }, { "long-both", far_to_both, COMPAT }, { "null-task", null_task, 0 },
	};

	if (equal(name, "no-task")) {
		put_number(without_task(user_interrupt));
		return true;
	}
	for (u32 i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (!equal(name, all[i].name))
			continue;
		put("it begins\n");
		put_number(all[i].mode ? attempt_in(all[i].mode, all[i].run)
				       : attempt(all[i].run));
		put(" was the vector\n");
		return true;
	}
	return false;
}
