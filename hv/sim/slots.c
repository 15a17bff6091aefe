/* SPDX-License-Identifier: MIT */
/* Lines about slots that change, places that are remembered, and the world of SMM. */
#include "hv/sim/run.h"
#include "mmu/slots.h"

const char *run_slot_status(enum mmu_status status)
{
	if (status == MMU_OK)
		return NULL;
	return status == MMU_NOENT ? "there is no such slot at this point; see mem, slot and place" :
				     mmu_status_text(status);
}

static const char *move(struct run *run, const struct scn_line *line)
{
	enum mmu_status status = mmu_slot_move(run->sim.vm, line->nr_n > 2 ? line->n[2] : 0,
					       line->n[0], line->n[1] >> PAGE_SHIFT);

	return run_slot_status(status);
}

static const char *cache(struct run *run, const struct scn_line *line)
{
	enum mmu_status status = mmu_gfn_cache_init(run->sim.vm, &run->cache[line->n[0]],
						    line->n[1], line->n[2]);

	/* Where nothing is it can be used later. */
	return status == MMU_OK || status == MMU_NOENT ? NULL : mmu_status_text(status);
}

static const char *cached(struct run *run, const struct scn_line *line)
{
	struct mmu_gfn_cache *place = &run->cache[line->n[0]];
	bool write = line->word == WORD_cached_write;
	unsigned given = write ? 3 : 2, size = line->nr_n > given ? line->n[given] : 4;
	struct sim_access a = { .outcome = SIM_OK };
	size_t done;

	if (!place->len)
		return "there is no such cache; see cache";
	if (line->n[1] > place->len || size > place->len - line->n[1])
		return "the cache is not that large";
	if (write)
		done = mmu_cached_write(run->sim.vm, place, line->n[1], &line->n[2], size);
	else
		done = mmu_cached_read(run->sim.vm, place, line->n[1], &a.value, size);
	if (done != size)
		a.outcome = SIM_MMIO;
	run_judge_access(run, line, &a);
	return NULL;
}

/* As the hardware begins it, with paging off; the interrupted registers are kept by
 * the simulated machine instead of in memory. */
static void smi(struct run *run, const struct scn_line *line)
{
	const struct mmu_regs smm = { .cr0 = CR0_PE, .smm = true };
	struct sim_cpu *cpu = &run->sim.cpu[line->cpu];

	if (cpu->regs.smm) {
		run_fail(run, line, "it is in system-management mode");
		return;
	}
	if (cpu->inner)
		sim_vmexit(cpu);
	run->interrupted[line->cpu] = cpu->regs;
	sim_set_regs(cpu, &smm, MMU_CR3_LOAD);
}

static void rsm(struct run *run, const struct scn_line *line)
{
	struct sim_cpu *cpu = &run->sim.cpu[line->cpu];

	if (cpu->regs.smm)
		sim_set_regs(cpu, &run->interrupted[line->cpu], MMU_CR3_LOAD);
	else
		run_fail(run, line, "it is not in system-management mode");
}

const char *run_slot_line(struct run *run, const struct scn_line *line)
{
	switch (line->word) {
	case WORD_move:
		return move(run, line);
	case WORD_cache:
		return cache(run, line);
	case WORD_cached_read:
	case WORD_cached_write:
		return cached(run, line);
	default:
		return NULL;
	}
}

bool run_smm_line(struct run *run, const struct scn_line *line)
{
	if (line->word == WORD_smi)
		smi(run, line);
	else if (line->word == WORD_rsm)
		rsm(run, line);
	else
		return false;
	return true;
}
