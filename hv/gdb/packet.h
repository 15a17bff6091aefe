/* SPDX-License-Identifier: MIT */
/*
 * GDB remote serial protocol, the framing: bytes <-> packets.
 *
 *     $ payload # two hex digits      the digits: sum of the payload's bytes
 *                                     as sent, modulo 256
 *     }x      x ^ 0x20                any byte that has a meaning of its own
 *     c*n     c, then n - 29 times c  run of equal bytes
 *     + -     received, send again    until no-ack mode is agreed
 *     0x03    stop the guest          between packets only; inside one it
 *                                     is a byte like any other
 *
 * The decoder takes one byte at a time and says what it completed; it never
 * writes outside its buffer and finds the next packet after any garbage.
 *
 *   source    GDB manual, appendix "GDB Remote Serial Protocol", "Overview"
 */
#ifndef HV_GDB_PACKET_H
#define HV_GDB_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The largest payload, decoded, in either direction. It is what qSupported
 * offers as PacketSize: GDB counts the bytes on the wire there, which are
 * never fewer than the decoded ones.
 */
#define GDB_PACKET_MAX 0x4000

enum gdb_rx_event {
	GDB_RX_NONE,	  /* nothing complete yet */
	GDB_RX_PACKET,	  /* payload in data[0, len), data[len] is 0 */
	GDB_RX_BAD,	  /* a packet whose checksum or coding is wrong */
	GDB_RX_OVERSIZE,  /* a whole packet, too large to be kept */
	GDB_RX_ACK,	  /* '+' */
	GDB_RX_NAK,	  /* '-' */
	GDB_RX_INTERRUPT, /* 0x03 between packets */
};

enum gdb_rx_state {
	GDB_RX_IDLE,
	GDB_RX_DATA,
	GDB_RX_ESCAPE, /* after '}' */
	GDB_RX_RUN,    /* after '*' */
	GDB_RX_SUM1,   /* after '#' */
	GDB_RX_SUM2,
};

struct gdb_rx {
	enum gdb_rx_state state;
	uint8_t sum;
	int sum_digit;	/* the first digit, -1 if it was none */
	bool malformed; /* a run of nothing or of a wrong length */
	bool oversize;
	bool binary; /* in the data of an X packet, where '*' is no run */
	size_t len;
	char data[GDB_PACKET_MAX + 1];
};

void gdb_rx_init(struct gdb_rx *rx);

/*
 * Takes the next byte of the connection.
 *
 *   returns   what `byte` completed; data is valid until the next call
 */
enum gdb_rx_event gdb_rx_byte(struct gdb_rx *rx, uint8_t byte);

/*
 * Where encoded bytes go. All n bytes are taken; an output that cannot take
 * them has lost its connection and says so by gdb_stub_disconnected().
 */
typedef void (*gdb_out_fn_t)(void *ctx, const void *bytes, size_t n);

/*
 * Sends payload[0, n) as one packet: escaped, runs of four and more equal
 * bytes shortened. Calls `out` with pieces of at most 256 bytes.
 */
void gdb_tx_packet(const void *payload, size_t n, gdb_out_fn_t out, void *ctx);

#endif
