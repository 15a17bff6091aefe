/* SPDX-License-Identifier: MIT */
/*
 * The guest's hardware breakpoints. VMRUN should arm them by the VMCB's DR7; QEMU 7.2
 * does not, and arms those of the last MOV to DR7: so it is done by hand for a guest
 * that has any, and undone behind it. Ours are never used.
 *
 * source: APM2 13.1.1 "Debug Registers", 15.5.1 "Basic Operation"
 */
#ifndef HV_SVM_DR_H
#define HV_SVM_DR_H

#include "hv/core/vm.h"
#include "hv/svm/vmcb.h"

/* Around the world switch. context: interrupts off */
void dr_arm(const struct vcpu *v, struct vmcb *b);
void dr_disarm(struct vmcb *b);

#endif
