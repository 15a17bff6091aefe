/* SPDX-License-Identifier: MIT */
/*
 * vitrine compare: the same guest or scenario twice, with different settings; what
 * each cost and where they part. Each run is a child with a recording of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tui/builtin.h"
#include "tui/compare.h"
#include "tui/format.h"
#include "tui/open.h"
#include "tui/paths.h"
#include "tui/say.h"
#include "tui/verb.h"

#define MAX_WORDS	64
#define STATE_LINES	8
#define PROGRESS_US	200000

/* One of the two runs. */
struct side {
	const char *name;	/* "a" */
	char *settings;		/* the words of --a */
	char record[4096], output[4096];
	char *argv[MAX_WORDS];
	int argc;
	pid_t pid;
	int status;		/* as waitpid() tells */
	struct timeline *tl;
	struct counts counts;
};

struct comparison {
	struct side a, b;
	struct schema *schema;
	char folder[4096];
	char *common[MAX_WORDS];
	int nr_common;
	char *guest;
	bool sim;		/* a scenario, not a guest */
	char scenario[4096];
};

static int help(void)
{
	printf("usage: vitrine compare [options] --a=OPTIONS --b=OPTIONS GUEST\n\n"
	       "Runs GUEST twice, once with the options of --a and once with those of --b, and\n"
	       "prints what each run cost, where their events part first, and how the two states\n"
	       "differ there. GUEST is what `vitrine run` takes, or a scenario of `vitrine sim`\n"
	       "(NAME.scn, or the name of one that came with vitrine). All other options are\n"
	       "given to both, but those that record or show one run are refused. Guests run on\n"
	       "the deterministic machine (--icount): a tick is an instruction.\n\n"
	       "  --a=OPTIONS        options of the first run: --a='--mmu=shadow'\n"
	       "  --b=OPTIONS        options of the second run: --b='--mmu=shadow --set unsync=0'\n"
	       "  --help             this text\n"
	       "\nExit status: 0 the guest did the same in both; 1 not, or a run failed; 125 vitrine\n"
	       "could not; 2 wrong usage.\n");
	return 0;
}

/* ---- the command line -------------------------------------------------------------- */

/* "--a=X" or "--a X"; returns  whether argv[*i] was it */
static bool take_side(struct side *side, int argc, char **argv, int *i)
{
	char option[8];
	size_t n = snprintf(option, sizeof(option), "--%s", side->name);

	if (strncmp(argv[*i], option, n))
		return false;
	if (argv[*i][n] == '=')
		side->settings = argv[*i] + n + 1;
	else if (!argv[*i][n] && *i + 1 < argc)
		side->settings = argv[++*i];
	else
		return false;
	return true;
}

/* Options that go to both runs, but not these: a recording is made of each, and their
 * output is compared. */
static bool is_for_both(const char *option)
{
	static const char *const not_these[] = { "--record", "--tui", "--plain", "--script" };

	for (size_t i = 0; i < sizeof(not_these) / sizeof(not_these[0]); i++) {
		size_t n = strlen(not_these[i]);

		if (strncmp(option, not_these[i], n) || (option[n] && option[n] != '='))
			continue;
		say("compare: %s: there are two runs; look at each with run or sim", option);
		return false;
	}
	return true;
}

static bool take_arguments(struct comparison *c, int argc, char **argv)
{
	for (int i = 1; i < argc - 1; i++) {
		if (take_side(&c->a, argc - 1, argv, &i) || take_side(&c->b, argc - 1, argv, &i))
			continue;
		if (!is_for_both(argv[i]))
			return false;
		if (c->nr_common == MAX_WORDS / 2) {
			say("compare: more than %d options", MAX_WORDS / 2);
			return false;
		}
		c->common[c->nr_common++] = argv[i];
	}
	c->guest = argc > 1 ? argv[argc - 1] : NULL;
	return c->a.settings && c->b.settings && c->guest && c->guest[0] != '-';
}

/* A scenario ends in .scn, or has the name of one and no guest has. */
static void tell_kind(struct comparison *c)
{
	size_t n = strlen(c->guest);

	c->sim = n > 4 && !strcmp(c->guest + n - 4, ".scn");
	if (!c->sim && !builtin_find(c->guest) && access(c->guest, R_OK) &&
	    path_scenario(c->guest, c->scenario, sizeof(c->scenario)))
		c->sim = true;
}

static bool add_word(struct side *side, char *word)
{
	if (side->argc + 1 >= MAX_WORDS) {
		say("compare: --%s has too many words", side->name);
		return false;
	}
	side->argv[side->argc++] = word;
	return true;
}

static bool fill_side(struct comparison *c, struct side *side)
{
	char *words = xstrdup(side->settings), *at = NULL, *record;
	size_t room = sizeof(side->record) + 16;
	bool ok;

	snprintf(side->record, sizeof(side->record), "%.4000s/%s.rec", c->folder, side->name);
	snprintf(side->output, sizeof(side->output), "%.4000s/%s.out", c->folder, side->name);
	record = xcalloc(1, room);
	snprintf(record, room, "--record=%s", side->record);
	ok = add_word(side, c->sim ? (char *)"sim" : (char *)"run") &&
	     (c->sim || add_word(side, (char *)"--icount"));
	for (int i = 0; ok && i < c->nr_common; i++)
		ok = add_word(side, c->common[i]);
	for (char *w = strtok_r(words, " ", &at); ok && w; w = strtok_r(NULL, " ", &at))
		ok = add_word(side, w);
	return ok && add_word(side, record) && add_word(side, c->guest);
}

/* ---- running ------------------------------------------------------------------------- */

static void run_child(const struct comparison *c, struct side *side)
{
	int out = open(side->output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	int in = open("/dev/null", O_RDONLY);

	if (out < 0 || in < 0)
		_exit(EXIT_VITRINE);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	exit(c->sim ? verb_sim(side->argc, side->argv) : verb_run(side->argc, side->argv));
}

static bool start(const struct comparison *c, struct side *side)
{
	fflush(NULL);
	side->pid = fork();
	if (!side->pid)
		run_child(c, side);
	if (side->pid < 0)
		say("compare: %s", strerror(errno));
	return side->pid > 0;
}

static double mebibytes(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : (double)st.st_size / (1 << 20);
}

/* Both run at a time; on a terminal it is shown how far their recordings are. */
static void wait_for_both(struct comparison *c)
{
	bool terminal = isatty(STDERR_FILENO);
	int running = 2, status;
	pid_t pid;

	while (running) {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid == c->a.pid || pid == c->b.pid) {
			*(pid == c->a.pid ? &c->a.status : &c->b.status) = status;
			running--;
			continue;
		}
		if (pid < 0 && errno != EINTR)
			break;
		if (terminal)
			fprintf(stderr, "\rcomparing: a %.1f MiB, b %.1f MiB of events ",
				mebibytes(c->a.record), mebibytes(c->b.record));
		usleep(PROGRESS_US);
	}
	if (terminal)
		fprintf(stderr, "\r%60s\r", "");
}

/* What a run that failed had to say. */
static void print_output(const struct side *side)
{
	FILE *file = fopen(side->output, "r");
	char line[400];

	while (file && fgets(line, sizeof(line), file))
		fputs(line, stderr);
	if (file)
		fclose(file);
}

/* A guest may end as it likes; vitrine itself must not have failed. */
static bool ran(const struct comparison *c, const struct side *side)
{
	int status = WIFEXITED(side->status) ? WEXITSTATUS(side->status) : EXIT_VITRINE;
	bool ok = status != EXIT_VITRINE && status != EXIT_TIMEOUT &&
		  !(c->sim && status == EXIT_USAGE) && !access(side->record, R_OK);

	if (!ok) {
		say("compare: run %s (%s) failed with status %d:", side->name, side->settings,
		    status);
		print_output(side);
	}
	return ok;
}

static bool look(struct comparison *c, struct side *side)
{
	side->tl = timeline_new(c->schema);
	if (!open_events(side->record, c->schema, side->tl))
		return false;
	compare_count(side->tl, &side->counts);
	return true;
}

/* ---- telling ---------------------------------------------------------------------------- */

static void tell_event(struct text *to, const struct comparison *c, const struct side *side,
		       size_t at)
{
	text_add(to, "  %s: ", side->name);
	if (at < timeline_count(side->tl))
		format_event(to, c->schema, timeline_event(side->tl, at));
	else
		text_add(to, "has ended");
	text_add(to, "\n");
}

static const struct model *state_at(struct timeline *tl, size_t at)
{
	size_t n = timeline_count(tl);

	return timeline_at(tl, at < n ? at : n ? n - 1 : 0);
}

/* returns  whether the guest did the same */
static bool tell(struct comparison *c)
{
	struct text text = { 0 };
	size_t at_a, at_b;
	bool same;

	text_add(&text, "%s\n  a: %s\n  b: %s\n\n", c->guest, c->a.settings, c->b.settings);
	compare_table(&text, &c->a.counts, &c->b.counts);
	text_add(&text, "\n");
	same = compare_guest(&text, c->a.tl, c->b.tl);
	if (compare_parting(c->a.tl, c->b.tl, &at_a, &at_b)) {
		text_add(&text, "\nthe first events that differ:\n");
		tell_event(&text, c, &c->a, at_a);
		tell_event(&text, c, &c->b, at_b);
		text_add(&text, "the states after them:\n");
		compare_states(&text, state_at(c->a.tl, at_a), state_at(c->b.tl, at_b),
			       STATE_LINES);
	} else {
		text_add(&text, "the events are the same\n");
	}
	fputs(text_str(&text), stdout);
	text_free(&text);
	return same;
}

static int compare(struct comparison *c)
{
	int status = 1;
	bool ok;

	if (!fill_side(c, &c->a) || !fill_side(c, &c->b))
		return EXIT_USAGE;
	if (!start(c, &c->a) || !start(c, &c->b))
		return EXIT_VITRINE;
	wait_for_both(c);
	ok = ran(c, &c->a);
	if (!ran(c, &c->b) || !ok)
		return 1;
	if (!look(c, &c->a) || !look(c, &c->b))
		return EXIT_VITRINE;
	if (tell(c))
		status = 0;
	return status;
}

static void clean_up(struct comparison *c)
{
	struct side *sides[] = { &c->a, &c->b };

	for (unsigned i = 0; i < 2; i++) {
		unlink(sides[i]->record);
		unlink(sides[i]->output);
		if (sides[i]->tl)
			timeline_free(sides[i]->tl);
	}
	rmdir(c->folder);
	schema_free(c->schema);
}

int verb_compare(int argc, char **argv)
{
	static struct comparison c = { .a = { .name = "a" }, .b = { .name = "b" } };
	const char *tmp = getenv("TMPDIR");
	int status;

	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help"))
			return help();
	if (!take_arguments(&c, argc, argv))
		return verb_usage("compare");
	tell_kind(&c);
	snprintf(c.folder, sizeof(c.folder), "%.4000s/vitrine-compare.XXXXXX",
		 tmp && *tmp ? tmp : "/tmp");
	if (!mkdtemp(c.folder)) {
		say("compare: %s: %s", c.folder, strerror(errno));
		return EXIT_VITRINE;
	}
	c.schema = schema_new();
	status = compare(&c);
	clean_up(&c);
	return status;
}
