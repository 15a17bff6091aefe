/* SPDX-License-Identifier: MIT */
/*
 * What a page mirrors: which of the guest's entries belongs to one of ours, and
 * what ours may be in view of it. Syncing follows this, the audit checks it.
 */
#ifndef MMU_MIRROR_H
#define MMU_MIRROR_H

#include "mmu/internal.h"

/* A page with guest entries, and the guest's table. */
struct mirror {
	const struct sp *sp;
	struct cpu_role cpu;	/* how the guest's entries are read */
	unsigned maxphyaddr;
	const u8 *table;
	bool readonly;		/* no A or D can be set in it, and none is needed */
};

/* returns  false: the table lies in no slot. vm->lock held, or nobody at work */
bool __must_check mirror_begin(struct mmu_vm *vm, const struct sp *sp, struct mirror *mirror);

/*
 * The guest's entry for our entry number index. In a 2-level guest two entries of
 * a mirrored directory stand for one of the guest's, and a page mirrors half a
 * table or a quarter of a directory.
 */
u64 mirror_gpte(const struct mirror *mirror, unsigned index);

/* Present, and no reserved bit is set. */
bool mirror_is_usable(const struct mirror *mirror, u64 gpte);

/* It maps a frame, and leads to no table. */
bool mirror_is_leaf(const struct mirror *mirror, u64 gpte);

/* Where it leads: to this table, or to the first frame of what our entry number
 * index can map of it. */
gfn_t mirror_gfn(const struct mirror *mirror, unsigned index, u64 gpte);

/* The rights that a table below may hand down. */
unsigned mirror_table_rights(const struct mirror *mirror, u64 gpte);

/*
 * What a leaf with the rights *access (ACC_) keeps of them; it never gets more.
 *
 * Without CR0.WP the kernel may have W where the guest's entry has none, if the
 * user has nothing and, with SMEP, nobody executes. Without the guest's D nobody
 * has W, unless it cannot be set. An entry for the kernel alone does not become one for both, since
 * SMEP and SMAP may forbid the kernel what it could do before.
 *
 *   returns  false: the entry must go
 */
bool __must_check mirror_leaf_rights(const struct mirror *mirror, u64 gpte, unsigned *access);

#endif
