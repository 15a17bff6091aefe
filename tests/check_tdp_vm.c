/* SPDX-License-Identifier: MIT */
/* A TDP VM: its vCPUs' roles and roots, what it is refused, what it runs out of. */
#include "tests/fake_env.h"

#include <string.h>

#define W (PFERR_WRITE | PFERR_USER)

#define MB (1ull << 20)
#define GB (1ull << 30)

static const struct mmu_config tdp_config = {
	.mode = MMU_MODE_TDP, .nr_vcpus = 2, .tdp_level = 4, .maxphyaddr = 48,
};

/* 16 MiB of RAM at 0. */
static void setup(struct machine *m, const struct mmu_config *config)
{
	machine_init(m, config);
	machine_ram(m, 0, 0, 4096, 0);
	machine_enter(m, 0);
	machine_enter(m, 1);
}

/* ---- roles and roots ------------------------------------------------------------------- */

START_TEST(each_address_space_has_its_own_tree)
{
	struct machine m;
	struct mmu_regs regs = { .smm = true };
	hpa_t normal, smm;

	setup(&m, NULL);
	ck_assert_int_eq(mmu_slot_create(m.vm, 1, 0, 0, 16, FAKE_RAM + GB, MMU_SLOT_SMRAM),
			 MMU_OK);
	machine_fault(&m, 0, 0x2000, W, NULL);
	normal = machine_enter(&m, 0).root;
	mmu_set_regs(m.vcpu[0], &regs, false);
	smm = machine_enter(&m, 0).root;
	ck_assert_uint_ne(normal, smm);
	ck_assert_int_eq(machine_fault(&m, 0, 0x2000, W, NULL), MMU_RETRY);
	ck_assert_uint_eq(spte_hpa(machine_leaf(&m, 0, 0x2000, NULL)), FAKE_RAM + GB + 0x2000);
	ck_assert_uint_eq(spte_hpa(machine_leaf(&m, 1, 0x2000, NULL)), FAKE_RAM + 0x2000);
	ck_assert_int_eq(machine_fault(&m, 0, MB, W, NULL), MMU_EMULATE);
	regs.smm = false;
	mmu_set_regs(m.vcpu[0], &regs, false);
	ck_assert_uint_eq(machine_enter(&m, 0).root, normal);
	ck_assert(machine_leaf(&m, 0, 0x2000, NULL));
	machine_fini(&m);
}
END_TEST

START_TEST(the_guests_own_paging_changes_nothing_in_the_tree)
{
	struct machine m;
	struct mmu_regs regs = {
		.cr0 = CR0_PE | CR0_PG | CR0_WP, .cr3 = 0x1000, .cr4 = CR4_PAE,
		.efer = EFER_LME | EFER_LMA,
	};
	hpa_t root;

	setup(&m, NULL);
	machine_fault(&m, 0, 0x3000, W, NULL);
	root = machine_enter(&m, 0).root;
	fake_forget(&m.fake);
	mmu_set_regs(m.vcpu[0], &regs, true);
	machine_audit(&m);
	ck_assert_uint_eq(fake_count(&m.fake, EV_mmu_role), 1);
	ck_assert_uint_eq(fake_last(&m.fake, EV_guest_cr3)->guest_cr3.cr3, 0x1000);
	ck_assert(machine_enter(&m, 0).flush);
	ck_assert_uint_eq(machine_enter(&m, 0).root, root);
	ck_assert(machine_leaf(&m, 0, 0x3000, NULL));
	machine_fini(&m);
}
END_TEST

START_TEST(invlpg_of_a_canonical_address_flushes_and_of_another_does_nothing)
{
	struct machine m;

	setup(&m, NULL);
	mmu_invlpg(m.vcpu[0], 0x0000800000000000);
	ck_assert(!machine_enter(&m, 0).flush);
	mmu_invlpg(m.vcpu[0], 0xffff800000000000);
	ck_assert(machine_enter(&m, 0).flush);
	machine_fini(&m);
}
END_TEST

START_TEST(five_levels_map_what_four_cannot_reach)
{
	static const struct mmu_config config = {
		.mode = MMU_MODE_TDP, .nr_vcpus = 1, .tdp_level = 5, .maxphyaddr = 52,
	};
	struct machine m;

	machine_init(&m, &config);
	machine_ram(&m, 0, 1ull << 38, 16, 0);
	ck_assert_uint_eq(machine_enter(&m, 0).root_level, 5);
	ck_assert_int_eq(machine_fault(&m, 0, 1ull << 50, W, NULL), MMU_RETRY);
	ck_assert_uint_eq(spte_hpa(machine_leaf(&m, 0, 1ull << 50, NULL)), FAKE_RAM);
	machine_fini(&m);
}
END_TEST

START_TEST(memory_beyond_four_levels_is_a_matter_for_the_devices)
{
	static const struct mmu_config config = {
		.mode = MMU_MODE_TDP, .nr_vcpus = 1, .tdp_level = 4, .maxphyaddr = 52,
	};
	struct mmu_fault out;
	struct machine m;

	machine_init(&m, &config);
	machine_ram(&m, 0, 1ull << 38, 16, 0);
	machine_enter(&m, 0);
	ck_assert_int_eq(machine_fault(&m, 0, 1ull << 50, W, &out), MMU_EMULATE);
	ck_assert(out.mmio);
	machine_fini(&m);
}
END_TEST

static void ask_for_another_root(struct fake *fake, unsigned point)
{
	struct machine *m = fake->hook_arg;

	if (point != MMU_POINT_enter)
		return;
	fake->on_point = NULL;
	atomic_fetch_or(&m->vcpu[0]->requests, MMU_REQ_RELOAD);
}

START_TEST(a_request_that_comes_while_entering_is_not_forgotten)
{
	struct machine m;

	setup(&m, NULL);
	m.fake.hook_arg = &m;
	m.fake.on_point = ask_for_another_root;
	m.fake.points[MMU_POINT_enter] = 0;
	machine_enter(&m, 0);
	ck_assert_uint_eq(m.fake.points[MMU_POINT_enter], 2);
	ck_assert_uint_eq(m.vcpu[0]->requests, 0);
	machine_fini(&m);
}
END_TEST

START_TEST(a_cr3_that_changed_is_told_even_if_nobody_says_it_was_loaded)
{
	const struct mmu_regs regs = { .cr3 = 0x7000 };
	struct machine m;

	setup(&m, NULL);
	fake_forget(&m.fake);
	mmu_set_regs(m.vcpu[0], &regs, false);
	ck_assert_uint_eq(fake_count(&m.fake, EV_guest_cr3), 1);
	mmu_set_regs(m.vcpu[0], &regs, false);
	ck_assert_uint_eq(fake_count(&m.fake, EV_guest_cr3), 1);
	ck_assert(!machine_enter(&m, 0).flush);
	mmu_set_regs(m.vcpu[0], &regs, true);
	ck_assert_uint_eq(fake_count(&m.fake, EV_guest_cr3), 2);
	ck_assert(machine_enter(&m, 0).flush);
	machine_fini(&m);
}
END_TEST

/* ---- running out ------------------------------------------------------------------------- */

START_TEST(the_page_budget_is_not_for_tdp)
{
	struct machine m;

	setup(&m, NULL);
	machine_knob(&m, MMU_KNOB_budget, 1);
	for (gpa_t gpa = 0; gpa < 16 * MB; gpa += MB)
		ck_assert_int_eq(machine_fault(&m, 0, gpa, W, NULL), MMU_RETRY);
	ck_assert_uint_eq(m.vm->stats.sptes_4k, 16);
	machine_fini(&m);
}
END_TEST

START_TEST(a_fault_without_memory_changes_no_translation_and_can_be_repeated)
{
	enum mmu_verdict verdict = MMU_NO_MEMORY;
	struct machine m;

	for (u64 n = 1; verdict == MMU_NO_MEMORY; n++) {
		setup(&m, NULL);
		m.fake.fail_at = m.fake.nr_allocs + n;
		verdict = machine_fault(&m, 0, 0x5000, W, NULL);
		m.fake.fail_at = 0;
		if (verdict == MMU_NO_MEMORY) {
			ck_assert_uint_eq(m.vm->stats.sptes_4k, 0);
			ck_assert_int_eq(machine_fault(&m, 0, 0x5000, W, NULL), MMU_RETRY);
		}
		ck_assert(machine_leaf(&m, 0, 0x5000, NULL));
		ck_assert_uint_lt(n, 20);
		machine_fini(&m);
	}
}
END_TEST

START_TEST(a_machine_that_cannot_be_made_leaves_no_page_behind)
{
	enum mmu_status status = MMU_NOMEM;
	struct mmu_vcpu *vcpu;
	struct mmu_entry entry;
	struct mmu_vm *vm;
	struct fake fake;

	for (u64 n = 1; status == MMU_NOMEM; n++) {
		fake_init(&fake);
		fake.fail_at = n;
		status = mmu_vm_create(&fake.env, &tdp_config, &vm);
		if (status == MMU_OK)
			status = mmu_vcpu_create(vm, 0, &vcpu);
		if (status == MMU_OK)
			status = mmu_slot_create(vm, 0, 0, 0, 4096, FAKE_RAM, 0);
		if (status == MMU_OK)
			status = mmu_enter(vcpu, &entry);
		if (status == MMU_OK)
			mmu_leave(vcpu);
		ck_assert(status == MMU_OK || status == MMU_NOMEM);
		ck_assert_uint_lt(n, 100);
		if (vm) {
			ck_assert_uint_eq(mmu_audit(vm, NULL, NULL), 0);
			mmu_vm_destroy(vm);
		}
		fake_fini(&fake);
	}
}
END_TEST

START_TEST(a_vm_counts_every_page_it_took)
{
	struct mmu_stats stats;
	struct machine m;

	setup(&m, NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	for (gpa_t gpa = 0; gpa < 16 * MB; gpa += MB)
		machine_fault(&m, 0, gpa, W, NULL);
	mmu_get_stats(m.vm, &stats);
	ck_assert_uint_eq(stats.pages, m.fake.nr_taken);
	mmu_zap_all(m.vm);
	mmu_get_stats(m.vm, &stats);
	ck_assert_uint_eq(stats.pages, m.fake.nr_taken);
	machine_fini(&m);
}
END_TEST

START_TEST(wrong_configurations_are_refused)
{
	static const struct mmu_config wrong[] = {
		{ .mode = 2, .nr_vcpus = 1, .tdp_level = 4, .maxphyaddr = 48 },
		{ .mode = MMU_MODE_TDP, .nr_vcpus = 0, .tdp_level = 4, .maxphyaddr = 48 },
		{ .mode = MMU_MODE_TDP, .nr_vcpus = 17, .tdp_level = 4, .maxphyaddr = 48 },
		{ .mode = MMU_MODE_TDP, .nr_vcpus = 1, .tdp_level = 3, .maxphyaddr = 48 },
		{ .mode = MMU_MODE_TDP, .nr_vcpus = 1, .tdp_level = 6, .maxphyaddr = 48 },
		{ .mode = MMU_MODE_TDP, .nr_vcpus = 1, .tdp_level = 4, .maxphyaddr = 35 },
		{ .mode = MMU_MODE_TDP, .nr_vcpus = 1, .tdp_level = 4, .maxphyaddr = 53 },
	};
	struct mmu_vcpu *vcpu;
	struct machine m;
	struct mmu_vm *vm;
	struct fake fake;

	fake_init(&fake);
	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		ck_assert_int_eq(mmu_vm_create(&fake.env, &wrong[i], &vm), MMU_INVAL);
		ck_assert_ptr_null(vm);
	}
	fake_fini(&fake);
	machine_init(&m, NULL);
	ck_assert_int_eq(mmu_vcpu_create(m.vm, 2, &vcpu), MMU_INVAL);
	ck_assert_int_eq(mmu_vcpu_create(m.vm, 1, &vcpu), MMU_EXIST);
	machine_fini(&m);
}
END_TEST

START_TEST(an_access_that_faults_for_ever_though_it_is_mapped_is_stuck)
{
	struct machine m;
	struct mmu_fault out;

	setup(&m, NULL);
	mmu_fault(m.vcpu[0], 0, W, &out);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_int_eq(mmu_fault(m.vcpu[0], 0, W, &out), MMU_SPURIOUS);
	/* First the TLB gets the blame. */
	ck_assert(machine_enter(&m, 0).flush);
	for (unsigned i = 8; i < 511; i++)
		ck_assert_int_eq(mmu_fault(m.vcpu[0], 0, W, &out), MMU_SPURIOUS);
	ck_assert_int_eq(mmu_fault(m.vcpu[0], 0, W, &out), MMU_STUCK);
	/* Another access is another matter. */
	ck_assert_int_eq(mmu_fault(m.vcpu[0], 0, 0, &out), MMU_SPURIOUS);
	ck_assert_int_eq(mmu_fault(m.vcpu[0], 0, W, &out), MMU_SPURIOUS);
	machine_fini(&m);
}
END_TEST

TAP_MAIN("tdp_vm",
	 each_address_space_has_its_own_tree,
	 the_guests_own_paging_changes_nothing_in_the_tree,
	 invlpg_of_a_canonical_address_flushes_and_of_another_does_nothing,
	 five_levels_map_what_four_cannot_reach,
	 memory_beyond_four_levels_is_a_matter_for_the_devices,
	 a_request_that_comes_while_entering_is_not_forgotten,
	 a_cr3_that_changed_is_told_even_if_nobody_says_it_was_loaded,
	 the_page_budget_is_not_for_tdp,
	 a_fault_without_memory_changes_no_translation_and_can_be_repeated,
	 a_machine_that_cannot_be_made_leaves_no_page_behind,
	 a_vm_counts_every_page_it_took,
	 wrong_configurations_are_refused,
	 an_access_that_faults_for_ever_though_it_is_mapped_is_stuck)
