/* SPDX-License-Identifier: MIT */
/* Audit of unsync pages: the marks on every way to them, and their siblings. */
#include "mmu/audit.h"
#include "mmu/memslot.h"
#include "mmu/page_track.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/unsync.h"

/* An unsync page of another level is the business of H-1. */
static bool leads_to_unsync(const struct audit *audit, const struct sp *sp, unsigned index)
{
	u64 spte = spte_get(sp_entry(audit->vm, sp, index));
	const struct sp *child = NULL;

	if (spte_is_table(spte, sp->role.level))
		child = sp_by_table(audit->vm, spte_hpa(spte));
	if (!child)
		return false;
	return child->role.level == LEVEL_4K ? child->unsync : child->unsync_children;
}

static void audit_marks(struct audit *audit, const struct sp *sp)
{
	u32 marked = 0;

	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		bool have = sp_is_unsync_child(sp, i), want;

		if (!have && sp->role.level == LEVEL_4K)
			continue;
		want = leads_to_unsync(audit, sp, i);
		marked += have;
		if (have || want)
			audit_check(audit, RULE_H_2, have == want, AT(sp->id, i), have, want);
	}
	audit_check(audit, RULE_H_2, sp->unsync_children == marked, AT(sp->id, 0),
		    sp->unsync_children, marked);
}

static void audit_siblings(struct audit *audit, const struct sp *sp)
{
	const struct memslot *slot = sp_slot(audit->vm, sp, sp->gfn);
	unsigned upper = slot ? track_upper_count(audit->vm, slot, sp->gfn) : 0;

	audit_check(audit, RULE_H_8, !upper, AT(sp->id, 0), upper, 0);
}

void audit_unsync(struct audit *audit)
{
	for (struct sp *sp = sp_next(audit->vm, NULL); sp; sp = sp_next(audit->vm, sp)) {
		audit->unsync += sp->unsync;
		if (!sp_is_tdp(sp))
			audit_marks(audit, sp);
		if (sp->unsync && sp->role.level == LEVEL_4K)
			audit_siblings(audit, sp);
	}
}
