/* SPDX-License-Identifier: MIT */
/*
 * Audit of mirrors against the guest's own tables: every present entry is read
 * again where the guest has it. Stores that nobody told the library about are
 * found as well, so memory of a guest must not be written behind its back.
 */
#include "mmu/audit.h"
#include "mmu/guest_pte.h"
#include "mmu/memslot.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

/* One entry of a mirror, and the guest's. */
struct pair {
	const struct sp *sp;
	unsigned index;
	struct cpu_role cpu;
	u64 spte, gpte;
};

/* In a 2-level guest two entries of a mirrored directory stand for one of the
 * guest's, and a mirror is half a table or a quarter of a directory. */
static unsigned gpte_offset(const struct sp *sp, unsigned index)
{
	if (!sp->role.has_4_byte_gpte)
		return 8 * index;
	if (sp->role.level == LEVEL_4K)
		return 4 * (PT_ENTRIES * sp->role.quadrant + index);
	return 4 * (PT_ENTRIES / 2 * sp->role.quadrant + index / 2);
}

static u64 gpte_read(struct mmu_vm *vm, const struct memslot *slot, const struct sp *sp,
		     unsigned index)
{
	const u8 *table = mmu_va(vm->env, slot_pfn(slot, sp->gfn) << PAGE_SHIFT);
	const void *va = table + gpte_offset(sp, index);

	if (sp->role.has_4_byte_gpte)
		return __atomic_load_n((const u32 *)va, __ATOMIC_RELAXED);
	return __atomic_load_n((const u64 *)va, __ATOMIC_RELAXED);
}

/* Without WP the kernel may be given W if the user has nothing then. */
static bool rights_are_covered(const struct pair *pair, unsigned have, bool leaf)
{
	unsigned level = pair->sp->role.level;
	unsigned may = pair->sp->role.access & gpte_rights(pair->cpu, level, pair->gpte);

	if (!pair->sp->role.cr0_wp && leaf && !(have & ACC_USER))
		may |= ACC_WRITE;
	if (leaf && !(pair->gpte & GPTE_D))
		may &= ~ACC_WRITE;
	return !(have & ~may);
}

/* Where the guest's entry leads: its table, or the first frame of what this entry
 * of ours can map of it. */
static gfn_t wanted_gfn(const struct pair *pair, bool leaf)
{
	unsigned level = pair->sp->role.level;
	gva_t gva = (gva_t)pair->index << (PAGE_SHIFT + 9 * (level - 1));

	if (!leaf)
		return gpte_table(pair->cpu, pair->gpte) >> PAGE_SHIFT;
	return gpte_leaf_gfn(pair->cpu, level, pair->gpte, gva) & ~(level_frames(level) - 1);
}

static void audit_pair(struct audit *audit, const struct pair *pair)
{
	const struct mmu_vm *vm = audit->vm;
	const struct sp *sp = pair->sp, *child = NULL;
	struct audit_place at = AT(sp->id, pair->index);
	bool leaf = gpte_is_leaf(pair->cpu, sp->role.level, pair->gpte);
	u64 reserved = gpte_reserved(pair->cpu, sp->role.level, leaf, vm->maxphyaddr);
	gfn_t gfn = sp_entry_gfn(vm, sp, pair->index);
	unsigned have = spte_access(pair->spte);

	if (spte_is_table(pair->spte, sp->role.level)) {
		child = sp_by_table(vm, spte_hpa(pair->spte));
		if (!child)
			return; /* D-4 */
		gfn = child->gfn;
		have = child->role.access;
	}
	if (!audit_check(audit, RULE_H_3, pair->gpte & GPTE_P && !(pair->gpte & reserved), at,
			 pair->spte, pair->gpte) ||
	    !audit_check(audit, RULE_H_3, leaf == (!child || child->role.direct), at, pair->spte,
			 pair->gpte))
		return;
	audit_check(audit, RULE_H_3, gfn == wanted_gfn(pair, leaf), at, gfn,
		    wanted_gfn(pair, leaf));
	audit_check(audit, RULE_H_3, rights_are_covered(pair, have, leaf), at, have, pair->gpte);
}

static void audit_mirror(struct audit *audit, const struct sp *sp)
{
	struct pair pair = { .sp = sp, .cpu = gpte_config_cpu(sp->role, sp->config) };
	const struct memslot *slot = sp_slot(audit->vm, sp, sp->gfn);

	if (!audit_check(audit, RULE_H_3, slot, AT(sp->id, 0), sp->gfn, 0))
		return;
	for (pair.index = 0; pair.index < PT_ENTRIES; pair.index++) {
		pair.spte = spte_get(sp_entry(audit->vm, sp, pair.index));
		if (!spte_is_present(pair.spte))
			continue;
		pair.gpte = gpte_read(audit->vm, slot, sp, pair.index);
		audit_pair(audit, &pair);
	}
}

void audit_gptes(struct audit *audit)
{
	for (struct sp *sp = sp_next(audit->vm, NULL); sp; sp = sp_next(audit->vm, sp))
		if (sp_has_gptes(sp) && !sp->role.invalid && !sp->unsync)
			audit_mirror(audit, sp);
}
