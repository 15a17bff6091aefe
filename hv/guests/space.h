/* SPDX-License-Identifier: MIT */
/*
 * Checks that every kind of paging must pass, at addresses of the guest's
 * choice. Include after PAGING_LEVELS is defined.
 */
#ifndef HV_GUESTS_SPACE_H
#define HV_GUESTS_SPACE_H

#include "hv/guests/fault.h"
#include "hv/guests/paging.h"

/* Marks the word at pa through the identity map and expects to see it at va. */
static inline void expect_alias(unsigned long va, unsigned long pa)
{
	static uint32_t mark = 0xf0000000;

	word_at(pa) = ++mark;
	expect_eq(word_at(va), mark);
}

static inline void expect_frame(unsigned long va, unsigned int n)
{
	expect_alias(va, frame(n));
}

/*
 * Accessed and dirty bits of a leaf, and the accessed bits of the tables
 * above it: set by the access that is due to set them, not before.
 */
static inline void accessed_and_dirty(table_t root, unsigned long va, unsigned int leaf)
{
	table_t pte = pte_at(root, va, leaf);

	for (unsigned int round = 0; round < 4; round++) {
		for (unsigned int l = leaf; l <= PAGING_LEVELS; l++) {
			if (link_flags(l) & PTE_W) {
				table_t entry = pte_at(root, va, l);

				pte_set(entry, *entry & ~(pte_t)(PTE_A | PTE_D));
			}
		}
		invlpg(va);
		expect_eq(access(KERNEL_READ, va), NO_FAULT);
		expect_eq(*pte & (PTE_A | PTE_D), PTE_A);
		expect_eq(access(KERNEL_WRITE, va), NO_FAULT);
		expect_eq(*pte & (PTE_A | PTE_D), PTE_A | PTE_D);
		for (unsigned int l = leaf + 1; l <= PAGING_LEVELS; l++) {
			if (link_flags(l) & PTE_W) {
				expect_eq(*pte_at(root, va, l) & PTE_A, PTE_A);
			}
		}
	}
}

/* The page at va and the one `apart` bytes on, moved from frame to frame. */
static inline void remap_and_flush(table_t root, unsigned long va, unsigned long apart)
{
	for (unsigned int n = 0; n < 64; n++) {
		map_page(root, va, frame(n), PTE_W);
		invlpg(va);
		expect_frame(va, n);
	}
	for (unsigned int n = 0; n < 32; n++) {
		map_page(root, va, frame(n), 0);
		map_page(root, va + apart, frame(n + 32), 0);
		load_root(root);
		expect_frame(va, n);
		expect_frame(va + apart, n + 32);
	}
}

/* Another root with something else at va; to and fro. */
static inline void two_address_spaces(table_t root, unsigned long va)
{
	table_t other = root_create();

	map_page(root, va, frame(10), PTE_W);
	map_page(other, va, frame(11), PTE_W);
	for (unsigned int round = 0; round < 32; round++) {
		load_root(other);
		expect_frame(va, 11);
		word_at(va + 4) = round;
		load_root(root);
		expect_frame(va, 10);
		word_at(va + 4) = round + 1000;
		expect_eq(word_at(frame(11) + 4), round);
		expect_eq(word_at(frame(10) + 4), round + 1000);
	}
}

/*
 * One entry of level 2 in turn a large page, a table, nothing. The table maps
 * the same frames back to front, so that the two differ everywhere.
 */
static inline void large_page_becomes_table(table_t root, unsigned long va)
{
	enum { I = 5, J = NR_ENTRIES - 24, LAST = NR_ENTRIES - 1 };
	unsigned long at_i = va + I * PAGE_SIZE, at_j = va + J * PAGE_SIZE;
	table_t table = table_alloc(), pde = pte_at(root, va, 2);

	for (unsigned int i = 0; i < NR_ENTRIES; i++) {
		pte_set(&table[i], frame(LAST - i) | PTE_P | PTE_W);
	}
	for (unsigned int round = 0; round < 8; round++) {
		pte_set(pde, FRAMES | PTE_PS | PTE_P | PTE_W);
		invlpg(at_i);
		invlpg(at_j);
		expect_frame(at_i, I);
		expect_frame(at_j, J);
		pte_set(pde, (unsigned long)table | link_flags(2));
		invlpg(va); /* the large page goes as a whole ... */
		expect_frame(at_i, LAST - I);
		expect_frame(at_j, LAST - J);
		pte_set(pde, 0);
		invlpg(at_i); /* ... small ones one by one */
		invlpg(at_j);
		expect_eq(access(KERNEL_READ, at_i), PF(0));
		expect_eq(access(KERNEL_WRITE, at_j), PF(PF_WRITE));
	}
}

/* INVLPG of any address in a large page must drop all of it. */
static inline void invlpg_drops_a_large_page(table_t root, unsigned long va)
{
	unsigned long half = leaf_size(2) / 2;
	unsigned long first = FRAMES, second = FRAMES + leaf_size(2);

	for (unsigned int where = 0; where < 2; where++) {
		map_leaf(root, va, first, 2, PTE_W);
		invlpg(va);
		expect_alias(va + 0x1000, first + 0x1000);
		expect_alias(va + half + 0x1000, first + half + 0x1000);
		map_leaf(root, va, second, 2, PTE_W);
		invlpg(va + where * half + 0x23456);
		expect_alias(va + 0x1000, second + 0x1000);
		expect_alias(va + half + 0x1000, second + half + 0x1000);
	}
}

static inline void remap_all(table_t root, unsigned long small, unsigned long large,
			     unsigned int n, pte_t flags)
{
	map_page(root, small, frame(n), PTE_W | flags);
	map_leaf(root, large, FRAMES + (n & 1) * leaf_size(2), 2, PTE_W | flags);
}

static inline void expect_all(unsigned long small, unsigned long large, unsigned int n)
{
	unsigned long pa = FRAMES + (n & 1) * leaf_size(2);

	expect_frame(small, n);
	expect_alias(large + 0x1000, pa + 0x1000);
	expect_alias(large + leaf_size(2) / 2 + 0x3000, pa + leaf_size(2) / 2 + 0x3000);
}

/*
 * Global pages are spared by a load of CR3; by INVLPG and a change of CR4.PGE they are
 * not. G means nothing while CR4.PGE is 0, nor in an entry that leads to a table.
 * Each page was in use before. Leaves CR4.PGE at 0.
 *
 *   small, large   each in a range of level 2 of its own
 *
 * source: APM2 5.5.2 "TLB Management"
 */
static inline void global_entries(table_t root, unsigned long small, unsigned long large)
{
	unsigned long off = read_cr4() & ~(unsigned long)CR4_PGE;
	unsigned int n = 0;

	for (unsigned int round = 0; round < 4; round++) {
		write_cr4(off);
		remap_all(root, small, large, n, PTE_G);
		load_root(root); /* without PGE it drops all */
		expect_all(small, large, n++);
		remap_all(root, small, large, n, PTE_G);
		write_cr4(off | CR4_PGE);
		expect_all(small, large, n++);
		remap_all(root, small, large, n, PTE_G);
		write_cr4(off);
		write_cr4(off | CR4_PGE);
		expect_all(small, large, n++);
		remap_all(root, small, large, n, PTE_G);
		invlpg(small);
		invlpg(large + leaf_size(2) / 2 * (round & 1) + 0x5000);
		expect_all(small, large, n++);
		remap_all(root, small, large, n, 0);
		invlpg(small);
		invlpg(large);
		expect_all(small, large, n++);
		*pte_at(root, small, 2) |= PTE_G;
		remap_all(root, small, large, n, 0); /* global no more */
		load_root(root);
		expect_all(small, large, n++);
		*pte_at(root, small, 2) &= ~(pte_t)PTE_G;
	}
	write_cr4(off);
}

enum { NR_DEMAND = 64, DEMAND_STEP = 0x3000, DEMAND_FRAME = 100 };
static table_t demand_root;
static unsigned long demand_start;
static unsigned int demand_next;

static inline bool map_on_demand(unsigned long va, unsigned int error)
{
	expect_eq(error, PF_WRITE);
	expect_eq(va, demand_start + demand_next * DEMAND_STEP);
	map_page(demand_root, va & ~(PAGE_SIZE - 1ul), frame(DEMAND_FRAME + demand_next), PTE_W);
	demand_next++;
	return true;
}

/* Pages mapped by the fault handler: as many faults as pages, none twice. */
static inline void demand_paging(table_t root, unsigned long va)
{
	unsigned int faults = page_faults();

	demand_root = root;
	demand_start = va;
	on_page_fault(map_on_demand);
	for (unsigned int i = 0; i < NR_DEMAND; i++) {
		word_at(va + i * DEMAND_STEP) = i;
	}
	on_page_fault(NULL);
	expect_eq(page_faults() - faults, NR_DEMAND);
	for (unsigned int i = 0; i < NR_DEMAND; i++) {
		expect_eq(word_at(frame(DEMAND_FRAME + i)), i);
	}
}

#endif
