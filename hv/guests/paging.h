/* SPDX-License-Identifier: MIT */
/*
 * Page tables of the three kinds x86 has, by one set of functions. The guest
 * defines PAGING_LEVELS as 2, 3 or 4 before it includes this file.
 *
 *            index bits of a virtual address         entry   leaf sizes
 *   2        10 | 10 | 12                            4 byte  4K 4M
 *   3 (PAE)   2 |  9 |  9 | 12                       8 byte  4K 2M
 *   4         9 |  9 |  9 | 9 | 12                   8 byte  4K 2M (1G)
 *
 * Level 1 is the table of 4K pages. Every guest maps its first 16 MiB to
 * themselves, hence a table's address is also a pointer to it. Nothing here
 * flushes the TLB: that is the guest's business.
 *
 *   000000  real-mode area, not used
 *   100000  the guest's image
 *   200000  tables, handed out by table_alloc(), never taken back
 *   400000  data frames: frame(0), frame(1) ... up to 1000000
 *
 * source: APM2 5.2 "Legacy-Mode Page Translation", 5.3 "Long-Mode Page
 * Translation", 5.4 "Page-Translation-Table Entry Fields"
 */
#ifndef HV_GUESTS_PAGING_H
#define HV_GUESTS_PAGING_H

#include "hv/guests/cpu.h"
#include "hv/guests/guest.h"

#if PAGING_LEVELS == 2
typedef uint32_t pte_t;
enum { INDEX_BITS = 10 };
#define PTE_ADDRESS 0xfffff000u
#else
typedef uint64_t pte_t;
enum { INDEX_BITS = 9 };
#define PTE_ADDRESS 0x000ffffffffff000ull
#define PTE_NX (1ull << 63)
#endif

enum {
	PTE_P = 1 << 0,
	PTE_W = 1 << 1,
	PTE_U = 1 << 2,
	PTE_A = 1 << 5,
	PTE_D = 1 << 6,
	PTE_PS = 1 << 7, /* a leaf above level 1 */
	PTE_G = 1 << 8,

	NR_ENTRIES = 1 << INDEX_BITS,
	TABLES = 0x200000,
	FRAMES = 0x400000,
	MEMORY_END = 0x1000000,
};

typedef volatile pte_t *table_t;

/* What a leaf of this level maps, in bytes. */
static inline unsigned long leaf_size(unsigned int level)
{
	return 1ul << (12 + INDEX_BITS * (level - 1));
}

static inline unsigned int pte_index(unsigned long va, unsigned int level)
{
	return va >> (12 + INDEX_BITS * (level - 1)) & (NR_ENTRIES - 1);
}

/* Data frame number n. */
static inline unsigned long frame(unsigned int n)
{
	return FRAMES + (unsigned long)n * PAGE_SIZE;
}

/* A zeroed table. */
static inline table_t table_alloc(void)
{
	static unsigned long next = TABLES;
	table_t table = (table_t)next;

	expect(next < FRAMES);
	next += PAGE_SIZE;
	for (unsigned int i = 0; i < NR_ENTRIES; i++) {
		table[i] = 0;
	}
	return table;
}

/* The table an entry points to. */
static inline table_t table_of(pte_t pte)
{
	return (table_t)(unsigned long)(pte & PTE_ADDRESS);
}

/*
 * Stores an entry. An 8-byte entry takes a 32-bit CPU two stores: it is made
 * not present in between, so that no walk ever sees a mixture.
 */
static inline void pte_set(table_t pte, pte_t value)
{
#if PAGING_LEVELS == 3
	volatile uint32_t *half = (volatile uint32_t *)pte;

	half[0] = 0;
	half[1] = (uint32_t)(value >> 32);
	half[0] = (uint32_t)value;
#else
	*pte = value;
#endif
}

/*
 * What an entry that points to a table carries: all rights, so that the leaf
 * decides. A PAE directory pointer has no rights at all, they are reserved bits.
 */
static inline pte_t link_flags(unsigned int level)
{
	return PAGING_LEVELS == 3 && level == 3 ? PTE_P : PTE_P | PTE_W | PTE_U;
}

/* The entry of va at this level; missing tables above it are made. */
static inline table_t pte_at(table_t root, unsigned long va, unsigned int level)
{
	table_t table = root;

	for (unsigned int l = PAGING_LEVELS; l > level; l--) {
		table_t pte = &table[pte_index(va, l)];

		if (!(*pte & PTE_P)) {
			pte_set(pte, (unsigned long)table_alloc() | link_flags(l));
		}
		table = table_of(*pte);
	}
	return &table[pte_index(va, level)];
}

/* Maps one leaf; flags beside PTE_P and PTE_PS. */
static inline void map_leaf(table_t root, unsigned long va, unsigned long pa,
			    unsigned int level, pte_t flags)
{
	pte_t large = level > 1 ? PTE_PS : 0;

	pte_set(pte_at(root, va, level), pa | flags | large | PTE_P);
}

static inline void map_page(table_t root, unsigned long va, unsigned long pa, pte_t flags)
{
	map_leaf(root, va, pa, 1, flags);
}

/* A root whose first 16 MiB are mapped to themselves, by large pages. */
static inline table_t root_create(void)
{
	table_t root = table_alloc();

	for (unsigned long pa = 0; pa < MEMORY_END; pa += leaf_size(2)) {
		map_leaf(root, pa, pa, 2, PTE_W);
	}
	return root;
}

static inline void load_root(table_t root)
{
	write_cr3((unsigned long)root);
}

#endif
