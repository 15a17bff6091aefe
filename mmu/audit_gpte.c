/* SPDX-License-Identifier: MIT */
/*
 * Audit of mirrors against the guest's own tables: every present entry is read
 * again where the guest has it. Stores that nobody told the library about are
 * found as well, so memory of a guest must not be written behind its back.
 */
#include "mmu/audit.h"
#include "mmu/guest_pte.h"
#include "mmu/memslot.h"
#include "mmu/mirror.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

/* Would syncing leave it as it is? */
static bool leaf_is_covered(const struct audit *audit, const struct mirror *mirror, u64 gpte,
			    unsigned have)
{
	const struct sp *sp = mirror->sp;
	unsigned may = have;

	/* Nobody sets D in read-only memory; a write is let through all the same. */
	if (!slot_is_writable(sp_slot(audit->vm, sp, sp->gfn)))
		gpte |= GPTE_D;
	return mirror_leaf_rights(mirror, gpte, &may) && may == have;
}

static void audit_pair(struct audit *audit, const struct mirror *mirror, unsigned index, u64 spte)
{
	const struct sp *sp = mirror->sp, *child = NULL;
	u64 gpte = mirror_gpte(mirror, index);
	bool leaf = mirror_is_leaf(mirror, gpte);
	struct audit_place at = AT(sp->id, index);
	gfn_t gfn = sp_entry_gfn(audit->vm, sp, index), want = mirror_gfn(mirror, index, gpte);
	unsigned have = spte_access(spte);

	if (spte_is_table(spte, sp->role.level)) {
		child = sp_by_table(audit->vm, spte_hpa(spte));
		if (!child)
			return; /* D-4 */
		gfn = child->gfn;
		have = child->role.access;
	}
	if (!audit_check(audit, RULE_H_3, mirror_is_usable(mirror, gpte), at, spte, gpte) ||
	    !audit_check(audit, RULE_H_3, leaf == (!child || child->role.direct), at, spte, gpte))
		return;
	audit_check(audit, RULE_H_3, gfn == want, at, gfn, want);
	audit_check(audit, RULE_H_3,
		    leaf ? leaf_is_covered(audit, mirror, gpte, have) :
			   !(have & ~mirror_table_rights(mirror, gpte)),
		    at, have, gpte);
	audit_check(audit, RULE_H_3, child || !(spte & SPTE_G) || gpte & GPTE_G, at, spte, gpte);
}

static void audit_mirror(struct audit *audit, const struct sp *sp)
{
	struct mirror mirror;

	if (!mirror_begin(audit->vm, sp, &mirror))
		return; /* C-3 */
	for (unsigned i = 0; i < PT_ENTRIES; i++) {
		u64 spte = spte_get(sp_entry(audit->vm, sp, i));

		if (spte_is_present(spte))
			audit_pair(audit, &mirror, i, spte);
	}
}

void audit_gptes(struct audit *audit)
{
	for (struct sp *sp = sp_next(audit->vm, NULL); sp; sp = sp_next(audit->vm, sp))
		if (sp_has_gptes(sp) && !sp->role.invalid && !sp->unsync)
			audit_mirror(audit, sp);
}
