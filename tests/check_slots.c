/* SPDX-License-Identifier: MIT */
/* Slots that go and move while others look: what is found meanwhile, and after. */
#include "mmu/epoch.h"
#include "mmu/memslot.h"
#include "mmu/slots.h"
#include "tests/guest_pt.h"

#include <string.h>

#define FRAMES	16ull
#define FROM	0x8000ull	/* gfns, beyond the guest's own memory */
#define TO	0x9000ull
#define ID	3u
#define RAM	(FAKE_RAM + (GUEST_FRAMES << PAGE_SHIFT))

static struct guest g;

static const struct mmu_config tdp = { .mode = MMU_MODE_TDP, .nr_vcpus = 2, .tdp_level = 4,
				       .maxphyaddr = 48 };
static const struct mmu_config shadow = { .mode = MMU_MODE_SHADOW, .nr_vcpus = 2,
					  .maxphyaddr = 48 };
static const struct mmu_config *const modes[] = { &shadow, &tdp };

static void make_guest(const struct mmu_config *config)
{
	u64 value = 42;

	guest_init_small(&g, UNPAGED, config, 0x200);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, ID, FROM, FRAMES, RAM, 0), MMU_OK);
	ck_assert_uint_eq(mmu_vm_write(g.m.vm, FROM << PAGE_SHIFT, &value, 8), 8);
	machine_enter(&g.m, 0);
	machine_enter(&g.m, 1);
}

static enum mmu_verdict touch(unsigned vcpu, gfn_t gfn)
{
	struct mmu_fault fault;

	return machine_fault(&g.m, vcpu, gfn << PAGE_SHIFT, PFERR_WRITE | PFERR_USER, &fault);
}

static bool is_mapped(unsigned vcpu, gfn_t gfn)
{
	unsigned level;

	return spte_is_present(machine_leaf(&g.m, vcpu, gfn << PAGE_SHIFT, &level));
}

START_TEST(a_slot_that_moved_is_at_its_new_frames_and_not_at_the_old)
{
	for (unsigned i = 0; i < 2; i++) {
		u64 generation, value = 0;

		make_guest(modes[i]);
		ck_assert_int_eq(touch(0, FROM), MMU_RETRY);
		ck_assert(is_mapped(0, FROM));
		generation = g.m.vm->slots[0].generation;
		ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, TO), MMU_OK);
		ck_assert_uint_eq(g.m.vm->slots[0].generation, generation + MMU_NR_AS);
		machine_audit(&g.m);
		machine_enter(&g.m, 0);
		ck_assert(!is_mapped(0, FROM));
		ck_assert_int_eq(touch(0, FROM), MMU_EMULATE);
		ck_assert_int_eq(touch(0, TO + FRAMES - 1), MMU_RETRY);
		ck_assert_int_eq(touch(0, TO + FRAMES), MMU_EMULATE);
		ck_assert_uint_eq(mmu_vm_read(g.m.vm, TO << PAGE_SHIFT, &value, 8), 8);
		ck_assert_uint_eq(value, 42);
		ck_assert_uint_eq(mmu_vm_read(g.m.vm, FROM << PAGE_SHIFT, &value, 8), 0);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_move_tells_its_two_steps)
{
	make_guest(&shadow);
	fake_forget(&g.m.fake);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, TO), MMU_OK);
	ck_assert_uint_eq(fake_last(&g.m.fake, EV_slot_invalid)->slot_invalid.slot, ID);
	ck_assert_uint_eq(fake_last(&g.m.fake, EV_slot_move)->slot_move.gfn, TO);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_slot_generation), 1);
	ck_assert_uint_eq(fake_count(&g.m.fake, EV_slot_delete), 0);
	fake_forget(&g.m.fake);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, TO), MMU_OK);
	ck_assert_uint_eq(g.m.fake.nr_events, 0);
	guest_fini(&g);
}
END_TEST

START_TEST(a_slot_may_move_by_less_than_its_size)
{
	make_guest(&shadow);
	ck_assert_int_eq(touch(0, FROM + 3), MMU_RETRY);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, FROM + 1), MMU_OK);
	machine_enter(&g.m, 0);
	ck_assert_uint_eq(mmu_vm_gpa_to_hpa(g.m.vm, (FROM + 1) << PAGE_SHIFT), RAM);
	ck_assert_int_eq(touch(0, FROM + 3), MMU_RETRY);
	ck_assert_int_eq(touch(0, FROM), MMU_EMULATE);
	guest_fini(&g);
}
END_TEST

START_TEST(a_move_to_where_it_cannot_be_is_refused)
{
	u64 frames = 1ull << (48 - PAGE_SHIFT), generation;
	u32 pages;

	make_guest(&shadow);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, 4, TO, FRAMES, RAM, 0), MMU_OK);
	generation = g.m.vm->slots[0].generation;
	pages = g.m.fake.nr_taken;
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, TO + FRAMES - 1), MMU_EXIST);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, TO - FRAMES + 1), MMU_EXIST);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, frames - FRAMES + 1), MMU_INVAL);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, ~0ull), MMU_INVAL);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 2, ID, TO), MMU_INVAL);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, MMU_MAX_SLOTS, TO), MMU_INVAL);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 1, ID, TO), MMU_NOENT);
	ck_assert_uint_eq(g.m.vm->slots[0].generation, generation);
	ck_assert_uint_eq(g.m.fake.nr_taken, pages);
	ck_assert_uint_eq(vm_slot(g.m.vm, FROM)->id, ID);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, TO + FRAMES), MMU_OK);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, 4, FROM), MMU_OK);
	guest_fini(&g);
}
END_TEST

START_TEST(tables_in_a_slot_that_moves_lose_their_shadows)
{
	guest_init_small(&g, LONG4, &shadow, 0x200);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 0, ID, FROM, FRAMES, RAM, 0), MMU_OK);
	g.regs.cr3 = FROM << PAGE_SHIFT;
	guest_set_regs(&g, 0, true);
	machine_enter(&g.m, 0);
	ck_assert_uint_eq(g.m.vm->nr_indirect, 1);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, TO), MMU_OK);
	ck_assert_uint_eq(g.m.vm->nr_indirect, 0);
	machine_enter(&g.m, 0);
	ck_assert(g.m.vcpu[0]->mmu->root.sp->flags & SP_DUMMY);
	/* Back again: the table is there, and the root is one of it. */
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, FROM), MMU_OK);
	machine_enter(&g.m, 0);
	ck_assert(!(g.m.vcpu[0]->mmu->root.sp->flags & SP_DUMMY));
	guest_fini(&g);
}
END_TEST

/* ---- while it is under way --------------------------------------------------------- */

static unsigned looks;
static const struct memslot *seen;

/* The lock is free, the slot is on its way. */
static void look_at_yield(struct fake *fake, unsigned point)
{
	struct mmu_op op;

	(void)fake;
	if (point != MMU_POINT_yield || !atomic_load(&g.m.vm->slots_changing))
		return;
	looks++;
	op_begin(&op, g.m.vm, NULL, false);
	ck_assert(vm_slot(g.m.vm, FROM)->invalid);
	ck_assert(!slot_is_usable(vm_slot(g.m.vm, FROM)));
	ck_assert_ptr_null(vm_slot(g.m.vm, TO));
	ck_assert(slot_is_usable(vm_slot(g.m.vm, 0)));
	ck_assert(g.m.vm->slots[0].generation & SLOTS_UPDATING);
	ck_assert(!(g.m.vm->slots[1].generation & SLOTS_UPDATING));
	op_end(&op);
	ck_assert(!is_mapped(0, FROM));
	ck_assert_int_eq(touch(1, 0x100), MMU_RETRY);
}

START_TEST(in_between_a_slot_is_there_but_cannot_be_used)
{
	for (unsigned i = 0; i < 4; i++) {
		make_guest(modes[i & 1]);
		g.m.audit_every = 1000;
		ck_assert_int_eq(touch(0, FROM), MMU_RETRY);
		looks = 0;
		g.m.fake.on_point = look_at_yield;
		if (i & 2)
			ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, TO), MMU_OK);
		else
			ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, ID), MMU_OK);
		g.m.fake.on_point = NULL;
		ck_assert_uint_eq(looks, 1);
		g.m.audit_every = 0;
		machine_audit(&g.m);
		guest_fini(&g);
	}
}
END_TEST

/* All is there that was, till it is changed at once. */
static void look_at_publish(struct fake *fake, unsigned point)
{
	(void)fake;
	if (point != MMU_POINT_slots_publish)
		return;
	ck_assert_uint_eq(vm_slot(g.m.vm, FROM)->id, ID);
	ck_assert_uint_eq(vm_slot(g.m.vm, FROM)->invalid, looks);
	ck_assert_ptr_null(vm_slot(g.m.vm, TO));
	ck_assert_uint_eq(vm_slot(g.m.vm, 0)->id, 0);
	ck_assert_uint_eq(slot_view(g.m.vm, 0)->nr, 2);
	looks++;
}

START_TEST(till_the_slots_are_others_they_are_what_they_were)
{
	for (unsigned i = 0; i < 2; i++) {
		make_guest(&shadow);
		looks = 0;
		g.m.fake.on_point = look_at_publish;
		if (i)
			ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, TO), MMU_OK);
		else
			ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, ID), MMU_OK);
		g.m.fake.on_point = NULL;
		ck_assert_uint_eq(looks, 2);
		guest_fini(&g);
	}
}
END_TEST

static void reader_leaves(struct fake *fake)
{
	(void)fake;
	looks++;
	ck_assert(!seen->invalid);
	ck_assert_uint_eq(seen->base_gfn, FROM);
	ck_assert_uint_eq(seen->npages, FRAMES);
	if (looks == 3)
		mmu_read_end(g.m.vcpu[1]);
}

START_TEST(what_a_reader_has_found_stays_as_it_was_till_it_is_out)
{
	make_guest(&shadow);
	for (unsigned i = 0; i < 3; i++) {
		mmu_read_begin(g.m.vcpu[1]);
		seen = vcpu_slot(g.m.vcpu[1], FROM);
		looks = 0;
		g.m.fake.on_relax = reader_leaves;
		if (i == 0)
			ck_assert_int_eq(mmu_slot_set_flags(g.m.vm, 0, ID, MMU_SLOT_LOG_DIRTY),
					 MMU_OK);
		else if (i == 1)
			ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, TO), MMU_OK);
		else
			ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, ID), MMU_OK);
		g.m.fake.on_relax = NULL;
		ck_assert_uint_eq(looks, 3);
		if (i == 1)
			ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, FROM), MMU_OK);
	}
	guest_fini(&g);
}
END_TEST

/* The arrays of a slot that is on its way are made with those of all others. */
static void make_rmaps_at_yield(struct fake *fake, unsigned point)
{
	struct mmu_op op;

	(void)fake;
	if (point != MMU_POINT_yield || !atomic_load(&g.m.vm->slots_changing))
		return;
	looks++;
	g.m.fake.on_point = NULL;
	op_begin(&op, g.m.vm, NULL, true);
	for (unsigned n = 1;; n++) {
		u32 pages = g.m.fake.nr_taken;

		g.m.fake.fail_at = g.m.fake.nr_allocs + n;
		if (slots_make_rmaps(g.m.vm) == MMU_OK)
			break;
		ck_assert_uint_eq(g.m.fake.nr_taken, pages);
	}
	g.m.fake.fail_at = 0;
	op_end(&op);
}

START_TEST(a_slot_on_its_way_gets_rmaps_when_all_do)
{
	make_guest(&tdp);
	looks = 0;
	g.m.fake.on_point = make_rmaps_at_yield;
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 0, ID, TO), MMU_OK);
	ck_assert_uint_eq(looks, 1);
	machine_audit(&g.m);
	ck_assert_ptr_nonnull(slot_rmap(g.m.vm, vm_slot(g.m.vm, TO), TO, 1));
	guest_fini(&g);
}
END_TEST

START_TEST(a_slot_moves_wholly_or_not_at_all)
{
	unsigned n = 1;

	make_guest(&shadow);
	ck_assert_int_eq(touch(0, FROM), MMU_RETRY);
	for (;; n++) {
		u32 pages = g.m.fake.nr_taken;
		enum mmu_status status;

		g.m.fake.fail_at = g.m.fake.nr_allocs + n;
		status = mmu_slot_move(g.m.vm, 0, ID, TO);
		g.m.fake.fail_at = 0;
		if (status == MMU_OK)
			break;
		ck_assert_int_eq(status, MMU_NOMEM);
		ck_assert_uint_eq(g.m.fake.nr_taken, pages);
		ck_assert(is_mapped(0, FROM));
		ck_assert(slot_is_usable(vm_slot(g.m.vm, FROM)));
		machine_audit(&g.m);
	}
	ck_assert_uint_gt(n, 5);
	guest_fini(&g);
}
END_TEST

static const char *rule;

static void note_rule(void *arg, const struct mmu_finding *finding)
{
	(void)arg;
	rule = finding->rule;
}

START_TEST(an_audit_finds_a_slot_that_was_left_invalid)
{
	make_guest(&shadow);
	slot_by_id(g.m.vm, 0, ID)->invalid = true;
	ck_assert_uint_eq(mmu_audit(g.m.vm, note_rule, NULL), 1);
	ck_assert_str_eq(rule, "C-4");
	slot_by_id(g.m.vm, 0, ID)->invalid = false;
	guest_fini(&g);
}
END_TEST

/* ---- the same memory in both address spaces ------------------------------------------ */

START_TEST(what_is_zapped_is_zapped_in_the_address_space_it_is_asked_for)
{
	for (unsigned i = 0; i < 2; i++) {
		struct mmu_regs smm;

		make_guest(modes[i]);
		ck_assert_int_eq(mmu_slot_create(g.m.vm, 1, ID, FROM, FRAMES, RAM, 0), MMU_OK);
		smm = g.regs;
		smm.smm = true;
		mmu_set_regs(g.m.vcpu[1], &smm, false);
		machine_enter(&g.m, 1);
		ck_assert_int_eq(touch(0, FROM), MMU_RETRY);
		ck_assert_int_eq(touch(1, FROM), MMU_RETRY);
		ck_assert_uint_eq(mmu_zap_range(g.m.vm, 1, FROM, FROM + 1), 1);
		machine_enter(&g.m, 0);
		machine_enter(&g.m, 1);
		ck_assert(is_mapped(0, FROM) && !is_mapped(1, FROM));
		ck_assert_int_eq(touch(1, FROM), MMU_RETRY);
		ck_assert_int_eq(mmu_slot_delete(g.m.vm, 0, ID), MMU_OK);
		machine_enter(&g.m, 0);
		machine_enter(&g.m, 1);
		ck_assert(!is_mapped(0, FROM) && is_mapped(1, FROM));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(all_that_is_zapped_is_zapped_in_every_address_space)
{
	for (unsigned i = 0; i < 2; i++) {
		struct mmu_regs smm;

		make_guest(modes[i]);
		ck_assert_int_eq(mmu_slot_create(g.m.vm, 1, ID, FROM, FRAMES, RAM, 0), MMU_OK);
		smm = g.regs;
		smm.smm = true;
		mmu_set_regs(g.m.vcpu[1], &smm, false);
		machine_enter(&g.m, 1);
		ck_assert_int_eq(touch(0, FROM), MMU_RETRY);
		ck_assert_int_eq(touch(1, FROM), MMU_RETRY);
		mmu_zap_all(g.m.vm);
		machine_enter(&g.m, 0);
		machine_enter(&g.m, 1);
		ck_assert(!is_mapped(0, FROM) && !is_mapped(1, FROM));
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_slot_that_comes_to_memory_with_shadows_counts_them)
{
	guest_init_small(&g, LONG4, &shadow, 0x200);
	guest_map(&g, 0x400000, 0x5000, GPTE_W | GPTE_U, 1);
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 1, ID, FROM, 0x200, FAKE_RAM, 0), MMU_OK);
	expect_mapped(&g, 0, 0x400000, PFERR_USER, 0x5000);
	ck_assert_uint_gt(g.m.vm->nr_indirect, 3);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 1, ID, 0), MMU_OK);
	machine_audit(&g.m);
	expect_mapped(&g, 0, 0x400000, PFERR_USER, 0x5000);
	ck_assert_int_eq(mmu_slot_move(g.m.vm, 1, ID, FROM), MMU_OK);
	machine_audit(&g.m);
	expect_mapped(&g, 0, 0x400000, PFERR_USER, 0x5000);
	guest_fini(&g);
}
END_TEST

TAP_MAIN("slots",
	 a_slot_that_moved_is_at_its_new_frames_and_not_at_the_old,
	 a_move_tells_its_two_steps,
	 a_slot_may_move_by_less_than_its_size,
	 a_move_to_where_it_cannot_be_is_refused,
	 tables_in_a_slot_that_moves_lose_their_shadows,
	 in_between_a_slot_is_there_but_cannot_be_used,
	 till_the_slots_are_others_they_are_what_they_were,
	 what_a_reader_has_found_stays_as_it_was_till_it_is_out,
	 a_slot_on_its_way_gets_rmaps_when_all_do,
	 a_slot_moves_wholly_or_not_at_all,
	 an_audit_finds_a_slot_that_was_left_invalid,
	 what_is_zapped_is_zapped_in_the_address_space_it_is_asked_for,
	 all_that_is_zapped_is_zapped_in_every_address_space,
	 a_slot_that_comes_to_memory_with_shadows_counts_them)
