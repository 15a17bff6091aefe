/* SPDX-License-Identifier: MIT */
/*
 * Into system-management mode and back.
 */
#include "hv/core/smm.h"

#include "hv/core/smm_area.h"
#include "hv/core/smm_watch.h"
#include "hv/core/vcpu.h"

#include <string.h>

#define DR7_RESET   0x400ull
#define ATTRIB_SMM  0x893u /* present, data, writable, accessed, G; of CS, too */

bool smm_has_long_mode(const struct vcpu *v)
{
	return features_has(&v->vm->features, FEATURE_lm);
}

static gpa_t smm_area_gpa(const struct vcpu *v)
{
	return (u32)(v->smm.base + SMM_AREA);
}

void smm_request(struct vcpu *v)
{
	if (!v->smm.pending)
		v->smm.cause = ch_get_cause(v->vm->p->em);
	v->smm.pending = true;
}

bool smm_waits(const struct vcpu *v)
{
	return v->smm.pending && !v->smm.active;
}

/* ---- SMI ---- */

static struct smm_state smm_capture(struct vcpu *v)
{
	struct smm_state s = {
		.regs = v->regs,
		.segs = *v->vm->p->segs(v),
		.base = v->smm.base,
		.halted = v->smm.halted,
		.int_shadow = v->regs.int_shadow,
	};
	u16 *ss = &s.segs.seg[SEG_SS].attrib;

	/* The area has no CPL but the one of SS. */
	if (v->regs.cr0 & CR0_PE)
		*ss = (u16)((*ss & ~0x60u) | v->regs.cpl << 5);
	return s;
}

/* What no memory is behind is lost; RSM will see that. */
static void smm_save(struct vcpu *v, struct smm_state *s)
{
	bool long_mode = smm_has_long_mode(v);
	u8 area[SMM_AREA_SIZE];

	s->revision = long_mode ? SMM_REVISION_64 : SMM_REVISION_32;
	smm_area_store(s, long_mode, area);
	mmu_vcpu_write(v->mmu, smm_area_gpa(v), area, sizeof(area));
}

/* source: APM2 10.3.3 "SMM Operating-Environment" */
static void smm_enter(struct vcpu *v)
{
	struct vcpu_segs *segs = v->vm->p->segs(v);
	struct vcpu_regs *r = &v->regs;

	for (unsigned i = 0; i < 6; i++)
		segs->seg[i] = (struct vcpu_seg){ .attrib = ATTRIB_SMM, .limit = 0xffffffff };
	segs->seg[SEG_CS].selector = (u16)(v->smm.base >> 4);
	segs->seg[SEG_CS].base = v->smm.base;
	r->rip = SMM_ENTRY;
	r->rflags = RFLAGS_FIXED;
	r->cr0 &= ~(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
	r->cr4 = 0;
	if (smm_has_long_mode(v)) /* others have no place for it in the area */
		r->efer = 0;
	r->dr7 = DR7_RESET;
	r->cpl = 0;
	r->int_shadow = false;
}

bool smm_deliver(struct vcpu *v)
{
	struct smm_state s;

	if (!smm_waits(v) || v->event.type != VCPU_EVENT_NONE)
		return false;
	ch_set_cause(v->vm->p->em, v->smm.cause);
	vcpu_emit_regs(v);
	v->smm.rip = v->regs.rip;
	v->smm.halted = v->state == CH_HALTED;
	if (v->vm->env.events_on)
		ch_set_cause(v->vm->p->em, hv_emit(v->vm->p->em, v->id, smi, v->smm.base,
						   v->smm.rip, v->smm.halted));
	smm_watch_smi(v);
	v->smm.pending = false;
	v->smm.active = true;
	s = smm_capture(v);
	smm_enter(v);
	smm_watch_handler(v);
	vcpu_tell_mmu(v, MMU_CR3_NONE);
	smm_save(v, &s); /* in address space 1 */
	vcpu_set_state(v, CH_RUNNING);
	return true;
}

void smm_snapshot(struct vcpu *v)
{
	if (v->smm.active)
		vcpu_emit(v, smi, v->smm.base, v->smm.rip, v->smm.halted);
}

/* ---- RSM ---- */

static void smm_shutdown(struct vcpu *v)
{
	v->vm->p->log("RSM found a state that no CPU can be in: SMBASE %#x, rip %#lx", v->smm.base,
		      v->regs.rip);
	vm_end(v->vm, 120, "shutdown: RSM with an impossible state in the save area");
}

/* What is not memory reads as ones. */
static bool smm_load(struct vcpu *v, struct smm_state *s)
{
	const struct smm_limits limits = {
		.long_mode = smm_has_long_mode(v),
		.maxphyaddr = v->vm->p->maxphyaddr,
		.cr4 = vcpu_cr4_offered(v),
	};
	u8 area[SMM_AREA_SIZE];

	memset(area, 0xff, sizeof(area));
	mmu_vcpu_read(v->mmu, smm_area_gpa(v), area, sizeof(area));
	s->regs = v->regs;
	s->segs = *v->vm->p->segs(v);
	smm_area_load(s, limits.long_mode, area);
	return smm_state_settle(s, &limits);
}

bool smm_resume(struct vcpu *v)
{
	struct smm_state s = { 0 };

	if (!v->smm.active)
		return false;
	if (!smm_load(v, &s)) {
		smm_shutdown(v);
		return true;
	}
	v->regs = s.regs;
	v->regs.int_shadow = s.int_shadow & 1;
	*v->vm->p->segs(v) = s.segs;
	v->smm.base = s.base;
	v->smm.active = false;
	vcpu_tell_mmu(v, MMU_CR3_LOAD);
	vcpu_emit(v, rsm, v->smm.base, v->regs.rip, s.halted & 1);
	vcpu_emit_regs(v);
	vcpu_set_state(v, s.halted & 1 ? CH_HALTED : CH_RUNNING);
	smm_watch_rsm(v);
	return true;
}

void exit_rsm(struct vcpu *v)
{
	if (!smm_resume(v))
		vcpu_inject_ud(v);
}
