/* SPDX-License-Identifier: MIT */
/*
 * Guests that do not get on: the same fault again and again.
 *
 *   nothing helps   the MMU says each time that the access may be tried again, and it
 *                   faults again. No instruction is carried out: the guest is ended
 *   given in vain   the guest gets the same page fault for the same instruction, and
 *                   does nothing about it that we see. Maybe it waits for something, or
 *                   what we tell it is wrong: the user is told, once for each streak
 */
#ifndef HV_CORE_LIVELOCK_H
#define HV_CORE_LIVELOCK_H

#include "mmu/types.h"

struct vcpu;

struct livelock {
	u64 rip, addr, error;	/* of the last fault */
	unsigned times;		/* in a row, that nothing helped against it */
	unsigned given;		/* in a row, that the guest was given it */
};

/* So many in a row are no accident. */
#define LIVELOCK_TIMES 10000u

/*
 * After an exit was handled. rip: where the guest was left. May end the guest, with
 * status 125.
 */
void livelock_guard(struct vcpu *v, u64 rip);

#endif
