/* SPDX-License-Identifier: MIT */
/* The duel: a host that flushes by root, and refuses to. */
#include "tests/duel.h"

/* Nothing that anybody can see depends on it. */
void duel_op_refuse(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	(void)cpu;
	d->sim.refuse_flushes = 1 + op->r[0] % 4;
	duel_tell(op, "%u times", d->sim.refuse_flushes);
	duel_line(d, "refuse-flush %u", d->sim.refuse_flushes);
}

void duel_count_flushes(struct duel *d)
{
	struct mmu_stats stats;

	mmu_get_stats(d->sim.vm, &stats);
	d->root_flushes = stats.root_flushes;
	d->refused = stats.root_failures;
}
