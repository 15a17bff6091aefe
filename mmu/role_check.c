/* SPDX-License-Identifier: MIT */
/* The rules every role word obeys, whoever computed it (invariants B-1, B-2). */
#include "mmu/role.h"

static bool quadrant_is_sane(union mmu_role role, bool special)
{
	if (role.has_4_byte_gpte && role.level >= LEVEL_1G)
		return special && role.quadrant == 0;
	if (!role.has_4_byte_gpte)
		return role.quadrant == 0;
	return role.level != LEVEL_4K || role.quadrant <= 1;
}

bool role_is_sane(union mmu_role role, bool special)
{
	if (role.unused || role.mirror || role.smm > 1)
		return false;
	if (role.level < LEVEL_4K || role.level > LEVEL_MAX)
		return false;
	if ((role.smep_andnot_wp || role.smap_andnot_wp) && role.cr0_wp)
		return false;
	return quadrant_is_sane(role, special);
}
