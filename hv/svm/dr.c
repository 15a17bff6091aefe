/* SPDX-License-Identifier: MIT */
/* Arming and disarming. */
#include "hv/svm/dr.h"

#define DR7_ENABLES 0xffu
#define DR7_NONE    0x400u

#define DR_WRITE(n, value) __asm__ volatile("movq %0, %%dr" #n : : "r"((u64)(value)) : "memory")

/* A breakpoint on our own code between here and VMRUN: trap_debug(). */
void dr_arm(const struct vcpu *v, struct vmcb *b)
{
	if (!(v->regs.dr7 & DR7_ENABLES))
		return;
	b->save.dr7 = v->regs.dr7;
	DR_WRITE(0, v->regs.dr[0]);
	DR_WRITE(1, v->regs.dr[1]);
	DR_WRITE(2, v->regs.dr[2]);
	DR_WRITE(3, v->regs.dr[3]);
	DR_WRITE(7, v->regs.dr7);
}

void dr_disarm(struct vmcb *b)
{
	if (b->save.dr7 == DR7_NONE)
		return;
	b->save.dr7 = DR7_NONE;
	DR_WRITE(7, DR7_NONE);
}
