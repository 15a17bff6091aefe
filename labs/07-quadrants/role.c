/* SPDX-License-Identifier: MIT */
/*
 * Lab 7: roles computed and derived. This file takes the place of mmu/role.c.
 *
 * The contract of each function is in mmu/role.h, and so is the layout of the
 * role word. role_cpu() and role_root_tdp() are given; you write two others.
 * Search for LAB 7.
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
	role.efer_nx = !role.has_4_byte_gpte && (regs->efer & EFER_NXE);
	role.cr0_wp = wp;
	role.smep_andnot_wp = !wp && (regs->cr4 & CR4_SMEP);
	role.smap_andnot_wp = !wp && (regs->cr4 & CR4_SMAP);
	return role;
}

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
	/* LAB 7.1: the root of the tree we build for this guest. */
	(void)cpu;
	return (union mmu_role){ .word = 0 };
}

union mmu_role role_child(union mmu_role parent, unsigned index, bool direct, unsigned access)
{
	/* LAB 7.2: the page that entry `index` of `parent` leads to. */
	(void)parent;
	(void)index;
	(void)direct;
	(void)access;
	return (union mmu_role){ .word = 0 };
}
