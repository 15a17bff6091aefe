/* SPDX-License-Identifier: MIT */
/*
 * Caches of places in guest memory. What is kept is the number of the slot, for the
 * generation it was found in: while that is the slots' no slot of the address space has
 * changed, nor will before the lock is given back. In all else a cached access is one
 * like others (access.c).
 */
#include "mmu/gfn_cache.h"
#include "mmu/access.h"
#include "mmu/memslot.h"

struct memslot *gfn_cache_slot(struct mmu_vm *vm, struct mmu_gfn_cache *cache)
{
	u64 generation = atomic_load(&vm->slots[0].generation);
	struct memslot *slot;

	if (cache->generation == generation)
		return slot_by_id(vm, 0, cache->slot);
	slot = vm_slot(vm, cache->gpa >> PAGE_SHIFT);
	cache->fills++;
	/* While a change is under way there is nothing to be remembered. */
	if (slot && !(generation & SLOTS_UPDATING)) {
		cache->generation = generation;
		cache->slot = slot->id;
	}
	return slot;
}

static size_t cached(struct mmu_vm *vm, struct mmu_gfn_cache *cache, u32 offset, void *buf,
		     size_t len, bool write)
{
	struct transfer t = { .vm = vm, .buf = buf, .write = write,
			      .cache = cache->crosses ? NULL : cache };

	if (offset > cache->len || len > cache->len - offset)
		return 0;
	return transfer(&t, cache->gpa + offset, len);
}

/* A byte of every frame, which fills the cache. */
static bool is_memory(struct mmu_vm *vm, struct mmu_gfn_cache *cache, gpa_t last)
{
	gpa_t gpa = cache->gpa;
	u8 byte;

	while (cached(vm, cache, gpa - cache->gpa, &byte, 1, false)) {
		if (gpa >> PAGE_SHIFT == last >> PAGE_SHIFT)
			return true;
		gpa = (gpa & PAGE_MASK) + PAGE_SIZE;
	}
	return false;
}

enum mmu_status mmu_gfn_cache_init(struct mmu_vm *vm, struct mmu_gfn_cache *cache, gpa_t gpa,
				   u32 len)
{
	gpa_t last = gpa + len - 1;

	if (!len || last < gpa)
		return MMU_INVAL;
	*cache = (struct mmu_gfn_cache){ .gpa = gpa, .len = len, .generation = SLOTS_UPDATING,
					 .crosses = gpa >> PAGE_SHIFT != last >> PAGE_SHIFT };
	return is_memory(vm, cache, last) ? MMU_OK : MMU_NOENT;
}

size_t mmu_cached_read(struct mmu_vm *vm, struct mmu_gfn_cache *cache, u32 offset, void *buf,
		       size_t len)
{
	return cached(vm, cache, offset, buf, len, false);
}

size_t mmu_cached_write(struct mmu_vm *vm, struct mmu_gfn_cache *cache, u32 offset,
			const void *buf, size_t len)
{
	return cached(vm, cache, offset, (void *)buf, len, true);
}
