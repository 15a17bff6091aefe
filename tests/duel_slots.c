/* SPDX-License-Identifier: MIT */
/* The duel: slots that move, also while vCPUs run, and places that the host remembers. */
#include "tests/duel.h"
#include "hv/sim/cpu.h"
#include "mmu/slots.h"

/* Slots whose memory nobody else has: what is writable at two frames must hold no page
 * tables. */
static const u8 lone[] = { 1, 4, 6 };

#define LONE (sizeof(lone) / sizeof(lone[0]))

/* Home, near it, or where other slots may be. */
static gfn_t some_place(unsigned i, u64 r)
{
	gfn_t home = duel_slots[i].gfn;

	switch (r % 4) {
	case 0:
		return home;
	case 1:
		return home + 1 + r / 4 % 3;
	case 2:
		return home - 1 - r / 4 % 0x20;
	default:
		return 0x80 + r / 4 % 0xc00;
	}
}

bool duel_is_free(const struct duel *d, unsigned i, gfn_t gfn)
{
	const struct naive_slot *s = &d->naive.slot[i];

	for (unsigned k = 0; k < duel_nr_slots; k++) {
		const struct naive_slot *other = &d->naive.slot[k];

		if (k != i && other->used && other->as == s->as &&
		    gfn < other->gfn + other->npages && other->gfn < gfn + s->npages)
			return false;
	}
	return true;
}

static void line_move(struct duel *d, unsigned i, gfn_t gfn)
{
	duel_line(d, "move %u 0x%llx %u", i, (unsigned long long)gfn << PAGE_SHIFT,
		  d->naive.slot[i].as);
}

void duel_op_move(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	unsigned i = lone[op->r[0] % LONE];
	struct naive_slot *s = &d->naive.slot[i];
	gfn_t gfn = some_place(i, op->r[1]);
	enum mmu_status want = !s->used ? MMU_NOENT : duel_is_free(d, i, gfn) ? MMU_OK : MMU_EXIST;
	u64 before = d->sim.mem.refused;
	enum mmu_status status;

	(void)cpu;
	duel_tell(op, "slot %u of address space %u to gfn 0x%llx", i, s->as,
		  (unsigned long long)gfn);
	status = mmu_slot_move(d->sim.vm, s->as, i, gfn);
	if (status == MMU_NOMEM && duel_refused(d, before)) {
		duel_line(d, "fail 0");
		status = mmu_slot_move(d->sim.vm, s->as, i, gfn);
	}
	if (status != want)
		duel_fail(d, "slot %u: %s, naive %s", i, mmu_status_name(status),
			  mmu_status_name(want));
	if (status != MMU_OK)
		return;
	line_move(d, i, gfn);
	s->gfn = gfn;
}

/* ---- while vCPUs run ------------------------------------------------------------ */

/* Away and back; how, is up to r. All is as it was when it is done. */
static void disturb(struct duel *d, unsigned i, u64 r)
{
	const struct naive_slot *s = &d->naive.slot[i];
	gfn_t gfn = some_place(i, r / 4);
	enum mmu_status status = MMU_OK;

	if (!s->used || !duel_is_free(d, i, gfn))
		return;
	if (r % 4) {
		status = mmu_slot_move(d->sim.vm, s->as, i, gfn);
		if (status == MMU_OK)
			status = mmu_slot_move(d->sim.vm, s->as, i, s->gfn);
	} else {
		status = mmu_slot_delete(d->sim.vm, s->as, i);
		if (status == MMU_OK)
			status = mmu_slot_create(d->sim.vm, s->as, i, s->gfn, s->npages,
						 d->ram_hpa + s->offset,
						 s->readonly ? MMU_SLOT_READONLY : 0);
		duel_log_forget(d, i);
	}
	if (status != MMU_OK)
		duel_fail(d, "slot %u: %s", i, mmu_status_name(status));
}

static void line_disturb(struct duel *d, unsigned i, u64 r)
{
	const struct naive_slot *s = &d->naive.slot[i];
	gfn_t gfn = some_place(i, r / 4);

	if (!s->used || !duel_is_free(d, i, gfn))
		return;
	if (r % 4) {
		line_move(d, i, gfn);
		line_move(d, i, s->gfn);
	} else {
		duel_line(d, "unslot %u %u", i, s->as);
		duel_line_slot(d, i);
	}
}

#define DISTURBANCES 6

/* One of all slots in four, else one that may move. */
static void each_disturbance(struct duel *d, u64 r,
			     void (*fn)(struct duel *d, unsigned i, u64 r))
{
	for (unsigned n = 0; n < DISTURBANCES; n++) {
		u64 how = sched_random(&r);

		if (how % 4)
			fn(d, lone[how / 4 % LONE], how / 64);
		else
			fn(d, how / 4 % duel_nr_slots, how / 64 * 4);
	}
}

struct disturber {
	struct duel *d;
	u64 r;
};

static void disturb_and_drain(struct duel *d, unsigned i, u64 r)
{
	sched_point(d->sim.sched, POINT_line);
	library_begin(&d->sim);
	disturb(d, i, r);
	library_end(&d->sim);
	duel_model_drain(d);
}

static void disturb_task(void *arg)
{
	const struct disturber *t = arg;

	each_disturbance(t->d, t->r, disturb_and_drain);
}

void duel_disturb(struct duel *d, u64 r)
{
	static struct disturber disturber;

	disturber = (struct disturber){ .d = d, .r = r };
	each_disturbance(d, r, line_disturb);
	if (!sched_add(d->sim.sched, PLAN_HOST, disturb_task, &disturber))
		duel_fail(d, "no memory for a stack");
}

/* ---- caches --------------------------------------------------------------------- */

static void make_cache(struct duel *d, unsigned i, u64 r)
{
	gpa_t gpa = (r / 2 % 0xc20) << PAGE_SHIFT | (r >> 20 & 0xff8);
	u32 len = 8 + (r >> 32 & 0x38);
	u8 byte, last;
	enum mmu_status status;
	bool there;

	if (r % 2) /* among tables */
		gpa = duel_table_gpa(&d->sim.cpu[0].regs, r / 2) & ~7ull;
	status = mmu_gfn_cache_init(d->sim.vm, &d->cache[i], gpa, len);
	duel_line(d, "cache %u 0x%llx %u", i, (unsigned long long)gpa, len);
	there = naive_copy(&d->naive, 0, gpa, &byte, 1, false) &&
		naive_copy(&d->naive, 0, gpa + len - 1, &last, 1, false);
	if (status != (there ? MMU_OK : MMU_NOENT))
		duel_fail(d, "a cache of gpa 0x%llx: %s, naive %s", (unsigned long long)gpa,
			  mmu_status_name(status), there ? "memory" : "none");
}

static void cached_write(struct duel *d, unsigned i, u32 offset, u64 value)
{
	size_t mine, naive;
	gpa_t gpa = d->cache[i].gpa + offset;

	duel_line(d, "cached-write %u %u = 0x%llx 8", i, offset, (unsigned long long)value);
	mine = mmu_cached_write(d->sim.vm, &d->cache[i], offset, &value, 8);
	d->naive.past.settled = duel_settles(d);
	d->naive.past.told = true;
	naive = naive_copy(&d->naive, 0, gpa, &value, 8, true);
	d->naive.past.settled = d->naive.past.told = false;
	duel_line_result(d, naive == 8 ? SIM_OK : SIM_MMIO, 0, NULL);
	if (mine != naive)
		duel_fail(d, "by a cache of gpa 0x%llx: %zu bytes written, naive %zu",
			  (unsigned long long)gpa, mine, naive);
}

static void cached_read(struct duel *d, unsigned i, u32 offset)
{
	u64 mine = 0, naive = 0;
	gpa_t gpa = d->cache[i].gpa + offset;
	size_t nr_mine, nr_naive;

	duel_line(d, "cached-read %u %u 8", i, offset);
	nr_mine = mmu_cached_read(d->sim.vm, &d->cache[i], offset, &mine, 8);
	nr_naive = naive_copy(&d->naive, 0, gpa, &naive, 8, false);
	duel_line_result(d, nr_naive == 8 ? SIM_OK : SIM_MMIO, 0, &naive);
	if (nr_mine != nr_naive || (nr_naive == 8 && mine != naive))
		duel_fail(d, "by a cache of gpa 0x%llx: %zu bytes, 0x%llx, naive %zu, 0x%llx",
			  (unsigned long long)gpa, nr_mine, (unsigned long long)mine, nr_naive,
			  (unsigned long long)naive);
}

void duel_op_cached(struct duel *d, struct sim_cpu *cpu, struct duel_op *op)
{
	unsigned i = op->r[0] % SIM_CACHES;
	u32 offset;

	if (op->r[1] % 4 == 0 || !d->cache[i].len)
		make_cache(d, i, op->r[2]);
	offset = (op->r[3] % d->cache[i].len) & ~7u;
	duel_tell(op, "cache %u of gpa 0x%llx, offset %u", i,
		  (unsigned long long)d->cache[i].gpa, offset);
	if (op->r[1] >> 8 & 1)
		cached_write(d, i, offset, duel_pte(&cpu->regs, op->r[3]));
	else
		cached_read(d, i, offset);
}
