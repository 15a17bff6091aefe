/* SPDX-License-Identifier: MIT */
/* Audit of every entry of every table: its value, and where it leads. */
#include "mmu/audit.h"
#include "mmu/dirty.h"
#include "mmu/memslot.h"
#include "mmu/page_track.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

/* One entry under audit. */
struct entry {
	const struct sp *sp;
	unsigned index;
	gfn_t gfn;
	u64 spte;
};

static bool entry_check(struct audit *audit, const struct entry *entry, enum audit_rule rule,
			bool ok, u64 have, u64 want)
{
	return audit_check(audit, rule, ok, AT(entry->sp->id, entry->index), have, want);
}

static bool is_rule(const char *broken, const char *name)
{
	while (*broken && *broken == *name) {
		broken++;
		name++;
	}
	return *broken == *name;
}

/* The rules that spte_check() knows. */
static bool audit_value(struct audit *audit, const struct entry *entry)
{
	static const struct {
		enum audit_rule rule;
		const char *name;
	} local[] = { { RULE_D_1, "D-1" }, { RULE_D_2, "D-2" }, { RULE_D_3, "D-3" },
		      { RULE_D_5, "D-5" }, { RULE_D_6, "D-6" }, { RULE_D_9, "D-9" } };
	const struct sp *sp = entry->sp;
	bool pdpte = sp->flags & SP_PDPT;
	/* Some hardware sets A where the four PDPTEs are read; we never do. */
	u64 spte = pdpte ? entry->spte & ~SPTE_A : entry->spte;
	const char *broken = spte_check(spte, sp->role.level, sp_is_tdp(sp), pdpte,
					audit->vm->maxphyaddr);

	for (unsigned i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		entry_check(audit, entry, local[i].rule, !broken || !is_rule(broken, local[i].name),
			    entry->spte, 0);
	if (!broken)
		entry_check(audit, entry, RULE_D_10,
			    !spte_check_ad(spte, sp->role.level, sp_is_tdp(sp),
					   sp->role.ad_disabled),
			    entry->spte, sp->role.word);
	return !broken;
}

/* ---- tables -------------------------------------------------------------------- */

static void audit_child_role(struct audit *audit, const struct entry *entry,
			     const struct sp *child)
{
	const struct sp *sp = entry->sp;
	union mmu_role want, have = child->role;

	want = role_child(sp->role, entry->index, have.direct, have.access);
	entry_check(audit, entry, RULE_B_3, have.word == want.word, have.word, want.word);
	/* A supervisor that ignores W gets writable direct pages below. */
	entry_check(audit, entry, RULE_B_4,
		    !(have.access & ~sp->role.access) || (!sp->role.cr0_wp && have.direct),
		    have.access, sp->role.access);
}

static void audit_table(struct audit *audit, const struct entry *entry)
{
	const struct sp *child = sp_by_table(audit->vm, spte_hpa(entry->spte));
	bool good = child && !child->role.invalid && sp_is_tdp(child) == sp_is_tdp(entry->sp) &&
		    child->role.level + 1 == entry->sp->role.level;

	if (!entry_check(audit, entry, RULE_D_4, good, entry->spte, child ? child->id : 0))
		return;
	audit_child_role(audit, entry, child);
	if (!sp_is_tdp(entry->sp)) {
		audit->shadow_tables++;
		return;
	}
	entry_check(audit, entry, RULE_I_1,
		    child->ptep == sp_entry(audit->vm, entry->sp, entry->index), child->id,
		    entry->sp->id);
	entry_check(audit, entry, RULE_I_8, child->gfn == entry->gfn, child->gfn, entry->gfn);
}

/* ---- leaves -------------------------------------------------------------------- */

static bool is_synced_table(const struct mmu_vm *vm, const struct memslot *slot, gfn_t gfn)
{
	bool twin = slot_twin((struct mmu_vm *)vm, slot, gfn);

	for (const struct sp *sp = sp_hash_chain(vm, gfn); sp; sp = sp->hash_next)
		if (sp->gfn == gfn && (sp->role.smm == slot->as || twin) && sp_has_gptes(sp) &&
		    !sp->unsync)
			return true;
	return false;
}

/* May the guest write through this leaf? Huge ones have no shadowed table at
 * all below them. */
static bool may_be_writable(const struct mmu_vm *vm, const struct memslot *slot,
			    const struct entry *entry)
{
	unsigned level = entry->sp->role.level;

	if (level == LEVEL_4K)
		return !is_synced_table(vm, slot, entry->gfn);
	return track_allows_level((struct mmu_vm *)vm, slot, entry->gfn, level);
}

/* A broken entry may claim to be a leaf of any level. */
static void count_leaf(struct audit *audit, const struct entry *entry)
{
	audit->leaves[entry->sp->role.level]++;
	audit->shadow_leaves += !sp_is_tdp(entry->sp);
}

static void audit_logged(struct audit *audit, const struct entry *entry, const struct memslot *slot)
{
	bool large = entry->sp->role.level > LEVEL_4K;

	if (!spte_is_writable(entry->spte) || !slot->dirty.nr)
		return;
	entry_check(audit, entry, RULE_L_3, !large, entry->spte, entry->gfn);
	if (!large && slot_holds_w(slot))
		entry_check(audit, entry, RULE_D_8, dirty_is_set(audit->vm, slot, entry->gfn),
			    entry->spte, entry->gfn);
}

static void audit_leaf(struct audit *audit, const struct entry *entry)
{
	unsigned level = entry->sp->role.level;
	struct mmu_vm *vm = audit->vm;
	const struct memslot *slot = sp_slot(vm, entry->sp, entry->gfn);
	pfn_t pfn = spte_hpa(entry->spte) >> PAGE_SHIFT;
	bool inside = slot && entry->gfn + level_frames(level) <= slot->base_gfn + slot->npages;

	count_leaf(audit, entry);
	if (!entry_check(audit, entry, RULE_M_1, inside && pfn == slot_pfn(slot, entry->gfn), pfn,
			 slot ? slot_pfn(slot, entry->gfn) : 0))
		return;
	entry_check(audit, entry, RULE_D_5, !(entry->gfn & (level_frames(level) - 1)), entry->gfn,
		    level);
	entry_check(audit, entry, RULE_D_12,
		    slot_is_writable(slot) || !(entry->spte & SPTE_HOST_W), entry->spte,
		    slot->flags);
	entry_check(audit, entry, RULE_E_9,
		    !(entry->spte & (SPTE_W | SPTE_MMU_W)) || may_be_writable(vm, slot, entry),
		    entry->spte, entry->gfn);
	audit_logged(audit, entry, slot);
}

/* One of an older generation is not believed. */
static void audit_mmio(struct audit *audit, const struct entry *entry)
{
	unsigned as = entry->sp->role.smm;
	u64 generation = audit->vm->slots[as].generation % MMIO_GENERATIONS;
	gfn_t gfn = spte_mmio_gfn(entry->spte);

	if (spte_mmio_generation(entry->spte) != generation)
		return;
	entry_check(audit, entry, RULE_O_2, gfn == entry->gfn, gfn, entry->gfn);
	entry_check(audit, entry, RULE_O_2, !slot_lookup(audit->vm, as, gfn), gfn, generation);
}

static void audit_entry(struct audit *audit, const struct entry *entry)
{
	unsigned level = entry->sp->role.level;

	entry_check(audit, entry, RULE_D_6,
		    entry->spte != SPTE_FROZEN || !sp_is_tdp(entry->sp) || entry->sp->role.invalid,
		    entry->spte, 0);
	if (entry->spte == 0)
		return;
	if (!audit_value(audit, entry)) {
		if (spte_is_leaf(entry->spte, level))
			count_leaf(audit, entry);
		return;
	}
	if (spte_is_table(entry->spte, level))
		audit_table(audit, entry);
	else if (spte_is_present(entry->spte))
		audit_leaf(audit, entry);
	else if (spte_is_mmio(entry->spte))
		audit_mmio(audit, entry);
}

static void audit_page(struct audit *audit, const struct sp *sp)
{
	u32 present = 0, outside = 0;
	struct entry entry = { .sp = sp };

	/* B-1 has said so: what entries of no level mean cannot be said. */
	if (!sp->role.level || sp->role.level > LEVEL_MAX)
		return;
	for (entry.index = 0; entry.index < PT_ENTRIES; entry.index++) {
		entry.spte = spte_get(sp_entry(audit->vm, sp, entry.index));
		entry.gfn = sp_entry_gfn(audit->vm, sp, entry.index);
		present += spte_is_present(entry.spte);
		outside += entry.spte && (entry.index < sp->used_start ||
					  entry.index >= sp->used_end);
		audit_entry(audit, &entry);
	}
	audit_check(audit, RULE_E_7, sp->present == present && !(sp->role.invalid && present),
		    AT(sp->id, 0), sp->present, present);
	audit_check(audit, RULE_E_7, !outside || sp_is_tdp(sp), AT(sp->id, sp->used_start),
		    outside, 0);
	/* Below the root somebody leads here: who checks the entry checks the
	 * way back, so it is enough that there is one. */
	if (sp_is_tdp(sp) && !sp->role.invalid && sp->role.level < audit->vm->config.tdp_level)
		audit_check(audit, RULE_I_1, sp->ptep, AT(sp->id, 0), 0, 1);
}

void audit_entries(struct audit *audit)
{
	for (struct sp *sp = sp_next(audit->vm, NULL); sp; sp = sp_next(audit->vm, sp))
		audit_page(audit, sp);
}
