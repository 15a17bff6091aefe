/* SPDX-License-Identifier: MIT */
/*
 * Machine memory as C sees it: the direct map and the image's own mapping
 * (boot.S made both; they cover the first 4 GiB and the first GiB).
 */
#ifndef HV_SVM_MEMORY_H
#define HV_SVM_MEMORY_H

#include "mmu/types.h"

#define MEMORY_DIRECT_MAP 0xffff800000000000ULL
#define MEMORY_IMAGE_MAP  0xffffffff80000000ULL
#define MEMORY_LIMIT      0x100000000ULL /* RAM above is not used */

/* hpa: below MEMORY_LIMIT. */
static inline void *memory_ptr(u64 hpa)
{
	return (void *)(MEMORY_DIRECT_MAP + hpa);
}

/* Of an object of the image or of the direct map. */
static inline u64 memory_hpa(const void *p)
{
	u64 a = (u64)p;

	return a >= MEMORY_IMAGE_MAP ? a - MEMORY_IMAGE_MAP : a - MEMORY_DIRECT_MAP;
}

#endif
