/* SPDX-License-Identifier: MIT */
/*
 * What a vCPU of the duel may still believe: accesses that went by it, and what its
 * TLB would let pass.
 */
#include <string.h>
#include "tests/duel.h"

/* Where in ram the TLB leads; ~0: nowhere in it. */
u64 duel_tlb_offset(const struct duel *d, const struct tlb_entry *e, gva_t gva)
{
	hpa_t hpa = tlb_hpa(e, gva);

	return hpa - d->ram_hpa < DUEL_RAM ? hpa - d->ram_hpa : ~0ull;
}

u64 duel_offset(struct duel *d, unsigned as, gpa_t gpa)
{
	bool readonly;
	u8 *at = naive_memory(&d->naive, as, gpa, &readonly);

	return at ? (u64)(at - d->naive.ram) : ~0ull;
}

struct search {
	struct duel *d;
	unsigned as;
	enum naive_end end;	/* how it must end */
	u64 offset;		/* NAIVE_OK: where in ram it must lead */
	bool found;
};

static bool leads_there(void *arg, const struct naive_result *r)
{
	struct search *s = arg;

	s->found |= r->end == s->end &&
		    (r->end != NAIVE_OK || duel_offset(s->d, s->as, r->gpa) == s->offset);
	return s->found;
}

static bool may_end(struct duel *d, const struct sim_cpu *cpu, const struct naive_access *a,
		    enum naive_end end, u64 offset)
{
	struct search s = { .d = d, .as = cpu->regs.smm, .end = end, .offset = offset };

	return !naive_ways(duel_naive(d, cpu), cpu->id, &cpu->regs, a, leads_there, &s) || s.found;
}

/* May the vCPU believe that the access goes to offset? */
static bool may_go(struct duel *d, const struct sim_cpu *cpu, const struct naive_access *a,
		   u64 offset)
{
	return may_end(d, cpu, a, NAIVE_OK, offset);
}

static bool never(void *arg, const struct naive_result *r)
{
	(void)arg;
	(void)r;
	return false;
}

bool duel_past_counts(struct duel *d, const struct sim_cpu *cpu, const struct naive_access *na)
{
	return naive_ways(duel_naive(d, cpu), cpu->id, &cpu->regs, na, never, NULL) != 1;
}

/* What would come of the access now. */
static void expect_now(struct duel *d, const struct sim_cpu *cpu, const struct naive_access *na)
{
	struct naive_access again = *na;
	struct naive_result now;

	naive_do(duel_naive(d, cpu), &cpu->regs, &again, &now);
	duel_expect(d, &again, &now);
}

/* The hardware went by itself, and there is more than one way. */
void duel_compare_past(struct duel *d, struct sim_cpu *cpu, const struct sim_access *a,
		       const struct naive_access *na)
{
	const struct tlb_entry *e = tlb_find(&cpu->tlb, a->gva);
	u64 offset = e ? duel_tlb_offset(d, e, a->gva) : ~0ull, value = a->value;
	struct naive_result now;

	naive_walk(duel_naive(d, cpu), &cpu->regs, na, false, &now);
	if (offset == ~0ull || !may_go(d, cpu, na, offset)) {
		expect_now(d, cpu, na);
		duel_fail(d, "gva 0x%llx %s %s: it went to 0x%llx of RAM%s, where it never led "
			  "since the vCPU forgot it", (unsigned long long)a->gva,
			  a->user ? "user" : "supervisor", duel_kind_name(a->kind),
			  (unsigned long long)offset, a->tlb_hit ? ", by the TLB" : "");
		return;
	}
	duel_line_result(d, SIM_OK, 0, a->kind == HW_WRITE ? NULL : &a->value);
	d->windows++;
	d->stale += now.end != NAIVE_OK || duel_offset(d, cpu->regs.smm, now.gpa) != offset;
	if (a->kind == HW_WRITE) {
		naive_past_write(&d->naive.past, d->naive.ram, offset);
		memcpy(d->naive.ram + offset, &value, a->size);
		naive_touch(&d->naive, cpu->regs.smm, d->naive.ram + offset);
	} else if (memcmp(d->naive.ram + offset, &value, a->size)) {
		duel_fail(d, "gva 0x%llx: value 0x%llx, which is not at 0x%llx of RAM",
			  (unsigned long long)a->gva, (unsigned long long)value,
			  (unsigned long long)offset);
	}
}

/*
 * Shadow tables remember device memory, too, and there are several ways. If this
 * was remembered, today's entries have not got A and D; else they have.
 */
void duel_compare_past_mmio(struct duel *d, struct sim_cpu *cpu, const struct naive_access *na)
{
	struct naive_result now;

	naive_walk(duel_naive(d, cpu), &cpu->regs, na, false, &now);
	duel_line_result(d, SIM_MMIO, 0, NULL);
	d->windows++;
	if (!may_end(d, cpu, na, NAIVE_MMIO, 0)) {
		duel_fail(d, "gva 0x%llx: device memory, where none was since the vCPU forgot it",
			  (unsigned long long)na->gva);
		return;
	}
	for (unsigned level = now.level; level <= duel_levels(&cpu->regs); level++) {
		u64 at = duel_offset(d, cpu->regs.smm, now.entry[level]);
		const u8 *real = d->sim.mem.base + d->ram_hpa + at;

		if (at != ~0ull && !((real[0] ^ d->naive.ram[at]) & ~0x60))
			d->naive.ram[at] = real[0];
	}
}

/* ---- what the TLB holds --------------------------------------------------------- */

/* Everything that the entry lets pass must be allowed, or have been. */
static void check_entry(struct duel *d, struct sim_cpu *cpu, const struct tlb_entry *e, bool ac)
{
	struct hw_stage stage[2];

	sim_stages(cpu, stage);
	for (unsigned i = 0; i < 6; i++) {
		const struct hw_access a = { e->gva, i % 3, i / 3, ac };
		const struct hw_access below = { e->gva, i % 3, true, false };
		const struct naive_access na = { e->gva, i % 3, i / 3, ac, 1, 0 };

		if (!hw_allows(&stage[0], e->access, &a) ||
		    (duel_cpu_is_tdp(d, cpu) && !hw_allows(&stage[1], e->below_access, &below)) ||
		    (a.kind == HW_WRITE && !e->dirty))
			continue;
		if (may_go(d, cpu, &na, duel_tlb_offset(d, e, e->gva)))
			continue;
		duel_line_access(d, cpu, &(struct sim_access){ .gva = a.addr, .kind = a.kind,
							       .user = a.user, .ac = ac, .size = 1 });
		expect_now(d, cpu, &na);
		duel_fail(d, "the TLB lets gva 0x%llx %s %s pass to 0x%llx of RAM, which was "
			  "never allowed since the vCPU forgot it", (unsigned long long)e->gva,
			  a.user ? "user" : "supervisor", duel_kind_name(a.kind),
			  (unsigned long long)duel_tlb_offset(d, e, e->gva));
	}
}

void duel_check_tlb(struct duel *d, struct sim_cpu *cpu)
{
	for (unsigned i = 0; i < TLB_ENTRIES; i++)
		if (cpu->tlb.entry[i].used)
			check_entry(d, cpu, &cpu->tlb.entry[i], cpu->regs.ac);
}
