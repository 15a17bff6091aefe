/* SPDX-License-Identifier: MIT */
/*
 * The one choke point: every store to an entry of our tables goes through
 * here. It checks the local rules, keeps A and D that the hardware set, counts,
 * and emits spte_set; with events on, a change and its sequence number are
 * taken together.
 */
#ifndef MMU_SPTE_SET_H
#define MMU_SPTE_SET_H

#include "mmu/internal.h"

/* Entry number index of the page. */
spte_t *sp_entry(const struct mmu_vm *vm, const struct sp *sp, unsigned index);

/*
 * Stores spte and returns what was there, with the A and D bits the hardware
 * had set by then.
 *
 *   gfn      the frame the entry stands for
 *   context  vm->lock held for writing
 *   site     the caller's place in the source
 */
u64 spte_set_at(struct mmu_op *op, struct sp *sp, unsigned index, gfn_t gfn, u64 spte,
		const struct mmu_site *site);

/*
 * Clears bits, A and D too, which the other two functions keep. The caller sees to the
 * dirty log. Returns what was there.
 *   context  vm->lock held for writing
 */
u64 spte_clear_at(struct mmu_op *op, struct sp *sp, unsigned index, gfn_t gfn, u64 bits,
		  const struct mmu_site *site);

/*
 * Stores spte if the entry still is old.
 *
 *   context  vm->lock held at least for reading
 *   returns  OK, or AGAIN: somebody else changed it
 */
enum mmu_status __must_check spte_cas_at(struct mmu_op *op, struct sp *sp, unsigned index,
					 gfn_t gfn, u64 old_spte, u64 spte,
					 const struct mmu_site *site);

/*
 * Gives W back to the 4 KiB leaf old_spte, which has mmu_writable, if the entry still
 * is that. Like spte_age() it needs no lock.
 *
 *   context  in a read bracket of op->vcpu; the page is a direct one
 *   returns  OK, or AGAIN: somebody else changed it
 */
enum mmu_status __must_check spte_give_w_at(struct mmu_op *op, struct sp *sp, unsigned index,
					    gfn_t gfn, u64 old_spte, const struct mmu_site *site);

/*
 * Makes a young leaf old: A goes, and where the hardware has none the leaf is tracked
 * (spte.h). No flush is owed.
 *
 *   context  in a read bracket, or the entry is in a locked rmap, or vm->lock
 *   returns  OK, or AGAIN: somebody else changed it, and it is as it was
 *   events   spte_set if it is tracked
 */
enum mmu_status __must_check spte_age(struct mmu_vm *vm, const struct sp *sp, unsigned index,
				      gfn_t gfn, u64 old_spte);

#define spte_set(op, sp, index, gfn, spte) spte_set_at(op, sp, index, gfn, spte, MMU_SITE)
#define spte_clear(op, sp, index, gfn, bits) spte_clear_at(op, sp, index, gfn, bits, MMU_SITE)
#define spte_cas(op, sp, index, gfn, old_spte, spte)                                               \
	spte_cas_at(op, sp, index, gfn, old_spte, spte, MMU_SITE)
#define spte_give_w(op, sp, index, gfn, old_spte)                                                  \
	spte_give_w_at(op, sp, index, gfn, old_spte, MMU_SITE)

#endif
