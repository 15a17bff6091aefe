/* SPDX-License-Identifier: MIT */
/* Paging modes and register bits by name. */
#include "hv/sim/guest_mode.h"
#include <string.h>

static const char *const mode_name[NR_GUEST_MODES] = {
	[GUEST_unpaged] = "unpaged", [GUEST_2level] = "2level", [GUEST_pae] = "pae",
	[GUEST_4level] = "4level",   [GUEST_5level] = "5level",
};

enum guest_mode guest_mode_by_name(const char *name)
{
	enum guest_mode mode = 0;

	while (mode < NR_GUEST_MODES && strcmp(mode_name[mode], name))
		mode++;
	return mode;
}

struct mmu_regs guest_mode_regs(enum guest_mode mode, gpa_t root)
{
	struct mmu_regs regs = { .cr0 = CR0_PE | CR0_WP };

	if (mode == GUEST_unpaged)
		return regs;
	regs.cr0 |= CR0_PG;
	regs.cr3 = root;
	regs.cr4 = CR4_PSE;
	if (mode >= GUEST_pae) {
		regs.cr4 |= CR4_PAE;
		regs.efer |= EFER_NXE;
	}
	if (mode >= GUEST_4level)
		regs.efer |= EFER_LME | EFER_LMA;
	if (mode == GUEST_5level)
		regs.cr4 |= CR4_LA57;
	return regs;
}

/* Bits that set and clear know by name. */
static const struct {
	const char *name;
	size_t reg;	/* offset in struct mmu_regs */
	u64 bit;
} named_bit[] = {
	{ "pg", offsetof(struct mmu_regs, cr0), CR0_PG },
	{ "wp", offsetof(struct mmu_regs, cr0), CR0_WP },
	{ "pse", offsetof(struct mmu_regs, cr4), CR4_PSE },
	{ "pae", offsetof(struct mmu_regs, cr4), CR4_PAE },
	{ "pge", offsetof(struct mmu_regs, cr4), CR4_PGE },
	{ "pcide", offsetof(struct mmu_regs, cr4), CR4_PCIDE },
	{ "smep", offsetof(struct mmu_regs, cr4), CR4_SMEP },
	{ "smap", offsetof(struct mmu_regs, cr4), CR4_SMAP },
	{ "nx", offsetof(struct mmu_regs, efer), EFER_NXE },
};

#define NR_BITS (sizeof(named_bit) / sizeof(named_bit[0]))

void guest_change_bit(struct mmu_regs *regs, const char *name, bool set)
{
	for (unsigned i = 0; i < NR_BITS; i++) {
		u64 *reg = (u64 *)((char *)regs + named_bit[i].reg);

		if (!strcmp(named_bit[i].name, name))
			*reg = set ? *reg | named_bit[i].bit : *reg & ~named_bit[i].bit;
	}
}

bool guest_knows_bit(const char *name)
{
	for (unsigned i = 0; i < NR_BITS; i++)
		if (!strcmp(named_bit[i].name, name))
			return true;
	return false;
}
