/* SPDX-License-Identifier: MIT */
/*
 * Roles computed and derived. A page's role is made by exactly two
 * rules: role_root_*() for a root, role_child() for everything below it. No
 * other code writes a role, except to set `invalid`.
 */
#include "mmu/role.h"
#include "mmu/mmu.h"

static unsigned guest_levels(const struct mmu_regs *regs)
{
	if (regs->efer & EFER_LMA)
		return regs->cr4 & CR4_LA57 ? 5 : 4;
	return regs->cr4 & CR4_PAE ? 3 : 2;
}

static union mmu_role cpu_base(const struct mmu_regs *regs)
{
	union mmu_role role = { .access = ACC_ALL, .smm = regs->smm };
	bool wp = regs->cr0 & CR0_WP;

	if (!(regs->cr0 & CR0_PG)) {
		role.direct = 1;
		return role;
	}
	role.level = guest_levels(regs);
	role.has_4_byte_gpte = role.level == 2;
	/* 4-byte entries have no NX bit. */
	role.efer_nx = !role.has_4_byte_gpte && (regs->efer & EFER_NXE);
	role.cr0_wp = wp;
	role.smep_andnot_wp = !wp && (regs->cr4 & CR4_SMEP);
	role.smap_andnot_wp = !wp && (regs->cr4 & CR4_SMAP);
	return role;
}

/* LA57 and protection keys exist in long mode only. */
static union mmu_role_ext cpu_ext(const struct mmu_regs *regs)
{
	union mmu_role_ext ext = { .valid = 1 };
	bool lma = regs->efer & EFER_LMA;

	if (!(regs->cr0 & CR0_PG))
		return ext;
	ext.cr4_pse = !!(regs->cr4 & CR4_PSE);
	ext.cr4_smap = !!(regs->cr4 & CR4_SMAP);
	ext.cr4_smep = !!(regs->cr4 & CR4_SMEP);
	ext.efer_lma = lma;
	ext.cr4_la57 = lma && (regs->cr4 & CR4_LA57);
	ext.cr4_pke = lma && (regs->cr4 & CR4_PKE);
	return ext;
}

struct cpu_role role_cpu(const struct mmu_regs *regs)
{
	return (struct cpu_role){ .base = cpu_base(regs), .ext = cpu_ext(regs) };
}

union mmu_role role_root_tdp(struct cpu_role cpu, unsigned tdp_level)
{
	return (union mmu_role){
		.level = tdp_level,
		.direct = 1,
		.access = ACC_ALL,
		.efer_nx = 1,
		.cr0_wp = 1,
		.guest_mode = cpu.base.guest_mode,
		.smm = cpu.base.smm,
	};
}

union mmu_role role_root_shadow(struct cpu_role cpu)
{
	union mmu_role role = cpu.base;

	if (role.level < LEVEL_1G)
		role.level = LEVEL_1G;
	role.efer_nx = 1;
	return role;
}

union mmu_role role_child(union mmu_role parent, unsigned index, bool direct, unsigned access)
{
	union mmu_role role = parent;

	role.level = parent.level - 1;
	role.direct = direct;
	role.access = access;
	role.passthrough = 0;
	role.quadrant = 0;
	if (role.has_4_byte_gpte)
		role.quadrant = role.level == LEVEL_4K ? index & 1 : index;
	return role;
}
