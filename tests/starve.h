/* SPDX-License-Identifier: MIT */
/*
 * The operations of mmu.h that may allocate, each with what makes it do so, and
 * those that do not though one might think so. check_starve.c refuses them pages.
 */
#ifndef TESTS_STARVE_H
#define TESTS_STARVE_H

#include "tests/guest_pt.h"

/* What an operation that was refused a page has changed. */
enum starve_after {
	SAME,		/* nothing that a dump shows, and it has no page more but in reserve */
	FEWER,		/* shadow pages were recycled to make room, and no new one is there */
	SOME,		/* as SAME, but for the part that it says is done: starve_part */
	NO_ROOT,	/* the vCPU has lost its root; all else as above */
	NO_VM,		/* there is no VM, and the host has every page back */
	NEVER,		/* it asks for no page, and so is never refused one */
};

/* In which guests a row makes sense. */
enum starve_where { ONCE, EVERYWHERE, SHADOW_PAGED, SHADOW_ONLY, TDP_ONLY };

struct starve_row {
	const char *function;	/* of mmu.h */
	const char *when;
	enum starve_where where;
	enum starve_after after;
	void (*begin)(struct guest *g);	/* NULL: nothing; after guest_init_small(), if not ONCE */
	/* returns  whether it was done; else it was refused for want of a page */
	bool (*run)(struct guest *g);
	void (*done)(struct guest *g);	/* NULL: nothing; looks at what it has done */
};

extern const struct starve_row starve_rows[];
extern const unsigned nr_starve_rows;
extern const struct starve_row starve_dirty_rows[];	/* of dirty_log.h and slots.h */
extern const unsigned nr_starve_dirty_rows;
extern const struct starve_row starve_more_rows[];	/* of the other headers */
extern const unsigned nr_starve_more_rows;

/* How much of it a refused operation has done, as it says itself. */
extern u64 starve_part;

#define STARVE_FRAMES 0x800ull	/* 8 MiB of RAM */

/* The configuration of the guests, for rows that make their VM. */
extern struct mmu_config starve_config;

/* ---- what rows have in common ---------------------------------------------------------- */

#define RW	(GPTE_W | GPTE_U)
#define USER	PFERR_USER
#define WRITE	PFERR_WRITE

#define GVA	0x1000u
#define GPA	0x5000u
#define NEAR	0x2000u		/* beside GVA, in the same table */
#define FAR	0x40001000u	/* with tables of its own where the guest pages */
#define TABLE	0x40002000u	/* beside FAR; see table_mapped() */
#define BIG	0x401000u	/* in a large page */
#define DEVICE	0x7000u		/* mapped to where no slot is */
#define DEVICE_GPA (STARVE_FRAMES << PAGE_SHIFT)
#define MORE	(STARVE_FRAMES + 16)	/* frames of a slot to come */

/* The guest's own tables count: the shadow MMU serves it, and it pages. */
bool guest_pages(const struct guest *g);
/* The address that reaches gpa, where the guest pages: gva. */
u64 way_to(const struct guest *g, gva_t gva, gpa_t gpa);
void goes_to(struct guest *g, gva_t gva, gpa_t gpa);

/* Tables of the guest's, if it pages; a root; GVA in ours; FAR too. */
void map_all(struct guest *g);
void enter_once(struct guest *g);
void touched(struct guest *g);
void touched_twice(struct guest *g);

/* OK, or else refused. */
bool status_is(enum mmu_status status);
bool verdict_is(enum mmu_verdict verdict, enum mmu_verdict want);
bool enter(struct guest *g);
enum mmu_verdict fault_at(struct guest *g, u64 addr, u64 error);

/* GVA can be used; FAR and NEAR too. */
void it_goes(struct guest *g);
void all_go(struct guest *g);

#endif
