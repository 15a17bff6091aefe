/* SPDX-License-Identifier: MIT */
/*
 * What a scenario may ask about the library's insides, learnt from its events
 * alone: which shadow pages there are, and the root role of each vCPU.
 */
#ifndef SIM_WATCH_H
#define SIM_WATCH_H

#include "hv/sim/scenario.h"
#include "mmu/role.h"

struct watch_sp {
	bool live, zapped;
	gfn_t gfn;
	union mmu_role role;
};

struct watch {
	struct watch_sp *sp;	/* by number */
	u32 nr;
	union mmu_role root_role[MMU_MAX_VCPUS];
	u32 broken;		/* rules, by the last audit */
	bool failed;		/* no memory to keep watch with */
};

/* To be told of every event; arg is the struct watch. */
void watch_seen(void *arg, u64 seq, u8 vcpu, u16 id, const void *payload, u16 len);

/* Shadow pages that match the keys (SCN_ANY: any). */
unsigned watch_count(const struct watch *watch, const u64 key[NR_KEYS]);

void watch_fini(struct watch *watch);

#endif
