/* SPDX-License-Identifier: MIT */
/*
 * The instruction decoder against capstone, in all three modes: every opcode of
 * one and two bytes with every ModRM byte, and random prefixes, SIBs,
 * displacements and immediates; then random instructions of insn.def.
 *
 * What we accept, capstone must know, and agree about operation, length, sizes,
 * memory operand, registers and immediate. What we do not accept though it is
 * one of the operations of insn.def is listed here with its reason, and so are
 * the few things about which capstone is wrong.
 *
 *	check_decode_capstone.t N [SEED]    so many encodings
 */
#include "tests/capstone.h"
#include "tests/tap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct mode {
	enum insn_mode mode;
	cs_mode cs;
} modes[] = {
	{ INSN_MODE16, CS_MODE_16 },
	{ INSN_MODE32, CS_MODE_32 },
	{ INSN_MODE64, CS_MODE_64 },
};

static unsigned long total = 2000000;
static u64 seed, word;

static u64 rnd(void)
{
	word ^= word << 13;
	word ^= word >> 7;
	word ^= word << 17;
	return word * 0x2545f4914f6cdd1d;
}

static unsigned below(unsigned n)
{
	return (unsigned)(rnd() >> 32) % n;
}

/* ---- prefixes ---- */

struct prefixes {
	unsigned nr; /* bytes before the opcode */
	bool opsize, lock, rep, repne, fs_gs_then_other;
	u8 rex; /* the last byte before the opcode, if it is one */
};

static struct prefixes find_prefixes(const u8 *p, enum insn_mode mode)
{
	static const u8 legacy[] = { 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26,
				     0x2e, 0x36, 0x3e, 0x64, 0x65 };
	struct prefixes f = { 0 };
	bool fs_gs = false;

	for (; f.nr < INSN_MAX_LEN; f.nr++) {
		u8 c = p[f.nr];
		bool rex = mode == INSN_MODE64 && c >= 0x40 && c <= 0x4f;

		if (!rex && !memchr(legacy, c, sizeof(legacy)))
			break;
		f.rex = rex ? c : 0;
		f.opsize |= c == 0x66;
		f.lock |= c == 0xf0;
		if (c == 0xf2 || c == 0xf3) {
			f.rep = c == 0xf3;
			f.repne = c == 0xf2;
		}
		fs_gs |= c == 0x64 || c == 0x65;
		f.fs_gs_then_other |= fs_gs && (c == 0x26 || c == 0x2e || c == 0x36 || c == 0x3e);
	}
	return f;
}

/* ---- where capstone is wrong ---- */

/* Whether the prefix comes once more: of two 66 it sees none. */
static bool is_again(const u8 *p, unsigned n)
{
	return memchr(p + 1, *p, n - 1);
}

/*
 * It takes a 66 that stands with F2 or F3 for a part of the opcode; of PUSH, INS
 * and OUTS it does not know that REX.W is not a smaller operand. (The CPU agrees
 * with us: check_emulate_native.) So it is asked without what it misunderstands.
 *
 *   returns  bytes left out
 */
static unsigned ask_differently(const u8 *p, const struct prefixes *f, const struct insn *i, u8 *q)
{
	bool wide = f->rex & 8 && (i->op == INSN_PUSH || i->op == INSN_PUSH_IMM ||
				   i->op == INSN_INS || i->op == INSN_OUTS);
	unsigned n = 0;

	for (unsigned k = 0; k < INSN_MAX_LEN; k++) {
		bool rep = p[k] == 0xf2 || p[k] == 0xf3;

		if (k < f->nr && ((rep && f->opsize) || (wide && p[k] == 0x66)))
			continue;
		if (k < f->nr && i->op == INSN_MOV_XMM && is_again(p + k, f->nr - k))
			continue;
		if (k + 1 < f->nr && f->opsize && (p[k] & 0xf0) == 0x40) /* must stay dead */
			continue;
		q[n++] = k + 1 == f->nr && wide ? p[k] & ~8 : p[k];
	}
	memset(q + n, 0, INSN_MAX_LEN - n);
	return INSN_MAX_LEN - n;
}

/* AMD's LOCK MOV CR0 for CR8. */
static bool capstone_does_not_know(const struct insn *i)
{
	return i->lock && (i->op == INSN_MOV_FROM_CR || i->op == INSN_MOV_TO_CR) && i->reg == 0;
}

/* ---- what we reject on purpose ---- */

static const struct rejected {
	u8 map, first, last;
	signed char ext;
	const char *reason;
} rejected[] = {
	{ 0, 0x82, 0x82, -1, "a second encoding of 80 which nobody uses" },
	{ 0, 0x8c, 0x8c, -1, "MOV of a segment register: no table is written so" },
	{ 0, 0x8e, 0x8e, -1, "MOV to a segment register writes no memory" },
	{ 0, 0x90, 0x97, -1, "XCHG of two registers" },
	{ 0, 0xa8, 0xa9, -1, "TEST of the accumulator and an immediate" },
	{ 0, 0xb0, 0xbf, -1, "MOV of an immediate to a register" },
	{ 0, 0xf6, 0xf7, 0, "TEST with an immediate writes no memory" },
	{ 0, 0xf6, 0xf7, 1, "the same" },
	{ 1, 0x24, 0x26, -1, "MOV of a test register: gone since the 486" },
	{ 1, 0xa0, 0xa0, -1, "PUSH of a segment register" },
	{ 1, 0xa8, 0xa8, -1, "the same" },
	{ 1, 0x10, 0x11, -1, "MOVSD of SSE2, of the same name as the string, and registers" },
	{ 1, 0xc2, 0xc2, -1, "CMPSD of SSE2, of the same name as the string" },
	{ 1, 0x28, 0x29, -1, "MOVAPS between registers" },
	{ 1, 0x6f, 0x6f, -1, "the same, and MMX" },
	{ 1, 0x7f, 0x7f, -1, "the same" },
	{ 1, 0x00, 0x00, 3, "LTR of a register" },
	{ 0, 0xf6, 0xf7, 5, "IMUL into RDX and RAX" },
};

static bool is_rejected_opcode(const u8 *p, enum insn_mode mode)
{
	u8 map = p[0] == 0x0f, opcode = p[map], digit = p[map + 1] >> 3 & 7;

	for (size_t k = 0; k < sizeof(rejected) / sizeof(*rejected); k++) {
		const struct rejected *r = &rejected[k];

		if (r->map == map && opcode >= r->first && opcode <= r->last &&
		    (r->ext < 0 || r->ext == digit))
			return true;
	}
	if (map)
		return false;
	/* ALU of the accumulator and an immediate; PUSH of ES CS SS DS. */
	if (opcode < 0x40)
		return (opcode & 7) == 4 || (opcode & 7) == 5 || (opcode < 0x20 && (opcode & 7) == 6);
	/* INC and DEC of a register. */
	return mode != INSN_MODE64 && opcode < 0x50;
}

/* #UD: by the list in the manual, if memory is the destination. */
static bool is_illegal_lock(const cs_insn *ci)
{
	static const u16 lockable[] = {
		X86_INS_ADC, X86_INS_ADD, X86_INS_AND, X86_INS_BTC, X86_INS_BTR, X86_INS_BTS,
		X86_INS_CMPXCHG, X86_INS_CMPXCHG8B, X86_INS_CMPXCHG16B, X86_INS_DEC, X86_INS_INC,
		X86_INS_NEG, X86_INS_NOT, X86_INS_OR, X86_INS_SBB, X86_INS_SUB, X86_INS_XADD,
		X86_INS_XCHG, X86_INS_XOR,
	};
	const cs_x86 *x = &ci->detail->x86;
	bool to_memory = x->op_count && x->operands[0].type == X86_OP_MEM;

	for (size_t k = 0; k < sizeof(lockable) / sizeof(*lockable); k++) {
		if (lockable[k] == ci->id)
			return !to_memory && !(ci->id == X86_INS_XCHG && capstone_operand(ci, X86_OP_MEM));
	}
	return true;
}

static bool is_rejected(const u8 *p, const struct prefixes *f, const cs_insn *ci,
			enum insn_mode mode)
{
	const u8 *opcode = p + f->nr;
	bool two = opcode[0] == 0x0f;

	if (is_rejected_opcode(opcode, mode))
		return true;
	if (f->lock && is_illegal_lock(ci))
		return true;
	/* Whether CS after FS undoes it, the manuals do not say. */
	if (mode == INSN_MODE64 && f->fs_gs_then_other)
		return true;
	/* 66, F2 and F3 are a part of these opcodes. */
	if (two && (opcode[1] == 0xbc || opcode[1] == 0xbd) && (f->rep || f->repne))
		return true;
	return two && (opcode[1] == 0xc3 || opcode[1] == 0xc7) && (f->opsize || f->rep || f->repne);
}

/* ---- one encoding ---- */

static csh cs;
static cs_insn *ci;
static unsigned long nr_both, nr_rejected, nr_alone;

static bool disassemble(const u8 *p)
{
	uint64_t address = 0x1000;
	size_t left = INSN_MAX_LEN;

	return cs_disasm_iter(cs, &p, &left, &address, ci);
}

static void differ(const u8 *p, unsigned len, enum insn_mode mode, const char *what, bool known)
{
	char bytes[3 * INSN_MAX_LEN + 1] = "";

	for (unsigned k = 0; k < len; k++)
		sprintf(bytes + 3 * k, "%02x ", p[k]);
	ck_abort_msg("seed %llu, %u-bit, %s: %s(%s %s)", (unsigned long long)seed, mode * 8, what,
		     bytes, known ? ci->mnemonic : "unknown", known ? ci->op_str : "");
}

static void check_one(const u8 *p, enum insn_mode mode)
{
	struct prefixes f = find_prefixes(p, mode);
	bool known = disassemble(p);
	u8 q[INSN_MAX_LEN];
	const char *what;
	unsigned left_out;
	struct insn i;

	if (insn_decode(p, INSN_MAX_LEN, mode, &i) != INSN_OK) {
		if (known && capstone_names_ours(ci->id) && !is_rejected(p, &f, ci, mode))
			differ(p, ci->size, mode, "we reject it", known);
		nr_rejected += known && capstone_names_ours(ci->id);
		return;
	}
	/* With further prefixes it says MMX of some. */
	if (i.op == INSN_MOV_XMM && (mode == INSN_MODE16 || f.nr > 1)) {
		nr_alone++;
		return;
	}
	left_out = ask_differently(p, &f, &i, q);
	if (memcmp(p, q, INSN_MAX_LEN))
		known = disassemble(q);
	if (!known && !capstone_does_not_know(&i))
		differ(p, i.len, mode, "we accept it", known);
	nr_alone += !known;
	if (!known)
		return;
	what = capstone_compare(&i, ci, mode);
	if (!what && i.len != ci->size + left_out)
		what = "length";
	if (!what && (i.lock != f.lock || i.rep != f.rep || i.repne != f.repne))
		what = "prefixes";
	if (what)
		differ(p, i.len, mode, what, known);
	nr_both++;
}

/* ---- making them ---- */

static unsigned random_prefixes(u8 *p, enum insn_mode mode)
{
	static const u8 bytes[] = { 0x66, 0x67, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65,
				    0xf2, 0xf3, 0xf0, 0x66, 0x67, 0xf0 };
	unsigned n = 0;

	for (unsigned k = below(4); k; k--)
		p[n++] = bytes[below(sizeof(bytes))];
	if (mode == INSN_MODE64 && below(2))
		p[n++] = 0x40 + below(16);
	if (below(64) == 0) /* one that does not count */
		p[n++] = bytes[below(sizeof(bytes))];
	return n;
}

static void fill(u8 *p, unsigned n)
{
	for (; n < INSN_MAX_LEN; n++)
		p[n] = below(4) ? (u8)rnd() : 0;
}

static void open_mode(const struct mode *m)
{
	ck_assert_int_eq(cs_open(CS_ARCH_X86, m->cs, &cs), CS_ERR_OK);
	cs_option(cs, CS_OPT_DETAIL, CS_OPT_ON);
	ci = cs_malloc(cs);
}

static void close_mode(void)
{
	cs_free(ci, 1);
	cs_close(&cs);
}

/* Every opcode, every ModRM byte, bare and with random prefixes. */
static unsigned long every_opcode(const struct mode *m, unsigned times)
{
	unsigned long n = 0;

	for (unsigned which = 0; which < 512 * 256; which++) {
		for (unsigned k = 0; k < times; k++, n++) {
			u8 p[INSN_MAX_LEN + 8] = { 0 };
			unsigned at = k ? random_prefixes(p, m->mode) : 0;

			if (which & 256)
				p[at++] = 0x0f;
			p[at++] = (u8)which;
			p[at++] = which >> 9;
			fill(p, at);
			check_one(p, m->mode);
		}
	}
	return n;
}

static const struct row {
	u8 map, first, last;
	signed char ext;
} rows[] = {
#define INSN(map, first, last, ext, op, flags) { map, first, last, ext },
#include "hv/core/insn.def"
};

static void random_row(const struct mode *m)
{
	const struct row *r = &rows[below(sizeof(rows) / sizeof(*rows))];
	u8 p[INSN_MAX_LEN + 8] = { 0 };
	unsigned at = random_prefixes(p, m->mode);

	if (r->map)
		p[at++] = 0x0f;
	if (r->map == 2)
		p[at++] = 0x01;
	p[at++] = r->first + below(r->last - r->first + 1);
	fill(p, at);
	if (r->ext >= 0)
		p[at] = (p[at] & 0xc7) | r->ext << 3;
	check_one(p, m->mode);
}

START_TEST(every_opcode_and_random_encodings_are_decoded_as_capstone_does)
{
	unsigned long n = 0, more = 0;

	word = 2 * seed + 1;
	for (unsigned k = 0; k < 3; k++) {
		open_mode(&modes[k]);
		n += every_opcode(&modes[k], 2);
		close_mode();
	}
	more = total > n ? (total - n + 2) / 3 : 0;
	for (unsigned k = 0; k < 3; k++) {
		open_mode(&modes[k]);
		for (unsigned long j = 0; j < more; j++, n++)
			random_row(&modes[k]);
		close_mode();
	}
	printf("# seed %llu: %lu encodings; %lu decoded alike, %lu rejected on purpose, %lu "
	       "unknown to capstone\n", (unsigned long long)seed, n, nr_both, nr_rejected,
	       nr_alone);
	fflush(stdout);
	ck_assert_uint_gt(nr_both, n / 4);
}
END_TEST

int main(int argc, char **argv)
{
	Suite *suite = suite_create("decode_capstone");
	TCase *all = tcase_create("decode_capstone");

	seed = argc > 2 ? strtoull(argv[2], NULL, 0) : (u64)time(NULL);
	if (argc > 1)
		total = strtoul(argv[1], NULL, 0);
	tcase_set_timeout(all, argc > 1 ? 0 : 120);
	tcase_add_test(all, every_opcode_and_random_encodings_are_decoded_as_capstone_does);
	suite_add_tcase(suite, all);
	return tap_run(suite);
}
