/* SPDX-License-Identifier: MIT */
/* What a page mirrors, and what its entries may be. */
#include "mmu/mirror.h"
#include "mmu/guest_pte.h"
#include "mmu/memslot.h"

bool mirror_begin(struct mmu_vm *vm, const struct sp *sp, struct mirror *mirror)
{
	const struct memslot *slot = sp_slot(vm, sp, sp->gfn);

	if (!slot)
		return false;
	*mirror = (struct mirror){ .sp = sp,
				   .cpu = gpte_config_cpu(sp->role, sp->config),
				   .maxphyaddr = vm->maxphyaddr,
				   .readonly = !slot_is_writable(slot),
				   .table = mmu_va(vm->env, slot_pfn(slot, sp->gfn) << PAGE_SHIFT) };
	return true;
}

static unsigned gpte_offset(union mmu_role role, unsigned index)
{
	if (!role.has_4_byte_gpte)
		return 8 * index;
	if (role.level == LEVEL_4K)
		return 4 * (PT_ENTRIES * role.quadrant + index);
	return 4 * (PT_ENTRIES / 2 * role.quadrant + index / 2);
}

u64 mirror_gpte(const struct mirror *mirror, unsigned index)
{
	const void *gpte = mirror->table + gpte_offset(mirror->sp->role, index);

	if (mirror->sp->role.has_4_byte_gpte)
		return __atomic_load_n((const u32 *)gpte, __ATOMIC_RELAXED);
	return __atomic_load_n((const u64 *)gpte, __ATOMIC_RELAXED);
}

bool mirror_is_leaf(const struct mirror *mirror, u64 gpte)
{
	return gpte_is_leaf(mirror->cpu, mirror->sp->role.level, gpte);
}

bool mirror_is_usable(const struct mirror *mirror, u64 gpte)
{
	unsigned level = mirror->sp->role.level;

	return gpte & GPTE_P && !(gpte & gpte_reserved(mirror->cpu, level, mirror_is_leaf(mirror, gpte),
						       mirror->maxphyaddr));
}

gfn_t mirror_gfn(const struct mirror *mirror, unsigned index, u64 gpte)
{
	unsigned level = mirror->sp->role.level;
	gva_t gva = (gva_t)index << (PAGE_SHIFT + 9 * (level - 1));

	if (!mirror_is_leaf(mirror, gpte))
		return gpte_table(mirror->cpu, gpte) >> PAGE_SHIFT;
	return gpte_leaf_gfn(mirror->cpu, level, gpte, gva) & ~(level_frames(level) - 1);
}

unsigned mirror_table_rights(const struct mirror *mirror, u64 gpte)
{
	union mmu_role role = mirror->sp->role;

	return role.access & gpte_rights(mirror->cpu, role.level, gpte);
}

bool mirror_leaf_rights(const struct mirror *mirror, u64 gpte, unsigned *access)
{
	union mmu_role role = mirror->sp->role;
	unsigned may = mirror_table_rights(mirror, gpte), have = *access;

	if (!role.cr0_wp && !(have & ACC_USER) && !(may & ACC_WRITE)) {
		if (may & ACC_USER && role.smep_andnot_wp)
			may &= ~ACC_EXEC;
		may = (may & ~ACC_USER) | ACC_WRITE;
	}
	if (!(gpte & GPTE_D) && !mirror->readonly)
		may &= ~ACC_WRITE;
	*access = have & may;
	return !(may & ~have & ACC_USER);
}
