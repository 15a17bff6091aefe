/* SPDX-License-Identifier: MIT */
/*
 * How one vCPU starts another: INIT puts it into its initial state, where it waits; a
 * start-up interrupt (SIPI) lets it begin in real mode at the page that it names.
 *
 * Both are kept until the vCPU is between two instructions, on its own CPU. INIT waits
 * also for the end of SMM. A SIPI for a vCPU that does not wait for one is lost. The
 * first vCPU does not wait after INIT: it would begin at the reset vector, which is
 * the firmware's, so that it is a reset of the machine.
 *
 * source: APM2 14.1.3 "Processor Initialization State", 15.28 "SMM Support";
 *         Intel MultiProcessor Specification, "B.4 Application Processor Startup"
 */
#ifndef HV_CORE_START_H
#define HV_CORE_START_H

#include "mmu/types.h"

struct vcpu;

struct vcpu_start {
	bool init;
	bool sipi;
	u8 page; /* sipi: of gpa page << 12 */
};

/* Another vCPU's INIT or SIPI arrives. context: holding the core's lock */
void vcpu_init_signal(struct vcpu *v);
void vcpu_sipi(struct vcpu *v, u8 page);

/* Whether what waits can be done. */
bool start_waits(const struct vcpu *v);

/*
 * Does it.
 *
 *   context  v's own CPU, between two turns of v
 *   events   vcpu_state, regs, those of mmu_set_regs(); guest_end for a reset
 */
void start_take(struct vcpu *v);

#endif
