/* SPDX-License-Identifier: MIT */
/*
 * GDB: a listening socket on 127.0.0.1; one debugger at a time; its bytes go
 * through the channel's GDB pipes. The stub in the hypervisor is told of
 * connect and disconnect.
 */
#ifndef TUI_RELAY_H
#define TUI_RELAY_H

#include "tui/link.h"

struct relay;

/*
 * Listens; says where: "vitrine: gdb: listening on 127.0.0.1:PORT".
 *   port     0: any free one
 *   returns  NULL: it was said why
 */
struct relay *relay_open(int port);
void relay_close(struct relay *relay, struct link *link);

/* A descriptor to poll for input: the debugger's, or the listening one. */
int relay_fd(const struct relay *relay);

/* Moves what can be moved. Returns whether anything was. */
bool relay_turn(struct relay *relay, struct link *link);

#endif
