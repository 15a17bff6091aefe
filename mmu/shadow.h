/* SPDX-License-Identifier: MIT */
/*
 * The shadow MMU's own parts. It mirrors the guest's tables: a shadow page per
 * guest table and role, found by the hash, kept true by write-protecting the
 * table. Pages without a guest table (direct) fill in where the guest maps more
 * with one entry than we do, and where it does not page at all.
 *
 *	shadow_dirty.c	the entries of logged frames
 *	shadow_fault.c	the fault: walk, look what it is about
 *	shadow_fetch.c	down our tree along the walk, linking what is missing
 *	shadow_leaf.c	leaf entries and their rmaps
 *	shadow_prefetch.c	the neighbours of a new leaf
 *	shadow_page.c	pages: get, link, unlink, zap
 *	shadow_root.c	roots, special ones too
 *	shadow_split.c	large leaves made small
 *	shadow_sync.c	unsync pages compared with the guest's tables
 *	shadow_zap.c	ranges, write protection, guest writes, recycling
 *
 * Context: vm->lock held for writing, unless said otherwise. Entries dropped
 * owe a flush to op: the functions that return whether there was something
 * leave that to the caller, who can name the reason once for many.
 */
#ifndef MMU_SHADOW_H
#define MMU_SHADOW_H

#include "mmu/backend.h"
#include "mmu/gwalk.h"
#include "mmu/sp.h"

/* ---- shadow_page.c ------------------------------------------------------------ */

/*
 * The page with this key and the vCPU's configuration: the one in the hash, or a new
 * empty one. The gfn of a page with guest entries lies in a slot; when this returns it
 * is write-protected, and no TLB holds a writable translation of it, unless the page
 * is unsync. Whatever flush was owed before is paid for a new page with guest entries.
 *
 *   returns  NULL: no memory, nothing changed
 *   events   sp_hit; or sp_new, track_add, wrprot, spte_set, flush_request
 */
struct sp *shadow_get_page(struct mmu_op *op, gfn_t gfn, union mmu_role role);

/*
 * Makes the entry, which is empty, point at the child.
 *   returns  OK, NOMEM: nothing changed
 *   events   spte_set, sp_link
 */
enum mmu_status __must_check shadow_link(struct mmu_op *op, struct sp *parent, unsigned index,
					 struct sp *child);

/*
 * Empties an entry, whatever it is. A child stays, without this parent.
 *   returns  whether it was present
 *   events   spte_set, and rmap_remove or sp_unlink
 */
bool shadow_drop_entry(struct mmu_op *op, struct sp *sp, unsigned index);

/*
 * Unlinks a page from parents and children, empties it and marks it invalid. It
 * is freed after the flush; a root not before its last reference is gone, and who
 * names it in a root slot is asked to look. Its children stay in the hash, but for an
 * inner guest's that have no other parent: they are zapped with it, so that any page
 * may be gone when this returns.
 *   events   spte_set, sp_unlink, rmap_remove, track_remove, sp_zap,
 *            flush_request
 */
void shadow_zap_page(struct mmu_op *op, struct sp *sp, enum zap_why why);

/* ---- shadow_leaf.c ------------------------------------------------------------- */

/*
 * Makes entry `index` of sp a leaf for gfn, a frame of slot aligned to the
 * page's level. What maps something else there is dropped first.
 *
 *   returns  OK       the entry changed
 *            AGAIN    it was there already
 *            NOMEM    the entry is unchanged, or empty
 *   events   spte_set, rmap_add, rmap_remove, flush_request
 */
enum mmu_status __must_check shadow_set_leaf(struct mmu_op *op, struct sp *sp, unsigned index,
					     struct memslot *slot, gfn_t gfn,
					     const struct spte_leaf *leaf);

/*
 * Makes entry `index` of sp, a page of level 1, say that gfn is device memory.
 * What maps something there is dropped first.
 *   events   spte_set, rmap_remove, flush_request
 */
void shadow_set_mmio(struct mmu_op *op, struct sp *sp, unsigned index, gfn_t gfn,
		     unsigned access);

/* Enters an empty entry in the rmap of gfn, a frame of slot; it is then made a leaf.
 * returns  OK, NOMEM. events  rmap_add; those of a zap where the list is too long */
enum mmu_status __must_check shadow_add_rmap(struct mmu_op *op, struct sp *sp, unsigned index,
					     struct memslot *slot, gfn_t gfn);

/* The rmap side of dropping a leaf. events rmap_remove */
void shadow_leaf_dropped(struct mmu_op *op, struct sp *sp, unsigned index, gfn_t gfn);

/* Drops every entry of the list; returns how many. events spte_set, rmap_remove */
u32 shadow_zap_rmap(struct mmu_op *op, struct rmap_head *head);

/* What the entry was made for, in a page with guest entries. */
void shadow_note(struct mmu_op *op, struct sp *sp, unsigned index, gfn_t gfn, unsigned access);

/* ---- shadow_fetch.c, shadow_fault.c --------------------------------------------- */

/*
 * Maps the frame a walk arrived at.
 *
 *   error    of the fault
 *   slot     of walk->gfn; NULL: device memory, which is remembered in an MMIO entry
 *   returns  RETRY, SPURIOUS, NO_MEMORY
 */
enum mmu_verdict shadow_fetch(struct mmu_op *op, gva_t gva, u64 error, const struct gwalk *walk,
			      struct memslot *slot);

enum mmu_verdict shadow_fault(struct mmu_vcpu *vcpu, const struct mmu_fault_in *in,
			      struct mmu_fault *out);

/* ---- shadow_root.c ---------------------------------------------------------------- */

enum mmu_status shadow_load_root(struct mmu_op *op, struct mmu *mmu);
void shadow_put_root(struct mmu_op *op, struct mmu_root *root);
bool shadow_root_serves(struct mmu_op *op, const struct mmu *mmu, const struct sp *root);

/* Nobody watches the PDPTEs of a PAE guest, or of nested tables. Any context. */
bool shadow_root_has_pdptes(const struct sp *root);

/*
 * A special record of op->vcpu's, which hangs nowhere: a root, or to be linked below
 * one of the same gfn.
 *
 *   flags    SP_DUMMY, SP_PDPT
 *   returns  NULL: no memory, or with SP_PDPT none below 4 GiB; nothing changed
 *   events   sp_new
 */
struct sp *shadow_special_make(struct mmu_op *op, gfn_t gfn, union mmu_role role, u32 flags);

/*
 * Syncs what is below the root, or what translates gva; the entries of a PAE
 * guest's root, too: what leads elsewhere than its PDPTE now is dropped.
 *   context  the root is a slot of op->vcpu
 *   events   spte_set, sp_unlink, flush_request, and of shadow_sync_root()
 */
void shadow_root_sync(struct mmu_op *op, const struct mmu_root *root);
void shadow_root_sync_gva(struct mmu_op *op, const struct mmu_root *root, gva_t gva);

/* Zaps the special roots of all vCPUs that the question picks; returns how many.
 * events as of shadow_zap_page() */
u32 shadow_zap_specials(struct mmu_op *op,
			bool (*pick)(const struct mmu_vm *vm, const struct sp *sp, const void *arg),
			const void *arg, enum zap_why why);

/* ---- shadow_sync.c ----------------------------------------------------------------- */

/*
 * Syncs every unsync page below root; or of these only the entry that translates
 * gva below root; or sp itself, if it is unsync, and all below it. A page that is
 * synced alone or by gva, or is hot (knob.def), stays unsync. Write-protects, and
 * flushes, before it reads the guest's entries; a page's format is its own, so the
 * vCPU may be in any mode.
 *
 *   events   wrprot, spte_set, rmap_remove, sp_sync, flush_request
 */
void shadow_sync_root(struct mmu_op *op, struct sp *root);
void shadow_sync_gva(struct mmu_op *op, struct sp *root, gva_t gva);
void shadow_sync_page(struct mmu_op *op, struct sp *sp);

/* ---- shadow_zap.c ------------------------------------------------------------------ */

u64 shadow_zap_range(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end);
u64 shadow_recover_range(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end);
void shadow_zap_inner(struct mmu_op *op);
u32 shadow_obsolete_all(struct mmu_op *op);
u32 shadow_zap_obsolete(struct mmu_op *op, u32 max);
u32 shadow_zap_tables(struct mmu_op *op, unsigned as, gfn_t start, gfn_t end);
u32 shadow_shrink(struct mmu_op *op, u32 n);
bool shadow_write_protect(struct mmu_op *op, struct memslot *slot, gfn_t gfn);
/* The same for what maps the frame's memory in either address space and in both
 * kinds of tables. */
bool shadow_protect_frame(struct mmu_op *op, struct memslot *slot, gfn_t gfn);
bool shadow_reads_8_bytes(struct mmu_vm *vm, unsigned as, gfn_t gfn);
void shadow_guest_wrote(struct mmu_op *op, unsigned as, gpa_t gpa, unsigned bytes);
bool shadow_unprotect(struct mmu_op *op, unsigned as, gfn_t gfn);

/* ---- shadow_dirty.c; see backend.h --------------------------------------------------- */

u64 shadow_log_frames(struct mmu_op *op, const struct memslot *slot, gfn_t gfn, u64 mask,
		      enum dirty_how how);

/* ---- shadow_prefetch.c ------------------------------------------------------------- */

/* Makes the empty neighbours of entry `index` that the guest has used, if the knob
 * says so. events  those of shadow_set_leaf() */
void shadow_prefetch(struct mmu_op *op, struct sp *sp, unsigned index);

/* ---- shadow_split.c ------------------------------------------------------------------ */

/*
 * Puts a table of small leaves in the place of the large leaf at the entry; every
 * leaf that maps gfn; those that map frames of [*at, end), one place at a time so
 * that the lock can be given up between.
 *
 *   op       its vCPU may be NULL; op->reserve has a fault's pages and SPLIT_PAGES
 *   nr       counts the leaves split
 *   returns  OK     nothing (more) to split
 *            AGAIN  (range) there may be more: call again with the same *at
 *            NOMEM  the leaf is as it was, or the entry is empty
 *   events   sp_new or sp_hit, rmap_add, rmap_remove, spte_set, sp_link, flush_request
 */
enum mmu_status __must_check shadow_split_leaf(struct mmu_op *op, struct sp *sp, unsigned index);
enum mmu_status __must_check shadow_split_frame(struct mmu_op *op, struct memslot *slot, gfn_t gfn,
						u64 *nr);
enum mmu_status __must_check shadow_split_range(struct mmu_op *op, unsigned as, gfn_t *at,
						gfn_t end, u64 *nr);

/* Makes room under the page budget for one fault: zaps the oldest pages that are
 * no roots. Takes and drops the lock. */
void shadow_make_room(struct mmu_vcpu *vcpu);

#endif
