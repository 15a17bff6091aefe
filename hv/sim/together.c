/* SPDX-License-Identifier: MIT */
/* Several vCPUs, and the host, at the same time. */
#include "hv/sim/cpu.h"
#include "hv/sim/run.h"

struct part {
	struct run *run;
	const struct scn_line *first, *end;
	unsigned task;
};

static void do_line(struct run *run, const struct scn_line *line)
{
	const char *why;

	if (scn_words[line->word].who == SCN_CPU) {
		run_cpu_line(run, line);
		return;
	}
	library_begin(&run->sim);
	why = run_machine_line(run, line);
	library_end(&run->sim);
	if (why)
		run_fail(run, line, "%s", why);
}

static bool is_of(const struct scn_line *line, unsigned task)
{
	if (scn_words[line->word].who == SCN_CPU)
		return line->cpu == task;
	return task == PLAN_HOST && line->word != WORD_start && line->word != WORD_switch;
}

static void do_part(void *arg)
{
	const struct part *part = arg;
	bool first = true;

	for (const struct scn_line *line = part->first; line != part->end; line++) {
		if (!is_of(line, part->task))
			continue;
		if (!first)
			sched_point(part->run->sim.sched, POINT_line);
		first = false;
		do_line(part->run, line);
	}
}

/* What the lines after `together` say about the order. */
static struct plan plan_of(const struct scn_line *line)
{
	struct plan plan = { 0 };

	for (; line->word == WORD_start || line->word == WORD_switch; line++) {
		plan.given = true;
		if (line->word == WORD_start)
			plan.start = line->n[0];
		else
			plan.at[plan.nr++] = (struct plan_switch){ .task = line->n[0],
								   .point = line->n[1],
								   .count = line->n[2],
								   .to = line->n[3] };
	}
	return plan;
}

static void passed(void *arg, const struct sched_step *step)
{
	const struct run_options *o = ((struct run *)arg)->options;

	o->passed(o->passed_arg, step);
}

/* The stream of events shows where a task was interrupted. */
static void switched(void *arg, const struct plan_switch *at)
{
	struct run *run = arg;
	char from[8], to[8];

	sim_log(&run->sim, "%s is interrupted at %s; %s goes on", plan_task_name(at->task, from),
		plan_point_name(at->point), plan_task_name(at->to, to));
}

static void say_misfit(struct run *run, const struct scn_line *line)
{
	const struct plan_switch *at;
	char text[64];
	u32 came;

	at = sched_misfit(run->sim.sched, &came);
	plan_switch_text(at, text, sizeof(text));
	run_fail(run, line, "the plan does not fit any more: %s: %s", text,
		 came < at->count ? "it does not come there so often" :
				    "not after the switch before it, or the other one has ended");
}

/* returns  false: the vCPUs are stuck, the machine is of no use any more */
static bool judge_end(struct run *run, const struct scn_line *line, enum sched_end end)
{
	switch (end) {
	case SCHED_DONE:
		return true;
	case SCHED_STOPPED:
		if (run->sim.panic && run->sim.on_panic)
			longjmp(*run->sim.on_panic, 1);
		run_fail(run, line, "a vCPU has stopped");
		break;
	case SCHED_WAIT:
		run_fail(run, line, "the vCPUs wait for each other for ever");
		break;
	case SCHED_ENDLESS:
		run_fail(run, line, "the vCPUs come to no end");
		break;
	case SCHED_MISFIT:
		say_misfit(run, line);
		return true;
	}
	run->sim.wrecked = true;
	return false;
}

static bool loses_flushes(const struct scenario *scn)
{
	for (unsigned i = 0; i < scn->nr; i++)
		if (scn->line[i].word == WORD_drop_flush)
			return true;
	return false;
}

/* All is quiet: every flush that is owed is done as the vCPUs enter once more, and
 * no TLB may know more than the tables then. */
static void judge_rest(struct run *run, const struct scn_line *line, u64 promises_broken)
{
	struct sim *sim = &run->sim;

	for (unsigned i = 0; i < sim->config.vcpus; i++)
		if (sim_visit(&sim->cpu[i]) != MMU_OK)
			run_fail(run, line, "the host has no page left");
	if (sim->promises_broken != promises_broken && !loses_flushes(run->scn))
		run_fail(run, line, "a TLB has a stale entry where a flush had been promised");
	if (!run_audit(run, line))
		run_fail(run, line, "the audit found broken rules");
}

/* A task for everybody who has something to do. */
static void add_tasks(struct run *run, const struct scn_line *first, const struct scn_line *end,
		      struct part part[PLAN_TASKS])
{
	for (const struct scn_line *line = first; line != end; line++)
		for (unsigned task = 0; task < PLAN_TASKS; task++) {
			if (part[task].run || !is_of(line, task))
				continue;
			part[task] = (struct part){ run, first, end, task };
			if (!sched_add(run->sim.sched, task, do_part, &part[task]))
				run_fail(run, line, "no memory for a vCPU's stack");
		}
}

const struct scn_line *run_together(struct run *run, const struct scn_line *line)
{
	const struct run_options *o = run->options;
	bool mine = o->plan && o->plan_block == run->blocks;
	const struct plan plan = mine ? *o->plan : plan_of(line + 1);
	const struct sched_order order = { .plan = plan.given ? &plan : NULL,
					   .passed = mine && o->passed ? passed : NULL,
					   .switched = switched,
					   .arg = run };
	u64 promises_broken = run->sim.promises_broken;
	struct part part[PLAN_TASKS] = { 0 };
	const struct scn_line *end = line;

	run->blocks++;
	while (end->word != WORD_end)
		end++;
	add_tasks(run, line + 1, end, part);
	sched_obey(run->sim.sched, &order);
	if (!judge_end(run, line, sched_run(run->sim.sched)))
		return NULL;
	judge_rest(run, end, promises_broken);
	return end;
}
