/* SPDX-License-Identifier: MIT */
/*
 * Arithmetic and flags of the emulator against a second way to compute them:
 * bytes exhaustively, by numbers too wide to overflow, and by the CPU.
 */
#include "hv/core/alu.h"
#include "tests/tap.h"

#define FLAGS (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

static int parity(unsigned v)
{
	int ones = 0;

	for (; v; v >>= 1)
		ones += v & 1;
	return !(ones & 1);
}

/* Flags of a sum or difference: exact unsigned and signed results tell all. */
static u64 expect_flags(int unsigned_result, int signed_result, int low_nibbles, bool logic)
{
	u64 f = 0;

	if (unsigned_result < 0 || unsigned_result > 255)
		f |= RFLAGS_CF;
	if (signed_result < -128 || signed_result > 127)
		f |= RFLAGS_OF;
	if (!logic && (low_nibbles < 0 || low_nibbles > 15))
		f |= RFLAGS_AF;
	if (!(unsigned_result & 255))
		f |= RFLAGS_ZF;
	if (unsigned_result & 128)
		f |= RFLAGS_SF;
	if (parity(unsigned_result & 255))
		f |= RFLAGS_PF;
	return f;
}

static void check_sum(enum alu_op op, int sign, bool with_carry)
{
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			for (int c = 0; c < 2; c++) {
				u64 flags = RFLAGS_FIXED | (c ? RFLAGS_CF : 0);
				int carry = with_carry ? c : 0;
				u64 r = alu(op, 1, (u64)a, (u64)b, &flags);
				int u = a + sign * (b + carry);
				int s = (signed char)a + sign * ((signed char)b + carry);
				int low = (a & 15) + sign * ((b & 15) + carry);

				ck_assert_uint_eq(r, (u64)(u & 255));
				ck_assert_uint_eq(flags & FLAGS, expect_flags(u, s, low, false));
				ck_assert_uint_eq(flags & RFLAGS_FIXED, RFLAGS_FIXED);
			}
		}
	}
}

START_TEST(every_byte_sum_and_difference_has_the_right_flags)
{
	check_sum(ALU_ADD, 1, false);
	check_sum(ALU_ADC, 1, true);
	check_sum(ALU_SUB, -1, false);
	check_sum(ALU_CMP, -1, false);
	check_sum(ALU_SBB, -1, true);
}
END_TEST

START_TEST(logic_clears_carry_and_overflow)
{
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			u64 flags = RFLAGS_CF | RFLAGS_OF;

			ck_assert_uint_eq(alu(ALU_AND, 1, (u64)a, (u64)b, &flags), (u64)(a & b));
			ck_assert_uint_eq(flags, expect_flags(a & b, 0, 0, true));
			ck_assert_uint_eq(alu(ALU_OR, 1, (u64)a, (u64)b, &flags), (u64)(a | b));
			ck_assert_uint_eq(flags, expect_flags(a | b, 0, 0, true));
			ck_assert_uint_eq(alu(ALU_XOR, 1, (u64)a, (u64)b, &flags), (u64)(a ^ b));
			ck_assert_uint_eq(flags, expect_flags(a ^ b, 0, 0, true));
		}
	}
}
END_TEST

START_TEST(wide_operands_overflow_at_their_own_width)
{
	u64 flags = 0;

	ck_assert_uint_eq(alu(ALU_ADD, 8, ~0ull, 1, &flags), 0);
	ck_assert_uint_eq(flags, RFLAGS_CF | RFLAGS_ZF | RFLAGS_AF | RFLAGS_PF);
	ck_assert_uint_eq(alu(ALU_ADD, 4, 0x7fffffff, 1, &flags), 0x80000000);
	ck_assert_uint_eq(flags, RFLAGS_OF | RFLAGS_SF | RFLAGS_AF | RFLAGS_PF);
	ck_assert_uint_eq(alu(ALU_SUB, 2, 0, 1, &flags), 0xffff);
	ck_assert_uint_eq(flags, RFLAGS_CF | RFLAGS_SF | RFLAGS_AF | RFLAGS_PF);
}
END_TEST

START_TEST(increment_keeps_the_carry)
{
	u64 flags = RFLAGS_CF;

	ck_assert_uint_eq(alu_inc(false, 1, 0xff, &flags), 0);
	ck_assert_uint_eq(flags, RFLAGS_CF | RFLAGS_ZF | RFLAGS_AF | RFLAGS_PF);
	flags = 0;
	ck_assert_uint_eq(alu_inc(true, 1, 0, &flags), 0xff);
	ck_assert_uint_eq(flags, RFLAGS_SF | RFLAGS_AF | RFLAGS_PF);
}
END_TEST

#ifdef __x86_64__
/* Away from what the compiler keeps below RSP; LEA changes no flag. */
#define WITH_FLAGS(insn) \
	"leaq -128(%%rsp), %%rsp\n\tpushq %1\n\tpopfq\n\t" insn \
	"\n\tpushfq\n\tpopq %1\n\tleaq 128(%%rsp), %%rsp"

#define ON_CPU(name) \
	static u8 name##_on_cpu(u8 a, u8 b, u64 *flags) \
	{ \
		__asm__(WITH_FLAGS(#name "b %2, %0") \
			: "+q"(a), "+r"(*flags) : "q"(b) : "cc", "memory"); \
		return a; \
	}
ON_CPU(add)
ON_CPU(or)
ON_CPU(adc)
ON_CPU(sbb)
ON_CPU(and)
ON_CPU(sub)
ON_CPU(xor)
ON_CPU(cmp)

static u8 inc_on_cpu(u8 a, u64 *flags)
{
	__asm__(WITH_FLAGS("incb %0") : "+q"(a), "+r"(*flags) : : "cc", "memory");
	return a;
}

static u8 dec_on_cpu(u8 a, u64 *flags)
{
	__asm__(WITH_FLAGS("decb %0") : "+q"(a), "+r"(*flags) : : "cc", "memory");
	return a;
}

START_TEST(every_byte_gives_the_result_and_the_flags_of_this_cpu)
{
	static u8 (*const on_cpu[])(u8 a, u8 b, u64 *flags) = {
		[ALU_ADD] = add_on_cpu, [ALU_OR] = or_on_cpu,	[ALU_ADC] = adc_on_cpu,
		[ALU_SBB] = sbb_on_cpu, [ALU_AND] = and_on_cpu, [ALU_SUB] = sub_on_cpu,
		[ALU_XOR] = xor_on_cpu, [ALU_CMP] = cmp_on_cpu,
	};

	for (unsigned k = 0; k < 8u << 17; k++) {
		enum alu_op op = k >> 17;
		u64 defined = op == ALU_OR || op == ALU_AND || op == ALU_XOR ? FLAGS & ~RFLAGS_AF
									     : FLAGS;
		u64 cpu = RFLAGS_FIXED | RFLAGS_IF | (k >> 16 & 1 ? FLAGS : 0), ours = cpu;
		u8 a = (u8)k, b = (u8)(k >> 8), c = on_cpu[op](a, b, &cpu);
		u64 r = alu(op, 1, a, b, &ours);

		ck_assert_uint_eq(op == ALU_CMP ? a : r, c);
		ck_assert_uint_eq(ours & defined, cpu & defined);
	}
	for (unsigned k = 0; k < 1024; k++) {
		u64 cpu = RFLAGS_FIXED | RFLAGS_IF | (k & 256 ? FLAGS : 0), ours = cpu;

		ck_assert_uint_eq(alu_inc(k & 512, 1, (u8)k, &ours),
				  k & 512 ? dec_on_cpu((u8)k, &cpu) : inc_on_cpu((u8)k, &cpu));
		ck_assert_uint_eq(ours & FLAGS, cpu & FLAGS);
	}
}
END_TEST
#endif

TAP_MAIN("alu",
#ifdef __x86_64__
	 every_byte_gives_the_result_and_the_flags_of_this_cpu,
#endif
	 every_byte_sum_and_difference_has_the_right_flags,
	 logic_clears_carry_and_overflow,
	 wide_operands_overflow_at_their_own_width,
	 increment_keeps_the_carry)
