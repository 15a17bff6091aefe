/* SPDX-License-Identifier: MIT */
/* Flushes by root in a machine: who is asked instead of whom, and for what. */
#include "mmu/backend.h"
#include "mmu/epoch.h"
#include "mmu/memslot.h"
#include "mmu/sp.h"
#include "tests/fake_env.h"

static struct machine m;

static bool answer;
static unsigned calls;

static bool flush_and_count(void *ctx, hpa_t root_hpa, gfn_t gfn, u64 npages)
{
	(void)ctx, (void)gfn, (void)npages;
	ck_assert_ptr_nonnull(sp_by_table(m.vm, root_hpa));
	calls++;
	return answer;
}

/* Two vCPUs with one root and a page; the second is in the guest. */
static void run_machine(bool host_answers)
{
	struct mmu_entry entry;

	machine_init(&m, NULL);
	m.fake.env.flush_root = flush_and_count;
	machine_ram(&m, 0, 0, 4096, 0);
	machine_enter(&m, 0);
	machine_fault(&m, 0, 0x5000, PFERR_WRITE, NULL);
	machine_enter(&m, 1);
	ck_assert_int_eq(mmu_enter(m.vcpu[1], &entry), MMU_OK);
	answer = host_answers;
	calls = 0;
	fake_forget(&m.fake);
}

/* Who is kicked leaves, and sees its requests. */
static void leave(struct fake *fake, u8 vcpu)
{
	(void)fake;
	mmu_leave(m.vcpu[vcpu]);
}

START_TEST(a_flush_by_root_asks_and_kicks_nobody)
{
	run_machine(true);
	ck_assert_uint_eq(mmu_zap_range(m.vm, 0, 5, 6), 1);
	ck_assert_uint_eq(calls, 1);
	ck_assert_uint_eq(m.fake.kicks[1], 0);
	ck_assert_uint_eq(fake_count(&m.fake, EV_flush_vcpu), 0);
	ck_assert_uint_eq(fake_count(&m.fake, EV_request), 0);
	ck_assert_uint_eq(fake_last(&m.fake, EV_flush_root)->flush_root.gfn, 5);
	ck_assert_uint_eq(fake_last(&m.fake, EV_flush_root)->flush_root.npages, 1);
	mmu_leave(m.vcpu[1]);
	ck_assert_int_eq(machine_enter(&m, 1).flush, MMU_FLUSH_NONE);
	machine_fini(&m);
}
END_TEST

START_TEST(after_a_refusal_all_vcpus_are_asked_once)
{
	run_machine(false);
	m.fake.on_kick = leave;
	ck_assert_uint_eq(mmu_zap_range(m.vm, 0, 5, 6), 1);
	ck_assert_uint_eq(calls, 1);
	ck_assert_uint_eq(m.fake.kicks[1], 1);
	ck_assert_uint_eq(fake_count(&m.fake, EV_flush_vcpu), 2);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_int_eq(machine_enter(&m, i).flush, MMU_FLUSH_ALL);
	machine_fini(&m);
}
END_TEST

START_TEST(who_needs_another_root_is_kicked_out_of_the_guest)
{
	run_machine(true);
	m.fake.on_kick = leave;
	mmu_zap_all(m.vm);
	ck_assert_uint_eq(m.fake.kicks[1], 1);
	machine_enter(&m, 0);
	machine_enter(&m, 1);
	ck_assert_int_eq(mmu_zap_range(m.vm, 0, 5, 6), 0);
	machine_fini(&m);
}
END_TEST

START_TEST(a_large_page_is_flushed_whole)
{
	run_machine(true);
	mmu_leave(m.vcpu[1]);
	machine_knob(&m, MMU_KNOB_huge, 1);
	mmu_zap_range(m.vm, 0, 0, 4096);
	mmu_zap_all(m.vm);
	machine_enter(&m, 0);
	machine_enter(&m, 1);
	machine_fault(&m, 0, 0x400000, PFERR_WRITE, NULL);
	ck_assert_uint_eq(m.vm->stats.sptes_2m, 1);
	ck_assert_uint_eq(mmu_zap_range(m.vm, 0, 0x401, 0x402), 1);
	ck_assert_uint_eq(fake_last(&m.fake, EV_flush_root)->flush_root.gfn, 0x400);
	ck_assert_uint_eq(fake_last(&m.fake, EV_flush_root)->flush_root.npages, 512);
	machine_fini(&m);
}
END_TEST

/* As happens where a frame of it becomes a table of nested tables. */
START_TEST(a_large_page_is_protected_and_flushed_whole)
{
	struct mmu_op op;

	run_machine(true);
	mmu_leave(m.vcpu[1]);
	machine_knob(&m, MMU_KNOB_huge, 1);
	mmu_zap_all(m.vm);
	machine_enter(&m, 0);
	machine_fault(&m, 0, 0x400000, PFERR_WRITE, NULL);
	ck_assert_uint_eq(m.vm->stats.sptes_2m, 1);
	op_begin(&op, m.vm, NULL, true);
	ck_assert(m.vm->tdp->write_protect(&op, slot_lookup(m.vm, 0, 0x401), 0x401));
	ck_assert_uint_eq(op.range.start, 0x400);
	ck_assert_uint_eq(op.range.end, 0x600);
	op_end(&op);
	mmu_zap_all(m.vm);
	machine_fini(&m);
}
END_TEST

START_TEST(a_root_is_forgotten_with_its_page)
{
	const struct sp *root;

	run_machine(true);
	mmu_leave(m.vcpu[1]);
	root = m.vcpu[0]->mmu->root.sp;
	ck_assert_ptr_eq(m.vm->flush_roots.root[0], root);
	mmu_zap_all(m.vm);
	machine_enter(&m, 0);
	ck_assert_ptr_eq(m.vm->flush_roots.root[0], m.vcpu[0]->mmu->root.sp);
	machine_enter(&m, 1);
	for (unsigned i = 0; i < 2; i++)
		ck_assert_ptr_eq(m.vm->flush_roots.root[i], m.vcpu[i]->mmu->root.sp);
	machine_fini(&m);
}
END_TEST

/* Another CPU, amid giving back what nobody can see any more, holds the lock that a new
 * page takes: it comes first. */
static void reap(struct fake *fake)
{
	fake->on_relax = NULL;
	spin_unlock(&m.vm->sps_lock);
	epoch_reap(m.vm);
}

START_TEST(a_root_with_the_record_of_the_one_before_is_another)
{
	const struct mmu_config config = { .mode = MMU_MODE_TDP, .nr_vcpus = 1, .tdp_level = 4,
					   .maxphyaddr = 48 };
	const struct sp *root;

	machine_init(&m, &config);
	m.fake.env.flush_root = flush_and_count;
	answer = true;
	machine_enter(&m, 0);
	root = m.vcpu[0]->mmu->root.sp;
	mmu_zap_all(m.vm);
	spin_lock(m.vm->env, &m.vm->sps_lock);
	m.fake.on_relax = reap;
	ck_assert_int_eq(machine_enter(&m, 0).flush, MMU_FLUSH_ALL);
	ck_assert_ptr_null(m.fake.on_relax);
	ck_assert_ptr_eq(m.vcpu[0]->mmu->root.sp, root);
	machine_fini(&m);
}
END_TEST

START_TEST(a_root_without_a_flush_is_our_bug)
{
	struct mmu_entry entry;

	run_machine(true);
	mmu_leave(m.vcpu[1]);
	m.vm->flush_roots.root[1] = NULL;
	ck_assert_panics(&m.fake, "Q-5", (void)!mmu_enter(m.vcpu[1], &entry));
	fake_abandon(&m.fake);
}
END_TEST

START_TEST(shadow_paging_has_no_use_for_it)
{
#ifndef MMU_NO_SHADOW
	const struct mmu_config config = { .mode = MMU_MODE_SHADOW, .nr_vcpus = 1,
					   .maxphyaddr = 48 };

	machine_init(&m, &config);
	m.fake.env.flush_root = flush_and_count;
	calls = 0;
	machine_ram(&m, 0, 0, 16, 0);
	machine_enter(&m, 0);
	ck_assert_ptr_null(m.vm->flush_roots.root[0]);
	ck_assert_int_eq(mmu_slot_delete(m.vm, 0, 0), MMU_OK);
	ck_assert_uint_eq(calls, 0);
	machine_fini(&m);
#endif
}
END_TEST

TAP_MAIN("flush_by_root", a_flush_by_root_asks_and_kicks_nobody, after_a_refusal_all_vcpus_are_asked_once,
	 who_needs_another_root_is_kicked_out_of_the_guest, a_large_page_is_flushed_whole,
	 a_large_page_is_protected_and_flushed_whole,
	 a_root_is_forgotten_with_its_page, a_root_with_the_record_of_the_one_before_is_another,
	 a_root_without_a_flush_is_our_bug,
	 shadow_paging_has_no_use_for_it)
