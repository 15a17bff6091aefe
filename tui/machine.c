/* SPDX-License-Identifier: MIT */
/* A child process with a log pipe and a doorbell socket. */
#define _GNU_SOURCE
#include "tui/machine.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tui/machine_i.h"
#include "tui/say.h"

/* In the child: standard descriptors, a process group of its own so that the
 * terminal's signals reach only us, and death with the parent. */
static void become(char **argv, int in, int log, pid_t parent)
{
	int null = open("/dev/null", O_RDWR);

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	dup2(in >= 0 ? in : null, STDIN_FILENO);
	dup2(log, STDOUT_FILENO);
	dup2(log, STDERR_FILENO);
	signal(SIGPIPE, SIG_DFL);
	execvp(argv[0], argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

bool machine_spawn(struct machine *m, char **argv, int child_bell, bool bell_is_stdin)
{
	pid_t parent = getpid();
	int log[2];

	if (pipe2(log, O_CLOEXEC | O_NONBLOCK)) {
		say("pipe: %s", strerror(errno));
		return false;
	}
	fcntl(log[1], F_SETFL, 0);
	m->log_fd = log[0];
	m->pid = fork();
	if (m->pid < 0) {
		say("fork: %s", strerror(errno));
		m->pid = 0;
		close(log[1]);
		return false;
	}
	if (!m->pid) {
		if (!bell_is_stdin)
			fcntl(child_bell, F_SETFD, 0);
		fcntl(m->ram_fd, F_SETFD, 0);
		become(argv, bell_is_stdin ? child_bell : -1, log[1], parent);
	}
	close(log[1]);
	close(child_bell);
	return true;
}

bool machine_prepare(struct machine *m, int *child_bell)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		say("socketpair: %s", strerror(errno));
		return false;
	}
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	m->bell_fd = pair[0];
	*child_bell = pair[1];
	return true;
}

static void note_end(struct machine *m, int status)
{
	m->pid = 0;
	m->ended = true;
	m->signalled = WIFSIGNALED(status);
	m->status = m->signalled ? WTERMSIG(status) : WEXITSTATUS(status);
}

void machine_poll(struct machine *m)
{
	int status;

	if (m->pid && waitpid(m->pid, &status, WNOHANG) == m->pid)
		note_end(m, status);
}

void machine_freeze(struct machine *m, bool freeze)
{
	int status;

	if (!m->pid || m->stopped == freeze)
		return;
	kill(m->pid, freeze ? SIGSTOP : SIGCONT);
	m->stopped = freeze;
	if (freeze && waitpid(m->pid, &status, WUNTRACED) == m->pid && !WIFSTOPPED(status))
		note_end(m, status);
}

void machine_kill(struct machine *m)
{
	int status;

	if (m->pid) {
		kill(m->pid, SIGKILL);
		if (waitpid(m->pid, &status, 0) == m->pid)
			note_end(m, status);
	}
	if (m->bell_fd >= 0)
		close(m->bell_fd);
	if (m->log_fd >= 0)
		close(m->log_fd);
	m->bell_fd = m->log_fd = -1;
}
