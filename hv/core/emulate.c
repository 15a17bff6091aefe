/* SPDX-License-Identifier: MIT */
/*
 * Operands: registers, and addresses with the checks before an access.
 */
#include "hv/core/emulate.h"

#include "hv/core/vcpu.h"

static u64 emulate_mask(unsigned size)
{
	return size == 8 ? ~0ull : BIT(8 * size) - 1;
}

/* Without REX the byte registers 4..7 are AH CH DH BH. */
static bool emulate_is_high_byte(const struct insn *i, u8 reg, unsigned size)
{
	return size == 1 && !i->rex && reg >= 4 && reg < 8;
}

u64 emulate_get_reg(const struct vcpu *v, const struct insn *i, u8 reg, unsigned size)
{
	if (emulate_is_high_byte(i, reg, size))
		return v->regs.gpr[reg - 4] >> 8 & 0xff;
	return v->regs.gpr[reg] & emulate_mask(size);
}

void emulate_set_reg(struct vcpu *v, const struct insn *i, u8 reg, unsigned size, u64 value)
{
	u64 *gpr = &v->regs.gpr[reg], mask = emulate_mask(size);

	if (emulate_is_high_byte(i, reg, size)) {
		gpr = &v->regs.gpr[reg - 4];
		*gpr = (*gpr & ~0xff00ull) | (value & 0xff) << 8;
	} else if (size == 4) {
		*gpr = (u32)value;
	} else {
		*gpr = (*gpr & ~mask) | (value & mask);
	}
}

u64 emulate_addr_reg(const struct vcpu *v, const struct insn *i, u8 reg)
{
	return v->regs.gpr[reg] & emulate_mask(i->addr_size);
}

void emulate_set_addr_reg(struct vcpu *v, const struct insn *i, u8 reg, u64 value)
{
	emulate_set_reg(v, i, reg, i->addr_size, value);
}

gva_t emulate_linear(struct vcpu *v, u8 seg, u64 offset)
{
	const struct vcpu_seg *s = &v->vm->p->segs(v)->seg[seg];

	if (vcpu_mode(v) == INSN_MODE64)
		return seg >= SEG_FS ? s->base + offset : offset;
	return (u32)(s->base + offset);
}

static u64 emulate_offset(const struct vcpu *v, const struct insn *i)
{
	u64 offset = i->disp;

	if (i->base == INSN_REG_RIP)
		offset += v->regs.rip + i->len;
	else if (i->base != INSN_NO_REG)
		offset += v->regs.gpr[i->base];
	if (i->index != INSN_NO_REG)
		offset += v->regs.gpr[i->index] * i->scale;
	return offset & emulate_mask(i->addr_size);
}

gva_t vcpu_operand_gva(struct vcpu *v, const struct insn *i)
{
	return emulate_linear(v, i->seg, emulate_offset(v, i));
}

/* ---- checks ---- */

static bool emulate_is_canonical(const struct vcpu *v, gva_t gva)
{
	unsigned unused = v->regs.cr4 & CR4_LA57 ? 7 : 16;

	return (u64)((s64)(gva << unused) >> unused) == gva;
}

/* In real mode and virtual-8086 mode the type does not matter. */
static bool emulate_type_allows(const struct vcpu *v, u16 attrib, bool write)
{
	bool code = attrib & SEG_ATTRIB_CODE, second = attrib & SEG_ATTRIB_RW;

	if (!(v->regs.cr0 & CR0_PE) || v->regs.rflags & RFLAGS_VM)
		return true;
	if (!(attrib & SEG_ATTRIB_P))
		return false;
	return write ? !code && second : !code || second;
}

static bool emulate_limit_allows(const struct vcpu_seg *s, u64 offset, unsigned size)
{
	u64 top = s->attrib & SEG_ATTRIB_D ? 0xffffffff : 0xffff, last = offset + size - 1;

	if (!(s->attrib & SEG_ATTRIB_CODE) && s->attrib & SEG_ATTRIB_DOWN)
		return offset > s->limit && last <= top;
	return last <= s->limit;
}

bool emulate_address(struct vcpu *v, u8 seg, u64 offset, unsigned size, bool write, gva_t *gva)
{
	const struct vcpu_seg *s = &v->vm->p->segs(v)->seg[seg];
	bool ok;

	*gva = emulate_linear(v, seg, offset);
	if (vcpu_mode(v) == INSN_MODE64)
		ok = emulate_is_canonical(v, *gva) && emulate_is_canonical(v, *gva + size - 1);
	else
		ok = emulate_type_allows(v, s->attrib, write) &&
		     emulate_limit_allows(s, offset, size);
	if (!ok)
		vcpu_inject(v, seg == SEG_SS ? X86_SS : X86_GP, 0);
	else if (v->regs.cpl == 3 && v->regs.cr0 & CR0_AM && v->regs.rflags & RFLAGS_AC &&
		 *gva & (size - 1))
		vcpu_inject(v, X86_AC, 0);
	else
		return true;
	return false;
}

bool emulate_operand(struct vcpu *v, const struct insn *i, unsigned size, bool write, gva_t *gva)
{
	return emulate_address(v, i->seg, emulate_offset(v, i), size, write, gva);
}
