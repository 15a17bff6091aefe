/* SPDX-License-Identifier: MIT */
/* The duel: mappings become large again. */
#include "mmu/resize.h"
#include "tests/duel.h"

/* Half of them after all was made small, which is when there is something to do. */
void duel_op_recover(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	gfn_t start = op->r[0] % 0xc20, end = start + 1 + op->r[2] % 0x600;
	unsigned as = op->r[3] % 4 == 0;
	u64 nr;

	(void)cpu;
	if (op->r[1] & 2) {
		start = 0;
		end = 0xc20;
	}
	if (op->r[1] & 1)
		duel_op_split(d, cpu, op);
	duel_line(d, "recover 0x%llx 0x%llx %u", (unsigned long long)start << PAGE_SHIFT,
		  (unsigned long long)(end - start) << PAGE_SHIFT, as);
	nr = mmu_recover_range(d->sim.vm, as, start, end);
	duel_tell(op, "gfn 0x%llx to 0x%llx of %u: %llu", (unsigned long long)start,
		  (unsigned long long)end, as, (unsigned long long)nr);
}
