/* SPDX-License-Identifier: MIT */
/*
 * The guest of the duel as a kernel: it changes its own tables, by stores through
 * whatever address its tables map them at. So nobody need notice, and the vCPUs may
 * go on as before until they forget.
 */
#include "tests/duel.h"

#define TRIES 24	/* addresses looked at to find one that leads to a table */

static bool writes_to(struct duel *d, const struct sim_cpu *cpu, gva_t gva, gpa_t gpa, gva_t *via)
{
	const struct naive_access na = { .gva = (gva & PAGE_MASK) | (gpa & ~PAGE_MASK),
					 .kind = NAIVE_WRITE, .size = 1 };
	struct naive_result nr;

	naive_walk(duel_naive(d, cpu), &cpu->regs, &na, false, &nr);
	*via = na.gva;
	return nr.end == NAIVE_OK && nr.gpa == gpa;
}

/* An address at which the vCPU's kernel can write to gpa. */
static bool find_alias(struct duel *d, const struct sim_cpu *cpu, gpa_t gpa, u64 r, gva_t *via)
{
	gva_t *known = &d->alias[(gpa >> PAGE_SHIFT) % DUEL_ALIASES];

	if (writes_to(d, cpu, duel_usable(cpu, *known), gpa, via) ||
	    writes_to(d, cpu, duel_usable(cpu, gpa), gpa, via))
		return true;
	for (unsigned i = 0; i < TRIES; i++) {
		*known = duel_usable(cpu, duel_gva(&cpu->regs, sched_random(&r)));
		if (writes_to(d, cpu, *known, gpa, via))
			return true;
	}
	return false;
}

/* The entry where the walk for gva ends; mostly of the lowest table. */
static gpa_t last_entry(struct duel *d, const struct sim_cpu *cpu, gva_t gva, unsigned *level)
{
	const struct naive_access na = { .gva = gva };
	struct naive_result nr;

	naive_walk(duel_naive(d, cpu), &cpu->regs, &na, false, &nr);
	*level = nr.level;
	return nr.entry[nr.level];
}

/* The host maps the table at an address where a table of the lowest level is. */
static bool make_alias(struct duel *d, struct sim_cpu *cpu, gpa_t gpa, u64 r, gva_t *via)
{
	for (unsigned i = 0; i < DUEL_RECENT; i++) {
		gva_t gva = duel_recent(d, cpu, r + i) ^ (r >> 32 & 3) << PAGE_SHIFT;
		unsigned level;
		gpa_t entry = last_entry(d, cpu, gva, &level);

		if (level != 1 || entry == gpa)
			continue;
		duel_put(d, cpu, entry, (gpa & PAGE_MASK) | 0x63 | (r >> 34 & 4),
			 duel_levels(&cpu->regs) == 2 ? 4 : 8);
		d->alias[(gpa >> PAGE_SHIFT) % DUEL_ALIASES] = gva;
		return writes_to(d, cpu, gva, gpa, via);
	}
	return false;
}

/* What a kernel does to an entry: other rights, other frames, none. */
static u64 edited(const struct duel *d, const struct sim_cpu *cpu, u64 pte, unsigned level, u64 r)
{
	(void)d;
	switch (r >> 8 & 7) {
	case 0:
	case 1:
		return pte ^ 2;
	case 2:
		return pte ^ 4;
	case 3:
		return pte ^ 1;
	case 4:
		return pte ^ (r >> 11 & 0x60);
	case 5:
		if (level > 1 && r >> 17 & 1)
			return pte ^ 0x80; /* a large page on the table's frame */
		return r >> 16 & 1 ? 0 : pte ^ 0x100;
	default:
		return duel_pte_for(&cpu->regs, level, r >> 16);
	}
}

bool duel_store(struct duel *d, struct sim_cpu *cpu, struct duel_op *op, gpa_t gpa, u64 value,
		unsigned size, u64 r)
{
	struct sim_access a = { .kind = HW_WRITE, .size = size, .value = value };

	if (!find_alias(d, cpu, gpa, r, &a.gva) && !make_alias(d, cpu, gpa, r, &a.gva))
		return false;
	if (size == 4)
		a.value &= BITS(31, 0);
	duel_access(d, cpu, op, &a);
	d->edits++;
	d->unseen += a.outcome == SIM_OK && !a.emulated;
	return true;
}

void duel_op_edit(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	struct sim_cpu *writer = op->r[3] % 4 ? cpu : &d->sim.cpu[op->r[3] / 4 % d->cpus];
	gva_t gva = duel_recent(d, cpu, op->r[0]);
	unsigned level, size = duel_levels(&cpu->regs) == 2 ? 4 : 8;
	gpa_t entry = last_entry(d, cpu, gva, &level);
	u64 pte = 0;

	if (duel_levels(&cpu->regs) == 3 && level == 3) /* see PDPTS in duel_guest.c */
		return;
	if (!entry || naive_copy(&d->naive, cpu->regs.smm, entry, &pte, size, false) != size)
		return;
	if (!duel_store(d, writer, op, entry, edited(d, cpu, pte, level, op->r[2]), size, op->r[1]))
		return;
	duel_remember(d, gva);
	if (op->r[3] >> 16 & 1) /* as kernels do */
		duel_invlpg(d, cpu, gva);
}
