/* SPDX-License-Identifier: MIT */
/* The TDP MMU through the front door, with a full audit after every call. */
#include "mmu/backend.h"
#include "mmu/memslot.h"
#include "mmu/page_track.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "tests/fake_env.h"

#include <string.h>

#define W (PFERR_WRITE | PFERR_USER)
#define R PFERR_USER

#define MB (1ull << 20)
#define GB (1ull << 30)


/* 16 MiB of RAM at 0. */
static void setup(struct machine *m, const struct mmu_config *config)
{
	machine_init(m, config);
	machine_ram(m, 0, 0, 4096, 0);
	machine_enter(m, 0);
	if (m->nr_vcpus > 1)
		machine_enter(m, 1);
}

START_TEST(a_fault_in_ram_maps_its_frame)
{
	struct machine m;
	unsigned level;
	u64 spte;

	setup(&m, NULL);
	ck_assert_uint_eq(machine_leaf(&m, 0, 0x5123, NULL), 0);
	ck_assert_int_eq(machine_fault(&m, 0, 0x5123, R, NULL), MMU_RETRY);
	spte = machine_leaf(&m, 0, 0x5123, &level);
	ck_assert_uint_eq(level, LEVEL_4K);
	ck_assert_uint_eq(spte_hpa(spte), FAKE_RAM + 0x5000);
	ck_assert(spte_is_writable(spte));
	ck_assert_uint_eq(machine_leaf(&m, 0, 0x6000, NULL), 0);
	ck_assert_int_eq(machine_fault(&m, 0, 0x5fff, W, NULL), MMU_SPURIOUS);
	machine_fini(&m);
}
END_TEST

START_TEST(an_access_where_no_slot_is_goes_to_the_devices)
{
	static const gpa_t outside[] = { 16 * MB, 0xfee00000, 1ull << 47, 1ull << 50, ~0ull };
	struct machine m;
	struct mmu_fault out;

	setup(&m, NULL);
	for (unsigned i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		ck_assert_int_eq(machine_fault(&m, 0, outside[i], W, &out), MMU_EMULATE);
		ck_assert(out.mmio);
		ck_assert_uint_eq(out.gpa, outside[i]);
	}
	ck_assert_uint_eq(m.vm->stats.sptes_4k, 0);
	machine_fini(&m);
}
END_TEST

START_TEST(the_last_page_of_a_slot_is_mapped_and_the_next_is_not)
{
	struct machine m;

	setup(&m, NULL);
	ck_assert_int_eq(machine_fault(&m, 0, 16 * MB - 1, W, NULL), MMU_RETRY);
	ck_assert_uint_eq(spte_hpa(machine_leaf(&m, 0, 16 * MB - 1, NULL)),
			  FAKE_RAM + 16 * MB - PAGE_SIZE);
	ck_assert_int_eq(machine_fault(&m, 0, 16 * MB, W, NULL), MMU_EMULATE);
	machine_fini(&m);
}
END_TEST

START_TEST(read_only_memory_is_mapped_for_reading_and_emulated_for_writing)
{
	struct machine m;
	struct mmu_fault out;
	u64 spte;

	setup(&m, NULL);
	ck_assert_int_eq(mmu_slot_create(m.vm, 0, 1, 0x10000, 16, FAKE_RAM + GB, MMU_SLOT_READONLY),
			 MMU_OK);
	ck_assert_int_eq(machine_fault(&m, 0, 0x10000000, R, NULL), MMU_RETRY);
	spte = machine_leaf(&m, 0, 0x10000000, NULL);
	ck_assert(spte_is_present(spte));
	ck_assert(!(spte & (SPTE_W | SPTE_MMU_W | SPTE_HOST_W)));
	ck_assert_int_eq(machine_fault(&m, 0, 0x10000000, W, &out), MMU_EMULATE);
	ck_assert(!out.mmio);
	machine_fini(&m);
}
END_TEST

START_TEST(two_vcpus_share_one_tree)
{
	struct machine m;

	setup(&m, NULL);
	ck_assert_uint_eq(machine_enter(&m, 0).root, machine_enter(&m, 1).root);
	ck_assert_int_eq(machine_fault(&m, 0, 0x7000, W, NULL), MMU_RETRY);
	ck_assert_int_eq(machine_fault(&m, 1, 0x7000, W, NULL), MMU_SPURIOUS);
	ck_assert_uint_eq(m.vcpu[0]->mmu->root.sp->root_count, 2);
	machine_fini(&m);
}
END_TEST

START_TEST(the_first_entry_flushes_and_the_next_does_not)
{
	struct machine m;

	machine_init(&m, NULL);
	ck_assert(machine_enter(&m, 0).flush);
	ck_assert(!machine_enter(&m, 0).flush);
	ck_assert_uint_eq(machine_enter(&m, 0).root_level, 4);
	machine_fini(&m);
}
END_TEST

/* ---- huge pages --------------------------------------------------------------------- */

START_TEST(memory_aligned_alike_is_mapped_by_the_largest_page_that_fits)
{
	struct machine m;
	unsigned level;

	machine_init(&m, NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	/* RAM lies at 1 GiB of the host: alike modulo 1 GiB. */
	machine_ram(&m, 0, 0, (GB + 4 * MB) >> PAGE_SHIFT, 0);
	machine_enter(&m, 0);
	ck_assert_int_eq(machine_fault(&m, 0, 0x12345678, W, NULL), MMU_RETRY);
	ck_assert_uint_eq(spte_hpa(machine_leaf(&m, 0, 0x12345678, &level)), FAKE_RAM);
	ck_assert_uint_eq(level, LEVEL_1G);
	ck_assert_int_eq(machine_fault(&m, 0, GB + 3 * MB, W, NULL), MMU_RETRY);
	ck_assert_uint_eq(spte_hpa(machine_leaf(&m, 0, GB + 3 * MB, &level)),
			  FAKE_RAM + GB + 2 * MB);
	ck_assert_uint_eq(level, LEVEL_2M);
	ck_assert_uint_eq(m.vm->stats.sptes_1g, 1);
	ck_assert_uint_eq(m.vm->stats.sptes_2m, 1);
	machine_fini(&m);
}
END_TEST

START_TEST(a_slot_that_begins_or_ends_inside_a_huge_page_gets_small_ones_there)
{
	struct machine m;
	unsigned level;

	machine_init(&m, NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_ram(&m, 0, 1, 1023, PAGE_SIZE);
	machine_enter(&m, 0);
	ck_assert_int_eq(machine_fault(&m, 0, 0x1000, W, NULL), MMU_RETRY);
	ck_assert(machine_leaf(&m, 0, 0x1000, &level));
	ck_assert_uint_eq(level, LEVEL_4K);
	ck_assert_int_eq(machine_fault(&m, 0, 2 * MB, W, NULL), MMU_RETRY);
	ck_assert(machine_leaf(&m, 0, 2 * MB, &level));
	ck_assert_uint_eq(level, LEVEL_2M);
	machine_fini(&m);
}
END_TEST

START_TEST(memory_that_is_not_aligned_alike_gets_small_pages)
{
	struct machine m;
	unsigned level;

	machine_init(&m, NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_ram(&m, 0, 0, 2048, PAGE_SIZE);
	machine_enter(&m, 0);
	ck_assert_int_eq(machine_fault(&m, 0, 4 * MB, W, NULL), MMU_RETRY);
	ck_assert(machine_leaf(&m, 0, 4 * MB, &level));
	ck_assert_uint_eq(level, LEVEL_4K);
	machine_fini(&m);
}
END_TEST

/* ---- zapping ------------------------------------------------------------------------ */

START_TEST(zapping_a_range_drops_its_leaves_only_and_asks_for_a_flush)
{
	struct machine m;

	setup(&m, NULL);
	for (gpa_t gpa = 0; gpa < 16 * PAGE_SIZE; gpa += PAGE_SIZE)
		machine_fault(&m, 0, gpa, W, NULL);
	fake_forget(&m.fake);
	ck_assert_uint_eq(mmu_zap_range(m.vm, 0, 4, 8), 4);
	machine_audit(&m);
	ck_assert_uint_eq(fake_count(&m.fake, EV_spte_set), 4);
	ck_assert_uint_eq(fake_count(&m.fake, EV_flush_request), 1);
	for (gpa_t gpa = 0; gpa < 16 * PAGE_SIZE; gpa += PAGE_SIZE)
		ck_assert_int_eq(!machine_leaf(&m, 0, gpa, NULL), gpa >= 0x4000 && gpa < 0x8000);
	ck_assert(machine_enter(&m, 0).flush);
	ck_assert(machine_enter(&m, 1).flush);
	ck_assert_uint_eq(mmu_zap_range(m.vm, 0, 4, 8), 0);
	ck_assert(!machine_enter(&m, 0).flush);
	ck_assert_uint_eq(mmu_zap_range(m.vm, 1, 0, 16), 0);
	machine_fini(&m);
}
END_TEST

START_TEST(a_huge_leaf_that_reaches_into_the_range_goes_wholly)
{
	struct machine m;

	setup(&m, NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_fault(&m, 0, 2 * MB, W, NULL);
	ck_assert_uint_eq(m.vm->stats.sptes_2m, 1);
	ck_assert_uint_eq(mmu_zap_range(m.vm, 0, 1023, 1024), 1);
	machine_audit(&m);
	ck_assert_uint_eq(m.vm->stats.sptes_2m, 0);
	machine_fini(&m);
}
END_TEST

START_TEST(deleting_a_slot_leaves_no_way_to_its_memory)
{
	struct machine m;

	setup(&m, NULL);
	for (gpa_t gpa = 0; gpa < 16 * MB; gpa += MB)
		machine_fault(&m, 0, gpa, W, NULL);
	ck_assert_int_eq(mmu_slot_delete(m.vm, 0, 0), MMU_OK);
	machine_audit(&m);
	ck_assert_uint_eq(m.vm->stats.sptes_4k, 0);
	ck_assert(machine_enter(&m, 0).flush);
	ck_assert_int_eq(machine_fault(&m, 0, MB, W, NULL), MMU_EMULATE);
	machine_fini(&m);
}
END_TEST

START_TEST(zapping_everything_gives_all_tables_back_and_new_roots)
{
	struct machine m;
	struct mmu_stats stats;
	hpa_t old_root;

	setup(&m, NULL);
	for (gpa_t gpa = 0; gpa < 16 * MB; gpa += MB)
		machine_fault(&m, 0, gpa, W, NULL);
	old_root = machine_enter(&m, 0).root;
	mmu_zap_all(m.vm);
	machine_audit(&m);
	mmu_get_stats(m.vm, &stats);
	ck_assert_uint_eq(stats.sptes_4k, 0);
	/* The old root waits for both vCPUs. */
	ck_assert_uint_eq(stats.sps, 1);
	ck_assert_int_eq(machine_fault(&m, 0, 0, W, NULL), MMU_RETRY);
	mmu_get_stats(m.vm, &stats);
	ck_assert_uint_eq(stats.sptes_4k, 0);
	ck_assert_uint_ne(machine_enter(&m, 0).root, old_root);
	ck_assert_uint_ne(machine_enter(&m, 1).root, old_root);
	mmu_get_stats(m.vm, &stats);
	ck_assert_uint_eq(stats.sps, 1);
	ck_assert_int_eq(machine_fault(&m, 0, 0, W, NULL), MMU_RETRY);
	ck_assert(machine_leaf(&m, 1, 0, NULL));
	machine_fini(&m);
}
END_TEST

static void leave_when_kicked(struct fake *fake, u8 vcpu)
{
	struct machine *m = fake->hook_arg;

	mmu_leave(m->vcpu[vcpu]);
}

START_TEST(who_is_in_the_guest_is_kicked_before_a_zap_returns)
{
	struct machine m;
	struct mmu_entry entry;

	setup(&m, NULL);
	machine_fault(&m, 0, 0, W, NULL);
	machine_fault(&m, 0, 0x1000, W, NULL);
	m.fake.on_kick = leave_when_kicked;
	m.fake.hook_arg = &m;
	ck_assert_int_eq(mmu_enter(m.vcpu[1], &entry), MMU_OK);
	ck_assert_uint_eq(mmu_zap_range(m.vm, 0, 0, 1), 1);
	ck_assert_uint_eq(m.fake.kicks[0], 0);
	ck_assert_uint_eq(m.fake.kicks[1], 1);
	machine_audit(&m);
	ck_assert_int_eq(mmu_enter(m.vcpu[1], &entry), MMU_OK);
	ck_assert(entry.flush);
	mmu_leave(m.vcpu[1]);
	machine_fini(&m);
}
END_TEST

/* The third turn of the waiting loop is when the vCPU leaves; until then all that
 * it may be walking through must be there. */
static void leave_at_third_turn(struct fake *fake)
{
	struct machine *m = fake->hook_arg;

	ck_assert_uint_eq(fake->kicks[1], 1);
	ck_assert_uint_eq(fake_count(fake, EV_sp_free), 0);
	if (fake->relaxes == 3)
		mmu_leave(m->vcpu[1]);
}

START_TEST(no_table_is_freed_while_somebody_runs_in_the_guest)
{
	struct machine m;
	struct mmu_entry entry;

	setup(&m, NULL);
	machine_fault(&m, 0, 0, W, NULL);
	m.fake.on_relax = leave_at_third_turn;
	m.fake.hook_arg = &m;
	ck_assert_int_eq(mmu_enter(m.vcpu[1], &entry), MMU_OK);
	m.fake.relaxes = 0;
	mmu_zap_all(m.vm);
	ck_assert_uint_eq(m.fake.relaxes, 3);
	ck_assert_uint_eq(fake_count(&m.fake, EV_sp_free), 3);
	machine_audit(&m);
	machine_fini(&m);
}
END_TEST

START_TEST(who_runs_on_an_empty_tree_is_kicked_too_when_it_is_given_up)
{
	struct machine m;
	struct mmu_entry entry;

	setup(&m, NULL);
	m.fake.on_kick = leave_when_kicked;
	m.fake.hook_arg = &m;
	ck_assert_int_eq(mmu_enter(m.vcpu[1], &entry), MMU_OK);
	mmu_zap_all(m.vm);
	ck_assert_uint_eq(m.fake.kicks[1], 1);
	machine_fini(&m);
}
END_TEST

START_TEST(a_fault_on_a_root_given_up_meanwhile_changes_nothing)
{
	struct machine m;

	setup(&m, NULL);
	mmu_zap_all(m.vm);
	/* It had looked at its requests just before. */
	atomic_fetch_and(&m.vcpu[0]->requests, ~MMU_REQ_RELOAD);
	ck_assert_int_eq(mmu_fault(m.vcpu[0], 0, W, &(struct mmu_fault){ 0 }), MMU_RETRY);
	atomic_fetch_or(&m.vcpu[0]->requests, MMU_REQ_RELOAD);
	ck_assert_uint_eq(m.vcpu[0]->mmu->root.sp->present, 0);
	machine_fini(&m);
}
END_TEST

/* ---- losing a race ---------------------------------------------------------------- */

/* Just before vCPU 0 exchanges an entry, vCPU 1 does all the work. */
static void be_faster(struct fake *fake, unsigned point)
{
	struct machine *m = fake->hook_arg;

	if (point != MMU_POINT_spte_cas)
		return;
	fake->on_point = NULL;
	ck_assert_int_eq(mmu_fault(m->vcpu[1], 0x5000, W, &(struct mmu_fault){ 0 }), MMU_RETRY);
}

static void lose_race(struct machine *m, u64 sps)
{
	struct mmu_stats stats;

	m->fake.hook_arg = m;
	m->fake.on_point = be_faster;
	ck_assert_int_eq(machine_fault(m, 0, 0x5000, W, NULL), MMU_RETRY);
	ck_assert_ptr_null(m->fake.on_point);
	mmu_get_stats(m->vm, &stats);
	ck_assert_uint_eq(stats.sps, sps);
	ck_assert_uint_eq(stats.pages, m->fake.nr_taken);
	ck_assert_int_eq(machine_fault(m, 0, 0x5000, W, NULL), MMU_SPURIOUS);
}

START_TEST(who_loses_the_race_for_a_table_gives_its_own_back)
{
	struct machine m;

	setup(&m, NULL);
	lose_race(&m, 4);
	machine_fini(&m);
}
END_TEST

START_TEST(who_loses_the_race_for_a_split_gives_its_full_table_back)
{
	struct machine m;
	struct mmu_op op;

	setup(&m, NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_fault(&m, 0, 0x5000, W, NULL);
	op_begin(&op, m.vm, NULL, true);
	ck_assert_int_eq(slots_make_rmaps(m.vm), MMU_OK);
	track_add(&op, slot_by_id(m.vm, 0, 0), 100, LEVEL_2M);
	m.vm->tdp->write_protect(&op, slot_by_id(m.vm, 0, 0), 100);
	track_remove(&op, slot_by_id(m.vm, 0, 0), 100, LEVEL_2M);
	/* Tracking that the audit does not miss pages for: the range's alone. */
	++*(u32 *)parray_get(&m.fake.env, &slot_by_id(m.vm, 0, 0)->huge_shadowed[0], 0);
	op_end(&op);
	m.fake.hook_arg = &m;
	m.fake.on_point = be_faster;
	ck_assert_int_eq(mmu_fault(m.vcpu[0], 0x5000, W, &(struct mmu_fault){ 0 }), MMU_RETRY);
	--*(u32 *)parray_get(&m.fake.env, &slot_by_id(m.vm, 0, 0)->huge_shadowed[0], 0);
	machine_audit(&m);
	ck_assert_uint_eq(m.vm->stats.sps, 4);
	ck_assert_uint_eq(m.vm->stats.sptes_4k, 512);
	machine_fini(&m);
}
END_TEST

/* ---- write protection and splitting ----------------------------------------------------- */

START_TEST(write_protecting_a_frame_takes_w_and_mmu_w_at_any_level)
{
	struct machine m;
	struct mmu_op op;
	u64 spte;

	setup(&m, NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_fault(&m, 0, 2 * MB, W, NULL);
	op_begin(&op, m.vm, NULL, true);
	ck_assert(m.vm->tdp->write_protect(&op, slot_by_id(m.vm, 0, 0), 700));
	ck_assert(!m.vm->tdp->write_protect(&op, slot_by_id(m.vm, 0, 0), 700));
	op_end(&op);
	machine_audit(&m);
	spte = machine_leaf(&m, 0, 2 * MB, NULL);
	ck_assert(spte & SPTE_HOST_W);
	ck_assert(!(spte & (SPTE_W | SPTE_MMU_W)));
	machine_fini(&m);
}
END_TEST

START_TEST(a_huge_leaf_is_split_where_a_shadowed_table_lies_inside)
{
	struct machine m;
	struct mmu_op op;
	unsigned level;

	setup(&m, NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_fault(&m, 0, 2 * MB, W, NULL);
	op_begin(&op, m.vm, NULL, true);
	ck_assert_int_eq(slots_make_rmaps(m.vm), MMU_OK);
	track_add(&op, slot_by_id(m.vm, 0, 0), 700, LEVEL_2M);
	m.vm->tdp->write_protect(&op, slot_by_id(m.vm, 0, 0), 700);
	op_end(&op);
	fake_forget(&m.fake);
	ck_assert_int_eq(mmu_fault(m.vcpu[0], 2 * MB, W, &(struct mmu_fault){ 0 }), MMU_RETRY);
	/* The table maps all that the huge leaf did, and only this frame got W. */
	ck_assert_uint_eq(m.vm->stats.sptes_2m, 0);
	ck_assert_uint_eq(m.vm->stats.sptes_4k, 512);
	ck_assert_uint_eq(fake_last(&m.fake, EV_flush_request)->flush_request.gfn, 512);
	ck_assert(spte_is_writable(machine_leaf(&m, 0, 2 * MB, &level)));
	ck_assert_uint_eq(level, LEVEL_4K);
	ck_assert(!spte_is_writable(machine_leaf(&m, 0, 701 << PAGE_SHIFT, NULL)));
	ck_assert(!spte_is_writable(machine_leaf(&m, 0, 700 << PAGE_SHIFT, NULL)));
	ck_assert_int_eq(mmu_fault(m.vcpu[0], 700 << PAGE_SHIFT, W, &(struct mmu_fault){ 0 }),
			 MMU_EMULATE);
	ck_assert_uint_eq(spte_hpa(machine_leaf(&m, 0, 701 << PAGE_SHIFT, NULL)),
			  FAKE_RAM + (701 << PAGE_SHIFT));
	op_begin(&op, m.vm, NULL, true);
	track_remove(&op, slot_by_id(m.vm, 0, 0), 700, LEVEL_2M);
	op_end(&op);
	machine_fini(&m);
}
END_TEST

TAP_MAIN("tdp",
	 a_fault_in_ram_maps_its_frame,
	 an_access_where_no_slot_is_goes_to_the_devices,
	 the_last_page_of_a_slot_is_mapped_and_the_next_is_not,
	 read_only_memory_is_mapped_for_reading_and_emulated_for_writing,
	 two_vcpus_share_one_tree,
	 the_first_entry_flushes_and_the_next_does_not,
	 memory_aligned_alike_is_mapped_by_the_largest_page_that_fits,
	 a_slot_that_begins_or_ends_inside_a_huge_page_gets_small_ones_there,
	 memory_that_is_not_aligned_alike_gets_small_pages,
	 zapping_a_range_drops_its_leaves_only_and_asks_for_a_flush,
	 a_huge_leaf_that_reaches_into_the_range_goes_wholly,
	 deleting_a_slot_leaves_no_way_to_its_memory,
	 zapping_everything_gives_all_tables_back_and_new_roots,
	 who_is_in_the_guest_is_kicked_before_a_zap_returns,
	 no_table_is_freed_while_somebody_runs_in_the_guest,
	 who_runs_on_an_empty_tree_is_kicked_too_when_it_is_given_up,
	 a_fault_on_a_root_given_up_meanwhile_changes_nothing,
	 who_loses_the_race_for_a_table_gives_its_own_back,
	 who_loses_the_race_for_a_split_gives_its_full_table_back,
	 write_protecting_a_frame_takes_w_and_mmu_w_at_any_level,
	 a_huge_leaf_is_split_where_a_shadowed_table_lies_inside)
