/* SPDX-License-Identifier: MIT */
/*
 * The fast page fault: what it gives back, what it leaves alone, and who comes in
 * between. Where no lock may be taken the test has it itself.
 */
#include "mmu/epoch.h"
#include "mmu/flush.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "tests/guest_pt.h"

#define PW	(PFERR_PRESENT | PFERR_WRITE | PFERR_USER)
#define GPA	0x5000ull
#define MB	(1ull << 20)

static struct machine m;

static void setup(const struct mmu_config *config)
{
	machine_init(&m, config);
	machine_ram(&m, 0, 0, 4096, 0);
	machine_enter(&m, 0);
	if (m.nr_vcpus > 1)
		machine_enter(&m, 1);
	machine_fault(&m, 0, GPA, PFERR_WRITE, NULL);
	m.fake.hook_arg = &m;
}

/* Where the leaf of an address is. Not by vCPU 0, which may be in its bracket. */
static struct sp *leaf_place(u64 addr, unsigned *index)
{
	struct mmu_host_step steps[5];
	unsigned nr = mmu_host_walk(m.vcpu[m.nr_vcpus - 1], addr, steps);

	ck_assert_uint_gt(nr, 0);
	*index = steps[nr - 1].index;
	return sp_by_id(m.vm, steps[nr - 1].sp);
}

/* As who logs writes does: W goes, mmu_writable stays. */
static void take(u64 addr, u64 bits)
{
	unsigned index;
	struct sp *sp = leaf_place(addr, &index);
	struct mmu_op op;

	op_begin(&op, m.vm, NULL, true);
	spte_set(&op, sp, index, sp_entry_gfn(m.vm, sp, index),
		 spte_get(sp_entry(m.vm, sp, index)) & ~bits);
	flush_need(&op, FLUSH_wrprot, sp_entry_gfn(m.vm, sp, index),
		   level_frames(sp->role.level));
	op_end(&op);
}

static enum mmu_verdict fault(u64 addr, u64 error)
{
	struct mmu_fault out;

	return mmu_fault(m.vcpu[0], addr, error, &out);
}

static bool is_writable(u64 addr)
{
	return spte_is_writable(machine_leaf(&m, 0, addr, NULL));
}

static u64 fast_faults(void)
{
	struct mmu_stats stats;

	mmu_get_stats(m.vm, &stats);
	return stats.fast_faults;
}

/* ---- giving back ------------------------------------------------------------------- */

START_TEST(w_is_given_back_without_the_lock_and_told)
{
	const struct fake_event *event;
	struct mmu_op op;
	u64 before;

	setup(NULL);
	take(GPA, SPTE_W | SPTE_D);
	before = machine_leaf(&m, 0, GPA, NULL);
	ck_assert(!spte_is_writable(before));
	fake_forget(&m.fake);
	op_begin(&op, m.vm, NULL, true);
	ck_assert_int_eq(fault(GPA + 0x123, PW), MMU_RETRY);
	op_end(&op);
	ck_assert_uint_eq(machine_leaf(&m, 0, GPA, NULL), before | SPTE_W);
	event = fake_last(&m.fake, EV_spte_set);
	ck_assert_uint_eq(event->spte_set.old, before);
	ck_assert_uint_eq(event->spte_set.new, before | SPTE_W);
	event = fake_last(&m.fake, EV_fast_fault);
	ck_assert_uint_eq(event->fast_fault.addr, GPA + 0x123);
	ck_assert_uint_eq(event->fast_fault.fixed, 1);
	ck_assert_uint_eq(fast_faults(), 1);
	ck_assert_uint_eq(m.vcpu[0]->epoch, 0);
	machine_fini(&m);
}
END_TEST

START_TEST(a_write_that_is_allowed_meanwhile_is_spurious)
{
	struct mmu_op op;

	setup(NULL);
	op_begin(&op, m.vm, NULL, true);
	ck_assert_int_eq(fault(GPA, PW), MMU_SPURIOUS);
	op_end(&op);
	ck_assert_uint_eq(fast_faults(), 0);
	ck_assert_uint_eq(fake_last(&m.fake, EV_fast_fault)->fast_fault.fixed, 0);
	machine_fini(&m);
}
END_TEST

/* Without paging a guest's shadow pages are direct, too. */
START_TEST(direct_pages_of_the_shadow_mmu_are_served_as_well)
{
	static const struct mmu_config config = { .mode = MMU_MODE_SHADOW, .nr_vcpus = 1,
						  .maxphyaddr = 48 };
	struct mmu_op op;

	setup(&config);
	take(GPA, SPTE_W);
	op_begin(&op, m.vm, NULL, true);
	ck_assert_int_eq(fault(GPA, PW), MMU_RETRY);
	op_end(&op);
	ck_assert(is_writable(GPA));
	machine_fini(&m);
}
END_TEST

/* ---- leaving alone ------------------------------------------------------------------ */

START_TEST(a_page_table_or_a_read_only_page_is_not_for_it)
{
	setup(NULL);
	take(GPA, SPTE_W | SPTE_MMU_W);
	fake_forget(&m.fake);
	ck_assert_int_eq(fault(GPA, PW), MMU_RETRY);
	ck_assert_uint_eq(fake_count(&m.fake, EV_fast_fault), 0);
	machine_fini(&m);
}
END_TEST

START_TEST(nor_is_what_is_no_write_to_something_present)
{
	static const u64 error[] = { PFERR_WRITE, PFERR_PRESENT, PFERR_PRESENT | PFERR_FETCH,
				     PW | PFERR_FETCH };

	setup(NULL);
	for (unsigned i = 0; i < sizeof(error) / sizeof(error[0]); i++) {
		take(GPA, SPTE_W);
		ck_assert_int_ne(fault(GPA, error[i]), MMU_EMULATE);
		machine_audit(&m);
	}
	ck_assert_int_eq(fault(GPA + 0x1000, PW), MMU_RETRY);
	ck_assert_int_eq(fault(1ull << 50, PW), MMU_EMULATE);
	ck_assert_uint_eq(fake_count(&m.fake, EV_fast_fault), 0);
	ck_assert_uint_eq(fast_faults(), 0);
	machine_fini(&m);
}
END_TEST

/* For which a log would have one bit of 512. */
START_TEST(large_leaves_are_left_to_the_back_end)
{
	setup(NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_fault(&m, 0, 2 * MB, PFERR_WRITE, NULL);
	take(2 * MB, SPTE_W);
	ck_assert_int_eq(fault(2 * MB, PW), MMU_RETRY);
	ck_assert_uint_eq(fast_faults(), 0);
	ck_assert(is_writable(2 * MB));
	machine_fini(&m);
}
END_TEST

START_TEST(a_root_that_is_left_is_not_mended)
{
	setup(NULL);
	take(GPA, SPTE_W);
	mmu_zap_all(m.vm);
	ck_assert_int_eq(fault(GPA, PW), MMU_RETRY);
	ck_assert_uint_eq(fast_faults(), 0);
	machine_fini(&m);
}
END_TEST

/* ---- in between ----------------------------------------------------------------------- */

static void zap_it(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_spte_cas)
		return;
	fake->on_point = NULL;
	ck_assert_uint_eq(mmu_zap_range(m.vm, 0, 5, 6), 1);
}

START_TEST(what_was_zapped_meanwhile_stays_so)
{
	setup(NULL);
	take(GPA, SPTE_W);
	m.fake.on_point = zap_it;
	/* The back end maps it anew. */
	ck_assert_int_eq(fault(GPA, PW), MMU_RETRY);
	ck_assert_uint_eq(fast_faults(), 0);
	ck_assert(is_writable(GPA));
	machine_fini(&m);
}
END_TEST

static void protect_it(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_spte_cas)
		return;
	fake->on_point = NULL;
	take(GPA, SPTE_W | SPTE_MMU_W);
}

START_TEST(what_became_a_page_table_meanwhile_keeps_its_protection)
{
	setup(NULL);
	take(GPA, SPTE_W);
	fake_forget(&m.fake);
	m.fake.on_point = protect_it;
	ck_assert_int_eq(fault(GPA, PW), MMU_RETRY);
	ck_assert_uint_eq(fast_faults(), 0);
	ck_assert_uint_eq(fake_count(&m.fake, EV_fast_fault), 0);
	machine_fini(&m);
}
END_TEST

static unsigned disturbed;

/* The hardware of another vCPU, or who ages the page. */
static void disturb(struct fake *fake, unsigned point)
{
	unsigned index;
	struct sp *sp;

	(void)fake;
	if (point != MMU_POINT_spte_cas || disturbed == 4)
		return;
	m.fake.on_point = NULL;
	sp = sp_by_table(m.vm, m.vcpu[0]->mmu->root.sp->table_hpa);
	for (unsigned level = 4; level > 1; level--)
		sp = sp_by_table(m.vm, spte_hpa(spte_get(sp_entry(m.vm, sp, 0))));
	index = GPA >> PAGE_SHIFT;
	atomic_fetch_xor(&sp_entry(m.vm, sp, index)->raw, SPTE_A);
	disturbed++;
	m.fake.on_point = disturb;
}

START_TEST(who_comes_too_late_four_times_takes_the_lock)
{
	setup(NULL);
	take(GPA, SPTE_W);
	disturbed = 0;
	m.fake.on_point = disturb;
	ck_assert_int_eq(fault(GPA, PW), MMU_RETRY);
	ck_assert_uint_eq(disturbed, 4);
	ck_assert_uint_eq(fast_faults(), 0);
	ck_assert(is_writable(GPA));
	/* Once is no reason. */
	take(GPA, SPTE_W);
	disturbed = 3;
	ck_assert_int_eq(fault(GPA, PW), MMU_RETRY);
	ck_assert_uint_eq(fast_faults(), 1);
	machine_fini(&m);
}
END_TEST

static void zap_all_tables(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_spte_cas)
		return;
	fake->on_point = NULL;
	mmu_zap_all(m.vm);
	ck_assert_uint_ge(m.vm->nr_deferred, 3);
	ck_assert_uint_eq(fake_count(fake, EV_sp_free), 0);
}

START_TEST(tables_under_its_hands_are_not_freed)
{
	setup(NULL);
	take(GPA, SPTE_W);
	fake_forget(&m.fake);
	m.fake.on_point = zap_all_tables;
	ck_assert_int_eq(fault(GPA, PW), MMU_RETRY);
	ck_assert_uint_eq(fast_faults(), 0);
	machine_fini(&m);
}
END_TEST

/* ---- what is a bug of ours ---------------------------------------------------------------- */

START_TEST(w_is_given_in_a_bracket_only_and_only_where_it_may_be)
{
	struct mmu_op op = { 0 };
	unsigned index;
	struct sp *sp;
	u64 spte;

	setup(NULL);
	op.vm = m.vm;
	op.vcpu = m.vcpu[0];
	sp = leaf_place(GPA, &index);
	spte = spte_get(sp_entry(m.vm, sp, index)) & ~SPTE_W;
	ck_assert_panics(&m.fake, "J-5", (void)!spte_give_w(&op, sp, index, 5, spte));
	mmu_read_begin(m.vcpu[0]);
	ck_assert_panics(&m.fake, "J-4",
			 (void)!spte_give_w(&op, sp, index, 5, spte & ~SPTE_MMU_W));
	sp->role.direct = 0;
	ck_assert_panics(&m.fake, "J-1", (void)!spte_give_w(&op, sp, index, 5, spte));
	sp->role.direct = 1;
	ck_assert_int_eq(spte_give_w(&op, sp, index, 5, spte), MMU_AGAIN);
	mmu_read_end(m.vcpu[0]);
	machine_fini(&m);
}
END_TEST

/* An entry that mirrors a guest's may come to stand for another frame and come back
 * to its old value. */
START_TEST(pages_that_mirror_guest_tables_are_none_of_its_business)
{
	static struct guest g;

	guest_init(&g, LONG4, NULL);
	guest_map(&g, 0x400000, 0x800000, GPTE_W | GPTE_U | GPTE_D | GPTE_A, 1);
	expect_mapped(&g, 0, 0x400000, PFERR_WRITE, 0x800000);
	fake_forget(&g.m.fake);
	ck_assert_int_eq(mmu_fault(g.m.vcpu[0], 0x400000, PW, &(struct mmu_fault){ 0 }),
			 MMU_SPURIOUS);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_fast_fault), 0);
	guest_fini(&g);
}
END_TEST

TAP_MAIN("fast fault",
	 w_is_given_back_without_the_lock_and_told,
	 a_write_that_is_allowed_meanwhile_is_spurious,
	 direct_pages_of_the_shadow_mmu_are_served_as_well,
	 a_page_table_or_a_read_only_page_is_not_for_it,
	 nor_is_what_is_no_write_to_something_present,
	 large_leaves_are_left_to_the_back_end,
	 a_root_that_is_left_is_not_mended,
	 what_was_zapped_meanwhile_stays_so,
	 what_became_a_page_table_meanwhile_keeps_its_protection,
	 who_comes_too_late_four_times_takes_the_lock,
	 tables_under_its_hands_are_not_freed,
	 w_is_given_in_a_bracket_only_and_only_where_it_may_be,
	 pages_that_mirror_guest_tables_are_none_of_its_business)
