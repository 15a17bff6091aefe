/* SPDX-License-Identifier: MIT */
/*
 * What the data instructions of insn.def do. All follow one pattern: read the
 * operands, compute, write; RIP moves on only when nothing faulted.
 */
#include "hv/core/alu.h"
#include "hv/core/emulate.h"
#include "hv/core/vcpu.h"

/* A row's function: true if it is done (RIP moves on), false if it faulted. */
typedef bool (*emulate_fn_t)(struct vcpu *v, const struct insn *i);

static u64 emulate_reg(const struct vcpu *v, const struct insn *i)
{
	return emulate_get_reg(v, i, i->reg, i->size);
}

static bool emulate_alu_on(struct vcpu *v, const struct insn *i, enum alu_op op, u64 b)
{
	u64 a, flags = v->regs.rflags;

	if (!emulate_read_operand(v, i, i->size, &a))
		return false;
	a = alu(op, i->size, a, b, &flags);
	if (op != ALU_CMP && !emulate_write_operand(v, i, i->size, a))
		return false;
	v->regs.rflags = flags;
	return true;
}

static bool emulate_alu(struct vcpu *v, const struct insn *i)
{
	enum alu_op op = i->opcode >> 3 & 7;
	u64 b;

	if (!i->to_reg)
		return emulate_alu_on(v, i, op, emulate_reg(v, i));
	if (!emulate_read_operand(v, i, i->size, &b))
		return false;
	b = alu(op, i->size, emulate_reg(v, i), b, &v->regs.rflags);
	if (op != ALU_CMP)
		emulate_set_reg(v, i, i->reg, i->size, b);
	return true;
}

static bool emulate_alu_imm(struct vcpu *v, const struct insn *i)
{
	return emulate_alu_on(v, i, i->reg & 7, i->imm);
}

static bool emulate_test(struct vcpu *v, const struct insn *i)
{
	u64 a;

	if (!emulate_read_operand(v, i, i->size, &a))
		return false;
	alu(ALU_AND, i->size, a, emulate_reg(v, i), &v->regs.rflags);
	return true;
}

static bool emulate_mov(struct vcpu *v, const struct insn *i)
{
	u64 value = emulate_reg(v, i);

	if (!i->to_reg)
		return emulate_write_operand(v, i, i->size, value);
	if (!emulate_read_operand(v, i, i->size, &value))
		return false;
	emulate_set_reg(v, i, i->reg, i->size, value);
	return true;
}

static bool emulate_mov_imm(struct vcpu *v, const struct insn *i)
{
	return emulate_write_operand(v, i, i->size, i->imm);
}

static bool emulate_xchg(struct vcpu *v, const struct insn *i)
{
	u64 value, reg = emulate_reg(v, i);

	if (!emulate_read_operand(v, i, i->size, &value) ||
	    !emulate_write_operand(v, i, i->size, reg))
		return false;
	emulate_set_reg(v, i, i->reg, i->size, value);
	return true;
}

static bool emulate_unary(struct vcpu *v, const struct insn *i)
{
	u64 value, flags = v->regs.rflags;

	if (!emulate_read_operand(v, i, i->size, &value))
		return false;
	if (i->op == INSN_NOT)
		value = ~value;
	else if (i->op == INSN_NEG)
		value = alu(ALU_SUB, i->size, 0, value, &flags);
	else
		value = alu_inc(i->op == INSN_DEC, i->size, value, &flags);
	if (!emulate_write_operand(v, i, i->size, value))
		return false;
	v->regs.rflags = flags;
	return true;
}

static bool emulate_xadd(struct vcpu *v, const struct insn *i)
{
	u64 old, sum, flags = v->regs.rflags;

	if (!emulate_read_operand(v, i, i->size, &old))
		return false;
	sum = alu(ALU_ADD, i->size, old, emulate_reg(v, i), &flags);
	if (i->mem && !emulate_write_operand(v, i, i->size, sum))
		return false;
	emulate_set_reg(v, i, i->reg, i->size, old);
	if (!i->mem) /* the destination wins if both are the same register */
		emulate_write_operand(v, i, i->size, sum);
	v->regs.rflags = flags;
	return true;
}

/* The memory is written in both cases, as hardware does. */
static bool emulate_cmpxchg(struct vcpu *v, const struct insn *i)
{
	u64 old, flags = v->regs.rflags;
	bool equal;

	if (!emulate_read_operand(v, i, i->size, &old))
		return false;
	alu(ALU_CMP, i->size, emulate_get_reg(v, i, RAX, i->size), old, &flags);
	equal = flags & RFLAGS_ZF;
	if (!emulate_write_operand(v, i, i->size, equal ? emulate_reg(v, i) : old))
		return false;
	if (!equal)
		emulate_set_reg(v, i, RAX, i->size, old);
	v->regs.rflags = flags;
	return true;
}

/* CMPXCHG8B, and CMPXCHG16B with REX.W. */
static bool emulate_cmpxchg_pair(struct vcpu *v, const struct insn *i)
{
	unsigned half = i->size == 8 ? 8 : 4;
	u64 *gpr = v->regs.gpr, old[2] = { 0 }, new[2] = { gpr[RBX], gpr[RCX] };
	gva_t gva = vcpu_operand_gva(v, i);
	bool equal;

	if (!emulate_read_mem(v, gva, &old[0], half) ||
	    !emulate_read_mem(v, gva + half, &old[1], half))
		return false;
	equal = old[0] == emulate_get_reg(v, i, RAX, half) &&
		old[1] == emulate_get_reg(v, i, RDX, half);
	if (half == 4) /* one store */
		new[0] = (u32)new[0] | new[1] << 32;
	if (half == 4 && !equal)
		new[0] = old[0] | old[1] << 32;
	if (!emulate_write_mem(v, gva, half == 8 && !equal ? old : new, 2 * half))
		return false;
	if (!equal) {
		emulate_set_reg(v, i, RAX, half, old[0]);
		emulate_set_reg(v, i, RDX, half, old[1]);
	}
	v->regs.rflags = (v->regs.rflags & ~RFLAGS_ZF) | (equal ? RFLAGS_ZF : 0);
	return true;
}

/* A bit number in a register reaches beyond a memory operand. */
static bool emulate_bit(struct vcpu *v, const struct insn *i)
{
	struct insn at = *i;
	bool immediate = i->opcode == 0xba;
	u64 value, bit, n = immediate ? i->imm : emulate_reg(v, i);

	if (i->mem && !immediate) {
		s64 number = (s64)(n << (64 - 8 * i->size)) >> (64 - 8 * i->size);

		at.disp += (u64)(number >> (i->size == 8 ? 6 : i->size == 4 ? 5 : 4)) * i->size;
	}
	bit = BIT(n & (8 * i->size - 1));
	if (!emulate_read_operand(v, &at, i->size, &value))
		return false;
	v->regs.rflags = (v->regs.rflags & ~RFLAGS_CF) | (value & bit ? RFLAGS_CF : 0);
	if (i->op == INSN_BT)
		return true;
	if (i->op == INSN_BTS)
		value |= bit;
	else if (i->op == INSN_BTR)
		value &= ~bit;
	else
		value ^= bit;
	return emulate_write_operand(v, &at, i->size, value);
}

static bool emulate_push(struct vcpu *v, const struct insn *i)
{
	const struct vcpu_seg *ss = &v->vm->p->segs(v)->seg[SEG_SS];
	unsigned stack = ss->attrib & SEG_ATTRIB_D ? 4 : 2;
	u64 value, rsp;

	if (vcpu_mode(v) == INSN_MODE64)
		stack = 8;
	if (!emulate_read_operand(v, i, i->size, &value))
		return false;
	rsp = v->regs.gpr[RSP] - i->size;
	if (stack < 8)
		rsp = (v->regs.gpr[RSP] & ~(BIT(8 * stack) - 1)) | (rsp & (BIT(8 * stack) - 1));
	if (!emulate_write_mem(v,
			       emulate_linear(v, SEG_SS,
					      stack == 2 ? (u16)rsp : stack == 4 ? (u32)rsp : rsp),
			       &value, i->size))
		return false;
	v->regs.gpr[RSP] = rsp;
	return true;
}

/* One element of MOVS or STOS; repeated ones come again for the next. */
static bool emulate_string(struct vcpu *v, const struct insn *i)
{
	u64 step = v->regs.rflags & RFLAGS_DF ? 0 - (u64)i->size : i->size;
	u64 rdi = emulate_addr_reg(v, i, RDI), rsi = emulate_addr_reg(v, i, RSI);
	u64 rcx = emulate_addr_reg(v, i, RCX), value = v->regs.gpr[RAX];
	bool rep = i->rep || i->repne;

	if (rep && !rcx)
		return true;
	if (i->op == INSN_MOVS &&
	    !emulate_read_mem(v, emulate_linear(v, i->seg, rsi), &value, i->size))
		return false;
	if (!emulate_write_mem(v, emulate_linear(v, SEG_ES, rdi), &value, i->size))
		return false;
	if (i->op == INSN_MOVS)
		emulate_set_addr_reg(v, i, RSI, rsi + step);
	emulate_set_addr_reg(v, i, RDI, rdi + step);
	if (!rep)
		return true;
	emulate_set_addr_reg(v, i, RCX, rcx - 1);
	return rcx == 1;
}

static const emulate_fn_t emulate_fns[] = {
	[INSN_ALU] = emulate_alu,
	[INSN_ALU_IMM] = emulate_alu_imm,
	[INSN_TEST] = emulate_test,
	[INSN_XCHG] = emulate_xchg,
	[INSN_MOV] = emulate_mov,
	[INSN_MOV_IMM] = emulate_mov_imm,
	[INSN_MOVS] = emulate_string,
	[INSN_STOS] = emulate_string,
	[INSN_NOT] = emulate_unary,
	[INSN_NEG] = emulate_unary,
	[INSN_INC] = emulate_unary,
	[INSN_DEC] = emulate_unary,
	[INSN_PUSH] = emulate_push,
	[INSN_BT] = emulate_bit,
	[INSN_BTS] = emulate_bit,
	[INSN_BTR] = emulate_bit,
	[INSN_BTC] = emulate_bit,
	[INSN_CMPXCHG] = emulate_cmpxchg,
	[INSN_CMPXCHG8B] = emulate_cmpxchg_pair,
	[INSN_XADD] = emulate_xadd,
};

bool emulate_insn(struct vcpu *v, const struct insn *i)
{
	emulate_fn_t fn = (size_t)i->op < sizeof(emulate_fns) / sizeof(*emulate_fns)
				  ? emulate_fns[i->op]
				  : NULL;

	if (!fn)
		return false;
	if (fn(v, i))
		vcpu_skip(v, i->len);
	return true;
}
