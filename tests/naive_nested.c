/* SPDX-License-Identifier: MIT */
/*
 * The naive MMU's nested tables: a guest (L1) has a guest of its own (L2). Whatever L2
 * calls physical, its tables or its pages, is looked up in L1's nested tables first, of
 * any format; each access is a user's. A table of L2's is written to, for its A and D.
 * Nobody but the library walks L1's tables, so these may lie in read-only memory, and A
 * in a PDPTE is let pass; a table that lies nowhere has no entries.
 */
#include "tests/naive.h"

/* AMD64 Manual volume 2, 15.25.6 "Nested versus Guest Page Faults, Fault Ordering". */
#define FINAL ((u64)1 << 32)
#define TABLE ((u64)1 << 33)

/* Four levels translate 48 bits; without long mode there are 32. */
static bool is_beyond(const struct mmu_regs *npt, gpa_t gpa)
{
	if (!(npt->efer & 0x400))
		return gpa >> 32;
	return gpa >> (npt->cr4 & 0x1000 ? 57 : 48);
}

static u64 not_there(const struct mmu_regs *npt, enum naive_kind kind)
{
	bool nx = npt->efer & 0x800 && npt->cr4 & 0x20;

	if (kind == NAIVE_FETCH)
		return 4 | (nx || npt->cr4 & 0x100000 ? 16 : 0);
	return 4 | (kind == NAIVE_WRITE ? 2 : 0);
}

bool naive_place(struct naive *n, gpa_t *gpa, enum naive_kind kind, bool table,
		 struct naive_way *way, bool set_ad, struct naive_result *r)
{
	const struct naive_access a = { .gva = *gpa, .kind = kind, .user = true };
	const struct mmu_regs *npt = n->npt;
	bool tdp = n->tdp, pdpte_a = n->pdpte_a;
	struct naive_result its;

	n->npt = NULL;
	n->tdp = false;
	n->pdpte_a = true;
	if (way)
		way->nested = true;
	if (is_beyond(npt, *gpa))
		its = (struct naive_result){ .end = NAIVE_FAULT, .error = not_there(npt, kind) };
	else
		naive_walk_way(n, npt, &a, way, set_ad, &its);
	if (way)
		way->nested = false;
	n->npt = npt;
	n->tdp = tdp;
	n->pdpte_a = pdpte_a;
	if (its.end == NAIVE_FAULT) {
		r->end = NAIVE_REFLECT;
		r->error = its.error | (table ? TABLE : FINAL);
		r->ngpa = *gpa;
		*gpa = 0;
		return false;
	}
	if (!table) { /* what both stages allow */
		r->w &= its.w;
		r->u &= its.u;
		r->x &= its.x;
	}
	*gpa = its.gpa; /* whether memory is there is for others to say */
	return true;
}
