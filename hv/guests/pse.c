/* SPDX-License-Identifier: MIT */
/*
 * pse: the oldest paging of x86, two levels of 1024 4-byte entries, 4M pages.
 * A shadow MMU must cut such a table into pieces, since a table of 8-byte
 * entries maps less: the directory into four (bits 31:30 of the address), a page
 * table into two (bit 21), a 4M page into two of 2M. Hence addresses on both
 * sides of every cut.
 *
 *   virtual                                   physical
 *   00000000  4M pages, supervisor            000000, identity
 *   g*1GiB + 08000000  4K pages               frame(...)
 *   g*1GiB + 0c000000  4M pages               400000, 800000 ...
 *   01400000  the page of ring-3 code         user_code
 */
#define PAGING_LEVELS 2
#include "hv/guests/cpu.h"
#include "hv/guests/fault.h"
#include "hv/guests/guest.h"
#include "hv/guests/paging.h"
#include "hv/guests/rights.h"
#include "hv/guests/space.h"

#define GIB(g) ((unsigned long)(g) << 30)

enum {
	SMALL = 0x08000000, /* 4K pages, in each GiB */
	LARGE = 0x0c000000, /* 4M pages, in each GiB */
	USER_CODE = 0x01400000,
	NR_GIB = 4,
};

static table_t root;

/* Table entries on both sides of every cut, and their neighbours. */
static const uint16_t cut_index[] = { 0, 1, 255, 256, 511, 512, 513, 767, 768, 1023 };
enum { NR_CUTS = sizeof(cut_index) / sizeof(cut_index[0]) };

static void enter_paging(void)
{
	word_at(frame(0)) = 0x600dda7a;
	load_root(root);
	write_cr4(read_cr4() | CR4_PSE);
	write_cr0(read_cr0() | CR0_PG | CR0_WP);
	expect_eq(word_at(frame(0)), 0x600dda7a);
	map_page(root, USER_CODE, (unsigned long)user_code, PTE_U);
	user_code_at(USER_CODE);
}

/* Visits one page for every GiB, for every cut of a page table. */
static void small_pages_in_all_quadrants(void)
{
	unsigned int n = 0;

	for (unsigned int g = 0; g < NR_GIB; g++) {
		for (unsigned int c = 0; c < NR_CUTS; c++, n++) {
			map_page(root, GIB(g) + SMALL + cut_index[c] * PAGE_SIZE, frame(n), PTE_W);
		}
	}
	for (unsigned int g = 0, i = 0; g < NR_GIB; g++) {
		for (unsigned int c = 0; c < NR_CUTS; c++, i++) {
			word_at(GIB(g) + SMALL + cut_index[c] * PAGE_SIZE + 8) = 0xbeef0000 + i;
		}
	}
	for (unsigned int i = 0; i < n; i++) {
		expect_eq(word_at(frame(i) + 8), 0xbeef0000 + i);
	}
}

/* The directory's own cuts: entries 0, 255, 256 ... lead to different tables. */
static void directory_entries_at_the_cuts(void)
{
	for (unsigned int i = 0; i < NR_CUTS; i++) {
		unsigned long va = (unsigned long)cut_index[i] << 22 | 0x003ff000;

		if (va >= MEMORY_END) {
			map_page(root, va, frame(i), PTE_W);
			expect_frame(va, i);
		}
	}
}

static void one_table_in_many_places(void)
{
	table_t shared = table_alloc();

	for (unsigned int g = 0; g < NR_GIB; g++) {
		pte_set(pte_at(root, GIB(g) + SMALL + 0x400000, 2),
			(unsigned long)shared | link_flags(2));
	}
	for (unsigned int c = 0; c < NR_CUTS; c++) {
		unsigned long offset = SMALL + 0x400000 + cut_index[c] * PAGE_SIZE;

		shared[cut_index[c]] = frame(c) | PTE_P | PTE_W;
		for (unsigned int g = 0; g < NR_GIB; g++) {
			word_at(GIB(g) + offset) = g * 1000 + c;
			expect_eq(word_at(GIB(3 - g) + offset), g * 1000 + c);
		}
		shared[cut_index[c]] = 0;
		for (unsigned int g = 0; g < NR_GIB; g++) {
			invlpg(GIB(g) + offset);
			expect_eq(access(KERNEL_READ, GIB(g) + offset), PF(0));
		}
	}
}

static void large_pages_in_all_quadrants(void)
{
	for (unsigned int g = 0; g < NR_GIB; g++) {
		unsigned long pa = FRAMES + (g % 3) * 0x400000;
		unsigned long va = GIB(g) + LARGE;

		map_leaf(root, va, pa, 2, PTE_W);
		for (unsigned long offset = 0; offset < 0x400000; offset += 0x1ff000) {
			word_at(va + offset) = offset + g;
			expect_eq(word_at(pa + offset), offset + g);
		}
	}
}

static void ad_bits(void)
{
	unsigned long small = GIB(3) + SMALL + 0x800000 + 700 * PAGE_SIZE;
	unsigned long large = GIB(3) + LARGE + 0x800000;

	map_page(root, small, frame(1), PTE_W);
	accessed_and_dirty(root, small, 1);
	map_leaf(root, large, FRAMES, 2, PTE_W);
	accessed_and_dirty(root, large + 0x1000, 2);
	accessed_and_dirty(root, large + 0x345000, 2);
}

static void rights_of_both_levels(void)
{
	unsigned long va = GIB(2) + SMALL + 0x1400000 + 900 * PAGE_SIZE;

	map_page(root, va, frame(3), PTE_W | PTE_U);
	put_code(frame(3));
	rights_exhaust(root, va, 2, 1);
}

static void rights_of_a_large_page(void)
{
	unsigned long va = GIB(3) + LARGE + 0xc00000;

	map_leaf(root, va, FRAMES, 2, PTE_W | PTE_U);
	for (unsigned int half = 0; half < 2; half++) {
		put_code(FRAMES + half * 0x200000);
		rights_exhaust(root, va + half * 0x200000, 2, 2);
	}
}

static void leave_paging(void)
{
	for (unsigned int round = 0; round < 4; round++) {
		write_cr0(read_cr0() & ~(unsigned long)CR0_PG);
		word_at(frame(0)) = round;
		write_cr0(read_cr0() | CR0_PG);
		expect_eq(word_at(frame(0)), round);
		map_page(root, GIB(3) + SMALL, frame(round), PTE_W);
		invlpg(GIB(3) + SMALL);
		expect_frame(GIB(3) + SMALL, round);
	}
}

void guest_main(void)
{
	title("pse", "two-level page tables and 4M pages");
	fault_init();
	root = root_create();

	step("paging on, the first 16 MiB mapped to themselves");
	enter_paging();
	step("4K pages in every GiB, on both sides of every cut");
	small_pages_in_all_quadrants();
	step("directory entries at the cuts");
	directory_entries_at_the_cuts();
	step("one page table seen in four GiB");
	one_table_in_many_places();
	step("4M pages in every GiB");
	large_pages_in_all_quadrants();
	step("INVLPG drops both halves of a 4M page");
	invlpg_drops_a_large_page(root, GIB(2) + LARGE + 0x400000);
	step("a 4M page becomes a table and back");
	large_page_becomes_table(root, GIB(1) + LARGE + 0x800000);
	step("accessed and dirty bits");
	ad_bits();
	step("remapping, by INVLPG and by CR3");
	remap_and_flush(root, SMALL + 0xc00000 + 600 * PAGE_SIZE, GIB(2));
	step("two address spaces");
	two_address_spaces(root, GIB(1) + SMALL + 0x1000000 + 512 * PAGE_SIZE);
	step("rights of directory and table, ring 0 and ring 3");
	rights_of_both_levels();
	step("rights of a 4M page");
	rights_of_a_large_page();
	step("global pages and CR4.PGE");
	global_entries(root, GIB(2) + SMALL + 0x1800000, GIB(1) + LARGE + 0xc00000);
	step("64 pages on demand, 64 faults");
	demand_paging(root, GIB(1) + SMALL + 0x1ff0000);
	step("paging off and on again");
	leave_paging();
}
