/* SPDX-License-Identifier: MIT */
/* The auditor: runs its parts, counts, reports. */
#include "mmu/audit.h"

struct rule {
	const char *name, *sentence;
};

static const struct rule rules[] = {
#define INVARIANT(id, name, sentence) { name, sentence },
#include "mmu/invariants.def"
};

bool audit_check(struct audit *audit, enum audit_rule rule, bool ok, struct audit_place at,
		 u64 have, u64 want)
{
	audit->checked++;
	if (ok)
		return true;
	audit->findings++;
	vm_emit(audit->vm, MMU_NO_VCPU, audit_rule, (u16)rule, at.sp, at.index, have, want);
	if (audit->report)
		audit->report(audit->arg, &(struct mmu_finding){
						  .rule = rules[rule].name,
						  .sentence = rules[rule].sentence,
						  .sp = at.sp,
						  .index = at.index,
						  .have = have,
						  .want = want,
					  });
	return false;
}

static void equal(struct audit *audit, enum audit_rule rule, u64 have, u64 want)
{
	audit_check(audit, rule, have == want, AT(0, 0), have, want);
}

/* What the parts have counted on the way. */
static void audit_counts(struct audit *audit)
{
	struct mmu_vm *vm = audit->vm;

	equal(audit, RULE_E_5, vm->nr_sps, audit->sps);
	equal(audit, RULE_E_5, vm->nr_indirect, audit->indirect);
	equal(audit, RULE_Y_1, vm->stats.sps, audit->sps);
	equal(audit, RULE_Y_1, vm->stats.unsync, audit->unsync);
	equal(audit, RULE_Y_1, vm->stats.sptes_4k, audit->leaves[LEVEL_4K]);
	equal(audit, RULE_Y_1, vm->stats.sptes_2m, audit->leaves[LEVEL_2M]);
	equal(audit, RULE_Y_1, vm->stats.sptes_1g, audit->leaves[LEVEL_1G]);
}

unsigned mmu_audit(struct mmu_vm *vm, mmu_finding_fn report, void *arg)
{
	struct audit audit = { .vm = vm, .report = report, .arg = arg };

	vm_emit(vm, MMU_NO_VCPU, audit_begin, NR_RULES);
	audit_slots(&audit);
	audit_sps(&audit);
	audit_roots(&audit);
	audit_mode(&audit);
	audit_entries(&audit);
	audit_unsync(&audit);
	audit_gptes(&audit);
	if (vm->shadow_used)
		audit_rmaps(&audit);
	audit_counts(&audit);
	vm_emit(vm, MMU_NO_VCPU, audit_end, audit.findings, audit.checked);
	return audit.findings;
}
