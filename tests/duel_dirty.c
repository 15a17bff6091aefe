/* SPDX-License-Identifier: MIT */
/*
 * The dirty log in the duel. The host keeps a copy of all memory, as a migration
 * does: what has changed since it asked last must have its bit, in one of the slots
 * that have this memory, if all of them are logged. And a bit is there only where the
 * naive MMU saw somebody write, or walk.
 */
#include <stdlib.h>
#include <string.h>
#include "mmu/dirty_log.h"
#include "mmu/slots.h"
#include "tests/duel.h"

#define FRAMES		(DUEL_RAM / PAGE_SIZE)
#define WORDS		MMU_DIRTY_WORDS(1025)	/* of the largest slot */
#define LOG_FLAGS	(MMU_SLOT_LOG_DIRTY | MMU_SLOT_LOG_BY_D)

static const u8 *real(const struct duel *d, u64 frame)
{
	return d->sim.mem.base + d->ram_hpa + frame * PAGE_SIZE;
}

static void copy(struct duel *d, u64 frame)
{
	memcpy(d->log.copy + frame * PAGE_SIZE, real(d, frame), PAGE_SIZE);
}

bool duel_log_open(struct duel *d)
{
	d->log.copy = calloc(1, DUEL_RAM);
	for (unsigned as = 0; as < MMU_NR_AS; as++)
		if (!(d->naive.touched[as] = calloc(1, FRAMES)))
			return false;
	return d->log.copy;
}

void duel_log_close(struct duel *d)
{
	free(d->log.copy);
	for (unsigned as = 0; as < MMU_NR_AS; as++)
		free(d->naive.touched[as]);
}

void duel_log_forget(struct duel *d, unsigned i)
{
	const struct naive_slot *s = &d->naive.slot[i];

	d->log.flags[i] = 0;
	for (u64 n = 0; n < s->npages; n++)
		copy(d, s->offset / PAGE_SIZE + n);
}

/* Who wrote what, in which order, is not known; only the contents count. */
void duel_log_storm(struct duel *d)
{
	for (unsigned as = 0; as < MMU_NR_AS; as++)
		memset(d->naive.touched[as], 1, FRAMES);
}

/* ---- on and off ------------------------------------------------------------------ */

static const char *word(u32 flags)
{
	return !flags ? "off" : flags & MMU_SLOT_LOG_BY_D ? "by-d" : "on";
}

static void log_changed(struct duel *d, unsigned i, u32 flags)
{
	const struct naive_slot *s = &d->naive.slot[i];

	if (d->log.flags[i] == flags)
		return;
	duel_log_forget(d, i);
	d->log.flags[i] = flags;
	memset(d->naive.touched[s->as] + s->offset / PAGE_SIZE, 0, s->npages);
}

void duel_op_log(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	static const u32 how[] = { 0, MMU_SLOT_LOG_DIRTY, MMU_SLOT_LOG_DIRTY, LOG_FLAGS };
	unsigned i = op->r[0] % duel_nr_slots;
	u32 flags = how[op->r[1] % 4], before = d->log.flags[i];
	const struct naive_slot *s = &d->naive.slot[i];
	/* Another way than it has, or one that this hardware has not. */
	bool other = (before && flags && before != flags) ||
		     (flags == LOG_FLAGS && d->sim.config.ad_disabled);
	u64 refused = d->sim.mem.refused;
	enum mmu_status status;

	(void)cpu;
	if (!s->used)
		return;
	status = mmu_dirty_log(d->sim.vm, s->as, i, flags);
	if (status == MMU_NOMEM && duel_refused(d, refused)) {
		duel_line(d, "fail 0"); /* the scenario does it once */
		status = mmu_dirty_log(d->sim.vm, s->as, i, flags);
	}
	duel_tell(op, "slot %u of address space %u: %s", i, s->as, word(flags));
	if (status != (other ? MMU_INVAL : MMU_OK))
		duel_fail(d, "the log of slot %u, %s while it is %s: %s", i, word(flags),
			  word(before), mmu_status_name(status));
	if (status != MMU_OK)
		return;
	duel_line(d, "log %u %u %s", s->as, i, word(flags));
	log_changed(d, i, flags);
}

/* ---- asking ----------------------------------------------------------------------- */

/* What the frames of ram are to the slots, and what their logs say. */
struct answer {
	u8 mapped[FRAMES], logged[FRAMES], dirty[FRAMES];
};

/* Frames [first, first + npages) of the slot are harvested: all, or the part after a
 * look at all of it. map gets all that its log had. */
static enum mmu_status ask(struct duel *d, unsigned i, u64 r, u64 *map, u64 *first, u64 *npages)
{
	const struct naive_slot *s = &d->naive.slot[i];
	u64 words = MMU_DIRTY_WORDS(s->npages), part[WORDS];
	enum mmu_status status;

	*first = 0;
	*npages = s->npages;
	if (r % 2)
		return mmu_dirty_harvest(d->sim.vm, s->as, i, 0, s->npages, map);
	*first = r / 2 % words * 64;
	if (s->npages - *first > 64 && r >> 16 & 1)
		*npages = 64;
	else
		*npages = s->npages - *first;
	status = mmu_dirty_look(d->sim.vm, s->as, i, 0, s->npages, map);
	if (status != MMU_OK)
		return status;
	if (r >> 17 & 1)
		return mmu_dirty_clear(d->sim.vm, s->as, i, *first, *npages, map + *first / 64);
	status = mmu_dirty_harvest(d->sim.vm, s->as, i, *first, *npages, part);
	if (status == MMU_OK && memcmp(part, map + *first / 64,
				       MMU_DIRTY_WORDS(*npages) * sizeof(*map)))
		duel_fail(d, "slot %u: a harvest is not what was seen before", i);
	return status;
}

static bool has_changed(const struct duel *d, u64 frame)
{
	return memcmp(d->log.copy + frame * PAGE_SIZE, real(d, frame), PAGE_SIZE);
}

static void line_dirty(struct duel *d, const char *no, unsigned i, u64 n)
{
	duel_line(d, "expect%s dirty %u %u 0x%llx", no, d->naive.slot[i].as, i,
		  (unsigned long long)n << PAGE_SHIFT);
}

/* Who may write to read-only memory are other slots. */
static bool writes(const struct duel *d, unsigned i)
{
	return d->naive.slot[i].used && !d->naive.slot[i].readonly;
}

/* The frame's bit is clear: may it be? No other slot has its memory, or another log
 * may have the bit. */
static void check_clear(struct duel *d, unsigned i, u64 n, const struct answer *answer)
{
	u64 frame = d->naive.slot[i].offset / PAGE_SIZE + n;

	if (writes(d, i) && answer->mapped[frame] == 1 && has_changed(d, frame))
		line_dirty(d, "", i, n);
}

static void check_set(struct duel *d, unsigned i, u64 n, bool touched)
{
	if (touched)
		return;
	line_dirty(d, " no", i, n);
	duel_fail(d, "slot %u: gfn 0x%llx is dirty, and nobody wrote there", i,
		  (unsigned long long)(d->naive.slot[i].gfn + n));
}

static void check_bits(struct duel *d, unsigned i, const u64 *map, u64 first, u64 npages,
		       struct answer *answer)
{
	const struct naive_slot *s = &d->naive.slot[i];
	u8 *touched = d->naive.touched[s->as] + s->offset / PAGE_SIZE;

	for (u64 n = 0; n < s->npages; n++) {
		if (!(map[n / 64] >> n % 64 & 1)) {
			check_clear(d, i, n, answer);
			continue;
		}
		answer->dirty[s->offset / PAGE_SIZE + n] = true;
		check_set(d, i, n, touched[n]);
		if (n >= first && n < first + npages) {
			touched[n] = false;
			d->log.frames++;
		}
	}
}

static void harvest(struct duel *d, unsigned i, u64 r, struct answer *answer)
{
	const struct naive_slot *s = &d->naive.slot[i];
	u64 map[WORDS], first, npages;
	enum mmu_status status = ask(d, i, r, map, &first, &npages);

	if (status != MMU_OK) {
		duel_fail(d, "slot %u is not harvested: %s", i, mmu_status_name(status));
		return;
	}
	check_bits(d, i, map, first, npages, answer);
	duel_line(d, "harvest %u %u 0x%llx 0x%llx", s->as, i, (unsigned long long)first << PAGE_SHIFT,
		  (unsigned long long)npages << PAGE_SHIFT);
}

static void count_slots(const struct duel *d, struct answer *answer)
{
	for (unsigned i = 0; i < duel_nr_slots; i++) {
		const struct naive_slot *s = &d->naive.slot[i];

		for (u64 n = 0; writes(d, i) && n < s->npages; n++) {
			answer->mapped[s->offset / PAGE_SIZE + n]++;
			answer->logged[s->offset / PAGE_SIZE + n] += d->log.flags[i] != 0;
		}
	}
}

void duel_op_harvest(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	static struct answer answer;
	u64 r = op->r[0];

	(void)cpu;
	memset(&answer, 0, sizeof(answer));
	count_slots(d, &answer);
	for (unsigned i = 0; i < duel_nr_slots; i++)
		if (d->naive.slot[i].used && d->log.flags[i])
			harvest(d, i, sched_random(&r), &answer);
	for (u64 frame = 0; frame < FRAMES; frame++) {
		if (!has_changed(d, frame))
			continue;
		if (answer.mapped[frame] && answer.mapped[frame] == answer.logged[frame] &&
		    !answer.dirty[frame])
			duel_fail(d, "frame %llu of RAM was written to, and no log has it",
				  (unsigned long long)frame);
		copy(d, frame);
	}
}
