/* SPDX-License-Identifier: MIT */
/*
 * The instruction decoder at its edges. That it is right otherwise is
 * check_decode_capstone's and check_emulate_native's business.
 */
#include "hv/core/decode.h"
#include "tests/tap.h"

#include <string.h>

START_TEST(a_cut_instruction_is_short_at_every_length)
{
	static const u8 mov[] = { 0x48, 0xc7, 0x84, 0xc8, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct insn i;

	for (size_t n = 0; n < sizeof(mov); n++)
		ck_assert_int_eq(insn_decode(mov, n, INSN_MODE64, &i), INSN_SHORT);
	ck_assert_int_eq(insn_decode(mov, sizeof(mov), INSN_MODE64, &i), INSN_OK);
	ck_assert_uint_eq(i.len, sizeof(mov));
}
END_TEST

START_TEST(an_opcode_without_the_byte_that_says_which_is_short)
{
	static const u8 not[] = { 0xf6, 0x17 }, vmmcall[] = { 0x0f, 0x01, 0xd9 };
	struct insn i;

	for (size_t n = 0; n < sizeof(not); n++)
		ck_assert_int_eq(insn_decode(not, n, INSN_MODE32, &i), INSN_SHORT);
	ck_assert_int_eq(insn_decode(not, sizeof(not), INSN_MODE32, &i), INSN_OK);
	for (size_t n = 0; n < sizeof(vmmcall); n++)
		ck_assert_int_eq(insn_decode(vmmcall, n, INSN_MODE32, &i), INSN_SHORT);
	ck_assert_int_eq(insn_decode(vmmcall, sizeof(vmmcall), INSN_MODE32, &i), INSN_OK);
}
END_TEST

START_TEST(a_lock_where_there_must_be_none_is_no_instruction)
{
	static const struct {
		u8 code[4];
		enum insn_status status;
	} locks[] = {
		{ { 0xf0, 0x01, 0x00 }, INSN_OK },	    /* add [mem], reg */
		{ { 0xf0, 0x01, 0xc0 }, INSN_UNKNOWN },	    /* add reg, reg */
		{ { 0xf0, 0x03, 0x00 }, INSN_UNKNOWN },	    /* add reg, [mem] */
		{ { 0xf0, 0x39, 0x00 }, INSN_UNKNOWN },	    /* cmp */
		{ { 0xf0, 0x80, 0x38 }, INSN_UNKNOWN },	    /* cmp [mem], 0 */
		{ { 0xf0, 0x80, 0x30 }, INSN_OK },	    /* xor [mem], 0 */
		{ { 0xf0, 0x87, 0x00 }, INSN_OK },	    /* xchg */
		{ { 0xf0, 0x89, 0x00 }, INSN_UNKNOWN },	    /* mov */
		{ { 0xf0, 0xaa }, INSN_UNKNOWN },	    /* stos */
		{ { 0xf0, 0x0f, 0xa3, 0x00 }, INSN_UNKNOWN }, /* bt */
		{ { 0xf0, 0x0f, 0xab, 0x00 }, INSN_OK },    /* bts */
		{ { 0xf0, 0x0f, 0x22, 0xc0 }, INSN_OK },    /* mov cr8, eax on AMD's CPUs */
		{ { 0xf0, 0x0f, 0x22, 0xd8 }, INSN_UNKNOWN }, /* mov cr3, eax */
	};
	struct insn i;

	for (size_t k = 0; k < sizeof(locks) / sizeof(*locks); k++)
		ck_assert_int_eq(insn_decode(locks[k].code, 4, INSN_MODE32, &i), locks[k].status);
}
END_TEST

START_TEST(more_than_fifteen_bytes_are_no_instruction)
{
	u8 prefixes[20];
	struct insn i;

	memset(prefixes, 0x66, sizeof(prefixes));
	ck_assert_int_eq(insn_decode(prefixes, sizeof(prefixes), INSN_MODE32, &i), INSN_UNKNOWN);
}
END_TEST

START_TEST(mov_cr_ignores_the_mode_bits_of_modrm)
{
	static const u8 mov[] = { 0x0f, 0x22, 0x18 }; /* mod 0, reg 3, rm 0 */
	struct insn i;

	ck_assert_int_eq(insn_decode(mov, sizeof(mov), INSN_MODE64, &i), INSN_OK);
	ck_assert_uint_eq(i.len, 3);
	ck_assert(!i.mem);
	ck_assert_uint_eq(i.reg, 3);
	ck_assert_uint_eq(i.rm, RAX);
}
END_TEST

START_TEST(a_rex_counts_only_right_before_the_opcode)
{
	static const u8 dead[] = { 0x48, 0x66, 0x89, 0x08 }, last[] = { 0x48, 0x41, 0x89, 0x08 };
	struct insn i;

	ck_assert_int_eq(insn_decode(dead, sizeof(dead), INSN_MODE64, &i), INSN_OK);
	ck_assert_uint_eq(i.len, 4);
	ck_assert_uint_eq(i.size, 2);
	ck_assert(!i.rex);
	ck_assert_int_eq(insn_decode(last, sizeof(last), INSN_MODE64, &i), INSN_OK);
	ck_assert_uint_eq(i.size, 4);
	ck_assert_uint_eq(i.base, R8);
}
END_TEST

TAP_MAIN("decode",
	 a_rex_counts_only_right_before_the_opcode,
	 a_cut_instruction_is_short_at_every_length,
	 an_opcode_without_the_byte_that_says_which_is_short,
	 a_lock_where_there_must_be_none_is_no_instruction,
	 more_than_fifteen_bytes_are_no_instruction,
	 mov_cr_ignores_the_mode_bits_of_modrm)
