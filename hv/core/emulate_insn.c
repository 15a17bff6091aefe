/* SPDX-License-Identifier: MIT */
/*
 * What the data instructions of insn.def do. All follow one pattern: read the
 * operands, compute, write; registers change last, when nothing can fault.
 */
#include "hv/core/alu.h"
#include "hv/core/emulate.h"
#include "hv/core/vcpu.h"

typedef enum emulate_result (*emulate_fn_t)(struct vcpu *v, const struct insn *i);

static u64 emulate_reg(const struct vcpu *v, const struct insn *i)
{
	return emulate_get_reg(v, i, i->reg, i->size);
}

/* The register is the destination, or nothing is (CMP). */
static enum emulate_result emulate_alu(struct vcpu *v, const struct insn *i)
{
	enum alu_op op = i->op == INSN_ALU_IMM ? i->reg : i->opcode >> 3 & 7;
	u64 a, b;

	if (!i->to_reg && op != ALU_CMP)
		return emulate_rmw(v, i);
	if (!emulate_read_operand(v, i, i->size, &a))
		return EMULATE_FAULT;
	b = i->op == INSN_ALU_IMM ? i->imm : emulate_reg(v, i);
	a = i->to_reg ? alu(op, i->size, b, a, &v->regs.rflags)
		      : alu(op, i->size, a, b, &v->regs.rflags);
	if (op != ALU_CMP)
		emulate_set_reg(v, i, i->reg, i->size, a);
	return EMULATE_DONE;
}

static enum emulate_result emulate_test(struct vcpu *v, const struct insn *i)
{
	u64 a;

	if (!emulate_read_operand(v, i, i->size, &a))
		return EMULATE_FAULT;
	alu(ALU_AND, i->size, a, emulate_reg(v, i), &v->regs.rflags);
	return EMULATE_DONE;
}

static enum emulate_result emulate_mov(struct vcpu *v, const struct insn *i)
{
	u64 value = i->op == INSN_MOV_IMM ? i->imm : emulate_reg(v, i);

	if (!i->to_reg)
		return emulate_write_operand(v, i, i->size, value) ? EMULATE_DONE : EMULATE_FAULT;
	if (!emulate_read_operand(v, i, i->size, &value))
		return EMULATE_FAULT;
	emulate_set_reg(v, i, i->reg, i->size, value);
	return EMULATE_DONE;
}

/* A bit number in a register reaches beyond a memory operand. */
void emulate_move_operand(const struct vcpu *v, struct insn *i)
{
	unsigned bits = 8 * i->size;
	s64 number;

	if (i->op < INSN_BT || i->op > INSN_BTC || i->opcode == 0xba)
		return;
	number = (s64)(emulate_reg(v, i) << (64 - bits)) >> (64 - bits);
	i->disp += (u64)(number >> (i->size == 8 ? 6 : i->size == 4 ? 5 : 4)) * i->size;
}

static enum emulate_result emulate_bt(struct vcpu *v, const struct insn *i)
{
	u64 value, number = i->opcode == 0xba ? i->imm : emulate_reg(v, i);
	struct insn at = *i;

	emulate_move_operand(v, &at);
	if (!emulate_read_operand(v, &at, i->size, &value))
		return EMULATE_FAULT;
	v->regs.rflags &= ~RFLAGS_CF;
	if (value >> (number & (8 * i->size - 1)) & 1)
		v->regs.rflags |= RFLAGS_CF;
	return EMULATE_DONE;
}

static enum emulate_result emulate_push(struct vcpu *v, const struct insn *i)
{
	const struct vcpu_seg *ss = &v->vm->p->segs(v)->seg[SEG_SS];
	u64 value = i->imm, mask = ss->attrib & SEG_ATTRIB_D ? 0xffffffff : 0xffff;
	u64 rsp = v->regs.gpr[RSP] - i->size;
	gva_t gva;

	if (vcpu_mode(v) == INSN_MODE64)
		mask = ~0ull;
	if (i->op == INSN_PUSH && !emulate_read_operand(v, i, i->size, &value))
		return EMULATE_FAULT;
	if (!emulate_address(v, SEG_SS, rsp & mask, i->size, true, &gva) ||
	    !emulate_write_mem(v, gva, &value, i->size))
		return EMULATE_FAULT;
	v->regs.gpr[RSP] = (v->regs.gpr[RSP] & ~mask) | (rsp & mask);
	return EMULATE_DONE;
}

/* One element of MOVS or STOS; a repeated one comes again for the next. */
static enum emulate_result emulate_string(struct vcpu *v, const struct insn *i)
{
	u64 step = v->regs.rflags & RFLAGS_DF ? 0 - (u64)i->size : i->size;
	u64 rdi = emulate_addr_reg(v, i, RDI), rsi = emulate_addr_reg(v, i, RSI);
	u64 rcx = emulate_addr_reg(v, i, RCX), value = v->regs.gpr[RAX];
	bool rep = i->rep || i->repne;
	gva_t gva;

	if (rep && !rcx)
		return EMULATE_DONE;
	if (i->op == INSN_MOVS && (!emulate_address(v, i->seg, rsi, i->size, false, &gva) ||
				   !emulate_read_mem(v, gva, &value, i->size, 0)))
		return EMULATE_FAULT;
	if (!emulate_address(v, SEG_ES, rdi, i->size, true, &gva) ||
	    !emulate_write_mem(v, gva, &value, i->size))
		return EMULATE_FAULT;
	if (i->op == INSN_MOVS)
		emulate_set_addr_reg(v, i, RSI, rsi + step);
	emulate_set_addr_reg(v, i, RDI, rdi + step);
	if (!rep)
		return EMULATE_DONE;
	emulate_set_addr_reg(v, i, RCX, rcx - 1);
	return rcx == 1 ? EMULATE_DONE : EMULATE_AGAIN;
}

static const emulate_fn_t emulate_fns[] = {
	[INSN_ALU] = emulate_alu,
	[INSN_ALU_IMM] = emulate_alu,
	[INSN_TEST] = emulate_test,
	[INSN_XCHG] = emulate_rmw,
	[INSN_MOV] = emulate_mov,
	[INSN_MOV_IMM] = emulate_mov,
	[INSN_MOVS] = emulate_string,
	[INSN_STOS] = emulate_string,
	[INSN_NOT] = emulate_rmw,
	[INSN_NEG] = emulate_rmw,
	[INSN_INC] = emulate_rmw,
	[INSN_DEC] = emulate_rmw,
	[INSN_PUSH] = emulate_push,
	[INSN_PUSH_IMM] = emulate_push,
	[INSN_BT] = emulate_bt,
	[INSN_BTS] = emulate_rmw,
	[INSN_BTR] = emulate_rmw,
	[INSN_BTC] = emulate_rmw,
	[INSN_CMPXCHG] = emulate_rmw,
	[INSN_CMPXCHG8B] = emulate_rmw,
	[INSN_XADD] = emulate_rmw,
	[INSN_SHLD] = emulate_rmw,
	[INSN_SHRD] = emulate_rmw,
	[INSN_CMPS] = emulate_compare_string,
	[INSN_SCAS] = emulate_compare_string,
	[INSN_IMUL] = emulate_imul,
	[INSN_MOVZX] = emulate_extend,
	[INSN_MOVSX] = emulate_extend,
	[INSN_BSF] = emulate_bit_scan,
	[INSN_BSR] = emulate_bit_scan,
	[INSN_MOV_XMM] = emulate_mov_xmm,
	[INSN_SMSW] = emulate_smsw,
	[INSN_LTR] = emulate_ltr,
};

/* An instruction without a memory operand never faults on one. */
static bool emulate_touches_memory(const struct insn *i)
{
	return i->mem || i->op == INSN_MOVS || i->op == INSN_STOS || i->op == INSN_PUSH ||
	       i->op == INSN_PUSH_IMM || i->op == INSN_CMPS || i->op == INSN_SCAS;
}

bool emulate_insn(struct vcpu *v, const struct insn *i)
{
	emulate_fn_t fn = (size_t)i->op < sizeof(emulate_fns) / sizeof(*emulate_fns)
				  ? emulate_fns[i->op]
				  : NULL;

	if (!fn || !emulate_touches_memory(i))
		return false;
	switch (fn(v, i)) {
	case EMULATE_DONE:
		vcpu_skip(v, i->len);
		return true;
	case EMULATE_AGAIN:
		if (v->regs.rflags & RFLAGS_TF)
			vcpu_trap(v); /* after every round */
		return true;
	case EMULATE_FAULT:
		return true;
	case EMULATE_NOT_OURS:
		break;
	}
	return false;
}
