/* SPDX-License-Identifier: MIT */
/*
 * Control and debug registers. The register's number comes from the
 * instruction, never from the exit code: some machines report every read as
 * CR0 (also MOV from CR2, which no intercept bit asked for).
 *
 * source: APM2 3.1 "System-Control Registers", 14.6 "Enabling and Activating Long Mode"
 */
#include "hv/core/emulate.h"
#include "hv/core/vcpu.h"

#define CR0_DEFINED \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | \
	 CR0_PG)

/* What every CPU with SVM has. */
#define CR4_BASIC \
	(CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_MCE | CR4_PCE | CR4_OSFXSR | CR4_OSXMMEXCPT)

/* What goes with a feature: setting more may make the hardware refuse. */
static const struct {
	u64 cr4;
	enum feature feature;
} cr4_features[] = {
	{ CR4_PSE, FEATURE_pse },	    { CR4_PAE, FEATURE_pae },
	{ CR4_PGE, FEATURE_pge },	    { CR4_FSGSBASE, FEATURE_fsgsbase },
	{ CR4_SMEP, FEATURE_smep },	    { CR4_SMAP, FEATURE_smap },
	{ CR4_UMIP, FEATURE_umip },	    { CR4_LA57, FEATURE_la57 },
};

u64 vcpu_cr4_offered(const struct vcpu *v)
{
	u64 offered = CR4_BASIC;

	for (size_t i = 0; i < sizeof(cr4_features) / sizeof(*cr4_features); i++) {
		if (features_has(&v->vm->features, cr4_features[i].feature))
			offered |= cr4_features[i].cr4;
	}
	return offered;
}

static bool cr_write_0(struct vcpu *v, u64 value)
{
	struct vcpu_regs *r = &v->regs;
	bool paging = value & CR0_PG, was_paging = r->cr0 & CR0_PG;
	bool cs_long = v->vm->p->segs(v)->seg[SEG_CS].attrib & SEG_ATTRIB_L;

	if (value >> 32 || (paging && !(value & CR0_PE)) || (value & CR0_NW && !(value & CR0_CD)))
		return false;
	if (paging && !was_paging && r->efer & EFER_LME) {
		if (!(r->cr4 & CR4_PAE) || cs_long)
			return false;
		r->efer |= EFER_LMA;
	}
	if (!paging && was_paging && r->efer & EFER_LMA) {
		if (cs_long)
			return false;
		r->efer &= ~EFER_LMA;
	}
	r->cr0 = (value & CR0_DEFINED) | CR0_ET;
	vcpu_tell_mmu(v, MMU_CR3_NONE);
	return true;
}

static bool cr_write_3(struct vcpu *v, u64 value)
{
	if (v->regs.efer & EFER_LMA) {
		if (value >> v->vm->p->maxphyaddr)
			return false;
	} else {
		value = (u32)value;
	}
	v->regs.cr3 = value;
	vcpu_tell_mmu(v, MMU_CR3_LOAD);
	return true;
}

static bool cr_write_4(struct vcpu *v, u64 value)
{
	if (value & ~vcpu_cr4_offered(v))
		return false;
	if (v->regs.efer & EFER_LMA && !(value & CR4_PAE))
		return false;
	v->regs.cr4 = value;
	vcpu_tell_mmu(v, MMU_CR3_NONE);
	return true;
}

static bool cr_write(struct vcpu *v, unsigned cr, u64 value)
{
	switch (cr) {
	case 0:
		return cr_write_0(v, value);
	case 2:
		v->regs.cr2 = value;
		return true;
	case 3:
		return cr_write_3(v, value);
	case 4:
		return cr_write_4(v, value);
	case 8:
		if (value > 15)
			return false;
		lapic_set_cr8(vcpu_lapic(v), (u8)value);
		return true;
	default:
		return false;
	}
}

static u64 cr_read(struct vcpu *v, unsigned cr)
{
	switch (cr) {
	case 0:
		return v->regs.cr0;
	case 2:
		return v->regs.cr2;
	case 3:
		return v->regs.cr3;
	case 4:
		return v->regs.cr4;
	default:
		return lapic_get_cr8(vcpu_lapic(v));
	}
}

/* CR0 and CR8 with LOCK are the same in 32-bit code. */
static unsigned cr_number(const struct insn *i)
{
	return i->lock && i->reg == 0 ? 8 : i->reg;
}

static bool cr_exists(unsigned cr)
{
	return cr == 0 || cr == 2 || cr == 3 || cr == 4 || cr == 8;
}

static void cr_do_write(struct vcpu *v, const struct insn *i, unsigned cr, u64 value)
{
	vcpu_emit(v, cr_write, (u8)cr, value);
	if (v->regs.cpl || !cr_write(v, cr, value)) {
		vcpu_inject_gp(v);
		return;
	}
	vcpu_skip(v, i->len);
}

static void cr_do_read(struct vcpu *v, const struct insn *i, unsigned cr)
{
	u64 value = cr_read(v, cr);

	vcpu_emit(v, cr_read, (u8)cr, value);
	if (v->regs.cpl) {
		vcpu_inject_gp(v);
		return;
	}
	v->regs.gpr[i->rm] = i->size == 8 ? value : (u32)value;
	vcpu_skip(v, i->len);
}

/* LMSW changes PE MP EM TS and cannot clear PE. */
static void cr_lmsw(struct vcpu *v, const struct insn *i)
{
	u64 value;

	if (!emulate_read_operand(v, i, 2, &value))
		return;
	value = (v->regs.cr0 & ~0xeull) | (value & 0xf);
	cr_do_write(v, i, 0, value);
}

static void cr_smsw(struct vcpu *v, const struct insn *i)
{
	vcpu_emit(v, cr_read, 0, v->regs.cr0);
	if (i->mem ? emulate_write_operand(v, i, 2, v->regs.cr0)
		   : emulate_write_operand(v, i, i->size, v->regs.cr0))
		vcpu_skip(v, i->len);
}

void exit_cr(struct vcpu *v)
{
	struct insn i;

	if (!vcpu_decode(v, &i))
		return;
	switch (i.op) {
	case INSN_MOV_TO_CR:
		if (cr_exists(cr_number(&i)))
			cr_do_write(v, &i, cr_number(&i),
				    i.size == 8 ? v->regs.gpr[i.rm] : (u32)v->regs.gpr[i.rm]);
		else
			vcpu_inject_ud(v);
		break;
	case INSN_MOV_FROM_CR:
		if (cr_exists(cr_number(&i)))
			cr_do_read(v, &i, cr_number(&i));
		else
			vcpu_inject_ud(v);
		break;
	case INSN_CLTS:
		cr_do_write(v, &i, 0, v->regs.cr0 & ~CR0_TS);
		break;
	case INSN_LMSW:
		cr_lmsw(v, &i);
		break;
	case INSN_SMSW:
		cr_smsw(v, &i);
		break;
	default:
		vcpu_inject_ud(v);
	}
}

#define DR6_FIXED_1 0xffff0ff0ull
#define DR7_FIXED_1 0x400ull
#define DR7_GD      BIT(13)

/* The guest's debug registers hold what it wrote; the machine arms them. */
static u64 *dr_find(struct vcpu *v, unsigned dr)
{
	if (dr < 4)
		return &v->regs.dr[dr];
	if (dr >= 8 || (v->regs.cr4 & CR4_DE && dr < 6))
		return NULL;
	return dr & 1 ? &v->regs.dr7 : &v->regs.dr6;
}

void exit_dr(struct vcpu *v)
{
	struct insn i;
	u64 *dr;

	if (!vcpu_decode(v, &i))
		return;
	dr = dr_find(v, i.reg);
	if (!dr || (i.op != INSN_MOV_TO_DR && i.op != INSN_MOV_FROM_DR)) {
		vcpu_inject_ud(v);
		return;
	}
	if (v->regs.cpl) {
		vcpu_inject_gp(v);
		return;
	}
	if (i.op == INSN_MOV_FROM_DR) {
		v->regs.gpr[i.rm] = i.size == 8 ? *dr : (u32)*dr;
	} else {
		*dr = i.size == 8 ? v->regs.gpr[i.rm] : (u32)v->regs.gpr[i.rm];
		v->regs.dr6 = (u32)v->regs.dr6 | DR6_FIXED_1;
		v->regs.dr7 = ((u32)v->regs.dr7 | DR7_FIXED_1) & ~DR7_GD;
	}
	vcpu_skip(v, i.len);
}
