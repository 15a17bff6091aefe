/* SPDX-License-Identifier: MIT */
/* Records of shadow pages: numbers, the way back from a table, the hash. */
#include "mmu/epoch.h"
#include "mmu/sp.h"
#include "tests/fake_env.h"

static const union mmu_role direct_role = { .level = 1, .direct = 1, .access = ACC_ALL };
static const union mmu_role guest_role = { .level = 1, .access = ACC_ALL };

/* A VM under the write lock. */
static void begin(struct machine *m, struct mmu_op *op)
{
	machine_init(m, NULL);
	op_begin(op, m->vm, NULL, true);
}

static void finish(struct machine *m, struct mmu_op *op)
{
	op_end(op);
	machine_fini(m);
}

START_TEST(a_page_is_found_by_number_and_by_the_frame_of_its_table)
{
	struct machine m;
	struct mmu_op op;
	struct sp *sp[3];

	begin(&m, &op);
	for (unsigned i = 0; i < 3; i++) {
		sp[i] = sp_create(&op, 100 + i, direct_role, SP_TDP);
		ck_assert_uint_eq(sp[i]->id, i + 1);
		ck_assert_uint_eq(sp[i]->gfn, 100 + i);
	}
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_ptr_eq(sp_by_id(m.vm, i + 1), sp[i]);
		ck_assert_ptr_eq(sp_by_table(m.vm, sp[i]->table_hpa), sp[i]);
	}
	ck_assert_ptr_null(sp_by_id(m.vm, 0));
	ck_assert_ptr_null(sp_by_id(m.vm, 4));
	ck_assert_ptr_null(sp_by_id(m.vm, ~0u));
	ck_assert_ptr_null(sp_by_table(m.vm, FAKE_RAM));
	ck_assert_ptr_null(sp_by_table(m.vm, ~0ull));
	ck_assert_uint_eq(m.vm->nr_sps, 3);
	for (unsigned i = 0; i < 3; i++)
		sp_free(m.vm, sp[i]);
	finish(&m, &op);
}
END_TEST

START_TEST(a_number_is_used_again_only_after_its_page_was_freed)
{
	struct machine m;
	struct mmu_op op;
	struct sp *a, *b, *c;
	hpa_t table_hpa;

	begin(&m, &op);
	a = sp_create(&op, 1, direct_role, SP_TDP);
	b = sp_create(&op, 2, direct_role, SP_TDP);
	table_hpa = a->table_hpa;
	sp_free(m.vm, a);
	ck_assert_ptr_null(sp_by_id(m.vm, 1));
	ck_assert_ptr_null(sp_by_table(m.vm, table_hpa));
	ck_assert_ptr_eq(sp_next(m.vm, NULL), b);
	ck_assert_uint_eq(fake_last(&m.fake, EV_sp_free)->sp_free.sp, 1);
	c = sp_create(&op, 3, direct_role, SP_TDP);
	ck_assert_uint_eq(c->id, 1);
	ck_assert_uint_ne(c->table_hpa, table_hpa);
	ck_assert_ptr_null(sp_by_table(m.vm, table_hpa));
	ck_assert_ptr_eq(sp_next(m.vm, NULL), c);
	ck_assert_ptr_eq(sp_next(m.vm, c), b);
	ck_assert_ptr_null(sp_next(m.vm, b));
	sp_free(m.vm, b);
	sp_free(m.vm, c);
	finish(&m, &op);
}
END_TEST

START_TEST(a_page_with_guest_entries_remembers_what_each_was_made_for)
{
	struct machine m;
	struct mmu_op op;
	struct sp *sp;

	begin(&m, &op);
	sp = sp_create(&op, 7, guest_role, 0);
	ck_assert_uint_ne(sp->shadowed_hpa, 0);
	((u64 *)fake_va(&m.fake, sp->shadowed_hpa))[5] = 0x1234ull << PAGE_SHIFT | ACC_ALL;
	ck_assert_uint_eq(sp_entry_gfn(m.vm, sp, 5), 0x1234);
	sp_free(m.vm, sp);
	sp = sp_create(&op, 7, direct_role, 0);
	ck_assert_uint_eq(sp->shadowed_hpa, 0);
	ck_assert_uint_eq(sp_entry_gfn(m.vm, sp, 5), 12);
	sp->role.level = 3;
	ck_assert_uint_eq(sp_entry_gfn(m.vm, sp, 5), 7 + (5 << 18));
	sp->role.passthrough = 1;
	ck_assert_uint_eq(sp_entry_gfn(m.vm, sp, 5), 7);
	sp_free(m.vm, sp);
	finish(&m, &op);
}
END_TEST

START_TEST(a_page_that_cannot_be_made_leaves_nothing)
{
	struct machine m;
	struct mmu_op op;
	struct sp *sp = NULL;

	begin(&m, &op);
	for (u64 n = 1; !sp; n++) {
		u32 taken = m.fake.nr_taken;
		u64 arrays = m.vm->sps.pages + m.vm->sp_of_pfn.pages;

		m.fake.fail_at = m.fake.nr_allocs + n;
		sp = sp_create(&op, 1, guest_role, 0);
		m.fake.fail_at = 0;
		arrays = m.vm->sps.pages + m.vm->sp_of_pfn.pages - arrays;
		if (!sp) {
			ck_assert_uint_eq(m.fake.nr_taken, taken + arrays);
			ck_assert_uint_eq(m.vm->nr_sps, 0);
			ck_assert_ptr_null(sp_next(m.vm, NULL));
		}
		ck_assert_uint_lt(n, 20);
	}
	ck_assert_uint_eq(sp->id, 1);
	sp_free(m.vm, sp);
	finish(&m, &op);
}
END_TEST

START_TEST(an_entry_leads_back_to_its_page_and_index)
{
	struct machine m;
	struct mmu_op op;
	unsigned index;
	struct sp *sp;

	begin(&m, &op);
	sp = sp_create(&op, 1, direct_role, SP_TDP);
	for (unsigned i = 0; i < PT_ENTRIES; i += 73) {
		const spte_t *sptep = (spte_t *)fake_va(&m.fake, sp->table_hpa) + i;

		ck_assert_ptr_eq(sp_of_entry(m.vm, sptep, &index), sp);
		ck_assert_uint_eq(index, i);
	}
	sp_free(m.vm, sp);
	finish(&m, &op);
}
END_TEST

START_TEST(a_page_with_present_entries_or_root_references_is_not_freed)
{
	struct machine m;
	struct mmu_op op;
	struct sp *sp;

	begin(&m, &op);
	sp = sp_create(&op, 1, direct_role, SP_TDP);
	sp->present = 1;
	ck_assert_panics(&m.fake, "E-7", sp_free(m.vm, sp));
	sp->present = 0;
	sp->root_count = 1;
	ck_assert_panics(&m.fake, "E-4", sp_free(m.vm, sp));
	sp->root_count = 0;
	sp_free(m.vm, sp);
	ck_assert_panics(&m.fake, "E-7", sp_free(m.vm, sp));
	finish(&m, &op);
}
END_TEST

/* ---- the hash ---------------------------------------------------------------------- */

#define FAR	0x100000u

START_TEST(the_hash_finds_by_gfn_and_whole_role)
{
	union mmu_role other = direct_role;
	struct machine m;
	struct mmu_op op;
	struct sp *a, *b, *c;

	other.access = ACC_USER;
	begin(&m, &op);
	ck_assert_ptr_null(sp_hash_lookup(m.vm, 5, direct_role, 0));
	ck_assert_int_eq(sp_hash_init(m.vm), MMU_OK);
	a = sp_create(&op, 5, direct_role, 0);
	b = sp_create(&op, 5, other, 0);
	c = sp_create(&op, 5 + FAR, direct_role, 0);
	sp_hash_add(&op, a);
	sp_hash_add(&op, b);
	sp_hash_add(&op, c);
	ck_assert_ptr_eq(sp_hash_lookup(m.vm, 5, direct_role, 0), a);
	ck_assert_ptr_eq(sp_hash_lookup(m.vm, 5, other, 0), b);
	ck_assert_ptr_eq(sp_hash_lookup(m.vm, 5 + FAR, direct_role, 0), c);
	ck_assert_ptr_null(sp_hash_lookup(m.vm, 5 + FAR, other, 0));
	ck_assert_ptr_eq(m.vm->active.next, &c->active);
	sp_hash_remove(m.vm, b);
	ck_assert_ptr_null(sp_hash_lookup(m.vm, 5, other, 0));
	ck_assert_ptr_eq(sp_hash_lookup(m.vm, 5, direct_role, 0), a);
	ck_assert_panics(&m.fake, "E-11", sp_hash_remove(m.vm, b));
	sp_hash_remove(m.vm, a);
	sp_hash_remove(m.vm, c);
	ck_assert(list_is_empty(&m.vm->active));
	sp_free(m.vm, a);
	sp_free(m.vm, b);
	sp_free(m.vm, c);
	finish(&m, &op);
}
END_TEST

/* ---- waiting for readers -------------------------------------------------------------- */

START_TEST(a_zapped_page_waits_for_the_reader_that_may_see_it)
{
	struct machine m;
	struct mmu_op op;
	struct sp *sp;

	machine_init(&m, NULL);
	mmu_read_begin(m.vcpu[0]);
	op_begin(&op, m.vm, NULL, true);
	sp = sp_create(&op, 1, direct_role, SP_TDP);
	sp->role.invalid = 1;
	list_add(&sp->active, &op.zapped);
	op_end(&op);
	ck_assert_ptr_eq(sp_by_id(m.vm, 1), sp);
	/* Who begins later cannot see it, and does not keep it. */
	mmu_read_begin(m.vcpu[1]);
	ck_assert_uint_eq(epoch_reap(m.vm), 1);
	mmu_read_end(m.vcpu[0]);
	ck_assert_uint_eq(epoch_reap(m.vm), 0);
	ck_assert_ptr_null(sp_by_id(m.vm, 1));
	mmu_read_end(m.vcpu[1]);
	machine_fini(&m);
}
END_TEST

START_TEST(a_vm_does_not_end_while_a_reader_is_inside_with_a_page_in_sight)
{
	struct machine m;
	struct mmu_op op;
	struct sp *sp;

	machine_init(&m, NULL);
	mmu_read_begin(m.vcpu[0]);
	op_begin(&op, m.vm, NULL, true);
	sp = sp_create(&op, 1, direct_role, SP_TDP);
	sp->role.invalid = 1;
	list_add(&sp->active, &op.zapped);
	op_end(&op);
	ck_assert_panics(&m.fake, "I-6", mmu_vm_destroy(m.vm));
	mmu_read_end(m.vcpu[0]);
	machine_fini(&m);
}
END_TEST

#define MANY	3000u

/* Frames of every kind: in a row, and of direct pages that stand for 2 MiB each. */
static gfn_t frame(unsigned i)
{
	return i & 1 ? (gfn_t)(MANY + i) << 9 : i;
}

static void hash_many(struct mmu_op *op, struct sp *pages[MANY])
{
	ck_assert_int_eq(sp_hash_init(op->vm), MMU_OK);
	for (unsigned i = 0; i < MANY; i++) {
		pages[i] = sp_create(op, frame(i), direct_role, 0);
		ck_assert_ptr_nonnull(pages[i]);
		sp_hash_add(op, pages[i]);
	}
	for (unsigned i = 0; i < MANY; i++)
		ck_assert_ptr_eq(sp_hash_lookup(op->vm, frame(i), direct_role, 0), pages[i]);
}

/* Takes every third out, which leaves the others, and then these. */
static void unhash_many(struct mmu_op *op, struct sp *pages[MANY])
{
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = turn; i < MANY; i += 3) {
			sp_hash_remove(op->vm, pages[i]);
			sp_free(op->vm, pages[i]);
		}
		for (unsigned i = 0; i < MANY; i++)
			ck_assert_ptr_eq(sp_hash_lookup(op->vm, frame(i), direct_role, 0),
					 i % 3 <= turn ? NULL : pages[i]);
	}
	ck_assert_uint_eq(op->vm->nr_hashed, 0);
}

START_TEST(the_hash_grows_with_its_pages)
{
	static struct sp *pages[MANY];
	unsigned longest = 0;
	struct machine m;
	struct mmu_op op;

	begin(&m, &op);
	hash_many(&op, pages);
	ck_assert_uint_ge(m.vm->nr_buckets, 4 * MANY);
	for (unsigned i = 0; i < MANY; i++) {
		unsigned n = 0;

		for (struct sp *sp = sp_hash_chain(m.vm, frame(i)); sp; sp = sp->hash_next)
			n++;
		longest = n > longest ? n : longest;
	}
	ck_assert_uint_le(longest, 8);
	unhash_many(&op, pages);
	finish(&m, &op);
}
END_TEST

START_TEST(a_hash_that_finds_no_memory_stays_as_it_is)
{
	static struct sp *pages[MANY];
	struct page_reserve none = { 0 };
	struct machine m;
	struct mmu_op op;

	begin(&m, &op);
	ck_assert_int_eq(sp_hash_init(m.vm), MMU_OK);
	for (unsigned i = 0; i < MANY; i++) {
		op.reserve = NULL;
		pages[i] = sp_create(&op, frame(i), direct_role, 0);
		op.reserve = &none;
		sp_hash_add(&op, pages[i]);
	}
	ck_assert_uint_eq(m.vm->nr_buckets, 512);
	for (unsigned i = 0; i < MANY; i++)
		ck_assert_ptr_eq(sp_hash_lookup(m.vm, frame(i), direct_role, 0), pages[i]);
	unhash_many(&op, pages);
	finish(&m, &op);
}
END_TEST

TAP_MAIN("sp",
	 a_page_is_found_by_number_and_by_the_frame_of_its_table,
	 a_number_is_used_again_only_after_its_page_was_freed,
	 a_page_with_guest_entries_remembers_what_each_was_made_for,
	 a_page_that_cannot_be_made_leaves_nothing,
	 an_entry_leads_back_to_its_page_and_index,
	 a_page_with_present_entries_or_root_references_is_not_freed,
	 the_hash_finds_by_gfn_and_whole_role,
	 the_hash_grows_with_its_pages,
	 a_hash_that_finds_no_memory_stays_as_it_is,
	 a_zapped_page_waits_for_the_reader_that_may_see_it,
	 a_vm_does_not_end_while_a_reader_is_inside_with_a_page_in_sight)
