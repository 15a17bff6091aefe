/* SPDX-License-Identifier: MIT */
/* A whole run of the duel: machine, operations, check-points, end. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tests/duel.h"

#define MEMORY (48ull << 20)

static const struct {
	const char *name, *sentence;
	unsigned weight;
} row[] = {
#define OP(name, weight, sentence) [DUEL_##name] = { #name, sentence, weight },
#include "tests/duel.def"
};

bool duel_fail(struct duel *d, const char *format, ...)
{
	va_list args;

	if (d->failure[0])
		return false;
	va_start(args, format);
	vsnprintf(d->failure, sizeof(d->failure), format, args);
	va_end(args);
	return false;
}

static u8 pick_kind(u64 r)
{
	unsigned total = 0, kind = 0;

	for (unsigned i = 0; i < NR_DUEL_KINDS; i++)
		total += row[i].weight;
	for (unsigned at = r % total; at >= row[kind].weight; kind++)
		at -= row[kind].weight;
	return kind;
}

/* The first operations fill the tables, so that something is mapped. */
void duel_generate(struct duel_op *op, unsigned n, u64 seed)
{
	u64 state = seed;

	for (unsigned i = 0; i < n; i++) {
		op[i].kind = pick_kind(sched_random(&state));
		op[i].cpu = sched_random(&state) & 0xff;
		for (unsigned k = 0; k < 4; k++)
			op[i].r[k] = sched_random(&state);
		if (i < 4)
			op[i].kind = DUEL_mode;
		else if (i < 160 && op[i].r[3] % 4 && seed % 2)
			op[i].kind = DUEL_poke;
		else if (i == 4)
			op[i].kind = DUEL_geometry;
	}
}

void duel_print_op(const struct duel_op *op, unsigned at)
{
	printf("# %u: cpu%u: %s (%s)", at, op->cpu, row[op->kind].name,
	       row[op->kind].sentence);
	if (op->text[0])
		printf(" %s\n", op->text);
	else
		printf(" 0x%llx 0x%llx 0x%llx\n", (unsigned long long)op->r[0],
		       (unsigned long long)op->r[1], (unsigned long long)op->r[2]);
}

/* ---- checks -------------------------------------------------------------- */

void duel_check_always(struct duel *d)
{
	if (d->sim.promises_broken && !d->failure[0])
		duel_line(d, "expect no ghost");
	if (d->sim.promises_broken)
		duel_fail(d, "a TLB entry allows more than the tables after all flushes were done");
	if (d->sim.ghosts_used)
		duel_fail(d, "a stale TLB entry was used");
	if (d->sim.mem.misuse)
		duel_fail(d, "%s", d->sim.mem.misuse);
	duel_model_drain(d);
}

static void finding(void *arg, const struct mmu_finding *f)
{
	duel_fail(arg, "audit: %s: %s (page %u entry %u: 0x%llx, should be 0x%llx)", f->rule,
		  f->sentence, f->sp, f->index, (unsigned long long)f->have,
		  (unsigned long long)f->want);
}

/* For the scenario: what should be there. */
static void line_peek(struct duel *d, u64 offset, u64 value)
{
	for (unsigned i = 0; i < duel_nr_slots; i++) {
		const struct naive_slot *s = &d->naive.slot[i];

		if (!s->used || s->as || offset - s->offset >= s->npages << PAGE_SHIFT)
			continue;
		duel_line(d, "peek 0x%llx 8 -> 0x%llx",
			  (unsigned long long)((s->gfn << PAGE_SHIFT) + offset - s->offset),
			  (unsigned long long)value);
		return;
	}
}

/* Nearly always the first frames, where the tables are; now and then all. */
static void check_memory(struct duel *d, u64 size)
{
	const u8 *real = d->sim.mem.base + d->ram_hpa;
	u64 a, b;

	if (!memcmp(real, d->naive.ram, size))
		return;
	for (u64 at = 0; at < size; at += 8) {
		memcpy(&a, real + at, 8);
		memcpy(&b, d->naive.ram + at, 8);
		if (a != b) {
			line_peek(d, at, b);
			duel_fail(d, "memory at 0x%llx is 0x%llx, naive 0x%llx",
				  (unsigned long long)at, (unsigned long long)a,
				  (unsigned long long)b);
			return;
		}
	}
}

void duel_check_all(struct duel *d)
{
	check_memory(d, d->checks++ % DUEL_FULL ? 32 * PAGE_SIZE : DUEL_RAM);
	mmu_audit(d->sim.vm, finding, d);
	duel_model_check(d);
}

/* ---- a run --------------------------------------------------------------- */

void duel_line_slot(struct duel *d, unsigned i)
{
	const struct naive_slot *s = &d->naive.slot[i];

	duel_line(d, "place %u %u 0x%llx 0x%llx 0x%llx%s", s->as, i,
		  (unsigned long long)s->gfn << PAGE_SHIFT,
		  (unsigned long long)s->npages << PAGE_SHIFT, (unsigned long long)s->offset,
		  s->readonly ? " ro" : "");
}

enum mmu_status duel_make_slot(struct duel *d, unsigned i)
{
	const struct naive_slot *s = &d->naive.slot[i];
	enum mmu_status status;

	status = mmu_slot_create(d->sim.vm, s->as, i, s->gfn, s->npages, d->ram_hpa + s->offset,
				 s->readonly ? MMU_SLOT_READONLY : 0);
	if (status == MMU_OK)
		duel_line_slot(d, i);
	return status;
}

static bool make_slots(struct duel *d)
{
	d->naive.ram = calloc(1, DUEL_RAM);
	d->naive.ram_size = DUEL_RAM;
	d->naive.maxphyaddr = d->sim.config.maxphyaddr;
	duel_for_library(d, false);
	if (!d->naive.ram || !naive_past_open(&d->naive.past, DUEL_RAM))
		return false;
	d->ram_hpa = sim_mem_block(&d->sim.mem, DUEL_RAM, level_bytes(LEVEL_2M));
	for (unsigned i = 0; i < duel_nr_slots; i++) {
		d->naive.slot[i] = duel_slots[i];
		d->naive.slot[i].used = true;
		if (duel_make_slot(d, i) != MMU_OK)
			return false;
	}
	return duel_log_open(d);
}

static void turn_knob(struct duel *d, enum mmu_knob knob, u64 value)
{
	duel_line(d, "knob %s %llu", mmu_knobs[knob].name, (unsigned long long)value);
	if (mmu_set_knob(d->sim.vm, knob, value) != MMU_OK)
		abort();
}

/* Large pages and a small budget by the seed's last bits, the others by chance. */
static void turn_knobs(struct duel *d)
{
	u64 r = d->config.seed;

	for (unsigned i = 0; i < MMU_NR_KNOBS; i++)
		if (i != MMU_KNOB_budget && sched_random(&r) % 3)
			turn_knob(d, i, duel_knob_value(i, sched_random(&r)));
	turn_knob(d, MMU_KNOB_huge, d->config.seed & 1);
	turn_knob(d, MMU_KNOB_budget, d->config.seed % 4 == 3 ? 64 : 0);
}

static const char *make_machine(struct duel *d)
{
	const char *dir = getenv("TMPDIR");
	struct sim_config config = { .mode = d->config.mode, .vcpus = d->cpus, .memory = MEMORY,
				     .maxphyaddr = 40 + d->config.seed % 3 * 3, /* 40, 43, 46 */
				     .tdp_level = d->config.seed & 4 ? 5 : 4,
				     .flushes_roots = d->config.seed & 2,
				     .ad_disabled = d->config.seed / 3 % 4 == 1,
				     .seed = d->config.seed };
	char path[200];
	const char *failed;
	int fd;

	snprintf(path, sizeof(path), "%s/duel.XXXXXX", dir ? dir : "/tmp");
	fd = mkstemp(path);
	if (fd < 0)
		return "no temporary file";
	close(fd);
	config.shared = path;
	failed = sim_create(&d->sim, &config);
	unlink(path);
	if (failed)
		return failed;
	if (d->config.script)
		duel_script_begin(d, d->config.script);
	turn_knobs(d);
	return NULL;
}

static void end(struct duel *d)
{
	u64 pages;

	duel_script_end(d);
	if (!d->sim.panic) {
		duel_count_flushes(d);
		mmu_vm_destroy(d->sim.vm);
		d->sim.vm = NULL;
		pages = d->sim.mem.pages_out;
		if (pages)
			duel_fail(d, "%llu pages were not given back", (unsigned long long)pages);
		if (d->sim.mem.misuse)
			duel_fail(d, "%s", d->sim.mem.misuse);
	}
	if (d->link)
		duel_model_close(d);
	sim_destroy(&d->sim);
	duel_log_close(d);
	naive_past_close(&d->naive.past);
	free(d->naive.ram);
}

static void run_ops(struct duel *d, struct duel_op *op, unsigned n)
{
	for (d->at = 0; d->at < n && !d->failure[0]; d->at++) {
		duel_step(d, &op[d->at]);
		if (d->config.verbose)
			duel_print_op(&op[d->at], d->at);
		duel_check_always(d);
		/* What a slot that comes asks for is done at the next entry. */
		if (d->tape && op[d->at].kind == DUEL_slot)
			duel_model_check(d);
		if (!d->failure[0] && (d->at + 1) % d->config.every == 0)
			duel_check_all(d);
	}
	if (!d->failure[0]) {
		duel_check_all(d);
		check_memory(d, DUEL_RAM);
	}
}

bool duel_run(struct duel *d, const struct duel_config *config, struct duel_op *op, unsigned n)
{
	struct duel_tape *tape = d->tape;
	jmp_buf panicked;
	const char *failed;

	memset(d, 0, sizeof(*d));
	d->config = *config;
	d->mode = config->mode;
	d->tdp_used = d->naive_tdp = duel_is_tdp(d);
	d->cpus = 2 + (config->seed >> 3) % 4 % 3; /* 2, 3, 4, 2 */
	failed = make_machine(d);
	if (failed)
		return duel_fail(d, "%s", failed);
	d->sim.env.events_on = config->events;
	d->sim.on_panic = &panicked;
	if (!setjmp(panicked)) {
		if (config->events && !duel_model_open(d, tape != NULL))
			duel_fail(d, "no link to the channel");
		else if (!make_slots(d))
			duel_fail(d, "the slots cannot be made");
		else
			run_ops(d, op, n);
		end(d);
	} else {
		duel_fail(d, "%s:%u: %s (0x%llx, 0x%llx)", d->sim.panic_file, d->sim.panic_line,
			  d->sim.panic, (unsigned long long)d->sim.panic_a,
			  (unsigned long long)d->sim.panic_b);
		end(d);
	}
	return !d->failure[0];
}
