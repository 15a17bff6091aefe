/* SPDX-License-Identifier: MIT */
/* vitrine: finds the command and runs it. */
#include "config.h"
#include <stdio.h>
#include <string.h>
#include "tui/say.h"
#include "tui/verb.h"

static const struct verb {
	const char *name, *usage, *sentence;
	int (*run)(int argc, char **argv);
} verbs[] = {
#define VERB(name, usage, sentence) { #name, usage, sentence, verb_##name },
#include "tui/verb.def"
};

#define NR_VERBS (sizeof(verbs) / sizeof(verbs[0]))

static const struct verb *find(const char *name)
{
	for (size_t i = 0; i < NR_VERBS; i++)
		if (!strcmp(verbs[i].name, name))
			return &verbs[i];
	return NULL;
}

int verb_usage(const char *name)
{
	const struct verb *verb = find(name);

	fprintf(stderr, "usage: vitrine %s %s\n", name, verb ? verb->usage : "");
	fprintf(stderr, "       vitrine %s --help tells more\n", name);
	return EXIT_USAGE;
}

static int help(void)
{
	printf("vitrine: a hypervisor you can see through\n\nusage: vitrine COMMAND ...\n\n");
	for (size_t i = 0; i < NR_VERBS; i++)
		printf("  %-7s %-20s %s\n", verbs[i].name, verbs[i].usage, verbs[i].sentence);
	printf("\nvitrine COMMAND --help tells more about a command.\n");
	return 0;
}

int main(int argc, char **argv)
{
	const struct verb *verb;

	if (argc < 2) {
		help();
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
		return help();
	if (!strcmp(argv[1], "--version")) {
		printf("vitrine %s\n", VERSION);
		return 0;
	}
	verb = find(argv[1]);
	if (!verb) {
		say("%s: there is no such command; vitrine --help lists them", argv[1]);
		return EXIT_USAGE;
	}
	return verb->run(argc - 1, argv + 1);
}
