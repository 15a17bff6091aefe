/* SPDX-License-Identifier: MIT */
/*
 * NMIs for the guest. While one is handled the next waits, one at most, until the IRET
 * that ends the handler has been executed. Not every machine holds back what is
 * injected, so it is done here: the IRET exits, and if another NMI waits it is stepped
 * over.
 *
 * source: APM2 8.1.3 "NMI-Non-Maskable-Interrupt Exception (Vector 2)", 15.21.8 "NMI
 *         Support"
 */
#ifndef HV_CORE_NMI_H
#define HV_CORE_NMI_H

#include "mmu/types.h"

struct vcpu;

struct vcpu_nmi {
	bool blocked; /* one is being handled */
	bool ends;    /* by the IRET at rip, which is next */
	bool steps;   /* over it */
	u64 rip;
};

/* One waits, and is held back neither by another nor by SMM. */
bool vcpu_has_nmi(const struct vcpu *v);

/* It makes the next event of the guest, if there is none. events: inject */
void nmi_choose(struct vcpu *v);

/* Whether the next run is to be one instruction for the sake of an NMI: it waits only
 * for an IRET that is about to be executed. */
bool nmi_begin_step(struct vcpu *v);

/* The delivery was given up for an exception: it comes again. */
void nmi_put_back(struct vcpu *v);

#endif
