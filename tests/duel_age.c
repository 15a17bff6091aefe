/* SPDX-License-Identifier: MIT */
/*
 * The duel: aging. What the hardware walked to must be young; where nobody can have
 * been, old; what was made old is old at once. What the TLB did alone set no A bit: that
 * may be either.
 *
 * Kept by where memory is, since walks through guest tables of the past arrive
 * somewhere, too.
 */
#include <string.h>
#include "mmu/age.h"
#include "mmu/internal.h"
#include "tests/duel.h"

/* A slot that goes takes along what is known of its frames. */
static void forget_old_slots(struct duel *d)
{
	for (unsigned as = 0; as < MMU_NR_AS; as++) {
		u64 generation = d->sim.vm->slots[as].generation;

		if (d->age.generation[as] == generation)
			continue;
		d->age.generation[as] = generation;
		memset(d->age.walked, 0, sizeof(d->age.walked));
		memset(d->age.maybe, true, sizeof(d->age.maybe));
	}
}

void duel_age_storm(struct duel *d)
{
	memset(d->age.maybe, true, sizeof(d->age.maybe));
}

static void may_be_young(struct duel *d, unsigned as, gpa_t gpa)
{
	u64 block = gpa / level_bytes(LEVEL_2M);

	if (block < DUEL_AGE_BLOCKS)
		d->age.maybe[as][block] = true;
}

void duel_age_access(struct duel *d, unsigned as, struct sim_cpu *cpu, const struct sim_access *a,
		     const struct naive_result *nr)
{
	const struct tlb_entry *e = tlb_find(&cpu->tlb, a->gva);
	u64 offset = e ? duel_tlb_offset(d, e, a->gva) : ~0ull;

	forget_old_slots(d);
	if (a->outcome == SIM_OK && !a->tlb_hit && !a->emulated && offset != ~0ull)
		d->age.walked[as][offset >> PAGE_SHIFT] = true;
	if (!nr)
		duel_age_storm(d);
	for (unsigned level = 1; nr && level < 6; level++)
		may_be_young(d, as, nr->entry[level]);
	if (nr)
		may_be_young(d, as, nr->gpa);
}

/* ---- what it must be ------------------------------------------------------------ */

/* The two address spaces have the same memory there. */
static bool is_twin(struct duel *d, gpa_t gpa)
{
	return duel_offset(d, 0, gpa) != ~0ull && duel_offset(d, 0, gpa) == duel_offset(d, 1, gpa);
}

static bool must_be_young(struct duel *d, unsigned as, gpa_t gpa)
{
	u64 frame = duel_offset(d, as, gpa) >> PAGE_SHIFT;

	return d->age.walked[as][frame] || (is_twin(d, gpa) && d->age.walked[!as][frame]);
}

static bool can_be_young(struct duel *d, unsigned as, gpa_t gpa)
{
	u64 block = gpa / level_bytes(LEVEL_2M);

	return d->age.maybe[as][block] || (is_twin(d, gpa) && d->age.maybe[!as][block]);
}

static void judge(struct duel *d, unsigned as, gfn_t gfn, struct mmu_age age, bool cleared)
{
	gpa_t gpa = gfn << PAGE_SHIFT;
	bool memory = duel_offset(d, as, gpa) != ~0ull;
	const char *want = NULL;

	if (!memory && age.is != MMU_AGE_UNKNOWN)
		want = "unknown";
	else if (memory && !cleared && must_be_young(d, as, gpa) && age.is != MMU_AGE_YOUNG)
		want = "young";
	else if (memory && (cleared || !can_be_young(d, as, gpa)) && age.is != MMU_AGE_OLD)
		want = "old";
	else if (memory && age.is == MMU_AGE_UNKNOWN)
		want = "young or old";
	if (!want)
		return;
	duel_line(d, "expect %s 0x%llx 4K %u", want, (unsigned long long)gpa, as);
	duel_fail(d, "gfn 0x%llx of address space %u is %s, must be %s%s", (unsigned long long)gfn,
		  as, mmu_age_name(age), want, cleared ? ": it was made so" : "");
}

/* ---- the operation --------------------------------------------------------------- */

static void ask(struct duel *d, unsigned as, gfn_t start, gfn_t end, bool clear, bool cleared)
{
	u64 young[MMU_AGE_WORDS(DUEL_AGE_FRAMES)], known[MMU_AGE_WORDS(DUEL_AGE_FRAMES)];
	const struct mmu_age_bitmap bitmap = { young, known };

	if (clear)
		mmu_age_bitmap(d->sim.vm, as, start, end, &bitmap);
	else
		mmu_test_age_bitmap(d->sim.vm, as, start, end, &bitmap);
	for (gfn_t gfn = start; gfn < end && !d->failure[0]; gfn++)
		judge(d, as, gfn, mmu_age_bitmap_get(&bitmap, gfn - start), cleared);
}

/* What is old now; of a block, if all of it is. */
static void made_old(struct duel *d, unsigned as, gfn_t start, gfn_t end)
{
	for (gfn_t gfn = start; gfn < end; gfn++) {
		gpa_t gpa = gfn << PAGE_SHIFT;
		u64 offset = duel_offset(d, as, gpa);

		if (offset == ~0ull)
			continue;
		d->age.walked[as][offset >> PAGE_SHIFT] = false;
		if (is_twin(d, gpa))
			d->age.walked[!as][offset >> PAGE_SHIFT] = false;
	}
	for (u64 block = 0; block < DUEL_AGE_BLOCKS; block++)
		if (start <= block * 512 && end >= (block + 1) * 512)
			d->age.maybe[as][block] = false;
}

void duel_op_age(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	unsigned as = op->r[1] >> 8 & 1;
	gfn_t start = op->r[0] % DUEL_AGE_FRAMES;
	gfn_t end = start + 1 + op->r[2] % (DUEL_AGE_FRAMES - start);
	bool clear = op->r[1] & 1;

	(void)cpu;
	if (op->r[1] >> 9 & 1) {
		start = 0;
		end = DUEL_AGE_FRAMES;
	}
	forget_old_slots(d);
	duel_tell(op, "%s 0x%llx to 0x%llx of address space %u", clear ? "age" : "test",
		  (unsigned long long)start, (unsigned long long)end, as);
	ask(d, as, start, end, false, false);
	if (!clear || d->failure[0])
		return;
	duel_line(d, "age 0x%llx 0x%llx %u", (unsigned long long)start << PAGE_SHIFT,
		  (unsigned long long)(end - start) << PAGE_SHIFT, as);
	ask(d, as, start, end, true, false);
	ask(d, as, start, end, false, true);
	made_old(d, as, start, end);
}
