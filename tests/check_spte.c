/* SPDX-License-Identifier: MIT */
/* The value of an SPTE, and the one place that stores it. */
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "tests/fake_env.h"

#include <string.h>

/* ---- values ------------------------------------------------------------------------ */

START_TEST(only_four_combinations_of_the_three_writable_bits_come_out)
{
	for (unsigned bits = 0; bits < 16; bits++) {
		struct spte_leaf leaf = {
			.pfn = 0x1234, .level = 1,
			.access = bits & 1 ? ACC_ALL : ACC_EXEC | ACC_USER,
			.host_writable = bits & 2, .mmu_writable = bits & 4, .dirty = bits & 8,
		};
		u64 spte = spte_make_leaf(&leaf);
		u64 three = spte & (SPTE_HOST_W | SPTE_MMU_W | SPTE_W);
		bool writable = leaf.access == ACC_ALL && leaf.host_writable && leaf.mmu_writable;

		ck_assert_ptr_null(spte_check(spte, 1, true, false, 48));
		ck_assert_uint_eq(three, writable ? SPTE_HOST_W | SPTE_MMU_W | SPTE_W :
				  leaf.host_writable ? SPTE_HOST_W : 0);
		ck_assert_int_eq(!!(spte & SPTE_D), writable && leaf.dirty);
		ck_assert_int_eq(spte_is_writable(spte), writable);
	}
}
END_TEST

START_TEST(the_rights_of_a_leaf_are_those_it_was_made_with)
{
	for (unsigned access = 0; access <= ACC_ALL; access++) {
		const struct spte_leaf leaf = { .pfn = 1, .level = 1, .access = access,
						.host_writable = true, .mmu_writable = true };

		ck_assert_uint_eq(spte_access(spte_make_leaf(&leaf)), access);
	}
}
END_TEST

START_TEST(leaf_and_table_are_told_apart_by_level_and_size_bit)
{
	const struct spte_leaf huge = { .pfn = 512, .level = 2, .access = ACC_ALL };
	u64 table = spte_make_table(0x5000), leaf = spte_make_leaf(&huge);

	ck_assert(spte_is_table(table, 2) && !spte_is_leaf(table, 2));
	ck_assert(spte_is_leaf(leaf, 2) && !spte_is_table(leaf, 2));
	ck_assert(!spte_is_leaf(0, 1) && !spte_is_table(0, 2));
	ck_assert(!spte_is_present(SPTE_FROZEN) && !spte_is_table(SPTE_FROZEN, 3));
	ck_assert_uint_eq(spte_hpa(table), 0x5000);
	ck_assert_uint_eq(spte_hpa(leaf), 512 << PAGE_SHIFT);
}
END_TEST

START_TEST(a_split_maps_the_same_frames_with_the_same_bits)
{
	for (unsigned level = LEVEL_2M; level <= LEVEL_1G; level++) {
		const struct spte_leaf huge = { .pfn = 1 << 18, .level = level, .access = ACC_USER,
						.host_writable = true };
		u64 whole = spte_make_leaf(&huge);

		for (unsigned i = 0; i < PT_ENTRIES; i++) {
			u64 part = spte_split(whole, level, i);

			ck_assert_ptr_null(spte_check(part, level - 1, true, false, 48));
			ck_assert(spte_is_leaf(part, level - 1));
			ck_assert_uint_eq(spte_hpa(part) >> PAGE_SHIFT,
					  (1 << 18) + i * level_frames(level - 1));
			ck_assert_uint_eq((part ^ whole) & ~(SPTE_PFN | SPTE_LARGE), 0);
		}
	}
}
END_TEST

#define LEAF	(SPTE_P | SPTE_MMU_P | SPTE_A | SPTE_U)
#define WLEAF	(LEAF | SPTE_HOST_W | SPTE_MMU_W | SPTE_W)

START_TEST(a_flush_is_owed_when_a_tlb_could_know_better)
{
	static const struct {
		u64 old, new;
		unsigned level;
		bool flush;
		const char *why;
	} rows[] = {
		{ 0, WLEAF, 1, false, "nothing was there" },
		{ SPTE_FROZEN, 0, 1, false, "frozen is nothing" },
		{ WLEAF, 0, 1, true, "dropped" },
		{ WLEAF, WLEAF, 1, false, "the same" },
		{ WLEAF | SPTE_D, WLEAF, 1, false, "D is no right" },
		{ WLEAF, WLEAF & ~SPTE_W, 1, false, "W without mmu_writable is the dirty log's" },
		{ WLEAF, WLEAF & ~(SPTE_W | SPTE_MMU_W), 1, true, "mmu_writable lost" },
		{ WLEAF & ~SPTE_W, LEAF | SPTE_HOST_W, 1, true, "mmu_writable lost, W before" },
		{ LEAF | SPTE_HOST_W, WLEAF, 1, false, "rights gained" },
		{ LEAF, LEAF & ~SPTE_U, 1, true, "U lost" },
		{ LEAF, LEAF | SPTE_NX, 1, true, "X lost" },
		{ LEAF | SPTE_NX, LEAF, 1, false, "X gained" },
		{ LEAF | 0x1000, LEAF | 0x2000, 1, true, "another frame" },
		{ WLEAF | SPTE_LARGE, WLEAF, 2, true, "a leaf becomes a table" },
		{ WLEAF, WLEAF | SPTE_LARGE, 2, true, "a table becomes a leaf" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		ck_assert_msg(spte_needs_flush(rows[i].old, rows[i].new, rows[i].level) ==
				      rows[i].flush, "%s", rows[i].why);
}
END_TEST

START_TEST(the_local_rules_name_what_is_wrong)
{
	static const struct {
		u64 spte;
		unsigned level;
		bool tdp, pdpte;
		const char *rule;
	} rows[] = {
		{ 0, 1, false, false, NULL },
		{ WLEAF | 0x1000, 1, true, false, NULL },
		{ SPTE_FROZEN, 1, true, false, NULL },
		{ SPTE_FROZEN, 1, false, false, "D-6" },
		{ 1, 1, true, false, "D-2" },
		{ WLEAF & ~SPTE_MMU_P, 1, true, false, "D-2" },
		{ WLEAF & ~SPTE_P, 1, true, false, "D-2" },
		{ WLEAF & ~SPTE_MMU_W, 1, true, false, "D-1" },
		{ WLEAF & ~SPTE_HOST_W, 1, true, false, "D-1" },
		{ WLEAF & ~(SPTE_HOST_W | SPTE_W), 1, true, false, "D-1" },
		{ WLEAF | BIT(53), 1, true, false, "D-3" },
		{ WLEAF | BIT(52), 1, true, false, NULL },
		{ WLEAF | BIT(52), 1, false, false, "D-3" },
		{ WLEAF & ~(SPTE_P | SPTE_A), 1, false, false, NULL },
		{ WLEAF & ~(SPTE_P | SPTE_A), 2, false, false, "D-2" },
		{ WLEAF | BIT(62), 1, true, false, "D-3" },
		{ WLEAF | BIT(48), 1, true, false, "D-3" },
		{ WLEAF | BIT(47), 1, true, false, NULL },
		{ WLEAF | SPTE_LARGE, 1, true, false, "D-3" },
		{ WLEAF | SPTE_LARGE, 4, true, false, "D-3" },
		{ WLEAF | SPTE_LARGE | 0x200000, 2, true, false, NULL },
		{ WLEAF | SPTE_LARGE | 0x201000, 2, true, false, "D-5" },
		{ WLEAF | SPTE_LARGE | 0x200000, 3, true, false, "D-5" },
		{ SPTE_P | SPTE_MMU_P | 0x1000, 3, false, true, NULL },
		{ SPTE_P | SPTE_MMU_P | SPTE_A | 0x1000, 3, false, true, "D-3" },
		{ WLEAF | 0x1000, 3, false, true, "D-3" },
		{ LEAF | 0x1000, 2, true, false, "D-3" },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *rule = spte_check(rows[i].spte, rows[i].level, rows[i].tdp,
					      rows[i].pdpte, 48);

		ck_assert_msg(!rule == !rows[i].rule && (!rule || !strcmp(rule, rows[i].rule)),
			      "row %u: %s", i, rule ? rule : "nothing found");
	}
	ck_assert_ptr_null(spte_check(spte_make_pdpte(0x1000), 3, false, true, 36));
	ck_assert_ptr_null(spte_check(spte_make_table(0x1000), 3, false, false, 36));
}
END_TEST

START_TEST(entries_say_who_sets_a_and_d)
{
	const u64 young = WLEAF | SPTE_A, off = young | SPTE_AD_DISABLED;
	static const char *const bad = "D-10";
	const struct {
		u64 spte;
		bool tdp, ad_disabled;
		const char *rule;
	} rows[] = {
		{ 0, true, true, NULL },
		{ young, true, false, NULL },
		{ young & ~SPTE_A, true, false, NULL },
		{ young & ~(SPTE_A | SPTE_P), true, false, bad },
		{ off, true, false, bad },
		{ off, true, true, NULL },
		{ young, true, true, bad },
		{ off & ~SPTE_A, true, true, bad },
		{ off & ~(SPTE_A | SPTE_P), true, true, NULL },
		{ young, false, true, NULL },
		{ off, false, true, bad },
		{ young & ~(SPTE_A | SPTE_P), false, true, NULL },
		{ young & ~(SPTE_A | SPTE_P), false, false, bad },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *rule = spte_check_ad(rows[i].spte, 1, rows[i].tdp, rows[i].ad_disabled);

		ck_assert_msg(!rule == !rows[i].rule, "row %u", i);
	}
	ck_assert_ptr_null(spte_check_ad(spte_make_table(0x1000), 2, false, true));
}
END_TEST

START_TEST(a_leaf_comes_back_as_it_was_made_old)
{
	const struct spte_leaf leaf = { .pfn = 5, .level = 1, .access = ACC_WRITE | ACC_USER,
					.host_writable = true, .mmu_writable = true,
					.ad_disabled = true };
	struct spte_leaf unused = leaf;
	u64 spte = spte_make_leaf(&leaf), old_spte = spte_make_old(spte, true);

	ck_assert(spte_is_young(spte) && spte & SPTE_D && !spte_is_tracked(spte));
	ck_assert(!spte_is_young(old_spte) && spte_is_tracked(old_spte));
	ck_assert(spte_is_present(old_spte) && spte_is_leaf(old_spte, 1));
	ck_assert_uint_eq(spte_make_young(old_spte), spte);
	unused.unused = true;
	ck_assert_uint_eq(spte_make_leaf(&unused), old_spte);
	ck_assert_uint_eq(spte_make_old(spte, false), spte & ~SPTE_A);
	ck_assert(!spte_is_tracked(0) && !spte_is_tracked(SPTE_FROZEN));
}
END_TEST

/* ---- the choke point ------------------------------------------------------------------- */

struct bench {
	struct machine m;
	struct mmu_op op;
	struct sp *sp;
};

static void bench_init(struct bench *b, bool write)
{
	const union mmu_role role = { .level = 1, .direct = 1, .access = ACC_ALL };

	machine_init(&b->m, NULL);
	op_begin(&b->op, b->m.vm, b->m.vcpu[1], write);
	b->sp = sp_create(&b->op, 0, role, SP_TDP);
	fake_forget(&b->m.fake);
}

static void bench_fini(struct bench *b)
{
	sp_free(b->m.vm, b->sp);
	op_end(&b->op);
	machine_fini(&b->m);
}

START_TEST(setting_an_entry_counts_it_and_says_so)
{
	const struct ev_spte_set *event;
	struct bench b;

	bench_init(&b, true);
	ck_assert_uint_eq(spte_set(&b.op, b.sp, 3, 3, WLEAF | 0x3000), 0);
	ck_assert_uint_eq(b.sp->present, 1);
	ck_assert_uint_eq(b.m.vm->stats.sptes_4k, 1);
	event = &fake_last(&b.m.fake, EV_spte_set)->spte_set;
	ck_assert_uint_eq(event->sp, b.sp->id);
	ck_assert_uint_eq(event->index, 3);
	ck_assert_uint_eq(event->level, 1);
	ck_assert_uint_eq(event->gfn, 3);
	ck_assert_uint_eq(event->old, 0);
	ck_assert_uint_eq(event->new, WLEAF | 0x3000);
	ck_assert_uint_eq(fake_last(&b.m.fake, EV_spte_set)->vcpu, 1);
	ck_assert_ptr_nonnull(strstr(fake_last(&b.m.fake, EV_spte_set)->site->file, "check_spte.c"));
	ck_assert_uint_eq(spte_set(&b.op, b.sp, 3, 3, 0), WLEAF | 0x3000);
	ck_assert_uint_eq(b.sp->present, 0);
	ck_assert_uint_eq(b.m.vm->stats.sptes_4k, 0);
	bench_fini(&b);
}
END_TEST

START_TEST(setting_what_is_already_there_is_no_event)
{
	struct bench b;

	bench_init(&b, true);
	spte_set(&b.op, b.sp, 3, 3, WLEAF | 0x3000);
	spte_set(&b.op, b.sp, 3, 3, WLEAF | 0x3000);
	ck_assert_uint_eq(fake_count(&b.m.fake, EV_spte_set), 1);
	spte_set(&b.op, b.sp, 3, 3, 0);
	bench_fini(&b);
}
END_TEST

START_TEST(what_the_hardware_noted_stays_when_rights_change)
{
	struct bench b;
	u64 old;

	bench_init(&b, true);
	spte_set(&b.op, b.sp, 3, 3, (WLEAF & ~SPTE_A) | 0x3000);
	sp_entry(b.m.vm, b.sp, 3)->raw |= SPTE_A | SPTE_D;
	old = spte_set(&b.op, b.sp, 3, 3, (LEAF & ~SPTE_A) | SPTE_HOST_W | 0x3000);
	ck_assert(old & SPTE_D);
	ck_assert((spte_get(sp_entry(b.m.vm, b.sp, 3)) & (SPTE_A | SPTE_D)) == (SPTE_A | SPTE_D));
	/* Dropping it tells what was noted and keeps nothing. */
	ck_assert(spte_set(&b.op, b.sp, 3, 3, 0) & SPTE_D);
	ck_assert_uint_eq(spte_get(sp_entry(b.m.vm, b.sp, 3)), 0);
	bench_fini(&b);
}
END_TEST

START_TEST(an_exchange_fails_if_the_hardware_or_somebody_else_came_first)
{
	struct bench b;

	bench_init(&b, false);
	ck_assert_int_eq(spte_cas(&b.op, b.sp, 3, 3, 0, WLEAF | 0x3000), MMU_OK);
	ck_assert_int_eq(spte_cas(&b.op, b.sp, 3, 3, 0, WLEAF | 0x3000), MMU_AGAIN);
	sp_entry(b.m.vm, b.sp, 3)->raw |= SPTE_D;
	ck_assert_int_eq(spte_cas(&b.op, b.sp, 3, 3, WLEAF | 0x3000, 0), MMU_AGAIN);
	ck_assert_uint_eq(fake_count(&b.m.fake, EV_spte_set), 1);
	ck_assert_uint_eq(b.sp->present, 1);
	ck_assert_int_eq(spte_cas(&b.op, b.sp, 3, 3, WLEAF | SPTE_D | 0x3000, 0), MMU_OK);
	bench_fini(&b);
}
END_TEST

/* Nobody can come between: the change is made and the lock is held. */
static void look_at_emit(struct fake *fake, const struct fake_event *event)
{
	struct bench *b = fake->hook_arg;

	if (event->id != EV_spte_set)
		return;
	ck_assert_uint_eq(b->m.vm->events_lock.word, 1);
	ck_assert_uint_eq(spte_get(sp_entry(b->m.vm, b->sp, 3)), event->spte_set.new);
}

START_TEST(a_change_and_its_event_are_one_step)
{
	struct bench b;

	bench_init(&b, true);
	b.m.fake.hook_arg = &b;
	b.m.fake.on_emit = look_at_emit;
	ck_assert_int_eq(spte_cas(&b.op, b.sp, 3, 3, 0, WLEAF | 0x3000), MMU_OK);
	ck_assert_uint_eq(b.m.vm->events_lock.word, 0);
	spte_set(&b.op, b.sp, 3, 3, 0);
	ck_assert_uint_eq(b.m.vm->events_lock.word, 0);
	ck_assert_uint_eq(fake_count(&b.m.fake, EV_spte_set), 2);
	b.m.fake.on_emit = NULL;
	bench_fini(&b);
}
END_TEST

START_TEST(broken_rules_stop_the_vm_before_the_entry_is_stored)
{
	struct bench b;

	bench_init(&b, true);
	spte_set(&b.op, b.sp, 3, 3, WLEAF | 0x3000);
	ck_assert_panics(&b.m.fake, "D-1", spte_set(&b.op, b.sp, 4, 4, WLEAF & ~SPTE_MMU_W));
	ck_assert_panics(&b.m.fake, "D-2", spte_set(&b.op, b.sp, 4, 4, 1));
	ck_assert_panics(&b.m.fake, "D-3", spte_set(&b.op, b.sp, 4, 4, WLEAF | BIT(60)));
	ck_assert_panics(&b.m.fake, "D-7", spte_set(&b.op, b.sp, 3, 3, WLEAF | 0x4000));
	b.op.locked = OP_READ;
	ck_assert_panics(&b.m.fake, "W-1", spte_set(&b.op, b.sp, 4, 4, WLEAF));
	b.op.locked = OP_WRITE;
	b.sp->role.invalid = 1;
	ck_assert_panics(&b.m.fake, "B-8", spte_set(&b.op, b.sp, 4, 4, WLEAF));
	b.sp->role.invalid = 0;
	ck_assert_uint_eq(spte_get(sp_entry(b.m.vm, b.sp, 4)), 0);
	ck_assert_uint_eq(spte_get(sp_entry(b.m.vm, b.sp, 3)), WLEAF | 0x3000);
	spte_set(&b.op, b.sp, 3, 3, 0);
	bench_fini(&b);
}
END_TEST

/* Of a TDP tree. Rows: before; columns: empty, device memory, frozen, leaf, table. */
START_TEST(entries_of_a_tree_change_along_these_edges_only)
{
	const u64 state[] = { 0, spte_make_mmio(5, ACC_ALL, 7), SPTE_FROZEN,
			      SPTE_P | SPTE_MMU_P | SPTE_LARGE, spte_make_table(0x3000) };
	static const char edge[5][6] = { "11111", "11110", "00100", "10111", "10111" };

	for (unsigned i = 0; i < 5; i++)
		for (unsigned k = 0; k < 5; k++)
			ck_assert_int_eq(spte_may_become(state[i], state[k], LEVEL_2M),
					 edge[i][k] == '1');
	ck_assert(spte_may_become(state[1], spte_make_mmio(5, ACC_ALL, 9), LEVEL_4K));
	/* One table in the place of another would leave the first one's leaves in TLBs. */
	ck_assert(!spte_may_become(state[4], spte_make_table(0x4000), LEVEL_2M));
}
END_TEST

TAP_MAIN("spte",
	 only_four_combinations_of_the_three_writable_bits_come_out,
	 the_rights_of_a_leaf_are_those_it_was_made_with,
	 leaf_and_table_are_told_apart_by_level_and_size_bit,
	 a_split_maps_the_same_frames_with_the_same_bits,
	 a_flush_is_owed_when_a_tlb_could_know_better,
	 the_local_rules_name_what_is_wrong,
	 entries_say_who_sets_a_and_d,
	 a_leaf_comes_back_as_it_was_made_old,
	 setting_an_entry_counts_it_and_says_so,
	 setting_what_is_already_there_is_no_event,
	 what_the_hardware_noted_stays_when_rights_change,
	 an_exchange_fails_if_the_hardware_or_somebody_else_came_first,
	 a_change_and_its_event_are_one_step,
	 broken_rules_stop_the_vm_before_the_entry_is_stored,
	 entries_of_a_tree_change_along_these_edges_only)
