/* SPDX-License-Identifier: MIT */
/*
 * The GDB stub and a peer that has lost its mind: random bytes, packets that
 * are nearly right, guests that stop and connections that break at any moment.
 * Whatever comes, the stub stays within its buffers, sends well-formed packets,
 * agrees with its target about who runs, and serves the next GDB.
 *
 * SEED=n repeats a run, ROUNDS=n makes it longer.
 */
#include "tests/tap.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/gdb_fake.h"

#define GUARD 64

static struct {
	uint8_t before[GUARD];
	struct gdb_stub stub;
	uint8_t after[GUARD];
} arena;
static struct gdb_fake fake;
static struct gdb_rx client;
static uint64_t seed, state;

/* xorshift64 */
static uint64_t any(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static size_t below(size_t n)
{
	return (size_t)(any() % n);
}

static void broken(const char *rule)
{
	ck_abort_msg("%s, SEED=%llu", rule, (unsigned long long)seed);
}

static void take(void *ctx, const void *bytes, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++) {
		enum gdb_rx_event event = gdb_rx_byte(&client, ((const uint8_t *)bytes)[i]);

		if (event == GDB_RX_BAD || event == GDB_RX_OVERSIZE || event == GDB_RX_INTERRUPT) {
			broken("the stub sent a damaged packet");
		}
	}
}

static void begin(void)
{
	memset(arena.before, 0xa5, GUARD);
	memset(arena.after, 0xa5, GUARD);
	gdb_rx_init(&client);
	gdb_fake_init(&fake, &arena.stub);
	fake.nr_threads = 3;
	gdb_stub_init(&arena.stub, &fake.target, take, NULL);
	gdb_stub_stopped(&arena.stub,
			 &(struct gdb_stop){.reason = GDB_STOP_PAUSED, .thread = {1, 1}});
	gdb_stub_connected(&arena.stub);
}

static void check_rules(void)
{
	const struct gdb_stub *stub = &arena.stub;

	for (int i = 0; i < GUARD; i++) {
		if (arena.before[i] != 0xa5 || arena.after[i] != 0xa5) {
			broken("bytes around the stub changed");
		}
	}
	if (stub->rx.len > GDB_PACKET_MAX || stub->reply_len > GDB_PACKET_MAX) {
		broken("a length is beyond its buffer");
	}
	if (stub->target != &fake.target) {
		broken("the stub lost its target");
	}
	if (fake.nr_wraps || fake.largest_read > GDB_PACKET_MAX) {
		broken("the target was asked for more memory than there can be");
	}
	if (stub->running != fake.running) {
		broken("stub and target do not agree whether the guest runs");
	}
	if (stub->owes_stop && !stub->running) {
		broken("a stop reply is owed by a guest that stands");
	}
}

static void send_bytes(const uint8_t *bytes, size_t n)
{
	while (n) {
		size_t piece = 1 + below(n);

		gdb_stub_input(&arena.stub, bytes, piece);
		bytes += piece;
		n -= piece;
	}
}

static void to_stub(void *ctx, const void *bytes, size_t n)
{
	(void)ctx;
	send_bytes(bytes, n);
}

static const char *const corpus[] = {
    "qSupported:multiprocess+;swbreak+;hwbreak+",
    "QStartNoAckMode",
    "?",
    "g",
    "p10",
    "P10=0000010000000000",
    "P0=1122334455667788",
    "m10000,40",
    "m17ff0,4000",
    "x10000,1000",
    "M11000,4:41424344",
    "X11000,4:abcd",
    "Z0,10004,1",
    "z0,10004,1",
    "Z1,10001,1",
    "Z2,11000,8",
    "Z3,11000,8",
    "Z4,11000,8",
    "z2,11000,8",
    "vCont?",
    "vCont;c",
    "vCont;s:p1.1;c:p1.-1",
    "vCont;r10000,10009:p1.1;c",
    "vCont;t",
    "vCtrlC",
    "c",
    "s",
    "s10004",
    "C05;10000",
    "S05",
    "Hgp1.2",
    "Hg0",
    "Hgp2.1",
    "Hc-1",
    "Hc1",
    "Tp1.1",
    "T2",
    "qC",
    "qfThreadInfo",
    "qsThreadInfo",
    "qThreadExtraInfo,p1.2",
    "qAttached:1",
    "qRcmd,6c6f6e67",
    "qRcmd,77616c6b",
    "D;1",
    "D",
    "D;2",
    "k",
    "vKill;1",
    "R00",
    "!",
    "qSearch:memory:10000;8000;needle",
    "qCRC:10000,100",
    "Qqemu.PhyMemMode:1",
    "Qqemu.PhyMemMode:0",
    "qqemu.PhyMemMode",
    "qXfer:features:read:target.xml:0,1000",
    "qXfer:features:read:target.xml:1000,1000",
    "qXfer:memory-map:read::0,1000",
    "qXfer:threads:read::0,40",
    "qTStatus",
    "vMustReplyEmpty",
};

#define NR_CORPUS (sizeof(corpus) / sizeof(corpus[0]))

static size_t mutate(uint8_t *text, size_t n, size_t size)
{
	static const char nasty[] = "-0fp.:;,=#$}*\x03\xff"
				    "0123456789abcdefZzmM";
	size_t at = n ? below(n) : 0;
	const char *other;
	size_t add;

	switch (below(6)) {
	case 0: /* another byte */
		text[at] = (uint8_t)(below(2) ? any() : (uint64_t)nasty[below(sizeof(nasty))]);
		return n ? n : 1;
	case 1: /* cut off */
		return at;
	case 2: /* one byte out */
		memmove(text + at, text + at + 1, n - at - (n > 0));
		return n - (n > 0);
	case 3: /* the end twice */
		add = n - at < size - n ? n - at : size - n;
		memmove(text + n, text + at, add);
		return n + add;
	case 4: /* another packet's end */
		other = corpus[below(NR_CORPUS)];
		add = strlen(other) < size - at ? strlen(other) : size - at;
		memcpy(text + at, other, add);
		return at + add;
	default: /* many digits */
		add = below(40) < size - n ? below(40) : size - n;
		add = add < size - n ? add : size - n;
		memset(text + n, "0f-"[below(3)], add);
		return n + add;
	}
}

static void packet_step(void)
{
	uint8_t text[512];
	const char *base = corpus[below(NR_CORPUS)];
	size_t n = strlen(base);

	memcpy(text, base, n);
	for (size_t i = below(4); i; i--) {
		n = mutate(text, n, sizeof(text));
	}
	gdb_tx_packet(text, n, to_stub, NULL);
}

static void noise_step(void)
{
	uint8_t noise[64];
	size_t n = 1 + below(sizeof(noise));

	for (size_t i = 0; i < n; i++) {
		noise[i] = (uint8_t)(below(3) ? any() : (uint64_t) "$#+-\x03}*"[below(7)]);
	}
	send_bytes(noise, n);
}

static void step(void)
{
	switch (below(16)) {
	case 0:
		noise_step();
		break;
	case 1:
		send_bytes((const uint8_t *)"\x03", 1);
		break;
	case 2:
		send_bytes((const uint8_t *)"-", 1);
		break;
	case 3:
		gdb_fake_run(&fake, 1 + (unsigned int)below(20));
		break;
	case 4:
		if (!below(8)) {
			gdb_stub_disconnected(&arena.stub);
		}
		break;
	case 5:
		if (!below(8)) {
			gdb_rx_init(&client);
			gdb_stub_connected(&arena.stub);
		}
		break;
	default:
		packet_step();
	}
}

/* Whatever happened before: the next GDB gets its answer. */
static void serves_the_next_gdb(void)
{
	gdb_stub_disconnected(&arena.stub);
	gdb_rx_init(&client);
	gdb_stub_connected(&arena.stub);
	gdb_stub_input(&arena.stub, "$qAttached#8f", 13);
	if (client.len != 1 || client.data[0] != '1') {
		broken("the next GDB is not served");
	}
}

static unsigned long number(const char *name, unsigned long otherwise)
{
	const char *text = getenv(name);

	return text ? strtoul(text, NULL, 0) : otherwise;
}

START_TEST(nearly_right_packets_do_no_harm)
{
	unsigned long rounds = number("ROUNDS", 2000);

	for (unsigned long round = 0; round < rounds; round++) {
		begin();
		for (int i = 0; i < 60; i++) {
			step();
			check_rules();
		}
		serves_the_next_gdb();
	}
}
END_TEST

START_TEST(random_bytes_do_no_harm)
{
	unsigned long rounds = number("ROUNDS", 2000);

	for (unsigned long round = 0; round < rounds; round++) {
		begin();
		for (int i = 0; i < 60; i++) {
			noise_step();
			check_rules();
		}
		serves_the_next_gdb();
	}
}
END_TEST

int main(int argc, char **argv)
{
	const TTest *const tests[] = {
	    nearly_right_packets_do_no_harm,
	    random_bytes_do_no_harm,
	};

	seed = number("SEED", (unsigned long)time(NULL));
	state = seed * 0x9e3779b97f4a7c15 + 1;
	printf("# SEED=%llu\n", (unsigned long long)seed);
	fflush(stdout);
	return tap_main(argc, argv, "gdb_fuzz", tests, sizeof(tests) / sizeof(tests[0]));
}
