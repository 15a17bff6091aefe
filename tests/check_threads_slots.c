/* SPDX-License-Identifier: MIT */
/*
 * Real threads: slots move, come and go, and change their flags, while vCPUs fault on
 * them, read them, and look for them without the lock.
 *
 *	FROM        FROM + 8          FROM + 16         FROM + 24
 *	|  frames 0 .. 15 of the memory  |
 *	            |  frames 0 .. 15, moved   |
 *
 * The middle is memory all the time: whoever looks there must find the one or the
 * other, and no device.
 */
#include "mmu/epoch.h"
#include "mmu/gfn_cache.h"
#include "mmu/memslot.h"
#include "mmu/slots.h"
#include "tests/guest_pt.h"

#include <sched.h>

#define FRAMES	16ull
#define FROM	0x8000ull
#define STEP	8ull
#define MIDDLE	(FROM + 10)
#define ID	3u
#define OTHER	4u
#define ROUNDS	100u
#define OTHERS	20u
#define RAM	(FAKE_RAM + (GUEST_FRAMES << PAGE_SHIFT))

static struct guest g;
static _Atomic bool done;

static const struct mmu_config tdp = { .mode = MMU_MODE_TDP, .nr_vcpus = 2, .tdp_level = 4,
				       .maxphyaddr = 48 };
static const struct mmu_config shadow = { .mode = MMU_MODE_SHADOW, .nr_vcpus = 2,
					  .maxphyaddr = 48 };

/* The lock is free for a moment, and the slot in between: let the others see it. */
static void stay_a_while(struct fake *fake, unsigned point)
{
	(void)fake;
	for (unsigned i = 0; point == MMU_POINT_yield && i < 20; i++)
		sched_yield();
}

static bool is_right(u64 value)
{
	return value == MIDDLE - FROM || value == MIDDLE - FROM - STEP;
}

static void *mover_body(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < ROUNDS; i++) {
		ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, FROM + (i & 1 ? 0 : STEP)), MMU_OK);
		if (i % 3 == 0)
			ck_assert_int_eq(mmu_slot_set_flags(g.m.vm, 0, ID, i % 2 ? 0 : MMU_SLOT_LOG_DIRTY),
					 MMU_OK);
		if (i % 5 == 0)
			ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, OTHER, 0x100, 4, RAM, 0), MMU_OK);
		if (i % 5 == 3)
			ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, OTHER), MMU_OK);
		sched_yield();
	}
	done = true;
	return NULL;
}

/* One change is under way at a time, in whatever address space. */
static void *other_body(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < OTHERS; i++) {
		ck_assert_int_eq(mmu_slot_create(g.m.vm, 1, ID, FROM, FRAMES, RAM, 0), MMU_OK);
		ck_assert_int_eq(mmu_slot_move(g.m.vm, 1, ID, FROM + STEP), MMU_OK);
		ck_assert_int_eq(mmu_slot_delete(g.m.vm, 1, ID), MMU_OK);
	}
	return NULL;
}

/* In its bracket a reader may use what it has found. */
static void look_without_lock(struct mmu_vcpu *vcpu)
{
	const struct memslot *slot;

	mmu_read_begin(vcpu);
	slot = vcpu_slot(vcpu, MIDDLE);
	ck_assert(slot && slot->id == ID && slot->npages == FRAMES);
	ck_assert(slot->base_gfn == FROM || slot->base_gfn == FROM + STEP);
	ck_assert_uint_eq(slot->hpa, RAM);
	mmu_read_end(vcpu);
}

static void *vcpu_body(void *arg)
{
	unsigned id = (uintptr_t)arg;
	struct mmu_vcpu *vcpu = g.m.vcpu[id];
	struct mmu_gfn_cache cache;
	struct mmu_entry entry;
	struct mmu_fault fault;
	u64 value;

	ck_assert_int_eq(mmu_gfn_cache_init(g.m.vm, &cache, MIDDLE << PAGE_SHIFT, 8), MMU_OK);
	while (!done) {
		look_without_lock(vcpu);
		ck_assert_int_eq(mmu_enter(vcpu, &entry), MMU_OK);
		mmu_leave(vcpu);
		ck_assert_int_ne(mmu_fault(vcpu, MIDDLE << PAGE_SHIFT, PFERR_USER, &fault),
				 MMU_EMULATE);
		ck_assert_uint_eq(mmu_vcpu_read(vcpu, MIDDLE << PAGE_SHIFT, &value, 8), 8);
		ck_assert(is_right(value));
		ck_assert_uint_eq(mmu_read_gva(vcpu, MIDDLE << PAGE_SHIFT, &value, 8, 0, &fault), 8);
		ck_assert(is_right(value));
		ck_assert_uint_eq(mmu_cached_read(g.m.vm, &cache, 0, &value, 8), 8);
		ck_assert(is_right(value));
		sched_yield();
	}
	return NULL;
}

static void run_race(const struct mmu_config *config)
{
	static void *(*const body[])(void *arg) = { vcpu_body, vcpu_body, mover_body, other_body };
	pthread_t thread[4];

	done = false;
	guest_init_small(&g, UNPAGED, config, 0x80);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, ID, FROM, FRAMES, RAM, 0), MMU_OK);
	for (u64 i = 0; i < FRAMES; i++)
		*(u64 *)fake_va(&g.m.fake, RAM + (i << PAGE_SHIFT)) = i;
	g.m.fake.on_point = stay_a_while;
	for (uintptr_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, body[i], (void *)i), 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	machine_audit(&g.m);
	ck_assert_uint_ge(g.m.vm->slots[0].generation, MMU_NR_AS * ROUNDS);
	guest_fini(&g);
}

START_TEST(who_looks_while_slots_move_finds_the_old_ones_or_the_new_ones_shadow)
{
	run_race(&shadow);
}
END_TEST

START_TEST(who_looks_while_slots_move_finds_the_old_ones_or_the_new_ones_tdp)
{
	run_race(&tdp);
}
END_TEST

TAP_MAIN("threads_slots", who_looks_while_slots_move_finds_the_old_ones_or_the_new_ones_shadow,
	 who_looks_while_slots_move_finds_the_old_ones_or_the_new_ones_tdp)
