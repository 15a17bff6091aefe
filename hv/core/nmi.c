/* SPDX-License-Identifier: MIT */
/*
 * Blocking of NMIs.
 */
#include "hv/core/nmi.h"

#include "hv/core/vcpu.h"

static bool nmi_is_at_iret(const struct vcpu *v)
{
	return v->nmi.ends && v->regs.rip == v->nmi.rip;
}

bool vcpu_has_nmi(const struct vcpu *v)
{
	return v->nmi_pending && !v->nmi.blocked && !v->smm.active && !nmi_is_at_iret(v);
}

bool nmi_begin_step(struct vcpu *v)
{
	v->nmi.steps = v->nmi_pending && !v->nmi.blocked && !v->smm.active &&
		       nmi_is_at_iret(v) && !vcpu_is_stepping(v);
	return v->nmi.steps;
}

void nmi_choose(struct vcpu *v)
{
	if (!vcpu_has_nmi(v) || v->event.type != VCPU_EVENT_NONE)
		return;
	v->nmi_pending = false;
	v->nmi = (struct vcpu_nmi){ .blocked = true };
	v->event = (struct vcpu_event){ .type = VCPU_EVENT_NMI, .vector = X86_NMI };
	vcpu_emit(v, inject, X86_NMI, VCPU_EVENT_NMI, 0, 0);
}

void nmi_put_back(struct vcpu *v)
{
	v->nmi_pending = true;
	v->nmi.blocked = false;
}

void exit_iret(struct vcpu *v)
{
	v->nmi = (struct vcpu_nmi){ .ends = true, .rip = v->regs.rip };
}
