/* SPDX-License-Identifier: MIT */
/*
 * The naive MMU's nested tables: a guest (L1) has a guest of its own (L2). Whatever L2
 * calls physical, its tables or its pages, is looked up in L1's nested tables first:
 * four or five levels in long mode, each access is a user's. A table of L2's is written
 * to, for its A and D. Nobody but the library walks L1's tables, so these may lie in
 * read-only memory; one that lies nowhere has no entries.
 */
#include "tests/naive.h"

/* AMD64 Manual volume 2, 15.25.6 "Nested versus Guest Page Faults, Fault Ordering". */
#define FINAL ((u64)1 << 32)
#define TABLE ((u64)1 << 33)

bool naive_place(struct naive *n, gpa_t *gpa, enum naive_kind kind, bool table,
		 struct naive_way *way, bool set_ad, struct naive_result *r)
{
	const struct naive_access a = { .gva = *gpa, .kind = kind, .user = true };
	const struct mmu_regs *npt = n->npt;
	struct naive_result its;
	bool tdp = n->tdp;

	n->npt = NULL;
	n->tdp = false;
	if (way)
		way->nested = true;
	naive_walk_way(n, npt, &a, way, set_ad, &its);
	if (way)
		way->nested = false;
	n->npt = npt;
	n->tdp = tdp;
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
