/* SPDX-License-Identifier: MIT */
/* Another MMU serves the VM: at any moment, and for whoever runs on it. */
#include <string.h>
#include "mmu/backend.h"
#include "mmu/memslot.h"
#include "mmu/mode.h"
#include "mmu/sp.h"
#include "tests/inner.h"

#define RW	(GPTE_W | GPTE_U)
#define USER	PFERR_USER
#define WRITE	PFERR_WRITE
#define GVA	0x400000ull
#define GPA	0x1234000ull
#define PAGES	30u

static struct guest g;
static struct inner in;

static const struct mmu_config tdp_first = { .mode = MMU_MODE_TDP, .nr_vcpus = 2, .tdp_level = 4,
					     .maxphyaddr = 48 };
static const struct mmu_config shadow_first = { .mode = MMU_MODE_SHADOW, .nr_vcpus = 2,
						.tdp_level = 4, .maxphyaddr = 48 };

static void set_mode(struct machine *m, enum mmu_mode mode)
{
	ck_assert_int_eq(mmu_set_mode(m->vm, mode), MMU_OK);
	ck_assert_int_eq(mmu_get_mode(m->vm), mode);
	machine_audit(m);
}

/* Whatever serves, the access ends where the guest's tables say. */
static void reach(unsigned vcpu, gva_t gva, u64 access, gpa_t gpa)
{
	enum mmu_mode mode = machine_enter(&g.m, vcpu).mode;

	ck_assert_int_eq(mode, mmu_get_mode(g.m.vm));
	ck_assert_int_eq(mode, mmu_vcpu_mode(g.m.vcpu[vcpu]));
	expect_mapped(&g, vcpu, mode == MMU_MODE_TDP ? gpa : gva, access, gpa);
}

static void map_pages(void)
{
	for (u64 i = 0; i < PAGES; i++)
		guest_map(&g, GVA + (i << 21), GPA + (i << 12), RW | GPTE_D, 1);
}

static void reach_pages(unsigned vcpu)
{
	for (u64 i = 0; i < PAGES; i++) {
		gva_t gva = GVA + (i << 21);

		if (g.mode == UNPAGED)
			reach(vcpu, GPA + (i << 12), USER | WRITE, GPA + (i << 12));
		else
			reach(vcpu, gva, USER | WRITE, GPA + (i << 12));
	}
}

static u64 pages_of(bool tdp)
{
	u64 n = 0;

	for (struct sp *sp = sp_next(g.m.vm, NULL); sp; sp = sp_next(g.m.vm, sp))
		n += sp_is_tdp(sp) == tdp && !sp->role.invalid && !sp_is_obsolete(g.m.vm, sp);
	return n;
}

/* ---- there and back ------------------------------------------------------------------- */

START_TEST(guests_of_all_modes_go_on_with_the_other_mmu)
{
	for (enum guest_mode mode = UNPAGED; mode < NR_GUEST_MODES; mode++) {
		guest_init_small(&g, mode, mode & 1 ? &tdp_first : &shadow_first, 0x2000);
		if (mode != UNPAGED)
			map_pages();
		for (unsigned i = 0; i < 4; i++) {
			reach_pages(0);
			reach(1, mode == UNPAGED ? GPA : GVA, USER, GPA);
			ck_assert_uint_gt(pages_of(mmu_get_mode(g.m.vm) == MMU_MODE_TDP), 0);
			ck_assert_uint_eq(pages_of(mmu_get_mode(g.m.vm) != MMU_MODE_TDP), 0);
			set_mode(&g.m, !mmu_get_mode(g.m.vm));
		}
		guest_fini(&g);
	}
}
END_TEST

START_TEST(each_vcpu_goes_over_when_it_enters_and_its_tlb_is_emptied)
{
	struct mmu_entry before, entry;
	struct mmu_vcpu *vcpu;

	guest_init(&g, LONG4, &tdp_first);
	map_pages();
	before = machine_enter(&g.m, 0);
	reach_pages(0);
	reach_pages(1);
	vcpu = g.m.vcpu[0];
	ck_assert_int_eq(before.mode, MMU_MODE_TDP);
	ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_NONE);
	fake_forget(&g.m.fake);
	set_mode(&g.m, MMU_MODE_SHADOW);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_mmu_mode), 1);
	ck_assert_uint_eq(fake_last(&g.m.fake, EV_mmu_mode)->mmu_mode.mode, MMU_MODE_SHADOW);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_mmu_role), 0);
	ck_assert(vcpu->root_mmu.root.sp->role.invalid);
	ck_assert_int_eq(mmu_vcpu_mode(vcpu), MMU_MODE_TDP);
	entry = machine_enter(&g.m, 0);
	ck_assert_int_eq(entry.mode, MMU_MODE_SHADOW);
	ck_assert_int_eq(entry.flush, MMU_FLUSH_ALL);
	ck_assert_uint_ne(entry.root, before.root);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_mmu_role), 1);
	ck_assert_int_eq(mmu_vcpu_mode(g.m.vcpu[1]), MMU_MODE_TDP);
	ck_assert_uint_eq(g.m.vcpu[1]->root_mmu.root.sp->root_count, 1);
	machine_enter(&g.m, 1);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_mmu_role), 2);
	machine_enter(&g.m, 0); /* a table goes with its last user, and all flush */
	ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_NONE);
	guest_fini(&g);
}
END_TEST

START_TEST(the_same_mode_again_changes_nothing)
{
	guest_init(&g, LONG4, &shadow_first);
	map_pages();
	reach_pages(0);
	fake_forget(&g.m.fake);
	ck_assert_int_eq(mmu_set_mode(g.m.vm, MMU_MODE_SHADOW), MMU_OK);
	ck_assert_uint_eq(g.m.fake.nr_events, 0);
	ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_NONE);
	guest_fini(&g);
}
END_TEST

START_TEST(there_is_no_way_to_what_is_not_there)
{
	static const struct mmu_config alone = { .mode = MMU_MODE_SHADOW, .nr_vcpus = 2,
						 .maxphyaddr = 48 };

	guest_init(&g, LONG4, &alone);
	ck_assert_int_eq(mmu_set_mode(g.m.vm, MMU_MODE_TDP), MMU_NOSUPP);
	ck_assert_int_eq(mmu_set_mode(g.m.vm, MMU_MODE_TDP + 1), MMU_INVAL);
	ck_assert_int_eq(mmu_get_mode(g.m.vm), MMU_MODE_SHADOW);
	ck_assert(!mmu_nested_paging(g.m.vm));
	guest_fini(&g);
	guest_init(&g, LONG4, &tdp_first);
	g.m.vm->shadow = NULL; /* as in a build without it */
	ck_assert_int_eq(mmu_set_mode(g.m.vm, MMU_MODE_SHADOW), MMU_NOSUPP);
	g.m.vm->shadow = &shadow_mmu;
	guest_fini(&g);
}
END_TEST

/* ---- on the way ----------------------------------------------------------------------- */

START_TEST(a_fault_of_before_is_not_answered)
{
	struct mmu_fault fault;

	guest_init(&g, LONG4, &tdp_first);
	map_pages();
	reach_pages(0);
	set_mode(&g.m, MMU_MODE_SHADOW);
	/* A gpa, which as a gva would be a #PF. */
	ck_assert_int_eq(machine_fault(&g.m, 0, GPA, USER, &fault), MMU_RETRY);
	ck_assert_uint_eq(pages_of(false), 0);
	reach_pages(0);
	set_mode(&g.m, MMU_MODE_TDP);
	/* A gva, where as a gpa no memory is. */
	ck_assert_int_eq(machine_fault(&g.m, 0, 0x7ffffffff000, USER, &fault), MMU_RETRY);
	reach_pages(0);
	guest_fini(&g);
}
END_TEST

static enum mmu_mode next_mode;

static void switch_at_fault(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_fault)
		return;
	fake->on_point = NULL;
	ck_assert_int_eq(mmu_set_mode(g.m.vm, next_mode), MMU_OK);
}

START_TEST(nor_is_one_that_has_no_lock_yet)
{
	struct mmu_fault fault;

	for (unsigned i = 0; i < 2; i++) {
		guest_init(&g, LONG4, i ? &shadow_first : &tdp_first);
		map_pages();
		machine_enter(&g.m, 0);
		next_mode = i ? MMU_MODE_TDP : MMU_MODE_SHADOW;
		g.m.fake.on_point = switch_at_fault;
		ck_assert_int_eq(machine_fault(&g.m, 0, i ? GVA : GPA, USER, &fault), MMU_RETRY);
		reach_pages(0);
		guest_fini(&g);
	}
}
END_TEST

/* A load of CR3, INVLPG and a flush while the vCPU's roots are dead. */
START_TEST(what_the_guest_does_meanwhile_counts)
{
	guest_init(&g, LONG4, &shadow_first);
	map_pages();
	reach_pages(0);
	for (unsigned i = 0; i < 4; i++) {
		set_mode(&g.m, !mmu_get_mode(g.m.vm));
		mmu_invlpg(g.m.vcpu[0], GVA);
		guest_set_regs(&g, 0, MMU_CR3_LOAD);
		machine_audit(&g.m);
		g.regs.cr3 = guest_table(&g);
		guest_map(&g, GVA, 0x5000 + (i << 12), RW | GPTE_D, 1);
		guest_set_regs(&g, 0, MMU_CR3_LOAD);
		mmu_zap_all(g.m.vm);
		if (i & 1)
			set_mode(&g.m, !mmu_get_mode(g.m.vm));
		reach(0, GVA, USER, 0x5000 + (i << 12));
	}
	guest_fini(&g);
}
END_TEST

/* ---- in parts ------------------------------------------------------------------------- */

static unsigned yields;

static void switch_again(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_yield || yields++ != 2)
		return;
	fake->on_point = NULL;
	ck_assert_int_eq(mmu_set_mode(g.m.vm, MMU_MODE_SHADOW), MMU_OK);
	ck_assert_int_eq(mmu_set_mode(g.m.vm, MMU_MODE_TDP), MMU_OK);
	ck_assert_int_eq(mmu_set_mode(g.m.vm, next_mode), MMU_OK);
}

START_TEST(what_is_left_goes_in_parts_and_others_may_switch_meanwhile)
{
	for (unsigned i = 0; i < 2; i++) {
		guest_init(&g, LONG4, &shadow_first);
		map_pages();
		reach_pages(0);
		reach_pages(1);
		yields = 0;
		next_mode = i ? MMU_MODE_TDP : MMU_MODE_SHADOW;
		g.m.fake.on_point = switch_again;
		ck_assert_int_eq(mmu_set_mode(g.m.vm, MMU_MODE_TDP), MMU_OK);
		g.m.fake.on_point = NULL;
		ck_assert_uint_ge(yields, 3);
		ck_assert_int_eq(mmu_get_mode(g.m.vm), next_mode);
		machine_audit(&g.m);
		reach_pages(0);
		reach_pages(1);
		guest_fini(&g);
	}
}
END_TEST

/* As another CPU would, just before we have the lock. */
static void switch_first(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_yield)
		return;
	fake->on_point = NULL;
	ck_assert_int_eq(mmu_set_mode(g.m.vm, MMU_MODE_TDP), MMU_OK);
}

START_TEST(who_comes_second_finds_it_done)
{
	struct mmu_op op;

	guest_init(&g, LONG4, &shadow_first);
	map_pages();
	reach_pages(0);
	/* Pages are left of an earlier zapping: the switch begins with these. */
	op_begin(&op, g.m.vm, NULL, true);
	g.m.vm->shadow->obsolete_all(&op);
	op_end(&op);
	fake_forget(&g.m.fake);
	g.m.fake.on_point = switch_first;
	ck_assert_int_eq(mmu_set_mode(g.m.vm, MMU_MODE_TDP), MMU_OK);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_mmu_mode), 1);
	machine_audit(&g.m);
	reach_pages(0);
	guest_fini(&g);
}
END_TEST

/* ---- slots ---------------------------------------------------------------------------- */

/* Each page that it needs is refused once: nothing has changed, but in sparse arrays. */
START_TEST(without_a_page_the_mode_stays)
{
	unsigned refused = 0;
	struct mmu_stats stats;
	u64 pages;

	guest_init(&g, UNPAGED, &tdp_first);
	machine_ram(&g.m, 1, GUEST_FRAMES, 16, 1ull << 30);
	reach(0, GPA, USER, GPA);
	pages = g.m.vm->pages;
	fake_forget(&g.m.fake);
	for (;; refused++) {
		g.m.fake.fail_at = g.m.fake.nr_allocs + 1 + refused;
		if (mmu_set_mode(g.m.vm, MMU_MODE_SHADOW) == MMU_OK)
			break;
		ck_assert_int_eq(mmu_get_mode(g.m.vm), MMU_MODE_TDP);
		ck_assert(!g.m.vm->shadow_used);
		ck_assert_uint_eq(g.m.vm->pages, pages);
		ck_assert_uint_eq(fake_count(&g.m.fake, EV_mmu_mode), 0);
		mmu_get_stats(g.m.vm, &stats);
		ck_assert_uint_eq(stats.pages, g.m.fake.nr_taken);
		machine_audit(&g.m);
		ck_assert_int_eq(machine_enter(&g.m, 0).flush, MMU_FLUSH_NONE);
	}
	g.m.fake.fail_at = 0;
	ck_assert_uint_ge(refused, 8);
	reach(0, GPA, USER, GPA);
	guest_fini(&g);
}
END_TEST

START_TEST(rmaps_come_with_the_first_switch_and_stay)
{
	guest_init(&g, UNPAGED, &tdp_first);
	ck_assert(!g.m.vm->shadow_used);
	reach(0, GPA, USER, GPA);
	set_mode(&g.m, MMU_MODE_SHADOW);
	ck_assert(g.m.vm->shadow_used);
	set_mode(&g.m, MMU_MODE_TDP);
	machine_ram(&g.m, 1, GUEST_FRAMES, 16, 1ull << 30);
	set_mode(&g.m, MMU_MODE_SHADOW);
	expect_mapped(&g, 0, GUEST_FRAMES << PAGE_SHIFT, USER, 1ull << 30);
	guest_fini(&g);
}
END_TEST

/* QEMU's walker sets A in the PDPTEs of a PAE guest under nested paging. */
START_TEST(what_the_hardware_left_in_pdptes_is_let_pass)
{
	guest_init(&g, PAE, &tdp_first);
	map_pages();
	reach_pages(0);
	guest_poke(&g, g.regs.cr3, guest_peek(&g, g.regs.cr3, 8) | GPTE_A, 8);
	set_mode(&g.m, MMU_MODE_SHADOW);
	reach_pages(0);
	guest_set_regs(&g, 0, MMU_CR3_LOAD);
	reach_pages(0);
	guest_fini(&g);
	guest_init(&g, PAE, &shadow_first);
	map_pages();
	guest_poke(&g, g.regs.cr3, guest_peek(&g, g.regs.cr3, 8) | GPTE_A, 8);
	expect_inject(&g, 0, GVA, USER, USER | PFERR_PRESENT | PFERR_RSVD);
	guest_fini(&g);
}
END_TEST

/* ---- guests of the guest -------------------------------------------------------------- */

START_TEST(a_guests_guest_on_nested_tables_stays_on_nested_paging)
{
	struct mmu_entry before, entry;

	inner_begin(&in, 4, 4);
	inner_reached(&in, 0x1000, USER, 0x801000);
	before = machine_enter(&in.g.m, 0);
	set_mode(&in.g.m, MMU_MODE_SHADOW);
	entry = machine_enter(&in.g.m, 0);
	ck_assert_int_eq(entry.mode, MMU_MODE_TDP);
	ck_assert_uint_eq(entry.root, before.root);
	ck_assert_uint_gt(inner_pages(&in), 0);
	inner_reached(&in, 0x2000, USER, 0x802000);
	ck_assert(mmu_nested_paging(in.g.m.vm));
	inner_leave(&in, 0);
	ck_assert_int_eq(machine_enter(&in.g.m, 0).mode, MMU_MODE_SHADOW);
	inner_enter(&in, 0);
	inner_reached(&in, 0x3000, USER, 0x803000);
	set_mode(&in.g.m, MMU_MODE_TDP);
	ck_assert_uint_eq(inner_pages(&in), 0);
	inner_reached(&in, 0x1000, USER, 0x801000);
	inner_leave(&in, 0);
	ck_assert_int_eq(machine_enter(&in.g.m, 0).mode, MMU_MODE_TDP);
	inner_fini(&in);
}
END_TEST

START_TEST(one_without_goes_over_like_any_guest)
{
	inner_init(&in, 4, 4);
	in.nested.np = false;
	in.regs = inner_regs(UNPAGED, 0);
	inner_enter(&in, 0);
	for (unsigned i = 0; i < 4; i++) {
		const struct mmu *mmu = in.g.m.vcpu[0]->mmu;

		ck_assert_int_eq(machine_enter(&in.g.m, 0).mode, mmu_get_mode(in.g.m.vm));
		ck_assert(mmu->root_role.guest_mode && mmu->root_role.direct);
		expect_mapped(&in.g, 0, GPA, USER, GPA);
		set_mode(&in.g.m, !mmu_get_mode(in.g.m.vm));
	}
	inner_leave(&in, 0);
	mmu_nested_free(in.g.m.vcpu[0]);
	machine_audit(&in.g.m);
	ck_assert_uint_eq(inner_pages(&in), 0);
	inner_fini(&in);
}
END_TEST

/* ---- often ---------------------------------------------------------------------------- */

START_TEST(a_hundred_thousand_times_nothing_is_left_behind)
{
	struct mmu_stats first, last;

	guest_init_small(&g, TWO_LEVEL, &tdp_first, 0x2000);
	guest_map(&g, GVA, GPA, RW | GPTE_D, 1);
	g.m.fake.env.events_on = false;
	g.m.audit_every = 10000;
	for (unsigned i = 0; i < 100000; i++) {
		bool tdp = i & 1;

		ck_assert_int_eq(mmu_set_mode(g.m.vm, tdp ? MMU_MODE_TDP : MMU_MODE_SHADOW), MMU_OK);
		if (i % 7 == 0)
			expect_mapped(&g, i / 14 & 1, tdp ? GPA : GVA, USER, GPA);
		if (i == 99999 - 28 * 1785) /* the host has given out each of its pages by now */
			mmu_get_stats(g.m.vm, &first);
	}
	mmu_get_stats(g.m.vm, &last);
	ck_assert_uint_eq(last.pages, first.pages);
	ck_assert_uint_eq(last.pages, g.m.fake.nr_taken);
	ck_assert_uint_eq(last.sps, first.sps);
	guest_fini(&g);
}
END_TEST

TAP_MAIN("mode",
	 guests_of_all_modes_go_on_with_the_other_mmu,
	 each_vcpu_goes_over_when_it_enters_and_its_tlb_is_emptied,
	 the_same_mode_again_changes_nothing,
	 there_is_no_way_to_what_is_not_there,
	 a_fault_of_before_is_not_answered,
	 nor_is_one_that_has_no_lock_yet,
	 what_the_guest_does_meanwhile_counts,
	 what_is_left_goes_in_parts_and_others_may_switch_meanwhile,
	 who_comes_second_finds_it_done,
	 without_a_page_the_mode_stays,
	 rmaps_come_with_the_first_switch_and_stay,
	 what_the_hardware_left_in_pdptes_is_let_pass,
	 a_guests_guest_on_nested_tables_stays_on_nested_paging,
	 one_without_goes_over_like_any_guest,
	 a_hundred_thousand_times_nothing_is_left_behind)
