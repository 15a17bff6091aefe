/* SPDX-License-Identifier: MIT */
/*
 * The operations that are measured. What must be there or gone before one can be
 * done again is put so by the others, between the measurements.
 */
#include "mmu/age.h"
#include "mmu/dirty_log.h"
#include "mmu/memslot.h"
#include "mmu/nested.h"
#include "mmu/resize.h"
#include "mmu/rmap.h"
#include "mmu/sp.h"
#include "tests/bench/bench.h"

static void all(struct bench *b, void (*run)(struct bench *b, const struct bench_page *page))
{
	for (unsigned i = 0; i < BENCH_WORK; i++)
		run(b, &b->work[i]);
}

static void walk(struct bench *b, const struct bench_page *page)
{
	struct mmu_walk walk;

	bench_check(mmu_walk(b->vcpu, page->gva, PFERR_USER, &walk) &&
		    walk.gpa >> PAGE_SHIFT == page->gfn);
}

static void host_walk(struct bench *b, const struct bench_page *page)
{
	struct mmu_host_step steps[5];

	bench_check(mmu_host_walk(b->vcpu, page->gva, steps) == 4);
}

static void fault(struct bench *b, const struct bench_page *page)
{
	bench_fault(b, page->gva, 0, MMU_RETRY);
}

static void fault_nothing(struct bench *b, const struct bench_page *page)
{
	bench_fault(b, page->gva, 0, MMU_SPURIOUS);
}

/* Another page, by an entry of the same table. However many tables there are, no other
 * one maps its frame, nor those around it. */
static struct bench_page aside(const struct bench_page *page)
{
	struct bench_page other = *page;

	other.gva += 256 * PAGE_SIZE;
	other.gfn += 256;
	return other;
}

static void zap_leaf(struct bench *b, const struct bench_page *page)
{
	bench_check(mmu_zap_range(b->vm, 0, page->gfn, page->gfn + 1) == 1);
}

static void zap_page(struct bench *b, const struct bench_page *page)
{
	bench_check(mmu_unprotect(b->vm, page->table));
}

static void get_page(struct bench *b, const struct bench_page *page)
{
	bench_check(sp_hash_lookup(b->vm, page->table, page->role, page->config));
}

static struct rmap_head *head_of(struct bench *b, const struct bench_page *page)
{
	return slot_rmap(b->vm, vm_slot(b->vm, page->gfn), page->gfn, LEVEL_4K);
}

static void add_rmap(struct bench *b, const struct bench_page *page)
{
	bench_check(rmap_add(b->vm, head_of(b, page), page->sptep, NULL) == MMU_OK);
}

static void remove_rmap(struct bench *b, const struct bench_page *page)
{
	rmap_remove(b->vm, head_of(b, page), page->sptep);
}

/* The guest's host stores the same value again: what mirrors the entry goes. */
static void guest_write(struct bench *b, const struct bench_page *page)
{
	u64 gpte = page->gfn << PAGE_SHIFT | 0x67;

	bench_check(mmu_vm_write(b->vm, page->gpte, &gpte, sizeof(gpte)) == sizeof(gpte));
}

/* ---- unsync tables ---------------------------------------------------------------- */

static void unsync(struct bench *b, const struct bench_page *page)
{
	bench_fault(b, page->alias, PFERR_WRITE, MMU_RETRY);
}

static void invlpg(struct bench *b, const struct bench_page *page)
{
	mmu_invlpg(b->vcpu, page->gva);
}

/* A load of CR3; where there are nested tables, a flush of what they say. */
static void flush_all(struct bench *b, const struct bench_page *page)
{
	const struct mmu_regs regs = *mmu_get_regs(b->vcpu);
	struct mmu_entry entry;

	(void)page;
	if (b->nested)
		mmu_nested_flush(b->vcpu);
	else
		mmu_set_regs(b->vcpu, &regs, true);
	bench_check(mmu_enter(b->vcpu, &entry) == MMU_OK);
	mmu_leave(b->vcpu);
}

static void set_unsync(struct bench *b, bool on)
{
	bench_check(mmu_set_knob(b->vm, MMU_KNOB_unsync, on) == MMU_OK);
}

static void allow_unsync(struct bench *b)
{
	set_unsync(b, true);
}

static void all_unsync(struct bench *b)
{
	set_unsync(b, true);
	all(b, unsync);
	for (unsigned i = 0; i < BENCH_WORK; i++)
		bench_check(sp_hash_lookup(b->vm, b->work[i].table, b->work[i].role,
					   b->work[i].config)->unsync);
}

static void all_synced(struct bench *b)
{
	flush_all(b, NULL);
	set_unsync(b, false);
	for (unsigned i = 0; i < BENCH_WORK; i++)
		bench_check(!sp_hash_lookup(b->vm, b->work[i].table, b->work[i].role,
					    b->work[i].config)->unsync);
}

static void all_zap_leaf(struct bench *b)
{
	all(b, zap_leaf);
}

static void all_zap_page(struct bench *b)
{
	all(b, zap_page);
}

static void all_fault(struct bench *b)
{
	all(b, fault);
}

static void all_add_rmap(struct bench *b)
{
	all(b, add_rmap);
}

static void all_remove_rmap(struct bench *b)
{
	all(b, remove_rmap);
}

/* ---- the dirty log ------------------------------------------------------------------ */

/* Of the 64 frames around the page one is dirty. */
static void harvest(struct bench *b, const struct bench_page *page)
{
	const struct memslot *slot = vm_slot(b->vm, page->gfn);
	u64 map[1];

	bench_check(mmu_dirty_harvest(b->vm, 0, slot->id, (page->gfn - slot->base_gfn) & ~63ull, 64,
				      map) == MMU_OK);
	bench_check(__builtin_popcountll(map[0]) == 1);
}

static void write(struct bench *b, const struct bench_page *page)
{
	bench_fault(b, page->gva, PFERR_WRITE, MMU_RETRY);
}

/* As the hardware does. */
static void set_bit(struct bench *b, const struct bench_page *page, u64 bit)
{
	struct mmu_host_step steps[5];
	unsigned nr = mmu_host_walk(b->vcpu, page->gva, steps);
	spte_t *leaf = mmu_va(&b->env, steps[nr - 1].hpa);

	atomic_fetch_or(&leaf->raw, bit);
}

static void set_d(struct bench *b, const struct bench_page *page)
{
	const struct bench_page other = aside(page);

	write(b, &other);
	set_bit(b, &other, SPTE_D);
}

static void harvest_d(struct bench *b, const struct bench_page *page)
{
	const struct bench_page other = aside(page);

	harvest(b, &other);
}

static void all_zap_aside(struct bench *b)
{
	for (unsigned i = 0; i < BENCH_WORK; i++) {
		const struct bench_page other = aside(&b->work[i]);

		zap_leaf(b, &other);
	}
}

/* Turning it on looks at every frame, so it stays on. */
static void log_data(struct bench *b, u32 flags)
{
	const struct memslot *slot = vm_slot(b->vm, b->work[0].gfn);

	if (slot->flags == flags)
		return;
	bench_check(mmu_dirty_log(b->vm, 0, slot->id, 0) == MMU_OK);
	bench_check(mmu_dirty_log(b->vm, 0, slot->id, flags) == MMU_OK);
}

static void all_write(struct bench *b)
{
	log_data(b, MMU_SLOT_LOG_DIRTY);
	all(b, write);
}

static void all_set_d(struct bench *b)
{
	log_data(b, MMU_SLOT_LOG_DIRTY | MMU_SLOT_LOG_BY_D);
	all(b, set_d);
}

/* ---- age ----------------------------------------------------------------------------- */

static void set_a(struct bench *b, const struct bench_page *page)
{
	set_bit(b, page, SPTE_A);
}

static void all_set_a(struct bench *b)
{
	all(b, set_a);
}

static void age(struct bench *b, const struct bench_page *page)
{
	bench_check(mmu_age_gfn(b->vm, 0, page->gfn).is == MMU_AGE_YOUNG);
}

/* ---- neighbours ------------------------------------------------------------------------ */

#define GROUP	8u

static void prefetch(struct bench *b, const struct bench_page *page)
{
	const struct bench_page other = aside(page);

	fault(b, &other);
}

static void begin_prefetch(struct bench *b)
{
	bench_check(mmu_set_knob(b->vm, MMU_KNOB_prefetch, 1) == MMU_OK);
}

static void zap_group(struct bench *b, const struct bench_page *page)
{
	gfn_t first = aside(page).gfn & ~(gfn_t)(GROUP - 1);

	bench_check(mmu_zap_range(b->vm, 0, first, first + GROUP) == GROUP);
}

static void end_prefetch(struct bench *b)
{
	all(b, zap_group);
	bench_check(mmu_set_knob(b->vm, MMU_KNOB_prefetch, 0) == MMU_OK);
}

/* ---- large and small -------------------------------------------------------------------- */

static void big(struct bench *b, const struct bench_page *page)
{
	bench_fault(b, page->big, 0, MMU_RETRY);
}

static void split(struct bench *b, const struct bench_page *page)
{
	u64 nr;

	bench_check(mmu_split_range(b->vm, 0, page->gfn, page->gfn + 1, &nr) == MMU_OK && nr == 1);
}

/* Frames beside the page's. What maps them in tables of level 1 stays. */
static void recover(struct bench *b, const struct bench_page *page, u64 frames)
{
	gfn_t first = aside(page).gfn & ~(gfn_t)(frames - 1);

	bench_check(mmu_recover_range(b->vm, 0, first, first + frames) == frames);
}

#define RECOVERED 64u	/* of 512 */

static void recover_some(struct bench *b, const struct bench_page *page)
{
	recover(b, page, RECOVERED);
}

static void all_big(struct bench *b)
{
	all(b, big);
}

static void all_split(struct bench *b)
{
	all(b, big);
	all(b, split);
}

static void recover_rest(struct bench *b)
{
	for (unsigned i = 0; i < BENCH_WORK; i++) {
		const struct bench_page *page = &b->work[i];
		gfn_t first = page->gfn & ~(gfn_t)(PT_ENTRIES - 1);

		bench_check(mmu_recover_range(b->vm, 0, first, first + PT_ENTRIES) ==
			    PT_ENTRIES - RECOVERED);
	}
}

static void recover_all(struct bench *b)
{
	for (unsigned i = 0; i < BENCH_WORK; i++)
		recover(b, &b->work[i], PT_ENTRIES);
}

#define ROW(name, sentence, prepare, run, finish, ...)                                             \
	{ name, sentence, prepare, run, finish, __VA_ARGS__ }
#define OP(...) ROW(__VA_ARGS__, .at_once = false)
#define LONG_OP(...) ROW(__VA_ARGS__, .long_one = true)
#define OP_AT_ONCE(...) ROW(__VA_ARGS__, .at_once = true)
#define NESTED(...) ROW(__VA_ARGS__, .nested = true)
#define NESTED_AT_ONCE(...) ROW(__VA_ARGS__, .nested = true, .at_once = true)

/* The first looks for pages as they come: one just made is the first of its chain. */
const struct bench_op bench_ops[] = {
	OP("page get", "found in the hash", NULL, get_page, NULL),
	OP("walk", "the guest's tables for a gva", NULL, walk, NULL),
	OP("host walk", "ours for a gva", NULL, host_walk, NULL),
	OP("fault", "of a page whose table is shadowed", all_zap_leaf, fault, NULL),
	OP("fault, spurious", "nothing is missing", NULL, fault_nothing, NULL),
	OP("fault, new page", "a shadow page is made", all_zap_page, fault, NULL),
	OP("rmap add", "a second entry for a frame", NULL, add_rmap, all_remove_rmap),
	OP("rmap remove", "the second one", all_add_rmap, remove_rmap, NULL),
	OP("guest write", "to a shadowed page table", NULL, guest_write, all_fault),
	OP("unsync", "a page table, for it is written to", allow_unsync, unsync, all_synced),
	OP("sync, INVLPG", "one unsync table", all_unsync, invlpg, all_synced),
	OP_AT_ONCE("sync, CR3", "an unsync table, when CR3 is loaded", all_unsync, flush_all, all_synced),
	OP("zap a frame", "the one entry that maps it", NULL, zap_leaf, all_fault),
	OP("zap a page", "with its one entry", NULL, zap_page, all_fault),
	OP("age", "of a frame that was used", all_set_a, age, NULL),
	OP("prefetch", "a fault, and seven neighbours", begin_prefetch, prefetch, end_prefetch),
	LONG_OP("split", "a page of 2 MiB", all_big, split, recover_all),
	LONG_OP("recover", "64 frames of a page that was split", all_split, recover_some, recover_rest),
	NESTED("nested fault", "of a page whose nested table is shadowed", all_zap_leaf,
	       fault, NULL),
	NESTED("nested fault, new page", "a shadow page is made", all_zap_page, fault, NULL),
	NESTED("nested unsync", "a nested table, for it is written to", allow_unsync, unsync,
	       all_synced),
	NESTED_AT_ONCE("nested sync", "an unsync table, when its guests are flushed", all_unsync,
		       flush_all, all_synced),
	OP("harvest", "64 frames, one is dirty", all_write, harvest, NULL),
	OP("harvest, D bits", "the same, and no faults before it", all_set_d, harvest_d, all_zap_aside),
};
const unsigned bench_nr_ops = sizeof(bench_ops) / sizeof(bench_ops[0]);
