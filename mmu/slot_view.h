/* SPDX-License-Identifier: MIT */
/*
 * What lookups search, and how it is exchanged. Of two views of an address space the
 * active one is searched; a change fills the other and makes it the active one in one
 * store:
 *
 *	view 0	0:[0 .. a0)              1:[c0 .. 100)	active
 *	view 1	0:[0 .. a0)  2:[a0 .. c0)  1:[c0 .. 100)	being filled
 *
 * A reader finds all of the one or all of the other. A view, and a record that no view
 * names, serves again when every reader that might look at it is out.
 */
#ifndef MMU_SLOT_VIEW_H
#define MMU_SLOT_VIEW_H

#include "mmu/memslot.h"

/* Takes the lock for writing, and the right to change slots: nobody else has that till
 * the end, though op may give the lock back in between. Gives both back. */
void slots_change_begin(struct mmu_op *op, struct mmu_vm *vm);
void slots_change_end(struct mmu_op *op);

/* Waits for every reader that may know the view before the active one, or more of it
 * than that has. The lock may be given back and taken again. Between two changes of
 * what is active. */
void slots_wait_for_readers(struct mmu_op *op);

/*
 * From now on lookups find the slot as it is here: it is new, or replaces the one of
 * its number. Write lock.
 *   returns  the copy of *slot that is found
 */
struct memslot *slot_publish(struct mmu_vm *vm, const struct memslot *slot);

/* From now on no lookup finds the slot. Write lock. */
void slot_withdraw(struct mmu_vm *vm, unsigned as, unsigned id);

#endif
