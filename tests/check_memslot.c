/* SPDX-License-Identifier: MIT */
/* Slots of both address spaces, their generations, arrays and track counters. */
#include "tests/fake_env.h"

#include <string.h>

#include "mmu/memslot.h"
#include "mmu/slots.h"
#include "mmu/page_track.h"

static struct machine m;

static const struct mmu_config shadow = {
	.mode = MMU_MODE_SHADOW, .nr_vcpus = 2, .maxphyaddr = 48,
};

static enum mmu_status create(unsigned as, unsigned id, gfn_t gfn, u64 npages, u32 flags)
{
	return mmu_slot_create(m.vm, as, id, gfn, npages, FAKE_RAM + (gfn << PAGE_SHIFT), flags);
}

static bool is_generation(unsigned as, u64 generation)
{
	return m.vm->slots[as].generation == generation;
}

START_TEST(a_slot_maps_its_frames_and_no_other)
{
	struct memslot *slot;

	machine_init(&m, &shadow);
	ck_assert_int_eq(mmu_slot_create(m.vm, 0, 5, 0x100, 0x30, FAKE_RAM + 0x7000, 0), MMU_OK);
	ck_assert_ptr_null(vm_slot(m.vm, 0xff));
	ck_assert_ptr_null(vm_slot(m.vm, 0x130));
	slot = vm_slot(m.vm, 0x100);
	ck_assert_ptr_nonnull(slot);
	ck_assert_ptr_eq(vm_slot(m.vm, 0x12f), slot);
	ck_assert_ptr_eq(slot_by_id(m.vm, 0, 5), slot);
	ck_assert_ptr_null(slot_by_id(m.vm, 0, 4));
	ck_assert_uint_eq(slot_pfn(slot, 0x101), (FAKE_RAM + 0x8000) >> PAGE_SHIFT);
	ck_assert_uint_eq(mmu_vm_gpa_to_hpa(m.vm, 0x101234), FAKE_RAM + 0x8234);
	ck_assert_uint_eq(mmu_vm_gpa_to_hpa(m.vm, 0x130000), HPA_INVALID);
	machine_fini(&m);
}
END_TEST

START_TEST(wrong_arguments_are_refused_and_change_nothing)
{
	u64 frames = 1ull << (48 - PAGE_SHIFT);
	u32 pages;

	machine_init(&m, &shadow);
	pages = m.fake.nr_taken;
	ck_assert_int_eq(create(2, 0, 0, 1, 0), MMU_INVAL);
	ck_assert_int_eq(create(0, MMU_MAX_SLOTS, 0, 1, 0), MMU_INVAL);
	ck_assert_int_eq(create(0, 0, 0, 0, 0), MMU_INVAL);
	ck_assert_int_eq(create(0, 0, 0, 1, 8), MMU_INVAL);
	ck_assert_int_eq(create(0, 0, 0, 1, MMU_SLOT_SMRAM), MMU_INVAL);
	ck_assert_int_eq(create(0, 0, frames, 1, 0), MMU_INVAL);
	ck_assert_int_eq(create(0, 0, frames - 1, 2, 0), MMU_INVAL);
	ck_assert_int_eq(create(0, 0, ~0ull, 2, 0), MMU_INVAL);
	ck_assert_int_eq(create(0, 0, 1, ~0ull, 0), MMU_INVAL);
	ck_assert_int_eq(mmu_slot_create(m.vm, 0, 0, 0, 1, FAKE_RAM + 8, 0), MMU_INVAL);
	ck_assert_int_eq(mmu_slot_create(m.vm, 0, 0, 0, 2, (frames - 1) << PAGE_SHIFT, 0),
			 MMU_INVAL);
	ck_assert_int_eq(mmu_slot_delete(m.vm, 2, 0), MMU_INVAL);
	ck_assert_int_eq(mmu_slot_delete(m.vm, 0, MMU_MAX_SLOTS), MMU_INVAL);
	ck_assert_int_eq(mmu_slot_delete(m.vm, 0, 0), MMU_NOENT);
	ck_assert_uint_eq(m.fake.nr_taken, pages);
	ck_assert(is_generation(0, 0) && is_generation(1, 1));
	ck_assert_uint_eq(fake_count(&m.fake, EV_slot_create), 0);
	machine_fini(&m);
}
END_TEST

START_TEST(slots_of_one_address_space_do_not_overlap)
{
	machine_init(&m, &shadow);
	ck_assert_int_eq(create(0, 0, 0x100, 0x100, 0), MMU_OK);
	ck_assert_int_eq(create(0, 0, 0x1000, 1, 0), MMU_EXIST);
	ck_assert_int_eq(create(0, 1, 0x1ff, 1, 0), MMU_EXIST);
	ck_assert_int_eq(create(0, 1, 0xff, 2, 0), MMU_EXIST);
	ck_assert_int_eq(create(0, 1, 0, 0x1000, 0), MMU_EXIST);
	ck_assert_int_eq(create(0, 1, 0x140, 2, 0), MMU_EXIST);
	ck_assert_int_eq(create(0, 1, 0xff, 1, 0), MMU_OK);
	ck_assert_int_eq(create(0, 2, 0x200, 1, 0), MMU_OK);
	ck_assert_int_eq(create(1, 0, 0x100, 0x100, 0), MMU_OK);
	machine_fini(&m);
}
END_TEST

START_TEST(only_a_vcpu_in_system_management_mode_sees_smram)
{
	struct mmu_regs smm = { .smm = true };
	struct sp sp = { .role = { .smm = 1 } };

	machine_init(&m, &shadow);
	ck_assert_int_eq(create(0, 0, 0, 0x10, 0), MMU_OK);
	ck_assert_int_eq(mmu_slot_create(m.vm, 1, 0, 8, 8, FAKE_RAM + 0x100000, MMU_SLOT_SMRAM),
			 MMU_OK);
	mmu_set_regs(m.vcpu[1], &smm, false);
	ck_assert_uint_eq(vcpu_slot(m.vcpu[0], 8)->as, 0);
	ck_assert_uint_eq(vcpu_slot(m.vcpu[1], 8)->as, 1);
	ck_assert_ptr_nonnull(vcpu_slot(m.vcpu[0], 0));
	ck_assert_ptr_null(vcpu_slot(m.vcpu[1], 0));
	ck_assert_uint_eq(vm_slot(m.vm, 8)->as, 0);
	ck_assert_uint_eq(sp_slot(m.vm, &sp, 8)->as, 1);
	ck_assert_uint_eq(mmu_vcpu_gpa_to_hpa(m.vcpu[1], 0x8000), FAKE_RAM + 0x100000);
	ck_assert_uint_eq(mmu_vcpu_gpa_to_hpa(m.vcpu[0], 0x8000), FAKE_RAM + 0x8000);
	machine_fini(&m);
}
END_TEST

START_TEST(generations_count_up_and_never_meet)
{
	u64 last[MMU_NR_AS] = { 0, 1 };

	machine_init(&m, &shadow);
	ck_assert(is_generation(0, 0) && is_generation(1, 1));
	for (unsigned i = 0; i < 20; i++) {
		unsigned as = i * 7 / 3 % 2;

		fake_forget(&m.fake);
		if (slot_by_id(m.vm, as, 3))
			ck_assert_int_eq(mmu_slot_delete(m.vm, as, 3), MMU_OK);
		else
			ck_assert_int_eq(create(as, 3, 0x10, 4, 0), MMU_OK);
		ck_assert_uint_gt(m.vm->slots[as].generation, last[as]);
		ck_assert_uint_eq(m.vm->slots[as].generation % MMU_NR_AS, as);
		last[as] = m.vm->slots[as].generation;
		ck_assert_uint_eq(fake_count(&m.fake, EV_slot_generation), 1);
		ck_assert_uint_eq(fake_last(&m.fake, EV_slot_generation)->slot_generation.generation,
				  last[as]);
		ck_assert_uint_eq(last[!as], m.vm->slots[!as].generation);
	}
	machine_fini(&m);
}
END_TEST

static unsigned steps_to(gfn_t gfn)
{
	unsigned steps;

	slot_search(m.vm, 0, gfn, &steps);
	return steps;
}

START_TEST(a_lookup_remembers_the_slot_it_found)
{
	machine_init(&m, &shadow);
	for (unsigned id = 0; id < 8; id++)
		ck_assert_int_eq(create(0, id, 0x100 * id, 0x100, 0), MMU_OK);
	ck_assert_uint_eq(vm_slot(m.vm, 0x512)->id, 5);
	ck_assert_uint_eq(steps_to(0x513), 1);
	ck_assert_uint_gt(steps_to(0x9999), 1);
	ck_assert_uint_eq(steps_to(0x5ff), 1);
	ck_assert_uint_gt(steps_to(0x0), 1);
	ck_assert_uint_eq(steps_to(0xff), 1);
	ck_assert_int_eq(mmu_slot_delete(m.vm, 0, 5), MMU_OK);
	ck_assert_ptr_null(vm_slot(m.vm, 0x512));
	machine_fini(&m);
}
END_TEST

START_TEST(a_lookup_is_one_search_by_halves)
{
	unsigned most = 0;

	machine_init(&m, &shadow);
	for (unsigned id = 0; id < MMU_MAX_SLOTS; id++)
		ck_assert_int_eq(create(0, id, 0x100 * (id * 7 % MMU_MAX_SLOTS), 0x80, 0), MMU_OK);
	for (unsigned from = 0; from < MMU_MAX_SLOTS; from++)
		for (unsigned to = 0; to < 2 * MMU_MAX_SLOTS; to++) {
			unsigned steps;

			ck_assert_ptr_nonnull(vm_slot(m.vm, 0x100 * from));
			steps = steps_to(0x80 * to);
			ck_assert_int_eq(!vm_slot(m.vm, 0x80 * to), to & 1);
			most = steps > most ? steps : most;
		}
	ck_assert_uint_eq(most, 6);
	machine_fini(&m);
}
END_TEST

START_TEST(a_huge_page_needs_alignment_and_room)
{
	const struct memslot aligned = { .base_gfn = 0x200, .npages = 0x40000 * 2,
					 .hpa = 0x40000000 + 0x200000 };
	const struct memslot shifted = { .base_gfn = 0x200, .npages = 0x1000,
					 .hpa = 0x40001000 };
	const struct memslot half = { .base_gfn = 0x200, .npages = 0x1000,
				      .hpa = 0x40200000 };

	ck_assert_uint_eq(slot_max_level(&aligned, 0x200), 2);
	ck_assert_uint_eq(slot_max_level(&aligned, 0x3ffff), 2);
	ck_assert_uint_eq(slot_max_level(&aligned, 0x40000), 3);
	ck_assert_uint_eq(slot_max_level(&aligned, 0x7ffff), 3);
	ck_assert_uint_eq(slot_max_level(&aligned, 0x80000), 2);
	ck_assert_uint_eq(slot_max_level(&shifted, 0x400), 1);
	ck_assert_uint_eq(slot_max_level(&half, 0x11ff), 2);
	ck_assert_uint_eq(slot_max_level(&half, 0x200), 2);
}
END_TEST

START_TEST(a_huge_page_does_not_reach_over_the_ends_of_its_slot)
{
	const struct memslot slot = { .base_gfn = 0x2ff, .npages = 0x300,
				      .hpa = 0x402ff000 };

	ck_assert_uint_eq(slot_max_level(&slot, 0x2ff), 1);
	ck_assert_uint_eq(slot_max_level(&slot, 0x3ff), 1);
	ck_assert_uint_eq(slot_max_level(&slot, 0x400), 1);
	ck_assert_uint_eq(slot_max_level(&slot, 0x5fe), 1);
}
END_TEST

/* Fails each allocation in turn until the call succeeds. */
static unsigned create_under_pressure(void)
{
	unsigned n = 1;

	for (;; n++) {
		u32 pages = m.fake.nr_taken;
		enum mmu_status status;

		m.fake.fail_at = m.fake.nr_allocs + n;
		status = create(0, 1, 0x1ff, 0x2000, 0);
		m.fake.fail_at = 0;
		if (status == MMU_OK)
			break;
		ck_assert_int_eq(status, MMU_NOMEM);
		ck_assert_uint_eq(m.fake.nr_taken, pages);
		ck_assert_ptr_null(vm_slot(m.vm, 0x200));
		ck_assert(is_generation(0, 0));
		machine_audit(&m);
	}
	return n;
}

START_TEST(a_machine_is_made_wholly_or_not_at_all)
{
	enum mmu_status status;
	struct mmu_vm *vm;
	struct fake fake;
	unsigned n = 1;

	fake_init(&fake);
	for (;; n++) {
		fake.fail_at = fake.nr_allocs + n;
		status = mmu_vm_create(&fake.env, &shadow, &vm);
		if (status == MMU_OK)
			break;
		ck_assert_int_eq(status, MMU_NOMEM);
		ck_assert_ptr_null(vm);
		ck_assert_uint_eq(fake.nr_taken, 0);
	}
	ck_assert_uint_gt(n, 4);
	mmu_vm_destroy(vm);
	fake_fini(&fake);
}
END_TEST

START_TEST(with_rmaps_a_slot_is_made_wholly_or_not_at_all)
{
	struct mmu_op op;

	machine_init(&m, &shadow);
	op_begin(&op, m.vm, NULL, true);
	ck_assert_int_eq(slots_make_rmaps(m.vm), MMU_OK);
	op_end(&op);
	ck_assert(m.vm->shadow_used);
	ck_assert_uint_gt(create_under_pressure(), 20);
	ck_assert_ptr_nonnull(slot_rmap(m.vm, vm_slot(m.vm, 0x21fe), 0x21fe, 1));
	machine_fini(&m);
}
END_TEST

START_TEST(the_rmaps_of_all_slots_are_made_or_none)
{
	struct mmu_op op;
	unsigned n = 1;

	machine_init(&m, &shadow);
	ck_assert_int_eq(create(0, 0, 0, 0x1000, 0), MMU_OK);
	ck_assert_int_eq(create(1, 0, 0, 0x1000, 0), MMU_OK);
	op_begin(&op, m.vm, NULL, true);
	for (;; n++) {
		u32 pages = m.fake.nr_taken;

		m.fake.fail_at = m.fake.nr_allocs + n;
		if (slots_make_rmaps(m.vm) == MMU_OK)
			break;
		ck_assert(!m.vm->shadow_used);
		ck_assert_uint_eq(m.fake.nr_taken, pages);
	}
	op_end(&op);
	ck_assert_uint_gt(n, 10);
	ck_assert(m.vm->shadow_used);
	machine_fini(&m);
}
END_TEST

START_TEST(every_frame_and_huge_entry_has_an_rmap_head_of_its_own)
{
	struct memslot *slot;
	struct mmu_op op;

	machine_init(&m, &shadow);
	ck_assert_int_eq(create(0, 0, 0x1fe, 0x404, 0), MMU_OK);
	op_begin(&op, m.vm, NULL, true);
	ck_assert_int_eq(slots_make_rmaps(m.vm), MMU_OK);
	slot = vm_slot(m.vm, 0x200);
	ck_assert_ptr_ne(slot_rmap(m.vm, slot, 0x1fe, 1), slot_rmap(m.vm, slot, 0x1ff, 1));
	ck_assert_ptr_ne(slot_rmap(m.vm, slot, 0x1ff, 2), slot_rmap(m.vm, slot, 0x200, 2));
	ck_assert_ptr_eq(slot_rmap(m.vm, slot, 0x200, 2), slot_rmap(m.vm, slot, 0x3ff, 2));
	ck_assert_ptr_ne(slot_rmap(m.vm, slot, 0x400, 2), slot_rmap(m.vm, slot, 0x3ff, 2));
	ck_assert_ptr_ne(slot_rmap(m.vm, slot, 0x601, 2), slot_rmap(m.vm, slot, 0x5ff, 2));
	ck_assert_ptr_eq(slot_rmap(m.vm, slot, 0x1fe, 3), slot_rmap(m.vm, slot, 0x601, 3));
	op_end(&op);
	machine_fini(&m);
}
END_TEST

START_TEST(the_track_counters_know_tables_and_forbid_huge_pages)
{
	struct memslot *slot;
	struct mmu_op op;

	machine_init(&m, &shadow);
	ck_assert_int_eq(create(0, 0, 0, 0x80000, 0), MMU_OK);
	op_begin(&op, m.vm, NULL, true);
	slot = vm_slot(m.vm, 0);
	ck_assert(!track_is_shadowed(m.vm, slot, 0x321));
	ck_assert(track_allows_level(m.vm, slot, 0x321, 3));
	ck_assert_int_eq(slots_make_rmaps(m.vm), MMU_OK);
	track_add(&op, slot, 0x321, 1);
	ck_assert_uint_eq(track_count(m.vm, slot, 0x321), 1);
	ck_assert_uint_eq(track_upper_count(m.vm, slot, 0x321), 0);
	track_add(&op, slot, 0x321, 2);
	ck_assert_uint_eq(track_count(m.vm, slot, 0x321), 2);
	ck_assert_uint_eq(track_upper_count(m.vm, slot, 0x321), 1);
	ck_assert_uint_eq(fake_last(&m.fake, EV_track_add)->track_add.count, 2);
	ck_assert(!track_allows_level(m.vm, slot, 0x321, 1));
	ck_assert(track_allows_level(m.vm, slot, 0x322, 1));
	ck_assert(!track_allows_level(m.vm, slot, 0x200, 2));
	ck_assert(track_allows_level(m.vm, slot, 0x1ff, 2));
	ck_assert(track_allows_level(m.vm, slot, 0x400, 2));
	ck_assert(!track_allows_level(m.vm, slot, 0, 3));
	ck_assert(track_allows_level(m.vm, slot, 0x40000, 3));
	track_remove(&op, slot, 0x321, 1);
	ck_assert(!track_allows_level(m.vm, slot, 0x3ff, 2));
	track_remove(&op, slot, 0x321, 2);
	ck_assert_uint_eq(fake_last(&m.fake, EV_track_remove)->track_remove.count, 0);
	ck_assert(track_allows_level(m.vm, slot, 0x3ff, 3));
	ck_assert_panics(&m.fake, "the count of shadows", track_remove(&op, slot, 0x321, 1));
}
END_TEST

START_TEST(only_the_log_of_a_slot_is_turned_on_and_off)
{
	const u32 fixed = MMU_SLOT_SMRAM | MMU_SLOT_READONLY;

	machine_init(&m, &shadow);
	ck_assert_int_eq(create(1, 7, 0xa0, 0x20, fixed), MMU_OK);
	ck_assert_int_eq(create(0, 7, 0xa0, 0x20, 0), MMU_OK);
	ck_assert(is_generation(0, 2) && is_generation(1, 3));
	ck_assert_int_eq(mmu_slot_set_flags(m.vm, 1, 7, fixed | MMU_SLOT_LOG_DIRTY), MMU_OK);
	ck_assert_uint_eq(slot_by_id(m.vm, 1, 7)->flags, fixed | MMU_SLOT_LOG_DIRTY);
	ck_assert_uint_eq(fake_last(&m.fake, EV_slot_flags)->slot_flags.flags,
			  fixed | MMU_SLOT_LOG_DIRTY);
	ck_assert(is_generation(0, 2) && is_generation(1, 5));
	ck_assert_int_eq(mmu_slot_set_flags(m.vm, 1, 7, fixed | MMU_SLOT_LOG_DIRTY), MMU_OK);
	ck_assert(is_generation(1, 5));
	ck_assert_int_eq(mmu_slot_set_flags(m.vm, 1, 7, fixed), MMU_OK);
	ck_assert(is_generation(1, 7));
	ck_assert_uint_eq(fake_count(&m.fake, EV_slot_flags), 2);
	machine_audit(&m);
	machine_fini(&m);
}
END_TEST

START_TEST(flags_that_cannot_be_are_refused_and_change_nothing)
{
	machine_init(&m, &shadow);
	ck_assert_int_eq(create(0, 7, 0xa0, 0x20, 0), MMU_OK);
	ck_assert_int_eq(mmu_slot_set_flags(m.vm, 0, 7, MMU_SLOT_READONLY), MMU_INVAL);
	ck_assert_int_eq(mmu_slot_set_flags(m.vm, 0, 7, MMU_SLOT_SMRAM), MMU_INVAL);
	ck_assert_int_eq(mmu_slot_set_flags(m.vm, 0, 7, 8), MMU_INVAL);
	ck_assert_int_eq(mmu_slot_set_flags(m.vm, 2, 7, 0), MMU_INVAL);
	ck_assert_int_eq(mmu_slot_set_flags(m.vm, 0, MMU_MAX_SLOTS, 0), MMU_INVAL);
	ck_assert_int_eq(mmu_slot_set_flags(m.vm, 1, 7, 0), MMU_NOENT);
	ck_assert_uint_eq(slot_by_id(m.vm, 0, 7)->flags, 0);
	ck_assert(is_generation(0, 2) && is_generation(1, 1));
	ck_assert_uint_eq(fake_count(&m.fake, EV_slot_flags), 0);
	machine_fini(&m);
}
END_TEST

START_TEST(events_tell_what_happened_to_the_slots)
{
	const struct fake_event *event;

	machine_init(&m, &shadow);
	ck_assert_int_eq(create(1, 7, 0xa0, 0x20, MMU_SLOT_SMRAM | MMU_SLOT_READONLY), MMU_OK);
	event = fake_last(&m.fake, EV_slot_create);
	ck_assert_ptr_nonnull(event);
	ck_assert_uint_eq(event->slot_create.as, 1);
	ck_assert_uint_eq(event->slot_create.slot, 7);
	ck_assert_uint_eq(event->slot_create.gfn, 0xa0);
	ck_assert_uint_eq(event->slot_create.npages, 0x20);
	ck_assert_uint_eq(event->slot_create.hpa, FAKE_RAM + 0xa0000);
	ck_assert_uint_eq(event->slot_create.flags, MMU_SLOT_SMRAM | MMU_SLOT_READONLY);
	ck_assert_int_eq(mmu_slot_delete(m.vm, 1, 7), MMU_OK);
	event = fake_last(&m.fake, EV_slot_delete);
	ck_assert_ptr_nonnull(event);
	ck_assert_uint_eq(event->slot_delete.as, 1);
	ck_assert_uint_eq(event->slot_delete.slot, 7);
	ck_assert_int_eq(mmu_slot_delete(m.vm, 1, 7), MMU_NOENT);
	machine_fini(&m);
}
END_TEST

TAP_MAIN("memslot",
	 a_slot_maps_its_frames_and_no_other,
	 wrong_arguments_are_refused_and_change_nothing,
	 slots_of_one_address_space_do_not_overlap,
	 only_a_vcpu_in_system_management_mode_sees_smram,
	 generations_count_up_and_never_meet,
	 a_lookup_remembers_the_slot_it_found,
	 a_lookup_is_one_search_by_halves,
	 a_huge_page_needs_alignment_and_room,
	 a_huge_page_does_not_reach_over_the_ends_of_its_slot,
	 a_machine_is_made_wholly_or_not_at_all,
	 with_rmaps_a_slot_is_made_wholly_or_not_at_all,
	 the_rmaps_of_all_slots_are_made_or_none,
	 every_frame_and_huge_entry_has_an_rmap_head_of_its_own,
	 the_track_counters_know_tables_and_forbid_huge_pages,
	 only_the_log_of_a_slot_is_turned_on_and_off,
	 flags_that_cannot_be_are_refused_and_change_nothing,
	 events_tell_what_happened_to_the_slots)
