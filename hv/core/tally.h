/* SPDX-License-Identifier: MIT */
/*
 * What a run cost: exits by their kind, and the time. Counted always, since events
 * are too many to be kept just to be counted.
 */
#ifndef HV_CORE_TALLY_H
#define HV_CORE_TALLY_H

#include "hv/channel/event.h"
#include "mmu/types.h"

struct vm;

#define TALLY_KINDS 32u

/* Of one vCPU; written by whoever runs it. */
struct tally {
	u64 exits[TALLY_KINDS]; /* by enum ch_exit */
};

static inline void tally_exit(struct tally *t, enum ch_exit kind)
{
	t->exits[kind % TALLY_KINDS]++;
}

/*
 * Says it in one line: "TICKS ticks, EXITS exits: KIND COUNT, ...", the kinds that
 * occurred, all vCPUs together. Ticks are the machine's clock since the guest's time 0.
 * events: log
 */
void tally_log(struct vm *vm);

#endif
