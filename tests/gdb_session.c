/* SPDX-License-Identifier: MIT */
/*
 * A GDB made of functions; see gdb_session.h.
 */
#include "tests/gdb_session.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_PACKETS 64
#define MAX_ACKS    64

struct gdb_stub session_stub;
struct gdb_fake session_fake;

static struct gdb_rx from_stub;
static struct {
	size_t len;
	char data[GDB_PACKET_MAX + 1];
} packets[MAX_PACKETS];
static int first_packet, nr_packets;
static char acks[MAX_ACKS], acks_seen[MAX_ACKS];
static size_t nr_acks;

static void take_packet(void)
{
	int slot = (first_packet + nr_packets) % MAX_PACKETS;

	if (nr_packets == MAX_PACKETS) {
		ck_abort_msg("more than %d packets came", MAX_PACKETS);
	}
	packets[slot].len = from_stub.len;
	memcpy(packets[slot].data, from_stub.data, from_stub.len + 1);
	nr_packets++;
}

static void take_bytes(void *ctx, const void *bytes, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++) {
		uint8_t byte = ((const uint8_t *)bytes)[i];

		switch (gdb_rx_byte(&from_stub, byte)) {
		case GDB_RX_NONE:
			break;
		case GDB_RX_PACKET:
			take_packet();
			break;
		case GDB_RX_ACK:
		case GDB_RX_NAK:
			if (nr_acks + 1 < MAX_ACKS) {
				acks[nr_acks++] = (char)byte;
			}
			break;
		default:
			ck_abort_msg("the stub sent a damaged packet");
		}
	}
}

void session_begin(void)
{
	gdb_rx_init(&from_stub);
	first_packet = 0;
	nr_packets = 0;
	nr_acks = 0;
	gdb_fake_init(&session_fake, &session_stub);
	gdb_stub_init(&session_stub, &session_fake.target, take_bytes, NULL);
	gdb_stub_stopped(&session_stub,
			 &(struct gdb_stop){.reason = GDB_STOP_PAUSED, .thread = {1, 1}});
	gdb_stub_connected(&session_stub);
}

void session_handshake(void)
{
	ask("qSupported:multiprocess+;swbreak+;hwbreak+;qRelocInsn+");
	ask_is("QStartNoAckMode", "OK");
	session_acks();
}

void session_open(void)
{
	session_begin();
	session_handshake();
}

void session_raw(const void *bytes, size_t n)
{
	gdb_stub_input(&session_stub, bytes, n);
}

static void to_stub(void *ctx, const void *bytes, size_t n)
{
	(void)ctx;
	gdb_stub_input(&session_stub, bytes, n);
}

void session_send(const void *payload, size_t n)
{
	gdb_tx_packet(payload, n, to_stub, NULL);
}

void session_run(unsigned int n)
{
	gdb_fake_run(&session_fake, n);
}

int session_pending(void)
{
	return nr_packets;
}

const char *session_next(size_t *n)
{
	int slot = first_packet;

	if (n) {
		*n = nr_packets ? packets[slot].len : 0;
	}
	if (!nr_packets) {
		return "";
	}
	first_packet = (first_packet + 1) % MAX_PACKETS;
	nr_packets--;
	return packets[slot].data;
}

const char *session_acks(void)
{
	memcpy(acks_seen, acks, nr_acks);
	acks_seen[nr_acks] = 0;
	nr_acks = 0;
	return acks_seen;
}

const char *ask(const char *payload)
{
	session_send(payload, strlen(payload));
	ck_assert_msg(nr_packets == 1, "%d answers to %s", nr_packets, payload);
	return session_next(NULL);
}

void ask_is(const char *payload, const char *answer)
{
	const char *got = ask(payload);

	ck_assert_msg(!strcmp(got, answer), "%s is answered %s, not %s", payload, got, answer);
}

void ask_silent(const char *payload)
{
	session_send(payload, strlen(payload));
	ck_assert_msg(nr_packets == 0, "%s is answered %s", payload, session_next(NULL));
}
