/* SPDX-License-Identifier: MIT */
/* Options of the commands that start a machine: one table for run, sim and demo. */
#ifndef TUI_OPTIONS_H
#define TUI_OPTIONS_H

#include "tui/live.h"

struct start_options {
	struct machine_options machine;
	struct live_options live;
	const char *seed;	/* of the simulated machine */
	/* Its search of orders; NULL: none. The number may be "". */
	const char *explore, *tries, *output;
	const char *mutant;	/* planted in it; NULL: none */
	bool help;
	char words[256];	/* what --set and --cpu collect */
};

/* Which command an option belongs to. */
#define FOR_RUN 1
#define FOR_SIM 2

/*
 * Reads the options; getopt's optind is at the first operand afterwards.
 *   returns  0, or the exit status: it was said what is wrong
 */
int options_read(struct start_options *opt, int argc, char **argv, int which);

/* Prints the options of a command. */
void options_help(int which);

#endif
