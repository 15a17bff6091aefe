/* SPDX-License-Identifier: MIT */
/*
 * The guest of the duel: a small world in which random numbers meet often. A
 * dozen frames hold tables, at any level and shared at will, tables also lie
 * where data is mapped, and only a few indices are ever used.
 */
#include "tests/duel.h"

#define TABLES		12	/* frames 1..12 */
#define PDPTS		13	/* frames 13, 14: top tables of PAE, which nothing leads to: a walk that
			 * sets A in its own PDPTE makes that reserved bit fault the next time */

/* The second address space has the same tables, its own memory behind a part, may
 * write where the first may not, and ends elsewhere. */
const struct naive_slot duel_slots[] = {
	{ .gfn = 0, .npages = 128, .offset = 0 },
	{ .gfn = 0x203, .npages = 64, .offset = 128 * PAGE_SIZE },
	{ .gfn = 0x300, .npages = 64, .offset = 192 * PAGE_SIZE, .readonly = true },
	/* Two of our 2 MiB pages, and a small one before them. */
	{ .gfn = 0x3ff, .npages = 1025, .offset = 511 * PAGE_SIZE },
	/* 2 MiB of frames whose memory is not aligned to 2 MiB. */
	{ .gfn = 0x9ff, .npages = 514, .offset = 1536 * PAGE_SIZE },
	{ .as = 1, .gfn = 0, .npages = 128, .offset = 0 },
	{ .as = 1, .gfn = 0x203, .npages = 64, .offset = 2050 * PAGE_SIZE },
	{ .as = 1, .gfn = 0x300, .npages = 64, .offset = 192 * PAGE_SIZE },
	{ .as = 1, .gfn = 0x3ff, .npages = 513, .offset = 511 * PAGE_SIZE },
};

const unsigned duel_nr_slots = sizeof(duel_slots) / sizeof(duel_slots[0]);

/* A part of a random number, used up. */
static u64 take(u64 *r, unsigned below)
{
	u64 value = *r % below;

	*r = *r / below;
	return value;
}

unsigned duel_levels(const struct mmu_regs *regs)
{
	if (!(regs->cr0 & CR0_PG))
		return 0;
	if (!(regs->cr4 & CR4_PAE))
		return 2;
	return !(regs->efer & EFER_LMA) ? 3 : regs->cr4 & CR4_LA57 ? 5 : 4;
}

struct mmu_regs duel_level_regs(unsigned levels)
{
	struct mmu_regs regs = { .cr0 = CR0_PE | CR0_WP };

	if (!levels)
		return regs;
	regs.cr0 |= CR0_PG;
	regs.cr4 = CR4_PSE;
	if (levels >= 3) {
		regs.cr4 |= CR4_PAE;
		regs.efer |= EFER_NXE;
	}
	if (levels >= 4)
		regs.efer |= EFER_LME | EFER_LMA;
	if (levels == 5)
		regs.cr4 |= CR4_LA57;
	return regs;
}

struct mmu_regs duel_mode_regs(u64 r)
{
	static const u8 levels[] = { 0, 2, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5 };
	struct mmu_regs regs = duel_level_regs(levels[take(&r, sizeof(levels))]);

	if (regs.cr0 & CR0_PG)
		regs.cr3 = duel_root(&regs, r);
	return regs;
}

u64 duel_root(const struct mmu_regs *regs, u64 r)
{
	bool pae = duel_levels(regs) == 3;
	u64 root = (pae ? PDPTS + take(&r, 2) : 1 + take(&r, 2)) << PAGE_SHIFT;

	if (take(&r, 50) == 0)
		root = 0x280ull << PAGE_SHIFT; /* no slot there */
	return pae && take(&r, 2) ? root + 32 : root;
}

/* One of the few indices in use at a level. */
static u64 index_at(const struct mmu_regs *regs, unsigned level, u64 *r)
{
	static const u16 small[2][8] = { { 0, 1, 2, 511, 512, 513, 1023, 0 },
					 { 0, 1, 255, 256, 512, 768, 1023, 1 } };
	static const u16 large[8] = { 0, 0, 1, 1, 2, 3, 510, 511 };

	if (duel_levels(regs) == 2)
		return small[level - 1][take(r, 8)];
	if (duel_levels(regs) == 3 && level == 3)
		return take(r, 4);
	return level >= 3 ? take(r, 2) * 511 : large[take(r, 8)];
}

gva_t duel_gva(const struct mmu_regs *regs, u64 r)
{
	static const u16 offset[8] = { 0, 8, 16, 24, 0x7f8, 0x800, 0xff8, 0x20 };
	unsigned levels = duel_levels(regs);
	gva_t gva = offset[take(&r, 8)];

	if (!levels) /* a gpa */
		return gva | (take(&r, 2) ? take(&r, 32) : take(&r, 0xc10)) << PAGE_SHIFT;
	for (unsigned level = 1; level <= levels; level++)
		gva |= index_at(regs, level, &r)
		       << (12 + (levels == 2 ? 10 : 9) * (level - 1));
	if (levels >= 4 && gva >> (12 + 9 * levels - 1))
		gva |= ~0ull << (12 + 9 * levels - 1);
	return gva;
}

/* A frame for an entry to lead to; *large: it shall be a large page. */
static u64 target(u64 *r, bool *large)
{
	unsigned kind = take(r, 100);

	*large = kind >= 92;
	if (kind < 55)
		return 1 + take(r, TABLES);
	if (kind < 75)
		return 16 + take(r, 8);
	if (kind < 80)
		return 0x203 + take(r, 4);
	if (kind < 84)
		return 0x300 + take(r, 4);
	if (kind < 86)
		return 0x280;
	if (kind < 92)
		return (take(r, 3) ? 0x400 : 0xa00) + take(r, 2) * 511 + take(r, 3) - 1;
	return take(r, 4) ? take(r, 2) * 0x400 : take(r, 0xc00);
}

u64 duel_pte(const struct mmu_regs *regs, u64 r)
{
	unsigned levels = duel_levels(regs);
	bool large;
	u64 pte = target(&r, &large) << PAGE_SHIFT;

	if (take(&r, 12))
		pte |= 1;
	if (levels == 3 && take(&r, 3) == 0)
		return pte; /* fit for a PDPTE */
	pte |= take(&r, 10) < 8 ? 2 : 0;
	pte |= take(&r, 10) < 8 ? 4 : 0;
	pte |= take(&r, 4) << 5;
	pte |= large ? 0x80 : 0;
	pte |= take(&r, 8) == 0 ? 0x100 : 0;
	if (levels == 2)
		return large && take(&r, 4) ? pte & ~BITS(21, 12) : pte;
	if (take(&r, 12) == 0)
		pte |= BIT(63);
	if (take(&r, 150) == 0)
		pte |= take(&r, 2) ? BIT(51) : BIT(46);
	return pte;
}

gpa_t duel_table_gpa(const struct mmu_regs *regs, u64 r)
{
	unsigned levels = duel_levels(regs);
	unsigned level = levels ? 1 + take(&r, levels) : 1;
	bool pdpt = levels == 3 && level == 3;
	gpa_t gpa = (pdpt ? PDPTS + take(&r, 2) : 1 + take(&r, TABLES)) << PAGE_SHIFT;

	return gpa + index_at(regs, level, &r) * (levels == 2 ? 4 : 8) +
	       (pdpt ? take(&r, 2) * 32 : 0);
}

gpa_t duel_entry(const struct mmu_regs *regs, gpa_t table, gva_t gva, unsigned level)
{
	if (duel_levels(regs) == 2)
		return table + (gva >> (12 + 10 * (level - 1)) & 1023) * 4;
	if (duel_levels(regs) == 3 && level == 3)
		return table + (gva >> 30 & 3) * 8;
	return table + (gva >> (12 + 9 * (level - 1)) & 511) * 8;
}

/* A large page: of memory that ours may map as large, or may not. */
static u64 large_pte(const struct mmu_regs *regs, u64 *r)
{
	static const u16 frames[] = { 0, 0x400, 0x600, 0xa00 };
	u64 frame = frames[take(r, 4)];

	if (duel_levels(regs) == 2) /* 4 MiB */
		frame &= 0xc00;
	return frame << PAGE_SHIFT | 0x80;
}

u64 duel_pte_for(const struct mmu_regs *regs, unsigned level, u64 r)
{
	u64 pte = (level > 1 ? 1 + take(&r, TABLES) : 16 + take(&r, 8)) << PAGE_SHIFT;

	if (duel_levels(regs) == 3 && level == 3)
		return pte | 1;
	if (level == 2 && take(&r, 5) == 0)
		pte = large_pte(regs, &r);
	if (level == 1 && take(&r, 4) == 0)
		pte = ((take(&r, 2) ? 0x400 : 0xa00) + take(&r, 4) - 1) << PAGE_SHIFT;
	pte |= 1 | (take(&r, 8) ? 2 : 0) | (take(&r, 8) ? 4 : 0);
	if (duel_levels(regs) > 2 && take(&r, 8) == 0 && regs->efer & EFER_NXE)
		pte |= BIT(63);
	return pte | take(&r, 4) << 5;
}
