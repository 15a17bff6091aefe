/* SPDX-License-Identifier: MIT */
/*
 * Mutants: the MMU library with one classic bug planted. Each is a patch in
 * tests/mutants of the sources; its head says what the bug is, which scenario
 * shows it, and what to look at there.
 */
#ifndef TUI_MUTANT_H
#define TUI_MUTANT_H

#include <stdbool.h>
#include "tui/text.h"

struct mutant {
	char name[64];
	char title[120];
	char patch[600];	/* its path */
	char file[128];		/* what it patches, from the top: "mmu/role.c" */
	char lesson[640];	/* path of the scenario; "": it has none */
	struct text about;	/* the head as far as it is the user's, in lines */
	struct text look;	/* "look at ...", in one line */
	char folder[640];	/* of mutant_build(): the patched file from the top, and ... */
	char program[700];	/* ... the simulated machine built with it */
};

/* Reads the head of a mutant's patch.
 *   returns  false: there is none, and that was said; nothing is owed then */
bool mutant_load(struct mutant *m, const char *name);
void mutant_free(struct mutant *m);

/*
 * Builds the simulated machine with the mutant, in the build folder. What was
 * built before of the same sources and patch is used again.
 *   returns  false: it cannot be done, and it was said why
 */
bool mutant_build(struct mutant *m);

/* Prints name and sentence of each.
 *   returns  false: there are none here, and it was said why */
bool mutant_list(void);

#endif
