/* SPDX-License-Identifier: MIT */
/* Audit of which MMU's pages serve, and where its roots are. */
#include "mmu/audit.h"
#include "mmu/backend.h"
#include "mmu/mode.h"
#include "mmu/sp.h"

static bool serves_in_mode(const struct mmu_vm *vm, const struct sp *sp)
{
	if (sp->role.invalid || sp_is_obsolete(vm, sp))
		return true;
	return sp_is_tdp(sp) ? mmu_get_mode(vm) == MMU_MODE_TDP :
			       mmu_get_mode(vm) == MMU_MODE_SHADOW || sp->role.guest_mode;
}

/* A build without the shadow MMU has no inner guests on nested tables. */
static void audit_context(struct audit *audit, struct mmu *mmu)
{
	for (unsigned i = 0; mmu->backend && i < MMU_ROOT_SLOTS; i++) {
		const struct sp *sp = mmu_root_slot(mmu, i)->sp;

		audit_check(audit, RULE_Q_9, !sp || sp_is_tdp(sp) == !mmu->backend->indirect,
			    AT(sp ? sp->id : 0, i), sp ? sp->flags : 0, mmu->backend->indirect);
	}
}

void audit_mode(struct audit *audit)
{
	for (struct sp *sp = sp_next(audit->vm, NULL); sp; sp = sp_next(audit->vm, sp))
		audit_check(audit, RULE_A_8, serves_in_mode(audit->vm, sp), AT(sp->id, 0),
			    sp->role.word, mmu_get_mode(audit->vm));
	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++) {
		struct mmu_vcpu *vcpu = audit->vm->vcpu[i];

		if (!vcpu)
			continue;
		audit_context(audit, &vcpu->root_mmu);
		audit_context(audit, &vcpu->guest_mmu);
	}
}
