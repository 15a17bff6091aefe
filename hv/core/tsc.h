/* SPDX-License-Identifier: MIT */
/*
 * A vCPU's time-stamp counter: the machine's clock and an offset that the guest
 * chooses. The deadline of its local APIC's timer is a count of this counter.
 *
 * source: APM2 13.2.4 "Time-Stamp Counter"; Intel SDM volume 3, 18.17.3 "Time-Stamp
 *         Counter Adjustment"
 */
#ifndef HV_CORE_TSC_H
#define HV_CORE_TSC_H

#include <stdbool.h>
#include "mmu/types.h"

struct vcpu;

struct tsc {
	u64 offset; /* counter minus clock */
	u64 adjust; /* MSR TSC_ADJUST: the sum of all changes by the guest */
};

u64 tsc_read(const struct vcpu *v);

/* The counter, or what was added to it, becomes value. */
void tsc_write(struct vcpu *v, u64 value);
void tsc_write_adjust(struct vcpu *v, u64 value);

/* MSR TSC_DEADLINE, 0: none. returns false: a #GP */
bool tsc_read_deadline(struct vcpu *v, u64 *value);
bool tsc_write_deadline(struct vcpu *v, u64 value);

#endif
