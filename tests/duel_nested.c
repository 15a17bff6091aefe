/* SPDX-License-Identifier: MIT */
/*
 * The guest of the duel as a hypervisor. Its nested tables lie in five frames that its
 * own tables map as data, and mostly lead every address to itself: so an inner guest
 * finds the tables and pages that the guest has, and now and then others.
 *
 *	frame 19 ---> 20 ---> 21 ---> 22 ---> 23 ---> frames 0..511
 *	5 levels      4 levels          \---> pages of 2 MiB
 *
 * What the guest changes in them by itself counts when it flushes, what the host
 * changes at once.
 */
#include "tests/duel.h"

#define ROOT5	19ull
#define ROOT4	20ull
#define NPD	22ull
#define NPT	23ull
#define LARGE	6	/* entries of NPD in use */
#define LEAVES	32	/* entries of NPT in use, where it is of interest */
#define FULL	0x67ull

struct naive *duel_naive(struct duel *d, const struct sim_cpu *cpu)
{
	bool nested = cpu->inner && d->nested[cpu->id].np;

	d->naive.npt = nested ? &d->npt[cpu->id] : NULL;
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

static u64 identity(gpa_t entry)
{
	u64 table = entry >> PAGE_SHIFT, index = (entry & ~PAGE_MASK) / 8;

	if (table == NPT)
		return index << PAGE_SHIFT | FULL;
	if (table == NPD && index)
		return index << 21 | FULL | 0x80;
	return (table + 1) << PAGE_SHIFT | FULL;
}

static void mend(struct duel *d, gpa_t entry)
{
	u64 have = 0;

	naive_copy(&d->naive, 0, entry, &have, 8, false);
	if (have != identity(entry))
		duel_put(d, NULL, entry, identity(entry), 8);
}

static void mend_all(struct duel *d)
{
	for (u64 table = ROOT5; table < NPD; table++)
		mend(d, table << PAGE_SHIFT);
	for (u64 i = 0; i < LARGE; i++)
		mend(d, (NPD << PAGE_SHIFT) + i * 8);
	for (u64 i = 0; i < LEAVES; i++)
		mend(d, (NPT << PAGE_SHIFT) + i * 8);
}

static gpa_t pick_entry(u64 r)
{
	u64 index = r >> 8;

	if (r % 16 < 11)
		return (NPT << PAGE_SHIFT) + index % LEAVES * 8;
	if (r % 16 < 14)
		return (NPD << PAGE_SHIFT) + index % LARGE * 8;
	return (ROOT5 + index % 3) << PAGE_SHIFT;
}

static u64 changed(gpa_t entry, u64 pte, u64 r)
{
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
		return identity(entry);
	}
}

/* ---- in and out ------------------------------------------------------------------- */

static struct mmu_nested make_nested(const struct sim_cpu *cpu, u64 r)
{
	struct mmu_nested nested = { .np = r % 8 != 0, .cr0 = CR0_PE | CR0_PG | CR0_WP,
				     .cr4 = CR4_PAE, .efer = EFER_LME | EFER_LMA | EFER_NXE };
	bool five = cpu->sim->config.tdp_level == 5 && r >> 3 & 1;

	if ((r >> 4) % 32 == 0)
		nested.efer &= ~(u64)EFER_NXE;
	if ((r >> 9) % 32 == 0)
		five = true;
	nested.cr4 |= five ? CR4_LA57 : 0;
	nested.ncr3 = (five ? ROOT5 : ROOT4) << PAGE_SHIFT;
	if ((r >> 14) % 32 == 0)
		nested.ncr3 = (1 + (r >> 20) % 2) << PAGE_SHIFT; /* its own tables */
	if ((r >> 24) % 32 == 0) {
		nested.cr0 = cpu->regs.cr0;
		nested.cr4 = cpu->regs.cr4;
		nested.efer = cpu->regs.efer;
	}
	return nested;
}

static enum mmu_status expected(const struct duel *d, const struct mmu_nested *nested)
{
	if (!nested->np)
		return MMU_OK;
	if (!(nested->cr0 & CR0_PG))
		return MMU_INVAL;
	if (!(nested->efer & EFER_LMA))
		return MMU_NOSUPP;
	return nested->cr4 & CR4_LA57 && d->sim.config.tdp_level < 5 ? MMU_NOSUPP : MMU_OK;
}

static void vmrun(struct duel *d, struct sim_cpu *cpu, const struct mmu_nested *nested,
		  const struct mmu_regs *regs)
{
	enum mmu_status status, want = expected(d, nested);

	duel_line(d, "# cpu%u: VMRUN, nested tables at 0x%llx, L2's cr3 0x%llx: a scenario cannot",
		  cpu->id, (unsigned long long)nested->ncr3, (unsigned long long)regs->cr3);
	status = sim_vmrun(cpu, nested, regs);
	if (status != want)
		duel_fail(d, "VMRUN: %s, naive %s", mmu_status_name(status), mmu_status_name(want));
	if (status != MMU_OK)
		return;
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

	if (!duel_is_tdp(d) || cpu->regs.smm)
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
	if (op->r[2] >> 8 & 1) /* as hypervisors do that have one ASID */
		duel_nested_flush(d, cpu);
	duel_tell(op, "%s, nested tables of %u levels at 0x%llx, L2 has %u, cr3 0x%llx",
		  nested.np ? "nested paging" : "plain", nested.cr4 & CR4_LA57 ? 5 : 4,
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
			   u64 value)
{
	bool inner = cpu->inner;

	if (inner)
		duel_vmexit(d, cpu);
	duel_store(d, cpu, op, entry, value, 8, op->r[3]);
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
	gpa_t entry = pick_entry(op->r[0]);
	u64 pte = 0, value;

	if (!duel_is_tdp(d))
		return;
	naive_copy(&d->naive, 0, entry, &pte, 8, false);
	value = changed(entry, pte, op->r[1]);
	duel_tell(op, "0x%llx = 0x%llx", (unsigned long long)entry,
		  (unsigned long long)value);
	if (op->r[2] % 4 == 0)
		duel_put(d, NULL, entry, value, 8);
	else if (op->r[2] % 4 == 1 || cpu->regs.smm)
		duel_store(d, &d->sim.cpu[op->r[3] % d->cpus], op, entry, value, 8, op->r[3]);
	else
		change_between(d, cpu, op, entry, value);
}
