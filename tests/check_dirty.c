/* SPDX-License-Identifier: MIT */
/* The dirty log: by write protection, and what is the same in both ways. */
#include "tests/dirty_guest.h"

#include <string.h>

#include "mmu/flush.h"
#include "mmu/spte_set.h"

#define LOG	MMU_SLOT_LOG_DIRTY
#define BY_D	(MMU_SLOT_LOG_DIRTY | MMU_SLOT_LOG_BY_D)
#define WRITE	PFERR_WRITE
#define PAGE(n)	((gpa_t)(n) << PAGE_SHIFT)

static const u32 ways[] = { LOG, BY_D };

static struct guest g;
static u64 map[DIRTY_WORDS];

static bool in_map(unsigned page)
{
	return map[page / 64] >> page % 64 & 1;
}

/* ---- a harvest ------------------------------------------------------------------------- */

START_TEST(a_write_sets_the_bit_of_its_frame_and_a_read_none)
{
	for each_world(world)
	for (unsigned i = 0; i < 2; i++) {
		dirty_guest(&g, world, ways[i]);
		dirty_touch(&g, PAGE(5), 0);
		dirty_harvest(&g, map);
		ck_assert(!in_map(5));
		dirty_touch(&g, PAGE(5), WRITE);
		dirty_touch(&g, PAGE(6), WRITE);
		dirty_touch(&g, PAGE(7), 0);
		dirty_harvest(&g, map);
		ck_assert(in_map(5) && in_map(6) && !in_map(7) && !in_map(4));
		ck_assert_uint_eq(dirty_harvest(&g, map), 0);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(after_a_harvest_the_next_write_is_noticed_again)
{
	for each_world(world) {
		dirty_guest(&g, world, LOG);
		dirty_touch(&g, PAGE(5), WRITE);
		ck_assert_uint_eq(dirty_touch(&g, PAGE(5), WRITE), 0);
		ck_assert(dirty_leaf(&g, PAGE(5), NULL) & SPTE_W);
		dirty_harvest(&g, map);
		ck_assert_uint_eq(dirty_leaf(&g, PAGE(5), NULL) & (SPTE_HOST_W | SPTE_MMU_W | SPTE_W),
				  SPTE_HOST_W | SPTE_MMU_W);
		ck_assert_uint_eq(dirty_touch(&g, PAGE(5), 0), 0);
		ck_assert_uint_eq(dirty_touch(&g, PAGE(5), WRITE), 1);
		ck_assert_uint_eq(dirty_harvest(&g, map), 1);
		ck_assert(in_map(5));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_harvest_owes_one_flush_and_none_if_there_is_nothing)
{
	for each_world(world)
	for (unsigned i = 0; i < 2; i++) {
		dirty_guest(&g, world, ways[i]);
		for (unsigned n = 1; n < 0x80; n += 3)
			dirty_touch(&g, PAGE(n), WRITE);
		fake_forget(&g.m.fake);
		ck_assert_uint_ge(dirty_harvest(&g, map), 0x7f / 3);
		ck_assert_uint_eq(fake_count(&g.m.fake, EV_flush_request), 1);
		ck_assert_uint_eq(dirty_flushes(&g, FLUSH_log), 1);
		ck_assert_uint_eq(fake_count(&g.m.fake, EV_flush_vcpu), 2);
		ck_assert(machine_enter(&g.m, 0).flush);
		fake_forget(&g.m.fake);
		ck_assert_uint_eq(dirty_harvest(&g, map), 0);
		ck_assert_uint_eq(fake_count(&g.m.fake, EV_flush_request), 0);
		guest_fini(&g);
	}
}
END_TEST

/* A read of what can be written to, by a fault that another vCPU was faster to mend. */
START_TEST(a_fault_of_a_read_leaves_a_write_possible)
{
	for each_world(world) {
		dirty_guest(&g, world, LOG);
		dirty_touch(&g, PAGE(5), WRITE);
		ck_assert_int_eq(machine_fault(&g.m, 0, dirty_gva(&g, PAGE(5)), PFERR_USER, NULL),
				 MMU_SPURIOUS);
		ck_assert(dirty_leaf(&g, PAGE(5), NULL) & SPTE_W);
		guest_fini(&g);
	}
}
END_TEST

/* ---- on and off ------------------------------------------------------------------------ */

START_TEST(logging_begins_with_what_could_be_written_till_then)
{
	for each_world(world)
	for (unsigned i = 0; i < 2; i++) {
		dirty_guest(&g, world, 0);
		dirty_touch(&g, PAGE(5), WRITE);
		ck_assert(dirty_leaf(&g, PAGE(5), NULL) & SPTE_W);
		fake_forget(&g.m.fake);
		dirty_log(&g, ways[i]);
		ck_assert_uint_eq(dirty_flushes(&g, FLUSH_log), 1);
		ck_assert_uint_eq(dirty_count(&g), 0);
		ck_assert(!(dirty_leaf(&g, PAGE(5), NULL) & (i ? SPTE_D : SPTE_W)));
		ck_assert_uint_eq(dirty_touch(&g, PAGE(5), WRITE), !i);
		dirty_harvest(&g, map);
		ck_assert(in_map(5));
		guest_fini(&g);
	}
}
END_TEST

#ifndef MMU_NO_SHADOW
/* Somebody is about to store what he has read; the other vCPU gets W meanwhile. */
static void give_w(struct fake *fake, unsigned point)
{
	struct mmu_fault fault;

	if (point != MMU_POINT_spte_set)
		return;
	fake->on_point = NULL;
	ck_assert_int_eq(mmu_fault(g.m.vcpu[1], PAGE(5), PFERR_PRESENT | WRITE | PFERR_USER, &fault),
			 MMU_RETRY);
}

START_TEST(nor_does_a_tlb_know_of_w_that_no_entry_has)
{
	struct mmu_fault fault;

	dirty_guest(&g, WORLD_UNPAGED, LOG);
	dirty_touch(&g, PAGE(5), 0);
	machine_enter(&g.m, 1);
	machine_fault(&g.m, 1, PAGE(5), PFERR_USER, &fault);
	g.m.fake.on_point = give_w;
	ck_assert_int_eq(machine_fault(&g.m, 0, PAGE(5), PFERR_USER, &fault), MMU_RETRY);
	ck_assert_ptr_null(g.m.fake.on_point);
	ck_assert(!(dirty_leaf(&g, PAGE(5), NULL) & SPTE_W));
	ck_assert(dirty_bit(&g, PAGE(5)));
	dirty_log(&g, 0);
	ck_assert_int_eq(machine_enter(&g.m, 1).flush, MMU_FLUSH_NONE);
	dirty_log(&g, LOG);
	ck_assert_int_eq(machine_enter(&g.m, 1).flush, MMU_FLUSH_ALL);
	guest_fini(&g);
}
END_TEST
#endif

START_TEST(when_logging_ends_its_bits_are_gone_and_writes_are_free)
{
	for each_world(world)
	for (unsigned i = 0; i < 2; i++) {
		dirty_guest(&g, world, ways[i]);
		dirty_touch(&g, PAGE(5), WRITE);
		dirty_log(&g, 0);
		ck_assert_uint_eq(slot_by_id(g.m.vm, 0, 0)->dirty.pages, 0);
		ck_assert_uint_eq(g.m.vm->nr_logs, 0);
		ck_assert_int_eq(mmu_dirty_harvest(g.m.vm, 0, 0, 0, DIRTY_FRAMES, map), MMU_NOENT);
		ck_assert_uint_eq(dirty_touch(&g, PAGE(5), WRITE), 0);
		dirty_touch(&g, PAGE(9), 0);
		ck_assert_uint_eq(dirty_touch(&g, PAGE(9), WRITE), 0);
		dirty_log(&g, ways[i]);
		ck_assert_uint_eq(dirty_count(&g), 0);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(large_mappings_are_split_when_logging_begins_and_none_is_made)
{
	unsigned level;

	for each_world(world)
	for (unsigned i = 0; i < 2; i++) {
		dirty_guest_huge(&g, world, 0);
		dirty_touch(&g, PAGE(0x405), WRITE);
		ck_assert(dirty_leaf(&g, PAGE(0x405), &level));
		ck_assert_uint_eq(level, LEVEL_2M);
		dirty_log(&g, ways[i]);
		ck_assert(dirty_leaf(&g, PAGE(0x405), &level));
		ck_assert_uint_eq(level, LEVEL_4K);
		dirty_harvest(&g, map);
		dirty_touch(&g, PAGE(0x407), WRITE);
		dirty_touch(&g, PAGE(0x207), WRITE);
		ck_assert(dirty_leaf(&g, PAGE(0x207), &level));
		ck_assert_uint_eq(level, LEVEL_4K);
		dirty_harvest(&g, map);
		ck_assert(in_map(0x407) && in_map(0x207) && !in_map(0x405) && !in_map(0x400));
		dirty_log(&g, 0);
		dirty_touch(&g, PAGE(0x607), WRITE);
		ck_assert(dirty_leaf(&g, PAGE(0x607), &level));
		ck_assert_uint_eq(level, LEVEL_2M);
		dirty_touch(&g, PAGE(0x407), WRITE);
		ck_assert(dirty_leaf(&g, PAGE(0x407), &level));
		ck_assert_uint_eq(level, LEVEL_2M);
		guest_fini(&g);
	}
}
END_TEST

/* The bitmap is there, and the host has no page for the tables. */
static bool begin_without_tables(u32 flags)
{
	for (u64 at = 1; at < 200; at++) {
		enum mmu_status status;
		unsigned level;

		g.m.fake.nr_allocs = 0;
		g.m.fake.fail_at = at;
		status = mmu_slot_set_flags(g.m.vm, 0, 0, flags);
		g.m.fake.fail_at = 0;
		machine_audit(&g.m);
		if (status != MMU_OK)
			continue;
		ck_assert(dirty_leaf(&g, PAGE(0x405), &level));
		return level == LEVEL_2M;
	}
	return false;
}

START_TEST(without_memory_for_the_split_a_write_splits_what_is_left)
{
	unsigned level;

	for each_world(world)
	for (unsigned i = 0; i < 2; i++) {
		dirty_guest_huge(&g, world, 0);
		dirty_touch(&g, PAGE(0x405), WRITE);
		ck_assert(begin_without_tables(ways[i]));
		ck_assert(!(dirty_leaf(&g, PAGE(0x405), &level) & (SPTE_W | SPTE_D)));
		ck_assert_uint_eq(level, LEVEL_2M);
		ck_assert_uint_eq(dirty_touch(&g, PAGE(0x406), 0), 0);
		dirty_harvest(&g, map);
		dirty_touch(&g, PAGE(0x406), WRITE);
		ck_assert(dirty_leaf(&g, PAGE(0x406), &level) & SPTE_W);
		ck_assert_uint_eq(level, LEVEL_4K);
		dirty_harvest(&g, map);
		ck_assert(in_map(0x406) && !in_map(0x400) && !in_map(0x405));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(how_a_slot_is_logged_does_not_change_while_it_is)
{
	dirty_guest(&g, 0, LOG);
	ck_assert_int_eq(mmu_slot_set_flags(g.m.vm, 0, 0, BY_D), MMU_INVAL);
	ck_assert_int_eq(mmu_slot_set_flags(g.m.vm, 0, 0, MMU_SLOT_LOG_BY_D), MMU_INVAL);
	dirty_log(&g, LOG);
	dirty_log(&g, 0);
	dirty_log(&g, BY_D);
	ck_assert_int_eq(mmu_slot_set_flags(g.m.vm, 0, 0, LOG), MMU_INVAL);
	guest_fini(&g);
}
END_TEST

START_TEST(a_slot_can_be_logged_from_its_creation)
{
	dirty_guest(&g, 0, 0);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, 3, 0x1001, 130, FAKE_RAM + PAGE(0x1001), LOG),
			 MMU_OK);
	machine_audit(&g.m);
	ck_assert_uint_eq(mmu_vm_write(g.m.vm, PAGE(0x1001 + 129), "x", 1), 1);
	ck_assert_int_eq(mmu_dirty_harvest(g.m.vm, 0, 3, 0, 130, map), MMU_OK);
	ck_assert(!map[0] && !map[1] && map[2] == 2);
	ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, 3), MMU_OK);
	ck_assert_uint_eq(g.m.vm->nr_logs, 0);
	guest_fini(&g);
}
END_TEST

/* ---- in two halves, and in parts ----------------------------------------------------------- */

START_TEST(looking_changes_nothing_and_clearing_only_what_it_names)
{
	for each_world(world)
	for (unsigned i = 0; i < 2; i++) {
		u64 only[1] = { BIT(5) };

		dirty_guest(&g, world, ways[i]);
		dirty_touch(&g, PAGE(5), WRITE);
		dirty_touch(&g, PAGE(6), WRITE);
		fake_forget(&g.m.fake);
		ck_assert_int_eq(mmu_dirty_look(g.m.vm, 0, 0, 0, DIRTY_FRAMES, map), MMU_OK);
		ck_assert(in_map(5) && in_map(6));
		ck_assert_uint_eq(dirty_flushes(&g, FLUSH_log), 0);
		ck_assert_uint_eq(dirty_touch(&g, PAGE(5), WRITE), 0);
		ck_assert_int_eq(mmu_dirty_clear(g.m.vm, 0, 0, 0, 64, only), MMU_OK);
		machine_audit(&g.m);
		ck_assert_uint_eq(dirty_flushes(&g, FLUSH_log), 1);
		ck_assert(!dirty_bit(&g, PAGE(5)) && dirty_bit(&g, PAGE(6)));
		ck_assert_uint_eq(dirty_touch(&g, PAGE(6), WRITE), 0);
		ck_assert_uint_eq(dirty_touch(&g, PAGE(5), WRITE), !i);
		dirty_harvest(&g, map);
		ck_assert(in_map(5) && in_map(6));
		ck_assert_int_eq(mmu_dirty_clear(g.m.vm, 0, 0, 0, 64, only), MMU_OK);
		ck_assert_uint_eq(dirty_flushes(&g, FLUSH_log), 2);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_part_is_asked_for_and_the_rest_stays)
{
	for each_world(world)
	for (unsigned i = 0; i < 2; i++) {
		dirty_guest(&g, world, ways[i]);
		dirty_touch(&g, PAGE(1), WRITE);
		dirty_touch(&g, PAGE(0x47), WRITE);
		ck_assert_int_eq(mmu_dirty_harvest(g.m.vm, 0, 0, 64, 64, map), MMU_OK);
		ck_assert_uint_eq(map[0], BIT(7));
		ck_assert_uint_gt(dirty_harvest(&g, map), 0);
		ck_assert(in_map(1) && !in_map(0x47));
		guest_fini(&g);
	}
}
END_TEST

/* As a host does that copies word by word. */
START_TEST(clearing_nothing_of_a_word_leaves_it)
{
	for each_world(world)
	for (unsigned i = 0; i < 2; i++) {
		u64 only[2] = { 0, BIT(7) };

		dirty_guest(&g, world, ways[i]);
		dirty_touch(&g, PAGE(5), WRITE);
		dirty_touch(&g, PAGE(0x47), WRITE);
		ck_assert_int_eq(mmu_dirty_clear(g.m.vm, 0, 0, 0, 128, only), MMU_OK);
		machine_audit(&g.m);
		dirty_harvest(&g, map);
		ck_assert(in_map(5) && !in_map(0x47));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_log_is_turned_without_the_slots_other_flags)
{
	dirty_guest(&g, 0, 0);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 1, 3, 0, 70, FAKE_RAM,
					 MMU_SLOT_SMRAM | MMU_SLOT_READONLY), MMU_OK);
	ck_assert_uint_eq(mmu_dirty_frames(g.m.vm, 1, 3), 0);
	ck_assert_int_eq(mmu_dirty_log(g.m.vm, 1, 3, BY_D), MMU_OK);
	ck_assert_uint_eq(mmu_dirty_frames(g.m.vm, 1, 3), 70);
	ck_assert_uint_eq(slot_by_id(g.m.vm, 1, 3)->flags, BY_D | MMU_SLOT_SMRAM | MMU_SLOT_READONLY);
	ck_assert_int_eq(mmu_dirty_log(g.m.vm, 1, 3, LOG), MMU_INVAL);
	ck_assert_int_eq(mmu_dirty_log(g.m.vm, 1, 3, LOG | MMU_SLOT_READONLY), MMU_INVAL);
	ck_assert_int_eq(mmu_dirty_log(g.m.vm, 1, 4, LOG), MMU_NOENT);
	ck_assert_int_eq(mmu_dirty_log(g.m.vm, 2, 3, LOG), MMU_INVAL);
	ck_assert_uint_eq(mmu_dirty_frames(g.m.vm, 1, 4), 0);
	ck_assert_uint_eq(mmu_dirty_frames(g.m.vm, 0, MMU_MAX_SLOTS), 0);
	ck_assert_int_eq(mmu_dirty_log(g.m.vm, 1, 3, 0), MMU_OK);
	guest_fini(&g);
}
END_TEST

START_TEST(wrong_questions_are_refused)
{
	static const struct {
		unsigned as, slot;
		u64 first, npages;
		enum mmu_status status;
	} rows[] = {
		{ 2, 0, 0, 64, MMU_INVAL }, { 0, MMU_MAX_SLOTS, 0, 64, MMU_INVAL },
		{ 1, 0, 0, 64, MMU_NOENT }, { 0, 1, 0, 64, MMU_NOENT },
		{ 0, 0, 1, 64, MMU_INVAL }, { 0, 0, 0, 0, MMU_INVAL }, { 0, 0, 0, 65, MMU_INVAL },
		{ 0, 0, DIRTY_FRAMES, 64, MMU_INVAL }, { 0, 0, 64, DIRTY_FRAMES, MMU_INVAL },
		{ 0, 0, ~0ull << 6, 128, MMU_INVAL },
	};

	dirty_guest(&g, 0, LOG);
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert_int_eq(mmu_dirty_harvest(g.m.vm, rows[i].as, rows[i].slot, rows[i].first,
						   rows[i].npages, map), rows[i].status);
		ck_assert_int_eq(mmu_dirty_look(g.m.vm, rows[i].as, rows[i].slot, rows[i].first,
						rows[i].npages, map), rows[i].status);
		ck_assert_int_eq(mmu_dirty_clear(g.m.vm, rows[i].as, rows[i].slot, rows[i].first,
						 rows[i].npages, map), rows[i].status);
	}
	guest_fini(&g);
}
END_TEST

TAP_MAIN("dirty", a_write_sets_the_bit_of_its_frame_and_a_read_none,
	 after_a_harvest_the_next_write_is_noticed_again,
	 a_harvest_owes_one_flush_and_none_if_there_is_nothing,
	 a_fault_of_a_read_leaves_a_write_possible,
	 logging_begins_with_what_could_be_written_till_then,
#ifndef MMU_NO_SHADOW
	 nor_does_a_tlb_know_of_w_that_no_entry_has,
#endif
	 when_logging_ends_its_bits_are_gone_and_writes_are_free,
	 large_mappings_are_split_when_logging_begins_and_none_is_made,
	 without_memory_for_the_split_a_write_splits_what_is_left,
	 how_a_slot_is_logged_does_not_change_while_it_is, a_slot_can_be_logged_from_its_creation,
	 looking_changes_nothing_and_clearing_only_what_it_names,
	 a_part_is_asked_for_and_the_rest_stays, clearing_nothing_of_a_word_leaves_it,
	 a_log_is_turned_without_the_slots_other_flags, wrong_questions_are_refused)
