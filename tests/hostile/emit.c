/* SPDX-License-Identifier: MIT */
/*
 * Code by chance: each operation is a few bytes around one instruction of interest,
 * with operands that are, more often than not, the edge of something.
 */
#include "tests/hostile/hostile.h"

struct code {
	u8 *p;
	unsigned bits; /* 16, 32, 64 */
};

static void byte(struct code *c, u32 value)
{
	*c->p++ = (u8)value;
}

static void bytes(struct code *c, unsigned n, u32 value)
{
	for (; n--; value >>= 8)
		byte(c, value);
}

/* mov r32, value */
static void load(struct code *c, unsigned reg, u32 value)
{
	if (c->bits == 16)
		byte(c, 0x66);
	byte(c, 0xb8 + reg);
	bytes(c, 4, value);
}

/* In 64-bit code now and then a whole register. */
static void load_wide(struct code *c, unsigned reg, u32 value)
{
	if (c->bits != 64 || chance(2)) {
		load(c, reg, value);
		return;
	}
	byte(c, 0x48);
	byte(c, 0xb8 + reg);
	bytes(c, 4, value);
	bytes(c, 4, chance(3) ? 1u << chance(32) : random32());
}

static u32 some_address(void)
{
	static const u32 places[] = {
		0, 0x400, 0x9f000, 0xa0000, 0xb8000, 0xbffff, 0xc0000, 0x1fff000, 0x2000000,
		0x2001000, 0xc0000000, 0xf0000000, 0xfec00000, 0xfee00000, 0xffc00000, 0xfffff000,
	};
	u32 at;

	switch (chance(5)) {
	case 0:
		at = places[chance(sizeof(places) / sizeof(*places))] + chance(4096);
		break;
	case 1:
		at = TABLES + chance(AREA);
		break;
	case 2:
		at = CODE + chance(AREA);
		break;
	default:
		at = DATA + chance(AREA);
	}
	return chance(4) ? at : (at | 0xfff) - chance(8);
}

static u32 some_value(void)
{
	switch (chance(6)) {
	case 0:
		return 1u << chance(32);
	case 1:
		return ~(1u << chance(32));
	case 2:
		return (some_address() & ~0xfffu) | chance(0x1000);
	case 3:
		return (TABLES + chance(16) * 4096) | (random32() & 0x1e7) | chance(2);
	case 4:
		return chance(2) ? 0 : ~0u;
	default:
		return random32();
	}
}

static u32 some_selector(void)
{
	return chance(4) ? chance(24) * 8 + chance(8) : random32() & 0xffff;
}

/* What follows an address that was put into EAX, EBX ..: [reg], of any mode. */
static void modrm(struct code *c, unsigned reg, unsigned base)
{
	byte(c, reg << 3 | base);
}

static void prefixes(struct code *c)
{
	static const u8 all[] = { 0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x2e, 0x36, 0x3e, 0x26, 0x64, 0x65 };

	while (!chance(4))
		byte(c, all[chance(sizeof(all))]);
	if (c->bits == 64 && !chance(3))
		byte(c, 0x40 | chance(16));
}

/* 16-bit code says with a prefix that addresses are wide. */
static void wide_address(struct code *c)
{
	if (c->bits == 16)
		byte(c, 0x67);
}

/* ---- operations ---- */

static void op_cr(struct code *c)
{
	static const u8 often[] = { 0, 2, 3, 4, 8 };
	unsigned cr = chance(6) ? often[chance(5)] : chance(16);
	unsigned rex = c->bits == 64 && cr > 7 ? 0x44 : 0;

	if (chance(2)) { /* one bit of what is there */
		byte(c, 0x0f);
		byte(c, 0x20);
		byte(c, 0xc0 | (cr & 7) << 3);
		byte(c, 0x0f); /* btc eax, n */
		byte(c, 0xba);
		byte(c, 0xf8);
		byte(c, chance(32));
	} else {
		load_wide(c, 0, some_value());
	}
	if (cr == 8 && !rex)
		byte(c, 0xf0);
	if (rex)
		byte(c, rex);
	byte(c, 0x0f);
	byte(c, chance(4) ? 0x22 : 0x20);
	byte(c, 0xc0 | (cr & 7) << 3);
}

static void op_dr(struct code *c)
{
	load_wide(c, 0, some_value());
	byte(c, 0x0f);
	byte(c, chance(3) ? 0x23 : 0x21);
	byte(c, 0xc0 | chance(8) << 3);
}

static void op_msr(struct code *c)
{
	static const u32 msrs[] = {
		0x10, 0x1b, 0x174, 0x176, 0x1d9, 0x200, 0x277, 0x2ff, 0x6e0, 0x800, 0x830, 0xc0000080,
		0xc0000080, 0xc0000081, 0xc0000082, 0xc0000100, 0xc0000102, 0xc0000103, 0xc0010111,
		0xc0010113, 0xc0010114, 0xc0010117, 0xc0010015, 0xc0010055,
	};

	load(c, 1, chance(4) ? msrs[chance(sizeof(msrs) / 4)] : random32());
	load(c, 0, some_value());
	load(c, 2, chance(2) ? 0 : some_value());
	byte(c, 0x0f);
	byte(c, chance(2) ? 0x30 : 0x32);
}

static void op_port(struct code *c)
{
	static const u16 ports[] = { 0x20, 0x21, 0xa0, 0xa1, 0x40, 0x42, 0x43, 0x60, 0x61, 0x64, 0x70,
				     0x71, 0x92, 0xb2, 0xb2, 0x3f8, 0x3f9, 0x3fd, 0x402, 0x4d0,
				     0x510, 0x511, 0xcf8, 0xcfc, 0xe0, 0xe4, 0xe8, 0xec };
	static const u8 opcodes[] = { 0xec, 0xed, 0xee, 0xef, 0xe4, 0xe5, 0xe6, 0xe7 };
	u32 port = chance(3) ? ports[chance(sizeof(ports) / 2)] : random32() & 0xffff, op;

	if (port == 0xf4 || port == 0x501 || (port & ~3u) == 0x500)
		port = 0x80;
	op = opcodes[chance(8)];
	load(c, 2, port);
	load(c, 0, some_value() & ~0xfeu);
	prefixes(c);
	byte(c, op);
	if (op < 0xec)
		byte(c, port == 0xf4 ? 0x80 : port);
}

static void op_string(struct code *c)
{
	static const u8 opcodes[] = { 0x6c, 0x6d, 0x6e, 0x6f, 0xa4, 0xa5, 0xa6, 0xa7,
				      0xaa, 0xab, 0xac, 0xad, 0xae, 0xaf };

	load(c, 1, chance(4) ? chance(600) : random32());
	load(c, 6, some_address());
	load(c, 7, some_address());
	load(c, 2, 0x80 + chance(8));
	if (chance(4) == 0)
		byte(c, 0xfd); /* std */
	if (chance(2))
		byte(c, 0xf3);
	if (chance(2))
		wide_address(c);
	prefixes(c);
	byte(c, opcodes[chance(sizeof(opcodes))]);
}

static void op_table(struct code *c)
{
	/* lgdt lidt sgdt sidt lldt ltr sldt str verr verw and segment registers */
	u32 kind = chance(8) ? 2 + chance(14) : chance(2);

	load(c, 3, DATA + chance(64) * 8);
	if (kind < 2) { /* rarely: little survives it */
		load(c, 0, some_value());
		wide_address(c);
		byte(c, 0x0f);
		byte(c, 0x01);
		modrm(c, 2 + kind, 3);
	} else if (kind < 8) {
		load(c, 0, some_selector());
		byte(c, 0x0f);
		byte(c, 0x00);
		byte(c, 0xc0 | chance(6) << 3);
	} else if (kind < 14) {
		/* 6 and 7 are no registers: in real mode they end QEMU 10.0's translator. */
		load(c, 0, some_selector());
		byte(c, 0x8e);
		byte(c, 0xc0 | chance(6) << 3);
	} else {
		wide_address(c);
		byte(c, 0x0f);
		byte(c, 0x01);
		modrm(c, chance(2), 3);
	}
}

static void op_paging(struct code *c)
{
	load(c, 0, some_value());
	load(c, 3, TABLES + (chance(AREA) & ~3u));
	wide_address(c);
	if (c->bits == 16)
		byte(c, 0x66);
	byte(c, 0x89);
	modrm(c, 0, 3);
	if (chance(2)) {
		load(c, 3, some_address());
		wide_address(c);
		byte(c, 0x0f);
		byte(c, 0x01);
		modrm(c, 7, 3);
	}
}

static void op_short(struct code *c)
{
	static const u16 all[] = {
		0x0f06, 0x0f08, 0x0f09, 0x0fa2, 0x0f31, 0x0f33, 0x0faa, 0x0f05, 0x0f07, 0x0f34,
		0x0f35, 0x0f0b, 0x0f77, 0x0f0e, 0x00f4, 0x00fa, 0x00fb, 0x009c, 0x009d, 0x00cf,
		0x00cb, 0x00cc, 0x00ce, 0x00f1, 0x009b, 0x0060, 0x0061, 0x00c9, 0x0090, 0xf390,
	};
	u32 op = all[chance(sizeof(all) / 2)];

	if (op == 0x0fa2)
		load(c, 0, chance(2) ? chance(32) : 0x80000000 + chance(32));
	prefixes(c);
	if (op >> 8)
		byte(c, op >> 8);
	byte(c, op);
}

/* 0F 01 with registers: VMRUN and its kin, MONITOR, XGETBV, SWAPGS .. */
static void op_group(struct code *c)
{
	load_wide(c, 0, some_address() & (chance(2) ? ~0xfffu : ~0u));
	load(c, 1, chance(4));
	byte(c, 0x0f);
	byte(c, 0x01);
	byte(c, chance(2) ? 0xd8 + chance(8) : 0xc0 + chance(64));
}

static void op_interrupt(struct code *c)
{
	byte(c, 0xcd);
	byte(c, random32());
}

static void op_far(struct code *c)
{
	static const u8 opcodes[] = { 0xea, 0x9a };
	u32 to = chance(2) ? some_address() : (u32)c->p + 16;

	if (chance(2) && c->bits != 64) {
		if (c->bits == 16)
			byte(c, 0x66);
		byte(c, opcodes[chance(2)]);
		bytes(c, 4, to);
		bytes(c, 2, some_selector());
		return;
	}
	load(c, 0, to);
	load(c, 3, some_selector());
	byte(c, 0x53); /* push ebx; push eax; lret or iret */
	byte(c, 0x50);
	if (c->bits == 64 && chance(2))
		byte(c, 0x48);
	byte(c, chance(2) ? 0xcb : 0xcf);
}

static void op_near(struct code *c)
{
	load_wide(c, 0, some_address());
	byte(c, 0xff);
	byte(c, chance(2) ? 0xe0 : 0xd0);
}

static void op_flags(struct code *c)
{
	load(c, 0, some_value() & (chance(2) ? 0x24fd5 : ~0u));
	byte(c, 0x50);
	byte(c, 0x9d);
}

/* One that reads or writes memory somewhere, of all that there are. */
static void op_memory(struct code *c)
{
	static const u8 two[] = { 0x10, 0x11, 0x28, 0x29, 0x2b, 0x6f, 0x7f, 0xa3, 0xab, 0xae, 0xaf,
				  0xb0, 0xb1, 0xb3, 0xb6, 0xbb, 0xbe, 0xc0, 0xc1, 0xc3, 0xc7, 0xe7,
				  0x0d, 0x18, 0xb2, 0xb4, 0x02, 0x03 };
	static const u8 one[] = { 0x01, 0x03, 0x08, 0x29, 0x31, 0x38, 0x63, 0x84, 0x86, 0x87, 0x88,
				  0x89, 0x8a, 0x8b, 0x8c, 0x8f, 0xc4, 0xc5, 0xd1, 0xd8, 0xd9, 0xdb,
				  0xdd, 0xdf, 0xf6, 0xf7, 0xfe, 0xff, 0x62 };

	load(c, 3, some_address());
	load(c, 0, some_value());
	prefixes(c);
	wide_address(c);
	if (chance(2)) {
		byte(c, 0x0f);
		byte(c, two[chance(sizeof(two))]);
	} else {
		byte(c, one[chance(sizeof(one))]);
	}
	modrm(c, chance(8), 3);
	if (chance(3) == 0)
		byte(c, chance(64));
}

static void op_anything(struct code *c)
{
	for (u32 n = 1 + chance(12); n--;)
		byte(c, random32());
}

static void op_stack(struct code *c)
{
	load(c, 4, chance(12) ? DATA + chance(AREA) : some_address());
	byte(c, 0x50 + chance(8));
}

static void (*const ops[])(struct code *c) = {
	op_cr, op_cr, op_dr, op_msr, op_port, op_string, op_table, op_paging, op_paging, op_short,
	op_short, op_group, op_interrupt, op_far, op_near, op_flags, op_memory, op_memory, op_memory,
	op_memory, op_memory, op_memory, op_anything, op_stack,
};

void *emit_round(u8 *to, enum mode mode)
{
	struct code c = { to, mode_bits(mode) };

	for (u32 i = 0; i < 8; i++) {
		if (i != 4)
			load_wide(&c, i, chance(2) ? some_value() : some_address());
	}
	for (u32 n = 2 + chance(14); n--;)
		ops[chance(sizeof(ops) / sizeof(*ops))](&c);
	byte(&c, 0xcd); /* int $0x40: the round is over */
	byte(&c, 0x40);
	return c.p;
}
