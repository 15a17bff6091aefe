/* SPDX-License-Identifier: MIT */
/*
 * ptwriter: a guest that never stops rewriting its page tables. It knows what
 * every page must show, does something to the tables, flushes what the manual
 * tells it to flush and no more, and looks again. A shadow MMU that misses one
 * write, or keeps one entry too long, is found out.
 *
 * Built twice, for four levels and (ptwriter32) for two.
 *
 *   virtual                                    physical
 *   00000000   large pages, supervisor         000000, identity: the tables too
 *   TEST       pages under test: 2 tables      frame(...)
 *   SELF       a table that maps itself        tables
 *   REUSED, OTHER  tables of many lives        tables, frame(...)
 *   RECURSIVE  an entry of the root leads to the root: all tables of the guest
 *              seen as data, without any mapping of their own
 */
#ifdef __x86_64__
#define PAGING_LEVELS 4
#define NAME "ptwriter"
#define TEST 0x004000000000ul
#define SELF 0x008000000000ul
#define REUSED 0x010000000000ul
#define OTHER 0x7f0000000000ul
#define RECURSIVE 0xffffff0000000000ul
#define RECURSIVE_OFFSET(va) ((va) >> 9 & 0x7ffffffff8ul)
#else
#define PAGING_LEVELS 2
#define NAME "ptwriter32"
#define TEST 0x08000000ul
#define SELF 0x50000000ul
#define REUSED 0x90000000ul
#define OTHER 0xe0400000ul
#define RECURSIVE 0xff800000ul
#define RECURSIVE_OFFSET(va) ((va) >> 10 & 0x3ffffcul)
#endif
#include "hv/guests/cpu.h"
#include "hv/guests/fault.h"
#include "hv/guests/guest.h"
#include "hv/guests/paging.h"
#include "hv/guests/space.h"
#include "hv/guests/stores.h"

enum {
	RECURSIVE_INDEX = NR_ENTRIES - 2,
	NR_PAGES = 2 * NR_ENTRIES,
	NR_FRAMES = 512,
	NR_OPERATIONS = 3000,
	ABSENT = -1,
};

static table_t root;

/* What the pages under test must show: a frame and whether it may be written. */
static struct {
	int frame;
	bool writable;
} model[NR_PAGES];

static unsigned long page_va(unsigned int page)
{
	return TEST + (unsigned long)page * PAGE_SIZE;
}

/* Every frame's first word is its number. */
static void number_frames(void)
{
	for (unsigned int n = 0; n < NR_FRAMES; n++) {
		word_at(frame(n)) = n;
	}
}

static void expect_page(unsigned int page)
{
	unsigned long va = page_va(page);

	if (model[page].frame == ABSENT) {
		expect_eq(access(page & 1 ? KERNEL_WRITE : KERNEL_READ, va),
			  PF(page & 1 ? PF_WRITE : 0));
		return;
	}
	expect_eq(word_at(va), (unsigned int)model[page].frame);
	expect_eq(access(KERNEL_WRITE, va + 8),
		  model[page].writable ? NO_FAULT : PF(PF_WRITE | PF_PRESENT));
}

static void expect_all_pages(void)
{
	for (unsigned int page = 0; page < NR_PAGES; page++) {
		expect_page(page);
	}
}

static pte_t random_pte(unsigned int page, uint32_t *random)
{
	uint32_t r = next_random(random);

	if (r % 8 == 0) {
		model[page].frame = ABSENT;
		return 0;
	}
	model[page].frame = (int)((r >> 8) % NR_FRAMES);
	model[page].writable = r >> 3 & 1;
	return frame((unsigned int)model[page].frame) | PTE_P | (model[page].writable ? PTE_W : 0);
}

/* The entry of a page under test, as the recursive slot shows it. */
static table_t recursive_pte(unsigned long va)
{
	return (table_t)(RECURSIVE | RECURSIVE_OFFSET(va));
}

static void set_up(void)
{
	root[RECURSIVE_INDEX] = (unsigned long)root | PTE_P | PTE_W;
	for (unsigned int page = 0; page < NR_PAGES; page++) {
		model[page].frame = ABSENT;
		pte_at(root, page_va(page), 1);
	}
	number_frames();
	load_root(root);
#ifndef __x86_64__
	write_cr4(read_cr4() | CR4_PSE);
	write_cr0(read_cr0() | CR0_PG | CR0_WP);
#endif
	expect_all_pages();
}

/* Single entries through the identity map, INVLPG, look. */
static void random_entries(void)
{
	uint32_t random = 1;

	for (unsigned int i = 0; i < NR_OPERATIONS; i++) {
		unsigned int page = next_random(&random) % NR_PAGES;

		*pte_at(root, page_va(page), 1) = random_pte(page, &random);
		invlpg(page_va(page));
		expect_page(page);
		expect_page(next_random(&random) % NR_PAGES);
	}
	expect_all_pages();
}

/* The same through the recursive slot: tables are data two ways at once. */
static void recursive_entries(void)
{
	uint32_t random = 2;

	for (unsigned int i = 0; i < NR_OPERATIONS / 4; i++) {
		unsigned int page = next_random(&random) % NR_PAGES;
		unsigned long va = page_va(page);

		expect_eq(*recursive_pte(va) & PTE_ADDRESS, *pte_at(root, va, 1) & PTE_ADDRESS);
		*recursive_pte(va) = random_pte(page, &random);
		invlpg(va);
		expect_page(page);
	}
	expect_all_pages();
}

/* An entry stored by one kind of instruction, through the identity map or the
 * recursive slot: it says what it must, those beside it what they said. */
static void store_entry(const struct store *store, unsigned int page, uint32_t *random)
{
	table_t pte = pte_at(root, page_va(page), 1);
	pte_t left = pte[-1] & ~(pte_t)(PTE_A | PTE_D), right = pte[1] & ~(pte_t)(PTE_A | PTE_D);
	uint32_t r = next_random(random);
	pte_t value;

	model[page].frame = (int)((r >> 8) % NR_FRAMES);
	model[page].writable = r >> 3 & 1;
	value = frame((unsigned int)model[page].frame) | PTE_P | (model[page].writable ? PTE_W : 0);
	store->by(r >> 4 & 1 ? recursive_pte(page_va(page)) : pte, value);
	if (*pte != value) {
		print("  stored by %s:\n", store->name);
	}
	expect_eq(*pte, value);
	expect_eq(pte[-1] & ~(pte_t)(PTE_A | PTE_D), left);
	expect_eq(pte[1] & ~(pte_t)(PTE_A | PTE_D), right);
	invlpg(page_va(page));
	expect_page(page);
	expect_page(page - 1);
	expect_page(page + 1);
}

static void entries_by_every_instruction(void)
{
	uint32_t random = 5;

#ifdef __x86_64__
	write_cr4(read_cr4() | CR4_OSFXSR);
#endif
	for (unsigned int i = 0; i < NR_STORES * 16; i++) {
		unsigned int page = next_random(&random) % (NR_ENTRIES - 2) + 1;

		store_entry(&stores[i % NR_STORES], page + (i & 64 ? NR_ENTRIES : 0), &random);
	}
	expect_all_pages();
}

/* Many entries at once, one CR3 load for all of them. */
static void bulk_rewrite(void)
{
	uint32_t random = 3;

	for (unsigned int round = 0; round < 4; round++) {
		for (unsigned int page = 0; page < NR_PAGES; page += 1 + round) {
			*pte_at(root, page_va(page), 1) = random_pte(page, &random);
		}
		load_root(root);
		expect_all_pages();
	}
}

/*
 * A page table is taken out of its directory, changed while nobody uses it, and
 * put back: what it said before must be forgotten. INVLPG alone, no CR3 load.
 */
static void table_changed_while_out(void)
{
	uint32_t random = 4;
	unsigned long va = page_va(0);
	table_t pde = pte_at(root, va, 2), table = table_of(*pde);

	for (unsigned int round = 0; round < 64; round++) {
		unsigned int page = next_random(&random) % NR_ENTRIES;
		pte_t link = *pde;

		expect_page(page);
		*pde = 0;
		invlpg(page_va(page));
		expect_eq(access(KERNEL_READ, page_va(page)), PF(0));
		table[page] = random_pte(page, &random);
		*pde = link;
		invlpg(page_va(page));
		expect_page(page);
	}
	load_root(root);
	expect_all_pages();
}

/* Two tables under two directory entries change places again and again. */
static void tables_change_places(void)
{
	table_t low = pte_at(root, page_va(0), 2), high = pte_at(root, page_va(NR_ENTRIES), 2);

	for (unsigned int round = 0; round < 32; round++) {
		pte_t was = *low;

		*low = *high;
		*high = was;
		load_root(root);
		for (unsigned int page = 0; page < NR_ENTRIES; page++) {
			int f = model[page].frame;
			bool writable = model[page].writable;

			model[page] = model[page + NR_ENTRIES];
			model[page + NR_ENTRIES].frame = f;
			model[page + NR_ENTRIES].writable = writable;
		}
		for (unsigned int page = round; page < NR_PAGES; page += 37) {
			expect_page(page);
		}
	}
	expect_all_pages();
}

/* A page table with an entry that maps the table itself, and is changed by it. */
static void table_that_maps_itself(void)
{
	table_t pte = pte_at(root, SELF, 1);
	unsigned long table = (unsigned long)pte & ~(PAGE_SIZE - 1ul);
	table_t window = (table_t)SELF;

	*pte = table | PTE_P | PTE_W;
	invlpg(SELF);
	for (unsigned int i = 1; i < 64; i++) {
		unsigned long va = SELF + i * PAGE_SIZE;

		window[i] = frame(i) | PTE_P | PTE_W;
		expect_eq(word_at(va), i);
		window[i] = frame(i + 64) | PTE_P | PTE_W;
		invlpg(va);
		expect_eq(word_at(va), i + 64);
		window[i] = 0;
		invlpg(va);
		expect_eq(access(KERNEL_READ, va), PF(0));
	}
	/* The last thing it does through itself is to end itself. */
	window[0] = 0;
	invlpg(SELF);
	expect_eq(access(KERNEL_WRITE, SELF), PF(PF_WRITE));
}

/* Fills a table with data, as a program would that got the page for its own use. */
static void use_as_data(table_t page)
{
	for (unsigned int i = 0; i < NR_ENTRIES; i++) {
		page[i] = 0xdead0000 + i * 2; /* even: nothing present */
	}
}

/*
 * One page of memory in turn a page table, data, a table elsewhere (of the next
 * level, where there is one below the root), data again. As data it is written
 * through a mapping that must never be taken for a table.
 */
static void page_with_many_lives(void)
{
	enum { LEVEL = PAGING_LEVELS > 2 ? 2 : 1 }; /* of the second life */
	table_t life = table_alloc(), leaf = table_alloc();
	table_t first = pte_at(root, REUSED, 2), second = pte_at(root, OTHER, LEVEL + 1);

	for (unsigned int round = 0; round < 32; round++) {
		unsigned int i = round * 7 % NR_ENTRIES;
		unsigned long va = REUSED + i * PAGE_SIZE;
		unsigned long elsewhere = OTHER + i * leaf_size(LEVEL);

		life[i] = frame(round) | PTE_P | PTE_W;
		*first = (unsigned long)life | link_flags(2);
		expect_eq(word_at(va), round);
		*first = 0;
		invlpg(va);
		use_as_data(life);
		expect_eq(access(KERNEL_READ, va), PF(0));

		leaf[0] = frame(round + 100) | PTE_P | PTE_W;
		life[i] = LEVEL > 1 ? (unsigned long)leaf | link_flags(2) : leaf[0];
		*second = (unsigned long)life | link_flags(LEVEL + 1);
		expect_eq(word_at(elsewhere), round + 100);
		*second = 0;
		invlpg(elsewhere);
		use_as_data(life);
		expect_eq(access(KERNEL_READ, elsewhere), PF(0));
	}
}

/* The tables of another root, written from this one, then used, then dropped. */
static void roots_come_and_go(void)
{
	table_t other = root_create(), pte = pte_at(other, TEST, 1);

	for (unsigned int round = 0; round < 32; round++) {
		*pte = frame(round) | PTE_P | PTE_W;
		load_root(other);
		expect_eq(word_at(TEST), round);
		*pte = frame(round + 32) | PTE_P | PTE_W;
		invlpg(TEST);
		expect_eq(word_at(TEST), round + 32);
		load_root(root);
		expect_page(0);
	}
}

void guest_main(void)
{
	title(NAME, "page tables rewritten while in use");
	fault_init();
	root = root_create();

	step("two page tables, empty, and the recursive slot");
	set_up();
	step("3000 random entries, INVLPG each");
	random_entries();
	step("750 through the recursive slot");
	recursive_entries();
	step("entries by every instruction that stores");
	entries_by_every_instruction();
	step("whole tables, one CR3 load");
	bulk_rewrite();
	step("a table changed while it is out");
	table_changed_while_out();
	step("two tables change places");
	tables_change_places();
	step("a table that maps itself");
	table_that_maps_itself();
	step("one page: table, data, directory, data");
	page_with_many_lives();
	step("roots come and go");
	roots_come_and_go();
}
