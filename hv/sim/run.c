/* SPDX-License-Identifier: MIT */
/* The runner: line by line. */
#include "hv/sim/run.h"
#include "mmu/mode.h"
#include "mmu/resize.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#define MEMORY		(64ull << 20)
#define DEFAULT_RAM	(16ull << 20)

void run_fail(struct run *run, const struct scn_line *line, const char *format, ...)
{
	char text[160];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	run->failed++;
	fprintf(run->options->messages, "vitrine-sim: %s:%u: %s: %s\n", run->scn->name,
		line ? line->number : run->scn->line[run->scn->nr - 1].number,
		line ? line->text : "the end", text);
}

/* ---- machine words ------------------------------------------------------- */

static const char *slot(struct run *run, u64 id, gpa_t gpa, u64 size, u32 flags)
{
	enum mmu_status status = sim_slot(&run->sim, 0, id, gpa >> PAGE_SHIFT, size >> PAGE_SHIFT,
					  flags);

	run->have_slot = true;
	return status == MMU_OK ? NULL : mmu_status_text(status);
}

static const char *default_slot(struct run *run)
{
	return run->have_slot ? NULL : slot(run, 0, 0, DEFAULT_RAM, 0);
}

static const char *mode(struct run *run, const char *name)
{
	const char *why = default_slot(run);

	if (why)
		return why;
	return tables_init(&run->tables, &run->sim, guest_mode_by_name(name))
		       ? NULL
		       : "there is no memory at 0x10000 for the tables";
}

static const char *nested(struct run *run)
{
	if (!run->tables.sim || run->tables.mode == GUEST_unpaged)
		return "nested tables have the format of the guest's own paging, and it has none; see mode";
	return tables_begin(&run->npt, &run->sim, run->tables.mode, NPT_GPA, NULL)
		       ? NULL
		       : "there is no memory at 0x80000 for the tables";
}

static const char *l2mode(struct run *run, const char *name)
{
	enum guest_mode mode = guest_mode_by_name(name);
	const char *why = default_slot(run);
	struct mmu_regs regs;

	if (why)
		return why;
	if (!tables_begin(&run->l2, &run->sim, mode, L2_TABLES_GPA,
			  run->npt.sim ? &run->npt : NULL))
		return "no memory of the guest's guest is at 0x40000 for its tables; see nmap";
	regs = guest_mode_regs(mode, run->l2.root);
	for (unsigned i = 0; i < run->sim.config.vcpus; i++)
		run->sim.cpu[i].l2_regs = regs;
	return NULL;
}

static const char *map(struct guest_tables *tables, const struct scn_line *line)
{
	return tables->sim ? tables_map(tables, line->n[0], line->n[1], line->w[0],
					line->nr_w > 1 ? line->w[1] : "") :
			     "there are no such tables yet";
}

static const char *store(struct run *run, const struct scn_line *line, unsigned size)
{
	return mmu_vm_write(run->sim.vm, line->n[0], &line->n[1], size) == size
		       ? NULL
		       : "there is no memory to write to";
}

static const char *zap(struct run *run, const struct scn_line *line)
{
	if (!line->nr_n)
		mmu_zap_all(run->sim.vm);
	else
		mmu_zap_range(run->sim.vm, line->nr_n > 2 ? line->n[2] : 0, line->n[0] >> PAGE_SHIFT,
			      (line->n[0] + line->n[1] + PAGE_SIZE - 1) >> PAGE_SHIFT);
	return NULL;
}

static const char *resize(struct run *run, const struct scn_line *line)
{
	gfn_t start = line->n[0] >> PAGE_SHIFT;
	gfn_t end = (line->n[0] + line->n[1] + PAGE_SIZE - 1) >> PAGE_SHIFT;
	enum mmu_status status = MMU_OK;
	u64 nr;

	if (line->word == WORD_split)
		status = mmu_split_range(run->sim.vm, 0, start, end, &nr);
	else
		mmu_recover_range(run->sim.vm, line->nr_n > 2 ? line->n[2] : 0, start, end);
	return status == MMU_OK ? NULL : mmu_status_text(status);
}

static const char *knob(struct run *run, const struct scn_line *line)
{
	enum mmu_knob knob = mmu_knob_by_name(line->w[0]);
	enum mmu_status status = MMU_OK;

	if (!run->options->is_set[knob])
		status = mmu_set_knob(run->sim.vm, knob, line->n[0]);
	return status == MMU_OK ? NULL : "the knob does not take this value";
}

static enum mmu_mode named_mode(const struct scn_line *line)
{
	return strcmp(line->w[0], "tdp") ? MMU_MODE_SHADOW : MMU_MODE_TDP;
}

static const char *mmu(struct run *run, const struct scn_line *line)
{
	enum mmu_status status;

	if (scn_names_first_mmu(run->scn, line))
		return NULL; /* it is, unless an option says another */
	status = mmu_set_mode(run->sim.vm, named_mode(line));
	return status == MMU_OK ? NULL : mmu_status_text(status);
}

static const char *unslot(struct run *run, const struct scn_line *line)
{
	enum mmu_status status = mmu_slot_delete(run->sim.vm, line->nr_n > 1 ? line->n[1] : 0,
						 line->n[0]);

	return run_slot_status(status);
}

static const char *refuse(struct run *run, const struct scn_line *line)
{
	if (line->word == WORD_fail)
		run->sim.mem.fail_in = line->n[0];
	else
		run->sim.refuse_flushes = line->n[0];
	return NULL;
}

/* What the host asks of the MMU. */
static const char *library_line(struct run *run, const struct scn_line *line)
{
	switch (line->word) {
	case WORD_knob:
		return knob(run, line);
	case WORD_mmu:
		return mmu(run, line);
	case WORD_zap:
		return zap(run, line);
	case WORD_split:
	case WORD_recover:
		return resize(run, line);
	case WORD_log:
	case WORD_harvest:
		return run_log(run, line);
	case WORD_age:
		return run_age(run, line);
	case WORD_shrink:
		mmu_shrink(run->sim.vm, line->n[0]);
		return NULL;
	case WORD_unprotect:
		mmu_unprotect(run->sim.vm, line->n[0] >> PAGE_SHIFT);
		return NULL;
	default:
		return run_slot_line(run, line); /* vcpus: done; stop: the user's */
	}
}

const char *run_machine_line(struct run *run, const struct scn_line *line)
{
	switch (line->word) {
	case WORD_mem:
		return slot(run, 0, 0, line->n[0], 0);
	case WORD_slot:
		return slot(run, line->n[0], line->n[1], line->n[2],
			    line->nr_w ? MMU_SLOT_READONLY : 0);
	case WORD_unslot:
		return unslot(run, line);
	case WORD_mode:
		return mode(run, line->w[0]);
	case WORD_map:
		return map(&run->tables, line);
	case WORD_nested:
		return nested(run);
	case WORD_nmap:
		return map(&run->npt, line);
	case WORD_l2mode:
		return l2mode(run, line->w[0]);
	case WORD_l2map:
		return map(&run->l2, line);
	case WORD_pte:
		return store(run, line, guest_pte_size(run->tables.mode));
	case WORD_place:
	case WORD_poke:
	case WORD_peek:
		return run_host(run, line);
	case WORD_seed:
		sched_seed(run->sim.sched, line->n[0]);
		return NULL;
	case WORD_fail:
	case WORD_refuse_flush:
		return refuse(run, line);
	case WORD_say:
		sim_log(&run->sim, "%s", line->rest);
		return NULL;
	case WORD_expect:
		run_expect(run, line);
		return NULL;
	default:
		return library_line(run, line);
	}
}

/* ---- the whole ----------------------------------------------------------- */

static bool create(struct run *run)
{
	struct sim_config config = { .mode = MMU_MODE_SHADOW, .vcpus = 1, .memory = MEMORY,
				     .tdp_level = 4, .seed = run->options->seed,
				     .shared = run->options->shared };
	const char *failed;

	for (unsigned i = 0; i < run->scn->nr; i++) {
		const struct scn_line *line = &run->scn->line[i];

		if (scn_names_first_mmu(run->scn, line))
			config.mode = named_mode(line);
		else if (line->word == WORD_vcpus)
			config.vcpus = line->n[0];
		else if (line->word == WORD_mem)
			config.memory += line->n[0];
		else if (line->word == WORD_slot)
			config.memory += line->n[2];
		else if (line->word == WORD_ram)
			config.memory += run->ram_bytes = line->n[0];
		else if (line->word == WORD_maxphyaddr)
			config.maxphyaddr = line->n[0];
		else if (line->word == WORD_tdp_levels)
			config.tdp_level = line->n[0];
		else if (line->word == WORD_flush_roots)
			config.flushes_roots = true;
		else if (line->word == WORD_ad)
			config.ad_disabled = strcmp(line->w[0], "on");
	}
	if (run->options->mode >= 0)
		config.mode = run->options->mode;
	failed = sim_create(&run->sim, &config);
	if (!failed && !run_make_ram(run))
		failed = "no room for the block of memory";
	if (failed)
		fprintf(run->options->messages, "vitrine-sim: %s: %s: %s\n",
			config.shared ? config.shared : run->scn->name, failed,
			errno ? strerror(errno) : "the machine cannot be made");
	return !failed;
}

/* false: a knob does not take the value, which was said. */
static bool set_knobs(struct run *run)
{
	for (unsigned i = 0; i < MMU_NR_KNOBS; i++) {
		if (!run->options->is_set[i] ||
		    mmu_set_knob(run->sim.vm, i, run->options->set[i]) == MMU_OK)
			continue;
		fprintf(run->options->messages, "vitrine-sim: --set=%s=%llu: from %llu to %llu\n",
			mmu_knobs[i].name, (unsigned long long)run->options->set[i],
			(unsigned long long)mmu_knobs[i].min, (unsigned long long)mmu_knobs[i].max);
		return false;
	}
	return true;
}

/* Other tables, other numbers: a back end that was forced may be the reason. */
static void say_mode(struct run *run)
{
	static const char *const name[] = { [MMU_MODE_SHADOW] = "shadow", [MMU_MODE_TDP] = "tdp" };
	int mode = run->options->mode;

	for (unsigned i = 0; i < run->scn->nr && mode >= 0; i++) {
		const struct scn_line *line = &run->scn->line[i];

		if (scn_names_first_mmu(run->scn, line) && strcmp(line->w[0], name[mode]))
			fprintf(run->options->messages,
				"vitrine-sim: %s:%u: this scenario was written for mmu %s\n",
				run->scn->name, line->number, line->w[0]);
	}
}

static bool run_lines(struct run *run)
{
	const struct scn_line *line = run->scn->line, *end = line + run->scn->nr;

	for (; line != end; line++) {
		const char *why = NULL;

		run->sim.clock++;
		run->steps++;
		hv_emit_tail(&run->sim.em, MMU_NO_VCPU, step, line->text, strlen(line->text),
			     line->number);
		if (line->word == WORD_together) {
			line = run_together(run, line);
			if (!line)
				break;
		} else if (scn_words[line->word].who == SCN_CPU) {
			why = default_slot(run);
			if (!why)
				run_cpu_line(run, line);
		} else {
			why = run_machine_line(run, line);
		}
		if (why) {
			fprintf(run->options->messages, "vitrine-sim: %s:%u: %s: %s\n",
				run->scn->name, line->number, line->text, why);
			return false;
		}
		sim_find_ghosts(&run->sim);
		if (run->options->between && !run->options->between(run->options->arg, run, line))
			break;
	}
	return true;
}

static void judge_end(struct run *run)
{
	if (run->sim.wrecked)
		return;
	run_audit(run, NULL);
	if (run->sim.ghosts_used != run->ghosts_known)
		run_fail(run, NULL, "a stale TLB entry was used where a flush had been promised");
	if (run->sim.mem.misuse)
		run_fail(run, NULL, "%s", run->sim.mem.misuse);
}

static void seen(void *arg, u64 seq, u8 vcpu, u16 id, const void *payload, u16 len)
{
	struct run *run = arg;

	watch_seen(&run->watch, seq, vcpu, id, payload, len);
	if (run->options->seen)
		run->options->seen(run->options->arg, seq, vcpu, id, payload, len);
}

static bool between(struct run *run)
{
	return !run->options->between || run->options->between(run->options->arg, run, NULL);
}

/* false: the scenario cannot be carried out. */
static bool run_guarded(struct run *run)
{
	jmp_buf panicked;

	run->sim.on_panic = &panicked;
	if (!setjmp(panicked)) {
		if (!set_knobs(run) || (between(run) && !run_lines(run)))
			return false;
		judge_end(run);
	} else {
		run_fail(run, NULL, "%s:%u: rule broken: %s (0x%llx, 0x%llx)", run->sim.panic_file,
			 run->sim.panic_line, run->sim.panic, (unsigned long long)run->sim.panic_a,
			 (unsigned long long)run->sim.panic_b);
	}
	if (run->failed)
		say_mode(run);
	hv_emit_tail(&run->sim.em, MMU_NO_VCPU, guest_end, "the scenario is over", 20,
		     run->failed ? RUN_FAILED : RUN_OK);
	if (!run->sim.panic)
		between(run);
	return true;
}

enum run_status run_scenario(struct run *run, const struct scenario *scn,
			     const struct run_options *options)
{
	bool could;

	memset(run, 0, sizeof(*run));
	run->scn = scn;
	run->options = options;
	errno = 0;
	if (!create(run))
		return RUN_BAD;
	run->sim.seen = seen;
	run->sim.seen_arg = run;
	could = run_guarded(run);
	run->sim.on_panic = NULL;
	/* Its last events are watched, too. */
	sim_destroy(&run->sim);
	watch_fini(&run->watch);
	return !could ? RUN_BAD : run->failed ? RUN_FAILED : RUN_OK;
}
