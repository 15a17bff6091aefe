/* SPDX-License-Identifier: MIT */
/*
 * A machine with as many shadow pages as one likes, and the operations that are
 * measured on it. Each operation is done once to every page of a working set
 * which is spread over all there are, and small: what differs between machines of
 * different size is then the work of the data structures, not that of the caches.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include "mmu/internal.h"

#define BENCH_WORK	64u	/* pages of the working set */

struct bench_page {
	gva_t gva;		/* mapped through this page table */
	gfn_t gfn;		/* the frame it maps there */
	gpa_t gpte;		/* the guest's entry */
	gfn_t table;		/* the guest's table */
	gva_t alias;		/* where the guest can write to it */
	gva_t big;		/* gfn in a page of 2 MiB */
	union mmu_role role;	/* of its shadow page */
	u8 config;
	spte_t *sptep;		/* an entry that maps nothing */
};

struct bench {
	struct mmu_env env;
	struct mmu_vm *vm;
	struct mmu_vcpu *vcpu;
	u8 *memory;
	u64 next;		/* page of the host never given out */
	u64 nr_free;
	u32 *free;		/* pages given back */
	u64 nr_tables;		/* page tables of the guest that are shadowed */
	bool nested;		/* they are nested tables for a guest of its own, which runs */
	struct bench_page work[BENCH_WORK];
};

/* Memory that a machine of this size takes, in bytes. */
u64 bench_need(u64 nr_sps);

/* A guest of 4 levels with nr_sps shadow pages, 1000 at least; nested: a guest on its
 * nested tables, and addresses are nGPAs. A failure of the machine itself ends the
 * program with a message. */
void bench_open(struct bench *b, u64 nr_sps, bool nested);
void bench_close(struct bench *b);

/* The guest's access, PFERR_: its entry is missing, and is there then. Or was there. */
void bench_fault(struct bench *b, u64 addr, u64 access, enum mmu_verdict want);

/* Ends the program if the condition does not hold. */
#define bench_check(cond) bench_check_at(cond, #cond, __FILE__, __LINE__)
void bench_check_at(bool cond, const char *text, const char *file, unsigned line);

struct bench_op {
	const char *name, *sentence;
	void (*prepare)(struct bench *b);	/* NULL: nothing; for the whole working set */
	void (*run)(struct bench *b, const struct bench_page *page);
	void (*finish)(struct bench *b);	/* NULL: nothing */
	bool nested;		/* on a machine with nested tables */
	bool long_one;		/* instructions are counted for one page only */
	bool at_once;		/* one run is the operation on the whole working set */
};

extern const struct bench_op bench_ops[];
extern const unsigned bench_nr_ops;

/* count.c: instructions between the two, those inside the host's callbacks not
 * counted; -1 if this machine cannot tell. */
void count_begin(void);
long count_end(void);
void count_pause(bool pause);

#endif
