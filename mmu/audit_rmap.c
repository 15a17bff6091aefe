/* SPDX-License-Identifier: MIT */
/*
 * Audit of reverse maps, from the lists to the entries. If every list entry is
 * right and there are as many as there are entries to be listed, the way back
 * is right, too; only if the numbers differ is it searched, to name the place.
 */
#include "mmu/audit.h"
#include "mmu/memslot.h"
#include "mmu/rmap.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

static bool listed(const struct mmu_vm *vm, const struct rmap_head *head, const spte_t *sptep)
{
	struct rmap_iter iter;
	spte_t *other;

	for_each_rmap (vm, head, &iter, other)
		if (other == sptep)
			return true;
	return false;
}

/* Was the entry number n of the list in it before? */
static bool listed_before(const struct mmu_vm *vm, const struct rmap_head *head,
			  const spte_t *sptep, unsigned n)
{
	struct rmap_iter iter;
	spte_t *other;

	for_each_rmap (vm, head, &iter, other) {
		if (!n--)
			return false;
		if (other == sptep)
			return true;
	}
	return false;
}

/* One entry of a list. */
struct item {
	const struct rmap_head *head;
	spte_t *sptep;
	unsigned n;
	struct sp *sp;
	unsigned index;
};

/* What holds for both kinds of lists. returns  whether the item counts */
static bool audit_item(struct audit *audit, struct item *item)
{
	struct mmu_vm *vm = audit->vm;

	item->sp = sp_of_entry(vm, item->sptep, &item->index);
	return audit_check(audit, RULE_G_3,
			   !listed_before(vm, item->head, item->sptep, item->n),
			   AT(item->sp ? item->sp->id : 0, item->index), item->n, 0);
}

static bool audit_list(struct audit *audit, const struct rmap_head *head, u32 sp)
{
	audit_check(audit, RULE_G_5, !rmap_is_locked(head), AT(sp, 0), 1, 0);
	return audit_check(audit, RULE_G_2, rmap_is_sound(audit->vm, head), AT(sp, 0),
			   atomic_load(&((struct rmap_head *)head)->word), 0);
}

/* ---- leaves by gfn ----------------------------------------------------------------- */

static void audit_leaf_item(struct audit *audit, const struct item *item,
			    const struct memslot *slot, gfn_t gfn, unsigned level)
{
	const struct sp *sp = item->sp;
	struct audit_place at = AT(sp ? sp->id : 0, item->index);
	bool leaf = sp && !sp_is_tdp(sp) &&
		    spte_is_leaf(spte_get(item->sptep), sp->role.level);
	gfn_t have;

	if (!audit_check(audit, RULE_E_2, leaf, at, leaf ? 1 : 0, 1) ||
	    !audit_check(audit, RULE_S_2, sp->role.smm == slot->as, at, sp->role.smm, slot->as) ||
	    !audit_check(audit, RULE_G_7, sp->role.level == level, at, sp->role.level, level))
		return;
	have = sp_entry_gfn(audit->vm, sp, item->index);
	audit_check(audit, RULE_E_3, have == gfn, at, have, gfn);
}

static u64 audit_leaf_list(struct audit *audit, const struct memslot *slot, gfn_t gfn,
			   unsigned level)
{
	const struct rmap_head *head = slot_rmap(audit->vm, slot, gfn, level);
	struct item item = { .head = head };
	struct rmap_iter iter;
	u64 nr = 0;

	if (!audit_list(audit, head, 0))
		return 0;
	for_each_rmap (audit->vm, head, &iter, item.sptep) {
		if (audit_item(audit, &item)) {
			audit_leaf_item(audit, &item, slot, gfn, level);
			nr++;
		}
		item.n++;
	}
	return nr;
}

static u64 audit_slot_lists(struct audit *audit, const struct memslot *slot)
{
	u64 nr = 0;

	for (unsigned level = LEVEL_4K; level <= LEVEL_1G; level++) {
		const struct parray *heads = &slot->rmap[level - 1];
		gfn_t step = level_frames(level), first = slot->base_gfn & ~(step - 1);

		for (u64 i = parray_next(audit->vm->env, heads, 0); i < heads->nr;
		     i = parray_next(audit->vm->env, heads, i + 1))
			nr += audit_leaf_list(audit, slot, first + i * step, level);
	}
	return nr;
}

static void name_unlisted_leaf(struct audit *audit, const struct sp *sp, unsigned index)
{
	const spte_t *sptep = sp_entry(audit->vm, sp, index);
	gfn_t gfn = sp_entry_gfn(audit->vm, sp, index);
	const struct memslot *slot = sp_slot(audit->vm, sp, gfn);

	if (!spte_is_leaf(spte_get(sptep), sp->role.level) || !slot)
		return;
	audit_check(audit, RULE_E_2,
		    listed(audit->vm, slot_rmap(audit->vm, slot, gfn, sp->role.level), sptep),
		    AT(sp->id, index), 0, 1);
}

/* ---- tables by parent ----------------------------------------------------------------- */

static u64 audit_parents(struct audit *audit, const struct sp *sp)
{
	struct item item = { .head = &sp->parents };
	struct rmap_iter iter;
	u64 nr = 0;

	if (!audit_list(audit, &sp->parents, sp->id))
		return 0;
	for_each_rmap (audit->vm, &sp->parents, &iter, item.sptep) {
		if (audit_item(audit, &item)) {
			u64 spte = spte_get(item.sptep);
			bool leads = item.sp && spte_is_table(spte, item.sp->role.level) &&
				     spte_hpa(spte) == sp->table_hpa;

			audit_check(audit, RULE_E_1, leads, AT(sp->id, 0), spte, sp->table_hpa);
			nr++;
		}
		item.n++;
	}
	return nr;
}

static void name_unlisted_table(struct audit *audit, const struct sp *sp, unsigned index)
{
	const spte_t *sptep = sp_entry(audit->vm, sp, index);
	const struct sp *child;

	if (!spte_is_table(spte_get(sptep), sp->role.level))
		return;
	child = sp_by_table(audit->vm, spte_hpa(spte_get(sptep)));
	if (child)
		audit_check(audit, RULE_E_1, listed(audit->vm, &child->parents, sptep),
			    AT(sp->id, index), 0, child->id);
}

static void name_unlisted(struct audit *audit, void (*name)(struct audit *audit,
							    const struct sp *sp, unsigned index))
{
	for (struct sp *sp = sp_next(audit->vm, NULL); sp; sp = sp_next(audit->vm, sp))
		for (unsigned i = 0; i < PT_ENTRIES && !sp_is_tdp(sp); i++)
			name(audit, sp, i);
}

void audit_rmaps(struct audit *audit)
{
	u64 leaves = 0, tables = 0;

	for (unsigned as = 0; as < MMU_NR_AS; as++)
		for (unsigned id = 0; id < MMU_MAX_SLOTS; id++) {
			const struct memslot *slot = slot_by_id(audit->vm, as, id);

			if (slot)
				leaves += audit_slot_lists(audit, slot);
		}
	for (struct sp *sp = sp_next(audit->vm, NULL); sp; sp = sp_next(audit->vm, sp))
		if (!sp_is_tdp(sp))
			tables += audit_parents(audit, sp);
	if (leaves != audit->shadow_leaves)
		name_unlisted(audit, name_unlisted_leaf);
	if (tables != audit->shadow_tables)
		name_unlisted(audit, name_unlisted_table);
}
