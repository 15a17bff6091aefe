/* SPDX-License-Identifier: MIT */
/*
 * Registers to the state-save area and back, by a table for each layout.
 */
#include "hv/core/smm_area.h"

#include <stddef.h>
#include <string.h>

enum row_kind {
	ROW_NUMBER,
	ROW_ATTRIB, /* of a segment: bits 7:0, and 11:8 as 15:12 */
};

struct row {
	u16 at, field; /* offsets in the area and in struct smm_state */
	u8 bytes, field_bytes;
	u8 kind;
};

#define ROW(at, bytes, x, kind) \
	{ at, offsetof(struct smm_state, x), bytes, sizeof(((struct smm_state *)0)->x), kind },

static const struct row rows64[] = {
#define FIELD(at, bytes, x) ROW(at, bytes, x, ROW_NUMBER)
#define SEGMENT(at, x) \
	ROW(at, 2, segs.x.selector, ROW_NUMBER) ROW((at) + 2, 2, segs.x.attrib, ROW_ATTRIB) \
	ROW((at) + 4, 4, segs.x.limit, ROW_NUMBER) ROW((at) + 8, 8, segs.x.base, ROW_NUMBER)
#define TABLE(at, x) \
	ROW((at) + 4, 2, segs.x.limit, ROW_NUMBER) ROW((at) + 8, 8, segs.x.base, ROW_NUMBER)
#include "hv/core/smm_area64.def"
};

static const struct row rows32[] = {
#define FIELD(at, bytes, x) ROW(at, bytes, x, ROW_NUMBER)
#define SEGMENT(sel, at, x) \
	ROW(sel, 2, segs.x.selector, ROW_NUMBER) ROW(at, 2, segs.x.attrib, ROW_ATTRIB) \
	ROW((at) + 4, 4, segs.x.limit, ROW_NUMBER) ROW((at) + 8, 4, segs.x.base, ROW_NUMBER)
#define TABLE(at, x) \
	ROW(at, 2, segs.x.limit, ROW_NUMBER) ROW((at) + 4, 4, segs.x.base, ROW_NUMBER)
#include "hv/core/smm_area32.def"
};

static const struct row *area_rows(bool long_mode, size_t *n)
{
	*n = long_mode ? sizeof(rows64) / sizeof(*rows64) : sizeof(rows32) / sizeof(*rows32);
	return long_mode ? rows64 : rows32;
}

void smm_area_store(const struct smm_state *s, bool long_mode, u8 area[SMM_AREA_SIZE])
{
	size_t n;
	const struct row *row = area_rows(long_mode, &n);

	memset(area, 0, SMM_AREA_SIZE);
	for (; n--; row++) {
		u64 value = 0;

		memcpy(&value, (const u8 *)s + row->field, row->field_bytes);
		if (row->kind == ROW_ATTRIB)
			value = (value & 0xff) | (value & 0xf00) << 4;
		memcpy(area + row->at, &value, row->bytes);
	}
}

void smm_area_load(struct smm_state *s, bool long_mode, const u8 area[SMM_AREA_SIZE])
{
	size_t n;
	const struct row *row = area_rows(long_mode, &n);

	for (; n--; row++) {
		u64 value = 0;

		memcpy(&value, area + row->at, row->bytes);
		if (row->kind == ROW_ATTRIB)
			value = (value & 0xff) | (value >> 4 & 0xf00);
		memcpy((u8 *)s + row->field, &value, row->field_bytes);
	}
}

/* ---- what is possible ---- */

#define CR0_DEFINED \
	(CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | \
	 CR0_PG)
#define EFER_DEFINED (EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE | EFER_FFXSR)
#define RFLAGS_DEFINED 0x3f7fd5ull /* up to ID */
#define DR6_FIXED_1    0xffff0ff0ull
#define DR7_FIXED_1    0x400ull
#define DR7_GD         BIT(13) /* accesses exit anyway */

static bool state_cr_ok(const struct vcpu_regs *r, const struct smm_limits *l)
{
	if (r->cr0 & ~CR0_DEFINED || (r->cr0 & CR0_PG && !(r->cr0 & CR0_PE)) ||
	    (r->cr0 & CR0_NW && !(r->cr0 & CR0_CD)) || r->cr4 & ~l->cr4)
		return false;
	return !(r->efer & EFER_LMA) || !(r->cr3 >> l->maxphyaddr);
}

/* Long mode is active exactly when it is enabled and pages are. */
static bool state_efer_ok(const struct smm_state *s, const struct smm_limits *l)
{
	const struct vcpu_regs *r = &s->regs;
	u16 cs = s->segs.seg[SEG_CS].attrib;
	bool active = r->efer & EFER_LME && r->cr0 & CR0_PG;

	if (r->efer & ~EFER_DEFINED || (r->efer & EFER_LME && !l->long_mode) ||
	    !!(r->efer & EFER_LMA) != active)
		return false;
	if (!active)
		return true;
	return r->cr4 & CR4_PAE && !(r->rflags & RFLAGS_VM) &&
	       !(cs & SEG_ATTRIB_L && cs & SEG_ATTRIB_D);
}

static u8 state_cpl(const struct smm_state *s)
{
	if (!(s->regs.cr0 & CR0_PE))
		return 0;
	return s->regs.rflags & RFLAGS_VM ? 3 : s->segs.seg[SEG_SS].attrib >> 5 & 3;
}

bool smm_state_settle(struct smm_state *s, const struct smm_limits *l)
{
	struct vcpu_regs *r = &s->regs;

	if (!state_cr_ok(r, l) || !state_efer_ok(s, l))
		return false;
	r->rflags = (r->rflags & RFLAGS_DEFINED) | RFLAGS_FIXED;
	if (!(r->cr0 & CR0_PE))
		r->rflags &= ~RFLAGS_VM;
	r->dr6 = (u32)r->dr6 | DR6_FIXED_1;
	r->dr7 = ((u32)r->dr7 | DR7_FIXED_1) & ~DR7_GD;
	if (!(r->efer & EFER_LMA))
		r->rip = (u32)r->rip;
	r->cpl = state_cpl(s);
	return true;
}
