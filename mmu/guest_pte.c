/* SPDX-License-Identifier: MIT */
/*
 * The formats of the guest's entries: 4 bytes in a 2-level guest, 8 in all
 * others; where the address lies, what is a leaf, which bits are reserved.
 */
#include "mmu/guest_pte.h"

gpa_t gpte_first_table(struct cpu_role role, u64 cr3, unsigned maxphyaddr)
{
	switch (role.base.level) {
	case 2:
		return cr3 & BITS(31, 12);
	case 3:
		return cr3 & BITS(31, 5);
	default:
		return cr3 & BITS(maxphyaddr - 1, 12);
	}
}

gpa_t gpte_gpa(struct cpu_role role, unsigned level, gpa_t table_gpa, gva_t gva)
{
	if (role.base.has_4_byte_gpte)
		return table_gpa + 4 * (gva >> (12 + 10 * (level - 1)) & 1023);
	if (gpte_is_pdpte(role, level))
		return table_gpa + 8 * (gva >> 30 & 3);
	return table_gpa + 8 * level_index(gva, level);
}

bool gpte_is_leaf(struct cpu_role role, unsigned level, u64 gpte)
{
	if (level == LEVEL_4K)
		return true;
	if (!(gpte & GPTE_PS) || gpte_is_pdpte(role, level))
		return false;
	if (role.base.has_4_byte_gpte)
		return role.ext.cr4_pse;
	return level <= LEVEL_1G;
}

unsigned gpte_rights(struct cpu_role role, unsigned level, u64 gpte)
{
	unsigned rights = 0;

	if (gpte_is_pdpte(role, level))
		return ACC_ALL;
	if (!(gpte & GPTE_NX) || role.base.has_4_byte_gpte)
		rights |= ACC_EXEC;
	if (gpte & GPTE_W)
		rights |= ACC_WRITE;
	if (gpte & GPTE_U)
		rights |= ACC_USER;
	return rights;
}

gpa_t gpte_table(struct cpu_role role, u64 gpte)
{
	return gpte & (role.base.has_4_byte_gpte ? BITS(31, 12) : BITS(51, 12));
}

/* A 4 MiB leaf: bits 31:22 of the address as they are, 39:32 in bits 20:13. */
static gfn_t leaf_gfn_4m(u64 gpte, gva_t gva)
{
	gfn_t high = gpte >> 13 & 0xff;

	return high << 20 | (gpte & BITS(31, 22)) >> PAGE_SHIFT | (gva >> PAGE_SHIFT & 1023);
}

gfn_t gpte_leaf_gfn(struct cpu_role role, unsigned level, u64 gpte, gva_t gva)
{
	gfn_t offset = level_frames(level) - 1;

	if (role.base.has_4_byte_gpte && level == LEVEL_2M)
		return leaf_gfn_4m(gpte, gva);
	return (gpte_table(role, gpte) >> PAGE_SHIFT & ~offset) | (gva >> PAGE_SHIFT & offset);
}

/* Bits of a 64-bit entry that are neither address nor flags of its level. */
static u64 reserved_of_level(struct cpu_role role, unsigned level, bool leaf)
{
	if (level >= 4)
		return GPTE_PS;
	if (gpte_is_pdpte(role, level))
		return BITS(8, 5) | BITS(2, 1);
	if (!leaf || level == LEVEL_4K)
		return 0;
	return BITS(PAGE_SHIFT + 9 * (level - 1) - 1, 13);
}

/* Bits 20:13 are address bits 39:32, as far as there are such. */
static u64 reserved_of_4m(unsigned maxphyaddr)
{
	return BIT(21) | (maxphyaddr < 40 ? BITS(20, 13 + maxphyaddr - 32) : 0);
}

u64 gpte_reserved(struct cpu_role role, unsigned level, bool leaf, unsigned maxphyaddr)
{
	u64 reserved = maxphyaddr < 52 ? BITS(51, maxphyaddr) : 0;

	if (role.base.has_4_byte_gpte)
		return leaf && level == LEVEL_2M ? reserved_of_4m(maxphyaddr) : 0;
	if (!role.ext.efer_lma)
		reserved |= BITS(62, 52);
	if (!role.base.efer_nx || gpte_is_pdpte(role, level))
		reserved |= GPTE_NX;
	return reserved | reserved_of_level(role, level, leaf);
}

#define CONFIG_VALID	1u
#define CONFIG_PSE	2u	/* 4-byte entries */
#define CONFIG_NX	2u	/* 8-byte entries */
#define CONFIG_LMA	4u

u8 gpte_config(struct cpu_role cpu, union mmu_role role)
{
	if (role.direct)
		return 0;
	if (role.has_4_byte_gpte)
		return CONFIG_VALID | (cpu.ext.cr4_pse ? CONFIG_PSE : 0);
	return CONFIG_VALID | (cpu.base.efer_nx ? CONFIG_NX : 0) |
	       (cpu.ext.efer_lma ? CONFIG_LMA : 0);
}

struct cpu_role gpte_config_cpu(union mmu_role role, u8 config)
{
	bool four_byte = role.has_4_byte_gpte;

	return (struct cpu_role){
		.base = { .level = role.level,
			  .has_4_byte_gpte = four_byte,
			  .efer_nx = !four_byte && config & CONFIG_NX },
		.ext = { .valid = 1,
			 .cr4_pse = four_byte && config & CONFIG_PSE,
			 .efer_lma = !four_byte && config & CONFIG_LMA },
	};
}
