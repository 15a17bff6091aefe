/* SPDX-License-Identifier: MIT */
/*
 * The TLB of a simulated vCPU. It goes stale like the real thing: an entry
 * stays as it was made, whatever happens to the tables, until the hardware is
 * told to drop it. An entry that allows more than the tables do now, or leads
 * elsewhere, is a ghost.
 *
 * The rights of the two stages are kept apart, because each has its own idea
 * of who may write: the guest's CR0.WP does not count in the nested stage.
 */
#ifndef SIM_TLB_H
#define SIM_TLB_H

#include "hv/sim/hwwalk.h"

#define TLB_ENTRIES 64

struct tlb_entry {
	bool used;
	gva_t gva;		/* of the mapping's first byte */
	hpa_t hpa;
	gpa_t gpa;		/* as the first stage gave it */
	u8 level;		/* 1..3: how much it maps */
	u8 access;		/* ACC_ rights of the first stage */
	u8 below_access;	/* ACC_ rights of the nested stage */
	bool dirty;		/* writes need not walk again to set D */
	bool global;
	gfn_t table[5];		/* frames of the first stage's tables on the way */
	unsigned nr_tables;	/* 0 without a nested stage */
	hpa_t root;		/* of the tables it was made from, and their levels */
	u8 root_level;
	bool ghost;		/* differs from the tables; it was reported */
	bool broken;		/* it differed where a flush had been promised */
};

struct tlb {
	struct tlb_entry entry[TLB_ENTRIES];
	unsigned next;		/* replaced next when all are in use */
};

/* The entry for an address; NULL: none. */
struct tlb_entry *tlb_find(struct tlb *tlb, gva_t gva);

/* Enters the result of a walk; *victim is what had to go for it (used false:
 * nothing). */
struct tlb_entry *tlb_insert(struct tlb *tlb, gva_t gva, const struct hw_result *walk,
			     struct tlb_entry *victim);

/* The hpa of an address that the entry maps. */
static inline hpa_t tlb_hpa(const struct tlb_entry *entry, gva_t gva)
{
	return entry->hpa + (gva - entry->gva);
}

/* Empties it; with keep_global, entries marked global stay. */
void tlb_empty(struct tlb *tlb, bool keep_global);

unsigned tlb_count(const struct tlb *tlb);

/* Does the entry allow more than the tables do (now; !now->ok: nothing is
 * mapped), let writes pass that D does not tell of, or lead elsewhere? below_only:
 * compare only the nested stage. */
bool tlb_exceeds(const struct tlb_entry *entry, const struct hw_result *now, bool below_only);

#endif
