/* SPDX-License-Identifier: MIT */
/*
 * Shadow pages: records and tables, their birth and their end. A page of
 * either back end is a record here, roots and special roots too.
 */
#ifndef MMU_SP_H
#define MMU_SP_H

#include "mmu/internal.h"

/* The lists and arrays of a new VM; hashed: the back end uses the hash. Gives
 * the arrays back; no page lives. No lock.
 * returns  OK, INVAL, NOMEM: fini gives back what was taken */
enum mmu_status __must_check sps_init(struct mmu_vm *vm, bool hashed);
void sps_fini(struct mmu_vm *vm);

/*
 * Makes a page with an empty table, and for a page with guest entries the page
 * of what each entry was made for. The caller links, hashes or roots it.
 *
 *   flags    SP_
 *   context  vm->lock held; allocates
 *   returns  NULL: no memory, nothing changed
 *   events   sp_new
 */
struct sp *sp_create(struct mmu_op *op, gfn_t gfn, union mmu_role role, u32 flags);

/* Why a page is zapped. */
enum zap_why {
#define ZAP(name, sentence) ZAP_##name,
#include "mmu/zap.def"
};

/* Gives table and record back. All entries are empty, nothing points here, no
 * reader can be inside. events sp_free */
void sp_free(struct mmu_vm *vm, struct sp *sp);

/* By number; NULL if there is no live page with it. */
struct sp *sp_by_id(const struct mmu_vm *vm, u32 id);

/* By the frame of its table; NULL if none. */
struct sp *sp_by_table(const struct mmu_vm *vm, hpa_t table_hpa);

/* The page an entry lies in, and the entry's index. Never NULL for an entry of
 * ours. */
struct sp *sp_of_entry(const struct mmu_vm *vm, const spte_t *sptep, unsigned *index);

/* First frame that entry `index` stands for: stored for indirect pages, by
 * position for direct ones (gfn + index << 9 * (level - 1)); in a special root
 * over a guest's tables that of the page linked there. */
gfn_t sp_entry_gfn(const struct mmu_vm *vm, const struct sp *sp, unsigned index);

/* Every live record: for (sp = sp_next(vm, NULL); sp; sp = sp_next(vm, sp)). */
struct sp *sp_next(const struct mmu_vm *vm, const struct sp *sp);

/* ---- sp_hash.c: the hash of indirect and direct shadow-MMU pages ------------- */

/* The first buckets. No lock.
 * returns  OK, INVAL, NOMEM */
enum mmu_status __must_check sp_hash_init(struct mmu_vm *vm);

/*
 * A hashed page is also the newest of vm->active; removing takes it from both.
 *
 *   context  vm->lock write. Adding may take a page of op's reserve, 2 at most for
 *            all the pages of one fault; without one it is done all the same.
 */
void sp_hash_add(struct mmu_op *op, struct sp *sp);
void sp_hash_remove(struct mmu_vm *vm, struct sp *sp);
struct sp *sp_hash_lookup(const struct mmu_vm *vm, gfn_t gfn, union mmu_role role, u8 config);
/* First of the chain in which pages of gfn are; follow hash_next, compare gfn. */
struct sp *sp_hash_chain(const struct mmu_vm *vm, gfn_t gfn);

/* The first page from sp on, along its chain, that mirrors the table gfn of address
 * space as; twin: of any, for the other one has the same memory there. */
struct sp *sp_find_shadow(struct sp *sp, gfn_t gfn, unsigned as, bool twin);

/* Each such page; sp may leave the hash in the body, no other may. */
#define for_each_shadow(vm, sp, next, gfn, as, twin)                                               \
	for (sp = sp_find_shadow(sp_hash_chain(vm, gfn), gfn, as, twin);                           \
	     sp && (next = sp->hash_next, true); sp = sp_find_shadow(next, gfn, as, twin))

#endif
