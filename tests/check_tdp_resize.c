/* SPDX-License-Identifier: MIT */
/* Splitting beside faults, and large leaves that inherit what small ones knew. */
#include "mmu/backend.h"
#include "mmu/resize.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "tests/fake_env.h"

#define W	(PFERR_WRITE | PFERR_USER)
#define MB	(1ull << 20)
#define GB	(1ull << 30)

static struct machine m;

/* 1 GiB and 4 MiB of RAM at 0. */
static void setup(void)
{
	machine_init(&m, NULL);
	machine_ram(&m, 0, 0, (GB + 4 * MB) >> PAGE_SHIFT, 0);
	machine_enter(&m, 0);
	machine_enter(&m, 1);
	m.fake.hook_arg = &m;
}

static spte_t *entry(gpa_t gpa)
{
	struct mmu_host_step steps[5];
	unsigned nr = mmu_host_walk(m.vcpu[1], gpa, steps);

	return sp_entry(m.vm, sp_by_id(m.vm, steps[nr - 1].sp), steps[nr - 1].index);
}

static unsigned level_of(gpa_t gpa)
{
	unsigned level = 0;

	return machine_leaf(&m, 0, gpa, &level) ? level : 0;
}

static u64 recover(void)
{
	u64 nr = mmu_recover_range(m.vm, 0, 0, GB >> PAGE_SHIFT);

	machine_audit(&m);
	return nr;
}

/* Two small leaves in one table, with these of A and D. */
static void map_two(u64 first, u64 second)
{
	machine_knob(&m, MMU_KNOB_huge, 0);
	machine_fault(&m, 0, 4 * MB, W, NULL);
	machine_fault(&m, 0, 5 * MB, W, NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	entry(4 * MB)->raw = (entry(4 * MB)->raw & ~(SPTE_A | SPTE_D)) | first;
	entry(5 * MB)->raw = (entry(5 * MB)->raw & ~(SPTE_A | SPTE_D)) | second;
}

/* ---- recovery --------------------------------------------------------------------- */

START_TEST(a_large_leaf_was_used_if_a_small_one_was)
{
	static const u64 sets[] = { 0, SPTE_A, SPTE_A | SPTE_D };

	for (unsigned i = 0; i < 3; i++)
		for (unsigned k = 0; k < 3; k++) {
			setup();
			map_two(sets[i], sets[k]);
			/* The whole GiB lies in the slot: so do its 512 parts. */
			ck_assert_uint_eq(recover(), 3);
			ck_assert_uint_eq(level_of(4 * MB), LEVEL_1G);
			ck_assert_uint_eq(machine_leaf(&m, 0, 4 * MB, NULL) & (SPTE_A | SPTE_D),
					  sets[i] | sets[k]);
			ck_assert(spte_is_writable(machine_leaf(&m, 0, 4 * MB, NULL)));
			ck_assert_uint_eq(m.vm->stats.sps, 2);
			machine_fini(&m);
		}
}
END_TEST

static unsigned sets;
static spte_t *old_leaf;

/* The hardware's last store to the old table, just before its leaf is frozen. */
static void store_late(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_spte_set || ++sets != 2)
		return;
	fake->on_point = NULL;
	atomic_fetch_or(&old_leaf->raw, SPTE_A | SPTE_D);
}

START_TEST(what_the_hardware_notes_in_the_old_table_is_not_lost)
{
	setup();
	map_two(0, 0);
	old_leaf = entry(4 * MB);
	sets = 0;
	m.fake.on_point = store_late;
	recover();
	ck_assert_ptr_null(m.fake.on_point);
	ck_assert_uint_eq(machine_leaf(&m, 0, 4 * MB, NULL) & (SPTE_A | SPTE_D), SPTE_A | SPTE_D);
	machine_fini(&m);
}
END_TEST

START_TEST(read_only_memory_stays_so)
{
	setup();
	ck_assert_int_eq(mmu_slot_create(m.vm, 0, 1, 4 * GB >> PAGE_SHIFT, 512, FAKE_RAM,
					 MMU_SLOT_READONLY), MMU_OK);
	machine_enter(&m, 0);
	machine_knob(&m, MMU_KNOB_huge, 0);
	machine_fault(&m, 0, 4 * GB, PFERR_USER, NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	ck_assert_uint_eq(mmu_recover_range(m.vm, 0, 0, ~0ull), 1);
	machine_audit(&m);
	ck_assert_uint_eq(level_of(4 * GB), LEVEL_2M);
	ck_assert(!(machine_leaf(&m, 0, 4 * GB, NULL) & (SPTE_W | SPTE_MMU_W | SPTE_HOST_W)));
	machine_fini(&m);
}
END_TEST

START_TEST(empty_tables_leave_nothing_in_their_place)
{
	setup();
	map_two(SPTE_A, SPTE_A);
	ck_assert_uint_eq(mmu_zap_range(m.vm, 0, 0, GB >> PAGE_SHIFT), 2);
	ck_assert_uint_eq(recover(), 0);
	ck_assert_uint_eq(level_of(4 * MB), 0);
	/* The root and the table below it, whose own range is larger than a leaf may be. */
	ck_assert_uint_eq(m.vm->stats.sps, 2);
	machine_fini(&m);
}
END_TEST

START_TEST(w_that_was_taken_for_a_log_comes_back_with_a_large_leaf)
{
	setup();
	map_two(SPTE_A, SPTE_A);
	atomic_fetch_and(&entry(4 * MB)->raw, ~SPTE_W);
	recover();
	ck_assert(spte_is_writable(machine_leaf(&m, 0, 4 * MB, NULL)));
	machine_fini(&m);
}
END_TEST

static void table_is_owed(struct fake *fake, unsigned point)
{
	if (point == MMU_POINT_flush_wait)
		ck_assert_uint_eq(fake_count(fake, EV_sp_free), 0);
}

START_TEST(the_old_table_goes_after_the_flush)
{
	setup();
	map_two(SPTE_A, SPTE_A);
	fake_forget(&m.fake);
	m.fake.on_point = table_is_owed;
	recover();
	m.fake.on_point = NULL;
	ck_assert_uint_eq(fake_count(&m.fake, EV_sp_free), 2);
	ck_assert_uint_gt(fake_count(&m.fake, EV_flush_request), 0);
	ck_assert_uint_eq(fake_last(&m.fake, EV_sp_zap)->sp_zap.why, ZAP_recover);
	machine_fini(&m);
}
END_TEST

/* Where all was large already, a small page is mapped again. */
static void make_small_again(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_yield)
		return;
	fake->on_point = NULL;
	m.audit_every = 1000000;
	m.audit_calls = 1;
	ck_assert_uint_eq(mmu_zap_range(m.vm, 0, 0, 1), 1);
	machine_knob(&m, MMU_KNOB_huge, 0);
	ck_assert_int_eq(mmu_fault(m.vcpu[1], 0, W, &(struct mmu_fault){ 0 }), MMU_RETRY);
	machine_knob(&m, MMU_KNOB_huge, 1);
	m.audit_every = 0;
}

START_TEST(a_table_of_tables_waits_until_these_are_large)
{
	setup();
	for (unsigned i = 0; i < 20; i++)
		machine_fault(&m, 0, i * 2 * MB, W, NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	m.fake.on_point = make_small_again;
	ck_assert_uint_eq(recover(), 20);
	ck_assert_ptr_null(m.fake.on_point);
	ck_assert_uint_eq(level_of(0), LEVEL_4K);
	ck_assert_uint_eq(level_of(2 * MB), LEVEL_2M);
	ck_assert_uint_eq(recover(), 1 + 20);
	ck_assert_uint_eq(level_of(0), LEVEL_1G);
	machine_fini(&m);
}
END_TEST

/* ---- splitting beside others --------------------------------------------------------- */

START_TEST(others_may_fault_while_large_leaves_are_split)
{
	struct mmu_op reader;
	u64 nr;

	setup();
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_fault(&m, 0, 4 * MB, W, NULL);
	ck_assert_uint_eq(level_of(4 * MB), LEVEL_1G);
	op_begin(&reader, m.vm, m.vcpu[1], false);
	ck_assert_int_eq(mmu_split_range(m.vm, 0, 1024, 2048, &nr), MMU_OK);
	op_end(&reader);
	/* One of 1 GiB, then two of 2 MiB. */
	ck_assert_uint_eq(nr, 3);
	ck_assert_uint_eq(level_of(4 * MB), LEVEL_4K);
	ck_assert_uint_eq(level_of(8 * MB), LEVEL_2M);
	machine_fini(&m);
}
END_TEST

/* Just before the leaf is exchanged for a table. */
static void be_faster(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_spte_cas)
		return;
	fake->on_point = NULL;
	atomic_fetch_xor(&entry(GB)->raw, SPTE_D);
}

START_TEST(a_split_that_lost_begins_again)
{
	u64 nr;

	setup();
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_fault(&m, 0, GB, W, NULL);
	ck_assert_uint_eq(level_of(GB), LEVEL_2M);
	m.fake.on_point = be_faster;
	ck_assert_int_eq(mmu_split_range(m.vm, 0, GB >> PAGE_SHIFT, (GB >> PAGE_SHIFT) + 1, &nr),
			 MMU_OK);
	ck_assert_uint_eq(nr, 1);
	ck_assert(!(machine_leaf(&m, 0, GB, NULL) & SPTE_D));
	ck_assert_uint_eq(level_of(GB), LEVEL_4K);
	machine_fini(&m);
}
END_TEST

START_TEST(many_are_split_with_one_hold_of_the_lock)
{
	u64 nr;

	setup();
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_fault(&m, 0, 4 * MB, W, NULL);
	fake_forget(&m.fake);
	ck_assert_int_eq(mmu_split_range(m.vm, 0, 0, 16 * 512, &nr), MMU_OK);
	ck_assert_uint_eq(nr, 17);
	ck_assert_uint_le(fake_count(&m.fake, EV_flush_vcpu), 2 * 3);
	machine_fini(&m);
}
END_TEST

TAP_MAIN("tdp resize",
	 a_large_leaf_was_used_if_a_small_one_was,
	 what_the_hardware_notes_in_the_old_table_is_not_lost,
	 read_only_memory_stays_so,
	 empty_tables_leave_nothing_in_their_place,
	 w_that_was_taken_for_a_log_comes_back_with_a_large_leaf,
	 the_old_table_goes_after_the_flush,
	 a_table_of_tables_waits_until_these_are_large,
	 others_may_fault_while_large_leaves_are_split,
	 a_split_that_lost_begins_again,
	 many_are_split_with_one_hold_of_the_lock)
