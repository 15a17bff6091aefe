/* SPDX-License-Identifier: MIT */
/*
 * Two real CPUs in one VM's MMU, with nothing between them and the library: each is
 * a vCPU that faults, one of them also zaps. TAP on the serial port. What the guest
 * would do between the faults is left out, so that nearly all the time is spent
 * where the CPUs can meet.
 */
#include "hv/core/pages.h"
#include "hv/svm/console.h"
#include "hv/svm/cpu.h"
#include "hv/svm/exit.h"
#include "hv/svm/lapic.h"
#include "hv/svm/memory.h"
#include "hv/svm/pvh.h"
#include "hv/svm/smp.h"
#include "hv/svm/timer.h"
#include "hv/svm/trap.h"
#include "hv/svm/x86.h"
#include "mmu/mmu.h"
#include "mmu/resize.h"

#include <stdatomic.h>

#define CPUS	2u
#define FRAMES	8192u	/* 32 MiB, in 16 tables */
#define ROUNDS	20u

/* Frames [0, FRAMES) that a CPU touches: from `first` on every `step`. */
struct job {
	unsigned first, step;
	bool zaps;		/* after each table's worth, zap one of the others */
	bool resizes;		/* make large what is mapped, and small again */
};

struct worker {
	struct mmu_vcpu *vcpu;
	struct job job;
	_Atomic unsigned rounds;	/* done */
	u64 began, ended;		/* TSC of the last round */
	u64 faults, bad;		/* in it; verdicts that must not be */
};

static struct pages storm_pages;
static struct pvh_info storm_boot;
static struct mmu_vm *storm_vm;
static struct worker workers[CPUS];
static _Atomic unsigned storm_round;	/* the workers are to do this many */
static unsigned storm_tests;

_Noreturn void hv_main(u32 start_info);

/* ---- what the library asks of its host ---------------------------------------- */

static hpa_t storm_page_alloc(void *ctx)
{
	return pages_get(ctx);
}

static void storm_page_free(void *ctx, hpa_t hpa)
{
	pages_put(ctx, hpa);
}

static void storm_emit(void *ctx, u8 vcpu, u16 id, const struct mmu_site *site,
		       const void *payload, u16 len)
{
	(void)ctx, (void)vcpu, (void)id, (void)site, (void)payload, (void)len;
}

/* Nobody is in a guest for long. */
static void storm_kick(void *ctx, u8 vcpu)
{
	(void)ctx, (void)vcpu;
}

static void storm_relax(void *ctx)
{
	(void)ctx;
	cpu_relax();
}

static void storm_panic(void *ctx, const char *file, u32 line, const char *text, u64 a, u64 b)
	__attribute__((noreturn));
static void storm_panic(void *ctx, const char *file, u32 line, const char *text, u64 a, u64 b)
{
	(void)ctx;
	panic("%s:%u: %s (%#lx, %#lx)", file, line, text, a, b);
}

static struct mmu_env storm_env = {
	.ctx = &storm_pages,
	.page_alloc = storm_page_alloc,
	.page_free = storm_page_free,
	.emit = storm_emit,
	.kick = storm_kick,
	.relax = storm_relax,
	.panic = storm_panic,
};

/* ---- work ------------------------------------------------------------------------ */

/* Enters, as a guest would that faults at once, and has the frame mapped. */
static void touch(struct worker *w, unsigned gfn)
{
	struct mmu_fault fault;
	struct mmu_entry entry;

	if (mmu_enter(w->vcpu, &entry) != MMU_OK) {
		w->bad++;
		return;
	}
	mmu_leave(w->vcpu);
	w->faults++;
	switch (mmu_fault(w->vcpu, (gpa_t)gfn << PAGE_SHIFT, PFERR_WRITE | PFERR_USER, &fault)) {
	case MMU_RETRY:
	case MMU_SPURIOUS:
		return;
	default:
		w->bad++;
	}
}

/* Large mappings of four tables' worth, and small ones; what faults meanwhile is small
 * or large as it comes. */
static void resize(struct worker *w, unsigned gfn)
{
	u64 nr;

	w->bad += mmu_set_knob(storm_vm, MMU_KNOB_huge, 1) != MMU_OK;
	mmu_recover_range(storm_vm, 0, gfn, gfn + 4 * PT_ENTRIES);
	w->bad += mmu_set_knob(storm_vm, MMU_KNOB_huge, 0) != MMU_OK;
	w->bad += mmu_split_range(storm_vm, 0, gfn, gfn + 4 * PT_ENTRIES, &nr) != MMU_OK;
}

static void do_round(struct worker *w)
{
	w->faults = 0;
	w->began = rdtsc();
	for (unsigned gfn = w->job.first, n = 0; gfn < FRAMES; gfn += w->job.step, n++) {
		touch(w, gfn);
		if (w->job.zaps && n % PT_ENTRIES == 0)
			mmu_zap_range(storm_vm, 0, n % FRAMES, n % FRAMES + PT_ENTRIES);
		if (w->job.zaps && n % (4 * PT_ENTRIES) == 0)
			mmu_zap_all(storm_vm);
		if (w->job.resizes && n % PT_ENTRIES == 0)
			resize(w, n);
	}
	w->ended = rdtsc();
}

/* Every CPU but the first lives here. */
static void work(unsigned index)
{
	struct worker *w = &workers[index];

	for (;;) {
		while (atomic_load(&storm_round) == atomic_load(&w->rounds))
			cpu_relax();
		do_round(w);
		atomic_fetch_add(&w->rounds, 1);
	}
}

/* All CPUs do their jobs at the same time. */
static void run_round(void)
{
	unsigned round = atomic_fetch_add(&storm_round, 1) + 1;

	do_round(&workers[0]);
	atomic_store(&workers[0].rounds, round);
	while (atomic_load(&workers[1].rounds) != round)
		cpu_relax();
}

/* ---- judging ---------------------------------------------------------------------- */

static void report(void *arg, const struct mmu_finding *f)
{
	(void)arg;
	console_printf("# %s: %s (page %u, entry %u, %#lx, %#lx)\n", f->rule, f->sentence, f->sp,
		       f->index, f->have, f->want);
}

static void ok(bool good, const char *sentence)
{
	console_printf("%s %u - %s\n", good ? "ok" : "not ok", ++storm_tests, sentence);
}

static bool is_sound(void)
{
	return !mmu_audit(storm_vm, report, NULL) && !workers[0].bad && !workers[1].bad;
}

static u64 mapped(void)
{
	struct mmu_stats stats;

	mmu_get_stats(storm_vm, &stats);
	return stats.sptes_4k;
}

static bool overlapped(void)
{
	return workers[0].began < workers[1].ended && workers[1].began < workers[0].ended;
}

static u64 took(void)
{
	u64 began = workers[0].began, ended = workers[0].ended;

	if (workers[1].began < began)
		began = workers[1].began;
	return (workers[1].ended > ended ? workers[1].ended : ended) - began;
}

static void alone(u64 *best)
{
	*best = ~0ull;
	for (unsigned i = 0; i < ROUNDS; i++) {
		mmu_zap_all(storm_vm);
		workers[0].job = (struct job){ .step = 1 };
		do_round(&workers[0]);
		if (workers[0].ended - workers[0].began < *best)
			*best = workers[0].ended - workers[0].began;
	}
	ok(mapped() == FRAMES && is_sound(), "one CPU alone has every frame mapped");
}

/* Who loses an exchange is through without an entry; a guest would fault again. Does
 * so, alone. returns  how many frames lacked one, or ~0: some still do */
static u64 make_whole(void)
{
	u64 lost = FRAMES - mapped();

	workers[0].job = (struct job){ .step = 1 };
	do_round(&workers[0]);
	return mapped() == FRAMES ? lost : ~0ull;
}

/* The frames are dealt out, so that the CPUs want the same tables. */
static void dealt_out(u64 *best)
{
	unsigned together = 0, whole = 0;
	u64 lost = 0, now;

	*best = ~0ull;
	for (unsigned i = 0; i < ROUNDS; i++) {
		mmu_zap_all(storm_vm);
		workers[0].job = (struct job){ .step = 2 };
		workers[1].job = (struct job){ .first = 1, .step = 2 };
		run_round();
		together += overlapped();
		if (took() < *best)
			*best = took();
		now = make_whole();
		whole += now != ~0ull;
		lost += now;
	}
	ok(whole == ROUNDS && is_sound(), "two CPUs have every other frame each mapped");
	ok(together, "and both were at it at the same time");
	console_printf("# %lu of %u faults lost an exchange\n", lost, ROUNDS * FRAMES);
}

/* The same frames in the same order: every table and every entry is wanted twice. */
static void race(void)
{
	unsigned whole = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		mmu_zap_all(storm_vm);
		workers[0].job = workers[1].job = (struct job){ .step = 1 };
		run_round();
		whole += make_whole() != ~0ull;
	}
	ok(whole == ROUNDS && is_sound(), "two CPUs race for every frame");
}

static void storm(void)
{
	unsigned whole = 0;

	for (unsigned i = 0; i < ROUNDS; i++) {
		workers[0].job = (struct job){ .step = 1 };
		workers[1].job = (struct job){ .step = 1, .zaps = true };
		run_round();
		whole += make_whole() != ~0ull;
	}
	ok(whole == ROUNDS && is_sound(), "one CPU faults while the other faults and zaps");
}

static void resize_storm(void)
{
	unsigned whole = 0;
	u64 nr;

	for (unsigned i = 0; i < ROUNDS; i++) {
		mmu_zap_all(storm_vm);
		workers[0].job = (struct job){ .step = 1 };
		workers[1].job = (struct job){ .step = 1, .resizes = true };
		run_round();
		workers[0].bad += mmu_split_range(storm_vm, 0, 0, FRAMES, &nr) != MMU_OK;
		whole += make_whole() != ~0ull;
	}
	ok(whole == ROUNDS && is_sound(), "one CPU faults while the other splits and recovers");
}

static void tell_speed(u64 one, u64 two)
{
	console_printf("# ticks for a frame, at best: one CPU %lu, two CPUs %lu (%lu.%02lu times)\n",
		       one / FRAMES, two / FRAMES, one / two, one * 100 / two % 100);
}

static void leaves_nothing(u64 pages_before)
{
	mmu_vm_destroy(storm_vm);
	ok(pages_nr_free(&storm_pages) == pages_before, "nothing is left behind");
}

/* ---- set-up ------------------------------------------------------------------------- */

static void make_vm(void)
{
	const struct mmu_config config = { .mode = MMU_MODE_TDP, .nr_vcpus = CPUS,
					   .tdp_level = 4, .maxphyaddr = 40 };
	hpa_t ram_hpa = pages_get_block(&storm_pages, FRAMES * PAGE_SIZE, level_bytes(LEVEL_2M));
	bool made = ram_hpa != HPA_INVALID &&
		    mmu_vm_create(&storm_env, &config, &storm_vm) == MMU_OK &&
		    mmu_slot_create(storm_vm, 0, 0, 0, FRAMES, ram_hpa, 0) == MMU_OK &&
		    mmu_set_knob(storm_vm, MMU_KNOB_huge, 0) == MMU_OK;

	for (unsigned i = 0; made && i < CPUS; i++)
		made = mmu_vcpu_create(storm_vm, i, &workers[i].vcpu) == MMU_OK;
	if (!made)
		panic("no memory for the machine");
}

_Noreturn void hv_main(u32 start_info)
{
	u64 one, two, pages_before;

	console_init();
	cpu_init(0);
	pages_init(&storm_pages, memory_ptr(0));
	pvh_read(start_info, &storm_boot, &storm_pages);
	lapic_start(true);
	timer_init();
	storm_env.direct_map = memory_ptr(0);
	make_vm();
	mmu_vm_destroy(storm_vm);
	pages_before = pages_nr_free(&storm_pages) - FRAMES;
	make_vm();
	console_printf("1..7\n");
	if (!smp_start(1, 1, &storm_pages, work)) {
		console_printf("Bail out! the second CPU does not come\n");
		image_exit(IMAGE_EXIT_CANNOT);
	}
	pages_before -= SMP_STACK / PAGE_SIZE;
	alone(&one);
	dealt_out(&two);
	tell_speed(one, two);
	race();
	storm();
	resize_storm();
	leaves_nothing(pages_before);
	image_exit(IMAGE_EXIT_OK);
}
