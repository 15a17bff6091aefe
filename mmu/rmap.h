/* SPDX-License-Identifier: MIT */
/*
 * Reverse maps: from a guest frame to every SPTE that maps it, and from a
 * shadow page to every entry that points to it. One pointer is stored in the
 * head itself; more in descriptors, of which only the first may be partly
 * full. Descriptors are 128 bytes, cut from pages of the library.
 *
 * Context: vm->lock held for writing, for adding and removing.
 */
#ifndef MMU_RMAP_H
#define MMU_RMAP_H

#include "mmu/internal.h"

/* reserve: for a page of descriptors; NULL: from the host.
 * returns  OK; NOMEM: nothing changed */
enum mmu_status __must_check rmap_add(struct mmu_vm *vm, struct rmap_head *head, spte_t *sptep,
				      struct page_reserve *reserve);

/* Absence of sptep is a bug of ours. */
void rmap_remove(struct mmu_vm *vm, struct rmap_head *head, spte_t *sptep);

unsigned rmap_count(const struct mmu_vm *vm, const struct rmap_head *head);

/* Where an iteration stands. Removing the entry just returned is allowed; then
 * start again from the beginning. */
struct rmap_iter {
	const void *desc;
	unsigned i;
};

spte_t *rmap_first(const struct mmu_vm *vm, const struct rmap_head *head, struct rmap_iter *iter);
spte_t *rmap_next(const struct mmu_vm *vm, struct rmap_iter *iter);

#define for_each_rmap(vm, head, iter, sptep)                                                       \
	for (sptep = rmap_first(vm, head, iter); sptep; sptep = rmap_next(vm, iter))

/*
 * Keeps the chain as it is for a reader without vm->lock. The values of the
 * entries may still change.
 *
 *   returns  the word for rmap_unlock(); 0 if the list is empty and nothing was
 *            locked
 */
u64 __must_check rmap_lock(const struct mmu_vm *vm, struct rmap_head *head);
void rmap_unlock(struct rmap_head *head, u64 word);

bool rmap_is_locked(const struct rmap_head *head);

/* Rule G-2: the first descriptor holds 1..14 entries, all others 14, and the
 * first one's count of the rest is right. */
bool rmap_is_sound(const struct mmu_vm *vm, const struct rmap_head *head);

#endif
