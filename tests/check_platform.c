/* SPDX-License-Identifier: MIT */
/*
 * What the hosted build takes for granted about the machine it runs on. A port
 * to another host starts by making these pass.
 */
#include "tests/tap.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

START_TEST(an_atomic_table_entry_is_eight_bytes_and_lock_free)
{
	_Atomic uint64_t entry = 0;

	ck_assert_uint_eq(sizeof(entry), 8);
	ck_assert(atomic_is_lock_free(&entry));
}
END_TEST

START_TEST(integers_in_shared_memory_are_little_endian)
{
	const uint64_t value = 0x0102030405060708;
	unsigned char bytes[8];

	memcpy(bytes, &value, sizeof(bytes));
	ck_assert_uint_eq(bytes[0], 0x08);
	ck_assert_uint_eq(bytes[7], 0x01);
}
END_TEST

START_TEST(a_pointer_holds_every_address_of_the_simulated_memory)
{
	ck_assert_uint_eq(sizeof(void *), 8);
	ck_assert_uint_eq(sizeof(size_t), 8);
}
END_TEST

TAP_MAIN("platform",
	 an_atomic_table_entry_is_eight_bytes_and_lock_free,
	 integers_in_shared_memory_are_little_endian,
	 a_pointer_holds_every_address_of_the_simulated_memory)
