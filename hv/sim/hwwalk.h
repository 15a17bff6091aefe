/* SPDX-License-Identifier: MIT */
/*
 * The simulated hardware's page walker, written apart from the library's guest
 * walker so that the two can be held against each other. It walks whatever lies
 * in memory, like hardware: our tables (shadow paging), or the guest's tables
 * with every address of theirs translated by our nested tables.
 *
 *	guest stage    gva -> gpa   2-, 3- (PAE), 4- or 5-level, or no paging
 *	  | below
 *	nested stage   gpa -> hpa   4- or 5-level, every access is a user's
 *
 * With shadow paging there is one stage, gva -> hpa, with nothing below.
 */
#ifndef SIM_HWWALK_H
#define SIM_HWWALK_H

#include "hv/sim/sched.h"

enum hw_kind { HW_READ, HW_WRITE, HW_FETCH };

struct hw_access {
	u64 addr;
	enum hw_kind kind;
	bool user;
	bool ac;	/* RFLAGS.AC */
};

/* One stage of translation. */
struct hw_stage {
	const struct hw_stage *below;	/* translates what this stage calls physical; NULL: nothing does */
	u8 *memory;		/* hpa to pointer */
	u64 memory_size;
	struct sched *sched;	/* others may run between the walker's steps; NULL: none do */
	u64 root;		/* CR3: flags in it are ignored */
	unsigned levels;	/* 0: no paging; 2 (4-byte entries), 3, 4 or 5 */
	unsigned maxphyaddr;
	bool pse, pge, wp, nx, smep, smap;
	bool no_ad;		/* sets neither A nor D: the library's tables on such a machine */
};

/* Where an access arrives, or how it fails. */
struct hw_result {
	bool ok;
	u64 error;		/* !ok: PFERR_ */
	u64 fault_addr;		/* !ok: the address that this stage could not translate */
	bool nested;		/* !ok: it was the stage below; fault_addr is its input */
	bool wild;		/* !ok: a table or page lies outside of the machine's memory */
	bool freed;		/* !ok: a table had been given back to the machine (mem.h) */
	hpa_t hpa;		/* ok: of the byte */
	gpa_t gpa;		/* ok: of the byte, as the first stage gave it */
	unsigned level;		/* ok: of the smaller mapping of the two stages, at most 3 */
	unsigned access;	/* ok: ACC_ rights of the first stage */
	unsigned below_access;	/* ok: ACC_ rights of the stage below; ACC_ALL without one */
	/* With a stage below: frames of the tables of this one that were read. */
	gfn_t table[5];
	unsigned nr_tables;
	bool dirty;		/* ok: D is set in every leaf */
	bool global;
};

/*
 * Walks for one access and sets A and D as the hardware does: on all entries
 * once the stage allows the access, each only if it still is what the walk used;
 * else it walks again. Accesses by the walk itself to the guest's
 * tables are user writes in the stage below.
 *
 *   returns  result->ok
 *   source   AMD64 Manual volume 2, 5 "Page Translation and Protection",
 *            15.25 "Nested Paging"
 */
bool hw_walk(const struct hw_stage *stage, const struct hw_access *access,
	     struct hw_result *result);

/*
 * The rights an access of any kind would have: walks without checking rights
 * and without touching A and D. With no_ad, an entry that the library withdrew only to
 * see the next access is as good as present: a TLB may have it still.
 *
 *   returns  result->ok, false where something is not present
 */
bool hw_probe(const struct hw_stage *stage, u64 addr, struct hw_result *result);

/* Do these rights allow the access in this stage? */
bool hw_allows(const struct hw_stage *stage, unsigned rights, const struct hw_access *access);

#endif
