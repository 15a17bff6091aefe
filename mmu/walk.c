/* SPDX-License-Identifier: MIT */
/* Both walks as somebody from outside may look at them: the guest's and ours. */
#include "mmu/epoch.h"
#include "mmu/gwalk.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/vcpu.h"

bool mmu_walk(struct mmu_vcpu *vcpu, gva_t gva, u64 access, struct mmu_walk *walk)
{
	enum gwalk_result result;
	struct gwalk guest;
	struct mmu_op op;

	do {
		op_begin(&op, vcpu->vm, vcpu, false);
		result = gwalk(&op, vcpu->walk_mmu, gva, access, false, true, &guest);
		op.awaits_slots = guest.changing;
		op_end(&op);
	} while (op.awaits_slots);
	*walk = (struct mmu_walk){ .ok = result == GWALK_OK, .error = guest.error,
				   .nested = result == GWALK_NESTED, .ngpa = guest.fault_ngpa };
	for (unsigned level = guest.top; guest.read_level && level >= guest.read_level; level--)
		walk->step[walk->nr++] = (struct mmu_walk_step){
			.level = level,
			.gpa = guest.pte_gpa[level],
			.ngpa = guest.pte_ngpa[level],
			.pte = guest.pte[level],
		};
	if (walk->ok) {
		walk->gpa = guest.gfn << PAGE_SHIFT | (gva & ~PAGE_MASK);
		walk->ngpa = guest.ngfn << PAGE_SHIFT | (gva & ~PAGE_MASK);
		walk->level = guest.top ? guest.leaf_level : LEVEL_4K;
		walk->access = guest.access;
	}
	return walk->ok;
}

unsigned mmu_host_walk(struct mmu_vcpu *vcpu, u64 addr, struct mmu_host_step steps[5])
{
	struct mmu_vm *vm = vcpu->vm;
	unsigned nr = 0, level, index;
	struct sp *sp;

	mmu_read_begin(vcpu);
	sp = vcpu_has_root(vcpu) ? vcpu->mmu->root.sp : NULL;
	if (sp && sp_level(sp) == LEVEL_1G)
		addr &= BITS(31, 0);
	while (sp) {
		mmu_point(vm, read_entry);
		level = sp_level(sp);
		index = level_index(addr, level);
		steps[nr] = (struct mmu_host_step){
			.level = level,
			.index = index,
			.sp = sp->id,
			.hpa = sp->table_hpa + index * sizeof(spte_t),
			.spte = spte_get(sp_entry(vm, sp, index)),
		};
		sp = spte_is_table(steps[nr].spte, level) ?
			     sp_by_table(vm, spte_hpa(steps[nr].spte)) :
			     NULL;
		nr++;
	}
	mmu_read_end(vcpu);
	return nr;
}
