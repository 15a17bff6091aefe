/* SPDX-License-Identifier: MIT */
/*
 * Sparse arrays made of 4 KiB pages: the only memory the library has. Hash
 * buckets, shadow page records, rmap heads, counters and bitmaps live in them.
 *
 *	root page (512 hpas) -> [middle pages ->] leaf page (records)
 *
 * A record never moves, so a pointer to it stays valid until fini. Records
 * start out as zero bytes.
 *
 * Context: one writer at a time (make, make_range, fini), the caller's lock
 * sees to it; parray_get() is safe against make at any time.
 */
#ifndef MMU_PARRAY_H
#define MMU_PARRAY_H

#include "mmu/env.h"
#include "mmu/reserve.h"
#include "mmu/status.h"

struct parray {
	hpa_t root;	/* 0: nothing was ever stored */
	u64 nr;		/* records it may hold */
	u16 size;	/* bytes of a record, a power of two, 1..4096 */
	u8 depth;	/* pages from root to record: 1 (the root is a leaf) .. 5 */
	u64 pages;	/* pages taken */
};

/* Describes an array of nr records; takes no memory yet.
 * returns  false if it would need more than five levels */
bool parray_init(struct parray *array, u64 nr, u16 size);

/* The record, or NULL if its page was never made or i >= nr. */
void *parray_get(const struct mmu_env *env, const struct parray *array, u64 i);

/* The number of the first record from i on that is not all zero; array->nr: there
 * is none. */
u64 parray_next(const struct mmu_env *env, const struct parray *array, u64 i);

/* The record; makes its page if need be, from the reserve (NULL: from the host).
 * returns  NULL: no memory, or i >= nr */
void *parray_make(const struct mmu_env *env, struct parray *array, u64 i,
		  struct page_reserve *reserve);

/* Makes the pages of all records of [start, end), or none of them. */
enum mmu_status __must_check parray_make_range(const struct mmu_env *env, struct parray *array,
					       u64 start, u64 end);

/* Gives all pages back. */
void parray_fini(const struct mmu_env *env, struct parray *array);

#endif
