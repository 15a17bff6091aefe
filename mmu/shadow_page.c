/* SPDX-License-Identifier: MIT */
/*
 * Shadow pages of the shadow MMU: found or made, linked, unlinked, zapped.
 *
 * A page with guest entries is born with its guest table write-protected and
 * stays so till its end: whoever reads the guest's entries after that reads
 * what every later write will be seen to change.
 */
#include "mmu/flush.h"
#include "mmu/guest_pte.h"
#include "mmu/memslot.h"
#include "mmu/page_track.h"
#include "mmu/rmap.h"
#include "mmu/roots.h"
#include "mmu/shadow.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/unsync.h"

static struct memslot *table_slot(struct mmu_op *op, const struct sp *sp)
{
	struct memslot *slot = sp_slot(op->vm, sp, sp->gfn);

	mmu_check(op->vm, slot, "C-3: a shadowed table lies in no slot", sp->gfn, sp->id);
	return slot;
}

/* The frame's neighbours in a large leaf keep their W. Without memory they lose it
 * for now, as they do when nobody is eager: what the fault needs is not for them. */
static void split_eagerly(struct mmu_op *op, struct memslot *slot, struct memslot *twin, gfn_t gfn)
{
	u64 nr = 0;

	op->reserve->kept = FAULT_PAGES;
	(void)!shadow_split_frame(op, slot, gfn, &nr);
	if (twin)
		(void)!shadow_split_frame(op, twin, gfn, &nr);
	op->reserve->kept = 0;
}

/* Nobody may write freely to a table of an upper level, so it is no unsync table of
 * level 1 at the same time. */
static void zap_unsync(struct mmu_op *op, struct memslot *slot, gfn_t gfn)
{
	bool twin = slot_twin(op->vm, slot, gfn);
	struct sp *sp, *next;

	for_each_shadow (op->vm, sp, next, gfn, slot->as, twin)
		if (sp->unsync)
			shadow_zap_page(op, sp, ZAP_upper);
}

/* From here on no store to the guest table goes unseen: the flush is paid at
 * once, not at the end of the operation, because the table is read next. One that
 * was owed before may be for an entry that mapped this very table. */
static void protect_table(struct mmu_op *op, struct sp *sp)
{
	struct memslot *slot = table_slot(op, sp), *twin = slot_twin(op->vm, slot, sp->gfn);

	if (mmu_get_knob(op->vm, MMU_KNOB_eager))
		split_eagerly(op, slot, twin, sp->gfn);
	op->vm->nr_indirect++;
	track_add(op, slot, sp->gfn, sp->role.level);
	if (twin)
		track_add(op, twin, sp->gfn, sp->role.level);
	if (sp->role.level > LEVEL_4K)
		zap_unsync(op, slot, sp->gfn);
	if (shadow_protect_frame(op, slot, sp->gfn))
		flush_need(op, FLUSH_wrprot, sp->gfn, 1);
	flush_pay(op);
}

static void unprotect_table(struct mmu_op *op, struct sp *sp)
{
	struct memslot *slot = table_slot(op, sp), *twin = slot_twin(op->vm, slot, sp->gfn);

	track_remove(op, slot, sp->gfn, sp->role.level);
	if (twin)
		track_remove(op, twin, sp->gfn, sp->role.level);
	op->vm->nr_indirect--;
}

/* A direct page has none, and needs no vCPU. */
static u8 page_config(const struct mmu_op *op, union mmu_role role)
{
	return role.direct ? 0 : gpte_config(op->vcpu->mmu->cpu_role, role);
}

struct sp *shadow_get_page(struct mmu_op *op, gfn_t gfn, union mmu_role role)
{
	u8 config = page_config(op, role);
	struct sp *sp = sp_hash_lookup(op->vm, gfn, role, config);

	mmu_check(op->vm, !role.invalid && role_is_sane(role, false), "B-1: a page's role", role.word,
		  gfn);
	if (sp) {
		stat_add(op->vm, sp_hits, 1);
		vm_emit(op->vm, op_vcpu(op), sp_hit, sp->id, gfn, role.word);
		shadow_sync_page(op, sp);
		return sp;
	}
	sp = sp_create(op, gfn, role, 0);
	if (!sp)
		return NULL;
	sp->config = config;
	sp_hash_add(op, sp);
	if (sp_has_gptes(sp))
		protect_table(op, sp);
	return sp;
}

/* The table of four PDPTEs that the hardware wants has a format of its own. */
static u64 link_spte(const struct sp *parent, const struct sp *child)
{
	if (parent->flags & SP_PDPT)
		return spte_make_pdpte(child->table_hpa);
	return spte_make_table(child->table_hpa);
}

enum mmu_status shadow_link(struct mmu_op *op, struct sp *parent, unsigned index, struct sp *child)
{
	spte_t *sptep = sp_entry(op->vm, parent, index);

	mmu_check(op->vm, !(parent->flags & SP_DUMMY), "Q-4: a dummy root is linked into",
		  parent->id, child->id);
	mmu_check(op->vm, !parent->role.invalid && !child->role.invalid,
		  "B-8: an invalid page is linked", parent->id, child->id);
	if (rmap_add(op->vm, &child->parents, sptep, op->reserve) != MMU_OK)
		return MMU_NOMEM;
	shadow_note(op, parent, index, child->gfn, child->role.access);
	unsync_linked(op->vm, parent, index, child);
	spte_set(op, parent, index, child->gfn, link_spte(parent, child));
	vm_emit(op->vm, op_vcpu(op), sp_link, parent->id, (u16)index, child->id);
	return MMU_OK;
}

bool shadow_drop_entry(struct mmu_op *op, struct sp *sp, unsigned index)
{
	spte_t *sptep = sp_entry(op->vm, sp, index);
	gfn_t gfn = sp_entry_gfn(op->vm, sp, index);
	u64 old_spte = spte_get(sptep);
	struct sp *child;

	if (!old_spte)
		return false;
	spte_set(op, sp, index, gfn, 0);
	/* No TLB holds an entry with a reserved bit. */
	if (spte_is_mmio(old_spte))
		return false;
	if (spte_is_leaf(old_spte, sp->role.level)) {
		shadow_leaf_dropped(op, sp, index, gfn);
		return true;
	}
	child = sp_by_table(op->vm, spte_hpa(old_spte));
	mmu_check(op->vm, child, "D-4: an entry leads to no page of ours", sp->id, old_spte);
	rmap_remove(op->vm, &child->parents, sptep);
	unsync_unlinked(op->vm, sp, index);
	vm_emit(op->vm, op_vcpu(op), sp_unlink, sp->id, (u16)index, child->id);
	return true;
}

static void drop_parents(struct mmu_op *op, struct sp *sp)
{
	struct rmap_iter iter;
	unsigned index;
	spte_t *sptep;

	while ((sptep = rmap_first(op->vm, &sp->parents, &iter))) {
		struct sp *parent = sp_of_entry(op->vm, sptep, &index);

		shadow_drop_entry(op, parent, index);
	}
}

/*
 * Is what hung at an entry of the parent worth nothing now? What an inner guest's
 * page leaves without a parent is worth little: its hypervisor tears down whole trees
 * and uses the frames for others. But special records go whenever their guest is
 * left, and are made again as it comes back: what hangs below them is found by then.
 */
static bool is_orphan(const struct mmu_op *op, const struct sp *parent, const struct sp *child)
{
	if (child->root_count || rmap_count(op->vm, &child->parents))
		return false;
	return parent->flags & SP_SPECIAL ? child->flags & SP_SPECIAL : child->role.guest_mode;
}

/* Empties the page. Orphans go to their list, still hashed. */
static void drop_children(struct mmu_op *op, struct sp *sp, struct list *orphans)
{
	for (unsigned i = sp->used_start; i < sp->used_end; i++) {
		u64 spte = spte_get(sp_entry(op->vm, sp, i));
		struct sp *child = spte_is_table(spte, sp->role.level) ?
					   sp_by_table(op->vm, spte_hpa(spte)) : NULL;

		shadow_drop_entry(op, sp, i);
		if (!child || !is_orphan(op, sp, child))
			continue;
		list_remove(&child->active);
		list_add(&child->active, orphans);
	}
}

static void zap_one(struct mmu_op *op, struct sp *sp, enum zap_why why, struct list *orphans)
{
	mmu_check(op->vm, !sp->role.invalid, "E-11: an invalid page is zapped", sp->id, sp->gfn);
	drop_children(op, sp, orphans);
	drop_parents(op, sp);
	unsync_clear(op, sp);
	if (sp_has_gptes(sp))
		unprotect_table(op, sp);
	if (sp->flags & SP_SPECIAL)
		list_remove(&sp->active);
	else
		sp_hash_remove(op->vm, sp);
	sp_set_invalid(sp);
	stat_add(op->vm, sp_zapped, 1);
	vm_emit(op->vm, op_vcpu(op), sp_zap, sp->id, sp->gfn, sp->role.word, sp->root_count,
		(u8)why);
	flush_need(op, FLUSH_zap_sp, sp->gfn, 1);
	if (sp->root_count)
		roots_ask_users(op->vm, sp);
	else
		list_add(&sp->active, &op->zapped);
}

void shadow_zap_page(struct mmu_op *op, struct sp *sp, enum zap_why why)
{
	struct list orphans;

	list_init(&orphans);
	zap_one(op, sp, why, &orphans);
	while (!list_is_empty(&orphans))
		zap_one(op, list_entry(orphans.next, struct sp, active), ZAP_orphan, &orphans);
}
