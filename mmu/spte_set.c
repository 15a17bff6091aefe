/* SPDX-License-Identifier: MIT */
/* The one choke point through which entries of our tables change. */
#include "mmu/aging.h"
#include "mmu/dirty.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

/* What one change is made of, for the checks, the counters and the event. */
struct change {
	struct mmu_op *op;
	struct sp *sp;
	unsigned index;
	gfn_t gfn;
	const struct mmu_site *site;
};

spte_t *sp_entry(const struct mmu_vm *vm, const struct sp *sp, unsigned index)
{
	return (spte_t *)mmu_va(vm->env, sp->table_hpa) + index;
}

static void change_check(const struct change *change, u64 old_spte, u64 new_spte)
{
	const struct sp *sp = change->sp;
	struct mmu_vm *vm = change->op->vm;
	unsigned level = sp->role.level;
	const char *broken;

	broken = spte_check(new_spte, level, sp_is_tdp(sp),
			    sp->flags & SP_PDPT, vm->maxphyaddr);
	mmu_check(vm, !broken, broken, new_spte, old_spte);
	broken = spte_check_ad(new_spte, level, sp_is_tdp(sp), sp->role.ad_disabled);
	mmu_check(vm, !broken, broken, new_spte, old_spte);
	mmu_check(vm,
		  !(spte_is_leaf(old_spte, level) && spte_is_leaf(new_spte, level) &&
		    (old_spte ^ new_spte) & SPTE_PFN),
		  "D-7: a present leaf changes its frame", old_spte, new_spte);
	mmu_check(vm, !sp_is_tdp(sp) || spte_may_become(old_spte, new_spte, level),
		  "I-2: an entry of a TDP tree may not change so", old_spte, new_spte);
	mmu_check(vm, !spte_is_present(new_spte) || !sp->role.invalid,
		  "B-8: an entry appears in an invalid page", sp->id, new_spte);
}

static void count_leaf(struct mmu_vm *vm, unsigned level, s64 n)
{
	switch (level) {
	case LEVEL_4K:
		stat_add(vm, sptes_4k, n);
		break;
	case LEVEL_2M:
		stat_add(vm, sptes_2m, n);
		break;
	case LEVEL_1G:
		stat_add(vm, sptes_1g, n);
		break;
	}
}

/* [used_start, used_end) holds what is not empty. It grows here; only under the
 * write lock may it be looked at. */
static void keep_range(struct sp *sp, unsigned index)
{
	if (sp->used_start == sp->used_end)
		sp->used_start = sp->used_end = index;
	if (index < sp->used_start)
		sp->used_start = index;
	if (index >= sp->used_end)
		sp->used_end = index + 1;
}

static void change_account(const struct change *change, u64 old_spte, u64 new_spte)
{
	unsigned level = sp_level(change->sp);
	struct mmu_vm *vm = change->op->vm;
	int present = spte_is_present(new_spte) - spte_is_present(old_spte);
	int leaf = spte_is_leaf(new_spte, level) - spte_is_leaf(old_spte, level);

	if (present)
		__atomic_fetch_add(&change->sp->present, present, __ATOMIC_RELAXED);
	if (!old_spte && !sp_is_tdp(change->sp))
		keep_range(change->sp, change->index);
	if (leaf)
		count_leaf(vm, level, leaf);
	mmu_emit(vm->env, op_vcpu(change->op), change->site, spte_set, change->sp->id,
		 (u16)change->index, (u8)level, change->gfn, old_spte, new_spte);
}

/* What the hardware noted, or a fault did for it, stays as long as the entry maps
 * the same frame. */
static u64 keep_ad(u64 old_spte, u64 new_spte, unsigned level)
{
	if (!spte_is_leaf(old_spte, level) || !spte_is_leaf(new_spte, level))
		return new_spte;
	new_spte |= old_spte & SPTE_D;
	return spte_is_young(old_spte) ? spte_make_young(new_spte) : new_spte;
}

/* Before a used leaf goes: who looks for it and does not find it finds this. */
static void note_used(const struct change *change, u64 old_spte, u64 new_spte)
{
	unsigned level = change->sp->role.level;

	if (spte_is_leaf(old_spte, level) && spte_is_young(old_spte) &&
	    !(spte_is_leaf(new_spte, level) && spte_is_young(new_spte)))
		aging_note(change->op->vm, change->sp->role.smm, change->gfn, level_frames(level));
}

u64 spte_set_at(struct mmu_op *op, struct sp *sp, unsigned index, gfn_t gfn, u64 spte,
		const struct mmu_site *site)
{
	const struct change change = { op, sp, index, gfn, site };
	spte_t *sptep = sp_entry(op->vm, sp, index);
	u64 old_spte = spte_get(sptep), new_spte;
	bool ordered;

	mmu_check(op->vm, op->locked == OP_WRITE, "W-1: an SPTE is set without the write lock",
		  op->locked, spte);
	change_check(&change, old_spte, spte);
	mmu_point(op->vm, spte_set);
	ordered = events_begin(op->vm);
	do {
		new_spte = keep_ad(old_spte, spte, sp->role.level);
		note_used(&change, old_spte, new_spte);
	} while (!atomic_compare_exchange_weak(&sptep->raw, &old_spte, new_spte));
	if (old_spte != new_spte)
		change_account(&change, old_spte, new_spte);
	events_end(op->vm, ordered);
	dirty_spte(op, sp, gfn, old_spte, new_spte);
	return old_spte;
}

u64 spte_clear_at(struct mmu_op *op, struct sp *sp, unsigned index, gfn_t gfn, u64 bits,
		  const struct mmu_site *site)
{
	const struct change change = { op, sp, index, gfn, site };
	spte_t *sptep = sp_entry(op->vm, sp, index);
	u64 old_spte, new_spte;
	bool ordered;

	mmu_check(op->vm, op->locked == OP_WRITE, "W-1: an SPTE is set without the write lock",
		  op->locked, bits);
	mmu_point(op->vm, spte_set);
	ordered = events_begin(op->vm);
	old_spte = atomic_fetch_and(&sptep->raw, ~bits);
	new_spte = old_spte & ~bits;
	change_check(&change, old_spte, new_spte);
	if (old_spte != new_spte)
		change_account(&change, old_spte, new_spte);
	events_end(op->vm, ordered);
	return old_spte;
}

/* returns  OK, or AGAIN: it is not old_spte any more */
static enum mmu_status exchange(const struct change *change, u64 old_spte, u64 new_spte)
{
	spte_t *sptep = sp_entry(change->op->vm, change->sp, change->index);
	bool ordered = events_begin(change->op->vm);
	u64 seen_spte = old_spte;

	if (atomic_compare_exchange_strong(&sptep->raw, &seen_spte, new_spte) &&
	    old_spte != new_spte)
		change_account(change, old_spte, new_spte);
	events_end(change->op->vm, ordered);
	if (seen_spte != old_spte)
		return MMU_AGAIN;
	dirty_spte(change->op, change->sp, change->gfn, old_spte, new_spte);
	return MMU_OK;
}

enum mmu_status spte_cas_at(struct mmu_op *op, struct sp *sp, unsigned index, gfn_t gfn,
			    u64 old_spte, u64 spte, const struct mmu_site *site)
{
	const struct change change = { op, sp, index, gfn, site };

	mmu_check(op->vm, op->locked != OP_UNLOCKED, "W-1: an SPTE is set without the lock",
		  op->locked, spte);
	change_check(&change, old_spte, spte);
	note_used(&change, old_spte, spte);
	return exchange(&change, old_spte, spte);
}

enum mmu_status spte_give_w_at(struct mmu_op *op, struct sp *sp, unsigned index, gfn_t gfn,
			       u64 old_spte, const struct mmu_site *site)
{
	const struct change change = { op, sp, index, gfn, site };
	union mmu_role role = sp_role(sp);

	mmu_check(op->vm, atomic_load(&op->vcpu->epoch), "J-5: W is given back outside a bracket",
		  sp->id, old_spte);
	mmu_check(op->vm, role.direct && role.level == LEVEL_4K,
		  "J-1: W is given back in a page that is not direct", sp->id, role.word);
	mmu_check(op->vm, spte_is_present(old_spte) && old_spte & SPTE_MMU_W,
		  "J-4: W is given back where it was taken for good", sp->id, old_spte);
	return exchange(&change, old_spte, old_spte | SPTE_W);
}

enum mmu_status spte_age(struct mmu_vm *vm, const struct sp *sp, unsigned index, gfn_t gfn,
			 u64 old_spte)
{
	bool ad_disabled = sp_role(sp).ad_disabled, ordered = ad_disabled && events_begin(vm);
	u64 seen_spte = old_spte, new_spte = spte_make_old(old_spte, ad_disabled);
	bool done = atomic_compare_exchange_strong(&sp_entry(vm, sp, index)->raw, &seen_spte,
						   new_spte);

	if (done && ad_disabled)
		vm_emit(vm, MMU_NO_VCPU, spte_set, sp->id, (u16)index, (u8)sp_level(sp), gfn,
			old_spte, new_spte);
	events_end(vm, ordered);
	return done ? MMU_OK : MMU_AGAIN;
}
