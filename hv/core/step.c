/* SPDX-License-Identifier: MIT */
/*
 * Hiding our TF from the guest.
 */
#include "hv/core/step.h"

#include "hv/core/emulate.h"
#include "hv/core/vcpu.h"

static bool step_is_prefix(u8 byte, enum insn_mode mode)
{
	switch (byte) {
	case 0x26:
	case 0x2e:
	case 0x36:
	case 0x3e:
	case 0x64 ... 0x67:
	case 0xf0:
	case 0xf2:
	case 0xf3:
		return true;
	default:
		return mode == INSN_MODE64 && (byte & 0xf0) == 0x40;
	}
}

static enum step_kind step_kind(const u8 *bytes, size_t n, enum insn_mode mode)
{
	size_t i = 0;

	while (i < n && step_is_prefix(bytes[i], mode))
		i++;
	if (i == n)
		return STEP_NOTHING;
	switch (bytes[i]) {
	case 0x9c:
		return STEP_PUSHES;
	case 0x9d:
	case 0xcf:
		return STEP_LOADS;
	case 0x0f:
		if (i + 1 < n && bytes[i + 1] == 0x05)
			return STEP_SYSCALL;
		return i + 1 < n && bytes[i + 1] == 0x07 ? STEP_LOADS : STEP_NOTHING;
	default:
		return STEP_NOTHING;
	}
}

void step_begin(struct vcpu *v)
{
	u8 bytes[INSN_MAX_LEN];
	size_t n = vcpu_fetch(v, bytes);

	v->step.kind = step_kind(bytes, n, vcpu_mode(v));
	v->step.traced = v->regs.rflags & RFLAGS_TF;
}

/* TF is in the second byte of what was pushed, whatever its size. */
static void step_clean_stack(struct vcpu *v)
{
	u64 sp = v->regs.gpr[RSP];
	gva_t gva;
	u8 byte;

	if (vcpu_mode(v) != INSN_MODE64)
		sp = v->vm->p->segs(v)->seg[SEG_SS].attrib & SEG_ATTRIB_D ? (u32)sp : (u16)sp;
	gva = emulate_linear(v, SEG_SS, sp) + 1;
	vcpu_sync_mmu(v);
	if (mmu_read_gva(v->walk_mmu, gva, &byte, 1, vcpu_access(v) | MMU_PEEK, NULL) != 1)
		return;
	byte &= ~(RFLAGS_TF >> 8);
	mmu_write_gva(v->walk_mmu, gva, &byte, 1, PFERR_WRITE | vcpu_access(v) | MMU_PEEK, NULL);
}

void step_end(struct vcpu *v)
{
	struct vcpu_regs *r = &v->regs;
	bool loaded = v->step.kind == STEP_LOADS ||
		      (v->step.kind == STEP_SYSCALL && v->step.traced);

	if (loaded)
		r->rflags = (r->rflags & ~RFLAGS_TF) | (v->exit.tf ? RFLAGS_TF : 0);
	if (v->step.traced)
		vcpu_trap(v);
	else if (v->step.kind == STEP_PUSHES)
		step_clean_stack(v);
	else if (v->step.kind == STEP_SYSCALL)
		r->gpr[R11] &= ~RFLAGS_TF;
	v->step.kind = STEP_NOTHING;
}
