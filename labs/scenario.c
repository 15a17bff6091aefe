/* SPDX-License-Identifier: MIT */
/* Runs a scenario that the grader wrote on the student's own machine. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "labs/lab.h"
#include "tui/build.h"

#define RUN_S	20
#define LOG	4096

/* The scenario as a file; path ends in XXXXXX. */
static bool write_file(char *path, const char *text)
{
	int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	bool ok = f && fputs(text, f) >= 0;

	if (f && fclose(f))
		ok = false;
	return ok;
}

/* The machine's first complaint, in one line. */
static bool complain(struct grading *g, int status, char *log, const char *path)
{
	char *line = strtok(log, "\n"), *at;

	if (status < 0)
		return lab_fails(g, "the simulated machine crashed or hung on your file");
	at = line ? strstr(line, path) : NULL;
	return lab_fails(g, "on the simulated machine, line %.300s (vitrine lab run %u shows it)",
			 at ? at + strlen(path) + 1 : line ? line : "unknown: it said nothing",
			 g->lab->number);
}

bool lab_run_scenario(struct grading *g, const char *text, uint64_t seed)
{
	char program[] = "/tmp/vitrine-lab-XXXXXX", path[] = "/tmp/vitrine-scn-XXXXXX";
	char seed_arg[40], log[LOG], *argv[] = { program, seed_arg, path, NULL };
	int fd = mkstemp(program), status;
	bool ok;

	if (fd >= 0)
		close(fd);
	snprintf(seed_arg, sizeof(seed_arg), "--seed=%" PRIu64, seed);
	ok = fd >= 0 && write_file(path, text) &&
	     build_sim(g->student, g->lab->replaces, program, log, sizeof(log));
	if (ok) {
		status = build_run(argv, RUN_S, log, sizeof(log));
		ok = status == 0 || complain(g, status, log, path);
	} else {
		lab_fails(g, "the simulated machine could not be built with your file");
	}
	unlink(program);
	unlink(path);
	return ok;
}
