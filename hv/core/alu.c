/* SPDX-License-Identifier: MIT */
/*
 * Carry and overflow by the textbook: from the carries into and out of the
 * sign bit.
 */
#include "hv/core/alu.h"

#define ALU_FLAGS (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

static u64 alu_result_flags(unsigned size, u64 r)
{
	u64 sign = BIT(8 * size - 1), f = 0;

	if (!r)
		f |= RFLAGS_ZF;
	if (r & sign)
		f |= RFLAGS_SF;
	if (!(__builtin_parity((u8)r)))
		f |= RFLAGS_PF;
	return f;
}

static u64 alu_add(unsigned size, u64 a, u64 b, bool carry, u64 *flags)
{
	u64 mask = ~0ull >> (64 - 8 * size), sign = BIT(8 * size - 1);
	u64 r = (a + b + carry) & mask;
	u64 carries = (a & b) | ((a | b) & ~r); /* out of each bit */

	*flags = alu_result_flags(size, r);
	if (carries & sign)
		*flags |= RFLAGS_CF;
	if (carries & 8)
		*flags |= RFLAGS_AF;
	if ((a ^ r) & (b ^ r) & sign)
		*flags |= RFLAGS_OF;
	return r;
}

static u64 alu_sub(unsigned size, u64 a, u64 b, bool borrow, u64 *flags)
{
	u64 mask = ~0ull >> (64 - 8 * size), sign = BIT(8 * size - 1);
	u64 r = (a - b - borrow) & mask;
	u64 borrows = (~a & b) | ((~a | b) & r);

	*flags = alu_result_flags(size, r);
	if (borrows & sign)
		*flags |= RFLAGS_CF;
	if (borrows & 8)
		*flags |= RFLAGS_AF;
	if ((a ^ b) & (a ^ r) & sign)
		*flags |= RFLAGS_OF;
	return r;
}

static u64 alu_logic(unsigned size, u64 r, u64 *flags)
{
	*flags = alu_result_flags(size, r);
	return r;
}

u64 alu(enum alu_op op, unsigned size, u64 a, u64 b, u64 *rflags)
{
	u64 mask = ~0ull >> (64 - 8 * size), flags = 0, r = 0;
	bool carry = *rflags & RFLAGS_CF;

	a &= mask;
	b &= mask;
	switch (op) {
	case ALU_ADD:
		r = alu_add(size, a, b, false, &flags);
		break;
	case ALU_ADC:
		r = alu_add(size, a, b, carry, &flags);
		break;
	case ALU_SUB:
	case ALU_CMP:
		r = alu_sub(size, a, b, false, &flags);
		break;
	case ALU_SBB:
		r = alu_sub(size, a, b, carry, &flags);
		break;
	case ALU_OR:
		r = alu_logic(size, a | b, &flags);
		break;
	case ALU_AND:
		r = alu_logic(size, a & b, &flags);
		break;
	case ALU_XOR:
		r = alu_logic(size, a ^ b, &flags);
		break;
	}
	*rflags = (*rflags & ~ALU_FLAGS) | flags;
	return r;
}

u64 alu_inc(bool dec, unsigned size, u64 a, u64 *rflags)
{
	u64 carry = *rflags & RFLAGS_CF;
	u64 r = alu(dec ? ALU_SUB : ALU_ADD, size, a, 1, rflags);

	*rflags = (*rflags & ~RFLAGS_CF) | carry;
	return r;
}
