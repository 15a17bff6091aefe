/* SPDX-License-Identifier: MIT */
/*
 * Real threads: vCPUs use memory, others make it old, a third zaps what maps it. Of
 * every second 2 MiB nobody makes anything old: what was used there once must never
 * be called old, whatever happens to its mapping. Meant for ThreadSanitizer, too.
 */
#include "mmu/age.h"
#include "mmu/slots.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "tests/guest_pt.h"

#include <sched.h>
#include <string.h>

#define VCPUS	2
#define AGERS	2
#define THREADS	(VCPUS + AGERS + 1)
#define FRAMES	4096u
#define BLOCK	512u
#define ROUNDS	1500u
#define MORE_RAM (FAKE_RAM + (1ull << 30))

static struct guest g;
static bool paged;
static _Atomic u32 running;
static _Atomic u64 nr_young, nr_unknown;
static _Atomic bool used[FRAMES];

struct worker {
	unsigned id;
	u64 state;
};

static u64 draw(struct worker *w, u64 below)
{
	w->state ^= w->state << 13;
	w->state ^= w->state >> 7;
	w->state ^= w->state << 17;
	return w->state % below;
}

/* Never made old. */
static bool is_kept(gfn_t gfn)
{
	return gfn / BLOCK & 1;
}

/* Where the frame is mapped: the guest's tables are in the first frames. */
static u64 addr_of(gfn_t gfn)
{
	return gfn << PAGE_SHIFT;
}

static void judge(gfn_t gfn, struct mmu_age age)
{
	switch (age.is) {
	case MMU_AGE_YOUNG:
		nr_young++;
		break;
	case MMU_AGE_UNKNOWN:
		nr_unknown++;
		break;
	default:
		ck_assert_msg(!is_kept(gfn) || !used[gfn], "gfn 0x%llx is old",
			      (unsigned long long)gfn);
	}
}

/* The hardware, in guest mode: what is unlinked is not freed before it has left. */
static bool walk_as_hardware(struct mmu_entry entry, u64 addr)
{
	hpa_t table_hpa = entry.root;

	for (unsigned level = entry.root_level; level >= 1; level--) {
		spte_t *sptep = (spte_t *)fake_va(&g.m.fake, table_hpa) + level_index(addr, level);
		u64 spte = spte_get(sptep);

		if (!(spte & SPTE_P) || !(spte & SPTE_MMU_P))
			return false;
		table_hpa = spte_hpa(spte);
		if (spte_is_leaf(spte, level))
			return g.m.vm->config.ad_disabled ||
			       atomic_compare_exchange_strong(&sptep->raw, &spte, spte | SPTE_A);
	}
	return false;
}

static bool run_guest(unsigned vcpu, u64 addr)
{
	struct mmu_entry entry;
	bool done;

	ck_assert_int_eq(mmu_enter(g.m.vcpu[vcpu], &entry), MMU_OK);
	done = walk_as_hardware(entry, addr);
	mmu_leave(g.m.vcpu[vcpu]);
	return done;
}

static void *vcpu_body(void *arg)
{
	struct worker *w = arg;
	struct mmu_fault out;

	for (unsigned i = 0; i < ROUNDS; i++) {
		gfn_t gfn = BLOCK + draw(w, FRAMES - BLOCK);
		bool done = run_guest(w->id, addr_of(gfn));

		for (unsigned k = 0; k < 8 && !done; k++) {
			ck_assert_int_ne(mmu_fault(g.m.vcpu[w->id], addr_of(gfn), PFERR_USER, &out),
					 MMU_NO_MEMORY);
			done = run_guest(w->id, addr_of(gfn));
		}
		if (!done)
			continue;
		used[gfn] = true;
		judge(gfn, is_kept(gfn) ? mmu_test_age_gfn(g.m.vm, 0, gfn) :
					  mmu_age_gfn(g.m.vm, 0, gfn));
	}
	running--;
	return NULL;
}

static void *ager_body(void *arg)
{
	u64 young[BLOCK / 64], known[BLOCK / 64];
	const struct mmu_age_bitmap bitmap = { young, known };
	struct worker *w = arg;

	while (running) {
		gfn_t start = draw(w, FRAMES / BLOCK + 1) * BLOCK;

		if (is_kept(start))
			mmu_test_age_bitmap(g.m.vm, 0, start, start + BLOCK, &bitmap);
		else
			mmu_age_bitmap(g.m.vm, 0, start, start + BLOCK, &bitmap);
		sched_yield();
	}
	return NULL;
}

/* A slot behind the others, in which somebody may be asking. */
static void change_slot(u64 how)
{
	if (how == 0)
		ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, 1), MMU_OK);
	else
		ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, 1, FRAMES + how), MMU_OK);
	if (how == 0)
		ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, 1, FRAMES, BLOCK, MORE_RAM, 0), MMU_OK);
}

static void *zapper_body(void *arg)
{
	struct worker *w = arg;

	while (running) {
		gfn_t start = BLOCK + draw(w, FRAMES - BLOCK);

		if (draw(w, 4) == 0)
			change_slot(draw(w, 3));
		if (draw(w, 8) == 0)
			mmu_zap_all(g.m.vm);
		else
			mmu_zap_range(g.m.vm, 0, start, start + 1 + draw(w, 600));
		sched_yield();
	}
	return NULL;
}

static void run_race(enum mmu_mode mode, bool no_ad, bool huge)
{
	const struct mmu_config config = { .mode = mode, .nr_vcpus = VCPUS, .tdp_level = 4,
					   .maxphyaddr = 48, .ad_disabled = no_ad };
	static void *(*const body[])(void *) = { vcpu_body, vcpu_body, ager_body, ager_body,
						 zapper_body };
	struct worker worker[THREADS];
	pthread_t thread[THREADS];

	paged = mode == MMU_MODE_SHADOW;
	guest_init_small(&g, paged ? LONG4 : UNPAGED, &config, FRAMES);
	machine_knob(&g.m, MMU_KNOB_huge, huge);
	for (gfn_t gfn = BLOCK; paged && gfn < FRAMES; gfn += huge ? BLOCK : 1)
		guest_map(&g, addr_of(gfn), gfn << PAGE_SHIFT, GPTE_W | GPTE_U, huge ? 2 : 1);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, 1, FRAMES, BLOCK, MORE_RAM, 0), MMU_OK);
	running = VCPUS;
	for (unsigned i = 0; i < THREADS; i++) {
		worker[i] = (struct worker){ i, 88172645463325252ull + i };
		ck_assert_int_eq(pthread_create(&thread[i], NULL, body[i], &worker[i]), 0);
	}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	machine_audit(&g.m);
	for (gfn_t gfn = BLOCK; gfn < FRAMES; gfn++)
		if (is_kept(gfn) && used[gfn])
			ck_assert_int_eq(mmu_test_age_gfn(g.m.vm, 0, gfn).is, MMU_AGE_YOUNG);
	ck_assert_uint_gt(nr_young, ROUNDS / 2);
	guest_fini(&g);
}

START_TEST(on_tdp_tables_nothing_used_is_called_old)
{
	run_race(MMU_MODE_TDP, false, false);
}
END_TEST

START_TEST(on_tdp_tables_with_large_pages_nothing_used_is_called_old)
{
	run_race(MMU_MODE_TDP, false, true);
}
END_TEST

START_TEST(on_tdp_tables_without_a_bits_nothing_used_is_called_old)
{
	run_race(MMU_MODE_TDP, true, false);
}
END_TEST

START_TEST(on_shadow_tables_nothing_used_is_called_old)
{
	run_race(MMU_MODE_SHADOW, false, false);
}
END_TEST

START_TEST(on_shadow_tables_without_a_bits_nothing_used_is_called_old)
{
	run_race(MMU_MODE_SHADOW, true, true);
}
END_TEST

TAP_MAIN("threads_age",
	 on_tdp_tables_nothing_used_is_called_old,
	 on_tdp_tables_with_large_pages_nothing_used_is_called_old,
	 on_tdp_tables_without_a_bits_nothing_used_is_called_old,
	 on_shadow_tables_nothing_used_is_called_old,
	 on_shadow_tables_without_a_bits_nothing_used_is_called_old)
