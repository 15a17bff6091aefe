/* SPDX-License-Identifier: MIT */
/*
 * Programs built on the spot from vitrine's own sources, with one file of the MMU
 * library replaced: by a student's, or by one with a bug planted. This needs the
 * sources, the folder they were built in, and the compiler.
 */
#ifndef TUI_BUILD_H
#define TUI_BUILD_H

#include <stdbool.h>
#include <stddef.h>

/* Where the sources and the archives are: $VITRINE_SRC and $VITRINE_BUILD, or
 * the tree this program was built from. */
const char *build_srcdir(void);
const char *build_builddir(void);

/*
 * Runs a command to its end or until timeout_s seconds are over (it is then
 * killed), with its output in log.
 *   returns  its exit status; 127 if there is no such program; -1: killed, crashed
 *            or not started
 */
int build_run(char *const argv[], unsigned timeout_s, char *log, size_t log_size);

/* What a program is made of, beside the library. */
struct build_job {
	const char *source;	/* stands in for a file of the library */
	const char *replaces;	/* that file: "mmu/role.c" */
	const char *mine;	/* sources of ours: each ends in 0, so does the list */
	const char *const *archives;	/* below the build folder; ends with NULL */
};

/*
 * Compiles and links. A source in a folder as the library has it (".../mmu/role.c"
 * for "mmu/role.c") has that name in events.
 *
 *   out      path of the program to make
 *   log      the compiler's words
 *   returns  false if it does not compile or link
 */
bool build_program(const struct build_job *job, const char *out, char *log, size_t log_size);

/* The same, for the simulated machine. */
bool build_sim(const char *source, const char *replaces, const char *out, char *log,
	       size_t log_size);

#endif
