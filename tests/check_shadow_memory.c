/* SPDX-License-Identifier: MIT */
/*
 * Shadow tables and memory: none left for tables, and the same in two address
 * spaces.
 */
#include "tests/guest_pt.h"

static struct guest g;

#define RW	(GPTE_W | GPTE_U)
#define USER	PFERR_USER
#define WRITE	PFERR_WRITE

/* Runs a test body in each paging mode that has tables. */
#define for_each_paging(mode) for (enum guest_mode mode = TWO_LEVEL; mode < NR_GUEST_MODES; mode++)

/* ---- memory that runs out ----------------------------------------------------------------------- */

static void fault_under_pressure(gva_t gva, gpa_t gpa)
{
	struct mmu_fault fault;
	unsigned n = 1;

	for (;; n++) {
		enum mmu_verdict verdict;
		struct mmu_entry entry;
		enum mmu_status status;

		fake_forget(&g.m.fake);
		g.m.fake.fail_at = g.m.fake.nr_allocs + n;
		status = mmu_enter(g.m.vcpu[0], &entry);
		mmu_leave(g.m.vcpu[0]);
		verdict = status == MMU_OK ? mmu_fault(g.m.vcpu[0], gva, USER, &fault) :
					     MMU_NO_MEMORY;
		g.m.fake.fail_at = 0;
		machine_audit(&g.m);
		if (verdict != MMU_NO_MEMORY)
			break;
		ck_assert(status != MMU_OK || !fake_count(&g.m.fake, EV_spte_set));
	}
	ck_assert_uint_gt(n, 1);
	expect_mapped(&g, 0, gva, USER, gpa);
}

START_TEST(a_fault_that_finds_no_memory_can_be_had_again)
{
	for_each_paging(mode) {
		guest_init(&g, mode, NULL);
		guest_map(&g, 0x1000, 0x5000, RW, 1);
		guest_map(&g, 0x40001000, 0x6000, RW, 1);
		guest_map(&g, 0x80800000, 0x800000, RW, 2);
		fault_under_pressure(0x1000, 0x5000);
		fault_under_pressure(0x40001000, 0x6000);
		fault_under_pressure(0x80801000, 0x801000);
		guest_fini(&g);
	}
}
END_TEST

static hpa_t (*real_alloc)(void *ctx);

static hpa_t alloc_unlocked(void *ctx)
{
	ck_assert_uint_eq(g.m.vm->lock.word, 0);
	return real_alloc(ctx);
}

START_TEST(pages_are_taken_before_the_lock_and_never_in_the_middle)
{
	for_each_paging(mode) {
		guest_init(&g, mode, NULL);
		for (unsigned i = 0; i < 40; i++)
			guest_map(&g, 0x1000 + 0x200000 * i, 0x5000, RW, 1);
		machine_enter(&g.m, 0); /* makes the rmaps of all slots */
		mmu_zap_all(g.m.vm);
		real_alloc = g.m.fake.env.page_alloc;
		g.m.fake.env.page_alloc = alloc_unlocked;
		for (unsigned i = 0; i < 40; i++)
			expect_mapped(&g, i & 1, 0x1000 + 0x200000 * i, USER, 0x5000);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(each_allocation_of_a_fault_may_fail)
{
	for_each_paging(mode) {
		for (unsigned n = 1; n < 60; n++) {
			struct mmu_fault fault;
			struct mmu_entry entry;

			guest_init(&g, mode, NULL);
			guest_map(&g, 0x1000, 0x5000, RW, 1);
			g.m.fake.fail_at = g.m.fake.nr_allocs + n;
			if (mmu_enter(g.m.vcpu[0], &entry) == MMU_OK) {
				mmu_leave(g.m.vcpu[0]);
				mmu_fault(g.m.vcpu[0], 0x1000, USER, &fault);
			}
			g.m.fake.fail_at = 0;
			machine_audit(&g.m);
			expect_mapped(&g, 0, 0x1000, USER, 0x5000);
			guest_fini(&g);
		}
	}
}
END_TEST

/* ---- one memory in two address spaces ---------------------------------------------------- */

/* The first CPU's tables in normal mode, of which it maps 0x1000; a second CPU in
 * system-management mode, with tables of its own, maps the first's table at 0x2000.
 * Both modes have the same memory. */
static gpa_t two_modes(void)
{
	gpa_t pte;

	guest_init(&g, LONG4, NULL);
	pte = guest_map(&g, 0x1000, 0x5000, RW, 1);
	guest_set_regs(&g, 0, true);
	g.regs.cr3 = guest_table(&g);
	g.regs.smm = true;
	guest_map(&g, 0x2000, pte & PAGE_MASK, RW | GPTE_D, 1);
	guest_set_regs(&g, 1, true);
	return pte;
}

static void share_memory(void)
{
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 1, 0, 0, GUEST_FRAMES, FAKE_RAM, 0), MMU_OK);
	machine_audit(&g.m);
}

START_TEST(a_table_is_guarded_in_both_address_spaces_that_have_its_memory)
{
	gpa_t pte = two_modes();
	u64 gpte = 0x6000 | GPTE_P | RW;

	share_memory();
	expect_mapped(&g, 1, 0x2000, WRITE, pte & PAGE_MASK);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	expect_emulate(&g, 1, 0x2000, WRITE, true, false);
	ck_assert_uint_eq(mmu_vcpu_write(g.m.vcpu[1], pte, &gpte, 8), 8);
	expect_mapped(&g, 0, 0x1000, USER, 0x6000);
	/* No shadow is left, so it is written freely again. */
	mmu_unprotect(g.m.vm, pte >> PAGE_SHIFT);
	expect_mapped(&g, 1, 0x2000, WRITE, pte & PAGE_MASK);
	guest_fini(&g);
}
END_TEST

START_TEST(memory_that_comes_to_a_second_address_space_is_guarded_from_then_on)
{
	two_modes();
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	share_memory();
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	expect_emulate(&g, 1, 0x2000, WRITE, true, false);
	ck_assert_int_eq(mmu_slot_delete(g.m.vm, 1, 0), MMU_OK);
	machine_audit(&g.m);
	expect_mapped(&g, 0, 0x1000, USER, 0x5000);
	guest_fini(&g);
}
END_TEST

TAP_MAIN("shadow_memory",
	 a_fault_that_finds_no_memory_can_be_had_again,
	 pages_are_taken_before_the_lock_and_never_in_the_middle,
	 each_allocation_of_a_fault_may_fail,
	 a_table_is_guarded_in_both_address_spaces_that_have_its_memory,
	 memory_that_comes_to_a_second_address_space_is_guarded_from_then_on)
