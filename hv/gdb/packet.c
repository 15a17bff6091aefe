/* SPDX-License-Identifier: MIT */
/*
 * The framing's state machine and its counterpart; see packet.h.
 */
#include "hv/gdb/packet.h"
#include "hv/gdb/text.h"

#define RUN_BASE 29 /* a run's count is sent as a printable character */
#define RUN_MIN	 3  /* shorter ones would need a control character */
#define RUN_MAX	 97 /* 97 + 29 = '~', the last printable one */

void gdb_rx_init(struct gdb_rx *rx)
{
	rx->state = GDB_RX_IDLE;
	rx->len = 0;
}

static void gdb_rx_start(struct gdb_rx *rx)
{
	rx->state = GDB_RX_DATA;
	rx->sum = 0;
	rx->len = 0;
	rx->malformed = false;
	rx->oversize = false;
	rx->binary = false;
}

static void gdb_rx_store(struct gdb_rx *rx, uint8_t byte)
{
	if (rx->len == GDB_PACKET_MAX) {
		rx->oversize = true;
		return;
	}
	rx->data[rx->len++] = (char)byte;
}

static enum gdb_rx_event gdb_rx_idle(struct gdb_rx *rx, uint8_t byte)
{
	switch (byte) {
	case '$':
		gdb_rx_start(rx);
		return GDB_RX_NONE;
	case '+':
		return GDB_RX_ACK;
	case '-':
		return GDB_RX_NAK;
	case 0x03:
		return GDB_RX_INTERRUPT;
	default:
		return GDB_RX_NONE; /* line noise, or the rest of a lost packet */
	}
}

static void gdb_rx_data(struct gdb_rx *rx, uint8_t byte)
{
	switch (byte) {
	case '$': /* never inside a packet: its end was lost, this is the next */
		gdb_rx_start(rx);
		return;
	case '#':
		rx->state = GDB_RX_SUM1;
		return;
	case '}':
		rx->state = GDB_RX_ESCAPE;
		break;
	case '*':
		if (!rx->binary) {
			rx->state = GDB_RX_RUN;
			break;
		}
		/* fall through */
	default:
		gdb_rx_store(rx, byte);
		if (byte == ':' && rx->data[0] == 'X') {
			rx->binary = true;
		}
	}
	rx->sum += byte;
}

static void gdb_rx_run(struct gdb_rx *rx, uint8_t byte)
{
	rx->state = GDB_RX_DATA;
	rx->sum += byte;
	if (!rx->len || byte < RUN_BASE + RUN_MIN || byte > RUN_BASE + RUN_MAX) {
		rx->malformed = true;
		return;
	}
	for (int n = byte - RUN_BASE; n; n--) {
		gdb_rx_store(rx, (uint8_t)rx->data[rx->len - 1]);
	}
}

static enum gdb_rx_event gdb_rx_end(struct gdb_rx *rx, uint8_t byte)
{
	int low = gdb_hex_digit((char)byte);

	rx->state = GDB_RX_IDLE;
	if (rx->sum_digit < 0 || low < 0 || rx->malformed ||
	    (rx->sum_digit << 4 | low) != rx->sum) {
		return GDB_RX_BAD;
	}
	if (rx->oversize) {
		return GDB_RX_OVERSIZE;
	}
	rx->data[rx->len] = 0;
	return GDB_RX_PACKET;
}

/* A '$' where a digit belongs: this packet's end was lost, the next begins. */
static bool gdb_rx_cut_short(struct gdb_rx *rx, uint8_t byte)
{
	if (byte != '$') {
		return false;
	}
	gdb_rx_start(rx);
	return true;
}

enum gdb_rx_event gdb_rx_byte(struct gdb_rx *rx, uint8_t byte)
{
	switch (rx->state) {
	case GDB_RX_IDLE:
		return gdb_rx_idle(rx, byte);
	case GDB_RX_DATA:
		gdb_rx_data(rx, byte);
		return GDB_RX_NONE;
	case GDB_RX_ESCAPE:
		rx->state = GDB_RX_DATA;
		rx->sum += byte;
		gdb_rx_store(rx, byte ^ 0x20);
		return GDB_RX_NONE;
	case GDB_RX_RUN:
		gdb_rx_run(rx, byte);
		return GDB_RX_NONE;
	case GDB_RX_SUM1:
		if (gdb_rx_cut_short(rx, byte)) {
			return GDB_RX_NONE;
		}
		rx->sum_digit = gdb_hex_digit((char)byte);
		rx->state = GDB_RX_SUM2;
		return GDB_RX_NONE;
	case GDB_RX_SUM2:
		break;
	}
	return gdb_rx_cut_short(rx, byte) ? GDB_RX_NONE : gdb_rx_end(rx, byte);
}

/* What is on its way out: a piece of the packet and the sum of all of it. */
struct gdb_tx {
	char piece[256];
	size_t len;
	uint8_t sum;
	gdb_out_fn_t out;
	void *ctx;
};

static void gdb_tx_raw(struct gdb_tx *tx, char c)
{
	if (tx->len == sizeof(tx->piece)) {
		tx->out(tx->ctx, tx->piece, tx->len);
		tx->len = 0;
	}
	tx->piece[tx->len++] = c;
	tx->sum += (uint8_t)c;
}

static bool gdb_tx_special(char c)
{
	return c == '$' || c == '#' || c == '}' || c == '*';
}

/* The length of the run at data[0], at most what one count can tell. */
static size_t gdb_tx_run_length(const char *data, size_t n)
{
	size_t run = 1;

	while (run < n && run <= RUN_MAX && data[run] == data[0]) {
		run++;
	}
	return run;
}

/*
 * `repeat` more of the byte just sent. The counts that would be '#' or '$' are
 * not used: the next smaller one is, and the rest starts a run of its own.
 * Returns how many were told.
 */
static size_t gdb_tx_run(struct gdb_tx *tx, size_t repeat)
{
	if (repeat < RUN_MIN) {
		return 0;
	}
	while (repeat + RUN_BASE == '#' || repeat + RUN_BASE == '$') {
		repeat--;
	}
	gdb_tx_raw(tx, '*');
	gdb_tx_raw(tx, (char)(repeat + RUN_BASE));
	return repeat;
}

void gdb_tx_packet(const void *payload, size_t n, gdb_out_fn_t out, void *ctx)
{
	struct gdb_tx tx = {.out = out, .ctx = ctx};
	const char *data = payload;
	struct gdb_buf tail;
	uint8_t sum;

	gdb_tx_raw(&tx, '$');
	tx.sum = 0;
	for (size_t i = 0; i < n;) {
		size_t run = gdb_tx_run_length(data + i, n - i);

		if (gdb_tx_special(data[i])) {
			gdb_tx_raw(&tx, '}');
			gdb_tx_raw(&tx, data[i] ^ 0x20);
			i++;
			continue;
		}
		gdb_tx_raw(&tx, data[i]);
		i += 1 + gdb_tx_run(&tx, run - 1);
	}
	sum = tx.sum;
	gdb_tx_raw(&tx, '#');
	if (tx.len + 2 > sizeof(tx.piece)) {
		out(ctx, tx.piece, tx.len);
		tx.len = 0;
	}
	gdb_buf_init(&tail, tx.piece + tx.len, 2);
	gdb_put_hex8(&tail, sum);
	out(ctx, tx.piece, tx.len + tail.len);
}
