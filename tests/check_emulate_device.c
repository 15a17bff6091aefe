/* SPDX-License-Identifier: MIT */
/*
 * Instructions that are emulated for device memory only: what they compute is in the
 * manuals, and here in examples.
 */
#include "tests/emulate_guest.h"

#include <string.h>

#define STATUS (RFLAGS_CF | RFLAGS_ZF | RFLAGS_OF)

static void store(unsigned page, unsigned at, u64 value, unsigned bytes)
{
	memcpy(ram(PAGE_GPA(page) + at), &value, bytes);
}

static void begin(u64 word)
{
	setup(INSN_MODE64);
	store(RW_1, 0, word, 8);
	v->regs.gpr[RDI] = PAGE(RW_1);
	v->regs.rflags = RFLAGS_FIXED | STATUS;
}

#define DECLINES(...) \
	do { \
		const u8 code_[] = { __VA_ARGS__ }; \
		struct insn i_; \
		ck_assert_int_eq(insn_decode(code_, sizeof(code_), INSN_MODE64, &i_), INSN_UNKNOWN); \
	} while (0)

START_TEST(a_product_of_signed_numbers_is_cut_and_says_so)
{
	begin(51);
	v->regs.gpr[RAX] = 0x12345678;
	DOES(0x0f, 0xaf, 0x07); /* imul eax, [rdi] */
	ck_assert_uint_eq(v->regs.gpr[RAX], 0xa06d39e8);
	ck_assert_uint_eq(v->regs.rflags & (RFLAGS_CF | RFLAGS_OF), RFLAGS_CF | RFLAGS_OF);
	DOES(0x6b, 0x07, 0xfe); /* imul eax, [rdi], -2 */
	ck_assert_uint_eq(v->regs.gpr[RAX], (u32)-102);
	ck_assert_uint_eq(v->regs.rflags & (RFLAGS_CF | RFLAGS_OF), 0);
	v->regs.gpr[RAX] = ~0ull;
	DOES(0x66, 0x69, 0x07, 0x00, 0x80); /* imul ax, [rdi], 8000 */
	ck_assert_uint_eq(v->regs.gpr[RAX], 0xffffffffffff8000);
	ck_assert_uint_ne(v->regs.rflags & RFLAGS_CF, 0);
	store(RW_1, 0, 1ull << 63, 8);
	DOES(0x48, 0x6b, 0x07, 0xff); /* imul rax, [rdi], -1 */
	ck_assert_uint_eq(v->regs.gpr[RAX], 1ull << 63);
	ck_assert_uint_ne(v->regs.rflags & RFLAGS_OF, 0);
}
END_TEST

START_TEST(bits_are_found_from_below_and_from_above)
{
	begin(0xc000);
	DOES(0x0f, 0xbc, 0x07); /* bsf eax, [rdi] */
	ck_assert_uint_eq(v->regs.gpr[RAX], 14);
	ck_assert_uint_eq(v->regs.rflags & RFLAGS_ZF, 0);
	DOES(0x0f, 0xbd, 0x07); /* bsr eax, [rdi] */
	ck_assert_uint_eq(v->regs.gpr[RAX], 15);
	store(RW_1, 0, 0, 8);
	v->regs.gpr[RAX] = 0x1234567887654321;
	DOES(0x0f, 0xbd, 0x07);
	ck_assert_uint_eq(v->regs.gpr[RAX], 0x1234567887654321);
	ck_assert_uint_ne(v->regs.rflags & RFLAGS_ZF, 0);
	DECLINES(0xf3, 0x0f, 0xbc, 0x07); /* TZCNT is another one */
}
END_TEST

START_TEST(small_numbers_grow_with_and_without_their_sign)
{
	begin(0x8081);
	v->regs.gpr[RAX] = ~0ull;
	DOES(0x0f, 0xb6, 0x07); /* movzx eax, byte [rdi] */
	ck_assert_uint_eq(v->regs.gpr[RAX], 0x81);
	DOES(0x48, 0x0f, 0xbf, 0x07); /* movsx rax, word [rdi] */
	ck_assert_uint_eq(v->regs.gpr[RAX], 0xffffffffffff8081);
	DOES(0x66, 0x0f, 0xbe, 0x07); /* movsx ax, byte [rdi] */
	ck_assert_uint_eq(v->regs.gpr[RAX], 0xffffffffffffff81);
}
END_TEST

START_TEST(bits_are_shifted_in_from_a_register)
{
	begin(0x12345678);
	v->regs.gpr[RAX] = 0xaaaaaaaa;
	DOES(0x0f, 0xa4, 0x07, 0x03); /* shld [rdi], eax, 3 */
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1), 4), 0x91a2b3c5);
	ck_assert_uint_eq(v->regs.rflags & STATUS, RFLAGS_OF);
	v->regs.gpr[RCX] = 32 + 3;
	DOES(0x0f, 0xad, 0x07); /* shrd [rdi], eax, cl */
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1), 4), 0x52345678);
	ck_assert_uint_ne(v->regs.rflags & RFLAGS_CF, 0);
	v->regs.gpr[RCX] = 0;
	v->regs.rflags = RFLAGS_FIXED | STATUS;
	DOES(0x0f, 0xad, 0x07);
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1), 4), 0x52345678);
	ck_assert_uint_eq(v->regs.rflags & STATUS, STATUS);
	ck_assert(!RUN(0x66, 0x0f, 0xa4, 0x07, 0x11)); /* 17 of 16 bits */
}
END_TEST

/* Rounds until RIP moves on. */
static unsigned repeat(u8 prefix, u8 opcode)
{
	unsigned rounds = 0;

	do {
		const u8 code[] = { prefix, opcode };

		ck_assert(run_at(CODE_GVA, code, 2));
		ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE);
		rounds++;
	} while (v->regs.rip == CODE_GVA);
	return rounds;
}

START_TEST(strings_are_compared_until_they_differ)
{
	begin(0x8877665544332211);
	store(RW_2, 0, 0x8877665599332211, 8);
	v->regs.gpr[RSI] = PAGE(RW_2);
	v->regs.gpr[RCX] = 8;
	ck_assert_uint_eq(repeat(0xf3, 0xa6), 4); /* repe cmpsb */
	ck_assert_uint_eq(v->regs.gpr[RCX], 4);
	ck_assert_uint_eq(v->regs.gpr[RSI], PAGE(RW_2) + 4);
	ck_assert_uint_eq(v->regs.gpr[RDI], PAGE(RW_1) + 4);
	ck_assert_uint_eq(v->regs.rflags & RFLAGS_ZF, 0);
	ck_assert_uint_eq(v->regs.rflags & RFLAGS_CF, 0); /* 99 is not below 44 */
	v->regs.gpr[RCX] = 4;
	ck_assert_uint_eq(repeat(0xf3, 0xa6), 4);
	ck_assert_uint_eq(v->regs.gpr[RCX], 0);
	ck_assert_uint_ne(v->regs.rflags & RFLAGS_ZF, 0);
}
END_TEST

START_TEST(a_string_is_searched_in_both_directions)
{
	begin(0x8877665544332211);
	v->regs.gpr[RAX] = 0x44;
	v->regs.gpr[RCX] = 100;
	ck_assert_uint_eq(repeat(0xf2, 0xae), 4); /* repne scasb */
	ck_assert_uint_eq(v->regs.gpr[RDI], PAGE(RW_1) + 4);
	ck_assert_uint_eq(v->regs.gpr[RCX], 96);
	v->regs.rflags |= RFLAGS_DF;
	DOES(0xae);
	ck_assert_uint_eq(v->regs.gpr[RDI], PAGE(RW_1) + 3);
	v->regs.gpr[RCX] = 0;
	ck_assert_uint_eq(repeat(0xf2, 0xae), 1);
	ck_assert_uint_eq(v->regs.gpr[RDI], PAGE(RW_1) + 3);
}
END_TEST

static u8 xmm[16][16];

static void machine_xmm(struct vcpu *vcpu, unsigned number, u8 bytes[16], bool write)
{
	(void)vcpu;
	memcpy(write ? xmm[number] : bytes, write ? bytes : xmm[number], 16);
}

START_TEST(sixteen_bytes_move_at_once_and_some_want_to_be_aligned)
{
	struct platform machine;

	begin(0x1122334455667788);
	machine = *v->vm->p;
	v->vm->p = &machine;
	ck_assert(!RUN(0x0f, 0x10, 0x07)); /* a machine without such registers */
	machine.xmm = machine_xmm;
	store(RW_1, 8, 0x99, 8);
	DOES(0x44, 0x0f, 0x10, 0x07); /* movups xmm8, [rdi] */
	ck_assert_mem_eq(xmm[8], ram(PAGE_GPA(RW_1)), 16);
	v->regs.gpr[RDI] = PAGE(RW_1) + 0x108;
	FAULTS(X86_GP, 0x44, 0x0f, 0x29, 0x07); /* movaps [rdi], xmm8 */
	FAULTS(X86_GP, 0x66, 0x44, 0x0f, 0x7f, 0x07); /* movdqa */
	DOES(0xf3, 0x44, 0x0f, 0x7f, 0x07); /* movdqu */
	ck_assert_mem_eq(ram(PAGE_GPA(RW_1) + 0x108), xmm[8], 16);
	v->regs.gpr[RDI] = PAGE(READ_ONLY);
	FAULTS(X86_PF, 0x0f, 0x29, 0x07);
	DECLINES(0x0f, 0x6f, 0x07); /* MMX */
	DECLINES(0xf2, 0x0f, 0x10, 0x07); /* MOVSD */
	DECLINES(0x0f, 0x10, 0xc1); /* between registers */
}
END_TEST

#define GDT_AT 0x100u

/* A task whose state is at 12345678, limit 67. */
static void put_task(u64 type)
{
	store(RW_2, GDT_AT + 8, 0x67ull | 0x345678ull << 16 | 0x12ull << 56 | type << 40 | 1ull << 47, 8);
	store(RW_2, GDT_AT + 16, 0, 8);
	segs.gdtr.base = PAGE(RW_2) + GDT_AT;
	segs.gdtr.limit = 23;
}

START_TEST(a_task_is_loaded_once_and_busy_then)
{
	begin(8);
	put_task(9);
	DOES(0x0f, 0x00, 0x1f); /* ltr [rdi] */
	ck_assert_uint_eq(segs.tr.selector, 8);
	ck_assert_uint_eq(segs.tr.limit, 0x67);
	ck_assert_uint_eq(segs.tr.attrib & 0xff, 0x8b);
	ck_assert_uint_eq(peek(PAGE_GPA(RW_2) + GDT_AT + 8, 8) >> 40 & 0xff, 0x8b);
	FAULTS(X86_GP, 0x0f, 0x00, 0x1f);
	ck_assert_uint_eq(v->event.code, 8);
	store(RW_1, 0, 0, 2);
	FAULTS(X86_GP, 0x0f, 0x00, 0x1f);
	ck_assert_uint_eq(v->event.code, 0);
	store(RW_1, 0, 0x10, 2); /* its second half is behind the limit */
	FAULTS(X86_GP, 0x0f, 0x00, 0x1f);
	store(RW_1, 0, 8, 2);
	put_task(9);
	v->regs.cpl = 3;
	FAULTS(X86_GP, 0x0f, 0x00, 0x1f);
}
END_TEST

START_TEST(the_machine_status_word_is_two_bytes)
{
	begin(~0ull);
	v->regs.cr0 = 0x80050033;
	DOES(0x0f, 0x01, 0x27); /* smsw [rdi] */
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1), 8), 0xffffffffffff0033);
}
END_TEST

TAP_MAIN("emulate_device",
	 a_product_of_signed_numbers_is_cut_and_says_so,
	 bits_are_found_from_below_and_from_above,
	 small_numbers_grow_with_and_without_their_sign,
	 bits_are_shifted_in_from_a_register,
	 strings_are_compared_until_they_differ,
	 a_string_is_searched_in_both_directions,
	 sixteen_bytes_move_at_once_and_some_want_to_be_aligned,
	 a_task_is_loaded_once_and_busy_then,
	 the_machine_status_word_is_two_bytes)
