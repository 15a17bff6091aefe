/* SPDX-License-Identifier: MIT */
/* The naive MMU: memory, accesses, and all the ways an access may go. */
#include "tests/naive.h"
#include <string.h>

u8 *naive_memory(struct naive *n, unsigned as, gpa_t gpa, bool *readonly)
{
	for (unsigned i = 0; i < NAIVE_SLOTS; i++) {
		const struct naive_slot *s = &n->slot[i];

		if (!s->used || s->as != as || gpa / 4096 < s->gfn ||
		    gpa / 4096 >= s->gfn + s->npages)
			continue;
		*readonly = s->readonly;
		return n->ram + s->offset + (gpa - s->gfn * 4096);
	}
	return NULL;
}

void naive_walk(struct naive *n, const struct mmu_regs *regs, const struct naive_access *a,
		bool set_ad, struct naive_result *r)
{
	naive_walk_way(n, regs, a, NULL, set_ad, r);
}

unsigned naive_ways(struct naive *n, unsigned cpu, const struct mmu_regs *regs,
		    const struct naive_access *a,
		    bool (*visit)(void *arg, const struct naive_result *r), void *arg)
{
	struct naive_way way = { .cpu = cpu, .gva = a->gva, .until = ~0ull };
	unsigned open = 0, tried = 0;
	struct naive_result r;

	do {
		naive_walk_way(n, regs, a, &way, false, &r);
		if (way.lost || tried++ == NAIVE_WAYS)
			return 0;
		if (!naive_way_is_open(&n->past, &way, r.global && regs->cr4 & 0x80))
			continue;
		open++;
		if (visit(arg, &r))
			return open;
	} while (naive_next_way(&way));
	return open;
}

void naive_do(struct naive *n, const struct mmu_regs *regs, struct naive_access *a,
	      struct naive_result *r)
{
	naive_walk(n, regs, a, true, r);
	if (r->end != NAIVE_OK)
		return;
	if (a->kind != NAIVE_WRITE)
		a->value = 0;
	naive_copy(n, regs->smm, r->gpa, &a->value, a->size, a->kind == NAIVE_WRITE);
}

size_t naive_copy(struct naive *n, unsigned as, gpa_t gpa, void *buf, size_t len, bool write)
{
	size_t done = 0, part;
	bool readonly;

	for (; done < len; done += part) {
		u8 *at = naive_memory(n, as, gpa + done, &readonly);

		part = 8 - (gpa + done) % 8; /* word by word */
		if (part > len - done)
			part = len - done;
		if (!at || (write && readonly))
			break;
		if (write) {
			if (!n->past.settled)
				naive_past_write(&n->past, n->ram, at - n->ram);
			memcpy(at, (u8 *)buf + done, part);
			if (n->past.settled)
				naive_past_settle(&n->past, n->ram, at - n->ram, part);
		} else {
			memcpy((u8 *)buf + done, at, part);
		}
	}
	return done;
}
