/* SPDX-License-Identifier: MIT */
/* vitrine sim: the simulated machine, in the same glass. Without anything to
 * look at, it is vitrine-sim itself that runs. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tui/mutant.h"
#include "tui/options.h"
#include "tui/paths.h"
#include "tui/say.h"
#include "tui/verb.h"

#define MAX_ARGS 24
#define TEXTS 20
#define TEXT 300

static int help(void)
{
	printf("usage: vitrine sim [options] SCENARIO\n\n"
	       "SCENARIO is a file of memory operations and expectations (vitrine sim --words\n"
	       "describes the language), or the name of one that came with vitrine. A mutant\n"
	       "brings one along.\n\n");
	options_help(FOR_SIM);
	printf("  --mutants          list the mutants\n");
	printf("  --words            describe the scenario language\n");
	printf("\nExit status: 0 it ran, what it expects holds, the audit is green; 1 not, or not in\n"
	       "an order that --explore found; 2 bad scenario or usage.\n");
	return 0;
}

/* The simulated machine's own words for the options. */
struct words {
	char *argv[MAX_ARGS];	/* [0] and [1] are machine_start_sim()'s */
	char text[TEXTS][TEXT];
	unsigned nr, texts;
};

static void add(struct words *w, const char *option, const char *value)
{
	if (!value)
		return;
	snprintf(w->text[w->texts], TEXT, *value ? "--%s=%s" : "--%s", option, value);
	w->argv[w->nr++] = w->text[w->texts++];
}

/* "huge=0 hot=8": an option each. */
static void add_knobs(struct words *w, const char *knobs)
{
	char knob[TEXT / 2];

	while (*knobs && w->texts + 6 < TEXTS) {
		size_t n = strcspn(knobs, " ");

		snprintf(knob, sizeof(knob), "%.*s", (int)n, knobs);
		add(w, "set", knob);
		knobs += n + strspn(knobs + n, " ");
	}
}

static void fill(struct words *w, const struct start_options *opt, char *scenario)
{
	*w = (struct words){ .nr = 2 };
	add(w, "mmu", opt->machine.mmu);
	add_knobs(w, opt->words);
	add(w, "seed", opt->seed);
	add(w, "explore", opt->explore);
	add(w, "tries", opt->tries);
	add(w, "output", opt->output);
	if (live_waits(&opt->live))
		w->argv[w->nr++] = (char *)"--wait";
	w->argv[w->nr++] = scenario;
}

static int only_run(char **argv)
{
	char program[4096];

	if (!path_sim(program, sizeof(program))) {
		say("%s: the simulated machine is missing", program);
		return EXIT_VITRINE;
	}
	argv[1] = program;
	execv(program, argv + 1);
	say("%s: %s", program, strerror(errno));
	return EXIT_VITRINE;
}

static int watch(struct start_options *opt, char **args)
{
	struct session s;

	session_init(&s);
	if (!live_prepare(&s, &opt->live) || !machine_start_sim(&s.machine, args)) {
		s.end = SESSION_BROKEN;
		s.refused = true;
		return session_finish(&s);
	}
	session_start(&s, opt->live.timeout_s);
	return live_run(&s, &opt->live);
}

/* The simulated machine describes its own language. */
static int describe(void)
{
	char *args[] = { NULL, NULL, (char *)"--words", NULL };

	return only_run(args);
}

/* Whatever starts the simulated machine from now on starts the mutant; what it is
 * and what to look at is told before.
 *   returns  false: it was said why */
static bool plant(struct mutant *m, struct start_options *opt)
{
	if (!mutant_build(m))
		return false;
	setenv("VITRINE_SIM", m->program, 1);
	fprintf(stderr, "Mutant %s, in %s:\n%s", m->name, m->file, text_str(&m->about));
	opt->live.say = m->look.len ? m->look.s : m->title;
	opt->live.patched = m->folder;
	return true;
}

/* The scenario's path: the one that is named, or else the mutant's lesson. */
static bool find_scenario(const char *name, const struct mutant *m, char *path, size_t size)
{
	if (!name && !m->lesson[0]) {
		say("sim --mutant=%s: no scenario belongs to it: name one", m->name);
		return false;
	}
	snprintf(path, size, "%s", name ? name : m->lesson);
	if (!access(path, R_OK) || (name && path_scenario(name, path, size)))
		return true;
	say("%s: neither a file that can be read nor a scenario that came with vitrine",
	    name ? name : m->lesson);
	return false;
}

int verb_sim(int argc, char **argv)
{
	static struct mutant mutant;
	struct start_options opt;
	struct words words;
	char path[4096];
	int status;

	if (argc == 2 && !strcmp(argv[1], "--words"))
		return describe();
	if (argc == 2 && !strcmp(argv[1], "--mutants"))
		return mutant_list() ? 0 : EXIT_VITRINE;
	status = options_read(&opt, argc, argv, FOR_SIM);
	if (status)
		return status;
	if (opt.help)
		return help();
	if (optind + 1 != argc && !(opt.mutant && optind == argc))
		return verb_usage("sim");
	if (opt.mutant && !mutant_load(&mutant, opt.mutant))
		return EXIT_VITRINE;
	if (!find_scenario(argv[optind], &mutant, path, sizeof(path)))
		return EXIT_USAGE;
	if (opt.mutant && !plant(&mutant, &opt))
		return EXIT_VITRINE;
	fill(&words, &opt, path);
	if (!live_wants_events(&opt.live))
		return only_run(words.argv);
	if (!opt.explore)
		return watch(&opt, words.argv);
	say("--explore: there is nothing to watch; watch the scenario that it writes");
	return EXIT_USAGE;
}
