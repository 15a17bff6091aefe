/* SPDX-License-Identifier: MIT */
/*
 * A test of ours, at work in the real machine: SMIs at moments nobody chose, of which
 * the guest must see nothing. When RSM has come all is compared with what it was:
 * registers, segments, MSRs, RAM now and then. A difference is our own bug.
 *
 * Only for guests that leave SMM to the firmware.
 */
#ifndef HV_CORE_SMM_WATCH_H
#define HV_CORE_SMM_WATCH_H

#include "hv/core/regs.h"

struct vcpu;
struct vcpu_run;
struct vm;

struct smm_watch {
	u32 random; /* 0: off */
	u64 next;   /* clock of the next SMI */
	u64 nr;     /* SMIs that came to their end */

	/* As it was at the last SMI. */
	struct vcpu_regs regs;
	struct vcpu_segs segs;
	u64 pat, tsc_aux, ram;
	u8 state;
};

/* From now on, moments by this seed; 0: none. */
void smm_watch_start(struct vm *vm, u32 seed);

/* vCPU v is about to run: an SMI now, or the deadline of the next. */
void smm_watch_turn(struct vcpu *v, struct vcpu_run *run);

/* The state is the one that the SMI interrupts; the handler's first, in which nothing
 * is left that RSM should bring back; the one after RSM. */
void smm_watch_smi(struct vcpu *v);
void smm_watch_handler(struct vcpu *v);
void smm_watch_rsm(struct vcpu *v);

/* Says how many there were. */
void smm_watch_end(struct vm *vm);

#endif
