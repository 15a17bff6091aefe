/* SPDX-License-Identifier: MIT */
/* What an operation owes: collected, paid once, never forgotten. */
#include "mmu/flush.h"
#include "tests/fake_env.h"

static struct machine m;

static struct mmu_stats stats(void)
{
	struct mmu_stats now;

	mmu_get_stats(m.vm, &now);
	return now;
}

static void setup(void)
{
	machine_init(&m, NULL);
	machine_ram(&m, 0, 0, 4096, 0);
	machine_enter(&m, 0);
	machine_enter(&m, 1);
	fake_forget(&m.fake);
}

static void expect_range(const struct flush_range *range, gfn_t start, gfn_t end)
{
	ck_assert_uint_eq(range->start, start);
	ck_assert_uint_eq(range->end, end);
}

START_TEST(a_range_grows_to_hold_what_is_added)
{
	struct flush_range range = { 0 };

	flush_range_add(&range, 0x200, 0x10);
	expect_range(&range, 0x200, 0x210);
	flush_range_add(&range, 0x208, 2);
	expect_range(&range, 0x200, 0x210);
	flush_range_add(&range, 0x100, 1);
	expect_range(&range, 0x100, 0x210);
	flush_range_add(&range, 0x20f, 2);
	expect_range(&range, 0x100, 0x211);
	flush_range_add(&range, 0x100, 0);
	expect_range(&range, 0, GFN_LIMIT);
	flush_range_add(&range, 0x300, 1);
	expect_range(&range, 0, GFN_LIMIT);
}
END_TEST

START_TEST(a_range_that_ends_nowhere_is_everything)
{
	struct flush_range range = { 0 };

	flush_range_add(&range, GFN_LIMIT - 2, 2);
	expect_range(&range, GFN_LIMIT - 2, GFN_LIMIT);
	flush_range_add(&range, GFN_LIMIT - 2, 3);
	expect_range(&range, 0, GFN_LIMIT);
	range = (struct flush_range){ 0 };
	flush_range_add(&range, GFN_LIMIT, 1);
	expect_range(&range, 0, GFN_LIMIT);
	range = (struct flush_range){ 0 };
	flush_range_add(&range, 1, ~0ull);
	expect_range(&range, 0, GFN_LIMIT);
}
END_TEST

START_TEST(what_is_owed_is_paid_once_for_all_reasons)
{
	struct mmu_stats before, after;
	struct mmu_op op;

	setup();
	before = stats();
	op_begin(&op, m.vm, NULL, true);
	flush_need(&op, FLUSH_zap, 0x10, 1);
	flush_need(&op, FLUSH_wrprot, 0x20, 1);
	flush_need(&op, FLUSH_zap, 0x30, 2);
	ck_assert_uint_eq(op.owed, 1u << FLUSH_zap | 1u << FLUSH_wrprot);
	expect_range(&op.range, 0x10, 0x32);
	op_end(&op);
	ck_assert_uint_eq(op.owed, 0);
	expect_range(&op.range, 0, 0);
	after = stats();
	ck_assert_uint_eq(after.flush_requests - before.flush_requests, 3);
	ck_assert_uint_eq(after.flush_joined - before.flush_joined, 2);
	ck_assert_uint_eq(after.flush_batches - before.flush_batches, 1);
	ck_assert_uint_eq(fake_count(&m.fake, EV_flush_request), 1);
	ck_assert_uint_eq(fake_count(&m.fake, EV_flush_joined), 2);
	ck_assert_uint_eq(fake_count(&m.fake, EV_flush_vcpu), m.nr_vcpus);
	machine_fini(&m);
}
END_TEST

START_TEST(nobody_is_asked_where_nothing_is_owed)
{
	struct mmu_stats before;
	struct mmu_op op;

	setup();
	before = stats();
	op_begin(&op, m.vm, NULL, true);
	op_yield(&op);
	op_end(&op);
	ck_assert_uint_eq(stats().flush_batches, before.flush_batches);
	ck_assert_uint_eq(fake_count(&m.fake, EV_flush_vcpu), 0);
	machine_fini(&m);
}
END_TEST

START_TEST(a_yield_pays_and_what_comes_after_it_is_owed_anew)
{
	struct mmu_op op;

	setup();
	op_begin(&op, m.vm, NULL, true);
	flush_need(&op, FLUSH_zap, 0x10, 1);
	op_yield(&op);
	ck_assert_uint_eq(fake_count(&m.fake, EV_flush_vcpu), m.nr_vcpus);
	flush_need(&op, FLUSH_zap, 0x40, 1);
	expect_range(&op.range, 0x40, 0x41);
	op_end(&op);
	ck_assert_uint_eq(fake_count(&m.fake, EV_flush_request), 2);
	ck_assert_uint_eq(fake_count(&m.fake, EV_flush_vcpu), 2 * m.nr_vcpus);
	machine_fini(&m);
}
END_TEST

/* A point where the test adds a debt that nobody has paid. */
static struct mmu_op *late;

static void owe_late(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_flush_paid)
		return;
	fake->on_point = NULL;
	late->owed = 1u << FLUSH_zap;
}

START_TEST(the_lock_is_not_given_back_over_a_debt)
{
	struct mmu_op op;

	setup();
	late = &op;
	op_begin(&op, m.vm, NULL, true);
	flush_need(&op, FLUSH_zap, 0x10, 1);
	m.fake.on_point = owe_late;
	ck_assert_panics(&m.fake, "U-2", op_end(&op));
	fake_abandon(&m.fake);
}
END_TEST

START_TEST(pages_are_not_freed_over_a_debt)
{
	struct list zapped = { 0 };
	struct mmu_op op;

	setup();
	late = &op;
	op_begin(&op, m.vm, NULL, true);
	flush_need(&op, FLUSH_zap, 0x10, 1);
	list_add(&zapped, &op.zapped);
	m.fake.on_point = owe_late;
	ck_assert_panics(&m.fake, "N-4", op_end(&op));
	fake_abandon(&m.fake);
}
END_TEST

/* 64 pages mapped by the first vCPU. */
static void map_pages(void)
{
	for (u64 i = 0; i < 64; i++)
		machine_fault(&m, 0, i << PAGE_SHIFT, PFERR_WRITE, NULL);
	fake_forget(&m.fake);
}

START_TEST(an_operation_on_many_entries_is_one_flush)
{
	u64 before;

	setup();
	map_pages();
	before = stats().flush_batches;
	ck_assert_uint_eq(mmu_zap_range(m.vm, 0, 0, 64), 64);
	ck_assert_uint_eq(stats().flush_batches - before, 1);
	map_pages();
	before = stats().flush_batches;
	ck_assert_int_eq(mmu_slot_delete(m.vm, 0, 0), MMU_OK);
	ck_assert_uint_eq(stats().flush_batches - before, 1);
	machine_fini(&m);
}
END_TEST

START_TEST(requests_before_an_entry_are_one_flush_of_the_vcpu)
{
	struct mmu_stats before, after;

	setup();
	machine_enter(&m, 0);
	before = stats();
	for (unsigned i = 0; i < 5; i++) {
		struct mmu_op op;

		op_begin(&op, m.vm, NULL, true);
		flush_need(&op, FLUSH_zap, i, 1);
		op_end(&op);
	}
	ck_assert_int_eq(machine_enter(&m, 0).flush, MMU_FLUSH_ALL);
	ck_assert_int_eq(machine_enter(&m, 0).flush, MMU_FLUSH_NONE);
	after = stats();
	ck_assert_uint_eq(after.flush_requests - before.flush_requests, 5);
	ck_assert_uint_eq(after.flushes - before.flushes, 1);
	machine_fini(&m);
}
END_TEST

static unsigned turns;

/* He had looked for requests just before; the kick is on its way to him. */
static void enter_late(struct fake *fake)
{
	(void)fake;
	if (turns++)
		mmu_leave(m.vcpu[1]);
	else
		vcpu_take(m.vcpu[1], MMU_REQ_FLUSH);
}

/* To empty his TLB is not enough: he fills it again from tables that will be freed. */
START_TEST(who_enters_with_a_root_that_goes_is_waited_for_till_he_is_out)
{
	struct mmu_entry entry;

	setup();
	ck_assert_int_eq(mmu_enter(m.vcpu[1], &entry), MMU_OK);
	m.fake.on_relax = enter_late;
	turns = 0;
	mmu_zap_all(m.vm);
	ck_assert_uint_eq(m.fake.kicks[1], 1);
	ck_assert(!m.vcpu[1]->in_guest);
	machine_enter(&m, 0);
	machine_enter(&m, 1);
	machine_fini(&m);
}
END_TEST

TAP_MAIN("flush", a_range_grows_to_hold_what_is_added, a_range_that_ends_nowhere_is_everything,
	 what_is_owed_is_paid_once_for_all_reasons, nobody_is_asked_where_nothing_is_owed,
	 a_yield_pays_and_what_comes_after_it_is_owed_anew, the_lock_is_not_given_back_over_a_debt,
	 pages_are_not_freed_over_a_debt, an_operation_on_many_entries_is_one_flush,
	 requests_before_an_entry_are_one_flush_of_the_vcpu,
	 who_enters_with_a_root_that_goes_is_waited_for_till_he_is_out)
