/* SPDX-License-Identifier: MIT */
/*
 * The machine's RAM: zeroed 4 KiB pages, and contiguous blocks for guests'
 * RAM. Pages come from a list of freed ones, else from the first range that
 * still has some; blocks are cut from the end of a range and never returned.
 *
 * All addresses are machine-physical (hpa); RAM is reached at direct_map + hpa.
 */
#ifndef HV_CORE_PAGES_H
#define HV_CORE_PAGES_H

#include <stdatomic.h>
#include <stdbool.h>
#include "mmu/types.h"

#define PAGES_MAX_RANGES 32

struct pages_range {
	u64 start, end; /* page aligned; start == end: used up */
};

struct pages {
	u8 *direct_map;

	atomic_flag lock; /* of all below; never held across another lock */
	struct pages_range range[PAGES_MAX_RANGES];
	unsigned nr_ranges;
	hpa_t free; /* hpa of the first freed page, each holds the next; HPA_INVALID: none */
	u64 nr_total, nr_used;
};

void pages_init(struct pages *p, u8 *direct_map);

/*
 * Gives [start, end) to the allocator, rounded inwards to pages.
 *
 *   context   set-up only
 *   returns   false if the range table is full (then nothing was added)
 */
bool pages_add(struct pages *p, u64 start, u64 end);

/*
 * Takes [start, end), rounded outwards, out of what was added and is still unused.
 *
 *   context   set-up only, before the first page is taken
 *   returns   false if a range would have to be split and the table is full
 */
bool pages_reserve(struct pages *p, u64 start, u64 end);

/* A zeroed page; HPA_INVALID = none left. context: any but interrupt handlers. */
hpa_t pages_get(struct pages *p);

/* Gives a page of pages_get() back. */
void pages_put(struct pages *p, hpa_t hpa);

/*
 * A zeroed block of size bytes (rounded up to pages), aligned to align (a power
 * of two, at least 4096).
 *
 *   returns   its hpa, HPA_INVALID if no range is large enough (nothing changed)
 */
hpa_t pages_get_block(struct pages *p, u64 size, u64 align);

/* Pages neither used nor cut off; exact while nobody allocates. */
u64 pages_nr_free(const struct pages *p);

#endif
