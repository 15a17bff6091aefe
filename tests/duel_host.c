/* SPDX-License-Identifier: MIT */
/* The duel: what the host, devices and tools do to a guest's memory. */
#include <string.h>
#include "tests/duel.h"

/* To memory that is not there the scenario does not write. */
static void line_put(struct duel *d, const struct sim_cpu *cpu, gpa_t gpa, u64 value, unsigned size)
{
	unsigned as = cpu ? cpu->regs.smm : 0;
	bool readonly = false;

	if (!naive_memory(&d->naive, as, gpa, &readonly) || readonly ||
	    !naive_memory(&d->naive, as, gpa + size - 1, &readonly) || readonly)
		return;
	if (size < 8)
		value &= BIT(8 * size) - 1;
	if (cpu)
		duel_line(d, "cpu%u: put 0x%llx = 0x%llx %u", cpu->id, (unsigned long long)gpa,
			  (unsigned long long)value, size);
	else
		duel_line(d, "poke 0x%llx = 0x%llx %u", (unsigned long long)gpa,
			  (unsigned long long)value, size);
}

/* Writes on both sides, by the host (cpu NULL) or by the host for a vCPU. Shadow
 * paging follows at once; the hardware's walker hears nothing of it. */
void duel_put(struct duel *d, struct sim_cpu *cpu, gpa_t gpa, u64 value, unsigned size)
{
	size_t mine, naive;

	line_put(d, cpu, gpa, value, size);
	mine = cpu ? mmu_vcpu_write(cpu->vcpu, gpa, &value, size)
		   : mmu_vm_write(d->sim.vm, gpa, &value, size);
	d->naive.past.settled = duel_settles(d);
	d->naive.past.told = true;
	naive = naive_copy(&d->naive, cpu ? cpu->regs.smm : 0, gpa, &value, size, true);
	d->naive.past.settled = d->naive.past.told = false;
	if (mine != naive)
		duel_fail(d, "gpa 0x%llx: %zu bytes written, naive %zu", (unsigned long long)gpa,
			  mine, naive);
}

void duel_op_map(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	const struct mmu_regs *regs = &cpu->regs;
	gva_t gva = duel_gva(regs, op->r[0]);
	unsigned levels = duel_levels(regs);
	gpa_t table = levels >= 4 ? regs->cr3 & BITS(51, 12) : regs->cr3 & BITS(31, 5);
	u64 r = op->r[1], pte;

	for (unsigned level = levels; level; level--) {
		pte = duel_pte_for(regs, level, sched_random(&r));
		duel_tell(op, "gva 0x%llx level %u 0x%llx", (unsigned long long)gva, level,
		     (unsigned long long)pte);
		duel_put(d, cpu, duel_entry(regs, table, gva, level), pte, levels == 2 ? 4 : 8);
		table = pte & BITS(51, 12);
		if (pte & 0x80 && level == 2)
			break;
	}
	if (levels)
		d->recent[d->nr_recent++ % DUEL_RECENT] = gva;
}

void duel_op_poke(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	gpa_t gpa = duel_table_gpa(&cpu->regs, op->r[0]);
	u64 r = op->r[1], value = duel_pte(&cpu->regs, op->r[2]);
	unsigned size = cpu->regs.cr4 & CR4_PAE ? 8 : 4;

	if (r % 8 == 0)
		size = 1u << (r >> 8 & 3);
	if (r % 16 == 1)
		gpa += 4;
	if (r % 64 == 2)
		gpa += r >> 8 & 7;
	if (r % 128 == 3)
		value = 0;
	duel_put(d, r >> 16 & 1 ? NULL : cpu, gpa, value, size);
	duel_tell(op, "gpa 0x%llx = 0x%llx size %u", (unsigned long long)gpa, (unsigned long long)value,
	     size);
}

/* With nested paging the library's walk is a little more patient than the
 * hardware's: about A in a PDPTE, which it lets pass ever after, and about tables in
 * read-only memory. */
void duel_for_library(struct duel *d, bool on)
{
	d->for_library = on;
	d->naive.tdp = d->naive_tdp && !on;
	d->naive.pdpte_a = d->tdp_used && (on || !d->naive_tdp);
}

void duel_op_walk(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	struct naive_access na = { .gva = duel_gva(&cpu->regs, op->r[0]),
				   .kind = op->r[1] % 3, .user = op->r[1] >> 8 & 1,
				   .ac = cpu->regs.ac && cpu->regs.cpl < 3 };
	u64 access = (na.kind == NAIVE_WRITE ? PFERR_WRITE : 0) |
		     (na.kind == NAIVE_FETCH ? PFERR_FETCH : 0) | (na.user ? PFERR_USER : 0);
	struct naive_result nr;
	struct mmu_walk w;
	bool ok;

	duel_for_library(d, true);
	naive_walk(duel_naive(d, cpu), &cpu->regs, &na, false, &nr);
	duel_for_library(d, false);
	ok = mmu_walk(cpu->vcpu, na.gva, access, &w);
	if (nr.end == NAIVE_FAULT && (ok || w.error != nr.error))
		duel_fail(d, "mmu_walk 0x%llx: %s, error 0x%llx, naive error 0x%llx",
			  (unsigned long long)na.gva, ok ? "ok" : "fault",
			  (unsigned long long)w.error, (unsigned long long)nr.error);
	else if (nr.end == NAIVE_REFLECT &&
		 (ok || !w.nested || w.error != nr.error || w.ngpa != nr.ngpa))
		duel_fail(d, "mmu_walk 0x%llx: error 0x%llx at nGPA 0x%llx, naive 0x%llx at 0x%llx",
			  (unsigned long long)na.gva, (unsigned long long)w.error,
			  (unsigned long long)w.ngpa, (unsigned long long)nr.error,
			  (unsigned long long)nr.ngpa);
	else if ((nr.end == NAIVE_OK || nr.end == NAIVE_READONLY) &&
		 (!ok || w.gpa != nr.gpa || w.level != nr.level ||
		  w.access != (nr.w * ACC_WRITE | nr.u * ACC_USER | nr.x * ACC_EXEC)))
		duel_fail(d, "mmu_walk 0x%llx: %s gpa 0x%llx level %u access %u, naive gpa 0x%llx "
			  "level %u %d%d%d", (unsigned long long)na.gva, ok ? "ok" : "fault",
			  (unsigned long long)w.gpa, w.level, w.access, (unsigned long long)nr.gpa,
			  nr.level, nr.w, nr.u, nr.x);
}

static void tool_hpa(struct duel *d, gpa_t gpa)
{
	hpa_t hpa = mmu_vm_gpa_to_hpa(d->sim.vm, gpa);
	bool readonly;
	u8 *at = naive_memory(&d->naive, 0, gpa, &readonly);

	if (hpa != (at ? d->ram_hpa + (at - d->naive.ram) : HPA_INVALID))
		duel_fail(d, "gpa 0x%llx is at hpa 0x%llx, which is wrong", (unsigned long long)gpa,
			  (unsigned long long)hpa);
}

/* What a LOCKed instruction that is carried out for the guest does. */
static size_t exchange(struct sim_cpu *cpu, gva_t gva, u64 value)
{
	enum mmu_exchange got = MMU_DIFFERS;
	struct mmu_fault fault;
	u64 expected = 0;

	while (got == MMU_DIFFERS)
		got = mmu_cmpxchg_gva(cpu->vcpu, gva, &expected, &value, 8, 0, &fault);
	return got == MMU_EXCHANGED ? 8 : 0;
}

void duel_op_tool(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	struct naive_access na = { .gva = duel_gva(&cpu->regs, op->r[0]) & ~7ull,
				   .ac = cpu->regs.ac && cpu->regs.cpl < 3, .size = 8 };
	struct naive_result nr;
	u64 value = 0;
	size_t done;

	if (op->r[1] % 3 == 0) {
		tool_hpa(d, (op->r[2] % 0xc20) << PAGE_SHIFT);
		return;
	}
	if (op->r[1] % 3 == 1)
		na.kind = NAIVE_WRITE;
	na.value = value = duel_pte(&cpu->regs, op->r[2]);
	duel_for_library(d, true);
	if (na.kind == NAIVE_WRITE)
		duel_line(d, "cpu%u: tool-write 0x%llx = 0x%llx", cpu->id,
			  (unsigned long long)na.gva, (unsigned long long)value);
	else
		duel_line(d, "cpu%u: tool-read 0x%llx", cpu->id, (unsigned long long)na.gva);
	d->naive.past.settled = duel_settles(d);
	d->naive.past.told = true;
	naive_do(duel_naive(d, cpu), &cpu->regs, &na, &nr);
	duel_line_result(d, nr.end == NAIVE_OK ? SIM_OK : SIM_STUCK, 0,
			 na.kind == NAIVE_WRITE ? NULL : &na.value);
	d->naive.past.settled = d->naive.past.told = false;
	duel_for_library(d, false);
	if (na.kind != NAIVE_WRITE)
		done = mmu_read_gva(cpu->vcpu, na.gva, &value, 8, 0, NULL);
	else if (op->r[1] / 3 % 2)
		done = exchange(cpu, na.gva, value);
	else
		done = mmu_write_gva(cpu->vcpu, na.gva, &value, 8, 0, NULL);
	if (done != (nr.end == NAIVE_OK ? 8 : 0) || (done && value != na.value))
		duel_fail(d, "by gva 0x%llx: %zu bytes, 0x%llx, naive %s, 0x%llx",
			  (unsigned long long)na.gva, done, (unsigned long long)value,
			  nr.end == NAIVE_OK ? "8" : "0", (unsigned long long)na.value);
}

/* A slot that goes may come back elsewhere; its memory stays the same. */
static gfn_t new_place(unsigned i, u64 r)
{
	static const int offset[][3] = { [1] = { 0, 0x40, -3 }, [4] = { 0, 1, 0x3d } };

	if (i >= sizeof(offset) / sizeof(offset[0]))
		return duel_slots[i].gfn;
	return duel_slots[i].gfn + offset[i][r % 3];
}

void duel_op_slot(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	u64 before = d->sim.mem.refused;
	unsigned i = op->r[0] % duel_nr_slots;
	enum mmu_status status, want = MMU_OK;
	struct naive_slot *s;

	(void)cpu;
	for (unsigned k = 0; k < duel_nr_slots; k++) /* what is missing comes first */
		if (!d->naive.slot[k].used)
			i = k;
	s = &d->naive.slot[i];
	if (s->used) {
		duel_line(d, "unslot %u %u", i, s->as);
		status = mmu_slot_delete(d->sim.vm, s->as, i);
	} else {
		s->gfn = new_place(i, op->r[1]);
		want = duel_is_free(d, i, s->gfn) ? MMU_OK : MMU_EXIST;
		status = duel_make_slot(d, i);
		if (status == MMU_NOMEM && duel_refused(d, before)) {
			duel_line(d, "fail 0");
			status = duel_make_slot(d, i);
		}
	}
	s->used ^= want == MMU_OK;
	duel_log_forget(d, i);
	duel_tell(op, "%s slot %u of address space %u at gfn 0x%llx", s->used ? "+" : "-", i, s->as,
		  (unsigned long long)s->gfn);
	if (status != want)
		duel_fail(d, "slot %u: %s, naive %s", i, mmu_status_name(status),
			  mmu_status_name(want));
}

u64 duel_knob_value(enum mmu_knob knob, u64 r)
{
	const struct mmu_knob_row *row = &mmu_knobs[knob];
	u64 range = row->max - row->min + 1;

	if (knob == MMU_KNOB_budget) /* an instruction must get through */
		return r & 1 ? 0 : 64 + r / 2 % 64;
	return row->min + r % (range < 8 ? range : 8);
}

void duel_op_knob(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	enum mmu_knob knob = op->r[0] % MMU_NR_KNOBS;
	const struct mmu_knob_row *row = &mmu_knobs[knob];
	u64 value = duel_knob_value(knob, op->r[1]);

	(void)cpu;
	duel_tell(op, "%s = %llu", row->name, (unsigned long long)value);
	duel_line(d, "knob %s %llu", row->name, (unsigned long long)value);
	if (mmu_set_knob(d->sim.vm, knob, value) != MMU_OK)
		duel_fail(d, "knob %s refuses %llu", row->name, (unsigned long long)value);
}

static void zap_all(struct duel *d)
{
	duel_line(d, "zap");
	mmu_zap_all(d->sim.vm);
}

void duel_op_zap(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	gfn_t start = op->r[0] % 0xc20;

	(void)cpu;
	if (op->r[1] % 8 == 0) {
		zap_all(d);
		return;
	}
	duel_line(d, "zap 0x%llx 0x%llx %u", (unsigned long long)start << PAGE_SHIFT,
		  (unsigned long long)(1 + op->r[2] % 0x40) << PAGE_SHIFT,
		  (unsigned)(op->r[1] >> 8 & 1));
	mmu_zap_range(d->sim.vm, op->r[1] >> 8 & 1, start, start + 1 + op->r[2] % 0x40);
}

void duel_op_split(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	u64 before = d->sim.mem.refused, nr;
	gfn_t start = op->r[0] % 0xc20, end = start + 1 + op->r[2] % 0x400;

	(void)cpu;
	if (mmu_split_range(d->sim.vm, 0, start, end, &nr) == MMU_NOMEM) {
		if (!duel_refused(d, before))
			return;
		duel_line(d, "fail 0"); /* the scenario does it once, and whole */
		if (mmu_split_range(d->sim.vm, 0, start, end, &nr) != MMU_OK)
			duel_fail(d, "mmu_split_range: no memory, with memory");
	}
	duel_line(d, "split 0x%llx 0x%llx", (unsigned long long)start << PAGE_SHIFT,
		  (unsigned long long)(end - start) << PAGE_SHIFT);
}

void duel_op_shrink(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	u32 n = op->r[0] % 16;

	(void)cpu;
	duel_line(d, "shrink %u", n);
	mmu_shrink(d->sim.vm, n);
}

void duel_op_unprotect(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	gpa_t gpa = duel_table_gpa(&cpu->regs, op->r[0]) & PAGE_MASK;

	duel_line(d, "unprotect 0x%llx", (unsigned long long)gpa);
	mmu_unprotect(d->sim.vm, gpa >> PAGE_SHIFT);
}

/* Soon, at whatever needs a page first; or at once, for the root. */
void duel_op_starve(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	d->sim.mem.fail_in = op->r[1] & 1 ? 1 : 1 + op->r[0] % 4;
	if (op->r[1] & 1)
		zap_all(d);
	duel_line(d, "fail %llu", (unsigned long long)d->sim.mem.fail_in);
	if (op->r[1] & 1)
		duel_visit(d, cpu);
}
