/* SPDX-License-Identifier: MIT */
/*
 * What a round needs: descriptors, page tables that map everything to itself,
 * interrupt tables for three kinds of mode, the timer that ends it.
 */
#include "tests/hostile/hostile.h"

enum { RW_USER = 0x07, LARGE = 0x80, TABLE_PAGE = 0x1000 };

struct pointer {
	u16 limit;
	u32 base, top;
} __attribute__((packed));

struct gate64 {
	u16 low, selector;
	u8 ist, type;
	u16 mid;
	u32 high, reserved;
};

extern u64 gdt[128];
extern u8 stubs32[], stubs64[], real_start[], real_end[];

static u64 idt32[256];
static struct gate64 idt64[256];
static u32 tss32[64], tss64[64];
static struct pointer idt32_pointer = { sizeof(idt32) - 1, 0, 0 };
static struct pointer idt64_pointer = { sizeof(idt64) - 1, 0, 0 };
static struct pointer idt16_pointer = { 0x3ff, 0, 0 };

static u64 descriptor(u32 base, u32 limit, u32 attributes)
{
	return (u64)(base >> 24) << 56 | (u64)(attributes & 0xf0ff) << 40 |
	       (u64)(limit >> 16 & 15) << 48 | (u64)(base & 0xffffff) << 16 | (limit & 0xffff);
}

static void setup_gdt(void)
{
	gdt[0] = 0;
	gdt[SEL_CODE / 8] = descriptor(0, 0xfffff, 0xc09b);
	gdt[SEL_DATA / 8] = descriptor(0, 0xfffff, 0xc093);
	gdt[SEL_CODE64 / 8] = descriptor(0, 0xfffff, 0xa09b);
	gdt[SEL_TSS / 8] = descriptor((u32)tss32, 103, 0x89);
	gdt[SEL_CODE16 / 8] = descriptor(0, 0xffff, 0x9b);
	gdt[SEL_DATA16 / 8] = descriptor(0, 0xffff, 0x93);
	gdt[SEL_UCODE / 8] = descriptor(0, 0xfffff, 0xc0fb);
	gdt[SEL_UDATA / 8] = descriptor(0, 0xfffff, 0xc0f3);
	gdt[SEL_UCODE64 / 8] = descriptor(0, 0xfffff, 0xa0fb);
	gdt[SEL_TASK_GATE / 8] = (u64)0xe500 << 32 | (u32)SEL_OTHER_TSS << 16;
	gdt[SEL_OTHER_TSS / 8] = descriptor(DATA, 103, 0xe9);
	gdt[14] = descriptor(0, 0xfffff, 0xe09b);	/* L and D */
	gdt[15] = descriptor(0, 0xfffff, 0xc013);	/* not present */
	gdt[16] = descriptor(0, 0x600, 0xc097);		/* expands down */
	gdt[17] = descriptor(0, 0xfffff, 0xc0ff);	/* conforming */
	gdt[18] = descriptor(DATA, 0xffff, 0xe2);	/* an LDT */
	gdt[19] = (u64)0xec00 << 32 | (u32)SEL_CODE << 16;	/* a call gate */
	gdt[SEL_TSS64 / 8] = descriptor((u32)tss64, 103, 0x89);
	gdt[SEL_TSS64 / 8 + 1] = 0;
	gdt[22] = descriptor(0xfee00000, 0xfff, 0x93);
	gdt[23] = descriptor(0xffff0000, 0xfffff, 0xc093);
}

static void setup_idts(void)
{
	for (u32 v = 0; v < 256; v++) {
		u32 to = (u32)stubs32 + 16 * v;

		idt32[v] = (u64)(to & 0xffff0000) << 32 | 0x0000ee00ull << 32 |
			   (u32)SEL_CODE << 16 | (to & 0xffff);
		to = (u32)stubs64 + 16 * v;
		idt64[v] = (struct gate64){ (u16)to, SEL_CODE64, 1, 0xee, (u16)(to >> 16), 0, 0 };
		word_at(4 * v) = 0x9040; /* 0:9040 */
	}
	for (u32 i = 0; i < (u32)(real_end - real_start); i++)
		byte_at(0x9000 + i) = real_start[i];
	idt32_pointer.base = (u32)idt32;
	idt64_pointer.base = (u32)idt64;
}

static void setup_tss(void)
{
	for (u32 i = 0; i < 64; i++)
		tss32[i] = tss64[i] = 0;
	tss32[1] = TRAP_TOP; /* esp0, ss0 */
	tss32[2] = SEL_DATA;
	tss32[25] = 104 << 16;
	tss64[1] = TRAP_TOP; /* rsp0 */
	tss64[9] = TRAP_TOP; /* ist1 */
	tss64[25] = 104 << 16;
}

static void setup_2level(void)
{
	u32 *pd = (u32 *)TABLES, *pt = (u32 *)(TABLES + TABLE_PAGE);

	for (u32 i = 0; i < 1024; i++) {
		pd[i] = i << 22 | LARGE | RW_USER;
		pt[i] = (0x400000 + i * 4096) | RW_USER; /* the areas, in small pages */
	}
	pd[1] = (u32)pt | RW_USER;
	pd[0x3ff] = (u32)pd | RW_USER; /* itself */
}

/* From the level whose entries are tables of 2M pages on. */
static void setup_pds(u64 *pds, u64 *pt)
{
	for (u32 i = 0; i < 4 * 512; i++)
		pds[i] = (u64)i << 21 | LARGE | RW_USER;
	for (u32 i = 0; i < 512; i++)
		pt[i] = (0x400000 + i * 4096) | RW_USER;
	pds[2] = (u32)pt | RW_USER;
}

static void setup_pae(void)
{
	u64 *pdpt = (u64 *)TABLES, *pds = (u64 *)(TABLES + TABLE_PAGE);

	setup_pds(pds, (u64 *)(TABLES + 5 * TABLE_PAGE));
	for (u32 i = 0; i < 4; i++)
		pdpt[i] = ((u32)pds + i * TABLE_PAGE) | 1;
}

static void setup_4level(void)
{
	u64 *pml4 = (u64 *)TABLES, *pdpt = pml4 + 512, *pds = pdpt + 512;

	setup_pds(pds, pds + 4 * 512);
	for (u32 i = 0; i < 4; i++)
		pdpt[i] = ((u32)pds + i * TABLE_PAGE) | RW_USER;
	pml4[0] = (u32)pdpt | RW_USER;
	pml4[511] = (u32)pml4 | RW_USER;
}

static void clear(u32 from, u32 size)
{
	for (u32 i = 0; i < size; i += 4)
		word_at(from + i) = 0;
}

/* The PICs at 20 and 28, only the timer open, every 4 ms. */
static void setup_timer(void)
{
	static const u8 words[][2] = {
		{ 0x20, 0x11 }, { 0xa0, 0x11 }, { 0x21, 0x20 }, { 0xa1, 0x28 }, { 0x21, 4 },
		{ 0xa1, 2 }, { 0x21, 1 }, { 0xa1, 1 }, { 0x21, 0xfe }, { 0xa1, 0xff },
		{ 0x20, 0x20 }, { 0x43, 0x34 }, { 0x40, 4772 & 0xff }, { 0x40, 4772 >> 8 },
	};

	for (u32 i = 0; i < sizeof(words) / sizeof(*words); i++)
		outb(words[i][0], words[i][1]);
}

unsigned mode_bits(enum mode mode)
{
	if (mode == REAL || mode == PROT16 || mode == V86)
		return 16;
	return mode == LONG || mode == USER64 ? 64 : 32;
}

static void setup_paging(enum mode mode)
{
	env.cr3 = TABLES;
	env.cr4 = CR4_OSFXSR | (random32() & (CR4_PSE | CR4_PGE)) | CR4_PSE;
	env.efer = random32() & (EFER_SCE | EFER_NXE);
	env.cr0 = CR0_PE | CR0_ET | CR0_PG | (random32() & CR0_WP);
	if (mode == PAGED2 || ((mode == USER32 || mode == V86) && chance(2))) {
		setup_2level();
		return;
	}
	env.cr4 |= CR4_PAE;
	if (mode == PAGED_PAE || mode == V86 || (mode == USER32 && chance(2))) {
		setup_pae();
		return;
	}
	setup_4level();
	env.efer |= EFER_LME;
	env.tss = SEL_TSS64;
	env.idt_limit_at = (u32)&idt64_pointer;
}

static void setup_segments(enum mode mode)
{
	unsigned bits = mode_bits(mode);

	env.cs = bits == 16 ? SEL_CODE16 : bits == 64 ? SEL_CODE64 : SEL_CODE;
	env.ss = env.ds = SEL_DATA;
	if (mode == USER32 || mode == USER64) {
		env.cs = mode == USER64 ? SEL_UCODE64 : SEL_UCODE;
		env.ss = env.ds = SEL_UDATA;
	}
	if (mode == V86) {
		env.cs = CODE16 >> 4;
		env.ss = env.ds = 0;
		env.esp = 0x7f00;
		env.flags |= FLAGS_VM | chance(2) * 0x3000;
	}
	if (mode == PROT16)
		gdt[SEL_CODE16 / 8] = descriptor(CODE16, 0xffff, 0x9b);
}

void setup_once(void)
{
	setup_gdt();
	setup_idts();
	setup_tss();
	env.idt_limit_at = (u32)&idt32_pointer;
}

void setup_round(enum mode mode, u32 eip)
{
	setup_once();
	clear(TABLES, AREA);
	env = (struct env){ .cr0 = CR0_PE | CR0_ET, .idt_limit_at = (u32)&idt32_pointer,
			    .tss = SEL_TSS, .flags = 2 | FLAGS_IF, .esp = STACK_TOP, .eip = eip };
	if (mode >= PAGED2)
		setup_paging(mode);
	if (mode == REAL) {
		env.real = 1;
		env.idt_limit_at = (u32)&idt16_pointer;
	}
	setup_segments(mode);
	setup_timer();
}

u32 attempt(void (*fn)(void))
{
	setup_once();
	env = (struct env){ .cr0 = CR0_PE | CR0_ET, .idt_limit_at = (u32)&idt32_pointer,
			    .tss = SEL_TSS, .flags = 2, .esp = STACK_TOP, .eip = (u32)fn,
			    .cs = SEL_CODE, .ss = SEL_DATA, .ds = SEL_DATA };
	word_at(STACK_TOP) = (u32)return_trap;
	return run_env();
}

u32 attempt_in(enum mode mode, void (*fn)(void))
{
	setup_round(mode, (u32)fn);
	env.flags = 2;
	word_at(STACK_TOP) = (u32)return_trap;
	return run_env();
}
