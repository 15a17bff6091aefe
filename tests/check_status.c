/* SPDX-License-Identifier: MIT */
/* Results have a name and a sentence each, and no two the same. */
#include "tests/tap.h"

#include <string.h>

#include "mmu/status.h"

#define LAST MMU_NOSUPP

static void expect_others(enum mmu_status status)
{
	for (unsigned other = 0; other < status; other++) {
		ck_assert_str_ne(mmu_status_name(status), mmu_status_name(other));
		ck_assert_str_ne(mmu_status_text(status), mmu_status_text(other));
	}
}

START_TEST(every_status_has_its_own_name_and_sentence)
{
	ck_assert_str_eq(mmu_status_name(MMU_OK), "OK");
	ck_assert_str_eq(mmu_status_name(LAST), "NOSUPP");
	for (unsigned status = 0; status <= LAST; status++) {
		ck_assert_uint_ge(strlen(mmu_status_name(status)), 2);
		ck_assert_ptr_nonnull(strchr("abcdefghijklmnopqrstuvwxyz",
					     mmu_status_text(status)[0]));
		expect_others(status);
	}
}
END_TEST

START_TEST(what_is_no_status_has_one_name)
{
	ck_assert_str_eq(mmu_status_name(LAST + 1), "?");
	ck_assert_str_eq(mmu_status_text(LAST + 1), "?");
}
END_TEST

TAP_MAIN("status", every_status_has_its_own_name_and_sentence, what_is_no_status_has_one_name)
