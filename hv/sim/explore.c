/* SPDX-License-Identifier: MIT */
/*
 * The search for a red order. A run notes every point it comes to after the last
 * switch of its plan: each is a place for one more. The runs are done in a child
 * process, so that one that crashes or hangs is a finding like others.
 */
#include "hv/sim/explore.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define HANGS_AFTER_S	20	/* one run */
#define SHOW_EVERY	64	/* runs, of the line of progress */

/* What the parent must know if the child dies. */
struct shared {
	struct plan plan;	/* being tried */
	unsigned block;
	u64 tried, of;		/* in this block; as far as is known */
};

struct plans {
	struct plan *at;
	size_t nr, room;
	bool failed;		/* there was no memory for one */
};

struct search {
	const struct scenario *scn;
	const struct explore_options *options;
	struct run_options run;
	struct shared *shared;
	const struct plan *now;	/* being tried */
	struct plans *more;	/* gets what can be tried next; NULL: not wanted */
	FILE *log;		/* messages of the run */
	char *text;
	size_t len;
};

/* ---- plans ------------------------------------------------------------------- */

static struct plan *plans_add(struct plans *plans)
{
	if (plans->nr == plans->room) {
		size_t room = plans->room ? 2 * plans->room : 256;
		struct plan *at = realloc(plans->at, room * sizeof(*at));

		if (!at) {
			plans->failed = true;
			return NULL;
		}
		plans->at = at;
		plans->room = room;
	}
	return &plans->at[plans->nr++];
}

static void plans_drop(struct plans *plans)
{
	free(plans->at);
	*plans = (struct plans){ 0 };
}

/* One preemption more at this point, in favour of each of the others. */
static void passed(void *arg, const struct sched_step *step)
{
	struct search *s = arg;

	if (!s->more || step->done < s->now->nr)
		return;
	for (u32 others = step->others; others; others &= others - 1) {
		struct plan *plan = plans_add(s->more);

		if (!plan)
			return;
		*plan = *s->now;
		plan->at[plan->nr++] = (struct plan_switch){ .task = step->task,
							     .point = step->point,
							     .count = step->count,
							     .to = __builtin_ctz(others) };
	}
}

static void starts(u32 tasks, struct plans *plans)
{
	for (; tasks; tasks &= tasks - 1) {
		struct plan *plan = plans_add(plans);

		if (plan)
			*plan = (struct plan){ .given = true, .start = __builtin_ctz(tasks) };
	}
}

/* ---- one run ------------------------------------------------------------------- */

static void progress(const struct search *s)
{
	const struct shared *shared = s->shared;

	if (shared->tried % SHOW_EVERY || s->options->quiet || !isatty(STDERR_FILENO))
		return;
	fprintf(stderr, "\r%llu of %llu orders with %u preemptions ",
		(unsigned long long)shared->tried, (unsigned long long)shared->of,
		shared->plan.nr);
}

static enum run_status try(struct search *s, const struct plan *plan, struct plans *more)
{
	static struct run run;

	s->now = plan;
	s->more = more;
	s->shared->plan = *plan;
	s->shared->tried++;
	progress(s);
	s->run.plan = plan;
	s->run.plan_block = s->shared->block;
	rewind(s->log);
	alarm(HANGS_AFTER_S);
	return run_scenario(&run, s->scn, &s->run);
}

/* ---- searching ------------------------------------------------------------------ */

/* All plans of one number of preemptions; *more gets those of the next number. */
static enum run_status try_all(struct search *s, const struct plans *plans, struct plans *more)
{
	enum run_status status = RUN_OK;

	for (size_t i = 0; i < plans->nr && status == RUN_OK; i++)
		status = try(s, &plans->at[i], more);
	return status;
}

static enum run_status search_all(struct search *s, u32 tasks)
{
	struct plans now = { 0 }, more = { 0 };
	enum run_status status = RUN_OK;

	starts(tasks, &now);
	for (unsigned n = 0; n <= s->options->preemptions && status == RUN_OK; n++) {
		s->shared->of += now.nr;
		status = try_all(s, &now, n < s->options->preemptions ? &more : NULL);
		plans_drop(&now);
		if (more.failed)
			status = RUN_BAD;
		now = more;
		more = (struct plans){ 0 };
	}
	plans_drop(&now);
	return status;
}

/* A plan grows by one switch after the other, each picked by chance. */
static enum run_status search_some(struct search *s, u32 tasks)
{
	u64 random = s->run.seed;
	enum run_status status = RUN_OK;
	struct plans next = { 0 };
	struct plan plan;

	s->shared->of = s->options->tries;
	while (status == RUN_OK && s->shared->tried < s->options->tries) {
		starts(tasks, &next);
		for (unsigned n = 0; n <= s->options->preemptions && next.nr; n++) {
			if (status != RUN_OK || s->shared->tried == s->options->tries)
				break;
			plan = next.at[sched_random(&random) % next.nr];
			next.nr = 0;
			status = try(s, &plan, &next);
		}
		next.nr = 0;
	}
	plans_drop(&next);
	return status;
}

/* The child's work: its exit status. */
static enum run_status search(struct search *s)
{
	enum run_status status = RUN_OK;
	unsigned line;
	u32 tasks;

	s->log = open_memstream(&s->text, &s->len);
	if (!s->log)
		return RUN_BAD;
	s->run.messages = s->log;
	s->run.passed = passed;
	s->run.passed_arg = s;
	for (unsigned i = 0; status == RUN_OK && explore_block(s->scn, i, &line, &tasks); i++) {
		s->shared->block = i;
		s->shared->tried = s->shared->of = 0;
		status = s->options->tries ? search_some(s, tasks) : search_all(s, tasks);
		if (status == RUN_OK && !s->options->quiet)
			printf("%s:%u: %llu orders with up to %u preemptions%s: all green\n",
			       s->scn->name, line, (unsigned long long)s->shared->tried,
			       s->options->preemptions, s->options->tries ? ", by chance" : "");
	}
	fclose(s->log);
	if (status != RUN_OK)
		fwrite(s->text, 1, s->len, stderr);
	fflush(stdout);
	return status;
}

/* ---- what was found ---------------------------------------------------------------- */

/* x.scn is found as x.found.scn, here. */
static void make_name(const char *scenario, char *name, size_t size)
{
	const char *slash = strrchr(scenario, '/'), *base = slash ? slash + 1 : scenario;
	const char *dot = strrchr(base, '.');

	snprintf(name, size, "%.*s.found.scn", dot ? (int)(dot - base) : (int)strlen(base), base);
}

static enum run_status found(const struct search *s)
{
	const struct shared *shared = s->shared;
	char text[256], name[256];
	unsigned line;
	u32 tasks;

	explore_block(s->scn, shared->block, &line, &tasks);
	printf("%s:%u: red, in order %llu of %llu with up to %u preemptions:\n  start %s\n",
	       s->scn->name, line, (unsigned long long)shared->tried,
	       (unsigned long long)shared->of, shared->plan.nr,
	       plan_task_name(shared->plan.start, text));
	for (unsigned i = 0; i < shared->plan.nr; i++) {
		plan_switch_text(&shared->plan.at[i], text, sizeof(text));
		printf("  %s\n", text);
	}
	if (s->options->output)
		snprintf(name, sizeof(name), "%s", s->options->output);
	else
		make_name(s->scn->name, name, sizeof(name));
	if (explore_write(s->scn, shared->block, &shared->plan, s->run.mode, name))
		printf("It is in %s, for vitrine sim to show.\n", name);
	else
		fprintf(s->run.messages, "vitrine-sim: %s: %s\n", name, strerror(errno));
	return RUN_FAILED;
}

static enum run_status outcome(const struct search *s, int wait_status)
{
	if (WIFSIGNALED(wait_status)) {
		int signal = WTERMSIG(wait_status);

		fprintf(s->run.messages, "vitrine-sim: %s: %s\n", s->scn->name,
			signal == SIGALRM ? "a run hangs" : strsignal(signal));
		return found(s);
	}
	return WEXITSTATUS(wait_status) == RUN_FAILED ? found(s) : WEXITSTATUS(wait_status);
}

enum run_status explore(const struct scenario *scn, const struct run_options *run,
			const struct explore_options *options)
{
	struct search s = { .scn = scn, .options = options, .run = *run };
	enum run_status status = RUN_BAD;
	int wait_status;
	unsigned line;
	u32 tasks;
	pid_t child;

	if (!explore_block(scn, 0, &line, &tasks)) {
		fprintf(run->messages, "vitrine-sim: %s: there is no together in it, so there is "
				       "only one order\n", scn->name);
		return RUN_BAD;
	}
	s.shared = mmap(NULL, sizeof(*s.shared), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s.shared == MAP_FAILED)
		return RUN_BAD;
	fflush(NULL);
	child = fork();
	if (!child)
		_exit(search(&s));
	if (child > 0 && waitpid(child, &wait_status, 0) == child)
		status = outcome(&s, wait_status);
	munmap(s.shared, sizeof(*s.shared));
	return status;
}
