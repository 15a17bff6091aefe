/* SPDX-License-Identifier: MIT */
/* The operations of the dirty log, refused pages. */
#include "mmu/dirty_log.h"
#include "mmu/slots.h"
#include "tests/starve.h"

static void entered(struct guest *g)
{
	machine_enter(&g->m, 0);
}

static bool begin_log(struct guest *g)
{
	return status_is(mmu_slot_set_flags(g->m.vm, 0, 0, MMU_SLOT_LOG_DIRTY));
}

static void logged(struct guest *g)
{
	entered(g);
	ck_assert(begin_log(g));
	ck_assert_uint_eq(mmu_vm_write(g->m.vm, GPA, "x", 1), 1);
}

static bool end_log(struct guest *g)
{
	return status_is(mmu_dirty_log(g->m.vm, 0, 0, 0));
}

static bool make_logged(struct guest *g)
{
	return status_is(mmu_slot_create(g->m.vm, 0, 5, MORE, 600, FAKE_RAM + (MORE << PAGE_SHIFT),
					 MMU_SLOT_LOG_DIRTY));
}

static bool harvest(struct guest *g)
{
	u64 map[1];

	ck_assert_int_eq(mmu_dirty_look(g->m.vm, 0, 0, 0, 64, map), MMU_OK);
	ck_assert_uint_eq(map[0], BIT(5));
	ck_assert_int_eq(mmu_dirty_clear(g->m.vm, 0, 0, 0, 64, map), MMU_OK);
	return status_is(mmu_dirty_harvest(g->m.vm, 0, 0, 0, 64, map));
}

/* What is written from now on is there. */
static void it_logs(struct guest *g, unsigned id, gfn_t first)
{
	u64 map[1];

	ck_assert_uint_eq(mmu_vm_write(g->m.vm, (first + 7) << PAGE_SHIFT, "x", 1), 1);
	ck_assert_int_eq(mmu_dirty_harvest(g->m.vm, 0, id, 0, 64, map), MMU_OK);
	ck_assert(map[0] & BIT(7));
}

static void slot_logs(struct guest *g)
{
	it_logs(g, 0, 0);
}

static void new_slot_logs(struct guest *g)
{
	it_logs(g, 5, MORE);
}

static void log_is_gone(struct guest *g)
{
	ck_assert_uint_eq(mmu_dirty_frames(g->m.vm, 0, 0), 0);
}

const struct starve_row starve_dirty_rows[] = {
	{ "mmu_slot_set_flags", "the log begins", EVERYWHERE, SAME, entered, begin_log, slot_logs },
	{ "mmu_slot_create", "with a log", EVERYWHERE, SAME, entered, make_logged, new_slot_logs },
	{ "mmu_dirty_log", "the log ends", EVERYWHERE, NEVER, logged, end_log, log_is_gone },
	{ "mmu_dirty_harvest", "and its halves", EVERYWHERE, NEVER, logged, harvest, slot_logs },
};
const unsigned nr_starve_dirty_rows = sizeof(starve_dirty_rows) / sizeof(starve_dirty_rows[0]);
