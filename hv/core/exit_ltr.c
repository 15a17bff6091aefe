/* SPDX-License-Identifier: MIT */
/*
 * LTR is carried out here, not by the CPU: QEMU's takes a null selector, which a CPU
 * refuses, and aborts when an interrupt comes from ring 3 then.
 *
 * source: APM3 "LTR", APM2 4.7.4 "System Descriptors", 4.8.3 "System Descriptors" (long mode)
 */
#include "hv/core/emulate.h"
#include "hv/core/vcpu.h"

#define DESC_BUSY    BIT(41)
#define DESC_PRESENT BIT(47)
#define DESC_G       BIT(55)
#define TYPE_TSS16   0x01u /* available */
#define TYPE_TSS32   0x09u /* in long mode the one of 64 bits */

/* The descriptor's type and its S bit. */
static unsigned ltr_type(u64 descriptor)
{
	return descriptor >> 40 & 0x1f;
}

static bool ltr_refuse(struct vcpu *v, u8 vector, u16 selector)
{
	vcpu_inject(v, vector, selector & ~3u);
	return false;
}

static bool ltr_is_tss(const struct vcpu *v, const u64 d[2])
{
	if (v->regs.efer & EFER_LMA)
		return ltr_type(d[0]) == TYPE_TSS32 && !ltr_type(d[1]);
	return ltr_type(d[0]) == TYPE_TSS32 || ltr_type(d[0]) == TYPE_TSS16;
}

static struct vcpu_seg ltr_segment(u16 selector, const u64 d[2])
{
	u32 limit = (u32)((d[0] & 0xffff) | (d[0] >> 32 & 0xf0000));

	return (struct vcpu_seg){
		.selector = selector,
		.attrib = (u16)((d[0] >> 40 & 0xff) | (d[0] >> 44 & 0xf00)),
		.limit = d[0] & DESC_G ? limit << 12 | 0xfff : limit,
		.base = (d[0] >> 16 & 0xffffff) | (d[0] >> 32 & 0xff000000) | d[1] << 32,
	};
}

/* false: an exception is queued, nothing has changed. */
static bool ltr_load(struct vcpu *v, u16 selector)
{
	struct vcpu_segs *s = v->vm->p->segs(v);
	unsigned at = selector & ~7u, size = v->regs.efer & EFER_LMA ? 16 : 8;
	u64 d[2] = { 0 };
	gva_t gva;

	if (!(selector & ~3u) || selector & 4 || at + size - 1 > s->gdtr.limit)
		return ltr_refuse(v, X86_GP, selector);
	gva = vcpu_wrap(v, s->gdtr.base + at);
	if (!emulate_read_mem(v, gva, d, size, 0))
		return false;
	if (!ltr_is_tss(v, d))
		return ltr_refuse(v, X86_GP, selector);
	if (!(d[0] & DESC_PRESENT))
		return ltr_refuse(v, X86_NP, selector);
	d[0] |= DESC_BUSY;
	if (!emulate_write_mem(v, gva, d, sizeof(d[0])))
		return false;
	s->tr = ltr_segment(selector, d);
	return true;
}

enum emulate_result emulate_ltr(struct vcpu *v, const struct insn *i)
{
	u64 selector;

	if (v->regs.cpl) {
		vcpu_inject_gp(v);
		return EMULATE_FAULT;
	}
	return emulate_read_operand(v, i, 2, &selector) && ltr_load(v, (u16)selector)
		       ? EMULATE_DONE
		       : EMULATE_FAULT;
}

void exit_ltr(struct vcpu *v)
{
	struct insn i;

	if (!vcpu_decode(v, &i))
		return;
	if (i.op != INSN_LTR || !(v->regs.cr0 & CR0_PE) || v->regs.rflags & RFLAGS_VM)
		vcpu_inject_ud(v);
	else if (emulate_ltr(v, &i) == EMULATE_DONE)
		vcpu_skip(v, i.len);
}
