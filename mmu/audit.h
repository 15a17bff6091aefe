/* SPDX-License-Identifier: MIT */
/* The auditor's parts: each looks at one subject and reports by rule. */
#ifndef MMU_AUDIT_H
#define MMU_AUDIT_H

#include "mmu/internal.h"

enum audit_rule {
#define INVARIANT(id, name, sentence) RULE_##id,
#include "mmu/invariants.def"
	NR_RULES
};

struct audit {
	struct mmu_vm *vm;
	mmu_finding_fn report;
	void *arg;
	u32 findings;
	u32 checked;
	/* Recounts. */
	u64 sps, indirect, unsync, shadow_leaves, shadow_tables;
	u64 leaves[LEVEL_MAX + 1];	/* by level */
};

/* Where a rule is checked. */
struct audit_place {
	u32 sp;
	u16 index;
};

#define AT(sp_, index_) ((struct audit_place){ (sp_), (index_) })

/* Counts the check; reports unless ok. returns  ok */
bool audit_check(struct audit *audit, enum audit_rule rule, bool ok, struct audit_place at,
		 u64 have, u64 want);

void audit_slots(struct audit *audit);		/* audit_slot.c  C-1 C-2 C-4 C-7 H-7 L-4 M-3 S-4 */
void audit_sps(struct audit *audit);		/* audit_sp.c    B-1 B-2 B-5 C-3 E-8 E-11 H-1 I-4 I-5 K-1 N Q-3 Q-4 */
void audit_roots(struct audit *audit);		/* audit_sp.c    A-4 B-9 E-4 N-3 Q-1 Q-8 R-3 S-3 */
void audit_mode(struct audit *audit);		/* audit_mode.c  A-8 Q-9 */
void audit_entries(struct audit *audit);	/* audit_spte.c  B-3 B-4 D E-7 E-9 I L-3 M-1 */
void audit_unsync(struct audit *audit);		/* audit_unsync.c H-2 H-8 */
void audit_gptes(struct audit *audit);		/* audit_gpte.c  H-3 */
void audit_rmaps(struct audit *audit);		/* audit_rmap.c  E-1 E-2 E-3 G S-2 */

#endif
