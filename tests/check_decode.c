/* SPDX-License-Identifier: MIT */
/*
 * The instruction decoder against capstone: random operands and prefixes for
 * every row of insn.def, in all three modes. Length, memory operand, immediate
 * and register must agree.
 */
#include "hv/core/decode.h"
#include "tests/tap.h"

#include <capstone/capstone.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 300

enum { M = 1, B = 2, I8 = 4, IZ = 8, U8 = 16, MO = 32, R = 64, W64 = 128, S = 256, D64 = 512, N4 = 1024 };

static const struct row {
	unsigned map, opcode;
	int ext;
	enum insn_op op;
	unsigned flags;
	const char *name;
} rows[] = {
#define INSN(map, first, last, ext, op, flags) { map, first, ext, INSN_##op, flags, #op },
#include "hv/core/insn.def"
};
#define NR_ROWS (sizeof(rows) / sizeof(*rows))

static const struct mode {
	enum insn_mode mode;
	cs_mode cs;
} modes[] = {
	{ INSN_MODE16, CS_MODE_16 },
	{ INSN_MODE32, CS_MODE_32 },
	{ INSN_MODE64, CS_MODE_64 },
};

static unsigned long long seed = 1;

static unsigned rnd(unsigned n)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(seed >> 33) % n;
}

/* An instruction of the row with random prefixes and operands. */
static size_t make(const struct row *r, enum insn_mode mode, u8 *p)
{
	static const u8 prefixes[] = { 0x66, 0x67, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65 };
	size_t n = 0;

	for (unsigned k = rnd(3); k; k--)
		p[n++] = prefixes[rnd(sizeof(prefixes))];
	if (r->flags & S && rnd(2))
		p[n++] = 0xf3;
	if (mode == INSN_MODE64 && rnd(2))
		p[n++] = 0x40 | rnd(16);
	if (r->map)
		p[n++] = 0x0f;
	if (r->map == 2)
		p[n++] = 0x01;
	p[n++] = r->opcode;
	if (r->flags & M) {
		u8 modrm = rnd(256);

		if (r->ext >= 0)
			modrm = (modrm & 0xc7) | r->ext << 3;
		if (r->op == INSN_INVLPG || r->flags & N4) /* registers there are other instructions */
			modrm &= 0xbf;
		p[n++] = modrm;
	}
	for (unsigned k = 0; k < 12; k++)
		p[n++] = rnd(256);
	return n < INSN_MAX_LEN ? n : INSN_MAX_LEN;
}

/* capstone's register as our number; -1 for one that is none of ours. */
static int reg_number(x86_reg reg)
{
	static const x86_reg names[4][16] = {
		{ X86_REG_AL, X86_REG_CL, X86_REG_DL, X86_REG_BL, X86_REG_SPL, X86_REG_BPL,
		  X86_REG_SIL, X86_REG_DIL, X86_REG_R8B, X86_REG_R9B, X86_REG_R10B, X86_REG_R11B,
		  X86_REG_R12B, X86_REG_R13B, X86_REG_R14B, X86_REG_R15B },
		{ X86_REG_AX, X86_REG_CX, X86_REG_DX, X86_REG_BX, X86_REG_SP, X86_REG_BP,
		  X86_REG_SI, X86_REG_DI, X86_REG_R8W, X86_REG_R9W, X86_REG_R10W, X86_REG_R11W,
		  X86_REG_R12W, X86_REG_R13W, X86_REG_R14W, X86_REG_R15W },
		{ X86_REG_EAX, X86_REG_ECX, X86_REG_EDX, X86_REG_EBX, X86_REG_ESP, X86_REG_EBP,
		  X86_REG_ESI, X86_REG_EDI, X86_REG_R8D, X86_REG_R9D, X86_REG_R10D, X86_REG_R11D,
		  X86_REG_R12D, X86_REG_R13D, X86_REG_R14D, X86_REG_R15D },
		{ X86_REG_RAX, X86_REG_RCX, X86_REG_RDX, X86_REG_RBX, X86_REG_RSP, X86_REG_RBP,
		  X86_REG_RSI, X86_REG_RDI, X86_REG_R8, X86_REG_R9, X86_REG_R10, X86_REG_R11,
		  X86_REG_R12, X86_REG_R13, X86_REG_R14, X86_REG_R15 },
	};

	for (unsigned i = 0; i < 4; i++) {
		for (int k = 0; k < 16; k++) {
			if (names[i][k] == reg)
				return k;
		}
	}
	switch (reg) {
	case X86_REG_AH:
		return 4;
	case X86_REG_CH:
		return 5;
	case X86_REG_DH:
		return 6;
	case X86_REG_BH:
		return 7;
	default:
		return -1;
	}
}

static const cs_x86_op *find_op(const cs_insn *ci, x86_op_type type)
{
	for (unsigned k = 0; k < ci->detail->x86.op_count; k++) {
		if (ci->detail->x86.operands[k].type == type)
			return &ci->detail->x86.operands[k];
	}
	return NULL;
}

static int base_number(x86_reg reg)
{
	if (reg == X86_REG_INVALID || reg == X86_REG_EIZ || reg == X86_REG_RIZ)
		return INSN_NO_REG;
	if (reg == X86_REG_RIP || reg == X86_REG_EIP)
		return INSN_REG_RIP;
	return reg_number(reg);
}

static u64 cut(u64 v, unsigned bytes)
{
	return bytes >= 8 ? v : v & ((1ull << 8 * bytes) - 1);
}

/* Where size is not the operand's, and where capstone is wrong: it calls an
 * 8-byte PUSH with REX.W one of 2 bytes if there are other prefixes, too. */
static bool tells_size(const struct row *r, const struct insn *i)
{
	switch (r->op) {
	case INSN_INVLPG:
	case INSN_SMSW:
	case INSN_LMSW:
	case INSN_CMPXCHG8B:
		return false;
	case INSN_PUSH:
		return !i->rex;
	default:
		return true;
	}
}

/* NULL if they agree, else what they disagree about. */
static const char *compare(const struct row *r, const struct insn *i, const cs_insn *ci)
{
	const cs_x86_op *mem = find_op(ci, X86_OP_MEM), *imm = find_op(ci, X86_OP_IMM);

	if (i->op != r->op)
		return "operation";
	if (i->len != ci->size)
		return "length";
	if (r->flags & S)
		return NULL;
	if (i->mem != !!mem)
		return "memory or register";
	if (mem) {
		if (base_number(mem->mem.base) != i->base)
			return "base";
		if (base_number(mem->mem.index) != i->index)
			return "index";
		if (i->index != INSN_NO_REG && i->addr_size > 2 && mem->mem.scale != i->scale)
			return "scale";
		if (cut((u64)mem->mem.disp, i->addr_size) != cut(i->disp, i->addr_size))
			return "displacement";
		if (tells_size(r, i) && mem->size != i->size)
			return "size";
	}
	if (imm && r->flags & (I8 | IZ | U8) && cut((u64)imm->imm, i->size) != cut(i->imm, i->size))
		return "immediate";
	if (!mem && r->flags & M && r->map == 0) {
		unsigned k = r->flags & R ? 1 : 0;
		const cs_x86_op *op = &ci->detail->x86.operands[k];

		if (op->type == X86_OP_REG && reg_number(op->reg) != i->rm)
			return "register";
	}
	return NULL;
}

static void report(const struct row *r, enum insn_mode mode, const u8 *p, const struct insn *i,
		   const cs_insn *ci, const char *what)
{
	char bytes[3 * INSN_MAX_LEN + 1] = "";

	for (unsigned k = 0; k < ci->size; k++)
		sprintf(bytes + 3 * k, "%02x ", p[k]);
	ck_abort_msg("%s, %u-bit, %s: %s (%s %s; our length %u)", r->name, mode * 8, what, bytes,
		     ci->mnemonic, ci->op_str, i->len);
}

/* Returns whether capstone knew the bytes at all. */
static bool check_one(csh cs, const struct row *r, enum insn_mode mode)
{
	u8 p[32];
	size_t n = make(r, mode, p);
	struct insn i;
	cs_insn *ci;
	const char *what;

	if (cs_disasm(cs, p, n, 0x1000, 1, &ci) != 1)
		return false;
	if (insn_decode(p, n, mode, &i) != INSN_OK)
		what = "we do not know it";
	else
		what = compare(r, &i, ci);
	if (what)
		report(r, mode, p, &i, ci, what);
	cs_free(ci, 1); /* after a report, the process is at its end */
	return true;
}

static void check_mode(const struct mode *m)
{
	csh cs;

	ck_assert_int_eq(cs_open(CS_ARCH_X86, m->cs, &cs), CS_ERR_OK);
	cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
	for (size_t k = 0; k < NR_ROWS; k++) {
		unsigned known = 0;

		if (rows[k].op == INSN_INTO && m->mode == INSN_MODE64)
			continue; /* #UD there */

		for (unsigned round = 0; round < ROUNDS; round++)
			known += check_one(cs, &rows[k], m->mode);
		ck_assert_msg(known > ROUNDS / 4, "capstone knows only %u of %u forms of %s", known,
			      ROUNDS, rows[k].name);
	}
	cs_close(&cs);
}

START_TEST(every_row_in_16_bit_mode_agrees_with_capstone)
{
	check_mode(&modes[0]);
}
END_TEST

START_TEST(every_row_in_32_bit_mode_agrees_with_capstone)
{
	check_mode(&modes[1]);
}
END_TEST

START_TEST(every_row_in_64_bit_mode_agrees_with_capstone)
{
	check_mode(&modes[2]);
}
END_TEST

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
	 every_row_in_16_bit_mode_agrees_with_capstone,
	 every_row_in_32_bit_mode_agrees_with_capstone,
	 every_row_in_64_bit_mode_agrees_with_capstone,
	 a_cut_instruction_is_short_at_every_length,
	 more_than_fifteen_bytes_are_no_instruction,
	 mov_cr_ignores_the_mode_bits_of_modrm)
