/* SPDX-License-Identifier: MIT */
/* Roles for an inner guest: the same rules, marked, and those of nested tables. */
#include "mmu/nested.h"
#include "mmu/role.h"

struct cpu_role role_cpu_inner(const struct mmu_regs *regs)
{
	struct cpu_role role = role_cpu(regs);

	role.base.guest_mode = 1;
	return role;
}

struct cpu_role role_cpu_npt(const struct mmu_nested *nested, bool smm)
{
	const struct mmu_regs regs = { .cr0 = CR0_PE | CR0_PG | CR0_WP,
				       .cr4 = nested->cr4 & ~CR4_PKE,
				       .efer = nested->efer,
				       .smm = smm };

	return role_cpu_inner(&regs);
}

union mmu_role role_root_npt(struct cpu_role cpu, unsigned tdp_level)
{
	union mmu_role role = cpu.base;

	role.passthrough = role.level > LEVEL_1G && tdp_level > role.level;
	role.level = tdp_level;
	role.efer_nx = 1;
	return role;
}
