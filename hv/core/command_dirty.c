/* SPDX-License-Identifier: MIT */
/* The command about the dirty log of a slot. */
#include "hv/core/command.h"

#include "hv/core/fmt.h"
#include "mmu/dirty_log.h"

/* Frames that are harvested at once: the bitmap is on the stack. */
#define AT_ONCE 4096u

/* The compiler's own would be a call into its library. */
static unsigned bits_set(u64 word)
{
	unsigned nr = 0;

	for (; word; word &= word - 1)
		nr++;
	return nr;
}

static enum mmu_status harvest(struct vm *vm, struct command *c)
{
	u64 map[MMU_DIRTY_WORDS(AT_ONCE)], nr = 0;
	u64 all = mmu_dirty_frames(vm->mmu, (unsigned)c->arg[0], (unsigned)c->arg[1]);
	enum mmu_status status = all ? MMU_OK : MMU_NOENT;

	for (u64 first = 0; first < all && status == MMU_OK; first += AT_ONCE) {
		u64 npages = all - first < AT_ONCE ? all - first : AT_ONCE;

		status = mmu_dirty_harvest(vm->mmu, (unsigned)c->arg[0], (unsigned)c->arg[1], first,
					   npages, map);
		for (u64 i = 0; status == MMU_OK && i < MMU_DIRTY_WORDS(npages); i++)
			nr += bits_set(map[i]);
	}
	c->text = "there is no such slot, or it is not logged";
	if (status != MMU_OK)
		return status;
	fmt_snprintf(c->said, sizeof(c->said), "%llu of %llu frames were written to",
		     (unsigned long long)nr, (unsigned long long)all);
	c->text = c->said;
	return MMU_OK;
}

enum mmu_status command_dirty(struct vm *vm, struct command *c)
{
	static const u32 flags[] = {
		[CH_DIRTY_OFF] = 0,
		[CH_DIRTY_ON] = MMU_SLOT_LOG_DIRTY,
		[CH_DIRTY_BY_D] = MMU_SLOT_LOG_DIRTY | MMU_SLOT_LOG_BY_D,
	};
	enum mmu_status status;

	c->text = "there is no such slot";
	if (c->arg[0] >= MMU_NR_AS || c->arg[1] >= MMU_MAX_SLOTS || c->arg[2] > CH_DIRTY_HARVEST)
		return MMU_INVAL;
	c->text = "";
	if (c->arg[2] == CH_DIRTY_HARVEST)
		return harvest(vm, c);
	status = mmu_dirty_log(vm->mmu, (unsigned)c->arg[0], (unsigned)c->arg[1],
			       flags[c->arg[2]]);
	if (status == MMU_INVAL)
		c->text = "the slot is logged in the other way; turn that off first";
	else if (status == MMU_NOENT)
		c->text = "there is no such slot";
	return status;
}
