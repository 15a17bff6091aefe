/* SPDX-License-Identifier: MIT */
/* A guest that is a hypervisor: its guest's contexts, faults, tables; case by case. */
#include "tests/inner.h"

#include <string.h>

#include "mmu/backend.h"
#include "mmu/memslot.h"
#include "mmu/page_track.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

#define W PFERR_WRITE
#define U PFERR_USER
#define F PFERR_FETCH
#define P PFERR_PRESENT
#define FINAL PFERR_GUEST_FINAL
#define TABLES PFERR_GUEST_PAGE

static struct inner in;

/* ---- who runs ------------------------------------------------------------------------ */

START_TEST(the_contexts_follow_who_runs)
{
	struct mmu_vcpu *vcpu;

	inner_init(&in, 4, 4);
	vcpu = in.g.m.vcpu[0];
	ck_assert_ptr_eq(vcpu->mmu, &vcpu->root_mmu);
	ck_assert_ptr_eq(vcpu->walk_mmu, &vcpu->root_mmu);
	in.regs = inner_regs(TWO_LEVEL, 0x1000);
	inner_enter(&in, 0);
	ck_assert_ptr_eq(vcpu->mmu, &vcpu->guest_mmu);
	ck_assert_ptr_eq(vcpu->walk_mmu, &vcpu->nested_mmu);
	ck_assert_uint_eq(vcpu->nested_mmu.cpu_role.base.level, 2);
	ck_assert_uint_eq(vcpu->guest_mmu.cpu_role.base.level, 4);
	ck_assert(vcpu->guest_mmu.root_role.guest_mode && !vcpu->guest_mmu.root_role.direct);
	machine_enter(&in.g.m, 0);
	ck_assert(!vcpu->root_mmu.root.sp && vcpu->guest_mmu.root.sp);
	ck_assert_uint_eq(vcpu->guest_mmu.root.sp->gfn, in.nested.ncr3 >> PAGE_SHIFT);
	inner_leave(&in, 0);
	ck_assert_ptr_eq(vcpu->mmu, &vcpu->root_mmu);
	ck_assert(machine_enter(&in.g.m, 0).flush);
	ck_assert(vcpu->root_mmu.root.sp && !vcpu->guest_mmu.root.sp);
	ck_assert(!vcpu->root_mmu.root_role.guest_mode);
	inner_fini(&in);
}
END_TEST

START_TEST(entering_and_leaving_are_told)
{
	struct fake *fake = &in.g.m.fake;

	inner_begin(&in, 4, 4);
	ck_assert_uint_eq(fake_count(fake, EV_nested_enter), 1);
	ck_assert_uint_eq(fake_last(fake, EV_nested_enter)->nested_enter.np, 1);
	ck_assert_uint_eq(fake_last(fake, EV_nested_enter)->nested_enter.ncr3, in.nested.ncr3);
	ck_assert_uint_eq(fake_last(fake, EV_mmu_role)->mmu_role.context, MMU_CONTEXT_nested);
	machine_enter(&in.g.m, 0);
	ck_assert_uint_eq(fake_last(fake, EV_root_set)->root_set.context, MMU_CONTEXT_guest);
	inner_leave(&in, 0);
	ck_assert_uint_eq(fake_count(fake, EV_nested_leave), 1);
	inner_fini(&in);
}
END_TEST

START_TEST(smm_is_entered_after_the_inner_guest_was_left)
{
	struct mmu_vcpu *vcpu;
	struct mmu_regs regs;

	inner_begin(&in, 4, 4);
	vcpu = in.g.m.vcpu[0];
	machine_enter(&in.g.m, 0);
	regs = *mmu_get_regs(vcpu);
	regs.smm = true;
	ck_assert_panics(&in.g.m.fake, "S-3", mmu_set_regs(vcpu, &regs, MMU_CR3_NONE));
	inner_leave(&in, 0);
	regs = (struct mmu_regs){ .smm = true };
	mmu_set_regs(vcpu, &regs, MMU_CR3_NONE);
	machine_enter(&in.g.m, 0);
	ck_assert_uint_eq(vcpu->root_mmu.root_role.smm, 1);
	ck_assert(!vcpu->root_mmu.root_role.guest_mode);
	regs.smm = false;
	mmu_set_regs(vcpu, &regs, MMU_CR3_LOAD);
	machine_enter(&in.g.m, 0);
	ck_assert_uint_eq(vcpu->root_mmu.root_role.smm, 0);
	inner_fini(&in);
}
END_TEST

START_TEST(what_cannot_be_shadowed_is_refused_and_nothing_changes)
{
	struct mmu_vcpu *vcpu;
	struct mmu_nested nested;

	inner_init(&in, 4, 4);
	vcpu = in.g.m.vcpu[0];
	ck_assert(mmu_nested_paging(in.g.m.vm));
	nested = in.nested;
	nested.cr0 &= ~CR0_PG;
	ck_assert_int_eq(mmu_nested_enter(vcpu, &nested, &in.regs), MMU_INVAL);
	nested = in.nested;
	nested.cr4 |= CR4_LA57;
	ck_assert_int_eq(mmu_nested_enter(vcpu, &nested, &in.regs), MMU_NOSUPP);
	ck_assert(!vcpu->inner && vcpu->mmu == &vcpu->root_mmu);
	in.regs = inner_regs(UNPAGED, 0);
	inner_enter(&in, 0);
	ck_assert_int_eq(mmu_nested_enter(vcpu, &in.nested, &in.regs), MMU_EXIST);
	inner_fini(&in);
}
END_TEST

START_TEST(on_shadow_paging_an_inner_guest_has_no_nested_paging)
{
	const struct mmu_nested plain = { 0 }, np = { .np = true, .cr0 = CR0_PG,
						      .cr4 = CR4_PAE, .efer = EFER_LMA };
	struct mmu_vcpu *vcpu;
	struct guest g;

	guest_init(&g, LONG4, NULL);
	vcpu = g.m.vcpu[0];
	guest_map(&g, 0x400000, 0x5000, GPTE_W, 1);
	ck_assert(!mmu_nested_paging(g.m.vm));
	ck_assert_int_eq(mmu_nested_enter(vcpu, &np, &g.regs), MMU_NOSUPP);
	ck_assert_int_eq(mmu_nested_enter(vcpu, &plain, &g.regs), MMU_OK);
	ck_assert_ptr_eq(vcpu->mmu, &vcpu->root_mmu);
	ck_assert(vcpu->root_mmu.root_role.guest_mode);
	expect_mapped(&g, 0, 0x400000, W, 0x5000);
	ck_assert(vcpu->root_mmu.root.sp->role.guest_mode);
	mmu_nested_leave(vcpu, &g.regs);
	expect_mapped(&g, 0, 0x400000, W, 0x5000);
	ck_assert(!vcpu->root_mmu.root.sp->role.guest_mode);
	mmu_nested_free(vcpu);
	machine_audit(&g.m);
	for (struct sp *sp = sp_next(g.m.vm, NULL); sp; sp = sp_next(g.m.vm, sp))
		ck_assert(!sp->role.guest_mode);
	guest_fini(&g);
}
END_TEST

START_TEST(without_nested_paging_the_inner_guest_has_a_tree_of_its_own)
{
	struct mmu_vcpu *vcpu;

	inner_init(&in, 4, 4);
	in.nested = (struct mmu_nested){ 0 };
	in.regs = inner_regs(UNPAGED, 0);
	vcpu = in.g.m.vcpu[0];
	inner_enter(&in, 0);
	ck_assert_ptr_eq(vcpu->mmu, &vcpu->root_mmu);
	machine_enter(&in.g.m, 0);
	ck_assert(vcpu->root_mmu.root.sp->role.guest_mode && vcpu->root_mmu.root.sp->role.direct);
	ck_assert_int_eq(machine_fault(&in.g.m, 0, 0x5000, W | U, NULL), MMU_RETRY);
	ck_assert_uint_gt(inner_pages(&in), 1);
	inner_leave(&in, 0);
	machine_enter(&in.g.m, 0);
	mmu_nested_free(vcpu);
	machine_audit(&in.g.m);
	ck_assert_uint_eq(inner_pages(&in), 0);
	inner_fini(&in);
}
END_TEST

START_TEST(when_the_last_vcpu_ends_nesting_its_pages_go)
{
	inner_begin(&in, 4, 4);
	inner_enter(&in, 1);
	inner_reached(&in, 0x1000, W, 0x801000);
	inner_compare(&in, 1, 0x2000, 0);
	ck_assert_uint_gt(inner_pages(&in), 3);
	inner_leave(&in, 0);
	mmu_nested_free(in.g.m.vcpu[0]);
	machine_audit(&in.g.m);
	ck_assert_uint_gt(inner_pages(&in), 3);
	inner_leave(&in, 1);
	mmu_nested_free(in.g.m.vcpu[1]);
	machine_audit(&in.g.m);
	ck_assert_uint_eq(inner_pages(&in), 0);
	ck_assert_uint_eq(in.g.m.vm->nr_indirect, 0);
	inner_fini(&in);
}
END_TEST

/* ---- what L1's tables say ---------------------------------------------------------------- */

START_TEST(what_l1_does_not_map_is_its_fault)
{
	inner_begin(&in, 4, 4);
	inner_reached(&in, 0x1234, 0, 0x801234);
	inner_reached(&in, 0x1234, W, 0x801234);
	inner_reached(&in, 0x2000, F, 0x802000);
	inner_reflected(&in, 0x5678, 0, U | FINAL);
	inner_reflected(&in, 0x5678, W, W | U | FINAL);
	inner_reflected(&in, 0x5678, F, F | U | FINAL);
	inner_reflected(&in, 0x40000000, W, W | U | FINAL);
	inner_fini(&in);
}
END_TEST

START_TEST(rights_are_those_of_both_and_l1s_refusal_is_its_own)
{
	static const u64 flags[] = { 0, GPTE_U, GPTE_W, GPTE_U | GPTE_W, GPTE_U | GPTE_NX,
				     GPTE_U | GPTE_W | GPTE_NX };
	static const u64 accesses[] = { 0, W, F, U, W | U, F | U };

	inner_init(&in, 4, 4);
	for (unsigned i = 0; i < 6; i++)
		npt_map(&in, 0x1000 * (i + 1), 0x900000 + 0x1000 * i, flags[i], 1);
	in.regs = inner_regs(UNPAGED, 0);
	inner_enter(&in, 0);
	for (unsigned i = 0; i < 6; i++)
		for (unsigned j = 0; j < 6; j++)
			inner_compare(&in, 0, 0x1000 * (i + 1), accesses[j]);
	inner_reflected(&in, 0x1000, 0, P | U | FINAL);
	inner_reflected(&in, 0x2000, W, P | W | U | FINAL);
	inner_reflected(&in, 0x5000, F, P | F | U | FINAL);
	inner_reached(&in, 0x6000, W, 0x905000);
	inner_fini(&in);
}
END_TEST

START_TEST(a_table_of_l2_that_l1_does_not_let_write_is_l1s_fault)
{
	inner_init(&in, 4, 4);
	npt_map(&in, 0x10000, 0x810000, GPTE_U, 1);
	npt_map(&in, 0x11000, 0x811000, NPT_ALL, 1);
	npt_map(&in, 0x400000, 0xa00000, NPT_ALL, 2);
	in.regs = inner_regs(TWO_LEVEL, 0x10000);
	guest_poke(&in.g, 0x810000, 0x11000 | GPTE_P | GPTE_W | GPTE_U, 4);
	guest_poke(&in.g, 0x810008, 0x14000 | GPTE_P | GPTE_W | GPTE_U, 4);
	guest_poke(&in.g, 0x811000 + 5 * 4, 0x403000 | GPTE_P | GPTE_W, 4);
	inner_enter(&in, 0);
	inner_reflected(&in, 0x5000, 0, P | W | U | TABLES);
	npt_map(&in, 0x10000, 0x810000, NPT_ALL, 1);
	mmu_nested_flush(in.g.m.vcpu[0]);
	inner_reached(&in, 0x5abc, W, 0xa03abc);
	ck_assert_uint_eq(inner_compare(&in, 0, 0x5000, U).ending, L2_FAULT);
	inner_reflected(&in, 0x800000, 0, U | TABLES | W);
	inner_fini(&in);
}
END_TEST

START_TEST(l1s_entries_get_a_and_d)
{
	gpa_t entry;

	inner_begin(&in, 4, 4);
	entry = npt_map(&in, 0x7000, 0x807000, NPT_ALL, 1);
	inner_reached(&in, 0x7000, 0, 0x807000);
	ck_assert_uint_eq(guest_peek(&in.g, entry, 8) & (GPTE_A | GPTE_D), GPTE_A);
	ck_assert(guest_peek(&in.g, in.nested.ncr3, 8) & GPTE_A);
	inner_reached(&in, 0x7000, W, 0x807000);
	ck_assert_uint_eq(guest_peek(&in.g, entry, 8) & (GPTE_A | GPTE_D), GPTE_A | GPTE_D);
	inner_fini(&in);
}
END_TEST

/* Bit 47 is no sign, and nothing lies beyond what the levels translate. */
START_TEST(an_ngpa_is_physical)
{
	struct mmu_fault fault;

	inner_init(&in, 4, 4);
	npt_map(&in, BIT(47) | 0x3000, 0x803000, NPT_ALL, 1);
	in.regs = inner_regs(UNPAGED, 0);
	inner_enter(&in, 0);
	machine_enter(&in.g.m, 0);
	ck_assert_int_eq(machine_fault(&in.g.m, 0, BIT(47) | 0x3000, U | FINAL, &fault), MMU_RETRY);
	ck_assert_uint_eq(spte_hpa(machine_leaf(&in.g.m, 0, BIT(47) | 0x3000, NULL)),
			  FAKE_RAM + 0x803000);
	ck_assert_int_eq(machine_fault(&in.g.m, 0, BIT(48) | 0x3000, U | FINAL, &fault),
			 MMU_REFLECT);
	ck_assert_uint_eq(fault.gpa, BIT(48) | 0x3000);
	ck_assert_int_eq(machine_fault(&in.g.m, 0, BITS(63, 47) | 0x3000, U | FINAL, &fault),
			 MMU_REFLECT);
	inner_fini(&in);
}
END_TEST

START_TEST(l1s_nx_counts_only_with_its_efer)
{
	inner_init(&in, 4, 4);
	in.nested.efer &= ~EFER_NXE;
	npt_map(&in, 0x1000, 0x801000, NPT_ALL | GPTE_NX, 1);
	npt_map(&in, 0x2000, 0x802000, NPT_ALL, 1);
	in.regs = inner_regs(UNPAGED, 0);
	inner_enter(&in, 0);
	inner_reflected(&in, 0x1000, 0, P | U | PFERR_RSVD | FINAL);
	inner_reached(&in, 0x2000, F, 0x802000);
	inner_reflected(&in, 0x3000, F, U | FINAL);
	inner_fini(&in);
}
END_TEST

START_TEST(five_levels_over_four_have_a_page_that_passes_through)
{
	struct mmu_host_step steps[5];
	const struct sp *root;

	inner_begin(&in, 5, 4);
	inner_reached(&in, 0x1000, W, 0x801000);
	root = in.g.m.vcpu[0]->guest_mmu.root.sp;
	ck_assert(root->role.passthrough && root->role.level == 5 && !root->shadowed_hpa);
	ck_assert_uint_eq(root->present, 1);
	ck_assert_uint_eq(mmu_host_walk(in.g.m.vcpu[0], 0x1000, steps), 5);
	ck_assert_uint_eq(sp_by_id(in.g.m.vm, steps[1].sp)->gfn, root->gfn);
	ck_assert(!sp_by_id(in.g.m.vm, steps[1].sp)->role.passthrough);
	inner_leave(&in, 0);
	inner_fini(&in);
}
END_TEST

START_TEST(five_levels_over_five_have_none)
{
	inner_begin(&in, 5, 5);
	inner_reached(&in, 0x1000, W, 0x801000);
	ck_assert(!in.g.m.vcpu[0]->guest_mmu.root.sp->role.passthrough);
	inner_fini(&in);
}
END_TEST

START_TEST(where_l1_puts_no_memory_there_are_devices)
{
	struct arrival a;

	inner_begin(&in, 4, 4);
	npt_map(&in, 0x8000, GUEST_FRAMES << PAGE_SHIFT, NPT_ALL, 1);
	for (unsigned i = 0; i < 2; i++) {
		a = inner_compare(&in, 0, 0x8010, W);
		ck_assert_uint_eq(a.ending, DEVICE);
		ck_assert_uint_eq(a.gpa, (GUEST_FRAMES << PAGE_SHIFT) + 0x10);
	}
	inner_fini(&in);
}
END_TEST

START_TEST(tables_of_l1_where_nothing_is_are_its_fault)
{
	inner_init(&in, 4, 4);
	in.nested.ncr3 = GUEST_FRAMES << PAGE_SHIFT;
	in.regs = inner_regs(UNPAGED, 0);
	inner_enter(&in, 0);
	machine_enter(&in.g.m, 0);
	ck_assert(in.g.m.vcpu[0]->guest_mmu.root.sp->flags & SP_DUMMY);
	inner_reflected(&in, 0x1000, W, W | U | FINAL);
	inner_fini(&in);
}
END_TEST

TAP_MAIN("nested", the_contexts_follow_who_runs, entering_and_leaving_are_told,
	 what_cannot_be_shadowed_is_refused_and_nothing_changes,
	 on_shadow_paging_an_inner_guest_has_no_nested_paging,
	 without_nested_paging_the_inner_guest_has_a_tree_of_its_own,
	 when_the_last_vcpu_ends_nesting_its_pages_go, what_l1_does_not_map_is_its_fault,
	 rights_are_those_of_both_and_l1s_refusal_is_its_own,
	 a_table_of_l2_that_l1_does_not_let_write_is_l1s_fault, l1s_entries_get_a_and_d,
	 smm_is_entered_after_the_inner_guest_was_left,
	 an_ngpa_is_physical, l1s_nx_counts_only_with_its_efer,
	 five_levels_over_four_have_a_page_that_passes_through, five_levels_over_five_have_none,
	 where_l1_puts_no_memory_there_are_devices, tables_of_l1_where_nothing_is_are_its_fault)
