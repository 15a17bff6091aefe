/* SPDX-License-Identifier: MIT */
/*
 * The decoder: prefixes, opcode, table row, ModRM and SIB, immediates.
 */
#include "hv/core/decode.h"

#include <string.h>

enum {
	M = 1 << 0,
	B = 1 << 1,
	I8 = 1 << 2,
	IZ = 1 << 3,
	U8 = 1 << 4,
	MO = 1 << 5,
	R = 1 << 6,
	W64 = 1 << 7,
	S = 1 << 8,
	D64 = 1 << 9,
	N4 = 1 << 10,
	OR = 1 << 11,
	N8 = 1 << 12,
	L = 1 << 13,
	NP = 1 << 14,
	X64 = 1 << 15,
	MM = 1 << 16,
	NR = 1 << 17,
	X = 1 << 18,
};

struct insn_row {
	u8 map, first, last;
	signed char ext;
	u8 op;
	u32 flags;
};

static const struct insn_row insn_rows[] = {
#define INSN(map, first, last, ext, op, flags) { map, first, last, ext, INSN_##op, flags },
#include "hv/core/insn.def"
};

struct insn_bytes {
	const u8 *p;
	size_t n, at;
	bool short_of;
};

static u8 insn_peek(struct insn_bytes *b)
{
	if (b->at < b->n)
		return b->p[b->at];
	b->short_of = true;
	return 0;
}

/* A little-endian number of size bytes, sign-extended. */
static u64 insn_number(struct insn_bytes *b, unsigned size)
{
	u64 v = 0;

	if (b->n - b->at < size) {
		b->short_of = true;
		return 0;
	}
	for (unsigned k = 0; k < size; k++)
		v |= (u64)b->p[b->at++] << (8 * k);
	if (size < 8 && (v >> (8 * size - 1) & 1))
		v |= ~0ull << (8 * size);
	return v;
}

struct insn_prefixes {
	bool opsize, addrsize;
	u8 seg;  /* INSN_NO_REG: none */
	u8 rex;  /* 0: none */
	bool odd; /* CPUs differ about what they mean together */
};

/* The last one counts. In 64-bit mode only FS and GS mean anything; whether the
 * others undo these, the manuals do not say. */
static bool insn_segment_prefix(u8 c, enum insn_mode mode, struct insn_prefixes *p)
{
	static const u8 seg_prefix[] = { 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65 };

	for (u8 s = 0; s < sizeof(seg_prefix); s++) {
		if (c != seg_prefix[s])
			continue;
		if (mode != INSN_MODE64 || s >= SEG_FS)
			p->seg = s;
		else if (p->seg != INSN_NO_REG)
			p->odd = true;
		return true;
	}
	return false;
}

static bool insn_prefix(u8 c, enum insn_mode mode, struct insn *i, struct insn_prefixes *p)
{
	if (insn_segment_prefix(c, mode, p))
		return true;
	switch (c) {
	case 0x66:
		p->opsize = true;
		return true;
	case 0x67:
		p->addrsize = true;
		return true;
	case 0xf0:
		i->lock = true;
		return true;
	case 0xf2:
		i->repne = true;
		i->rep = false;
		return true;
	case 0xf3:
		i->rep = true;
		i->repne = false;
		return true;
	default:
		return false;
	}
}

static void insn_prefixes(struct insn_bytes *b, enum insn_mode mode, struct insn *i,
			  struct insn_prefixes *p)
{
	p->seg = INSN_NO_REG;
	for (; b->at < INSN_MAX_LEN; b->at++) {
		u8 c = insn_peek(b);

		if (mode == INSN_MODE64 && (c & 0xf0) == 0x40)
			p->rex = c;
		else if (insn_prefix(c, mode, i, p))
			p->rex = 0; /* only right before the opcode does it count */
		else
			break;
	}
}

/* 0F 01 with a register as operand: the whole ModRM byte is the opcode; SMSW and
 * LMSW have registers. */
static bool insn_is_map2(const struct insn *i, u8 modrm)
{
	return i->opcode == 0x01 && modrm >= 0xc0 && (modrm >> 3 & 7) != 4 &&
	       (modrm >> 3 & 7) != 6;
}

static const struct insn_row *insn_find_row(struct insn_bytes *b, struct insn *i)
{
	u8 map = 0;

	i->opcode = insn_peek(b);
	b->at++;
	if (i->opcode == 0x0f) {
		map = 1;
		i->opcode = insn_peek(b);
		b->at++;
		if (i->opcode == 0x01 && insn_is_map2(i, insn_peek(b))) {
			map = 2;
			i->opcode = insn_peek(b);
			b->at++;
		}
	}
	for (size_t k = 0; k < sizeof(insn_rows) / sizeof(*insn_rows); k++) {
		const struct insn_row *r = &insn_rows[k];

		if (r->map == map && i->opcode >= r->first && i->opcode <= r->last &&
		    (r->ext < 0 || r->ext == (insn_peek(b) >> 3 & 7)))
			return r;
	}
	return NULL;
}

static void insn_modrm16(struct insn_bytes *b, struct insn *i, u8 mod, u8 rm)
{
	static const struct {
		u8 base, index;
	} forms[8] = {
		{ RBX, RSI }, { RBX, RDI }, { RBP, RSI }, { RBP, RDI },
		{ RSI, INSN_NO_REG }, { RDI, INSN_NO_REG },
		{ RBP, INSN_NO_REG }, { RBX, INSN_NO_REG },
	};

	i->base = forms[rm].base;
	i->index = forms[rm].index;
	if (mod == 0 && rm == 6) {
		i->base = INSN_NO_REG;
		i->disp = insn_number(b, 2) & 0xffff;
	} else if (mod) {
		i->disp = insn_number(b, mod == 1 ? 1 : 2);
	}
}

static void insn_modrm32(struct insn_bytes *b, struct insn *i, u8 mod, u8 rm, u8 rex,
			 enum insn_mode mode)
{
	bool no_base = mod == 0 && rm == 5;

	i->base = rm | (rex & 1) << 3;
	if (rm == 4) {
		u8 sib = insn_peek(b);

		b->at++;
		i->scale = 1 << (sib >> 6);
		i->index = (sib >> 3 & 7) | (rex & 2) << 2;
		if (i->index == RSP)
			i->index = INSN_NO_REG;
		i->base = (sib & 7) | (rex & 1) << 3;
		no_base = mod == 0 && (sib & 7) == 5;
	}
	if (no_base) {
		i->base = rm == 5 && mode == INSN_MODE64 ? INSN_REG_RIP : INSN_NO_REG;
		i->disp = insn_number(b, 4);
	} else if (mod) {
		i->disp = insn_number(b, mod == 1 ? 1 : 4);
	}
}

static void insn_modrm(struct insn_bytes *b, struct insn *i, const struct insn_row *row, u8 rex,
		       enum insn_mode mode)
{
	u8 c = insn_peek(b), mod = c >> 6, rm = c & 7;

	b->at++;
	i->reg = c >> 3 & 7;
	if (row->ext < 0)
		i->reg |= (rex & 4) << 1;
	/* MOV CR and DR treat every ModRM byte as a register's. */
	if (row->op == INSN_MOV_FROM_CR || row->op == INSN_MOV_TO_CR ||
	    row->op == INSN_MOV_FROM_DR || row->op == INSN_MOV_TO_DR)
		mod = 3;
	if (mod == 3) {
		i->rm = rm | (rex & 1) << 3;
		return;
	}
	i->mem = true;
	if (i->addr_size == 2)
		insn_modrm16(b, i, mod, rm);
	else
		insn_modrm32(b, i, mod, rm, rex, mode);
}

static void insn_sizes(struct insn *i, const struct insn_row *row, const struct insn_prefixes *p,
		       enum insn_mode mode)
{
	if (row->flags & X)
		i->size = 16;
	else if (row->flags & B)
		i->size = 1;
	else if (mode == INSN_MODE64 && (p->rex & 8 || row->flags & W64))
		i->size = row->flags & N8 ? 4 : 8;
	else if (mode == INSN_MODE64 && row->flags & D64 && !p->opsize)
		i->size = 8;
	else if (row->flags & N4 || (row->op >= INSN_MOV_FROM_CR && row->op <= INSN_MOV_TO_DR))
		i->size = 4;
	else
		i->size = (mode == INSN_MODE16) != p->opsize ? 2 : 4;
	i->addr_size = mode;
	if (p->addrsize)
		i->addr_size = mode == INSN_MODE32 ? 2 : 4;
}

static u8 insn_segment(const struct insn *i, const struct insn_prefixes *p)
{
	if (p->seg != INSN_NO_REG)
		return p->seg;
	return i->base == RSP || i->base == RBP ? SEG_SS : SEG_DS;
}

static void insn_immediates(struct insn_bytes *b, struct insn *i, const struct insn_row *row,
			    const struct insn_prefixes *p)
{
	if (row->flags & MO) {
		i->mem = true;
		i->disp = insn_number(b, i->addr_size);
		if (i->addr_size < 8)
			i->disp &= BIT(8 * i->addr_size) - 1;
		i->reg = RAX;
	}
	if (row->flags & I8)
		i->imm = insn_number(b, 1);
	if (row->flags & U8)
		i->imm = (u8)insn_number(b, 1);
	if (row->flags & IZ)
		i->imm = insn_number(b, i->size == 2 ? 2 : 4);
	i->seg = insn_segment(i, p);
}

/* LOCK MOV CR0 is CR8 on AMD's CPUs; all else that may be LOCKed writes memory. */
static bool insn_may_lock(const struct insn *i, const struct insn_row *row)
{
	if (i->op == INSN_MOV_FROM_CR || i->op == INSN_MOV_TO_CR)
		return i->reg == 0;
	return row->flags & L && i->mem;
}

/* Whether the prefixes and operands suit the row. */
static bool insn_is_legal(const struct insn *i, const struct insn_row *row,
			  const struct insn_prefixes *p, enum insn_mode mode)
{
	if (p->odd || (row->flags & MM && !i->mem) || (row->flags & X64 && mode == INSN_MODE64))
		return false;
	if (row->flags & NP && (p->opsize || i->rep || i->repne))
		return false;
	if (row->flags & NR && (i->rep || i->repne))
		return false;
	if (row->flags & X && !(row->flags & NR) && (i->repne || !(p->opsize || i->rep)))
		return false; /* MMX, or nothing */
	return !i->lock || insn_may_lock(i, row);
}

enum insn_status insn_decode(const u8 *bytes, size_t n, enum insn_mode mode, struct insn *i)
{
	struct insn_bytes b = { .p = bytes, .n = n < INSN_MAX_LEN ? n : INSN_MAX_LEN };
	enum insn_status more = b.n == INSN_MAX_LEN ? INSN_UNKNOWN : INSN_SHORT;
	struct insn_prefixes p = { 0 };
	const struct insn_row *row;

	memset(i, 0, sizeof(*i));
	i->base = i->index = INSN_NO_REG;
	i->scale = 1;
	insn_prefixes(&b, mode, i, &p);
	row = insn_find_row(&b, i);
	if (b.short_of)
		return more;
	if (!row)
		return INSN_UNKNOWN;
	i->op = row->op;
	i->rex = p.rex;
	i->opsize = p.opsize;
	i->to_reg = row->flags & R;
	insn_sizes(i, row, &p, mode);
	if (row->flags & (M | MM))
		insn_modrm(&b, i, row, p.rex, mode);
	if (row->flags & OR)
		i->rm = (i->opcode & 7) | (p.rex & 1) << 3;
	insn_immediates(&b, i, row, &p);
	if (b.short_of)
		return more;
	i->len = b.at;
	return insn_is_legal(i, row, &p, mode) ? INSN_OK : INSN_UNKNOWN;
}
