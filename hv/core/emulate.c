/* SPDX-License-Identifier: MIT */
/*
 * Operands: registers, linear addresses, guest memory.
 */
#include "hv/core/emulate.h"

#include "hv/core/vcpu.h"

#include <string.h>

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

gva_t vcpu_operand_gva(struct vcpu *v, const struct insn *i)
{
	u64 offset = i->disp;

	if (i->base == INSN_REG_RIP)
		offset += v->regs.rip + i->len;
	else if (i->base != INSN_NO_REG)
		offset += v->regs.gpr[i->base];
	if (i->index != INSN_NO_REG)
		offset += v->regs.gpr[i->index] * i->scale;
	return emulate_linear(v, i->seg, offset & emulate_mask(i->addr_size));
}

bool emulate_read_mem(struct vcpu *v, gva_t gva, void *buf, size_t len)
{
	struct mmu_fault fault = { 0 };
	size_t n;

	vcpu_sync_mmu(v);
	n = mmu_read_gva(v->walk_mmu, gva, buf, len, vcpu_access(v), &fault);
	if (n == len)
		return true;
	if (!fault.mmio) {
		vcpu_inject_pf(v, fault.error, fault.gva);
		return false;
	}
	memset((u8 *)buf + n, 0xff, len - n);
	return true;
}

/* Into two pages is all or nothing: whether the second refuses what the first
 * allows. */
static bool emulate_splits(struct vcpu *v, gva_t gva, size_t len, struct mmu_fault *fault)
{
	u64 access = PFERR_WRITE | vcpu_access(v);
	gva_t second = (gva + len - 1) & PAGE_MASK;
	struct mmu_walk walk;

	if ((gva & PAGE_MASK) == second || !mmu_walk(v->walk_mmu, gva, access, &walk) ||
	    mmu_walk(v->walk_mmu, second, access, &walk))
		return false;
	fault->error = walk.error;
	fault->gva = second;
	return true;
}

bool emulate_write_mem(struct vcpu *v, gva_t gva, const void *buf, size_t len)
{
	struct mmu_fault fault = { 0 };

	vcpu_sync_mmu(v);
	if (!emulate_splits(v, gva, len, &fault) &&
	    (mmu_write_gva(v->walk_mmu, gva, buf, len, PFERR_WRITE | vcpu_access(v), &fault) ==
		     len ||
	     fault.mmio))
		return true;
	vcpu_inject_pf(v, fault.error, fault.gva);
	return false;
}

bool emulate_read_operand(struct vcpu *v, const struct insn *i, unsigned size, u64 *value)
{
	*value = 0;
	if (i->mem)
		return emulate_read_mem(v, vcpu_operand_gva(v, i), value, size);
	*value = emulate_get_reg(v, i, i->rm, size);
	return true;
}

bool emulate_write_operand(struct vcpu *v, const struct insn *i, unsigned size, u64 value)
{
	if (i->mem)
		return emulate_write_mem(v, vcpu_operand_gva(v, i), &value, size);
	emulate_set_reg(v, i, i->rm, size, value);
	return true;
}
