/* SPDX-License-Identifier: MIT */
/*
 * Which frames a flush is for: the smallest range that holds all that was asked
 * for. Flushing more is only slow; flushing less is a hole. One range, because
 * what is changed in one operation lies together, and who flushes by range is
 * asked once.
 */
#ifndef MMU_FLUSH_RANGE_H
#define MMU_FLUSH_RANGE_H

#include "mmu/types.h"

#define GFN_LIMIT	(1ull << 52)	/* no frame has this number */

/* Guest frames [start, end); none if both are 0. */
struct flush_range {
	gfn_t start, end;
};

#define FLUSH_EVERYTHING ((struct flush_range){ 0, GFN_LIMIT })

/* The range also holds npages frames from gfn on; npages 0: every frame. */
static inline void flush_range_add(struct flush_range *range, gfn_t gfn, u64 npages)
{
	if (!npages || gfn >= GFN_LIMIT || npages > GFN_LIMIT - gfn) {
		*range = FLUSH_EVERYTHING;
	} else if (!range->end) {
		*range = (struct flush_range){ gfn, gfn + npages };
	} else {
		range->start = gfn < range->start ? gfn : range->start;
		range->end = gfn + npages > range->end ? gfn + npages : range->end;
	}
}

#endif
