/* SPDX-License-Identifier: MIT */
/*
 * A place in guest memory that is used again and again: where it lies is looked up
 * once, and again when slots have changed.
 *
 *	mmu_gfn_cache_init(vm, &cache, gpa, sizeof(time));
 *	mmu_cached_write(vm, &cache, 0, &time, sizeof(time));	no lookup
 *	... a slot changes ...
 *	mmu_cached_write(vm, &cache, 0, &time, sizeof(time));	one lookup
 *
 * It always means address space 0, whoever sets it up: an address that a guest names
 * in an MSR must not lead into SMRAM because its vCPU happened to be in
 * system-management mode. (KVM once had caches by vCPU and took them back.) Reads and
 * writes do what those of mmu_vm_read() and mmu_vm_write() do: the shadow of a page
 * table follows, a log of the slot notes the write. A cache that crosses a page is one
 * in name only, each use looks up both.
 *
 * Context: as mmu_vm_read(). A cache is used by one thread at a time.
 */
#ifndef MMU_GFN_CACHE_H
#define MMU_GFN_CACHE_H

#include "mmu/mmu.h"

struct mmu_gfn_cache {
	gpa_t gpa;
	u32 len;
	bool crosses;	/* a page: what follows is not used */
	u64 generation;	/* of the slots it was filled from; only as long as they have it */
	u16 slot;	/* of address space 0 */
	u64 fills;	/* how often slots were searched for it */
};

/*
 * A cache of [gpa, gpa + len).
 *
 *   returns  OK     also on read-only memory: it can be read
 *            INVAL  len is 0, or it wraps
 *            NOENT  not all of it is memory of address space 0. The cache can be used;
 *                   what comes there later is found
 *   events   none
 */
enum mmu_status __must_check mmu_gfn_cache_init(struct mmu_vm *vm, struct mmu_gfn_cache *cache,
						gpa_t gpa, u32 len);

/*
 * Bytes [offset, offset + len) of the cache's.
 *
 *   returns  the number of bytes done; fewer than len where no slot is, or for a
 *            write a read-only one; none if the range is not in the cache
 *   events   guest_write and what follows from it
 */
size_t mmu_cached_read(struct mmu_vm *vm, struct mmu_gfn_cache *cache, u32 offset, void *buf,
		       size_t len);
size_t mmu_cached_write(struct mmu_vm *vm, struct mmu_gfn_cache *cache, u32 offset,
			const void *buf, size_t len);

#endif
