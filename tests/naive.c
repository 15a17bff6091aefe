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

void naive_touch(struct naive *n, unsigned as, const u8 *at)
{
	if (n->touched[as])
		n->touched[as][(at - n->ram) / 4096] = 1;
}

void naive_walk(struct naive *n, const struct mmu_regs *regs, const struct naive_access *a,
		bool set_ad, struct naive_result *r)
{
	naive_walk_way(n, regs, a, NULL, set_ad, r);
}

/* The ways an access may go, as they are found. */
struct ways {
	bool (*visit)(void *arg, const struct naive_result *r);
	void *arg;
	unsigned open, tried;
	bool stop, lost;
};

/* The ways through these tables; root: they are others than the vCPU has now. */
static void ways_through(struct naive *n, unsigned cpu, const struct mmu_regs *regs,
			 const struct naive_access *a, const struct naive_root *root,
			 struct ways *w)
{
	struct naive_way way = { .cpu = cpu, .gva = a->gva, .until = ~0ull,
				 .nested_until = ~0ull,
				 .pcid = naive_pcid(regs) };
	struct naive_result r;
	bool global;

	do {
		naive_walk_way(n, regs, a, &way, false, &r);
		w->lost |= way.lost || w->tried++ == NAIVE_WAYS;
		global = r.global && regs->cr4 & 0x80;
		if (root && root->until < way.until)
			way.until = root->until;
		if (w->lost || (root && (!global || r.end != NAIVE_OK)) ||
		    !naive_way_is_open(&n->past, &way, global))
			continue;
		w->open++;
		r.way = &way;
		w->stop = w->visit(w->arg, &r);
	} while (!w->stop && !w->lost && naive_next_way(&way));
}

unsigned naive_ways(struct naive *n, unsigned cpu, const struct mmu_regs *regs,
		    const struct naive_access *a,
		    bool (*visit)(void *arg, const struct naive_result *r), void *arg)
{
	const struct naive_flushes *f = &n->past.flushes[cpu];
	struct ways w = { .visit = visit, .arg = arg };
	struct mmu_regs old = *regs;

	ways_through(n, cpu, regs, a, NULL, &w);
	for (unsigned i = 0; i < NAIVE_ROOTS && !w.stop && !w.lost; i++) {
		if (f->root[i].until <= f->all || f->root[i].cr3 == regs->cr3)
			continue;
		old.cr3 = f->root[i].cr3;
		ways_through(n, cpu, &old, a, &f->root[i], &w);
	}
	return w.lost ? 0 : w.open;
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
	bool readonly, known;

	for (; done < len; done += part) {
		u8 *at = naive_memory(n, as, gpa + done, &readonly);

		part = 8 - (gpa + done) % 8; /* word by word */
		if (part > len - done)
			part = len - done;
		if (!at || (write && readonly))
			break;
		if (write) {
			naive_touch(n, as, at);
			known = n->past.settled && !naive_left_pdpte(&n->past, gpa + done);
			if (!known)
				naive_past_write(&n->past, n->ram, at - n->ram);
			memcpy(at, (u8 *)buf + done, part);
			if (known)
				naive_past_settle(&n->past, n->ram, at - n->ram, part);
		} else {
			memcpy((u8 *)buf + done, at, part);
		}
	}
	return done;
}
