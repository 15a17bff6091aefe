/* SPDX-License-Identifier: MIT */
/*
 * What the guest's paging mode permits: the table of access rights.
 */
#include "mmu/gwalk.h"

/* The index of the table has PFERR_RSVD set where RFLAGS.AC lifts SMAP. */
#define INDEX_NO_SMAP PFERR_RSVD

static bool is_fault(const struct cpu_role *role, u64 index, unsigned rights)
{
	bool user = index & PFERR_USER, write = index & PFERR_WRITE, fetch = index & PFERR_FETCH;

	if (user && !(rights & ACC_USER))
		return true;
	if (write && !(rights & ACC_WRITE) && (user || role->base.cr0_wp))
		return true;
	if (fetch && !(rights & ACC_EXEC))
		return true;
	if (user || !(rights & ACC_USER))
		return false;
	if (fetch)
		return role->ext.cr4_smep;
	return role->ext.cr4_smap && !(index & INDEX_NO_SMAP);
}

void gwalk_init_permissions(struct mmu *mmu)
{
	const struct cpu_role *role = &mmu->cpu_role;

	for (unsigned i = 0; i < 16; i++) {
		mmu->permissions[i] = 0;
		for (unsigned rights = 0; role->base.level && rights <= ACC_ALL; rights++)
			if (is_fault(role, i << 1, rights))
				mmu->permissions[i] |= 1u << rights;
	}
}

bool gwalk_permits(const struct mmu *mmu, unsigned rights, u64 access, bool ac)
{
	u64 index = access & (PFERR_WRITE | PFERR_USER | PFERR_FETCH);

	if (ac)
		index |= INDEX_NO_SMAP;
	return !(mmu->permissions[index >> 1] >> rights & 1);
}
