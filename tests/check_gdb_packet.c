/* SPDX-License-Identifier: MIT */
/*
 * The framing of the GDB protocol: what the decoder makes of bytes, what the
 * encoder sends, and that the one undoes the other.
 */
#include "tests/tap.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hv/gdb/packet.h"

static struct gdb_rx rx;

/* Feeds n bytes; returns the last event that was not NONE, and how many were. */
static enum gdb_rx_event feed(const void *bytes, size_t n, int *events)
{
	const uint8_t *byte = bytes;
	enum gdb_rx_event last = GDB_RX_NONE;

	*events = 0;
	for (size_t i = 0; i < n; i++) {
		enum gdb_rx_event event = gdb_rx_byte(&rx, byte[i]);

		if (event != GDB_RX_NONE) {
			last = event;
			++*events;
		}
	}
	return last;
}

/* The text makes exactly one event, and leaves the decoder idle. */
static void takes_n(const void *bytes, size_t n, enum gdb_rx_event expected)
{
	int events;

	ck_assert_int_eq(feed(bytes, n, &events), expected);
	ck_assert_int_eq(events, 1);
	ck_assert_int_eq(rx.state, GDB_RX_IDLE);
}

static void takes(const char *text, enum gdb_rx_event expected)
{
	takes_n(text, strlen(text), expected);
}

static void holds(const char *text, size_t n)
{
	ck_assert_uint_eq(rx.len, n);
	ck_assert_mem_eq(rx.data, text, n);
	ck_assert_int_eq(rx.data[n], 0);
}

/* A payload as it is, with its checksum; n below 1000. */
static size_t frame(char *out, const void *payload, size_t n)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < n; i++) {
		sum += ((const uint8_t *)payload)[i];
	}
	out[0] = '$';
	memcpy(out + 1, payload, n);
	sprintf(out + 1 + n, "#%02x", sum);
	return n + 4;
}

START_TEST(a_packet_is_taken_out_of_its_frame)
{
	gdb_rx_init(&rx);
	takes("$m1000,4#8e", GDB_RX_PACKET);
	holds("m1000,4", 7);
	takes("$#00", GDB_RX_PACKET);
	holds("", 0);
}
END_TEST

START_TEST(checksum_digits_may_be_of_either_case)
{
	gdb_rx_init(&rx);
	takes("$OK#9a", GDB_RX_PACKET);
	takes("$OK#9A", GDB_RX_PACKET);
	holds("OK", 2);
}
END_TEST

START_TEST(a_wrong_checksum_is_noticed_and_the_next_packet_found)
{
	gdb_rx_init(&rx);
	takes("$OK#9b", GDB_RX_BAD);
	takes("$OK#aa", GDB_RX_BAD);
	takes("$OK#9x", GDB_RX_BAD);
	takes("$OK#x9", GDB_RX_BAD);
	takes("$OK#9a", GDB_RX_PACKET);
}
END_TEST

START_TEST(bytes_between_packets_are_told_apart)
{
	gdb_rx_init(&rx);
	takes("+", GDB_RX_ACK);
	takes("-", GDB_RX_NAK);
	takes("\x03", GDB_RX_INTERRUPT);
}
END_TEST

START_TEST(an_interrupt_byte_inside_a_packet_is_data)
{
	char text[16];

	gdb_rx_init(&rx);
	takes_n(text, frame(text, "a\x03z", 3), GDB_RX_PACKET);
	holds("a\x03z", 3);
}
END_TEST

START_TEST(an_escaped_byte_is_restored)
{
	char text[16];

	gdb_rx_init(&rx);
	takes_n(text, frame(text, "a}\x03}\x04}]}\nb", 10), GDB_RX_PACKET);
	holds("a#$}*b", 6);
}
END_TEST

START_TEST(a_run_is_written_out)
{
	char text[16];

	gdb_rx_init(&rx);
	takes_n(text, frame(text, "0* 1", 4), GDB_RX_PACKET);
	holds("00001", 5);
	takes_n(text, frame(text, "a}\x03* ", 5), GDB_RX_PACKET);
	holds("a####", 5);
	takes_n(text, frame(text, "x*~", 3), GDB_RX_PACKET);
	ck_assert_uint_eq(rx.len, 98);
}
END_TEST

START_TEST(a_run_of_nothing_or_of_a_wrong_length_is_refused)
{
	char text[16];

	gdb_rx_init(&rx);
	takes_n(text, frame(text, "* 1", 3), GDB_RX_BAD);
	takes_n(text, frame(text, "0*\x1f", 3), GDB_RX_BAD);
	takes_n(text, frame(text, "0*\x7f", 3), GDB_RX_BAD);
	takes_n(text, frame(text, "0* 1", 4), GDB_RX_PACKET);
}
END_TEST

START_TEST(a_star_in_binary_data_from_gdb_is_data)
{
	char text[32];

	gdb_rx_init(&rx);
	takes_n(text, frame(text, "X10,4:a* b", 10), GDB_RX_PACKET);
	holds("X10,4:a* b", 10);
	takes_n(text, frame(text, "M10:a* b", 8), GDB_RX_PACKET);
	holds("M10:aaaab", 9);
}
END_TEST

START_TEST(a_packet_that_lost_its_end_gives_way_to_the_next)
{
	int events;

	gdb_rx_init(&rx);
	feed("$m10", 4, &events);
	takes("$OK#9a", GDB_RX_PACKET);
	holds("OK", 2);
	feed("$m10#", 5, &events);
	takes("$OK#9a", GDB_RX_PACKET);
	feed("$m10#f", 6, &events);
	takes("$OK#9a", GDB_RX_PACKET);
	holds("OK", 2);
}
END_TEST

START_TEST(garbage_before_a_packet_is_passed_over)
{
	gdb_rx_init(&rx);
	takes("\x01\xff#00}*qwerty\r\n$OK#9a", GDB_RX_PACKET);
	holds("OK", 2);
}
END_TEST

START_TEST(the_largest_packet_fits_and_a_larger_one_is_named)
{
	static char text[GDB_PACKET_MAX + 8];
	static char payload[GDB_PACKET_MAX + 1];

	memset(payload, 'a', sizeof(payload));
	gdb_rx_init(&rx);
	takes_n(text, frame(text, payload, GDB_PACKET_MAX), GDB_RX_PACKET);
	ck_assert_uint_eq(rx.len, GDB_PACKET_MAX);
	takes_n(text, frame(text, payload, GDB_PACKET_MAX + 1), GDB_RX_OVERSIZE);
	takes("$OK#9a", GDB_RX_PACKET);
}
END_TEST

START_TEST(runs_cannot_blow_a_packet_up_beyond_the_buffer)
{
	static char text[1000], payload[900];

	for (size_t i = 0; i < sizeof(payload); i += 3) {
		memcpy(payload + i, "0*~", 3);
	}
	gdb_rx_init(&rx);
	takes_n(text, frame(text, payload, sizeof(payload)), GDB_RX_OVERSIZE);
	ck_assert_uint_le(rx.len, GDB_PACKET_MAX);
	takes("$OK#9a", GDB_RX_PACKET);
}
END_TEST

/* What the encoder sent. */
static struct {
	uint8_t bytes[4 * GDB_PACKET_MAX];
	size_t len;
	size_t largest;
} sent;

static void collect(void *ctx, const void *bytes, size_t n)
{
	if (ctx != &sent || sent.len + n > sizeof(sent.bytes)) {
		ck_abort_msg("%zu bytes after %zu", n, sent.len);
	}
	memcpy(sent.bytes + sent.len, bytes, n);
	sent.len += n;
	sent.largest = n > sent.largest ? n : sent.largest;
}

static void encode(const void *payload, size_t n)
{
	sent.len = 0;
	sent.largest = 0;
	gdb_tx_packet(payload, n, collect, &sent);
}

static void sends(const char *payload, const char *wire)
{
	encode(payload, strlen(payload));
	ck_assert_uint_eq(sent.len, strlen(wire));
	ck_assert_mem_eq(sent.bytes, wire, sent.len);
}

START_TEST(what_is_sent_is_framed_escaped_and_summed)
{
	sends("", "$#00");
	sends("OK", "$OK#9a");
	sends("a#b", "$a}\x03"
		     "b#43");
	sends("$", "$}\x04#81");
	sends("}", "$}]#da");
	sends("*", "$}\n#87");
}
END_TEST

START_TEST(runs_are_shortened_without_the_counts_that_look_like_frames)
{
	sends("000", "$000#90");
	sends("0000", "$0* #7a");
	/* Seven and eight equal bytes would have the counts '#' and '$'. */
	sends("0000000", "$0*\"0#ac");
	sends("00000000", "$0*\"00#dc");
	sends("000000000", "$0*%#7f");
}
END_TEST

static void survives(const void *payload, size_t n)
{
	encode(payload, n);
	gdb_rx_init(&rx);
	takes_n(sent.bytes, sent.len, GDB_RX_PACKET);
	holds(payload, n);
	ck_assert_uint_le(sent.largest, 256);
	ck_assert_ptr_null(memchr(sent.bytes + 1, '$', sent.len - 4));
	ck_assert_ptr_null(memchr(sent.bytes + 1, '#', sent.len - 4));
}

START_TEST(runs_of_every_length_survive_the_way)
{
	char payload[400];

	memset(payload, 'f', sizeof(payload));
	for (size_t n = 0; n <= sizeof(payload); n++) {
		survives(payload, n);
	}
}
END_TEST

START_TEST(packets_of_every_length_survive_the_way)
{
	static uint8_t payload[1024];

	for (size_t i = 0; i < sizeof(payload); i++) {
		payload[i] = (uint8_t)i;
	}
	for (size_t n = 0; n <= sizeof(payload); n++) {
		survives(payload, n);
	}
}
END_TEST

START_TEST(random_bytes_survive_the_way)
{
	static uint8_t payload[GDB_PACKET_MAX];

	srand(1);
	for (int round = 0; round < 200; round++) {
		size_t n = (size_t)rand() % sizeof(payload);
		int few = 1 + rand() % 3; /* few values make many runs */

		for (size_t i = 0; i < n; i++) {
			payload[i] = (uint8_t)(rand() % 2 ? rand() : "#$*}\x03"[rand() % few]);
		}
		survives(payload, n);
	}
}
END_TEST

TAP_MAIN("gdb_packet", a_packet_is_taken_out_of_its_frame, checksum_digits_may_be_of_either_case,
	 a_wrong_checksum_is_noticed_and_the_next_packet_found,
	 bytes_between_packets_are_told_apart, an_interrupt_byte_inside_a_packet_is_data,
	 an_escaped_byte_is_restored, a_run_is_written_out,
	 a_run_of_nothing_or_of_a_wrong_length_is_refused, a_star_in_binary_data_from_gdb_is_data,
	 a_packet_that_lost_its_end_gives_way_to_the_next, garbage_before_a_packet_is_passed_over,
	 the_largest_packet_fits_and_a_larger_one_is_named,
	 runs_cannot_blow_a_packet_up_beyond_the_buffer, what_is_sent_is_framed_escaped_and_summed,
	 runs_are_shortened_without_the_counts_that_look_like_frames,
	 runs_of_every_length_survive_the_way, packets_of_every_length_survive_the_way,
	 random_bytes_survive_the_way)
