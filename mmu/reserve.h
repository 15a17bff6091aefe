/* SPDX-License-Identifier: MIT */
/*
 * Pages taken from the host beforehand, so that what must not stop half-way
 * need not ask for any in the middle. Chained through their first words.
 *
 * Context: one user at a time.
 */
#ifndef MMU_RESERVE_H
#define MMU_RESERVE_H

#include "mmu/env.h"

struct page_reserve {
	hpa_t first_hpa;	/* 0: none */
	u32 nr;
	u32 kept;		/* so many are not given out now */
};

/* Takes pages until there are nr.
 * returns  false: the host has no more; what there is stays */
bool reserve_fill(const struct mmu_env *env, struct page_reserve *reserve, u32 nr);

/* One zeroed page: of the reserve, or the host's where reserve is NULL.
 * returns  HPA_INVALID: none left, or only what is kept */
hpa_t reserve_take(const struct mmu_env *env, struct page_reserve *reserve);

/* Gives everything back. */
void reserve_empty(const struct mmu_env *env, struct page_reserve *reserve);

#endif
