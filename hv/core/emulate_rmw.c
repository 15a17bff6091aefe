/* SPDX-License-Identifier: MIT */
/*
 * Read-modify-writes of memory: what was read is computed with, and the result
 * exchanged for it. If another vCPU wrote there meanwhile it begins again, so
 * that with LOCK it is one step and without LOCK at least never half of one.
 * Registers and flags change only when memory has.
 */
#include "hv/core/alu.h"
#include "hv/core/emulate.h"
#include "hv/core/vcpu.h"

#define CPUID_1_ECX_CX16 BIT(13)

struct rmw {
	const struct vcpu *v;
	const struct insn *i;
	u64 old[2], new[2]; /* memory's; [1] only with 16 bytes */
	u64 flags;
};

static u64 rmw_reg(const struct rmw *m, u8 reg)
{
	return emulate_get_reg(m->v, m->i, reg, m->i->size);
}

static void rmw_set_flag(struct rmw *m, u64 flag, bool value)
{
	m->flags = (m->flags & ~flag) | (value ? flag : 0);
}

static void rmw_alu(struct rmw *m)
{
	const struct insn *i = m->i;
	bool immediate = i->op == INSN_ALU_IMM;
	enum alu_op op = immediate ? i->reg : i->opcode >> 3 & 7;

	m->new[0] = alu(op, i->size, m->old[0], immediate ? i->imm : rmw_reg(m, i->reg),
			&m->flags);
}

static void rmw_not(struct rmw *m)
{
	m->new[0] = ~m->old[0];
}

static void rmw_neg(struct rmw *m)
{
	m->new[0] = alu(ALU_SUB, m->i->size, 0, m->old[0], &m->flags);
}

static void rmw_inc(struct rmw *m)
{
	m->new[0] = alu_inc(m->i->op == INSN_DEC, m->i->size, m->old[0], &m->flags);
}

static void rmw_xchg(struct rmw *m)
{
	m->new[0] = rmw_reg(m, m->i->reg);
}

static void rmw_xadd(struct rmw *m)
{
	m->new[0] = alu(ALU_ADD, m->i->size, m->old[0], rmw_reg(m, m->i->reg), &m->flags);
}

/* Memory is written in both cases, as hardware does. */
static void rmw_cmpxchg(struct rmw *m)
{
	alu(ALU_CMP, m->i->size, rmw_reg(m, RAX), m->old[0], &m->flags);
	m->new[0] = m->flags & RFLAGS_ZF ? rmw_reg(m, m->i->reg) : m->old[0];
}

/* CMPXCHG8B, and CMPXCHG16B with REX.W. */
static void rmw_cmpxchg_pair(struct rmw *m)
{
	const u64 *gpr = m->v->regs.gpr;
	u64 want[2] = { gpr[RAX], gpr[RDX] }, new[2] = { gpr[RBX], gpr[RCX] };
	bool equal;

	if (m->i->size != 8) {
		want[0] = (u32)want[0] | want[1] << 32;
		new[0] = (u32)new[0] | new[1] << 32;
	}
	equal = want[0] == m->old[0] && (m->i->size != 8 || want[1] == m->old[1]);
	for (unsigned k = 0; k < 2; k++)
		m->new[k] = equal ? new[k] : m->old[k];
	rmw_set_flag(m, RFLAGS_ZF, equal);
}

static u64 rmw_bit_number(const struct rmw *m)
{
	return m->i->opcode == 0xba ? m->i->imm : rmw_reg(m, m->i->reg);
}

static void rmw_bit(struct rmw *m)
{
	u64 bit = BIT(rmw_bit_number(m) & (8 * m->i->size - 1));

	rmw_set_flag(m, RFLAGS_CF, m->old[0] & bit);
	if (m->i->op == INSN_BTS)
		m->new[0] = m->old[0] | bit;
	else if (m->i->op == INSN_BTR)
		m->new[0] = m->old[0] & ~bit;
	else
		m->new[0] = m->old[0] ^ bit;
}

static unsigned rmw_shift_count(const struct rmw *m)
{
	u64 count = m->i->opcode & 1 ? m->v->regs.gpr[RCX] : m->i->imm;

	return (unsigned)count & (m->i->size == 8 ? 63 : 31);
}

/* SHLD and SHRD. More than 16 bits of 2 bytes is not called. */
static void rmw_double_shift(struct rmw *m)
{
	unsigned bits = 8 * m->i->size, n = rmw_shift_count(m);
	u64 from = rmw_reg(m, m->i->reg), old = m->old[0], sign = BIT(bits - 1), r;

	if (!n) {
		m->new[0] = old;
		return;
	}
	if (m->i->op == INSN_SHLD)
		r = old << n | from >> (bits - n);
	else
		r = old >> n | from << (bits - n);
	m->new[0] = alu(ALU_OR, m->i->size, r, 0, &m->flags);
	rmw_set_flag(m, RFLAGS_CF, m->i->op == INSN_SHLD ? old >> (bits - n) & 1 : old >> (n - 1) & 1);
	rmw_set_flag(m, RFLAGS_OF, (old ^ m->new[0]) & sign);
}

static void (*const rmw_fns[])(struct rmw *m) = {
	[INSN_ALU] = rmw_alu,
	[INSN_ALU_IMM] = rmw_alu,
	[INSN_NOT] = rmw_not,
	[INSN_NEG] = rmw_neg,
	[INSN_INC] = rmw_inc,
	[INSN_DEC] = rmw_inc,
	[INSN_XCHG] = rmw_xchg,
	[INSN_XADD] = rmw_xadd,
	[INSN_CMPXCHG] = rmw_cmpxchg,
	[INSN_CMPXCHG8B] = rmw_cmpxchg_pair,
	[INSN_BTS] = rmw_bit,
	[INSN_BTR] = rmw_bit,
	[INSN_BTC] = rmw_bit,
	[INSN_SHLD] = rmw_double_shift,
	[INSN_SHRD] = rmw_double_shift,
};

/* What the instruction leaves in registers besides flags. */
static void rmw_registers(struct vcpu *v, const struct rmw *m)
{
	const struct insn *i = m->i;
	u64 high = i->size == 8 ? m->old[1] : m->old[0] >> 32;
	unsigned half = i->size == 8 ? 8 : 4;

	if (i->op == INSN_XCHG || i->op == INSN_XADD)
		emulate_set_reg(v, i, i->reg, i->size, m->old[0]);
	if (i->op == INSN_CMPXCHG && !(m->flags & RFLAGS_ZF))
		emulate_set_reg(v, i, RAX, i->size, m->old[0]);
	if (i->op == INSN_CMPXCHG8B && !(m->flags & RFLAGS_ZF)) {
		emulate_set_reg(v, i, RAX, half, m->old[0]);
		emulate_set_reg(v, i, RDX, half, high);
	}
}

static bool rmw_has_cx16(struct vcpu *v)
{
	u32 out[4];

	v->vm->p->cpuid(1, 0, out);
	return out[2] & CPUID_1_ECX_CX16;
}

enum emulate_result emulate_rmw(struct vcpu *v, const struct insn *i)
{
	bool pair = i->op == INSN_CMPXCHG8B, locked = i->lock || i->op == INSN_XCHG;
	unsigned size = !pair ? i->size : i->size == 8 ? 16 : 8;
	struct rmw m = { .v = v, .i = i };
	enum emulate_result result;
	struct insn at = *i;
	gva_t gva;

	emulate_move_operand(v, &at);
	if ((i->op == INSN_SHLD || i->op == INSN_SHRD) && rmw_shift_count(&m) >= 8 * i->size)
		return EMULATE_NOT_OURS;
	if (size == 16 && !rmw_has_cx16(v))
		return EMULATE_NOT_OURS;
	if (size == 16 && vcpu_operand_gva(v, i) & 15) {
		vcpu_inject_gp(v);
		return EMULATE_FAULT;
	}
	if (!emulate_operand(v, &at, size, true, &gva))
		return EMULATE_FAULT;
	if (locked && (gva & PAGE_MASK) != ((gva + size - 1) & PAGE_MASK))
		return EMULATE_NOT_OURS;
	do {
		if (!emulate_read_mem(v, gva, m.old, size, PFERR_WRITE))
			return EMULATE_FAULT;
		m.flags = v->regs.rflags;
		rmw_fns[i->op](&m);
		result = emulate_exchange(v, gva, m.old, m.new, size, locked);
	} while (result == EMULATE_AGAIN);
	if (result == EMULATE_DONE) {
		rmw_registers(v, &m);
		v->regs.rflags = m.flags;
	}
	return result;
}
