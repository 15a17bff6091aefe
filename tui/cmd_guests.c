/* SPDX-License-Identifier: MIT */
/* vitrine guests: lists the built-in guests. */
#include <stdio.h>
#include <string.h>
#include "tui/builtin.h"
#include "tui/linux.h"
#include "tui/paths.h"
#include "tui/verb.h"

const struct builtin builtins[] = {
#define GUEST(name, file, sentence) { #name, file, sentence },
#include "hv/guests/guests.def"
	{ 0 }
};

const struct builtin *builtin_find(const char *name)
{
	for (const struct builtin *b = builtins; b->name; b++)
		if (!strcmp(b->name, name))
			return b;
	return NULL;
}

int verb_guests(int argc, char **argv)
{
	char path[4096];

	if (argc == 2 && !strcmp(argv[1], "--help")) {
		printf("usage: vitrine guests\n\nLists the guests that `vitrine run NAME` knows.\n");
		return 0;
	}
	if (argc != 1)
		return verb_usage("guests");
	for (const struct builtin *b = builtins; b->name; b++)
		printf("%-13s %s%s\n", b->name, b->sentence,
		       path_guest(b->file, path, sizeof(path)) ? "" : " (not built)");
	for (const struct linux_guest *l = linux_guests; l->name; l++)
		printf("%-13s %s\n", l->name, l->sentence);
	return 0;
}
