/* SPDX-License-Identifier: MIT */
/* The dirty log: everybody who writes, and D bits wherever they go. */
#include "tests/dirty_guest.h"

#include "mmu/flush.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

#define LOG	MMU_SLOT_LOG_DIRTY
#define BY_D	(MMU_SLOT_LOG_DIRTY | MMU_SLOT_LOG_BY_D)
#define WRITE	PFERR_WRITE
#define PAGE(n)	((gpa_t)(n) << PAGE_SHIFT)
#define RW	(GPTE_W | GPTE_U | GPTE_A | GPTE_D)

static const u32 ways[] = { LOG, BY_D };

static struct guest g;
static u64 map[DIRTY_WORDS];

/* ---- the host ---------------------------------------------------------------------------- */

START_TEST(what_the_host_writes_is_logged)
{
	u64 value = 7;

	for each_world(world)
	for (unsigned i = 0; i < 2; i++) {
		dirty_guest(&g, world, ways[i]);
		ck_assert_uint_eq(mmu_vm_write(g.m.vm, PAGE(5) + 4092, &value, 8), 8);
		ck_assert_uint_eq(mmu_vcpu_write(g.m.vcpu[1], PAGE(9), &value, 8), 8);
		ck_assert_uint_eq(mmu_write_gva(g.m.vcpu[0], dirty_gva(&g, PAGE(11)), &value, 8, 0, NULL), 8);
		ck_assert_uint_eq(mmu_vm_read(g.m.vm, PAGE(12), &value, 8), 8);
		ck_assert_uint_eq(mmu_read_gva(g.m.vcpu[0], dirty_gva(&g, PAGE(13)), &value, 8, 0, NULL), 8);
		ck_assert(dirty_bit(&g, PAGE(5)) && dirty_bit(&g, PAGE(6)));
		ck_assert(dirty_bit(&g, PAGE(9)) && dirty_bit(&g, PAGE(11)));
		ck_assert(!dirty_bit(&g, PAGE(12)) && !dirty_bit(&g, PAGE(13)));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(an_exchange_is_a_write_only_if_it_is_done)
{
	for each_world(world) {
		u64 expected = 1, desired = 2;
		struct mmu_fault fault;

		dirty_guest(&g, world, LOG);
		ck_assert_int_eq(mmu_cmpxchg_gva(g.m.vcpu[0], dirty_gva(&g, PAGE(5)), &expected, &desired,
						 8, 0, &fault), MMU_DIFFERS);
		ck_assert(!dirty_bit(&g, PAGE(5)));
		ck_assert_int_eq(mmu_cmpxchg_gva(g.m.vcpu[0], dirty_gva(&g, PAGE(5)), &expected, &desired,
						 8, 0, &fault), MMU_EXCHANGED);
		ck_assert(dirty_bit(&g, PAGE(5)));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(who_writes_is_told)
{
	const struct fake_event *event;
	u64 value = 7;

	dirty_guest(&g, 0, LOG);
	ck_assert_uint_eq(mmu_vcpu_write(g.m.vcpu[1], PAGE(0x45), &value, 8), 8);
	event = fake_last(&g.m.fake, EV_dirty_set);
	ck_assert_uint_eq(event->vcpu, 1);
	ck_assert_uint_eq(event->dirty_set.as, 0);
	ck_assert_uint_eq(event->dirty_set.gfn, 0x40);
	ck_assert_uint_eq(event->dirty_set.mask, BIT(5));
	fake_forget(&g.m.fake);
	ck_assert_uint_eq(mmu_vcpu_write(g.m.vcpu[1], PAGE(0x45), &value, 8), 8);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_dirty_set), 0);
	ck_assert_uint_eq(dirty_harvest(&g, map), 1);
	event = fake_last(&g.m.fake, EV_dirty_clear);
	ck_assert_uint_eq(event->dirty_clear.gfn, 0x40);
	ck_assert_uint_eq(event->dirty_clear.mask, BIT(5));
	guest_fini(&g);
}
END_TEST

/* ---- the address spaces -------------------------------------------------------------------- */

START_TEST(each_address_space_has_logs_of_its_own)
{
	u64 one[2] = { 0 };

	for each_world(world)
	for (unsigned i = 0; i < 2; i++) {
		dirty_guest(&g, world, ways[i]);
		ck_assert_int_eq(mmu_slot_create(g.m.vm, 1, 0, 0, 0x140, FAKE_RAM, ways[i]), MMU_OK);
		g.regs.smm = true;
		guest_set_regs(&g, 0, true);
		dirty_harvest(&g, map);
		dirty_touch(&g, PAGE(5), WRITE);
		dirty_harvest(&g, map);
		ck_assert(!(map[0] & BIT(5)));
		ck_assert_int_eq(mmu_dirty_harvest(g.m.vm, 1, 0, 0, 64, one), MMU_OK);
		ck_assert(one[0] & BIT(5));
		g.regs.smm = false;
		guest_set_regs(&g, 0, true);
		dirty_touch(&g, PAGE(6), WRITE);
		ck_assert_int_eq(mmu_dirty_harvest(g.m.vm, 1, 0, 0, 64, one), MMU_OK);
		ck_assert(!one[0]);
		dirty_harvest(&g, map);
		ck_assert(map[0] & BIT(6));
		guest_fini(&g);
	}
}
END_TEST

/* ---- the walker and page tables -------------------------------------------------------------- */

#ifndef MMU_NO_SHADOW
START_TEST(a_walk_that_sets_a_or_d_writes_the_table)
{
	gpa_t gpte;

	for (unsigned i = 0; i < 2; i++) {
		dirty_guest(&g, WORLD_PAGED, 0);
		gpte = guest_map(&g, DIRTY_GVA + PAGE(0x90), PAGE(0x90), GPTE_W | GPTE_U, 1);
		dirty_touch(&g, PAGE(5), 0);
		dirty_log(&g, ways[i]);
		ck_assert(!dirty_bit(&g, gpte));
		dirty_touch(&g, PAGE(0x90), 0);
		ck_assert(dirty_bit(&g, gpte));
		dirty_harvest(&g, map);
		dirty_touch(&g, PAGE(0x90), 0);
		ck_assert(!dirty_bit(&g, gpte));
		ck_assert_uint_eq(mmu_write_gva(g.m.vcpu[0], DIRTY_GVA + PAGE(0x90), "x", 1, 0, NULL),
				  1);
		ck_assert(dirty_bit(&g, gpte) && dirty_bit(&g, PAGE(0x90)));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_store_to_a_page_table_is_logged)
{
	gpa_t gpte;

	dirty_guest(&g, WORLD_PAGED, LOG);
	gpte = guest_map(&g, DIRTY_GVA + PAGE(5), PAGE(5), RW, 1);
	dirty_touch(&g, PAGE(5), 0);
	dirty_harvest(&g, map);
	guest_store(&g, gpte, PAGE(6) | RW | GPTE_P);
	ck_assert(dirty_bit(&g, gpte));
	ck_assert_uint_eq(dirty_count(&g), 1);
	guest_fini(&g);
}
END_TEST

/* W went by the log, and with it a flush; a page table it becomes all the same only
 * after a flush, for W may have come back and gone unseen by who looks now. */
START_TEST(a_logged_frame_that_becomes_a_page_table_is_flushed)
{
	gpa_t table = PAGE(0x70);

	dirty_guest(&g, WORLD_PAGED, LOG);
	dirty_touch(&g, table, WRITE);
	dirty_harvest(&g, map);
	ck_assert_uint_eq(dirty_leaf(&g, table, NULL) & (SPTE_W | SPTE_MMU_W), SPTE_MMU_W);
	fake_forget(&g.m.fake);
	g.regs.cr3 = table;
	guest_set_regs(&g, 1, true);
	machine_enter(&g.m, 1);
	ck_assert(!(dirty_leaf(&g, table, NULL) & SPTE_MMU_W));
	ck_assert_uint_ge(dirty_flushes(&g, FLUSH_wrprot), 1);
	guest_fini(&g);
}
END_TEST

START_TEST(neighbours_mapped_along_are_not_written_to)
{
	dirty_guest(&g, WORLD_PAGED, LOG);
	machine_knob(&g.m, MMU_KNOB_prefetch, 1);
	dirty_touch(&g, PAGE(0x11), WRITE);
	ck_assert(dirty_leaf(&g, PAGE(0x12), NULL));
	ck_assert(dirty_bit(&g, PAGE(0x11)) && !dirty_bit(&g, PAGE(0x12)));
	ck_assert_uint_eq(dirty_touch(&g, PAGE(0x12), WRITE), 1);
	ck_assert(dirty_bit(&g, PAGE(0x12)));
	guest_fini(&g);
}
END_TEST
#endif

/* ---- D ------------------------------------------------------------------------------------------ */

START_TEST(by_d_bits_a_write_takes_no_fault)
{
	for each_world(world) {
		dirty_guest(&g, world, BY_D);
		dirty_touch(&g, PAGE(5), 0);
		ck_assert_uint_eq(dirty_touch(&g, PAGE(5), WRITE), 0);
		ck_assert(!dirty_bit(&g, PAGE(5)));
		dirty_harvest(&g, map);
		ck_assert(map[0] & BIT(5));
		ck_assert_uint_eq(dirty_leaf(&g, PAGE(5), NULL) & (SPTE_W | SPTE_D), SPTE_W);
		ck_assert_uint_eq(dirty_touch(&g, PAGE(5), WRITE), 0);
		dirty_harvest(&g, map);
		ck_assert(map[0] & BIT(5));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(d_of_an_entry_that_goes_stays_in_the_log)
{
	for each_world(world)
	for (unsigned how = 0; how < 2; how++) {
		dirty_guest(&g, world, BY_D);
		dirty_touch(&g, PAGE(5), 0);
		dirty_touch(&g, PAGE(5), WRITE);
		if (how)
			mmu_zap_all(g.m.vm);
		else
			mmu_zap_range(g.m.vm, 0, 5, 6);
		machine_audit(&g.m);
		ck_assert(dirty_bit(&g, PAGE(5)));
		dirty_harvest(&g, map);
		ck_assert(map[0] & BIT(5));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(looking_for_d_leaves_it_to_the_harvest)
{
	for each_world(world) {
		dirty_guest(&g, world, BY_D);
		dirty_touch(&g, PAGE(5), 0);
		dirty_touch(&g, PAGE(5), WRITE);
		ck_assert_int_eq(mmu_dirty_look(g.m.vm, 0, 0, 0, 64, map), MMU_OK);
		ck_assert(map[0] & BIT(5));
		ck_assert(dirty_leaf(&g, PAGE(5), NULL) & SPTE_D);
		dirty_harvest(&g, map);
		ck_assert(map[0] & BIT(5));
		ck_assert(!(dirty_leaf(&g, PAGE(5), NULL) & SPTE_D));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_large_page_of_a_logged_slot_cannot_become_writable)
{
	struct memslot *slot;
	struct mmu_op op;
	struct sp *sp;
	u64 spte;

	dirty_guest_huge(&g, 0, 0);
	dirty_touch(&g, PAGE(0x405), 0);
	slot = slot_by_id(g.m.vm, 0, 0);
	spte = dirty_leaf(&g, PAGE(0x405), NULL);
	for (sp = sp_next(g.m.vm, NULL); sp; sp = sp_next(g.m.vm, sp))
		if (sp->role.level == LEVEL_2M && sp->role.direct)
			break;
	op_begin(&op, g.m.vm, NULL, true);
	spte_set(&op, sp, 2, 0x400, spte & ~SPTE_W);
	slot->flags |= MMU_SLOT_LOG_DIRTY;
	ck_assert_int_eq(dirty_make(g.m.vm, slot), MMU_OK);
	ck_assert_panics(&g.m.fake, "L-3", spte_set(&op, sp, 2, 0x400, spte | SPTE_W));
}
END_TEST

int main(int argc, char **argv)
{
	const TTest *const tests[] = {
		what_the_host_writes_is_logged, an_exchange_is_a_write_only_if_it_is_done,
		who_writes_is_told, each_address_space_has_logs_of_its_own,
#ifndef MMU_NO_SHADOW
		a_walk_that_sets_a_or_d_writes_the_table, a_store_to_a_page_table_is_logged,
		a_logged_frame_that_becomes_a_page_table_is_flushed,
		neighbours_mapped_along_are_not_written_to,
#endif
		by_d_bits_a_write_takes_no_fault, d_of_an_entry_that_goes_stays_in_the_log,
		looking_for_d_leaves_it_to_the_harvest,
		a_large_page_of_a_logged_slot_cannot_become_writable,
	};

	return tap_main(argc, argv, "dirty writers", tests, sizeof(tests) / sizeof(tests[0]));
}
