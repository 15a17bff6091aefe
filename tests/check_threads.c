/* SPDX-License-Identifier: MIT */
/*
 * Real threads as vCPUs: parallel faults, zaps, slots that come and go. Every
 * access checks what the tables lead to, so that a lost entry, a page freed too
 * early or a flush that did not wait shows. Meant for ThreadSanitizer, too.
 */
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "tests/fake_env.h"

#include <sched.h>
#include <string.h>

#define VCPUS	4
#define FRAMES	2048u
#define ROUNDS	1500u

struct race {
	struct machine m;
	_Atomic u32 kicked[VCPUS];
	_Atomic u32 running;	/* vCPU threads not done */
	_Atomic u32 walks[VCPUS];	/* begun and ended: odd during one */
	_Atomic u64 mapped, refused, flushed;
	bool slots_move;
};

struct worker {
	struct race *race;
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

static void on_kick(struct fake *fake, u8 vcpu)
{
	struct race *race = fake->hook_arg;

	race->kicked[vcpu] = 1;
}

/* The host's hypervisor: waits for the walks that are under way, and is not always
 * willing. */
static bool flush_root(void *ctx, hpa_t root_hpa, gfn_t gfn, u64 npages)
{
	struct race *race = ((struct fake *)ctx)->hook_arg;

	(void)root_hpa, (void)gfn, (void)npages;
	if (race->flushed++ % 8 == 7)
		return false;
	for (unsigned i = 0; i < VCPUS; i++) {
		u32 walk = race->walks[i];

		while (walk % 2 && race->walks[i] == walk)
			sched_yield();
	}
	return true;
}

/* The hardware: walks from the root it was given, in guest mode; a kick makes it
 * leave before the next step, and a reserved bit stops it. Frames of RAM are all
 * that it may arrive at. */
static void walk_as_hardware(struct race *race, struct worker *w, hpa_t table_hpa, gpa_t gpa)
{
	for (unsigned level = 4; level >= 1; level--) {
		const spte_t *sptep = (spte_t *)fake_va(&race->m.fake, table_hpa) +
				      level_index(gpa, level);
		u64 spte = spte_get(sptep);

		if (race->kicked[w->id] || !(spte & SPTE_MMU_P))
			return;
		table_hpa = spte_hpa(spte);
		if (spte_is_leaf(spte, level)) {
			gfn_t gfn = (gpa >> PAGE_SHIFT) & ~(level_frames(level) - 1);

			ck_assert_uint_eq(spte_hpa(spte), FAKE_RAM + (gfn << PAGE_SHIFT));
			race->mapped++;
			return;
		}
		ck_assert_uint_lt(table_hpa, FAKE_RAM);
	}
}

static void run_guest(struct race *race, struct worker *w, gpa_t gpa)
{
	struct mmu_vcpu *vcpu = race->m.vcpu[w->id];
	struct mmu_entry entry;

	race->kicked[w->id] = 0;
	ck_assert_int_eq(mmu_enter(vcpu, &entry), MMU_OK);
	for (unsigned i = 0; i < 4 && !race->kicked[w->id]; i++) {
		race->walks[w->id]++;
		walk_as_hardware(race, w, entry.root, gpa ^ i << PAGE_SHIFT);
		race->walks[w->id]++;
	}
	mmu_leave(vcpu);
}

static void *vcpu_body(void *arg)
{
	struct worker *w = arg;
	struct race *race = w->race;
	struct mmu_vcpu *vcpu = race->m.vcpu[w->id];
	struct mmu_host_step steps[5];
	struct mmu_fault out;

	for (unsigned i = 0; i < ROUNDS; i++) {
		gpa_t gpa = draw(w, FRAMES) << PAGE_SHIFT;
		enum mmu_verdict verdict;

		run_guest(race, w, gpa);
		verdict = mmu_fault(vcpu, gpa, draw(w, 2) ? PFERR_WRITE : 0, &out);
		ck_assert(verdict == MMU_RETRY || verdict == MMU_SPURIOUS ||
			  (verdict == MMU_EMULATE && race->slots_move));
		race->refused += verdict == MMU_EMULATE;
		mmu_host_walk(vcpu, gpa, steps);
		if (draw(w, 16) == 0)
			ck_assert_uint_le(mmu_vcpu_read(vcpu, gpa, steps, 16), 16);
	}
	race->running--;
	return NULL;
}

static void zap_something(struct race *race, struct worker *w)
{
	gfn_t start = draw(w, FRAMES);

	if (draw(w, 10) == 0)
		mmu_zap_all(race->m.vm);
	else
		mmu_zap_range(race->m.vm, 0, start, start + 1 + draw(w, 600));
}

static void move_slot(struct race *race)
{
	ck_assert_int_eq(mmu_slot_delete(race->m.vm, 0, 0), MMU_OK);
	sched_yield();
	ck_assert_int_eq(mmu_slot_create(race->m.vm, 0, 0, 0, FRAMES, FAKE_RAM, 0), MMU_OK);
}

static void *zapper_body(void *arg)
{
	struct worker *w = arg;

	while (w->race->running) {
		zap_something(w->race, w);
		if (w->race->slots_move && draw(w, 4) == 0)
			move_slot(w->race);
		sched_yield();
	}
	return NULL;
}

static void run_race(struct race *race, bool huge, bool slots_move, bool by_root)
{
	const struct mmu_config config = { .mode = MMU_MODE_TDP, .nr_vcpus = VCPUS, .tdp_level = 4,
					   .maxphyaddr = 48 };
	struct worker worker[VCPUS + 1];
	pthread_t thread[VCPUS + 1];

	memset(race, 0, sizeof(*race));
	machine_init(&race->m, &config);
	race->m.fake.env.flush_root = by_root ? flush_root : NULL;
	machine_knob(&race->m, MMU_KNOB_huge, huge);
	machine_ram(&race->m, 0, 0, FRAMES, 0);
	race->m.fake.hook_arg = race;
	race->m.fake.on_kick = on_kick;
	race->slots_move = slots_move;
	race->running = VCPUS;
	for (unsigned i = 0; i <= VCPUS; i++) {
		worker[i] = (struct worker){ .race = race, .id = i, .state = 88172645463325252ull + i };
		ck_assert_int_eq(pthread_create(&thread[i], NULL,
						i < VCPUS ? vcpu_body : zapper_body, &worker[i]), 0);
	}
	for (unsigned i = 0; i <= VCPUS; i++)
		pthread_join(thread[i], NULL);
	machine_audit(&race->m);
	ck_assert_uint_gt(race->mapped, 0);
}

START_TEST(vcpus_fault_in_parallel_while_ranges_are_zapped)
{
	static struct race race;

	run_race(&race, false, false, false);
	machine_fini(&race.m);
}
END_TEST

START_TEST(huge_pages_and_slots_that_move_change_nothing_about_that)
{
	static struct race race;

	run_race(&race, true, true, false);
	ck_assert_uint_gt(race.refused, 0);
	machine_fini(&race.m);
}
END_TEST

START_TEST(vcpus_run_on_while_their_root_is_flushed)
{
	static struct race race;

	run_race(&race, false, true, true);
	ck_assert_uint_gt(race.flushed, 0);
	ck_assert_uint_gt(race.m.vm->stats.root_failures, 0);
	machine_fini(&race.m);
}
END_TEST

/* With events on, each change takes up where the last one of the entry ended. */
START_TEST(events_of_an_entry_form_one_chain)
{
	static struct race race;
	static u64 value[4096][PT_ENTRIES];

	run_race(&race, false, false, false);
	for (size_t i = 0; i < race.m.fake.nr_events; i++) {
		const struct fake_event *event = &race.m.fake.events[i];

		if (event->id == EV_sp_new)
			memset(value[event->sp_new.sp], 0, sizeof(value[0]));
		if (event->id != EV_spte_set)
			continue;
		ck_assert_uint_lt(event->spte_set.sp, 4096);
		ck_assert_uint_eq(value[event->spte_set.sp][event->spte_set.index],
				  event->spte_set.old);
		value[event->spte_set.sp][event->spte_set.index] = event->spte_set.new;
	}
	machine_fini(&race.m);
}
END_TEST

TAP_MAIN("threads",
	 vcpus_fault_in_parallel_while_ranges_are_zapped,
	 huge_pages_and_slots_that_move_change_nothing_about_that,
	 vcpus_run_on_while_their_root_is_flushed,
	 events_of_an_entry_form_one_chain)
