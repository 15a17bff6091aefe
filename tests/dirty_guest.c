/* SPDX-License-Identifier: MIT */
/* Guests whose slot 0 is logged. */
#include "tests/dirty_guest.h"

#include <string.h>

#define RW (GPTE_W | GPTE_U | GPTE_A | GPTE_D)

gva_t dirty_gva(const struct guest *g, gpa_t gpa)
{
	return g->mode == UNPAGED ? gpa : DIRTY_GVA + gpa;
}

static void make(struct guest *g, enum dirty_world world)
{
#ifndef MMU_NO_TDP
	static const struct mmu_config tdp = {
		.mode = MMU_MODE_TDP, .nr_vcpus = 2, .tdp_level = 4, .maxphyaddr = 48,
	};

	if (world == WORLD_TDP) {
		guest_init_small(g, UNPAGED, &tdp, DIRTY_FRAMES);
		return;
	}
#endif
#ifndef MMU_NO_SHADOW
	guest_init_small(g, world == WORLD_PAGED ? LONG4 : UNPAGED, NULL, DIRTY_FRAMES);
#endif
}

static void begin(struct guest *g, u32 log_flags)
{
	u64 bitmap[DIRTY_WORDS];

	machine_enter(&g->m, 0);
	if (!log_flags)
		return;
	dirty_log(g, log_flags);
	dirty_harvest(g, bitmap);
}

void dirty_guest(struct guest *g, enum dirty_world world, u32 log_flags)
{
	make(g, world);
	for (gfn_t gfn = 0; g->mode != UNPAGED && gfn < 0x80; gfn++)
		guest_map(g, DIRTY_GVA + (gfn << PAGE_SHIFT), gfn << PAGE_SHIFT, RW, 1);
	begin(g, log_flags);
}

void dirty_guest_huge(struct guest *g, enum dirty_world world, u32 log_flags)
{
	make(g, world);
	for (gpa_t gpa = 0; g->mode != UNPAGED && gpa < 4 * level_bytes(LEVEL_2M);
	     gpa += level_bytes(LEVEL_2M))
		guest_map(g, DIRTY_GVA + gpa, gpa, RW, 2);
	machine_knob(&g->m, MMU_KNOB_huge, 1);
	begin(g, log_flags);
}

void dirty_log(struct guest *g, u32 flags)
{
	ck_assert_int_eq(mmu_slot_set_flags(g->m.vm, 0, 0, flags), MMU_OK);
	machine_audit(&g->m);
}

/* The entry in which the walk for gpa ends. */
static spte_t *leaf_at(struct guest *g, gpa_t gpa)
{
	struct mmu_host_step steps[5];
	unsigned nr = mmu_host_walk(g->m.vcpu[0], dirty_gva(g, gpa), steps);

	ck_assert_uint_gt(nr, 0);
	return fake_va(&g->m.fake, steps[nr - 1].hpa);
}

unsigned dirty_touch(struct guest *g, gpa_t gpa, u64 access)
{
	struct outcome out = cpu_access(g, 0, dirty_gva(g, gpa), access);

	ck_assert_int_eq(out.verdict, MMU_RETRY);
	ck_assert_uint_eq(out.hpa, FAKE_RAM + gpa);
	if (access & PFERR_WRITE)
		atomic_fetch_or(&leaf_at(g, gpa)->raw, SPTE_D);
	return out.faults;
}

u64 dirty_leaf(struct guest *g, gpa_t gpa, unsigned *level)
{
	return machine_leaf(&g->m, 0, dirty_gva(g, gpa), level);
}

static const struct memslot *slot_0(struct guest *g)
{
	return slot_by_id(g->m.vm, 0, 0);
}

bool dirty_bit(struct guest *g, gpa_t gpa)
{
	return dirty_is_set(g->m.vm, slot_0(g), gpa >> PAGE_SHIFT);
}

unsigned dirty_count(struct guest *g)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < DIRTY_WORDS; i++)
		nr += __builtin_popcountll(dirty_get(g->m.vm, slot_0(g), i));
	return nr;
}

unsigned dirty_flushes(const struct guest *g, unsigned why)
{
	unsigned nr = 0;

	for (size_t i = 0; i < g->m.fake.nr_events; i++)
		nr += g->m.fake.events[i].id == EV_flush_request &&
		      g->m.fake.events[i].flush_request.why == why;
	return nr;
}

unsigned dirty_harvest(struct guest *g, u64 bitmap[DIRTY_WORDS])
{
	unsigned nr = 0;

	memset(bitmap, 0xa5, DIRTY_WORDS * sizeof(*bitmap));
	ck_assert_int_eq(mmu_dirty_harvest(g->m.vm, 0, 0, 0, DIRTY_FRAMES, bitmap), MMU_OK);
	machine_audit(&g->m);
	for (unsigned i = 0; i < DIRTY_WORDS; i++)
		nr += __builtin_popcountll(bitmap[i]);
	return nr;
}
