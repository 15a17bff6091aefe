/* SPDX-License-Identifier: MIT */
/*
 * Accesses of an inner guest on nested tables, judged by what the naive MMU composes.
 * If the past of neither stage counts there is one way: the outcome, the place and all
 * A and D are exactly its. Else the hardware may have gone any way, and the library,
 * which walks the nested tables of today, may have met it there.
 */
#include <string.h>
#include "tests/duel.h"

struct inner_search {
	struct duel *d;
	const struct sim_access *a;
	u64 offset;	/* SIM_OK: where in ram it went */
	u64 written;	/* a word that the access itself changed, not yet naive's; ~0: none */
	u64 walked;	/* A and D of entries there that some way takes */
	bool found;
	bool taken;	/* A or D, of an entry where naive had none */
};

/* The hardware's A and D, in an entry that one way takes. */
static void take_ad(struct inner_search *s, u64 offset)
{
	struct duel *d = s->d;
	u64 *naive = (u64 *)(d->naive.ram + (offset & ~7ull)), real;

	memcpy(&real, d->sim.mem.base + d->ram_hpa + (offset & ~7ull), 8);
	if ((real ^ *naive) & ~0x6000000060ull)
		return;
	if (!(real & ~*naive))
		return;
	naive_past_ad(&d->naive.past, d->naive.ram, offset);
	*naive |= real;
	s->taken = true;
}

static bool look_at_way(void *arg, const struct naive_result *r)
{
	struct inner_search *s = arg;
	const struct sim_access *a = s->a;

	for (unsigned i = 0; i < r->way->depth; i++)
		if ((r->way->offset[i] & ~7ull) != s->written)
			take_ad(s, r->way->offset[i]);
		else
			s->walked |= 0x60ull << r->way->offset[i] % 8 * 8;
	if (!duel_ends_as(a, r->end))
		return false;
	if (a->outcome == SIM_OK)
		s->found |= duel_offset(s->d, 0, r->gpa) == s->offset;
	else if (a->outcome == SIM_REFLECT)
		s->found |= r->error == a->error && r->ngpa == a->ngpa;
	else
		s->found |= a->outcome != SIM_FAULT || r->error == a->error;
	return false;
}

/* Could it end so, on one of the ways? Takes over A and D that may come of them; where
 * these make an entry of nested tables unusable, there are other ways then. */
static bool could_be(struct inner_search *s, const struct sim_cpu *cpu, const struct mmu_regs *regs,
		     const struct naive_access *na)
{
	bool few;

	do {
		s->taken = false;
		few = naive_ways(&s->d->naive, cpu->id, regs, na, look_at_way, s);
	} while (few && !s->found && s->taken);
	if (few)
		return s->found;
	s->d->lost++;
	for (u64 at = 0; at < 32 * PAGE_SIZE; at += 8)
		if (at != s->written)
			take_ad(s, at);
	return true;
}

static bool is_it(const struct sim_access *a, const struct naive_result *nr)
{
	return duel_ends_as(a, nr->end) &&
	       ((a->outcome != SIM_FAULT && a->outcome != SIM_REFLECT) || a->error == nr->error) &&
	       (a->outcome != SIM_REFLECT || a->ngpa == nr->ngpa);
}

static void compare_now(struct duel *d, struct sim_cpu *cpu, const struct mmu_regs *regs,
			const struct sim_access *a, const struct naive_access *na)
{
	const struct tlb_entry *e = tlb_find(&cpu->tlb, a->gva);
	struct naive_access again = *na;
	struct naive_result nr;

	naive_walk(&d->naive, regs, na, false, &nr);
	if (a->emulated && !is_it(a, &nr))
		duel_for_library(d, true);
	for (unsigned i = 0; i < 2 && nr.own && a->outcome == SIM_FAULT; i++)
		naive_walk(&d->naive, regs, na, true, &nr); /* it needed two walks */
	naive_do(&d->naive, regs, &again, &nr);
	duel_for_library(d, false);
	duel_expect(d, &again, &nr);
	if (!is_it(a, &nr))
		duel_fail(d, "L2's gva 0x%llx %s %s: %s, error 0x%llx, nGPA 0x%llx, naive's end is %u, 0x%llx "
			  "0x%llx", (unsigned long long)a->gva, a->user ? "user" : "supervisor",
			  duel_kind_name(a->kind), sim_outcome_name(a->outcome),
			  (unsigned long long)a->error, (unsigned long long)a->ngpa,
			  nr.end, (unsigned long long)nr.error,
			  (unsigned long long)nr.ngpa);
	else if (a->outcome == SIM_OK && a->value != again.value)
		duel_fail(d, "L2's gva 0x%llx: value 0x%llx, naive 0x%llx",
			  (unsigned long long)a->gva, (unsigned long long)a->value,
			  (unsigned long long)again.value);
	else if (a->outcome == SIM_OK && !a->emulated &&
		 (!e || duel_tlb_offset(d, e, a->gva) != duel_offset(d, 0, nr.gpa)))
		duel_fail(d, "L2's gva 0x%llx: it went to 0x%llx of RAM, naive 0x%llx",
			  (unsigned long long)a->gva,
			  (unsigned long long)(e ? duel_tlb_offset(d, e, a->gva) : 0),
			  (unsigned long long)duel_offset(d, 0, nr.gpa));
}

/* There is more than one way, and the hardware went. */
static void compare_ways(struct duel *d, struct sim_cpu *cpu, const struct mmu_regs *regs,
			 const struct sim_access *a, const struct naive_access *na)
{
	const struct tlb_entry *e = tlb_find(&cpu->tlb, a->gva);
	struct inner_search s = { .d = d, .a = a, .written = ~0ull };
	bool ok;

	d->windows++;
	/* Nor is it known which tables have A and D of that way. */
	duel_log_storm(d);
	s.offset = e ? duel_tlb_offset(d, e, a->gva) : ~0ull;
	if (a->outcome == SIM_OK && a->kind == HW_WRITE)
		s.written = s.offset & ~7ull;
	ok = could_be(&s, cpu, regs, na);
	if (!ok && a->emulated) {
		duel_for_library(d, true);
		ok = could_be(&s, cpu, regs, na);
		duel_for_library(d, false);
	}
	duel_line_result(d, SIM_STUCK, 0, NULL);
	if (!ok)
		duel_fail(d, "L2's gva 0x%llx %s %s: %s at 0x%llx, error 0x%llx, nGPA 0x%llx%s, which "
			  "no way has led to since it was forgotten", (unsigned long long)a->gva,
			  a->user ? "user" : "supervisor", duel_kind_name(a->kind),
			  sim_outcome_name(a->outcome), (unsigned long long)s.offset,
			  (unsigned long long)a->error, (unsigned long long)a->ngpa,
			  a->tlb_hit ? ", by the TLB" : "");
	if (a->outcome != SIM_OK || s.offset == ~0ull)
		return;
	if (a->kind != HW_WRITE) {
		if (memcmp(d->naive.ram + s.offset, &a->value, a->size))
			duel_fail(d, "L2's gva 0x%llx: value 0x%llx is not at 0x%llx of RAM",
				  (unsigned long long)a->gva, (unsigned long long)a->value,
				  (unsigned long long)s.offset);
		return;
	}
	naive_past_write(&d->naive.past, d->naive.ram, s.offset);
	if (s.walked) { /* what the walk may have left there, before the store */
		u64 *word = (u64 *)(d->naive.ram + s.written), was = *word;

		*word |= s.walked;
		naive_past_write(&d->naive.past, d->naive.ram, s.offset);
		*word = was;
	}
	memcpy(d->naive.ram + s.offset, &a->value, a->size);
	naive_touch(&d->naive, regs->smm, d->naive.ram + s.offset);
	s.written = ~0ull;
	could_be(&s, cpu, regs, na);
}

static bool any_way(void *arg, const struct naive_result *r)
{
	(void)arg;
	(void)r;
	return false;
}

void duel_inner_judge(struct duel *d, struct sim_cpu *cpu, const struct mmu_regs *regs,
		      const struct sim_access *a, const struct naive_access *na)
{
	struct inner_search s = { .d = d, .a = a, .written = ~0ull };
	bool several;

	d->inner++;
	d->reflected += a->outcome == SIM_REFLECT;
	d->naive.npt = &d->npt[cpu->id];
	several = naive_ways(&d->naive, cpu->id, regs, na, any_way, NULL) != 1;
	d->naive.past.told = a->emulated;
	if (a->emulated ? a->outcome == SIM_REFLECT || (several && a->outcome != SIM_OK) : several) {
		compare_ways(d, cpu, regs, a, na);
	} else { /* what the library does, it does by the tables of today */
		compare_now(d, cpu, regs, a, na);
		if (several)
			could_be(&s, cpu, regs, na);
	}
	d->naive.past.told = false;
	if (a->outcome == SIM_REFLECT)
		naive_flush(&d->naive.past, cpu->id, ~0u, true);
}
