/* SPDX-License-Identifier: MIT */
/* Builds programs with one file of the library replaced, and runs programs under
 * a clock. */
#define _GNU_SOURCE
#include "tui/build.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define COMPILE_S 60

const char *build_srcdir(void)
{
	const char *dir = getenv("VITRINE_SRC");

	return dir && *dir ? dir : BUILD_SRCDIR;
}

const char *build_builddir(void)
{
	const char *dir = getenv("VITRINE_BUILD");

	return dir && *dir ? dir : BUILD_BUILDDIR;
}

/* Collects what the command prints; kills it when the time is over. */
static void collect(int fd, pid_t pid, unsigned timeout_s, char *log, size_t log_size)
{
	time_t end = time(NULL) + timeout_s;
	size_t n = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		char some[4096];
		ssize_t got;

		if (time(NULL) > end) {
			kill(pid, SIGKILL);
			break;
		}
		if (poll(&p, 1, 200) <= 0)
			continue;
		got = read(fd, some, sizeof(some));
		if (got <= 0)
			break;
		if (n + got >= log_size)
			got = log_size - n - 1;
		memcpy(log + n, some, got);
		n += got;
	}
	log[n] = 0;
}

int build_run(char *const argv[], unsigned timeout_s, char *log, size_t log_size)
{
	int out[2], status;
	pid_t pid;

	log[0] = 0;
	if (pipe2(out, O_CLOEXEC))
		return -1;
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDONLY);

		dup2(null, 0);
		dup2(out[1], 1);
		dup2(out[1], 2);
		execvp(argv[0], argv);
		fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	close(out[1]);
	if (pid > 0)
		collect(out[0], pid, timeout_s, log, log_size);
	close(out[0]);
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return -1;
	return WEXITSTATUS(status);
}

/* The compiler's flags come from the build as one string: cut at blanks. */
static unsigned add_words(char *words, char **argv, unsigned n, unsigned max)
{
	for (char *w = strtok(words, " "); w && n < max; w = strtok(NULL, " "))
		argv[n++] = w;
	return n;
}

#define MAX_ARGS 64

/* Where a file that is named as in the library begins: events name it from there.
 * returns  false: it is named otherwise */
static bool name_in_events(const struct build_job *job, char *flag, size_t size)
{
	size_t n = strlen(job->source), tail = strlen(job->replaces);

	if (n <= tail || strcmp(job->source + n - tail, job->replaces) ||
	    job->source[n - tail - 1] != '/')
		return false;
	snprintf(flag, size, "-fmacro-prefix-map=%.*s=", (int)(n - tail), job->source);
	return true;
}

/* Links the source and ours with the archives and the library. */
static bool compile(const struct build_job *job, char *library, const char *out, char *log,
		    size_t log_size)
{
	char cc[] = BUILD_CC, flags[] = BUILD_CFLAGS, include[2][4200], path[8][4200];
	char map[4200], *argv[MAX_ARGS + 20];
	unsigned n = add_words(cc, argv, 0, MAX_ARGS), k = 0;

	n = add_words(flags, argv, n, MAX_ARGS);
	snprintf(include[0], sizeof(include[0]), "-I%s", build_srcdir());
	snprintf(include[1], sizeof(include[1]), "-I%s", build_builddir());
	argv[n++] = "-std=gnu11";
	argv[n++] = "-Wall";
	argv[n++] = "-Wextra";
	argv[n++] = include[0];
	argv[n++] = include[1];
	if (name_in_events(job, map, sizeof(map)))
		argv[n++] = map;
	argv[n++] = (char *)job->source;
	for (const char *mine = job->mine; *mine; mine += strlen(mine) + 1) {
		snprintf(path[k], sizeof(path[k]), "%s/%s", build_srcdir(), mine);
		argv[n++] = path[k++];
	}
	for (const char *const *archive = job->archives; *archive; archive++) {
		snprintf(path[k], sizeof(path[k]), "%s/%s", build_builddir(), *archive);
		argv[n++] = path[k++];
	}
	argv[n++] = library;
	argv[n++] = "-lpthread";
	argv[n++] = "-o";
	argv[n++] = (char *)out;
	argv[n] = NULL;
	return build_run(argv, COMPILE_S, log, log_size) == 0;
}

/*
 * A copy of the library without the file that is replaced: were it still there,
 * the linker would take from it what the source lacks.
 *
 *   copy     a path that ends in XXXXXX; becomes the copy's
 */
static bool library_without(const char *replaces, char *copy, char *log, size_t log_size)
{
	char from[4200], member[200], *dot;
	char *cp[] = { "cp", from, copy, NULL }, *ar[] = { BUILD_AR, "d", copy, member, NULL };
	int fd = mkstemp(copy);

	if (fd < 0)
		return false;
	close(fd);
	snprintf(from, sizeof(from), "%s/mmu/libmmu.a", build_builddir());
	snprintf(member, sizeof(member), "%s", strrchr(replaces, '/') + 1);
	dot = strrchr(member, '.');
	dot[1] = 'o';
	return build_run(cp, COMPILE_S, log, log_size) == 0 &&
	       build_run(ar, COMPILE_S, log, log_size) == 0;
}

bool build_program(const struct build_job *job, const char *out, char *log, size_t log_size)
{
	char library[] = "/tmp/vitrine-lib-XXXXXX";
	bool ok = library_without(job->replaces, library, log, log_size) &&
		  compile(job, library, out, log, log_size);

	unlink(library);
	return ok;
}

bool build_sim(const char *source, const char *replaces, const char *out, char *log,
	       size_t log_size)
{
	static const char *const archives[] = { "hv/sim/libsim.a", "hv/libhv.a", NULL };
	const struct build_job job = { source, replaces, "hv/sim/main.c\0", archives };

	return build_program(&job, out, log, log_size);
}
