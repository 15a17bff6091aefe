/* SPDX-License-Identifier: MIT */
/* A transfer between a buffer and guest memory, as the accessors share it. */
#ifndef MMU_ACCESS_H
#define MMU_ACCESS_H

#include "mmu/gfn_cache.h"
#include "mmu/internal.h"

/* One within a frame. */
struct transfer {
	struct mmu_vm *vm;
	struct mmu_vcpu *vcpu;	/* on whose behalf; NULL: nobody's */
	unsigned as;
	struct mmu_gfn_cache *cache; /* of the frame, in address space 0; NULL: none */
	void *buf;
	void *expected;	/* not NULL: only if this is there (mmu_cmpxchg_gva) */
	bool write;
	bool table;	/* out: it is a shadowed table, which takes the write lock */
	bool differs;	/* out: something else than expected is there */
};

/* All of them, frame after frame. Takes the lock. returns  bytes done */
size_t transfer(struct transfer *t, gpa_t gpa, size_t len);

/* The slot of a cache's frame, from the cache or into it. Lock held. */
struct memslot *gfn_cache_slot(struct mmu_vm *vm, struct mmu_gfn_cache *cache);

#endif
