/* SPDX-License-Identifier: MIT */
/*
 * A guest for the tests of the emulator, in any mode.
 *
 *	gva 0 .. 2 MiB     the same gpa: code, tables
 *	PAGE(n)            pages of every kind, beside each other
 */
#ifndef TESTS_EMULATE_GUEST_H
#define TESTS_EMULATE_GUEST_H

#include "hv/core/emulate.h"
#include "hv/core/vcpu.h"
#include "tests/fake_env.h"
#include "tests/tap.h"

#define CODE_GVA    0x20000u
#define PAGE(n)     (0x400000u + (n) * 0x1000u)
#define PAGE_GPA(n) (0x50000u + (n) * 0x1000u)
enum { RW_1, READ_ONLY, ABSENT, MMIO, RW_2, RW_3, MMIO_2, RW_4, NR_PAGES };

extern struct fake fake;
extern struct vcpu *const v;
extern struct vcpu_segs segs; /* flat and writable after setup() */
extern bool has_cx16;	      /* what CPUID says */

/* Paging with four levels in all modes; only the code segment differs. */
void setup(enum insn_mode mode);

void *ram(u64 gpa);
u64 peek(u64 gpa, unsigned size);

/* Puts the instruction there and emulates it, or one round of it. */
bool run_at(gva_t gva, const u8 *code, size_t n);

#define RUN(...) run_at(CODE_GVA, (const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

/* It is carried out. */
#define DOES(...) \
	do { \
		ck_assert(RUN(__VA_ARGS__)); \
		ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE); \
		ck_assert_uint_ne(v->regs.rip, CODE_GVA); \
	} while (0)

/* It is this exception. */
#define FAULTS(wanted, ...) \
	do { \
		ck_assert(RUN(__VA_ARGS__)); \
		ck_assert_int_eq(v->event.type, VCPU_EVENT_EXCEPTION); \
		ck_assert_uint_eq(v->event.vector, wanted); \
		ck_assert_uint_eq(v->regs.rip, CODE_GVA); \
	} while (0)

#endif
