/* SPDX-License-Identifier: MIT */
/*
 * A naive MMU, meant to be obviously right: a list of slots, a copy of the
 * guest's memory, and a walk of the guest's tables at every access. It keeps
 * nothing, so it cannot be stale; what a processor may have kept is looked up in
 * the past (naive_past.h). It shares no code with the library and none with the
 * simulated hardware.
 */
#ifndef TESTS_NAIVE_H
#define TESTS_NAIVE_H

#include "mmu/mmu.h"
#include "tests/naive_past.h"

#define NAIVE_SLOTS 12

struct naive_slot {
	bool used, readonly;
	u8 as;		/* address space: 1 for who is in system-management mode */
	gfn_t gfn;
	u64 npages;
	u64 offset;	/* of its memory in ram */
};

struct naive {
	u8 *ram;
	u64 ram_size;
	struct naive_slot slot[NAIVE_SLOTS];
	struct naive_past past;
	const struct mmu_regs *npt; /* nested tables below an inner guest's, as if these were
				     * the registers of who uses them; NULL: none */
	unsigned maxphyaddr;
	/* By address space and frame of ram: somebody wrote there, or walked through what
	 * is there, which the hardware does as a writer. NULL: nobody wants to know. */
	u8 *touched[MMU_NR_AS];
	bool pdpte_a;	/* A in a PDPTE is let pass: emulated processors set it, so the library's
			 * own walk does not mind it under nested paging */
	bool tdp;	/* the hardware sets A and D itself: a table in read-only memory stops it */
};

/* CR4.PCIDE and bits of CR3; few are in use. */
static inline unsigned naive_pcid(const struct mmu_regs *regs)
{
	return regs->cr4 & BIT(17) ? regs->cr3 % NAIVE_PCIDS : 0;
}

enum naive_kind { NAIVE_READ, NAIVE_WRITE, NAIVE_FETCH };

struct naive_access {
	gva_t gva;
	enum naive_kind kind;
	bool user, ac;
	unsigned size;
	u64 value;	/* written, or as read */
};

enum naive_end { NAIVE_OK, NAIVE_FAULT, NAIVE_MMIO, NAIVE_READONLY, NAIVE_REFLECT };

struct naive_result {
	enum naive_end end;
	u64 error;	/* NAIVE_FAULT, NAIVE_REFLECT */
	gpa_t ngpa;	/* NAIVE_REFLECT: what the nested tables forbid */
	const struct naive_way *way; /* for who visits ways */
	gpa_t gpa;	/* where it leads, if the tables allow it */
	unsigned level;	/* of the guest's mapping, or of the entry where it failed */
	gpa_t entry[6];	/* by level: the entries read */
	bool w, u, x;	/* rights of the guest's tables */
	bool own;	/* PAE: A is set in the PDPTE it began with, where it is reserved */
	bool global;	/* it is a global page, if CR4.PGE is set */
};

/* Memory at a gpa of an address space, up to the end of its page; NULL: no slot. */
u8 *naive_memory(struct naive *n, unsigned as, gpa_t gpa, bool *readonly);

/* Notes it in touched; at is in ram. */
void naive_touch(struct naive *n, unsigned as, const u8 *at);

/* Walks the guest's tables; set_ad: sets A and D if the access is allowed.
 * Memory itself is not touched, NAIVE_OK only means that it could be. */
void naive_walk(struct naive *n, const struct mmu_regs *regs, const struct naive_access *a,
		bool set_ad, struct naive_result *r);

/* The same on this way (NULL: as the tables are now). */
void naive_walk_way(struct naive *n, const struct mmu_regs *regs, const struct naive_access *a,
		    struct naive_way *way, bool set_ad, struct naive_result *r);

/*
 * Every way the access may go that is not forgotten: today's first, then those
 * through what the tables were, then to global pages of tables the vCPU had before.
 * visit() gets the result of each, and ends the search by returning true.
 *
 *   returns  the number of ways found; 0: more than can be tried
 */
unsigned naive_ways(struct naive *n, unsigned cpu, const struct mmu_regs *regs,
		    const struct naive_access *a,
		    bool (*visit)(void *arg, const struct naive_result *r), void *arg);

/*
 * Where the nested tables put an address of the inner guest's memory, which a table or
 * the access itself is at. *gpa: its, then the guest's.
 *
 *   returns  false: nowhere, r is filled
 */
bool naive_place(struct naive *n, gpa_t *gpa, enum naive_kind kind, bool table,
		 struct naive_way *way, bool set_ad, struct naive_result *r);

/* Walks, sets A and D, and reads or writes. */
void naive_do(struct naive *n, const struct mmu_regs *regs, struct naive_access *a,
	      struct naive_result *r);

/* Copies between a buffer and guest-physical memory; returns bytes done. */
size_t naive_copy(struct naive *n, unsigned as, gpa_t gpa, void *buf, size_t len, bool write);

#endif
