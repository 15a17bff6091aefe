/* SPDX-License-Identifier: MIT */
/*
 * A guest that does what no guest should. It runs in rounds: memory, tables and
 * registers are made anew, one mode is entered, and whatever exception comes ends the
 * round, or the timer does. Some rounds end the machine; that is allowed.
 *
 *   100000  this image: never meant to be hit, but it may be
 *   400000  CODE: what runs in a round, 16 pages
 *   500000  TABLES: page tables, 16 pages
 *   600000  DATA, 16 pages
 *   700000  STACKS: where exceptions go, and the code's own
 */
#ifndef TESTS_HOSTILE_HOSTILE_H
#define TESTS_HOSTILE_HOSTILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

enum {
	CODE = 0x400000,
	TABLES = 0x500000,
	DATA = 0x600000,
	STACKS = 0x700000,
	STACK_TOP = STACKS + 0x8000,	/* of the code that runs */
	TRAP_TOP = STACKS + 0x10000,	/* of exceptions from ring 3 and in long mode */
	CODE16 = 0x10000,		/* the same for real mode */
	AREA = 0x10000,			/* of CODE, TABLES, DATA */
};

enum {
	SEL_CODE = 0x08, SEL_DATA = 0x10, SEL_CODE64 = 0x18, SEL_TSS = 0x28, SEL_CODE16 = 0x38,
	SEL_DATA16 = 0x40, SEL_UCODE = 0x4b, SEL_UDATA = 0x53, SEL_UCODE64 = 0x5b,
	SEL_TASK_GATE = 0x60, SEL_OTHER_TSS = 0x68, SEL_TSS64 = 0xa0,
};

enum { CR0_PE = 1, CR0_ET = 0x10, CR0_WP = 0x10000, CR0_PG = 0x80000000 };
enum { CR4_PSE = 0x10, CR4_PAE = 0x20, CR4_PGE = 0x80, CR4_OSFXSR = 0x200 };
enum { EFER_SCE = 1, EFER_LME = 0x100, EFER_NXE = 0x800 };
enum { FLAGS_IF = 0x200, FLAGS_VM = 0x20000, FLAGS_TF = 0x100 };

/* How a round begins; start.S knows the order. */
struct env {
	u32 cr0, cr3, cr4, efer;
	u32 idt_limit_at;	/* address of the pointer that LIDT takes */
	u32 tss;		/* selector */
	u32 real;		/* not 0: in real mode, at CODE16 */
	u32 flags, ss, esp, ds;
	u32 eip, cs;		/* a far pointer */
};
extern struct env env;

/* Enters it; comes back by an exception or interrupt and returns its vector. */
u32 run_env(void);

/* ---- set up (setup.c) ---- */

enum mode { REAL, PROT16, PROT32, PAGED2, PAGED_PAE, LONG, COMPAT, USER32, USER64, V86, NR_MODES };

void setup_once(void);
/* All that a round may have spoilt, and env for a mode with code at eip. */
void setup_round(enum mode mode, u32 eip);
/* 16, 32 or 64: how its code is read. */
unsigned mode_bits(enum mode mode);

/* Runs fn in flat 32-bit mode; returns the vector that ended it, NO_TRAP if none did. */
enum { NO_TRAP = 0x1ff };
u32 attempt(void (*fn)(void));
u32 attempt_in(enum mode mode, void (*fn)(void));	/* one with 32-bit code in ring 0 */
void return_trap(void);		/* ends run_env() with NO_TRAP */

/* ---- what there is to run ---- */

void random_rounds(u32 seed, u32 rounds);	/* random.c */
bool sweep(const char *name);			/* sweep.c; false: no such */
bool endings(const char *name);			/* endings.c */
void *emit_round(u8 *to, enum mode mode);	/* emit.c */

/* ---- small things (main.c) ---- */

_Noreturn void finish(u32 status);
void put(const char *text);
void put_number(u32 n);
u32 chance(u32 n);		/* 0 .. n-1 */
u32 random32(void);
void seed_random(u32 seed);
bool equal(const char *a, const char *b);

static inline void outb(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline u8 inb(u16 port)
{
	u8 value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

#define word_at(addr) (*(volatile u32 *)(addr))
#define byte_at(addr) (*(volatile u8 *)(addr))

#endif
