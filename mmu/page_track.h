/* SPDX-License-Identifier: MIT */
/*
 * Which guest frames are shadowed page tables, as counters per frame: how many
 * pages with guest entries stand on it, and how many of these above level 1.
 * This file only counts; who writes protects is the caller's business.
 */
#ifndef MMU_PAGE_TRACK_H
#define MMU_PAGE_TRACK_H

#include "mmu/internal.h"

/*
 * A page with guest entries on gfn came or went. The counters are made with the
 * slot's rmaps.
 *
 *   level    of the page
 *   context  vm->lock held for writing (for reading in the questions below)
 *   events   track_add, track_remove
 */
void track_add(struct mmu_op *op, struct memslot *slot, gfn_t gfn, unsigned level);
void track_remove(struct mmu_op *op, struct memslot *slot, gfn_t gfn, unsigned level);

/* How many such pages stand on gfn: of any level, and above level 1. */
unsigned track_count(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn);
unsigned track_upper_count(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn);

/* Is gfn a shadowed table, at any level? Such a frame must not be mapped
 * writable while its shadow is synced. */
bool track_is_shadowed(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn);

/* May the range of this level (1..3) around gfn be mapped by one writable entry:
 * no shadowed table lies inside. */
bool track_allows_level(struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn, unsigned level);

#endif
