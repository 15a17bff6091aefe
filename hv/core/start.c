/* SPDX-License-Identifier: MIT */
/*
 * INIT and SIPI.
 */
#include "hv/core/start.h"

#include "hv/core/vcpu.h"

#define CPUID_VERSION 1u

#define ATTRIB_CODE16 0x9bu
#define ATTRIB_DATA16 0x93u
#define ATTRIB_LDT    0x82u
#define ATTRIB_TSS    0x8bu

void vcpu_init_signal(struct vcpu *v)
{
	v->start = (struct vcpu_start){ .init = true };
	cpus_kick(v->vm, v->cpu);
}

void vcpu_sipi(struct vcpu *v, u8 page)
{
	if (v->state != CH_WAITING && !v->start.init)
		return;
	if (v->start.sipi)
		return;
	v->start.sipi = true;
	v->start.page = page;
	cpus_kick(v->vm, v->cpu);
}

bool start_waits(const struct vcpu *v)
{
	return v->start.init ? !v->smm.active : v->start.sipi;
}

static void start_segments(struct vcpu_segs *s)
{
	for (unsigned i = 0; i < 6; i++)
		s->seg[i] = (struct vcpu_seg){ .attrib = ATTRIB_DATA16, .limit = 0xffff };
	s->seg[SEG_CS] = (struct vcpu_seg){ 0xf000, ATTRIB_CODE16, 0xffff, 0xffff0000 };
	s->gdtr = s->idtr = (struct vcpu_seg){ .limit = 0xffff };
	s->ldtr = (struct vcpu_seg){ .attrib = ATTRIB_LDT, .limit = 0xffff };
	s->tr = (struct vcpu_seg){ .attrib = ATTRIB_TSS, .limit = 0xffff };
}

/* Caching, PAT and the other MSRs stay; so does the FPU. */
static void start_init(struct vcpu *v)
{
	struct vcpu_regs *r = &v->regs;
	u64 cr0 = CR0_ET | (r->cr0 & (CR0_CD | CR0_NW));
	u32 version[4];

	v->vm->p->cpuid(CPUID_VERSION, 0, version);
	*r = (struct vcpu_regs){
		.rip = 0xfff0,
		.rflags = RFLAGS_FIXED,
		.cr0 = cr0,
		.dr6 = 0xffff0ff0,
		.dr7 = 0x400,
	};
	r->gpr[RDX] = version[0];
	start_segments(v->vm->p->segs(v));
	v->event.type = VCPU_EVENT_NONE;
	v->nmi_pending = false;
	v->nmi = (struct vcpu_nmi){ 0 };
	lapic_reset(vcpu_lapic(v));
	vcpu_tell_mmu(v, MMU_CR3_LOAD);
	vcpu_set_state(v, CH_WAITING);
}

static void start_begin(struct vcpu *v)
{
	struct vcpu_seg *cs = &v->vm->p->segs(v)->seg[SEG_CS];

	cs->selector = (u16)(v->start.page << 8);
	cs->base = (u64)v->start.page << PAGE_SHIFT;
	v->regs.rip = 0;
	vcpu_set_state(v, CH_RUNNING);
}

void start_take(struct vcpu *v)
{
	struct vcpu_start todo = v->start;

	v->start.init = v->start.sipi = false;
	if (todo.init && v->id == 0) {
		vm_end(v->vm, 0, "reset: INIT of the first vCPU");
		return;
	}
	if (todo.init)
		start_init(v);
	if (todo.sipi)
		start_begin(v);
	vcpu_emit_regs(v);
}
