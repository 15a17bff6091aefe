/* SPDX-License-Identifier: MIT */
/*
 * The parent's side of the questions: a child process, a pipe each way, a
 * number on every question so that nothing printed earlier can pass for its
 * answer.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "labs/lab.h"

#define ANSWER_MS	2000
#define CHILD_CPU_S	20
#define CHILD_BYTES	(1ull << 30)

struct child {
	pid_t pid;
	int to, from;
	uint64_t number;
};

/* In the child: bounds for code that loops or eats memory, silence for what
 * it prints besides its answers. */
static void become_child(const char *program, int question_fd, int answer_fd)
{
	struct rlimit cpu = { CHILD_CPU_S, CHILD_CPU_S };
	int null = open("/dev/null", O_RDWR);

	setrlimit(RLIMIT_CPU, &cpu);
#if !defined(__SANITIZE_ADDRESS__)
	setrlimit(RLIMIT_AS, &(struct rlimit){ CHILD_BYTES, CHILD_BYTES });
#endif
	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	dup2(question_fd, 0);
	dup2(answer_fd, 1);
	dup2(null, 2);
	execl(program, program, (char *)NULL);
	_exit(127);
}

static struct child *start(const char *program)
{
	struct child *child = calloc(1, sizeof(*child));
	int to[2], from[2];

	if (!child || pipe2(to, O_CLOEXEC)) {
		free(child);
		return NULL;
	}
	if (pipe2(from, O_CLOEXEC)) {
		close(to[0]);
		close(to[1]);
		free(child);
		return NULL;
	}
	child->pid = fork();
	if (child->pid == 0)
		become_child(program, to[0], from[1]);
	close(to[0]);
	close(from[1]);
	child->to = to[1];
	child->from = from[0];
	return child;
}

void lab_ask_end(struct grading *g)
{
	struct child *child = g->child;

	if (!child)
		return;
	if (child->pid > 0) {
		kill(child->pid, SIGKILL);
		waitpid(child->pid, NULL, 0);
	}
	close(child->to);
	close(child->from);
	free(child);
	g->child = NULL;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A line from the child, before the deadline.
 * returns  its length without the end; -1: none came */
static int read_line(int fd, char *line, size_t size, int64_t deadline)
{
	size_t n = 0;

	while (n + 1 < size) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = deadline - now_ms();

		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return errno = ETIMEDOUT, -1;
		if (read(fd, line + n, 1) != 1)
			return errno = EPIPE, -1;
		if (line[n] == '\n') {
			line[n] = 0;
			return (int)n;
		}
		n++;
	}
	return errno = EMSGSIZE, -1;
}

static bool give_up(struct grading *g, const char *question, const char *reason)
{
	lab_ask_end(g);
	return lab_fails(g, "%s: %s", question, reason);
}

bool lab_ask(struct grading *g, uint64_t *answer, const char *question, ...)
{
	char text[256], line[256], sent[300];
	uint64_t number;
	va_list args;
	int n;

	va_start(args, question);
	vsnprintf(text, sizeof(text), question, args);
	va_end(args);
	if (!g->child)
		g->child = start(g->program);
	if (!g->child)
		return lab_fails(g, "the program made from your file could not be started");
	n = snprintf(sent, sizeof(sent), "%" PRIu64 " %s\n", ++g->child->number, text);
	if (write(g->child->to, sent, n) != n)
		return give_up(g, text, "your code had ended before it was asked");
	if (read_line(g->child->from, line, sizeof(line), now_ms() + ANSWER_MS) < 0)
		return give_up(g, text,
			       errno == ETIMEDOUT ? "no answer within two seconds"
						  : "your code crashed or ended");
	if (sscanf(line, "%" SCNu64 " %" SCNx64, &number, answer) != 2 ||
	    number != g->child->number)
		return give_up(g, text, "what came back is no answer");
	return true;
}
