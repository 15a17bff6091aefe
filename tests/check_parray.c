/* SPDX-License-Identifier: MIT */
/* Page arrays: sparse, stable, all or nothing. */
#include "mmu/parray.h"
#include "tests/fake_env.h"

START_TEST(an_array_takes_no_page_before_the_first_record)
{
	struct fake fake;
	struct parray array;

	fake_init(&fake);
	ck_assert(parray_init(&array, 1000000, 8));
	ck_assert_ptr_null(parray_get(&fake.env, &array, 5));
	ck_assert_uint_eq(fake.nr_taken, 0);
	parray_fini(&fake.env, &array);
	fake_fini(&fake);
}
END_TEST

START_TEST(a_record_starts_as_zeros_and_stays_where_it_is)
{
	static const u64 places[] = { 0, 1, 511, 512, 513, 262143, 262144, 999999 };
	struct fake fake;
	struct parray array;
	u64 *record[8];

	fake_init(&fake);
	ck_assert(parray_init(&array, 1000000, 8));
	for (unsigned i = 0; i < 8; i++) {
		record[i] = parray_make(&fake.env, &array, places[i], NULL);
		ck_assert_ptr_nonnull(record[i]);
		ck_assert_uint_eq(*record[i], 0);
		*record[i] = places[i] + 7;
	}
	for (unsigned i = 0; i < 8; i++) {
		ck_assert_ptr_eq(parray_get(&fake.env, &array, places[i]), record[i]);
		ck_assert_ptr_eq(parray_make(&fake.env, &array, places[i], NULL), record[i]);
		ck_assert_uint_eq(*record[i], places[i] + 7);
	}
	ck_assert_uint_eq(array.pages, fake.nr_taken);
	parray_fini(&fake.env, &array);
	ck_assert_uint_eq(array.pages, 0);
	fake_fini(&fake);
}
END_TEST

START_TEST(records_beyond_the_end_do_not_exist)
{
	struct fake fake;
	struct parray array;

	fake_init(&fake);
	ck_assert(parray_init(&array, 100, 32));
	ck_assert_ptr_nonnull(parray_make(&fake.env, &array, 99, NULL));
	ck_assert_ptr_null(parray_make(&fake.env, &array, 100, NULL));
	ck_assert_ptr_null(parray_get(&fake.env, &array, 100));
	ck_assert_ptr_null(parray_get(&fake.env, &array, ~0ull));
	ck_assert_int_eq(parray_make_range(&fake.env, &array, 90, 101), MMU_INVAL);
	parray_fini(&fake.env, &array);
	fake_fini(&fake);
}
END_TEST

START_TEST(the_depth_follows_the_number_of_records_up_to_five_levels)
{
	static const struct {
		u64 nr;
		u16 size;
		u8 depth;
	} rows[] = {
		{ 1, 4096, 1 },		   { 2, 4096, 2 },	      { 512, 4096, 2 },
		{ 513, 4096, 3 },	   { 512, 8, 1 },	      { 513, 8, 2 },
		{ 512 * 512, 8, 2 },	   { 512 * 512 + 1, 8, 3 },   { 1ull << 40, 4, 5 },
		{ 1ull << 37, 4, 4 },
	};
	struct parray array;

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ck_assert(parray_init(&array, rows[i].nr, rows[i].size));
		ck_assert_msg(array.depth == rows[i].depth, "row %u: depth %u", i, array.depth);
	}
	ck_assert(!parray_init(&array, 1ull << 60, 8));
}
END_TEST

START_TEST(a_range_is_made_wholly_or_not_at_all)
{
	struct fake fake;
	struct parray array;
	enum mmu_status status = MMU_NOMEM;

	fake_init(&fake);
	for (u64 n = 1; status != MMU_OK; n++) {
		ck_assert(parray_init(&array, 1ull << 22, 8));
		ck_assert_ptr_nonnull(parray_make(&fake.env, &array, 1000, NULL));
		fake.fail_at = fake.nr_allocs + n;
		status = parray_make_range(&fake.env, &array, 500, 30000);
		fake.fail_at = 0;
		for (u64 i = 0; i < 1ull << 18; i += 512) {
			bool there = parray_get(&fake.env, &array, i);

			ck_assert_int_eq(there, i / 512 == 1000 / 512 ||
							(status == MMU_OK && i < 30000));
		}
		ck_assert_uint_eq(array.pages, fake.nr_taken);
		ck_assert_uint_lt(n, 1000);
		parray_fini(&fake.env, &array);
		ck_assert_uint_eq(fake.nr_taken, 0);
	}
	fake_fini(&fake);
}
END_TEST

START_TEST(a_record_that_cannot_be_made_leaves_the_array_usable)
{
	struct fake fake;
	struct parray array;
	void *record = NULL;

	fake_init(&fake);
	ck_assert(parray_init(&array, 1ull << 30, 8));
	for (u64 n = 1; !record; n++) {
		fake.fail_at = fake.nr_allocs + n;
		record = parray_make(&fake.env, &array, 1ull << 29, NULL);
		fake.fail_at = 0;
		ck_assert_uint_eq(array.pages, fake.nr_taken);
		if (!record)
			ck_assert_ptr_null(parray_get(&fake.env, &array, 1ull << 29));
	}
	parray_fini(&fake.env, &array);
	fake_fini(&fake);
}
END_TEST

START_TEST(records_that_are_not_zero_are_found_in_order)
{
	static const u64 set[] = { 0, 3, 511, 2047, 2048, 1ull << 20, (1ull << 30) - 1 };
	struct fake fake;
	struct parray array;
	u64 i = 0;

	fake_init(&fake);
	for (u16 size = 1; size <= 256; size *= 2) {
		ck_assert(parray_init(&array, 1ull << 30, size));
		ck_assert_uint_eq(parray_next(&fake.env, &array, 0), array.nr);
		for (unsigned k = 0; k < 7; k++) {
			u8 *record = parray_make(&fake.env, &array, set[k], NULL);

			record[size - 1] = 1;
		}
		for (unsigned k = 0; k < 7; k++) {
			i = parray_next(&fake.env, &array, k ? i + 1 : 0);
			ck_assert_uint_eq(i, set[k]);
		}
		ck_assert_uint_eq(parray_next(&fake.env, &array, 4), 511);
		ck_assert_uint_eq(parray_next(&fake.env, &array, array.nr), array.nr);
		parray_fini(&fake.env, &array);
	}
	fake_fini(&fake);
}
END_TEST

TAP_MAIN("parray",
	 records_that_are_not_zero_are_found_in_order,
	 an_array_takes_no_page_before_the_first_record,
	 a_record_starts_as_zeros_and_stays_where_it_is,
	 records_beyond_the_end_do_not_exist,
	 the_depth_follows_the_number_of_records_up_to_five_levels,
	 a_range_is_made_wholly_or_not_at_all,
	 a_record_that_cannot_be_made_leaves_the_array_usable)
