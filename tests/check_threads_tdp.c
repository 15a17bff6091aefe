/* SPDX-License-Identifier: MIT */
/*
 * Real threads on TDP trees: vCPUs read and write through their hardware, which
 * notes A and D, and fault; others zap ranges and everything, split, recover, take W
 * away as a log does, change the knob for large pages. Whatever the hardware arrives
 * at is right at any time; in the end so is every access, and the audit.
 */
#include "mmu/dirty_log.h"
#include "mmu/flush.h"
#include "mmu/resize.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/tdp_iter.h"
#include "mmu/tdp_mmu.h"
#include "tests/fake_env.h"

#include <sched.h>
#include <string.h>

#define VCPUS		3
#define CHANGERS	3
#define FRAMES		4096u	/* 16 MiB: eight large pages */
#define CHANGES		600u	/* of all changers, at least */

static struct machine m;
static _Atomic u32 kicked[VCPUS], running, changes;
static _Atomic u64 arrived, zapped, split, recovered, taken;
static _Atomic u32 writes[FRAMES];	/* that were done */
static bool logged;			/* by a log, which one of the changers harvests */

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

static void on_kick(struct fake *fake, u8 vcpu)
{
	(void)fake;
	kicked[vcpu] = 1;
}

/* ---- vCPUs ------------------------------------------------------------------------- */

/* As hardware does: A, and D for a write, in the entry that was read, or once more. */
static bool note(spte_t *sptep, u64 spte, bool write)
{
	u64 noted = spte | SPTE_A | (write ? SPTE_D : 0);

	return noted == spte || atomic_compare_exchange_strong(&sptep->raw, &spte, noted);
}

/* One access in guest mode.
 * returns  0: it was done, or a kick came; else the error code of its fault */
static u64 run_access(struct worker *w, hpa_t table_hpa, gpa_t gpa, bool write)
{
	u64 error = PFERR_USER | (write ? PFERR_WRITE : 0), spte;
	unsigned level = 4;
	gfn_t gfn;

	while (!kicked[w->id]) {
		spte_t *sptep = (spte_t *)fake_va(&m.fake, table_hpa) + level_index(gpa, level);

		spte = spte_get(sptep);
		if (!(spte & SPTE_P))
			return error;
		if (write && !(spte & SPTE_W))
			return error | PFERR_PRESENT;
		if (!spte_is_leaf(spte, level)) {
			table_hpa = spte_hpa(spte);
			ck_assert_uint_lt(table_hpa, FAKE_RAM);
			level--;
			continue;
		}
		if (!note(sptep, spte, write))
			continue;
		gfn = (gpa >> PAGE_SHIFT) & ~(level_frames(level) - 1);
		ck_assert_uint_eq(spte_hpa(spte), FAKE_RAM + (gfn << PAGE_SHIFT));
		arrived++;
		writes[gpa >> PAGE_SHIFT] += write;
		return 0;
	}
	return 0;
}

/* Four accesses in a row, unless one faults or is kicked out. */
static void run_guest(struct worker *w)
{
	struct mmu_vcpu *vcpu = m.vcpu[w->id];
	struct mmu_entry entry;
	struct mmu_fault out;
	enum mmu_verdict verdict;
	gpa_t gpa = 0;
	u64 error = 0;

	kicked[w->id] = 0;
	ck_assert_int_eq(mmu_enter(vcpu, &entry), MMU_OK);
	for (unsigned i = 0; i < 4 && !error && !kicked[w->id]; i++) {
		gpa = draw(w, FRAMES) << PAGE_SHIFT;
		error = run_access(w, entry.root, gpa, draw(w, 2));
	}
	mmu_leave(vcpu);
	if (!error)
		return;
	verdict = mmu_fault(vcpu, gpa, error, &out);
	ck_assert(verdict == MMU_RETRY || verdict == MMU_SPURIOUS);
}

static void *vcpu_body(void *arg)
{
	struct mmu_host_step steps[5];
	struct worker *w = arg;

	while (changes < CHANGES) {
		run_guest(w);
		if (draw(w, 8) == 0)
			mmu_host_walk(m.vcpu[w->id], draw(w, FRAMES) << PAGE_SHIFT, steps);
	}
	running--;
	return NULL;
}

/* ---- others ------------------------------------------------------------------------ */

/* W of all leaves of a range; mmu_writable stays, so that it is given back fast. */
static void take_w(gfn_t start, gfn_t end)
{
	struct tdp_iter iter;
	struct mmu_op op;
	struct sp *root;

	op_begin(&op, m.vm, NULL, true);
	for_each_tdp_root(m.vm, root)
		for_each_tdp_entry (iter, m.vm, root, start, end) {
			if (!spte_is_leaf(iter.old_spte, iter.level))
				continue;
			spte_set(&op, iter.sp, iter.index, iter.gfn, iter.old_spte & ~SPTE_W);
			taken++;
		}
	flush_need(&op, FLUSH_wrprot, 0, FRAMES);
	op_end(&op);
}

/* The number of writes to each frame when a harvest began, and what it found; for the
 * last two. */
static u32 seen[2][FRAMES];
static u64 found[2][MMU_DIRTY_WORDS(FRAMES)];

static bool is_found(unsigned k, gfn_t gfn)
{
	return found[k][gfn / 64] >> gfn % 64 & 1;
}

/* What was written between the beginnings of two harvests is in the first, if that was
 * still under way, or in the second. */
static void harvest(void)
{
	memcpy(seen[0], seen[1], sizeof(seen[0]));
	memcpy(found[0], found[1], sizeof(found[0]));
	for (gfn_t gfn = 0; gfn < FRAMES; gfn++)
		seen[1][gfn] = writes[gfn];
	ck_assert_int_eq(mmu_dirty_harvest(m.vm, 0, 0, 0, FRAMES, found[1]), MMU_OK);
	for (gfn_t gfn = 0; gfn < FRAMES; gfn++) {
		bool known = is_found(0, gfn) || is_found(1, gfn);

		ck_assert_msg(known || seen[0][gfn] == seen[1][gfn],
			      "a write to gfn 0x%llx is not in the log", (unsigned long long)gfn);
		taken += is_found(1, gfn);
	}
}

static void change(struct worker *w)
{
	gfn_t start = draw(w, FRAMES), end = start + 1 + draw(w, 1500);
	u64 nr;

	switch (draw(w, 12)) {
	case 0:
		mmu_zap_all(m.vm);
		break;
	case 1:
	case 2:
		zapped += mmu_zap_range(m.vm, 0, start, end);
		break;
	case 3:
		ck_assert_int_eq(mmu_set_knob(m.vm, MMU_KNOB_huge, draw(w, 2)), MMU_OK);
		break;
	case 4:
	case 5:
	case 6:
		ck_assert_int_eq(mmu_split_range(m.vm, 0, start, end, &nr), MMU_OK);
		split += nr;
		break;
	case 7:
	case 8:
		recovered += mmu_recover_range(m.vm, 0, start, end);
		break;
	default:
		if (!logged)
			take_w(start, end);
		else if (w->id == VCPUS)
			harvest();
	}
}

static void *changer_body(void *arg)
{
	while (running) {
		change(arg);
		changes++;
		for (unsigned i = 0; i < 4; i++)
			sched_yield();
	}
	return NULL;
}

/* ---- together ------------------------------------------------------------------------ */

static void run_all(void)
{
	struct worker worker[VCPUS + CHANGERS];
	pthread_t thread[VCPUS + CHANGERS];

	running = VCPUS;
	changes = 0;
	for (unsigned i = 0; i < VCPUS + CHANGERS; i++) {
		worker[i] = (struct worker){ .id = i, .state = 88172645463325252ull + i };
		ck_assert_int_eq(pthread_create(&thread[i], NULL,
						i < VCPUS ? vcpu_body : changer_body, &worker[i]),
				 0);
	}
	for (unsigned i = 0; i < VCPUS + CHANGERS; i++)
		pthread_join(thread[i], NULL);
}

/* Every frame, written to by faults if need be. */
static void expect_all(void)
{
	struct mmu_fault out;
	unsigned level;
	u64 spte;

	machine_enter(&m, 0);
	for (gpa_t gpa = 0; gpa < (u64)FRAMES << PAGE_SHIFT; gpa += PAGE_SIZE) {
		spte = machine_leaf(&m, 0, gpa, &level);
		if (!spte_is_writable(spte)) {
			ck_assert_int_eq(mmu_fault(m.vcpu[0], gpa,
						   PFERR_WRITE | (spte ? PFERR_PRESENT : 0), &out),
					 MMU_RETRY);
			spte = machine_leaf(&m, 0, gpa, &level);
		}
		ck_assert(spte_is_writable(spte));
		ck_assert_uint_eq(spte_hpa(spte) + (gpa & (level_bytes(level) - 1)), FAKE_RAM + gpa);
	}
}

static void race(bool events_on, bool log)
{
	const struct mmu_config config = { .mode = MMU_MODE_TDP, .nr_vcpus = VCPUS, .tdp_level = 4,
					   .maxphyaddr = 48 };

	machine_init(&m, &config);
	m.fake.env.events_on = events_on;
	m.fake.on_kick = on_kick;
	logged = log;
	ck_assert_int_eq(mmu_slot_create(m.vm, 0, 0, 0, FRAMES, FAKE_RAM,
					 log ? MMU_SLOT_LOG_DIRTY : 0), MMU_OK);
	memset(seen, 0, sizeof(seen));
	memset(found, 0, sizeof(found));
	memset(writes, 0, sizeof(writes));
	arrived = zapped = split = recovered = taken = 0;
	run_all();
	machine_audit(&m);
	expect_all();
	ck_assert(arrived && zapped && taken);
	ck_assert(log || (split && recovered));
	ck_assert_uint_gt(m.vm->stats.fast_faults, 0);
	machine_fini(&m);
}

START_TEST(whatever_others_do_to_the_trees_accesses_arrive)
{
	race(false, false);
}
END_TEST

/* The lock of the events orders more than the library's own do. */
START_TEST(with_events_on_as_well)
{
	race(true, false);
}
END_TEST

START_TEST(no_write_is_missing_in_a_log)
{
	race(false, true);
}
END_TEST

TAP_MAIN("threads tdp", whatever_others_do_to_the_trees_accesses_arrive, with_events_on_as_well,
	 no_write_is_missing_in_a_log)
