/* SPDX-License-Identifier: MIT */
/* Commands: each takes its own arguments (argv[0] is its name) and returns the
 * program's exit status. */
#ifndef TUI_VERB_H
#define TUI_VERB_H

#define VERB(name, usage, sentence) int verb_##name(int argc, char **argv);
#include "tui/verb.def"

/* Prints the usage of a command and how to get help; returns EXIT_USAGE. */
int verb_usage(const char *name);

#endif
