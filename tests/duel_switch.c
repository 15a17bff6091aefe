/* SPDX-License-Identifier: MIT */
/*
 * The duel: another MMU serves the VM. The guest, its own guests and the naive MMU
 * do not notice, but what the vCPUs have believed so far is forgotten. What is done
 * while their roots are dead is done here; then all enter.
 */
#include "hv/sim/cpu.h"
#include "mmu/mode.h"
#include "tests/duel.h"

bool duel_is_tdp(const struct duel *d)
{
	return d->mode == MMU_MODE_TDP;
}

static bool on_nested_tables(const struct duel *d, const struct sim_cpu *cpu)
{
	return cpu->inner && d->nested[cpu->id].np;
}

bool duel_cpu_is_tdp(const struct duel *d, const struct sim_cpu *cpu)
{
	return duel_is_tdp(d) || on_nested_tables(d, cpu);
}

/* Is a store that the library sees known to every vCPU at once? */
bool duel_settles(const struct duel *d)
{
	return !duel_is_tdp(d) && !duel_nests(d);
}

static void line_mode(struct duel *d, enum mmu_mode mode)
{
	duel_line(d, "mmu %s", duel_mode_name(mode));
}

void duel_set_mode(struct duel *d, enum mmu_mode mode)
{
	enum mmu_mode was = mmu_get_mode(d->sim.vm);
	u64 before = d->sim.mem.refused;
	enum mmu_status status = mmu_set_mode(d->sim.vm, mode);

	if (status == MMU_NOMEM && duel_refused(d, before)) {
		if (mmu_get_mode(d->sim.vm) != was)
			duel_fail(d, "mmu_set_mode: no memory, but the mode is another one");
		duel_line(d, "fail 0");
		status = mmu_set_mode(d->sim.vm, mode);
	}
	d->switched |= was != mode;
	line_mode(d, mode);
	if (status != MMU_OK)
		duel_fail(d, "mmu_set_mode: %s", mmu_status_name(status));
	if (mmu_get_mode(d->sim.vm) != mode)
		duel_fail(d, "mmu_get_mode: not what was set");
}

/* All vCPUs have what the mode wants; it may be the one they had. */
void duel_arrive(struct duel *d)
{
	d->mode = mmu_get_mode(d->sim.vm);
	d->tdp_used |= duel_is_tdp(d);
	for (unsigned i = 0; i < d->cpus; i++) {
		struct sim_cpu *cpu = &d->sim.cpu[i];

		duel_visit(d, cpu);
		if (cpu->entry.mode != (duel_cpu_is_tdp(d, cpu) ? MMU_MODE_TDP : MMU_MODE_SHADOW))
			duel_fail(d, "vCPU %u has not gone over", i);
		if (d->switched && !on_nested_tables(d, cpu))
			naive_flush(&d->naive.past, i, ~0u, true);
	}
	d->switched = false;
}

/* What may come between the switch and the next entry. */
static void meanwhile(struct duel *d, struct sim_cpu *cpu, u64 r)
{
	switch (r % 6) {
	case 0:
		duel_set_mode(d, r >> 8 & 1);
		break;
	case 1:
		duel_set_regs(d, cpu, &cpu->regs, MMU_CR3_LOAD);
		break;
	case 2:
		duel_invlpg(d, cpu, duel_recent(d, cpu, r >> 8));
		break;
	case 3:
		duel_nested_flush(d, cpu);
		break;
	case 4:
		duel_line(d, "zap");
		mmu_zap_all(d->sim.vm);
		break;
	case 5:
		if (cpu->inner)
			duel_vmexit(d, cpu);
		break;
	}
}

void duel_op_switch(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	enum mmu_mode mode = op->r[0] % 8 ? !duel_is_tdp(d) : duel_is_tdp(d);
	u64 r = op->r[2];

	if (d->config.seed / 16 % 3) /* other seeds see long lives */
		return;
	duel_set_mode(d, mode);
	for (unsigned n = op->r[1] % 4; n; n--)
		meanwhile(d, cpu, sched_random(&r));
	duel_arrive(d);
	duel_tell(op, "%s", duel_mode_name(d->mode));
}

/* ---- in a storm -------------------------------------------------------------------- */

void duel_storm_task(void *arg)
{
	struct duel *d = arg;

	for (unsigned i = 0; i < DUEL_STORM_SWITCHES; i++) {
		if (i)
			sched_point(d->sim.sched, POINT_line);
		library_begin(&d->sim);
		if (mmu_set_mode(d->sim.vm, !mmu_get_mode(d->sim.vm)) != MMU_OK)
			duel_fail(d, "mmu_set_mode: not done in a storm");
		library_end(&d->sim);
		duel_model_drain(d);
	}
}

bool duel_storm_switches(struct duel *d, u64 r)
{
	enum mmu_mode mode = mmu_get_mode(d->sim.vm);

	if (d->config.seed / 16 % 3 || r % 2)
		return false;
	for (unsigned i = 0; i < DUEL_STORM_SWITCHES; i++) {
		mode = !mode;
		line_mode(d, mode);
	}
	d->switched = true;
	return true;
}
