/* SPDX-License-Identifier: MIT */
/* Lines about aging: which memory was used. */
#include "hv/sim/run.h"
#include "mmu/age.h"

/* GPA [SIZE [AS]]: without a size, one frame. */
static gfn_t line_start(const struct scn_line *line)
{
	return line->n[0] >> PAGE_SHIFT;
}

static gfn_t line_end(const struct scn_line *line)
{
	u64 size = line->nr_n > 1 ? line->n[1] : 1;

	return (line->n[0] + size + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

static unsigned line_as(const struct scn_line *line)
{
	return line->nr_n > 2 ? line->n[2] : 0;
}

const char *run_age(struct run *run, const struct scn_line *line)
{
	(void)mmu_age_range(run->sim.vm, line_as(line), line_start(line), line_end(line));
	return NULL;
}

bool run_is_of_age(struct run *run, const struct scn_line *line)
{
	struct mmu_age age = mmu_test_age_range(run->sim.vm, line_as(line), line_start(line),
						line_end(line));

	switch (age.is) {
	case MMU_AGE_YOUNG:
		return line->wish == WISH_young;
	case MMU_AGE_OLD:
		return line->wish == WISH_old;
	default:
		return line->wish == WISH_unknown;
	}
}
