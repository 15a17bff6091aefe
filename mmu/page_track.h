/* SPDX-License-Identifier: MIT */
/*
 * Which guest frames are shadowed page tables, as counters per frame: how many
 * pages with guest entries stand on it, and how many of these above level 1.
 * This file only counts; who writes protects is the caller's business.
 */
#ifndef MMU_PAGE_TRACK_H
#define MMU_PAGE_TRACK_H

#include "mmu/internal.h"

/* A page with guest entries on gfn came or went.
 * returns  NOMEM: nothing changed
 * events   track_add, track_remove */
enum mmu_status __must_check track_add(struct mmu_op *op, struct memslot *slot, gfn_t gfn,
				       unsigned level);
void track_remove(struct mmu_op *op, struct memslot *slot, gfn_t gfn, unsigned level);

/* Is gfn a shadowed table, at any level? Such a frame must not be mapped
 * writable while its shadow is synced. */
bool track_is_shadowed(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn);

/* May [gfn, gfn + level_frames(level)), aligned, be mapped by one entry: no
 * shadowed table lies inside. */
bool track_allows_level(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn, unsigned level);

#endif
