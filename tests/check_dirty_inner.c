/* SPDX-License-Identifier: MIT */
/* The dirty log: what an inner guest writes, through the memory of its hypervisor. */
#include "tests/inner.h"

#include "mmu/dirty.h"
#include "mmu/slots.h"
#include "mmu/spte_set.h"

#define LOG	MMU_SLOT_LOG_DIRTY
#define BY_D	(MMU_SLOT_LOG_DIRTY | MMU_SLOT_LOG_BY_D)
#define WORDS	MMU_DIRTY_WORDS(GUEST_FRAMES)

static const u32 ways[] = { LOG, BY_D };

static struct inner in;
static u64 map[WORDS];

static void harvest(void)
{
	ck_assert_int_eq(mmu_dirty_harvest(in.g.m.vm, 0, 0, 0, GUEST_FRAMES, map), MMU_OK);
	machine_audit(&in.g.m);
}

static bool in_map(gpa_t gpa)
{
	gfn_t gfn = gpa >> PAGE_SHIFT;

	return map[gfn / 64] >> gfn % 64 & 1;
}

static void begin(u32 flags)
{
	inner_begin(&in, 4, 4);
	ck_assert_int_eq(mmu_slot_set_flags(in.g.m.vm, 0, 0, flags), MMU_OK);
	inner_reached(&in, 0x1000, 0, 0x801000);
	inner_reached(&in, 0x2000, 0, 0x802000);
	harvest();
}

START_TEST(what_an_inner_guest_writes_is_logged)
{
	for (unsigned i = 0; i < 2; i++) {
		begin(ways[i]);
		inner_reached(&in, 0x1000, PFERR_WRITE, 0x801000);
		harvest();
		ck_assert(in_map(0x801000) && !in_map(0x802000) && !in_map(0x1000));
		inner_reached(&in, 0x1000, 0, 0x801000);
		harvest();
		ck_assert(!in_map(0x801000));
		inner_reached(&in, 0x1000, PFERR_WRITE, 0x801000);
		inner_leave(&in, 0);
		harvest();
		ck_assert(in_map(0x801000));
		inner_fini(&in);
	}
}
END_TEST

/* Both have it mapped, each in tables of its own. */
START_TEST(a_harvest_is_about_both_the_guests_entries_and_the_inner_ones)
{
	begin(LOG);
	inner_reached(&in, 0x1000, PFERR_WRITE, 0x801000);
	inner_leave(&in, 0);
	ck_assert_int_eq(machine_fault(&in.g.m, 1, 0x801000, PFERR_USER, NULL), MMU_RETRY);
	ck_assert_int_eq(machine_fault(&in.g.m, 1, 0x801000, PFERR_USER | PFERR_WRITE | PFERR_PRESENT,
				       NULL), MMU_RETRY);
	harvest();
	ck_assert(in_map(0x801000));
	ck_assert(!(machine_leaf(&in.g.m, 1, 0x801000, NULL) & SPTE_W));
	inner_enter(&in, 0);
	inner_reached(&in, 0x1000, PFERR_WRITE, 0x801000);
	harvest();
	ck_assert(in_map(0x801000));
	inner_fini(&in);
}
END_TEST

/* Its hypervisor's tables get A and D by the library's walk. */
START_TEST(nested_tables_that_get_a_are_logged)
{
	begin(LOG);
	inner_reached(&in, 0x3000, 0, 0x803000);
	harvest();
	ck_assert(in_map((NPT_GFN + 3) << PAGE_SHIFT));
	inner_fini(&in);
}
END_TEST

TAP_MAIN("dirty inner", what_an_inner_guest_writes_is_logged,
	 a_harvest_is_about_both_the_guests_entries_and_the_inner_ones,
	 nested_tables_that_get_a_are_logged)
