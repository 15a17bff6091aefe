/* SPDX-License-Identifier: MIT */
/* Lines about the dirty logs of slots. */
#include "hv/sim/control.h"
#include "hv/sim/cpu.h"
#include "hv/sim/run.h"
#include <string.h>
#include "mmu/dirty_log.h"

u32 log_flags(const char *word)
{
	if (!strcmp(word, "off"))
		return 0;
	if (!strcmp(word, "on"))
		return MMU_SLOT_LOG_DIRTY;
	return strcmp(word, "by-d") ? LOG_UNKNOWN : MMU_SLOT_LOG_DIRTY | MMU_SLOT_LOG_BY_D;
}

static const char *turn(struct run *run, const struct scn_line *line)
{
	enum mmu_status status;

	library_begin(&run->sim);
	status = mmu_dirty_log(run->sim.vm, line->n[0], line->n[1], log_flags(line->w[0]));
	library_end(&run->sim);
	return status == MMU_INVAL ? "it is logged in the other way; turn that off first" :
				     run_slot_status(status);
}

static u64 count(const u64 *bitmap, u64 words)
{
	u64 nr = 0;

	for (u64 i = 0; i < words; i++)
		nr += (u64)__builtin_popcountll(bitmap[i]);
	return nr;
}

static const char *harvest(struct run *run, const struct scn_line *line)
{
	u64 npages = mmu_dirty_frames(run->sim.vm, line->n[0], line->n[1]), first = 0;
	struct sim_access a = { .outcome = SIM_OK };
	enum mmu_status status;

	if (line->nr_n > 2) {
		first = line->n[2] >> PAGE_SHIFT;
		npages = line->n[3] >> PAGE_SHIFT;
	}
	library_begin(&run->sim);
	memset(run->harvested, 0, sizeof(run->harvested));
	status = mmu_dirty_harvest(run->sim.vm, line->n[0], line->n[1], first, npages,
				   run->harvested + first / 64);
	library_end(&run->sim);
	if (status != MMU_OK)
		return status == MMU_NOENT ? "there is no such slot at this point, or it is not logged" :
					     mmu_status_text(status);
	run->harvest_as = line->n[0];
	run->harvest_id = line->n[1];
	a.value = count(run->harvested, RUN_DIRTY_WORDS);
	run_judge_access(run, line, &a);
	return NULL;
}

const char *run_log(struct run *run, const struct scn_line *line)
{
	return line->word == WORD_log ? turn(run, line) : harvest(run, line);
}

bool run_is_dirty(struct run *run, const struct scn_line *line)
{
	u64 frame = line->n[2] >> PAGE_SHIFT, first = frame & ~63ull;
	u64 all = mmu_dirty_frames(run->sim.vm, line->n[0], line->n[1]), bits = 0;

	if (frame >= all || mmu_dirty_look(run->sim.vm, line->n[0], line->n[1], first,
					   all - first < 64 ? all - first : 64, &bits) != MMU_OK)
		return false;
	return bits >> frame % 64 & 1;
}

bool run_was_harvested(struct run *run, const struct scn_line *line)
{
	u64 frame = line->n[2] >> PAGE_SHIFT;

	return run_is_dirty(run, line) ||
	       (line->n[0] == run->harvest_as && line->n[1] == run->harvest_id &&
		frame / 64 < RUN_DIRTY_WORDS && run->harvested[frame / 64] >> frame % 64 & 1);
}

enum mmu_status log_command(struct sim *sim, const u64 arg[4], char *said, size_t size)
{
	static const u32 flags[] = { [CH_DIRTY_OFF] = 0, [CH_DIRTY_ON] = MMU_SLOT_LOG_DIRTY,
				     [CH_DIRTY_BY_D] = MMU_SLOT_LOG_DIRTY | MMU_SLOT_LOG_BY_D };
	static u64 bitmap[RUN_DIRTY_WORDS];
	enum mmu_status status;
	u64 all;

	snprintf(said, size, "there is no such slot");
	if (arg[0] >= MMU_NR_AS || arg[1] >= MMU_MAX_SLOTS || arg[2] > CH_DIRTY_HARVEST)
		return MMU_INVAL;
	if (arg[2] != CH_DIRTY_HARVEST) {
		status = mmu_dirty_log(sim->vm, arg[0], arg[1], flags[arg[2]]);
		if (status == MMU_INVAL)
			snprintf(said, size, "the slot is logged in the other way; turn that off first");
		else if (status != MMU_NOENT)
			said[0] = 0;
		return status;
	}
	snprintf(said, size, "there is no such slot, or it is not logged");
	all = mmu_dirty_frames(sim->vm, arg[0], arg[1]);
	if (!all)
		return MMU_NOENT;
	said[0] = 0;
	status = mmu_dirty_harvest(sim->vm, arg[0], arg[1], 0, all, bitmap);
	if (status == MMU_OK)
		snprintf(said, size, "%llu of %llu frames were written to",
			 (unsigned long long)count(bitmap, MMU_DIRTY_WORDS(all)),
			 (unsigned long long)all);
	return status;
}
