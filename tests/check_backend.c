/* SPDX-License-Identifier: MIT */
/*
 * What both back ends promise, told once: each test runs on either, with a guest that
 * does not page, whose gva are its gpa.
 */
#include "mmu/backend.h"
#include "mmu/flush.h"
#include "mmu/memslot.h"
#include "mmu/page_track.h"
#include "mmu/resize.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "tests/fake_env.h"

#define W	PFERR_WRITE
#define MB	(1ull << 20)
#define FRAMES	32768u	/* 128 MiB */

static struct machine m;
static const struct mmu_backend *backend;

/* RAM at 0, of which the first 2 MiB are tables if anything is. */
static void setup(enum mmu_mode mode)
{
	const struct mmu_config config = { .mode = mode, .nr_vcpus = 2, .tdp_level = 4,
					   .maxphyaddr = 48 };

	machine_init(&m, &config);
	machine_ram(&m, 0, 0, FRAMES, 0);
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_enter(&m, 0);
	machine_enter(&m, 1);
	backend = mode == MMU_MODE_TDP ? m.vm->tdp : m.vm->shadow;
	m.fake.hook_arg = &m;
}

#define ON_BOTH(name)                                                                              \
	static void name##_(void);                                                                 \
	START_TEST(name)                                                                           \
	{                                                                                          \
		for (int mode = MMU_MODE_SHADOW; mode <= MMU_MODE_TDP; mode++) {                   \
			setup(mode);                                                               \
			name##_();                                                                 \
			machine_fini(&m);                                                          \
		}                                                                                  \
	}                                                                                          \
	END_TEST                                                                                   \
	static void name##_(void)

static unsigned level_of(gpa_t gpa)
{
	unsigned level = 0;

	return machine_leaf(&m, 0, gpa, &level) ? level : 0;
}

/* The access is made, by faults if need be, and arrives at its memory. */
static unsigned touch(gpa_t gpa)
{
	unsigned faults = 0;
	u64 spte, page;

	while (!spte_is_writable(machine_leaf(&m, 0, gpa, NULL))) {
		ck_assert_int_eq(machine_fault(&m, 0, gpa, W, NULL), MMU_RETRY);
		ck_assert_uint_lt(faults++, 3);
	}
	spte = machine_leaf(&m, 0, gpa, NULL);
	page = level_bytes(level_of(gpa));
	ck_assert_uint_eq(spte_hpa(spte) + (gpa & (page - 1)), FAKE_RAM + gpa);
	return faults;
}

static u64 split(gpa_t start, gpa_t end)
{
	u64 nr;

	ck_assert_int_eq(mmu_split_range(m.vm, 0, start >> PAGE_SHIFT, end >> PAGE_SHIFT, &nr),
			 MMU_OK);
	machine_audit(&m);
	return nr;
}

static u64 recover(gpa_t start, gpa_t end)
{
	u64 nr = mmu_recover_range(m.vm, 0, start >> PAGE_SHIFT, end >> PAGE_SHIFT);

	machine_audit(&m);
	return nr;
}

/* ---- the list --------------------------------------------------------------------- */

ON_BOTH(every_operation_of_memory_is_there)
{
	ck_assert(backend->load_root && backend->put_root && backend->fault);
	ck_assert(backend->zap_range && backend->split_range && backend->recover_range);
	ck_assert(backend->obsolete_all && backend->zap_obsolete && backend->zap_inner);
	ck_assert(backend->write_protect);
}

/* ---- mapping and zapping ------------------------------------------------------------ */

ON_BOTH(a_fault_maps_and_the_next_is_spurious)
{
	ck_assert_uint_eq(touch(4 * MB + 0x123), 1);
	ck_assert_uint_eq(level_of(4 * MB), LEVEL_2M);
	ck_assert_int_eq(machine_fault(&m, 0, 4 * MB + 0x123, W, NULL), MMU_SPURIOUS);
}

ON_BOTH(a_zapped_range_is_gone_and_nothing_else_is)
{
	for (gpa_t gpa = 4 * MB; gpa < 16 * MB; gpa += 2 * MB)
		touch(gpa);
	machine_enter(&m, 1);
	ck_assert_uint_eq(mmu_zap_range(m.vm, 0, (6 * MB) >> PAGE_SHIFT, (8 * MB) >> PAGE_SHIFT),
			  1);
	machine_audit(&m);
	for (gpa_t gpa = 4 * MB; gpa < 16 * MB; gpa += 2 * MB)
		ck_assert_int_eq(!level_of(gpa), gpa == 6 * MB);
	ck_assert(machine_enter(&m, 1).flush);
	ck_assert_uint_eq(mmu_zap_range(m.vm, 1, 0, FRAMES), 0);
	touch(6 * MB);
}

ON_BOTH(everything_that_is_obsolete_goes_in_parts)
{
	struct mmu_op op;
	u32 parts = 0;

	machine_knob(&m, MMU_KNOB_huge, 0);
	for (gpa_t gpa = 4 * MB; gpa < 16 * MB; gpa += 2 * MB)
		touch(gpa);
	op_begin(&op, m.vm, NULL, true);
	backend->obsolete_all(&op);
	for (; backend->zap_obsolete(&op, 1) == 1; parts++)
		op_yield(&op);
	/* The six tables of leaves, at least. */
	ck_assert_uint_ge(parts, 6);
	ck_assert_uint_eq(backend->zap_obsolete(&op, UINT32_MAX), 0);
	op_end(&op);
	ck_assert_uint_eq(m.vm->stats.sptes_4k, 0);
	machine_audit(&m);
	machine_enter(&m, 0);
	touch(4 * MB);
}

ON_BOTH(all_at_once_is_the_same)
{
	struct mmu_op op;

	touch(4 * MB);
	op_begin(&op, m.vm, NULL, true);
	backend_zap_all(backend, &op);
	op_end(&op);
	ck_assert_uint_eq(m.vm->stats.sptes_2m, 0);
	machine_enter(&m, 0);
	machine_enter(&m, 1);
	touch(4 * MB);
}

ON_BOTH(a_slot_that_goes_takes_its_mappings_along)
{
	touch(4 * MB);
	ck_assert_int_eq(mmu_slot_delete(m.vm, 0, 0), MMU_OK);
	machine_audit(&m);
	ck_assert_uint_eq(m.vm->stats.sptes_2m, 0);
	machine_enter(&m, 0);
	ck_assert_int_eq(machine_fault(&m, 0, 4 * MB, W, NULL), MMU_EMULATE);
}

ON_BOTH(a_protected_frame_is_writable_at_no_level)
{
	struct memslot *slot = slot_by_id(m.vm, 0, 0);
	struct mmu_op op;
	u64 spte;

	touch(4 * MB);
	op_begin(&op, m.vm, NULL, true);
	ck_assert(backend->write_protect(&op, slot, (4 * MB >> PAGE_SHIFT) + 7));
	ck_assert(!backend->write_protect(&op, slot, (4 * MB >> PAGE_SHIFT) + 7));
	flush_need(&op, FLUSH_wrprot, 4 * MB >> PAGE_SHIFT, 512);
	op_end(&op);
	machine_audit(&m);
	spte = machine_leaf(&m, 0, 4 * MB, NULL);
	ck_assert_uint_eq(spte & (SPTE_W | SPTE_MMU_W | SPTE_HOST_W), SPTE_HOST_W);
}

/* ---- small and large ------------------------------------------------------------------ */

ON_BOTH(a_split_changes_nothing_but_the_size)
{
	touch(4 * MB);
	ck_assert_uint_eq(split(4 * MB, 6 * MB), 1);
	ck_assert_uint_eq(m.vm->stats.sptes_2m, 0);
	ck_assert_uint_eq(m.vm->stats.sptes_4k, 512);
	for (gpa_t gpa = 4 * MB; gpa < 6 * MB; gpa += PAGE_SIZE * 37)
		ck_assert_uint_eq(touch(gpa), 0);
	ck_assert_uint_eq(split(4 * MB, 6 * MB), 0);
}

ON_BOTH(what_was_split_becomes_large_again)
{
	touch(4 * MB);
	touch(6 * MB);
	split(4 * MB, 8 * MB);
	machine_enter(&m, 1);
	ck_assert_uint_eq(recover(4 * MB, 6 * MB), 512);
	ck_assert(machine_enter(&m, 1).flush);
	touch(4 * MB + 0x5000);
	ck_assert_uint_eq(level_of(4 * MB + 0x5000), LEVEL_2M);
	ck_assert_uint_eq(level_of(6 * MB), LEVEL_4K);
	ck_assert_uint_eq(recover(4 * MB, 6 * MB), 0);
}

ON_BOTH(so_does_what_was_mapped_by_small_pages_here_and_there)
{
	machine_knob(&m, MMU_KNOB_huge, 0);
	touch(4 * MB);
	touch(4 * MB + 0x9000);
	ck_assert_uint_eq(recover(0, FRAMES * PAGE_SIZE), 0);
	machine_knob(&m, MMU_KNOB_huge, 1);
	ck_assert_uint_eq(recover(0, FRAMES * PAGE_SIZE), 2);
	touch(5 * MB);
	touch(4 * MB);
	ck_assert_uint_eq(level_of(4 * MB), LEVEL_2M);
	ck_assert_uint_eq(m.vm->stats.sptes_4k, 0);
}

ON_BOTH(small_pages_stay_where_a_slot_ends_inside)
{
	ck_assert_int_eq(mmu_slot_delete(m.vm, 0, 0), MMU_OK);
	machine_ram(&m, 0, 1, 2047, PAGE_SIZE);
	machine_enter(&m, 0);
	touch(0x1000);
	machine_knob(&m, MMU_KNOB_huge, 0);
	touch(2 * MB);
	machine_knob(&m, MMU_KNOB_huge, 1);
	ck_assert_uint_eq(recover(0, 8 * MB), 1);
	touch(0x1000);
	ck_assert_uint_eq(level_of(0x1000), LEVEL_4K);
}

ON_BOTH(small_pages_stay_where_a_page_table_lies_among_them)
{
	struct memslot *slot = slot_by_id(m.vm, 0, 0);
	struct mmu_op op;
	u32 *count;

	op_begin(&op, m.vm, NULL, true);
	ck_assert_int_eq(slots_make_rmaps(m.vm), MMU_OK);
	op_end(&op);
	touch(4 * MB);
	split(4 * MB, 6 * MB);
	/* As if one did; nothing but this is asked. */
	count = parray_get(&m.fake.env, &slot->huge_shadowed[0], 2);
	++*count;
	ck_assert_uint_eq(mmu_recover_range(m.vm, 0, 0, FRAMES), 0);
	--*count;
	ck_assert_uint_eq(recover(0, FRAMES * PAGE_SIZE), 512);
}

ON_BOTH(other_address_spaces_are_not_meant)
{
	touch(4 * MB);
	split(4 * MB, 6 * MB);
	ck_assert_uint_eq(mmu_recover_range(m.vm, 1, 0, FRAMES), 0);
	ck_assert_uint_eq(mmu_recover_range(m.vm, 2, 0, FRAMES), 0);
	ck_assert_uint_eq(m.vm->stats.sptes_4k, 512);
}

/* ---- pauses ---------------------------------------------------------------------------- */

static unsigned yields;
static void (*meanwhile)(void);

static void at_yield(struct fake *fake, unsigned point)
{
	if (point != MMU_POINT_yield || yields++)
		return;
	fake->on_point = NULL;
	/* The operation is not over: no audit. */
	m.audit_every = 1000000;
	m.audit_calls = 1;
	meanwhile();
	m.audit_every = 0;
	fake->on_point = at_yield;
}

/* 60 tables of small leaves, then recover with something in its first pause. */
static u64 recover_with(void (*what)(void))
{
	u64 nr;

	for (gpa_t gpa = 4 * MB; gpa < 124 * MB; gpa += 2 * MB)
		touch(gpa);
	split(0, FRAMES * PAGE_SIZE);
	yields = 0;
	meanwhile = what;
	m.fake.on_point = at_yield;
	nr = mmu_recover_range(m.vm, 0, 0, FRAMES);
	m.fake.on_point = NULL;
	ck_assert_uint_gt(yields, 0);
	machine_audit(&m);
	return nr;
}

static void look(void)
{
	ck_assert(machine_enter(&m, 1).flush);
	touch(4 * MB);
	ck_assert_uint_eq(level_of(4 * MB), LEVEL_2M);
	ck_assert_uint_eq(level_of(122 * MB), LEVEL_4K);
}

ON_BOTH(recovery_pays_its_flush_and_pauses)
{
	ck_assert_uint_eq(recover_with(look), 60 * 512);
}

static void slot_goes(void)
{
	ck_assert_int_eq(mmu_slot_delete(m.vm, 0, 0), MMU_OK);
}

ON_BOTH(a_slot_that_goes_in_a_pause_is_not_mapped_again)
{
	ck_assert_uint_lt(recover_with(slot_goes), 60 * 512);
	ck_assert_uint_eq(m.vm->stats.sptes_2m, 0);
}

static void all_goes(void)
{
	mmu_zap_all(m.vm);
	machine_enter(&m, 0);
	machine_enter(&m, 1);
}

ON_BOTH(a_root_that_goes_in_a_pause_is_left_alone)
{
	ck_assert_uint_lt(recover_with(all_goes), 60 * 512);
	ck_assert_uint_eq(m.vm->stats.sptes_2m, 0);
}

TAP_MAIN("backend",
	 every_operation_of_memory_is_there,
	 a_fault_maps_and_the_next_is_spurious,
	 a_zapped_range_is_gone_and_nothing_else_is,
	 everything_that_is_obsolete_goes_in_parts,
	 all_at_once_is_the_same,
	 a_slot_that_goes_takes_its_mappings_along,
	 a_protected_frame_is_writable_at_no_level,
	 a_split_changes_nothing_but_the_size,
	 what_was_split_becomes_large_again,
	 so_does_what_was_mapped_by_small_pages_here_and_there,
	 small_pages_stay_where_a_slot_ends_inside,
	 small_pages_stay_where_a_page_table_lies_among_them,
	 other_address_spaces_are_not_meant,
	 recovery_pays_its_flush_and_pauses,
	 a_slot_that_goes_in_a_pause_is_not_mapped_again,
	 a_root_that_goes_in_a_pause_is_left_alone)
