/* SPDX-License-Identifier: MIT */
/*
 * A migration with real threads: vCPUs and the host write counters, one of each frame,
 * while somebody harvests and copies what the log has. After each phase and a last
 * harvest the copy is the memory; else a write was lost.
 */
#include "tests/dirty_guest.h"

#include <sched.h>
#include <string.h>

#define VCPUS	2
#define FRAMES	0x60u		/* from frame 1 on; see dirty_guest() */
#define ROUNDS	40u		/* of each vCPU in a phase */
#define PHASES	150u
#define TRIES	100u		/* a harvest may come between a fault and its access */

static struct guest g;
static _Atomic bool kicked[VCPUS];
static _Atomic u32 running;
static _Atomic u64 writes, faults;
static u64 copied[FRAMES + 1];

static u64 *memory(unsigned frame)
{
	return fake_va(&g.m.fake, FAKE_RAM + ((u64)frame << PAGE_SHIFT));
}

static void on_kick(struct fake *fake, u8 vcpu)
{
	(void)fake;
	kicked[vcpu] = true;
}

/* The leaf that the hardware may write through; D is set by then. NULL: it faults. */
static u64 *hardware_walk(struct mmu_entry entry, gva_t gva)
{
	hpa_t table_hpa = entry.root;

	for (unsigned level = entry.root_level; level; level--) {
		spte_t *sptep = (spte_t *)fake_va(&g.m.fake, table_hpa) + level_index(gva, level);
		u64 spte = spte_get(sptep);

		if (!(spte & SPTE_P))
			return NULL;
		table_hpa = spte_hpa(spte);
		if (!spte_is_leaf(spte, level))
			continue;
		if (!(spte & SPTE_W) ||
		    !atomic_compare_exchange_strong(&sptep->raw, &spte, spte | SPTE_D))
			return NULL;
		return fake_va(&g.m.fake, table_hpa | (gva & (level_bytes(level) - 1)));
	}
	return NULL;
}

/* In the guest: writes as long as the translation may be used, which is till a kick.
 * returns  false: it must fault first */
static bool run_guest(unsigned vcpu, gva_t gva)
{
	struct mmu_entry entry;
	u64 *at;

	kicked[vcpu] = false;
	ck_assert_int_eq(mmu_enter(g.m.vcpu[vcpu], &entry), MMU_OK);
	at = hardware_walk(entry, gva);
	for (unsigned i = 0; at && i < 8 && !kicked[vcpu]; i++) {
		__atomic_fetch_add(at, 1, __ATOMIC_SEQ_CST);
		writes++;
		if (i == 4)
			sched_yield(); /* others are at work while it is in the guest */
	}
	mmu_leave(g.m.vcpu[vcpu]);
	return at;
}

static void *vcpu_body(void *arg)
{
	unsigned vcpu = (uintptr_t)arg;
	struct mmu_fault out;

	for (unsigned i = 0; i < ROUNDS; i++) {
		gva_t gva = dirty_gva(&g, (1 + (i * 7 + vcpu * 13) % FRAMES) << PAGE_SHIFT);

		for (unsigned k = 0; k < TRIES && !run_guest(vcpu, gva); k++) {
			ck_assert_int_ne(mmu_fault(g.m.vcpu[vcpu], gva, PFERR_USER | PFERR_WRITE |
						   (k ? PFERR_PRESENT : 0), &out), MMU_NO_MEMORY);
			faults++;
		}
	}
	running--;
	return NULL;
}

static void *host_body(void *arg)
{
	(void)arg;
	for (unsigned i = 0; running; i++) {
		gpa_t gpa = (gpa_t)(1 + i * 11 % FRAMES) << PAGE_SHIFT;
		u64 value = i;

		ck_assert_uint_eq(mmu_vm_write(g.m.vm, gpa + 8, &value, 8), 8);
		if (i % 64 == 0)
			mmu_zap_range(g.m.vm, 0, gpa >> PAGE_SHIFT, (gpa >> PAGE_SHIFT) + 4);
		sched_yield();
	}
	return NULL;
}

/* What is counted, in both words of the frame. */
static u64 content(unsigned frame)
{
	return __atomic_load_n(memory(frame), __ATOMIC_SEQ_CST) +
	       (__atomic_load_n(memory(frame) + 1, __ATOMIC_SEQ_CST) << 32);
}

static void migrate(void)
{
	u64 map[DIRTY_WORDS];

	ck_assert_int_eq(mmu_dirty_harvest(g.m.vm, 0, 0, 0, DIRTY_FRAMES, map), MMU_OK);
	for (unsigned frame = 1; frame <= FRAMES; frame++)
		if (map[frame / 64] >> frame % 64 & 1)
			copied[frame] = content(frame);
}

/* All that was written is in the copy, by the logs so far or by the last one. */
static void check_copy(unsigned phase)
{
	if (phase % 2)
		mmu_zap_all(g.m.vm);
	migrate();
	for (unsigned frame = 1; frame <= FRAMES; frame++)
		ck_assert_uint_eq(copied[frame], content(frame));
}

static void run_phase(unsigned phase)
{
	pthread_t thread[VCPUS + 1];

	running = VCPUS;
	for (uintptr_t i = 0; i <= VCPUS; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, i < VCPUS ? vcpu_body : host_body,
						(void *)i), 0);
	while (running) {
		migrate();
		sched_yield();
	}
	for (unsigned i = 0; i <= VCPUS; i++)
		pthread_join(thread[i], NULL);
	check_copy(phase);
}

static void run(enum dirty_world world, u32 flags)
{
	memset(copied, 0, sizeof(copied));
	dirty_guest(&g, world, flags);
	g.m.fake.env.events_on = false;
	g.m.fake.on_kick = on_kick;
	writes = faults = 0;
	for (unsigned phase = 0; phase < PHASES; phase++)
		run_phase(phase);
	ck_assert_uint_gt(writes, 0);
	ck_assert_uint_gt(faults, 0);
	guest_fini(&g);
}

START_TEST(no_write_is_lost_with_write_protection)
{
	for each_world(world)
		run(world, MMU_SLOT_LOG_DIRTY);
}
END_TEST

START_TEST(no_write_is_lost_with_d_bits)
{
	for each_world(world)
		run(world, MMU_SLOT_LOG_DIRTY | MMU_SLOT_LOG_BY_D);
}
END_TEST

TAP_MAIN("threads dirty", no_write_is_lost_with_write_protection, no_write_is_lost_with_d_bits)
