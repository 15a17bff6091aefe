/* SPDX-License-Identifier: MIT */
/*
 * What a scenario may ask about the library's insides, learnt from its events
 * alone: which shadow pages there are, and the root role of each vCPU.
 */
#ifndef SIM_WATCH_H
#define SIM_WATCH_H

#include "hv/sim/scenario.h"
#include "mmu/role.h"

#define WATCH_ROOTS 4	/* the current one and those before */

struct watch_sp {
	bool live, zapped;
	gfn_t gfn;
	union mmu_role role;
};

/* Root roles; np: of an inner guest on nested tables. */
struct watch_vcpu {
	union mmu_role own, shadowed;
	bool np;
};

struct watch {
	struct watch_sp *sp;	/* by number */
	u32 nr;
	struct watch_vcpu vcpu[MMU_MAX_VCPUS];
	struct {
		u32 sp;		/* 0: none */
		u64 pgd;
	} root[MMU_MAX_VCPUS][WATCH_ROOTS];
	struct watch_rmap {
		u8 as;
		gfn_t gfn;
		u32 entries;
	} *rmap;		/* frames that ever were in one */
	u32 nr_rmaps;
	u32 broken;		/* rules, by the last audit */
	bool failed;		/* no memory to keep watch with */
};

/* To be told of every event; arg is the struct watch. */
void watch_seen(void *arg, u64 seq, u8 vcpu, u16 id, const void *payload, u16 len);

/* Shadow pages that match the keys (SCN_ANY: any). */
unsigned watch_count(const struct watch *watch, const u64 key[NR_KEYS]);

/* Entries in the rmaps of a frame. */
u32 watch_rmap(const struct watch *watch, u64 as, gfn_t gfn);

/* Of what the hardware walks for the vCPU. */
union mmu_role watch_root_role(const struct watch *watch, unsigned vcpu);
/* The CR3 of a root slot, ~0 if it names nothing; how many name something. */
u64 watch_root(const struct watch *watch, u64 vcpu, u64 slot);
unsigned watch_roots(const struct watch *watch, u64 vcpu);

void watch_fini(struct watch *watch);

#endif
