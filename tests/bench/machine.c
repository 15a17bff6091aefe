/* SPDX-License-Identifier: MIT */
/*
 * The host and the guest of the benchmark.
 *
 *	hpa 0 ..		pages of the library
 *	UPPER_HPA ..		the guest's directories
 *	LEAF_HPA ..		its page tables: WINDOWS times the same WINDOW of real
 *				memory, so that a million of them takes little
 *	DATA_HPA ..		what they map; nothing touches it, nothing is there
 *
 * Page table number i maps one page that is used. So that each frame is mapped
 * once, the entry differs between the tables which are the same memory.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "mmu/guest_pte.h"
#include "mmu/memslot.h"
#include "mmu/nested.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "tests/bench/bench.h"

#define TABLES_MAX	(1u << 20)
#define WINDOW		8192u		/* page tables that are really there */
#define WINDOWS		(TABLES_MAX / WINDOW)

#define LIBRARY_PAGES	(1ull << 22)
#define UPPER_PAGES	4096u
#define UPPER_HPA	(LIBRARY_PAGES << PAGE_SHIFT)
#define LEAF_HPA	(UPPER_HPA + UPPER_PAGES * PAGE_SIZE)
#define DATA_HPA	(LEAF_HPA + TABLES_MAX * PAGE_SIZE)
#define DATA_FRAMES	((u64)WINDOW * PT_ENTRIES)

/* Guest frames: the root, three levels of tables, the data. The guest has all its
 * tables mapped a second time, from ALIAS on by pages of 2 MiB; from BIG_ALIAS on the
 * data. */
#define PDPT_GFN	1ull
#define ALIAS_PDPT_GFN	8ull
#define ALIAS_PD_GFN	16ull
#define ALIAS_PDS	(LEAF_GFN / PT_ENTRIES / PT_ENTRIES + TABLES_MAX / PT_ENTRIES / PT_ENTRIES + 1)
#define ALIAS		0xffff800000000000ull
#define BIG_ALIAS	0xffffc00000000000ull
#define BIG_PDPT_GFN	9ull
#define BIG_PD_GFN	32ull
#define BIG_PDS		(DATA_FRAMES / PT_ENTRIES / PT_ENTRIES)
#define PD_GFN		512ull
#define LEAF_GFN	((gfn_t)UPPER_PAGES)
#define DATA_GFN	(LEAF_GFN + TABLES_MAX)

#define RW_AD		(GPTE_P | GPTE_W | GPTE_U | GPTE_A | GPTE_D)

void bench_check_at(bool cond, const char *text, const char *file, unsigned line)
{
	if (cond)
		return;
	fprintf(stderr, "bench: %s:%u: does not hold: %s\n", file, line, text);
	exit(1);
}

/* ---- the host ------------------------------------------------------------------ */

static hpa_t page_alloc(void *ctx)
{
	struct bench *b = ctx;
	u64 page;

	count_pause(true);
	if (b->nr_free) {
		page = b->free[--b->nr_free];
		memset(b->memory + (page << PAGE_SHIFT), 0, PAGE_SIZE);
	} else {
		page = b->next++;
	}
	count_pause(false);
	bench_check(page < LIBRARY_PAGES);
	return page << PAGE_SHIFT;
}

static void page_free(void *ctx, hpa_t page_hpa)
{
	struct bench *b = ctx;

	b->free[b->nr_free++] = page_hpa >> PAGE_SHIFT;
}

static void emit(void *ctx, u8 vcpu, u16 id, const struct mmu_site *site, const void *payload,
		 u16 len)
{
	(void)ctx, (void)vcpu, (void)id, (void)site, (void)payload, (void)len;
}

static void kick(void *ctx, u8 vcpu)
{
	(void)ctx, (void)vcpu;
}

static void relax(void *ctx)
{
	(void)ctx;
}

static void __attribute__((noreturn)) panic(void *ctx, const char *file, u32 line,
					    const char *text, u64 a, u64 b)
{
	(void)ctx;
	fprintf(stderr, "bench: panic: %s:%u: %s (0x%llx, 0x%llx)\n", file, line, text,
		(unsigned long long)a, (unsigned long long)b);
	exit(1);
}

static void map_memory(struct bench *b)
{
	int fd = memfd_create("bench", 0), fixed = MAP_SHARED | MAP_FIXED;
	size_t window = WINDOW * PAGE_SIZE;

	b->memory = mmap(NULL, DATA_HPA, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	/* Bare metal has its memory in huge pages, too. */
	madvise(b->memory, UPPER_HPA, MADV_HUGEPAGE);
	bench_check(b->memory != MAP_FAILED && fd >= 0 && ftruncate(fd, window) == 0);
	for (u64 i = 0; i < WINDOWS; i++) {
		u8 *at = b->memory + LEAF_HPA + i * window;

		bench_check(mmap(at, window, PROT_READ | PROT_WRITE, fixed, fd, 0) == at);
	}
	close(fd);
	b->free = malloc(LIBRARY_PAGES * sizeof(*b->free));
	bench_check(b->free);
}

/* ---- the guest ------------------------------------------------------------------ */

static u64 *gpte(struct bench *b, gfn_t table, unsigned index)
{
	return (u64 *)(b->memory + UPPER_HPA + (table << PAGE_SHIFT)) + index;
}

static void put_gpte(struct bench *b, gfn_t table, unsigned index, gfn_t gfn)
{
	*gpte(b, table, index) = gfn << PAGE_SHIFT | RW_AD;
}

/* Pages of 2 MiB, by tables that lie at pdpt, and one after the other from pd on. */
static void write_alias(struct bench *b, gva_t gva, gfn_t pdpt, gfn_t pd, u64 pds, gfn_t gfn)
{
	put_gpte(b, 0, level_index(gva, 4), pdpt);
	for (u64 i = 0; i < pds * PT_ENTRIES; i++, gfn += PT_ENTRIES) {
		put_gpte(b, pdpt, i / PT_ENTRIES, pd + i / PT_ENTRIES);
		put_gpte(b, pd + i / PT_ENTRIES, i % PT_ENTRIES, gfn);
		*gpte(b, pd + i / PT_ENTRIES, i % PT_ENTRIES) |= GPTE_PS;
	}
}

static void write_tables(struct bench *b)
{
	write_alias(b, ALIAS, ALIAS_PDPT_GFN, ALIAS_PD_GFN, ALIAS_PDS, 0);
	write_alias(b, BIG_ALIAS, BIG_PDPT_GFN, BIG_PD_GFN, BIG_PDS, DATA_GFN);
	for (gfn_t pdpt = 0; pdpt < TABLES_MAX >> 18; pdpt++)
		put_gpte(b, 0, pdpt, PDPT_GFN + pdpt);
	for (gfn_t pd = 0; pd < TABLES_MAX >> 9; pd++)
		put_gpte(b, PDPT_GFN + (pd >> 9), pd & 511, PD_GFN + pd);
	for (gfn_t table = 0; table < TABLES_MAX; table++)
		put_gpte(b, PD_GFN + (table >> 9), table & 511, LEAF_GFN + table);
	for (gfn_t table = 0; table < WINDOW; table++)
		for (unsigned i = 0; i < PT_ENTRIES; i++)
			put_gpte(b, LEAF_GFN + table, i, DATA_GFN + table * PT_ENTRIES + i);
}

/* The used entry of page table number i: other for each of those that are the same
 * memory, and spread alike over the table however many there are. */
static unsigned used_entry(u64 i)
{
	return (i % WINDOW * 11 + i / WINDOW * 37) % WINDOWS;
}

static gva_t gva_of(u64 i)
{
	return i << 21 | used_entry(i) << PAGE_SHIFT;
}

static const struct mmu_regs regs = {
	.cr0 = CR0_PE | CR0_PG | CR0_WP,
	.cr4 = CR4_PAE,
	.efer = EFER_LME | EFER_LMA | EFER_NXE,
	.cpl = 3,
};

/* On the same tables. */
static void make_inner_guest(struct bench *b)
{
	const struct mmu_nested nested = {
		.np = true, .cr0 = regs.cr0, .cr4 = regs.cr4, .efer = regs.efer | EFER_SVME,
	};
	const struct mmu_regs inner = { .cr0 = CR0_PE };

	bench_check(mmu_nested_enter(b->vcpu, &nested, &inner) == MMU_OK);
}

static void make_guest(struct bench *b)
{
	const struct mmu_config config = {
		.mode = b->nested ? MMU_MODE_TDP : MMU_MODE_SHADOW, .nr_vcpus = 1,
		.tdp_level = b->nested ? 4 : 0, .maxphyaddr = 48,
	};
	struct mmu_entry entry;

	bench_check(mmu_vm_create(&b->env, &config, &b->vm) == MMU_OK);
	/* Each round is the first for its tables. */
	bench_check(mmu_set_knob(b->vm, MMU_KNOB_hot, 0) == MMU_OK);
	bench_check(mmu_slot_create(b->vm, 0, 0, 0, LEAF_GFN + TABLES_MAX, UPPER_HPA, 0) == MMU_OK);
	bench_check(mmu_slot_create(b->vm, 0, 1, DATA_GFN, DATA_FRAMES, DATA_HPA, 0) == MMU_OK);
	bench_check(mmu_vcpu_create(b->vm, 0, &b->vcpu) == MMU_OK);
	mmu_set_regs(b->vcpu, &regs, true);
	if (b->nested)
		make_inner_guest(b);
	bench_check(mmu_enter(b->vcpu, &entry) == MMU_OK);
	mmu_leave(b->vcpu);
}

static u64 nr_sps(struct bench *b)
{
	struct mmu_stats stats;

	mmu_get_stats(b->vm, &stats);
	return stats.sps;
}

void bench_fault(struct bench *b, u64 addr, u64 access, enum mmu_verdict want)
{
	struct mmu_fault fault;

	access |= b->nested ? PFERR_USER | PFERR_GUEST_FINAL : PFERR_USER;
	bench_check(mmu_fault(b->vcpu, addr, access, &fault) == want);
}

static void touch_all(struct bench *b, u64 want)
{
	for (; nr_sps(b) < want; b->nr_tables++)
		bench_fault(b, gva_of(b->nr_tables), 0, MMU_RETRY);
}

/* ---- the working set ------------------------------------------------------------- */

static void pick_page(struct bench *b, struct bench_page *page, u64 i)
{
	struct mmu_host_step steps[5];
	const struct sp *sp;
	unsigned nr;

	page->gva = gva_of(i);
	page->gfn = DATA_GFN + i % WINDOW * PT_ENTRIES + used_entry(i);
	page->table = LEAF_GFN + i;
	page->alias = ALIAS + (page->table << PAGE_SHIFT);
	page->big = BIG_ALIAS + ((page->gfn - DATA_GFN) << PAGE_SHIFT);
	if (b->nested)
		page->alias &= BITS(47, 0);
	page->gpte = page->table << PAGE_SHIFT | used_entry(i) * sizeof(u64);
	nr = mmu_host_walk(b->vcpu, page->gva, steps);
	bench_check(nr == 4);
	sp = sp_by_id(b->vm, steps[3].sp);
	bench_check(sp && sp->gfn == page->table && spte_is_leaf(steps[3].spte, 1));
	page->role = sp->role;
	page->config = sp->config;
	page->sptep = sp_entry(b->vm, sp, steps[3].index ^ 1);
}

u64 bench_need(u64 nr)
{
	/* Table, notes, record, and 256 MiB for all the rest. */
	return nr * (2 * PAGE_SIZE + 512) + (256ull << 20);
}

void bench_open(struct bench *b, u64 nr, bool nested)
{
	memset(b, 0, sizeof(*b));
	b->nested = nested;
	b->next = 1;
	map_memory(b);
	b->env = (struct mmu_env){
		.ctx = b, .direct_map = b->memory, .page_alloc = page_alloc,
		.page_free = page_free, .emit = emit, .kick = kick, .relax = relax, .panic = panic,
	};
	write_tables(b);
	make_guest(b);
	touch_all(b, nr);
	for (unsigned i = 0; i < BENCH_WORK; i++)
		pick_page(b, &b->work[i], (2 * i + 1) * b->nr_tables / (2 * BENCH_WORK));
}

void bench_close(struct bench *b)
{
	mmu_vm_destroy(b->vm);
	bench_check(b->nr_free == b->next - 1);
	bench_check(munmap(b->memory, DATA_HPA) == 0);
	free(b->free);
}
