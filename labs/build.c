/* SPDX-License-Identifier: MIT */
/* Builds programs from the student's file, and runs programs under a clock. */
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

#include "labs/lab.h"

#define COMPILE_S 60

const char *lab_srcdir(void)
{
	const char *dir = getenv("VITRINE_SRC");

	return dir && *dir ? dir : LAB_SRCDIR;
}

const char *lab_builddir(void)
{
	const char *dir = getenv("VITRINE_BUILD");

	return dir && *dir ? dir : LAB_BUILDDIR;
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

int lab_run(char *const argv[], unsigned timeout_s, char *log, size_t log_size)
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

/* Links the student's file and `mine`, a list of our sources (each ends in 0, so
 * does the list), with the archives and the library. */
static bool compile(const char *student, const char *mine, const char *const *archives,
		    char *library, const char *out, char *log, size_t log_size)
{
	char cc[] = LAB_CC, flags[] = LAB_CFLAGS, include[2][4200], path[8][4200];
	char *argv[MAX_ARGS + 16];
	unsigned n = add_words(cc, argv, 0, MAX_ARGS), k = 0;

	n = add_words(flags, argv, n, MAX_ARGS);
	snprintf(include[0], sizeof(include[0]), "-I%s", lab_srcdir());
	snprintf(include[1], sizeof(include[1]), "-I%s", lab_builddir());
	argv[n++] = "-std=gnu11";
	argv[n++] = "-Wall";
	argv[n++] = "-Wextra";
	argv[n++] = include[0];
	argv[n++] = include[1];
	argv[n++] = (char *)student;
	for (; mine && *mine; mine += strlen(mine) + 1) {
		snprintf(path[k], sizeof(path[k]), "%s/%s", lab_srcdir(), mine);
		argv[n++] = path[k++];
	}
	for (; *archives; archives++) {
		snprintf(path[k], sizeof(path[k]), "%s/%s", lab_builddir(), *archives);
		argv[n++] = path[k++];
	}
	argv[n++] = library;
	argv[n++] = "-lpthread";
	argv[n++] = "-o";
	argv[n++] = (char *)out;
	argv[n] = NULL;
	return lab_run(argv, COMPILE_S, log, log_size) == 0;
}

/*
 * A copy of the library without the file that the student writes: were it still
 * there, the linker would take from it what the student's file lacks.
 *
 *   copy     a path that ends in XXXXXX; becomes the copy's
 */
static bool library_without(const struct lab *lab, char *copy, char *log, size_t log_size)
{
	char from[4200], member[200], *dot;
	char *cp[] = { "cp", from, copy, NULL }, *ar[] = { LAB_AR, "d", copy, member, NULL };
	int fd = mkstemp(copy);

	if (fd < 0)
		return false;
	close(fd);
	snprintf(from, sizeof(from), "%s/mmu/libmmu.a", lab_builddir());
	snprintf(member, sizeof(member), "%s", strrchr(lab->replaces, '/') + 1);
	dot = strrchr(member, '.');
	dot[1] = 'o';
	return lab_run(cp, COMPILE_S, log, log_size) == 0 &&
	       lab_run(ar, COMPILE_S, log, log_size) == 0;
}

static bool build_with(const struct lab *lab, const char *student, const char *mine,
		       const char *const *archives, const char *out, char *log, size_t log_size)
{
	char library[] = "/tmp/vitrine-lib-XXXXXX";
	bool ok = library_without(lab, library, log, log_size) &&
		  compile(student, mine, archives, library, out, log, log_size);

	unlink(library);
	return ok;
}

bool lab_build(const struct lab *lab, const char *student, const char *out, char *log,
	       size_t log_size)
{
	static const char *const archives[] = { NULL };
	char mine[600];
	size_t n;

	n = snprintf(mine, sizeof(mine) - 1, "labs/%s/answer.c", lab->folder) + 1;
	n += snprintf(mine + n, sizeof(mine) - 1 - n, "labs/answer.c") + 1;
	mine[n] = 0;
	return build_with(lab, student, mine, archives, out, log, log_size);
}

bool lab_build_sim(const struct lab *lab, const char *student, const char *out, char *log,
		   size_t log_size)
{
	static const char *const archives[] = { "hv/sim/libsim.a", "hv/libhv.a", NULL };

	return build_with(lab, student, "hv/sim/main.c\0", archives, out, log, log_size);
}
