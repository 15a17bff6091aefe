/* SPDX-License-Identifier: MIT */
/*
 * The other end of the stub for its unit tests: a GDB made of functions, with
 * the pretended guest behind the stub.
 */
#ifndef TESTS_GDB_SESSION_H
#define TESTS_GDB_SESSION_H

#include <stddef.h>

#include "tests/gdb_fake.h"

extern struct gdb_stub session_stub;
extern struct gdb_fake session_fake;

/* A new guest, standing, and a GDB that has connected but said nothing. */
void session_begin(void);

/* The same after a GDB of today's opening: no acks, all features. */
void session_open(void);

/* The opening's packets only, on a connection that is there. */
void session_handshake(void);

/* Sends bytes as they are. */
void session_raw(const void *bytes, size_t n);

/* Sends payload[0, n) as a packet. */
void session_send(const void *payload, size_t n);

/* Lets the guest run n instructions. */
void session_run(unsigned int n);

/* How many packets came and were not looked at yet. */
int session_pending(void);

/* The next one, "" if there is none; its length in *n unless NULL. */
const char *session_next(size_t *n);

/* What came besides packets since the last call: '+' and '-'. */
const char *session_acks(void);

/* Sends a text packet and returns its answer; exactly one must come. */
const char *ask(const char *payload);

/* Asks and compares. */
void ask_is(const char *payload, const char *answer);

/* Sends a text packet that has no answer yet. */
void ask_silent(const char *payload);

#endif
