/* SPDX-License-Identifier: MIT */
/* The naive walk: the manual's rules one by one, without any thought of speed. */
#include "tests/naive.h"
#include <string.h>

/* One entry that the walk has read. */
struct entry {
	u8 *at;
	u64 pte;
	unsigned level;
	bool rights;	/* it has rights, and A */
	bool readonly;	/* it lies in read-only memory */
};

struct mode {
	unsigned levels;
	bool small;	/* 4-byte entries */
	bool longmode;
	bool nx;
	unsigned as;
};

static struct mode mode_of(const struct mmu_regs *regs)
{
	struct mode m = { .as = regs->smm };

	if (!(regs->cr0 & 0x80000000))
		return m;
	if (!(regs->cr4 & 0x20)) {
		m.levels = 2;
		m.small = true;
		return m;
	}
	m.nx = regs->efer & 0x800;
	m.longmode = regs->efer & 0x400;
	m.levels = !m.longmode ? 3 : regs->cr4 & 0x1000 ? 5 : 4;
	return m;
}

static u64 bits(unsigned high, unsigned low)
{
	u64 mask = 0;

	for (unsigned i = low; i <= high; i++)
		mask |= (u64)1 << i;
	return mask;
}

static bool is_large(const struct mmu_regs *regs, struct mode m, unsigned level, u64 pte)
{
	if (!(pte & 0x80))
		return false;
	if (m.small)
		return level == 2 && regs->cr4 & 0x10;
	return level == 2 || (level == 3 && m.longmode);
}

static u64 must_be_zero(const struct naive *n, const struct mmu_regs *regs, struct mode m,
			unsigned level, u64 pte)
{
	bool large = is_large(regs, m, level, pte);
	u64 zero = 0;

	if (m.small)
		return large ? bits(21, 21) | (n->maxphyaddr < 40 ? bits(20, n->maxphyaddr - 19) : 0)
			     : 0;
	if (n->maxphyaddr < 52)
		zero |= bits(51, n->maxphyaddr);
	if (!m.nx)
		zero |= bits(63, 63);
	if (!m.longmode)
		zero |= bits(62, 52);
	if (!m.longmode && level == 3)
		zero |= bits(63, 63) | bits(8, n->pdpte_a ? 6 : 5) | bits(2, 1);
	if (level >= 4)
		zero |= bits(7, 7);
	if (large && level == 2)
		zero |= bits(20, 13);
	if (large && level == 3)
		zero |= bits(29, 13);
	return zero;
}

static u64 index_of(struct mode m, unsigned level, gva_t gva)
{
	if (m.small)
		return level == 2 ? gva >> 22 & 0x3ff : gva >> 12 & 0x3ff;
	if (!m.longmode && level == 3)
		return gva >> 30 & 3;
	return gva >> (12 + 9 * (level - 1)) & 0x1ff;
}

static gpa_t first_table(struct mode m, u64 cr3)
{
	if (m.small)
		return cr3 & bits(31, 12);
	return m.longmode ? cr3 & bits(51, 12) : cr3 & bits(31, 5);
}

static gpa_t leaf_gpa(struct mode m, unsigned level, u64 pte, gva_t gva)
{
	unsigned shift = 12 + 9 * (level - 1);

	if (m.small && level == 2)
		return (pte & bits(31, 22)) | (pte & bits(20, 13)) >> 13 << 32 |
		       (gva & bits(21, 0));
	return (pte & (m.small ? bits(31, 12) : bits(51, 12)) & ~bits(shift - 1, 0)) |
	       (gva & bits(shift - 1, 0));
}

static bool allowed(const struct mmu_regs *regs, const struct naive_access *a,
		    const struct naive_result *r)
{
	if (a->user)
		return r->u && (a->kind != NAIVE_WRITE || r->w) &&
		       (a->kind != NAIVE_FETCH || r->x);
	if (a->kind == NAIVE_FETCH)
		return r->x && !(r->u && regs->cr4 & 0x100000);
	if (r->u && regs->cr4 & 0x200000 && !a->ac)
		return false;
	return a->kind != NAIVE_WRITE || r->w || !(regs->cr0 & 0x10000);
}

static void fault(const struct mmu_regs *regs, struct mode m, const struct naive_access *a,
		  u64 why, struct naive_result *r)
{
	r->end = NAIVE_FAULT;
	r->error = why;
	if (a->kind == NAIVE_WRITE)
		r->error |= 2;
	if (a->user)
		r->error |= 4;
	if (a->kind == NAIVE_FETCH && (m.nx || regs->cr4 & 0x100000))
		r->error |= 16;
}

/* What is A of a small entry is a bit of an address for who reads entries of 8 bytes.
 * false: it is not what the walk has read, for it is an entry of another level, too. */
static bool set_bits(struct naive *n, const struct entry *e, u64 more, bool small)
{
	u64 pte = 0, offset = e->at - n->ram;

	if (!(more & ~e->pte))
		return true;
	memcpy(&pte, e->at, small ? 4 : 8);
	if (pte != e->pte)
		return false;
	if (small && offset & 4)
		naive_past_write(&n->past, n->ram, offset);
	else
		naive_past_ad(&n->past, n->ram, offset);
	pte |= more;
	memcpy(e->at, &pte, small ? 4 : 8);
	return true;
}

/* A in every entry that has it, from the root on, and D in the last. */
static bool set_accessed_and_dirty(struct naive *n, const struct entry *entry, unsigned count,
				   bool dirty, bool small)
{
	for (unsigned i = 0; i < count; i++) {
		u64 more = dirty && i == count - 1 ? 0x60 : 0x20;

		if (!entry[i].readonly && entry[i].rights && !set_bits(n, &entry[i], more, small))
			return false;
	}
	return true;
}

/* Reads the entry of one level; false: the walk is over, r says how. */
static bool read_entry(struct naive *n, struct mode m, unsigned level, struct naive_way *way,
		       bool set_ad, struct entry *e, struct naive_result *r)
{
	/* Nobody watches the four entries of PAE: they can be stale as those of level 1,
	 * and whoever writes to them. */
	bool pdpte = level == 3 && !m.longmode && !m.small;

	*e = (struct entry){ .level = level };
	if (n->npt && !naive_place(n, &r->entry[level], NAIVE_WRITE, true, way, set_ad, r))
		return false;
	e->at = naive_memory(n, m.as, r->entry[level], &e->readonly);
	r->end = !e->at ? NAIVE_MMIO : NAIVE_READONLY;
	if (!e->at || (e->readonly && n->tdp))
		return false;
	naive_touch(n, m.as, e->at);
	if (way)
		e->pte = naive_choose(&n->past, n->ram, e->at - n->ram, m.small ? 4 : 8,
				      pdpte ? 0 : level, way);
	else
		memcpy(&e->pte, e->at, m.small ? 4 : 8);
	e->rights = m.longmode || level != 3 || m.small;
	return true;
}

/* false: the walk is over, r says how. */
static bool walk_tables(struct naive *n, const struct mmu_regs *regs, struct mode m,
			const struct naive_access *a, struct naive_way *way, bool set_ad,
			struct entry *entry, unsigned *count, struct naive_result *r)
{
	gpa_t table = first_table(m, regs->cr3);

	r->w = r->u = r->x = true;
	for (unsigned level = m.levels;; level--) {
		struct entry *e = &entry[(*count)++];

		r->level = level;
		r->entry[level] = table + index_of(m, level, a->gva) * (m.small ? 4 : 8);
		if (!read_entry(n, m, level, way, set_ad, e, r)) {
			if (!n->tdp && r->end != NAIVE_REFLECT) /* a table that is not there has no entries */
				fault(regs, m, a, 0, r);
			return false;
		}
		if (!(e->pte & 1)) {
			fault(regs, m, a, 0, r);
			return false;
		}
		if (e->pte & must_be_zero(n, regs, m, level, e->pte)) {
			fault(regs, m, a, 1 | 8, r);
			return false;
		}
		if (e->rights) {
			r->w &= e->pte >> 1 & 1;
			r->u &= e->pte >> 2 & 1;
			r->x &= !(m.nx && e->pte >> 63);
		}
		if (level == 1 || is_large(regs, m, level, e->pte)) {
			r->gpa = leaf_gpa(m, level, e->pte, a->gva);
			r->global = e->pte & 0x100;
			return true;
		}
		table = e->pte & (m.small ? bits(31, 12) : bits(51, 12));
	}
}

void naive_walk_way(struct naive *n, const struct mmu_regs *regs, const struct naive_access *a,
		    struct naive_way *way, bool set_ad, struct naive_result *r)
{
	struct mode m = mode_of(regs);
	struct entry entry[5];
	unsigned count = 0;
	bool readonly;

	*r = (struct naive_result){ .gpa = a->gva, .level = 1, .w = true, .u = true, .x = true };
	if (m.levels) {
		if (!walk_tables(n, regs, m, a, way, set_ad, entry, &count, r))
			return;
		if (!allowed(regs, a, r)) {
			fault(regs, m, a, 1, r);
			return;
		}
		for (unsigned i = 1; i < count && !entry[0].rights; i++)
			r->own |= entry[i].at == entry[0].at && !entry[i].readonly;
		if (set_ad && !set_accessed_and_dirty(n, entry, count, a->kind == NAIVE_WRITE,
						      m.small)) {
			naive_walk_way(n, regs, a, way, set_ad, r);
			return;
		}
	}
	if (n->npt && !naive_place(n, &r->gpa, a->kind, false, way, set_ad, r))
		return;
	if (!naive_memory(n, regs->smm, r->gpa, &readonly))
		r->end = NAIVE_MMIO;
	else
		r->end = readonly && a->kind == NAIVE_WRITE ? NAIVE_READONLY : NAIVE_OK;
}
