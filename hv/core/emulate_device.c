/* SPDX-License-Identifier: MIT */
/*
 * What programs do to device memory besides moving and counting: they compare and
 * search it, multiply with it, look for bits, and move 16 bytes at once.
 *
 * source: APM3 3 "General-Purpose Instruction Reference", APM4 "128-Bit Media"
 */
#include "hv/core/alu.h"
#include "hv/core/emulate.h"
#include "hv/core/vcpu.h"

#include <string.h>

static void device_flag(struct vcpu *v, u64 flag, bool value)
{
	v->regs.rflags = (v->regs.rflags & ~flag) | (value ? flag : 0);
}

/* ---- strings ---- */

static bool device_read(struct vcpu *v, const struct insn *i, u8 seg, u8 reg, u64 *value)
{
	gva_t gva;

	*value = 0;
	return emulate_address(v, seg, emulate_addr_reg(v, i, reg), i->size, false, &gva) &&
	       emulate_read_mem(v, gva, value, i->size, 0);
}

static void device_step(struct vcpu *v, const struct insn *i, u8 reg)
{
	u64 step = v->regs.rflags & RFLAGS_DF ? 0 - (u64)i->size : i->size;

	emulate_set_addr_reg(v, i, reg, emulate_addr_reg(v, i, reg) + step);
}

/* CMPS and SCAS. A repeated one ends when ZF is not what its prefix wants. */
enum emulate_result emulate_compare_string(struct vcpu *v, const struct insn *i)
{
	u64 rcx = emulate_addr_reg(v, i, RCX), a, b;
	bool rep = i->rep || i->repne;

	if (rep && !rcx)
		return EMULATE_DONE;
	if (i->op == INSN_SCAS)
		a = emulate_get_reg(v, i, RAX, i->size);
	else if (!device_read(v, i, i->seg, RSI, &a))
		return EMULATE_FAULT;
	if (!device_read(v, i, SEG_ES, RDI, &b))
		return EMULATE_FAULT;
	alu(ALU_CMP, i->size, a, b, &v->regs.rflags);
	if (i->op == INSN_CMPS)
		device_step(v, i, RSI);
	device_step(v, i, RDI);
	if (!rep)
		return EMULATE_DONE;
	emulate_set_addr_reg(v, i, RCX, rcx - 1);
	return rcx == 1 || !!(v->regs.rflags & RFLAGS_ZF) != i->rep ? EMULATE_DONE : EMULATE_AGAIN;
}

/* ---- numbers ---- */

static s64 device_signed(u64 value, unsigned size)
{
	return (s64)(value << (64 - 8 * size)) >> (64 - 8 * size);
}

/* Two or three operands; CF and OF say that the product is longer than them. */
enum emulate_result emulate_imul(struct vcpu *v, const struct insn *i)
{
	u64 a, b = i->opcode == 0xaf ? emulate_get_reg(v, i, i->reg, i->size) : i->imm;
	__int128 product;

	if (!emulate_read_operand(v, i, i->size, &a))
		return EMULATE_FAULT;
	product = (__int128)device_signed(a, i->size) * device_signed(b, i->size);
	emulate_set_reg(v, i, i->reg, i->size, (u64)product);
	device_flag(v, RFLAGS_CF | RFLAGS_OF, device_signed((u64)product, i->size) != product);
	return EMULATE_DONE;
}

/* The lowest bit of the opcode: two bytes, not one. */
enum emulate_result emulate_extend(struct vcpu *v, const struct insn *i)
{
	unsigned from = 1 + (i->opcode & 1);
	u64 value;

	if (!emulate_read_operand(v, i, from, &value))
		return EMULATE_FAULT;
	if (i->op == INSN_MOVSX)
		value = (u64)device_signed(value, from);
	emulate_set_reg(v, i, i->reg, i->size, value);
	return EMULATE_DONE;
}

/* With no bit set the register stays. */
enum emulate_result emulate_bit_scan(struct vcpu *v, const struct insn *i)
{
	u64 value;

	if (!emulate_read_operand(v, i, i->size, &value))
		return EMULATE_FAULT;
	device_flag(v, RFLAGS_ZF, !value);
	if (value)
		emulate_set_reg(v, i, i->reg, i->size,
				i->op == INSN_BSF ? (u64)__builtin_ctzll(value)
						  : 63 - (u64)__builtin_clzll(value));
	return EMULATE_DONE;
}

/* ---- 16 bytes ---- */

/* 28, 29, and 6F, 7F with 66 want them aligned. */
static bool device_wants_aligned(const struct insn *i)
{
	return i->opcode == 0x28 || i->opcode == 0x29 ||
	       ((i->opcode == 0x6f || i->opcode == 0x7f) && !i->rep);
}

enum emulate_result emulate_mov_xmm(struct vcpu *v, const struct insn *i)
{
	const struct platform *p = v->vm->p;
	u8 bytes[16];
	gva_t gva;

	if (!p->xmm)
		return EMULATE_NOT_OURS;
	if (device_wants_aligned(i) && vcpu_operand_gva(v, i) & 15) {
		vcpu_inject_gp(v);
		return EMULATE_FAULT;
	}
	if (!emulate_operand(v, i, 16, !i->to_reg, &gva))
		return EMULATE_FAULT;
	if (i->to_reg) {
		if (!emulate_read_mem(v, gva, bytes, 16, 0))
			return EMULATE_FAULT;
		p->xmm(v, i->reg, bytes, true);
		return EMULATE_DONE;
	}
	p->xmm(v, i->reg, bytes, false);
	return emulate_write_mem(v, gva, bytes, 16) ? EMULATE_DONE : EMULATE_FAULT;
}

/* ---- system registers ---- */

/* Under nested paging it does not exit by itself. */
enum emulate_result emulate_smsw(struct vcpu *v, const struct insn *i)
{
	return emulate_write_operand(v, i, 2, v->regs.cr0) ? EMULATE_DONE : EMULATE_FAULT;
}
