/* SPDX-License-Identifier: MIT */
/*
 * What an access must come to, worked out from the rights of the entries on its
 * way: they are combined over all levels, the strictest wins. Include after
 * PAGING_LEVELS is defined. CR0.WP is 1, SMEP and SMAP are off; no-execute is on
 * where entries have 8 bytes.
 *
 * source: APM2 5.6 "Page-Protection Checks", 8.4.2 "Page-Fault Error Code"
 */
#ifndef HV_GUESTS_RIGHTS_H
#define HV_GUESTS_RIGHTS_H

#include "hv/guests/fault.h"
#include "hv/guests/paging.h"

#if PAGING_LEVELS == 2
#define PTE_NX 0u
#endif

enum {
	RIGHTS = PTE_P | PTE_W | PTE_U,
	NR_RIGHTS = PAGING_LEVELS == 2 ? 8 : 16, /* bit 3: no-execute */
	DATA = 64, /* code at the page's beginning, data here */
};

/* The i-th combination of rights, 0 <= i < NR_RIGHTS. */
static inline pte_t rights_of(unsigned int i)
{
	return (i & RIGHTS) | (i & 8 ? PTE_NX : 0);
}

static inline pte_t rights_combine(pte_t a, pte_t b)
{
	return (a & b & RIGHTS) | ((a | b) & PTE_NX);
}

static inline unsigned int rights_outcome(enum access how, pte_t rights)
{
	bool write = how == KERNEL_WRITE || how == USER_WRITE;
	bool fetch = how == KERNEL_FETCH || how == USER_FETCH;
	bool user = how >= USER_READ;
	unsigned int error = (write ? PF_WRITE : 0) | (user ? PF_USER : 0);

	if (fetch && PAGING_LEVELS > 2) {
		error |= PF_FETCH;
	}
	if (!(rights & PTE_P)) {
		return PF(error);
	}
	if ((write && !(rights & PTE_W)) || (user && !(rights & PTE_U)) ||
	    (fetch && (rights & PTE_NX))) {
		return PF(error | PF_PRESENT);
	}
	return NO_FAULT;
}

/* Makes every kind of access to the page at va and compares. */
static inline void rights_check(unsigned long va, pte_t rights)
{
	for (enum access how = KERNEL_READ; how <= USER_FETCH; how++) {
		bool fetch = how == KERNEL_FETCH || how == USER_FETCH;

		expect_eq(access(how, va + (fetch ? 0 : DATA)), rights_outcome(how, rights));
	}
}

/*
 * Gives the entry of va at `level` every combination of rights, the leaf too,
 * each time after the page was in use with all rights: what is cached must be
 * lost, and dirty is set only by a write that was allowed.
 *
 *   leaf   level of the leaf; other levels between it and the root grant all
 */
static inline void rights_exhaust(table_t root, unsigned long va, unsigned int level,
				  unsigned int leaf)
{
	table_t upper = pte_at(root, va, level), lower = pte_at(root, va, leaf);
	pte_t upper_rest = *upper & ~(RIGHTS | PTE_NX);
	pte_t lower_rest = *lower & ~(RIGHTS | PTE_NX | PTE_D);
	pte_t all = rights_of(RIGHTS);

	for (unsigned int i = 0; i < NR_RIGHTS * NR_RIGHTS; i++) {
		pte_t up = rights_of(i / NR_RIGHTS), low = rights_of(i % NR_RIGHTS);
		pte_t both = level == leaf ? low : rights_combine(up, low);

		if (level == leaf && i >= NR_RIGHTS) {
			break;
		}
		pte_set(upper, upper_rest | all);
		pte_set(lower, lower_rest | all);
		invlpg(va);
		rights_check(va, all);
		pte_set(upper, upper_rest | up);
		pte_set(lower, lower_rest | low);
		invlpg(va);
		rights_check(va, both);
		expect_eq(!!(*lower & PTE_D), rights_outcome(KERNEL_WRITE, both) == NO_FAULT);
	}
	pte_set(upper, upper_rest | all);
	pte_set(lower, lower_rest | all);
	invlpg(va);
}

#endif
