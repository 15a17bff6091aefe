/* SPDX-License-Identifier: MIT */
/* Bytes between a debugger's socket and the channel's GDB pipes. */
#define _GNU_SOURCE
#include "tui/relay.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "tui/say.h"

#define CHUNK 4096

struct relay {
	int listening, client;	/* client -1: nobody */
	u8 in[CHUNK], out[CHUNK];	/* what could not be moved yet */
	size_t in_len, out_len;
};

static int listen_on(int port, struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(port),
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)at, sizeof(*at)) || listen(fd, 1) ||
	    getsockname(fd, (struct sockaddr *)at, &len)) {
		close(fd);
		return -1;
	}
	return fd;
}

struct relay *relay_open(int port)
{
	struct sockaddr_in at;
	struct relay *relay;
	int fd = listen_on(port, &at);

	if (fd < 0) {
		say("gdb: 127.0.0.1:%d: %s: another port with --gdb=PORT, or any with --gdb=0", port,
		    strerror(errno));
		return NULL;
	}
	say("gdb: listening on 127.0.0.1:%d", ntohs(at.sin_port));
	relay = xcalloc(1, sizeof(*relay));
	relay->listening = fd;
	relay->client = -1;
	return relay;
}

int relay_fd(const struct relay *relay)
{
	return relay->client >= 0 ? relay->client : relay->listening;
}

static void tell(struct link *link, bool open)
{
	link_pipe_open(link, CH_GDB_IN, open);
	link_pipe_open(link, CH_GDB_OUT, open);
	link_ring_bell(link, CH_BELL_GDB);
}

static void disconnect(struct relay *relay, struct link *link)
{
	if (relay->client < 0)
		return;
	close(relay->client);
	relay->client = -1;
	if (link)
		tell(link, false);
}

/* What the stub still had for the debugger before is not for this one. */
static bool connect_one(struct relay *relay, struct link *link)
{
	u8 stale[CHUNK];
	int one = 1, fd = accept4(relay->listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return false;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while (link_pipe_read(link, CH_GDB_OUT, stale, sizeof(stale)))
		;
	relay->client = fd;
	relay->in_len = relay->out_len = 0;
	tell(link, true);
	return true;
}

static bool from_debugger(struct relay *relay, struct link *link)
{
	ssize_t n = 0;
	size_t moved;

	if (relay->in_len < CHUNK)
		n = recv(relay->client, relay->in + relay->in_len, CHUNK - relay->in_len, 0);
	if (n == 0 && relay->in_len < CHUNK) {
		disconnect(relay, link);
		return true;
	}
	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		disconnect(relay, link);
		return true;
	}
	if (n > 0)
		relay->in_len += n;
	moved = relay->in_len ? link_pipe_write(link, CH_GDB_IN, relay->in, relay->in_len) : 0;
	if (!moved)
		return false;
	relay->in_len -= moved;
	memmove(relay->in, relay->in + moved, relay->in_len);
	link_ring_bell(link, CH_BELL_GDB);
	return true;
}

static bool to_debugger(struct relay *relay, struct link *link)
{
	ssize_t n;

	relay->out_len += link_pipe_read(link, CH_GDB_OUT, relay->out + relay->out_len,
					 CHUNK - relay->out_len);
	if (!relay->out_len)
		return false;
	n = send(relay->client, relay->out, relay->out_len, MSG_NOSIGNAL);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			disconnect(relay, link);
		return false;
	}
	relay->out_len -= n;
	memmove(relay->out, relay->out + n, relay->out_len);
	return n > 0;
}

bool relay_turn(struct relay *relay, struct link *link)
{
	bool busy;

	if (relay->client < 0)
		return connect_one(relay, link);
	busy = from_debugger(relay, link);
	if (relay->client >= 0)
		busy |= to_debugger(relay, link);
	return busy;
}

void relay_close(struct relay *relay, struct link *link)
{
	if (!relay)
		return;
	disconnect(relay, link);
	close(relay->listening);
	free(relay);
}
