/* SPDX-License-Identifier: MIT */
/*
 * The state-save area of system-management mode: places, round trips, and states
 * that RSM must refuse.
 */
#include "hv/core/smm_area.h"

#include <stddef.h>
#include <string.h>

#include "tests/tap.h"

#define STATES 20000u

static const struct smm_limits limits = {
	.long_mode = true, .maxphyaddr = 40, .cr4 = CR4_PSE | CR4_PAE | CR4_PGE | CR4_OSFXSR
};

static u64 seed;

static u64 random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* ---- places ---- */

static u64 at(const u8 *area, unsigned offset, unsigned bytes)
{
	u64 value = 0;

	memcpy(&value, area + offset - 0xfe00, bytes);
	return value;
}

/* Every field another number. */
static void fill(struct smm_state *s)
{
	u8 *byte = (u8 *)s;

	for (size_t i = 0; i < sizeof(*s); i++)
		byte[i] = (u8)(i * 37 + i / 256 * 11 + 1);
	for (unsigned i = 0; i < 6; i++)
		s->segs.seg[i].attrib &= 0xfff;
	s->segs.ldtr.attrib &= 0xfff;
	s->segs.tr.attrib &= 0xfff;
}

START_TEST(the_long_layout_is_the_manuals)
{
	struct smm_state s;
	u8 area[SMM_AREA_SIZE];

	fill(&s);
	smm_area_store(&s, true, area);
	ck_assert_uint_eq(at(area, 0xfe00, 2), s.segs.seg[SEG_ES].selector);
	ck_assert_uint_eq(at(area, 0xfe10, 2), s.segs.seg[SEG_CS].selector);
	ck_assert_uint_eq(at(area, 0xfe12, 1), s.segs.seg[SEG_CS].attrib & 0xff);
	ck_assert_uint_eq(at(area, 0xfe13, 1), s.segs.seg[SEG_CS].attrib >> 8 << 4);
	ck_assert_uint_eq(at(area, 0xfe14, 4), s.segs.seg[SEG_CS].limit);
	ck_assert_uint_eq(at(area, 0xfe18, 8), s.segs.seg[SEG_CS].base);
	ck_assert_uint_eq(at(area, 0xfe28, 8), s.segs.seg[SEG_SS].base);
	ck_assert_uint_eq(at(area, 0xfe30, 2), s.segs.seg[SEG_DS].selector);
	ck_assert_uint_eq(at(area, 0xfe48, 8), s.segs.seg[SEG_FS].base);
	ck_assert_uint_eq(at(area, 0xfe58, 8), s.segs.seg[SEG_GS].base);
	ck_assert_uint_eq(at(area, 0xfe64, 2), s.segs.gdtr.limit & 0xffff);
	ck_assert_uint_eq(at(area, 0xfe68, 8), s.segs.gdtr.base);
	ck_assert_uint_eq(at(area, 0xfe70, 2), s.segs.ldtr.selector);
	ck_assert_uint_eq(at(area, 0xfe84, 2), s.segs.idtr.limit & 0xffff);
	ck_assert_uint_eq(at(area, 0xfe88, 8), s.segs.idtr.base);
	ck_assert_uint_eq(at(area, 0xfe90, 2), s.segs.tr.selector);
	ck_assert_uint_eq(at(area, 0xfec0, 4), 0);
	ck_assert_uint_eq(at(area, 0xfec8, 1), 0);
	ck_assert_uint_eq(at(area, 0xfec9, 1), s.halted);
	ck_assert_uint_eq(at(area, 0xfed0, 8), s.regs.efer);
	ck_assert_uint_eq(at(area, 0xfefc, 4), s.revision);
	ck_assert_uint_eq(at(area, 0xff00, 4), s.base);
	ck_assert_uint_eq(at(area, 0xff48, 8), s.regs.cr4);
	ck_assert_uint_eq(at(area, 0xff50, 8), s.regs.cr3);
	ck_assert_uint_eq(at(area, 0xff58, 8), s.regs.cr0);
	ck_assert_uint_eq(at(area, 0xff60, 8), s.regs.dr7);
	ck_assert_uint_eq(at(area, 0xff68, 8), s.regs.dr6);
	ck_assert_uint_eq(at(area, 0xff70, 8), s.regs.rflags);
	ck_assert_uint_eq(at(area, 0xff78, 8), s.regs.rip);
	for (unsigned i = 0; i < 8; i++)
		ck_assert_uint_eq(at(area, 0xff80 + 8 * i, 8), s.regs.gpr[R15 - i]);
	ck_assert_uint_eq(at(area, 0xffc0, 8), s.regs.gpr[RDI]);
	ck_assert_uint_eq(at(area, 0xffc8, 8), s.regs.gpr[RSI]);
	ck_assert_uint_eq(at(area, 0xffd0, 8), s.regs.gpr[RBP]);
	ck_assert_uint_eq(at(area, 0xffd8, 8), s.regs.gpr[RSP]);
	ck_assert_uint_eq(at(area, 0xffe0, 8), s.regs.gpr[RBX]);
	ck_assert_uint_eq(at(area, 0xffe8, 8), s.regs.gpr[RDX]);
	ck_assert_uint_eq(at(area, 0xfff0, 8), s.regs.gpr[RCX]);
	ck_assert_uint_eq(at(area, 0xfff8, 8), s.regs.gpr[RAX]);
}
END_TEST

START_TEST(the_legacy_layout_is_the_manuals)
{
	struct smm_state s;
	u8 area[SMM_AREA_SIZE];

	fill(&s);
	smm_area_store(&s, false, area);
	ck_assert_uint_eq(at(area, 0xfef8, 4), s.base);
	ck_assert_uint_eq(at(area, 0xfefc, 4), s.revision);
	ck_assert_uint_eq(at(area, 0xff00, 2), 0);
	ck_assert_uint_eq(at(area, 0xff02, 2), s.halted);
	ck_assert_uint_eq(at(area, 0xffa8, 4), s.segs.seg[SEG_ES].selector);
	ck_assert_uint_eq(at(area, 0xffac, 4), s.segs.seg[SEG_CS].selector);
	ck_assert_uint_eq(at(area, 0xffb0, 4), s.segs.seg[SEG_SS].selector);
	ck_assert_uint_eq(at(area, 0xffb4, 4), s.segs.seg[SEG_DS].selector);
	ck_assert_uint_eq(at(area, 0xffb8, 4), s.segs.seg[SEG_FS].selector);
	ck_assert_uint_eq(at(area, 0xffbc, 4), s.segs.seg[SEG_GS].selector);
	ck_assert_uint_eq(at(area, 0xffc4, 4), s.segs.tr.selector);
	ck_assert_uint_eq(at(area, 0xffc8, 4), (u32)s.regs.dr7);
	ck_assert_uint_eq(at(area, 0xffcc, 4), (u32)s.regs.dr6);
	ck_assert_uint_eq(at(area, 0xffd0, 4), (u32)s.regs.gpr[RAX]);
	ck_assert_uint_eq(at(area, 0xffd4, 4), (u32)s.regs.gpr[RCX]);
	ck_assert_uint_eq(at(area, 0xffd8, 4), (u32)s.regs.gpr[RDX]);
	ck_assert_uint_eq(at(area, 0xffdc, 4), (u32)s.regs.gpr[RBX]);
	ck_assert_uint_eq(at(area, 0xffe0, 4), (u32)s.regs.gpr[RSP]);
	ck_assert_uint_eq(at(area, 0xffe4, 4), (u32)s.regs.gpr[RBP]);
	ck_assert_uint_eq(at(area, 0xffe8, 4), (u32)s.regs.gpr[RSI]);
	ck_assert_uint_eq(at(area, 0xffec, 4), (u32)s.regs.gpr[RDI]);
	ck_assert_uint_eq(at(area, 0xfff0, 4), (u32)s.regs.rip);
	ck_assert_uint_eq(at(area, 0xfff4, 4), (u32)s.regs.rflags);
	ck_assert_uint_eq(at(area, 0xfff8, 4), (u32)s.regs.cr3);
	ck_assert_uint_eq(at(area, 0xfffc, 4), (u32)s.regs.cr0);
}
END_TEST

/* ---- round trips ---- */

static void random_segment(struct vcpu_seg *seg, bool table, bool wide)
{
	seg->selector = table ? 0 : (u16)random64();
	seg->attrib = table ? 0 : random64() & 0xfff;
	seg->limit = table ? random64() & 0xffff : (u32)random64();
	seg->base = wide ? random64() : (u32)random64();
}

static void random_segments(struct vcpu_segs *s, bool wide)
{
	for (unsigned i = 0; i < 6; i++)
		random_segment(&s->seg[i], false, wide);
	random_segment(&s->gdtr, true, wide);
	random_segment(&s->idtr, true, wide);
	random_segment(&s->ldtr, false, wide);
	random_segment(&s->tr, false, wide);
}

/* A state a CPU can be in: real, protected, virtual-8086, paged or long mode. */
static void random_state(struct smm_state *s, bool has_long)
{
	struct vcpu_regs *r = &s->regs;
	unsigned mode = random64() % (has_long ? 5 : 4);
	bool wide = mode == 4;

	memset(s, 0, sizeof(*s));
	random_segments(&s->segs, has_long);
	for (unsigned i = 0; i < NR_GPRS; i++)
		r->gpr[i] = has_long ? random64() : i < R8 ? (u32)random64() : 0;
	r->rip = wide ? random64() : (u32)random64();
	r->rflags = (random64() & 0x3d7fd5) | RFLAGS_FIXED;
	r->cr0 = (random64() & (CR0_MP | CR0_EM | CR0_TS | CR0_NE | CR0_WP | CR0_AM | CR0_CD)) | CR0_ET;
	r->cr3 = random64() & (has_long ? BITS(39, 0) : BITS(31, 0));
	r->cr4 = random64() & limits.cr4;
	r->dr6 = (random64() & 0xe00f) | 0xffff0ff0;
	r->dr7 = ((u32)random64() | 0x400) & ~BIT(13);
	r->efer = has_long ? random64() & (EFER_SCE | EFER_NXE) : 0;
	if (mode >= 1)
		r->cr0 |= CR0_PE;
	if (mode == 2)
		r->rflags |= RFLAGS_VM;
	if (mode >= 3)
		r->cr0 |= CR0_PG;
	if (wide) {
		r->efer |= EFER_LME | EFER_LMA;
		r->cr4 |= CR4_PAE;
		s->segs.seg[SEG_CS].attrib &= (u16)~SEG_ATTRIB_D;
	}
	r->cpl = mode == 0 ? 0 : mode == 2 ? 3 : s->segs.seg[SEG_SS].attrib >> 5 & 3;
	s->revision = (u32)random64();
	s->base = (u32)random64();
	s->halted = random64() & 1;
	s->int_shadow = random64() & 1;
}

static void round_trips(bool has_long)
{
	struct smm_limits l = limits;

	l.long_mode = has_long;
	seed = 0x5eed0001;
	for (unsigned i = 0; i < STATES; i++) {
		struct smm_state s, t;
		u8 area[SMM_AREA_SIZE];

		random_state(&s, has_long);
		smm_area_store(&s, has_long, area);
		memset(&t, 0, sizeof(t));
		smm_area_load(&t, has_long, area);
		ck_assert_msg(smm_state_settle(&t, &l), "state %u is refused", i);
		ck_assert_msg(!memcmp(&s, &t, sizeof(s)), "state %u comes back changed", i);
	}
}

START_TEST(every_state_comes_back_by_the_long_layout)
{
	round_trips(true);
}
END_TEST

START_TEST(every_state_comes_back_by_the_legacy_layout)
{
	round_trips(false);
}
END_TEST

/* ---- what RSM refuses ---- */

static const struct {
	const char *what;
	u64 cr0, cr3, cr4, efer, rflags;
	u16 cs;
	bool ok;
} states[] = {
	{ "reset", .cr0 = CR0_ET, .ok = true },
	{ "long", CR0_PE | CR0_PG, 0, CR4_PAE, EFER_LME | EFER_LMA, 0, SEG_ATTRIB_L, true },
	{ "compatibility", CR0_PE | CR0_PG, 0, CR4_PAE, EFER_LME | EFER_LMA, 0, SEG_ATTRIB_D, true },
	{ "long mode enabled, not active", CR0_PE, 0, CR4_PAE, EFER_LME, 0, 0, true },
	{ "caches off", .cr0 = CR0_NW | CR0_CD, .ok = true },
	{ "no write-through without CD", .cr0 = CR0_NW },
	{ "paging without protection", .cr0 = CR0_PG },
	{ "CR0 above 32 bits", .cr0 = BIT(32) },
	{ "an undefined bit of CR0", .cr0 = BIT(6) },
	{ "a bit of CR4 that is not offered", .cr4 = CR4_LA57 },
	{ "an undefined bit of EFER", .efer = BIT(9) },
	{ "SVME, which is not offered", .efer = EFER_SVME },
	{ "LMA without LME", CR0_PE | CR0_PG, 0, CR4_PAE, EFER_LMA, 0, SEG_ATTRIB_L, false },
	{ "LMA without paging", CR0_PE, 0, CR4_PAE, EFER_LME | EFER_LMA, 0, SEG_ATTRIB_L, false },
	{ "long without LMA", CR0_PE | CR0_PG, 0, CR4_PAE, EFER_LME, 0, SEG_ATTRIB_L, false },
	{ "long without PAE", CR0_PE | CR0_PG, 0, 0, EFER_LME | EFER_LMA, 0, SEG_ATTRIB_L, false },
	{ "long, virtual-8086", CR0_PE | CR0_PG, 0, CR4_PAE, EFER_LME | EFER_LMA, RFLAGS_VM,
	  SEG_ATTRIB_L, false },
	{ "CS both of 64 and of 32 bits", CR0_PE | CR0_PG, 0, CR4_PAE, EFER_LME | EFER_LMA, 0,
	  SEG_ATTRIB_L | SEG_ATTRIB_D, false },
	{ "long, CR3 above the physical address", CR0_PE | CR0_PG, BIT(40), CR4_PAE,
	  EFER_LME | EFER_LMA, 0, SEG_ATTRIB_L, false },
};

START_TEST(impossible_states_are_refused)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		struct smm_state s = {
			.regs = { .cr0 = states[i].cr0, .cr3 = states[i].cr3, .cr4 = states[i].cr4,
				  .efer = states[i].efer, .rflags = states[i].rflags },
			.segs.seg[SEG_CS].attrib = states[i].cs,
		};

		ck_assert_msg(smm_state_settle(&s, &limits) == states[i].ok, "%s", states[i].what);
	}
}
END_TEST

START_TEST(a_cpu_without_long_mode_refuses_it)
{
	struct smm_limits l = limits;
	struct smm_state s = { .regs.efer = EFER_LME };

	ck_assert(smm_state_settle(&s, &l));
	l.long_mode = false;
	ck_assert(!smm_state_settle(&s, &l));
}
END_TEST

START_TEST(bits_that_registers_do_not_have_are_put_right)
{
	struct smm_state s = {
		.regs = { .rflags = ~0ull, .dr6 = ~0ull << 32, .dr7 = ~0ull, .rip = ~0ull },
	};

	ck_assert(smm_state_settle(&s, &limits));
	ck_assert_uint_eq(s.regs.rflags, 0x3d7fd7); /* no virtual-8086 in real mode */
	ck_assert_uint_eq(s.regs.dr6, 0xffff0ff0);
	ck_assert_uint_eq(s.regs.dr7, 0xffffdfff);
	ck_assert_uint_eq(s.regs.rip, 0xffffffff);
	ck_assert_uint_eq(s.regs.cpl, 0);
}
END_TEST

START_TEST(no_bytes_do_harm)
{
	unsigned accepted = 0;

	seed = 0x5eed0002;
	for (unsigned i = 0; i < STATES; i++) {
		struct smm_state s = { 0 };
		u8 area[SMM_AREA_SIZE];
		u64 word;

		for (size_t k = 0; k < sizeof(area); k += sizeof(word)) {
			word = random64() & random64() & random64();
			word &= random64() & random64() & random64(); /* few bits */
			memcpy(area + k, &word, sizeof(word));
		}
		smm_area_load(&s, i % 2, area);
		if (!smm_state_settle(&s, &limits))
			continue;
		accepted++;
		ck_assert(!(s.regs.cr0 & CR0_PG) || s.regs.cr0 & CR0_PE);
		ck_assert(!(s.regs.efer & EFER_LMA) || s.regs.cr4 & CR4_PAE);
		ck_assert(!(s.regs.cr4 & ~limits.cr4));
		ck_assert_uint_le(s.regs.cpl, 3);
	}
	ck_assert_uint_gt(accepted, 0);
	ck_assert_uint_lt(accepted, STATES);
}
END_TEST

TAP_MAIN("smm_area",
	 the_long_layout_is_the_manuals,
	 the_legacy_layout_is_the_manuals,
	 every_state_comes_back_by_the_long_layout,
	 every_state_comes_back_by_the_legacy_layout,
	 impossible_states_are_refused,
	 a_cpu_without_long_mode_refuses_it,
	 bits_that_registers_do_not_have_are_put_right,
	 no_bytes_do_harm)
