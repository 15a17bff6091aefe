/* SPDX-License-Identifier: MIT */
/*
 * vitrine-sim: runs a scenario on the simulated machine.
 *
 *	vitrine-sim [--mmu=shadow|tdp] [--set=KNOB=VALUE]... [--seed=N] [--shared=FILE]
 *		[--wait] SCENARIO
 *	vitrine-sim --explore[=N] [--tries=N] [--output=FILE] SCENARIO
 *
 * With --shared the machine's memory is FILE, which the host program maps, and
 * doorbell bytes come in on standard input. With --wait the machine is stopped
 * before the first line, at every `stop` and after the last line, until it is
 * told to resume; end of input means quit. With --explore the orders in which
 * vCPUs can run are searched instead.
 *
 * Exit status: 0 the scenario ran, what it expects holds, the audit is green;
 * 1 not, or an order was found in which not; 2 the scenario is bad or the usage
 * wrong.
 */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include "config.h"
#include "hv/sim/control.h"
#include "hv/sim/explore.h"

struct arguments {
	struct run_options run;
	bool wait, quiet, search;
	struct explore_options explore;
	const char *scenario;
};

static const char help[] =
	"Usage: vitrine-sim [OPTION]... SCENARIO\n"
	"Run a scenario of memory operations on a simulated machine with vitrine's MMU.\n"
	"\n"
	"      --mmu=shadow|tdp   the back end, whatever the scenario says\n"
	"      --set=KNOB=VALUE   a knob, whatever the scenario says\n"
	"      --seed=N           of the scheduler that interleaves vCPUs (1)\n"
	"      --shared=FILE      keep the machine's memory in FILE, read doorbells from stdin\n"
	"      --explore[=N]      search the orders in which vCPUs can run: all with up to N (2)\n"
	"                         preemptions in each together\n"
	"      --tries=N          with --explore: only so many, by chance, from the seed\n"
	"      --output=FILE      where --explore writes the order it finds\n"
	"      --wait             stop before the first line and after the last\n"
	"      --quiet            no summary\n"
	"      --words            describe the scenario language\n"
	"      --help, --version\n"
	"\n"
	"Exit status: 0 it ran and what it expects holds; 1 not, or not in an order that was\n"
	"found; 2 bad scenario or usage.\n";

static void print_rows(const struct scn_row *rows, unsigned nr)
{
	for (unsigned i = 0; i < nr; i++)
		printf("  %s\n      %s\n", rows[i].usage, rows[i].sentence);
}

static void print_words(void)
{
	printf("One thing a line; # begins a comment; blanks around = and ->.\n"
	       "Numbers are decimal or 0x hex, with K, M or G.\n"
	       "A RESULT is a value, or: fault ERROR, reflect ERROR, mmio, readonly, nomem, any.\n"
	       "Between cpuN: and the word may stand: user (CPL 3), ac (RFLAGS.AC set).\n\n");
	print_rows(scn_words, NR_WORDS);
	printf("\nExpectations; \"expect no ...\" turns one round.\n\n");
	print_rows(scn_wishes, NR_WISHES);
	printf("\nPoints at which switch can interrupt a vCPU or the host:\n\n");
	for (unsigned i = 0; i < NR_POINTS; i++)
		printf("  %s\n      %s\n", plan_point_name(i), plan_point_sentence(i));
}

static bool take_mmu(struct arguments *args, const char *name)
{
	args->run.mode = !strcmp(name, "shadow") ? MMU_MODE_SHADOW
			 : !strcmp(name, "tdp")	 ? MMU_MODE_TDP
						 : -1;
	if (args->run.mode < 0)
		fprintf(stderr, "vitrine-sim: --mmu=%s: it is shadow or tdp\n", name);
	return args->run.mode >= 0;
}

static bool take_number(const char *option, const char *text, u64 max, u64 *number)
{
	char *end;

	*number = strtoull(text, &end, 0);
	if (*text >= '0' && *text <= '9' && !*end && *number <= max)
		return true;
	fprintf(stderr, "vitrine-sim: --%s=%s: not a number up to %llu\n", option, text,
		(unsigned long long)max);
	return false;
}

/* "unsync=0"; its range is looked at when the machine exists. */
static bool take_knob(struct arguments *args, const char *text)
{
	const char *value = strchr(text, '=');
	char name[32];
	enum mmu_knob knob;

	snprintf(name, sizeof(name), "%.*s", value ? (int)(value - text) : 0, text);
	knob = mmu_knob_by_name(name);
	if (knob == MMU_NR_KNOBS) {
		fprintf(stderr, "vitrine-sim: --set=%s: KNOB=VALUE is wanted, with a knob of ", text);
		for (unsigned i = 0; i < MMU_NR_KNOBS; i++)
			fprintf(stderr, "%s%s", mmu_knobs[i].name,
				i + 1 < MMU_NR_KNOBS ? ", " : "\n");
		return false;
	}
	args->run.is_set[knob] = true;
	return take_number("set", value + 1, ~0ull, &args->run.set[knob]);
}

static bool take_explore(struct arguments *args, const char *text)
{
	u64 number = 2;

	args->search = true;
	if (text && !take_number("explore", text, PLAN_SWITCHES, &number))
		return false;
	args->explore.preemptions = number;
	return true;
}

/* false: the value is wrong, which was said. */
static bool take_option(struct arguments *args, int letter)
{
	switch (letter) {
	case 'm':
		return take_mmu(args, optarg);
	case 's':
		return take_number("seed", optarg, ~0ull, &args->run.seed);
	case 'k':
		return take_knob(args, optarg);
	case 'f':
		args->run.shared = optarg;
		return true;
	case 'x':
		return take_explore(args, optarg);
	case 't':
		return take_number("tries", optarg, 1000000000, &args->explore.tries);
	case 'o':
		args->explore.output = optarg;
		return true;
	case 'w':
		return args->wait = true;
	default:
		return args->quiet = args->explore.quiet = true;
	}
}

/* Returns an exit status, or -1: go on. */
static int take_arguments(int argc, char **argv, struct arguments *args)
{
	static const struct option options[] = {
		{ "mmu", required_argument, NULL, 'm' },     { "seed", required_argument, NULL, 's' },
		{ "set", required_argument, NULL, 'k' },
		{ "shared", required_argument, NULL, 'f' },  { "wait", no_argument, NULL, 'w' },
		{ "quiet", no_argument, NULL, 'q' },	     { "words", no_argument, NULL, 'l' },
		{ "explore", optional_argument, NULL, 'x' }, { "tries", required_argument, NULL, 't' },
		{ "output", required_argument, NULL, 'o' },  { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },	     { 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'l')
			return print_words(), 0;
		if (c == 'h')
			return fputs(help, stdout), 0;
		if (c == 'v')
			return puts("vitrine-sim (" PACKAGE_NAME ") " PACKAGE_VERSION), 0;
		if (c == '?')
			fprintf(stderr, "Try 'vitrine-sim --help'.\n");
		if (c == '?' || !take_option(args, c))
			return RUN_BAD;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "vitrine-sim: usage: exactly one SCENARIO is wanted; see --help\n");
		return RUN_BAD;
	}
	if (!args->search && (args->explore.tries || args->explore.output)) {
		fprintf(stderr, "vitrine-sim: usage: --tries and --output go with --explore\n");
		return RUN_BAD;
	}
	for (unsigned i = 0; args->search && i < MMU_NR_KNOBS; i++) {
		if (!args->run.is_set[i])
			continue;
		fprintf(stderr, "vitrine-sim: --set=%s: not with --explore: the scenario it "
			"writes would lack it; add a line \"knob\"\n", mmu_knobs[i].name);
		return RUN_BAD;
	}
	args->scenario = argv[optind];
	return -1;
}

static enum run_status search(const struct arguments *args, const struct scenario *scn)
{
	const struct run_options run = { .mode = args->run.mode, .seed = args->run.seed,
					 .messages = args->run.messages };

	return explore(scn, &run, &args->explore);
}

int main(int argc, char **argv)
{
	struct arguments args = { .run = { .mode = -1, .seed = 1, .messages = stderr,
					   .between = control_between, .seen = control_seen } };
	static struct control control = { .bell = -1 };
	static struct run run;
	struct scn_error error;
	struct scenario scn;
	int status = take_arguments(argc, argv, &args);

	if (status >= 0)
		return status;
	if (!scn_load(&scn, args.scenario, &error)) {
		if (error.line)
			fprintf(stderr, "vitrine-sim: %s:%u: %s: %s\n", args.scenario, error.line,
				error.what, error.why);
		else
			fprintf(stderr, "vitrine-sim: %s: %s: %s\n", args.scenario, error.what,
				error.why);
		return RUN_BAD;
	}
	if (args.search) {
		status = search(&args, &scn);
		scn_free(&scn);
		return status;
	}
	control.wait = args.wait;
	control.bell = args.run.shared ? 0 : -1;
	args.run.arg = &control;
	status = run_scenario(&run, &scn, &args.run);
	if (!args.quiet && status != RUN_BAD)
		printf("%s: %u lines, %u of %u expectations hold, %s\n", args.scenario, run.steps,
		       run.held, run.held + run.failed, status ? "FAILED" : "audit green");
	scn_free(&scn);
	return status;
}
