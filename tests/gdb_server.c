/* SPDX-License-Identifier: MIT */
/*
 * The pretended guest behind a socket, for a real GDB.
 *
 *     gdb_server PATH [SESSIONS]      serves that many connections, one by one
 *     (gdb) target remote PATH
 *
 * Tells on stdout what happens, a line each: `ready`, `connected`, `run`,
 * `stop`, and `gone RAX COUNTER BREAKPOINTS` when a connection has ended and
 * the guest has run on for a moment.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/gdb_fake.h"

static struct gdb_stub stub;
static struct gdb_fake fake;
static int peer = -1;

static void die(const char *what)
{
	fprintf(stderr, "gdb_server: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void out(void *ctx, const void *bytes, size_t n)
{
	const char *at = bytes;

	(void)ctx;
	while (n) {
		ssize_t done = send(peer, at, n, MSG_NOSIGNAL);

		if (done < 0) {
			return; /* the next recv() tells that GDB is gone */
		}
		at += done;
		n -= (size_t)done;
	}
}

static int listen_at(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	if (fd < 0 || strlen(path) >= sizeof(addr.sun_path)) {
		die(path);
	}
	strcpy(addr.sun_path, path);
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 1)) {
		die(path);
	}
	puts("ready");
	return fd;
}

/* Input first, so that a Ctrl-C is seen between two bursts of instructions. */
static bool serve_once(void)
{
	struct pollfd wait = {.fd = peer, .events = POLLIN};
	static char bytes[4096];
	ssize_t n;

	if (poll(&wait, 1, fake.running ? 1 : -1) > 0) {
		n = recv(peer, bytes, sizeof(bytes), 0);
		if (n <= 0) {
			return false;
		}
		gdb_stub_input(&stub, bytes, (size_t)n);
	}
	return true;
}

static void serve(void)
{
	bool running = false;

	puts("connected");
	gdb_stub_connected(&stub);
	while (serve_once()) {
		if (fake.running && !running) {
			puts("run");
		}
		running = fake.running;
		gdb_fake_run(&fake, 1000);
		if (!fake.running && running) {
			puts("stop");
		}
		running = fake.running;
	}
	gdb_stub_disconnected(&stub);
	gdb_fake_run(&fake, 1000);
	printf("gone %llu %u %u\n", (unsigned long long)fake.regs[0].rax,
	       fake.ram[FAKE_COUNTER - FAKE_GVA], gdb_fake_nr_breaks(&fake));
}

int main(int argc, char **argv)
{
	int sessions = argc > 2 ? atoi(argv[2]) : 1;
	int fd;

	if (argc < 2) {
		fprintf(stderr, "usage: gdb_server PATH [SESSIONS]\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	gdb_fake_init(&fake, &stub);
	gdb_stub_init(&stub, &fake.target, out, NULL);
	gdb_stub_stopped(&stub, &(struct gdb_stop){.reason = GDB_STOP_PAUSED, .thread = {1, 1}});
	fd = listen_at(argv[1]);
	while (sessions--) {
		peer = accept(fd, NULL, NULL);
		if (peer < 0) {
			die("accept");
		}
		serve();
		close(peer);
	}
	unlink(argv[1]);
	return 0;
}
