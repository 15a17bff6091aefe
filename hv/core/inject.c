/* SPDX-License-Identifier: MIT */
/*
 * Exceptions for the guest, and what becomes of one that meets another.
 */
#include "hv/core/vcpu.h"

enum inject_class { BENIGN, CONTRIBUTORY, PAGE_FAULT };

static enum inject_class inject_class(u8 vector)
{
	switch (vector) {
	case X86_PF:
		return PAGE_FAULT;
	case X86_DE:
	case X86_TS:
	case X86_NP:
	case X86_SS:
	case X86_GP:
		return CONTRIBUTORY;
	default:
		return BENIGN;
	}
}

static bool inject_makes_double(u8 first, u8 second)
{
	enum inject_class a = inject_class(first), b = inject_class(second);

	return (a == CONTRIBUTORY && b == CONTRIBUTORY) || (a == PAGE_FAULT && b != BENIGN);
}

void vcpu_inject(struct vcpu *v, u8 vector, u32 code)
{
	if (v->event.type == VCPU_EVENT_EXCEPTION) {
		if (v->event.vector == X86_DF) {
			vm_end(v->vm, 120, "triple fault");
			return;
		}
		if (inject_makes_double(v->event.vector, vector)) {
			vector = X86_DF;
			code = 0;
		}
	}
	/* An NMI whose delivery faulted must not be lost. */
	if (v->event.type == VCPU_EVENT_NMI)
		nmi_put_back(v);
	v->event = (struct vcpu_event){
		.type = VCPU_EVENT_EXCEPTION,
		.vector = vector,
		.has_code = vector < 32 && X86_VECTORS_WITH_CODE >> vector & 1 &&
			    v->regs.cr0 & CR0_PE,
		.code = code,
	};
	if (vector != X86_DB) /* faults push it set, a trap does not */
		v->regs.rflags |= RFLAGS_RF;
	vcpu_emit(v, inject, vector, VCPU_EVENT_EXCEPTION, code, v->regs.cr2);
}

void vcpu_inject_pf(struct vcpu *v, u64 error, gva_t gva)
{
	v->regs.cr2 = gva;
	vcpu_inject(v, X86_PF, (u32)error);
}

void vcpu_trap(struct vcpu *v)
{
	v->regs.dr6 |= DR6_BS;
	vcpu_inject(v, X86_DB, 0);
}
