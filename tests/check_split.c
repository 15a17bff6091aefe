/* SPDX-License-Identifier: MIT */
/* Large leaves made small: the same memory with the same rights, and the very page
 * that a fault would use. */
#include "mmu/memslot.h"
#include "mmu/resize.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "tests/guest_pt.h"

#define GVA	0x40000000ull
#define GPA	0x800000ull
#define MB	(1ull << 20)
#define RW	(GPTE_W | GPTE_U | GPTE_A | GPTE_D)

static struct guest g;

static struct mmu_stats stats(void)
{
	struct mmu_stats now;

	mmu_get_stats(g.m.vm, &now);
	return now;
}

/* A 2 MiB page of the guest, mapped by one of ours. */
static gpa_t make_huge(enum guest_mode mode, u64 flags, u64 access)
{
	unsigned level;
	gpa_t gpte;

	guest_init(&g, mode, NULL);
	machine_knob(&g.m, MMU_KNOB_huge, 1);
	gpte = guest_map(&g, GVA, GPA, flags, 2);
	expect_mapped(&g, 0, GVA + 0x1234, access, GPA + 0x1234);
	ck_assert(machine_leaf(&g.m, 0, GVA, &level));
	ck_assert_uint_eq(level, 2);
	return gpte;
}

static u64 split(gfn_t start, gfn_t end)
{
	u64 nr;

	ck_assert_int_eq(mmu_split_range(g.m.vm, 0, start, end, &nr), MMU_OK);
	machine_audit(&g.m);
	return nr;
}

/* Every frame by the fake hardware alone: no fault, so nothing new to audit. */
static void expect_no_fault(u64 access)
{
	g.m.audit_every = 1000;
	for (u64 at = 0; at < 2 * MB; at += PAGE_SIZE) {
		struct outcome out = cpu_access(&g, 0, GVA + at, access);

		ck_assert_uint_eq(out.faults, 0);
		ck_assert_uint_eq(out.level, 1);
		ck_assert_uint_eq(out.hpa, FAKE_RAM + GPA + at);
	}
	g.m.audit_every = 0;
}

START_TEST(small_leaves_map_what_the_large_one_did)
{
	static const enum guest_mode modes[] = { TWO_LEVEL, PAE, LONG4, LONG5 };

	for (unsigned i = 0; i < 4; i++) {
		make_huge(modes[i], GPTE_W | GPTE_U | GPTE_D, PFERR_WRITE);
		ck_assert_uint_eq(split(0, GUEST_FRAMES), 1);
		ck_assert_uint_eq(stats().sptes_2m, 0);
		ck_assert_uint_eq(stats().sptes_4k, 512);
		expect_no_fault(PFERR_WRITE | PFERR_USER);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_fault_after_a_split_finds_the_page_that_it_made)
{
	u64 made;

	make_huge(LONG4, GPTE_W | GPTE_U | GPTE_D, PFERR_WRITE);
	split(0, GUEST_FRAMES);
	made = stats().sp_made;
	machine_knob(&g.m, MMU_KNOB_huge, 0);
	mmu_zap_range(g.m.vm, 0, (GPA >> PAGE_SHIFT) + 7, (GPA >> PAGE_SHIFT) + 8);
	expect_mapped(&g, 0, GVA + 0x7000, PFERR_WRITE, GPA + 0x7000);
	ck_assert_uint_eq(stats().sp_made, made);
	guest_fini(&g);
}
END_TEST

START_TEST(a_page_that_was_there_is_used_and_filled)
{
	u64 made;

	guest_init(&g, LONG4, NULL);
	guest_map(&g, GVA, GPA, GPTE_W | GPTE_U | GPTE_D, 2);
	expect_mapped(&g, 0, GVA + 0x5000, PFERR_WRITE, GPA + 0x5000);
	/* Large from now on: the small page stays in the hash. */
	machine_knob(&g.m, MMU_KNOB_huge, 1);
	expect_mapped(&g, 0, GVA + 0x6000, PFERR_WRITE, GPA + 0x6000);
	ck_assert_uint_eq(stats().sptes_2m, 1);
	made = stats().sp_made;
	ck_assert_uint_eq(split(0, GUEST_FRAMES), 1);
	ck_assert_uint_eq(stats().sp_made, made);
	expect_no_fault(PFERR_WRITE);
	guest_fini(&g);
}
END_TEST

START_TEST(the_guests_rights_stay)
{
	make_huge(LONG4, GPTE_U | GPTE_NX, PFERR_USER);
	split(0, GUEST_FRAMES);
	expect_no_fault(PFERR_USER);
	expect_inject(&g, 0, GVA + 0x3000, PFERR_WRITE, PFERR_PRESENT | PFERR_WRITE);
	expect_inject(&g, 0, GVA + 0x3000, PFERR_FETCH, PFERR_PRESENT | PFERR_FETCH);
	guest_fini(&g);
}
END_TEST

START_TEST(what_lies_outside_of_the_range_stays_large)
{
	guest_init(&g, LONG4, NULL);
	machine_knob(&g.m, MMU_KNOB_huge, 1);
	for (u64 i = 0; i < 4; i++) {
		guest_map(&g, GVA + i * 2 * MB, GPA + i * 2 * MB, GPTE_W | GPTE_D, 2);
		expect_mapped(&g, 0, GVA + i * 2 * MB, PFERR_WRITE, GPA + i * 2 * MB);
	}
	ck_assert_uint_eq(split((GPA + 3 * MB) >> PAGE_SHIFT, (GPA + 5 * MB) >> PAGE_SHIFT), 2);
	ck_assert_uint_eq(stats().sptes_2m, 2);
	ck_assert_uint_eq(split(0, 1), 0);
	guest_fini(&g);
}
END_TEST

START_TEST(without_paging_the_direct_leaves_are_split)
{
	guest_init(&g, UNPAGED, NULL);
	machine_knob(&g.m, MMU_KNOB_huge, 1);
	expect_mapped(&g, 0, 0x345678, PFERR_WRITE, 0x345678);
	ck_assert_uint_eq(split(0, GUEST_FRAMES), 1);
	ck_assert_uint_eq(stats().sptes_4k, 512);
	guest_fini(&g);
}
END_TEST

START_TEST(a_split_owes_one_flush_for_each_place)
{
	make_huge(LONG4, GPTE_W | GPTE_D, PFERR_WRITE);
	fake_forget(&g.m.fake);
	split(0, GUEST_FRAMES);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_flush_request), 1);
	ck_assert(machine_enter(&g.m, 0).flush);
	guest_fini(&g);
}
END_TEST

START_TEST(without_memory_the_large_leaf_stays)
{
	enum mmu_status status = MMU_NOMEM;
	u64 nr;

	for (u64 n = 1; status == MMU_NOMEM; n++) {
		make_huge(LONG4, GPTE_W | GPTE_U | GPTE_D, PFERR_WRITE);
		g.m.fake.fail_at = g.m.fake.nr_allocs + n;
		status = mmu_split_range(g.m.vm, 0, 0, GUEST_FRAMES, &nr);
		machine_audit(&g.m);
		ck_assert(status == MMU_NOMEM || (status == MMU_OK && nr == 1));
		ck_assert_uint_eq(stats().sptes_2m, 1 - nr);
		g.m.fake.fail_at = 0;
		split(0, GUEST_FRAMES);
		ck_assert_uint_eq(cpu_access(&g, 0, GVA + 511 * PAGE_SIZE, PFERR_WRITE).faults, 0);
		ck_assert_uint_lt(n, 200);
		guest_fini(&g);
	}
}
END_TEST

/* A frame inside of the large page becomes a page table. */
static u64 faults_of_neighbours(u64 eager)
{
	gpa_t table = GPA + 0x100000;
	u64 faults = 0;

	make_huge(LONG4, GPTE_W | GPTE_U | GPTE_D, PFERR_WRITE);
	machine_knob(&g.m, MMU_KNOB_eager, eager);
	guest_map(&g, GVA + (1ull << 30), 0x5000, GPTE_W | GPTE_U | GPTE_D, 1);
	guest_store(&g, guest_entry(&g, guest_table(&g), 1, 0), 0);
	guest_poke(&g, guest_entry(&g, table, 1, GVA + (1ull << 30)),
		   0x6000 | GPTE_P | GPTE_W | GPTE_U | GPTE_D, 8);
	/* Its directory entry leads to the frame from now on. */
	{
		struct mmu_walk walk;

		ck_assert(mmu_walk(g.m.vcpu[0], GVA + (1ull << 30), 0, &walk));
		guest_store(&g, walk.step[2].gpa, table | GPTE_P | GPTE_W | GPTE_U);
	}
	expect_mapped(&g, 0, GVA + (1ull << 30), PFERR_WRITE, 0x6000);
	for (u64 at = 0; at < 64 * PAGE_SIZE; at += PAGE_SIZE)
		faults += cpu_access(&g, 0, GVA + at, PFERR_WRITE).faults;
	guest_fini(&g);
	return faults;
}

START_TEST(eagerly_split_the_neighbours_of_a_table_do_not_fault)
{
	ck_assert_uint_eq(faults_of_neighbours(0), 64);
	ck_assert_uint_eq(faults_of_neighbours(1), 0);
}
END_TEST

#ifndef MMU_NO_TDP
START_TEST(nested_paging_splits_alike)
{
	struct machine m;
	unsigned level;
	u64 nr;

	machine_init(&m, NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_ram(&m, 0, 0, (1ull << 30) >> PAGE_SHIFT, 0);
	machine_enter(&m, 0);
	ck_assert_int_eq(machine_fault(&m, 0, 0x5000, PFERR_WRITE, NULL), MMU_RETRY);
	ck_assert(machine_leaf(&m, 0, 0x5000, &level) && level == 3);
	ck_assert_int_eq(mmu_split_range(m.vm, 0, 0, 512, &nr), MMU_OK);
	machine_audit(&m);
	ck_assert_uint_eq(nr, 2);
	ck_assert(machine_leaf(&m, 0, 0x5000, &level) && level == 1);
	ck_assert(machine_leaf(&m, 0, 0x200000, &level) && level == 2);
	ck_assert_uint_eq(m.vm->stats.sptes_4k, 512);
	ck_assert_uint_eq(m.vm->stats.sptes_2m, 511);
	machine_fini(&m);
}
END_TEST
#endif

#ifndef MMU_NO_TDP
static struct machine nested;

/* The guest writes through the large leaf: the hardware sets D. */
static void set_d(struct fake *fake, unsigned point)
{
	struct mmu_host_step steps[5];
	unsigned nr;

	if (point != MMU_POINT_spte_cas)
		return;
	fake->on_point = NULL;
	nr = mmu_host_walk(nested.vcpu[0], 0x5000, steps);
	ck_assert_uint_eq(steps[nr - 1].level, 2);
	atomic_fetch_or(&((spte_t *)fake_va(fake, steps[nr - 1].hpa))->raw, SPTE_D);
}

START_TEST(what_the_hardware_notes_meanwhile_is_no_want_of_memory)
{
	unsigned level;
	u64 nr;

	machine_init(&nested, NULL);
	machine_knob(&nested, MMU_KNOB_huge, 1);
	machine_ram(&nested, 0, 0, 512, 0);
	machine_enter(&nested, 0);
	ck_assert_int_eq(machine_fault(&nested, 0, 0x5000, 0, NULL), MMU_RETRY);
	nested.fake.on_point = set_d;
	ck_assert_int_eq(mmu_split_range(nested.vm, 0, 0, 512, &nr), MMU_OK);
	ck_assert_ptr_null(nested.fake.on_point);
	machine_audit(&nested);
	ck_assert_uint_eq(nr, 1);
	ck_assert(machine_leaf(&nested, 0, 0x5000, &level) & SPTE_D);
	ck_assert_uint_eq(level, 1);
	machine_fini(&nested);
}
END_TEST
#endif

/* Each frame of four large leaves is mapped by a small one, too: splitting takes a
 * descriptor for every frame. A table lies in each, and one fault uses them all. */
START_TEST(eager_splits_leave_a_fault_its_pages)
{
	const gva_t gva = 1ull << 48, alias = 0x80000000;
	gpa_t at;

	guest_init(&g, LONG5, NULL);
	g.m.audit_every = 1000;
	for (u64 i = 0; i < 4 * 512; i++) {
		guest_map(&g, alias + (i << 12), GPA + (i << 12), RW, 1);
		expect_mapped(&g, 0, alias + (i << 12), PFERR_WRITE, GPA + (i << 12));
	}
	machine_knob(&g.m, MMU_KNOB_huge, 1);
	machine_knob(&g.m, MMU_KNOB_eager, 1);
	for (u64 i = 0; i < 4; i++) {
		guest_map(&g, GVA + i * 2 * MB, GPA + i * 2 * MB, RW, 2);
		expect_mapped(&g, 0, GVA + i * 2 * MB, PFERR_WRITE, GPA + i * 2 * MB);
	}
	at = g.regs.cr3;
	for (unsigned level = 5; level > 1; level--) {
		gpa_t table = GPA + (5 - level) * 2 * MB;

		guest_store(&g, guest_entry(&g, at, level, gva), table | GPTE_P | RW);
		at = table;
	}
	guest_store(&g, guest_entry(&g, at, 1, gva), 0x5000 | GPTE_P | RW);
	expect_mapped(&g, 0, gva, PFERR_WRITE, 0x5000);
	ck_assert_uint_lt(stats().sptes_2m, 4);
	guest_fini(&g);
}
END_TEST

/* Beside it a page that the guest has small: its leaf mirrors an entry, and stays. */
START_TEST(what_the_guest_has_large_becomes_large_again)
{
	unsigned level;

	make_huge(LONG4, RW, PFERR_WRITE);
	guest_map(&g, GVA + 4 * MB, GPA + 4 * MB, RW, 1);
	expect_mapped(&g, 0, GVA + 4 * MB, PFERR_WRITE, GPA + 4 * MB);
	split(0, GUEST_FRAMES);
	ck_assert_uint_eq(mmu_recover_range(g.m.vm, 0, 0, GUEST_FRAMES), 512);
	machine_audit(&g.m);
	ck_assert(machine_leaf(&g.m, 0, GVA + 4 * MB, NULL));
	expect_mapped(&g, 0, GVA + 0x5000, PFERR_WRITE, GPA + 0x5000);
	ck_assert(machine_leaf(&g.m, 0, GVA, &level));
	ck_assert_uint_eq(level, LEVEL_2M);
	guest_fini(&g);
}
END_TEST

TAP_MAIN("split", small_leaves_map_what_the_large_one_did,
	 a_fault_after_a_split_finds_the_page_that_it_made,
	 a_page_that_was_there_is_used_and_filled, the_guests_rights_stay,
	 what_lies_outside_of_the_range_stays_large, without_paging_the_direct_leaves_are_split,
	 a_split_owes_one_flush_for_each_place, without_memory_the_large_leaf_stays,
#ifndef MMU_NO_TDP
	 nested_paging_splits_alike, what_the_hardware_notes_meanwhile_is_no_want_of_memory,
#endif
	 eagerly_split_the_neighbours_of_a_table_do_not_fault,
	 eager_splits_leave_a_fault_its_pages,
	 what_the_guest_has_large_becomes_large_again)
