/* SPDX-License-Identifier: MIT */
/* The value of a shadow PTE: making it, reading its rights, judging it. */
#include "mmu/spte.h"

#define SPTE_PDPTE_BITS		(SPTE_P | SPTE_MMU_P | SPTE_PFN)
#define SPTE_IGNORED		BITS(62, 52)
#define SPTE_TABLE_RESERVED	(SPTE_LARGE | SPTE_G)

unsigned spte_access(u64 spte)
{
	return (spte & SPTE_NX ? 0 : ACC_EXEC) | (spte & SPTE_W ? ACC_WRITE : 0) |
	       (spte & SPTE_U ? ACC_USER : 0);
}

u64 spte_make_leaf(const struct spte_leaf *leaf)
{
	u64 spte = SPTE_P | SPTE_A | SPTE_MMU_P | leaf->pfn << PAGE_SHIFT;

	if (leaf->level > LEVEL_4K)
		spte |= SPTE_LARGE;
	if (!(leaf->access & ACC_EXEC))
		spte |= SPTE_NX;
	if (leaf->access & ACC_USER)
		spte |= SPTE_U;
	if (leaf->global)
		spte |= SPTE_G;
	if (leaf->host_writable)
		spte |= SPTE_HOST_W;
	if (leaf->host_writable && leaf->mmu_writable && leaf->access & ACC_WRITE)
		spte |= SPTE_MMU_W | (leaf->held ? 0 : SPTE_W) |
			(leaf->dirty || leaf->ad_disabled ? SPTE_D : 0);
	return leaf->unused ? spte_make_old(spte, leaf->ad_disabled) : spte;
}

u64 spte_make_mmio(gfn_t gfn, unsigned access, u64 generation)
{
	u64 spte = SPTE_MMIO | gfn << PAGE_SHIFT | (generation & 0xff) << 3 |
		   (generation >> 8 & 0x7ff) << 52;

	if (!(access & ACC_EXEC))
		spte |= SPTE_NX;
	if (access & ACC_USER)
		spte |= SPTE_U;
	return spte | (access & ACC_WRITE ? SPTE_W : 0);
}

u64 spte_make_table(hpa_t table_hpa)
{
	return table_hpa | SPTE_P | SPTE_W | SPTE_U | SPTE_A | SPTE_MMU_P | SPTE_MMU_W |
	       SPTE_HOST_W;
}

u64 spte_make_pdpte(hpa_t table_hpa)
{
	return table_hpa | SPTE_P | SPTE_MMU_P;
}

u64 spte_split(u64 spte, unsigned level, unsigned index)
{
	if (level - 1 == LEVEL_4K)
		spte &= ~SPTE_LARGE;
	return spte + (index * level_frames(level - 1) << PAGE_SHIFT);
}

bool spte_needs_flush(u64 old_spte, u64 new_spte, unsigned level)
{
	u64 lost = old_spte & ~new_spte;

	if (!spte_is_present(old_spte))
		return false;
	if (!spte_is_present(new_spte) || (old_spte ^ new_spte) & SPTE_PFN)
		return true;
	if (spte_is_leaf(old_spte, level) != spte_is_leaf(new_spte, level))
		return true;
	return lost & (SPTE_MMU_W | SPTE_U) || (new_spte & ~old_spte & SPTE_NX);
}

enum spte_state { EMPTY, MMIO, FROZEN, LEAF, TABLE, NR_STATES };

static enum spte_state state_of(u64 spte, unsigned level)
{
	if (spte_is_present(spte))
		return spte_is_leaf(spte, level) ? LEAF : TABLE;
	if (spte == SPTE_FROZEN)
		return FROZEN;
	return spte ? MMIO : EMPTY;
}

bool spte_may_become(u64 old_spte, u64 new_spte, unsigned level)
{
	static const u8 next[NR_STATES] = {
		[EMPTY] = 1u << EMPTY | 1u << MMIO | 1u << FROZEN | 1u << LEAF | 1u << TABLE,
		[MMIO] = 1u << EMPTY | 1u << MMIO | 1u << FROZEN | 1u << LEAF,
		[FROZEN] = 1u << FROZEN,
		[LEAF] = 1u << EMPTY | 1u << FROZEN | 1u << LEAF | 1u << TABLE,
		[TABLE] = 1u << EMPTY | 1u << FROZEN | 1u << LEAF,
	};

	return old_spte == new_spte ||
	       next[state_of(old_spte, level)] & 1u << state_of(new_spte, level);
}

/* An entry that the hardware must not use. */
static const char *check_not_present(u64 spte, unsigned level, bool tdp, unsigned maxphyaddr)
{
	if (spte_is_mmio(spte))
		return level == LEVEL_4K && maxphyaddr < 52 ? NULL : "D-9";
	if (spte == SPTE_FROZEN)
		return tdp ? NULL : "D-6";
	return spte == 0 ? NULL : "D-2";
}

static const char *check_leaf(u64 spte, unsigned level)
{
	bool host_w = spte & SPTE_HOST_W, mmu_w = spte & SPTE_MMU_W, w = spte & SPTE_W;

	if ((w && !mmu_w) || (mmu_w && !host_w))
		return "D-1";
	if ((spte & SPTE_LARGE) && (level == LEVEL_4K || level > LEVEL_1G))
		return "D-3";
	if ((spte_hpa(spte) >> PAGE_SHIFT) & (level_frames(level) - 1))
		return "D-5";
	return NULL;
}

const char *spte_check(u64 spte, unsigned level, bool tdp, bool pdpte, unsigned maxphyaddr)
{
	if (!spte_is_present(spte))
		return check_not_present(spte, level, tdp, maxphyaddr);
	if (spte_is_tracked(spte) && (spte & SPTE_A || !spte_is_leaf(spte, level) || pdpte))
		return "D-2";
	if (tdp)
		spte &= ~SPTE_AD_DISABLED;
	if (spte & (SPTE_IGNORED | (SPTE_PFN & ~(BIT(maxphyaddr) - 1))))
		return "D-3";
	if (pdpte)
		return spte & ~SPTE_PDPTE_BITS ? "D-3" : NULL;
	if (level == LEVEL_4K || spte & SPTE_LARGE)
		return check_leaf(spte, level);
	return spte & SPTE_TABLE_RESERVED || !(spte & SPTE_W) || !(spte & SPTE_U) ? "D-3" : NULL;
}

const char *spte_check_ad(u64 spte, unsigned level, bool tdp, bool ad_disabled)
{
	if (!spte_is_present(spte))
		return NULL;
	if ((spte & SPTE_AD_TYPE) != spte_ad_type(tdp, ad_disabled))
		return "D-10";
	if (!spte_is_leaf(spte, level))
		return NULL;
	if (spte_is_tracked(spte))
		return ad_disabled ? NULL : "D-10";
	return ad_disabled && !spte_is_young(spte) ? "D-10" : NULL;
}
