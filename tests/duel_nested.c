/* SPDX-License-Identifier: MIT */
/*
 * The guest of the duel as a hypervisor. Its nested tables lie in eight frames that its
 * own tables map as data, and mostly lead every address to itself: so an inner guest
 * finds the tables and pages that the guest has, and now and then others.
 *
 *	frame 19 ---> 20 ---> 21 ---> 22 ---> 23 ---> frames 0..511
 *	5 levels      4 levels   24 --/ \---> pages of 2 MiB
 *	                        PAE
 *	              frame 25 ---> 26 ---> frames 0..1023
 *	              2 levels  \---> pages of 4 MiB
 *
 * Those of 32 bits lead to the same again from each GiB on, where an inner guest's CR3
 * may point.
 *
 * What the guest changes in them by itself counts when it flushes, what the host
 * changes at once; but a PDPTE of PAE only then, too, for nobody watches these four.
 */
#include "tests/duel.h"

#define ROOT5	19ull
#define ROOT4	20ull
#define NPD	22ull
#define NPT	23ull
#define ROOT3	24ull
#define ROOT2	25ull
#define NPT2	26ull
#define QUADRANT 256	/* entries of ROOT2 */
#define LEAVES	32	/* entries of NPT in use, where it is of interest */
#define FULL	0x67ull

static const struct npt {
	u64 frame;
	unsigned size, used;	/* of an entry; entries of interest */
	unsigned weight;
} npts[] = {
	{ ROOT5, 8, 1, 1 }, { ROOT4, 8, 1, 1 }, { ROOT4 + 1, 8, 1, 1 },
	{ NPD, 8, 6, 3 },   { NPT, 8, LEAVES, 9 },
	{ ROOT3, 8, 4, 3 }, { ROOT2, 4, 8, 2 },	{ NPT2, 4, LEAVES, 5 },
};

#define NR_NPTS (sizeof(npts) / sizeof(npts[0]))

struct naive *duel_naive(struct duel *d, const struct sim_cpu *cpu)
{
	bool nested = cpu->inner && d->nested[cpu->id].np;

	d->naive.npt = nested ? &d->npt[cpu->id] : NULL;
	d->naive_tdp = duel_cpu_is_tdp(d, cpu);
	/* Of shadowed tables only those of level 1 may be ahead. */
	d->naive.past.levels = d->naive_tdp ? 5 : 1;
	duel_for_library(d, d->for_library);
	return &d->naive;
}

bool duel_nests(const struct duel *d)
{
	bool any = false;

	for (unsigned i = 0; i < d->cpus; i++)
		any |= d->sim.cpu[i].inner && d->nested[i].np;
	return any;
}

/* ---- L1's nested tables ---------------------------------------------------------- */

static u64 identity(const struct npt *npt, u64 index)
{
	switch (npt->frame) {
	case NPT:
	case NPT2:
		return index << PAGE_SHIFT | FULL;
	case NPD:
		if (index)
			return index << 21 | FULL | 0x80;
		break;
	case ROOT2:
		if (index % QUADRANT)
			return index << 22 | FULL | 0x80;
		break;
	case ROOT3: /* no rights there */
		return NPD << PAGE_SHIFT | 1;
	}
	return (npt->frame + 1) << PAGE_SHIFT | FULL;
}

/* The i-th entry of interest: the first ones, and of ROOT2 those of each quadrant. */
static u64 index_of(const struct npt *npt, u64 i)
{
	return npt->frame != ROOT2 || i < 4 ? i : i % 4 * QUADRANT;
}

static u64 peek(struct duel *d, const struct npt *npt, u64 index)
{
	u64 pte = 0;

	naive_copy(&d->naive, 0, (npt->frame << PAGE_SHIFT) + index * npt->size, &pte, npt->size,
		   false);
	return pte;
}

static void mend_all(struct duel *d)
{
	for (const struct npt *npt = npts; npt < npts + NR_NPTS; npt++)
		for (u64 i = 0; i < npt->used; i++) {
			u64 index = index_of(npt, i);

			if (peek(d, npt, index) != identity(npt, index))
				duel_put(d, NULL, (npt->frame << PAGE_SHIFT) + index * npt->size,
					 identity(npt, index), npt->size);
		}
}

static const struct npt *pick_table(u64 r)
{
	const struct npt *npt = npts;
	unsigned total = 0, at;

	for (unsigned i = 0; i < NR_NPTS; i++)
		total += npts[i].weight;
	for (at = r % total; at >= npt->weight; npt++)
		at -= npt->weight;
	return npt;
}

/* Bits of the others are reserved in it. */
static u64 changed_pdpte(u64 pte, u64 r)
{
	static const u64 frames[] = { NPD, NPD, 5, NPT };

	if (r % 8 < 2)
		return pte ^ 1;
	if (r % 8 == 2)
		return pte ^ BIT(r >> 8 & 7);
	return frames[r >> 8 & 3] << PAGE_SHIFT | 1;
}

static u64 changed(const struct npt *npt, u64 index, u64 pte, u64 r)
{
	if (npt->frame == ROOT3)
		return changed_pdpte(pte, r);
	switch (r % 10) {
	case 0:
	case 1:
		return pte ^ 2;
	case 2:
		return pte ^ 4;
	case 3:
		return pte ^ 1;
	case 4:
		return pte ^ (r >> 8 & 0x60);
	case 5:
		return pte ^ BIT(63);
	case 6:
		return r >> 8 & 1 ? pte ^ 0x80 : pte ^ BIT(51);
	case 7:
	case 8:
		return (r >> 8) % LEAVES << PAGE_SHIFT | FULL;
	default:
		return identity(npt, index);
	}
}

/* ---- in and out ------------------------------------------------------------------- */

static unsigned pick_levels(const struct sim_cpu *cpu, u64 r)
{
	if ((r >> 40) % 8 < 4)
		return 2 + (r >> 40) % 2;
	if ((r >> 9) % 32 == 0 || (cpu->sim->config.tdp_level == 5 && r >> 3 & 1))
		return 5;
	return 4;
}

static struct mmu_nested make_nested(const struct sim_cpu *cpu, u64 r)
{
	static const u64 root[] = { 0, 0, ROOT2, ROOT3, ROOT4, ROOT5 };
	unsigned levels = pick_levels(cpu, r);
	const struct mmu_regs regs = duel_level_regs(levels);
	struct mmu_nested nested = { .np = r % 8 != 0, .cr0 = regs.cr0, .cr4 = regs.cr4,
				     .efer = regs.efer, .ncr3 = root[levels] << PAGE_SHIFT };

	if ((r >> 4) % 32 == 0)
		nested.efer &= ~(u64)EFER_NXE;
	if ((r >> 46) % 16 == 0)
		nested.cr4 &= ~(u64)CR4_PSE;
	if ((r >> 14) % 32 == 0)
		nested.ncr3 = (1 + (r >> 20) % 2) << PAGE_SHIFT; /* its own tables */
	if ((r >> 24) % 32 == 0) {
		nested.cr0 = cpu->regs.cr0;
		nested.cr4 = cpu->regs.cr4;
		nested.efer = cpu->regs.efer;
	}
	return nested;
}

static unsigned npt_levels(const struct mmu_nested *nested)
{
	return duel_levels(&(struct mmu_regs){ .cr0 = nested->cr0, .cr4 = nested->cr4,
					       .efer = nested->efer });
}

static enum mmu_status expected(const struct duel *d, const struct mmu_nested *nested)
{
	if (!nested->np)
		return MMU_OK;
	if (!(nested->cr0 & CR0_PG))
		return MMU_INVAL;
	if (!(nested->efer & EFER_LMA))
		return MMU_OK;
	return nested->cr4 & CR4_LA57 && d->sim.config.tdp_level < 5 ? MMU_NOSUPP : MMU_OK;
}

static void line_vmrun(struct duel *d, const struct sim_cpu *cpu, const struct mmu_nested *nested,
		       const struct mmu_regs *regs, enum mmu_status want)
{
	duel_line(d, "cpu%u: l2regs 0x%llx 0x%llx 0x%llx 0x%llx", cpu->id,
		  (unsigned long long)regs->cr0, (unsigned long long)regs->cr3,
		  (unsigned long long)regs->cr4, (unsigned long long)regs->efer);
	if (nested->np)
		duel_line(d, "cpu%u: vmrun-on 0x%llx 0x%llx 0x%llx 0x%llx%s", cpu->id,
			  (unsigned long long)nested->ncr3, (unsigned long long)nested->cr0,
			  (unsigned long long)nested->cr4, (unsigned long long)nested->efer,
			  want == MMU_OK ? "" : " refused");
	else
		duel_line(d, "cpu%u: vmrun plain", cpu->id);
}

static void vmrun(struct duel *d, struct sim_cpu *cpu, const struct mmu_nested *nested,
		  const struct mmu_regs *regs)
{
	enum mmu_status status, want = expected(d, nested);

	line_vmrun(d, cpu, nested, regs, want);
	status = sim_vmrun(cpu, nested, regs);
	if (status != want)
		duel_fail(d, "VMRUN: %s, naive %s", mmu_status_name(status), mmu_status_name(want));
	if (status != MMU_OK)
		return;
	if (nested->np && npt_levels(nested) == 3 && nested->ncr3 >> PAGE_SHIFT < 32)
		d->naive.past.pdpts |= 1u << (nested->ncr3 >> PAGE_SHIFT);
	d->nested[cpu->id] = *nested;
	d->npt[cpu->id] = (struct mmu_regs){ .cr0 = CR0_PG | CR0_WP, .cr3 = nested->ncr3,
					     .cr4 = nested->cr4, .efer = nested->efer };
	naive_flush(&d->naive.past, cpu->id, ~0u, true);
}

void duel_vmexit(struct duel *d, struct sim_cpu *cpu)
{
	duel_line(d, "cpu%u: vmexit", cpu->id);
	sim_vmexit(cpu);
	naive_flush(&d->naive.past, cpu->id, ~0u, true);
}

void duel_nested_flush(struct duel *d, struct sim_cpu *cpu)
{
	duel_line(d, "cpu%u: vmflush", cpu->id);
	sim_nested_flush(cpu);
	naive_nested_flush(&d->naive.past, cpu->id);
}

void duel_op_vmrun(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	struct mmu_regs regs = duel_mode_regs(op->r[0]);
	struct mmu_nested nested;

	if (!d->tdp_used || cpu->regs.smm)
		return;
	if (op->r[1] % 4 == 0)
		mend_all(d);
	if (cpu->inner)
		duel_vmexit(d, cpu);
	if (op->r[2] % 3 == 0 && cpu->l2_regs.cr0)
		regs = cpu->l2_regs;
	else if (op->r[2] % 3 == 1)
		regs = cpu->regs;
	nested = make_nested(cpu, op->r[3]);
	if (nested.np && npt_levels(&nested) < 4)
		regs.cr3 = (regs.cr3 & BITS(29, 0)) | (op->r[2] >> 16 & 3) << 30;
	if (op->r[2] >> 8 & 1) /* as hypervisors do that have one ASID */
		duel_nested_flush(d, cpu);
	duel_tell(op, "%s, nested tables of %u levels at 0x%llx, L2 has %u, cr3 0x%llx",
		  nested.np ? "nested paging" : "plain", npt_levels(&nested),
		  (unsigned long long)nested.ncr3, duel_levels(&regs),
		  (unsigned long long)regs.cr3);
	vmrun(d, cpu, &nested, &regs);
}

void duel_op_vmexit(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	if (cpu->inner)
		duel_vmexit(d, cpu);
	if (op->r[0] % 4)
		return;
	duel_tell(op, "and no hypervisor any more");
	duel_line(d, "cpu%u: vmoff", cpu->id);
	sim_nested_free(cpu);
}

void duel_op_nflush(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	(void)op;
	duel_nested_flush(d, cpu);
}

/* The vCPU leaves its guest for a change of the tables, and goes on with it. */
static void change_between(struct duel *d, struct sim_cpu *cpu, struct duel_op *op, gpa_t entry,
			   u64 value, unsigned size)
{
	bool inner = cpu->inner;

	if (inner)
		duel_vmexit(d, cpu);
	duel_store(d, cpu, op, entry, value, size, op->r[3]);
	if (op->r[2] >> 16 & 1)
		duel_nested_flush(d, cpu);
	if (inner) {
		const struct mmu_regs regs = cpu->l2_regs;
		const struct mmu_nested nested = d->nested[cpu->id];

		vmrun(d, cpu, &nested, &regs);
	}
}

void duel_op_nedit(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	const struct npt *npt = pick_table(op->r[0]);
	u64 index = index_of(npt, (op->r[0] >> 8) % npt->used), value;
	gpa_t entry = (npt->frame << PAGE_SHIFT) + index * npt->size;

	if (!d->tdp_used)
		return;
	value = changed(npt, index, peek(d, npt, index), op->r[1]);
	duel_tell(op, "0x%llx = 0x%llx", (unsigned long long)entry,
		  (unsigned long long)value);
	if (op->r[2] % 4 == 0)
		duel_put(d, NULL, entry, value, npt->size);
	else if (op->r[2] % 4 == 1 || cpu->regs.smm)
		duel_store(d, &d->sim.cpu[op->r[3] % d->cpus], op, entry, value, npt->size,
			   op->r[3]);
	else
		change_between(d, cpu, op, entry, value, npt->size);
	if (op->r[2] >> 17 & 1) /* while the inner guest runs on */
		duel_nested_flush(d, cpu);
}
