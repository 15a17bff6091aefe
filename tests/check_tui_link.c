/* SPDX-License-Identifier: MIT */
/* Both ends of the channel together: hv/channel/emit.c writes, tui/link.c reads. */
#include "tests/tap.h"
#include <string.h>
#include "tests/tui/fake.h"
#include "tui/link.h"

static struct fake fake;
static struct link *link;
static char bells[64];

static void bell(void *arg, char byte)
{
	size_t n = strlen(bells);

	(void)arg;
	if (n + 1 < sizeof(bells))
		bells[n] = byte;
}

static void setup(unsigned rings, u32 slots)
{
	fake_open(&fake, rings, slots);
	link = link_open(fake.fd, LINK_SEARCH);
	ck_assert_ptr_nonnull(link);
	link_set_bell(link, bell, NULL);
	memset(bells, 0, sizeof(bells));
}

static void teardown(void)
{
	link_close(link);
	fake_close(&fake);
}

static void emit(unsigned cpu, u32 sp)
{
	fake.cpu = cpu;
	hv_emit(&fake.em, 0, sp_free, sp);
}

START_TEST(events_come_out_as_they_went_in)
{
	struct event ev;

	setup(1, 64);
	ck_assert(!link_next(link, &ev));
	ch_set_cause(&fake.em, hv_emit(&fake.em, 3, sp_free, 5));
	hv_emit_tail(&fake.em, MMU_NO_VCPU, log, "abc", 3);
	ck_assert(link_next(link, &ev));
	ck_assert_uint_eq(ev.seq, 1);
	ck_assert_uint_eq(ev.id, EV_sp_free);
	ck_assert_uint_eq(ev.vcpu, 3);
	ck_assert_uint_eq(ev.cause, 0);
	ck_assert(link_next(link, &ev));
	ck_assert_uint_eq(ev.cause, 1);
	ck_assert_uint_eq(ev.len, 3);
	ck_assert_mem_eq(ev.payload, "abc", 3);
	ck_assert(!link_next(link, &ev));
	teardown();
}
END_TEST

START_TEST(long_events_span_slots)
{
	struct event ev;
	char text[1000];

	setup(1, 64);
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i;
	for (int round = 0; round < 20; round++) {
		hv_emit_tail(&fake.em, 0, log, text, 50 * round);
		ck_assert(link_next(link, &ev));
		ck_assert_uint_eq(ev.len, 50 * round);
		ck_assert_mem_eq(ev.payload, text, ev.len);
		link_commit(link);
		ck_assert_uint_eq(ch_free_slots(&fake.em), 64);
	}
	teardown();
}
END_TEST

START_TEST(several_rings_are_merged_by_number)
{
	struct event ev;
	u64 seq = 0;

	setup(3, 64);
	for (u32 i = 0; i < 60; i++)
		emit(i * 7 % 3, i);
	while (link_next(link, &ev))
		ck_assert_uint_eq(ev.seq, ++seq);
	ck_assert_uint_eq(seq, 60);
	ck_assert_uint_eq(link_lost(link), 0);
	teardown();
}
END_TEST

START_TEST(what_was_overwritten_comes_out_as_a_gap)
{
	struct event ev;
	struct ev_gap gap;

	setup(1, 16);
	emit(0, 1);
	ck_assert(link_next(link, &ev));
	for (u32 i = 0; i < 40; i++)
		emit(0, i);
	ck_assert(!link_next(link, &ev));
	emit(0, 100);
	ck_assert(link_next(link, &ev));
	ck_assert_uint_eq(ev.id, EV_gap);
	memcpy(&gap, ev.payload, sizeof(gap));
	ck_assert_uint_eq(gap.lost, 40);
	ck_assert(link_next(link, &ev));
	ck_assert_uint_eq(ev.seq, 42);
	ck_assert_uint_eq(link_lost(link), 40);
	teardown();
}
END_TEST

START_TEST(the_writer_learns_how_far_the_reader_is)
{
	struct event ev;

	setup(1, 32);
	for (u32 i = 0; i < 16; i++)
		emit(0, i);
	ck_assert(link_ready(link, NULL));
	ck_assert_uint_eq(link_fill(link), 50);
	while (link_next(link, &ev))
		;
	ck_assert_uint_eq(ch_free_slots(&fake.em), 16);
	link_commit(link);
	ck_assert_uint_eq(ch_free_slots(&fake.em), 32);
	teardown();
}
END_TEST

START_TEST(commands_wait_until_the_mailbox_is_free)
{
	struct ch_mail *mail;

	setup(1, 32);
	mail = &fake.em.header->mail;
	link_pump(link);
	ck_assert_uint_eq(atomic_load(&mail->state), CH_MAIL_FREE);
	ck_assert_uint_eq(link_command(link, 3, 0, 0, 0, 0, NULL, 0), 1);
	ck_assert_uint_eq(link_command(link, 10, 1, 2, 3, 4, "data", 4), 2);
	ck_assert_uint_eq(atomic_load(&mail->state), CH_MAIL_POSTED);
	ck_assert_uint_eq(mail->ticket, 1);
	ck_assert_uint_eq(mail->command, 3);
	ck_assert_str_eq(bells, "m");
	link_pump(link);
	ck_assert_uint_eq(mail->ticket, 1);
	atomic_store(&mail->state, CH_MAIL_FREE);
	link_pump(link);
	ck_assert_uint_eq(mail->ticket, 2);
	ck_assert_uint_eq(mail->arg[3], 4);
	ck_assert_mem_eq(mail->data, "data", 4);
	ck_assert_str_eq(bells, "mm");
	teardown();
}
END_TEST

START_TEST(pipes_carry_bytes_both_ways)
{
	char in[400], out[400];
	size_t moved = 0;

	setup(1, 32);
	memset(in, 'x', sizeof(in));
	ck_assert_uint_eq(ch_pipe_write(&fake.em, CH_CONSOLE_OUT, in, sizeof(in)), 256);
	ck_assert_uint_eq(link_pipe_read(link, CH_CONSOLE_OUT, out, 100), 100);
	ck_assert_uint_eq(link_pipe_read(link, CH_CONSOLE_OUT, out, sizeof(out)), 156);
	for (int i = 0; i < 1000; i++) {
		moved += link_pipe_write(link, CH_CONSOLE_IN, "abcdefg", 7);
		ck_assert_uint_eq(ch_pipe_read(&fake.em, CH_CONSOLE_IN, out, 7), 7);
		ck_assert_mem_eq(out, "abcdefg", 7);
	}
	ck_assert_uint_eq(moved, 7000);
	teardown();
}
END_TEST

START_TEST(a_dead_machines_ring_can_be_read)
{
	struct event ev;
	unsigned n = 0;

	setup(1, 32);
	for (u32 i = 0; i < 100; i++)
		hv_emit_tail(&fake.em, 0, log, "a text that needs a second slot, and a third one, "
			     "and perhaps a fourth", 70);
	link_set_postmortem(link);
	while (link_next(link, &ev)) {
		ck_assert_uint_eq(ev.id, EV_log);
		n++;
	}
	ck_assert_uint_ge(n, 15);
	ck_assert_uint_eq(ev.seq, 100);
	teardown();
}
END_TEST

START_TEST(the_last_events_of_a_writer_that_ended_are_found)
{
	struct event ev;
	unsigned n = 0;

	setup(1, 32);
	emit(0, 1);
	ck_assert(link_next(link, &ev));
	for (u32 i = 0; i < 100; i++)
		hv_emit_tail(&fake.em, 0, log, "a text that needs a second slot", 31);
	ck_assert(!link_next(link, &ev));
	link_set_ended(link);
	ck_assert(link_next(link, &ev));
	ck_assert_uint_eq(ev.id, EV_gap);
	while (link_next(link, &ev))
		n++;
	ck_assert_uint_eq(n, 16);
	ck_assert_uint_eq(ev.seq, 101);
	teardown();
}
END_TEST

START_TEST(a_broken_header_is_refused_and_does_no_harm)
{
	struct event ev;
	const char *why = NULL;

	setup(1, 32);
	emit(0, 1);
	fake.em.header->ring[0].hpa = 0xfffffffffff000ull;
	ck_assert(!link_ready(link, &why));
	ck_assert_str_eq(why, "the debug channel's header is damaged");
	ck_assert(!link_next(link, &ev));
	fake.em.header->pipe[0].hpa = ~0ull;
	ck_assert_uint_eq(link_pipe_read(link, 0, &ev, 1), 0);
	teardown();
}
END_TEST

START_TEST(another_table_of_events_is_refused)
{
	const char *why = NULL;

	setup(1, 32);
	fake.em.header->event_hash++;
	ck_assert(!link_ready(link, &why));
	ck_assert_str_eq(why, "the hypervisor was built with another table of events");
	teardown();
}
END_TEST

START_TEST(random_bytes_in_the_ring_do_no_harm)
{
	u64 random = 7;
	struct event ev;

	setup(2, 64);
	ck_assert(link_ready(link, NULL));
	for (int round = 0; round < 3000; round++) {
		emit(round & 1, round);
		for (int i = 0; i < 4; i++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			fake.memory[0x2000 + (random >> 30) % (fake.size - 0x2000)] = random >> 56;
		}
		if (round % 16 == 0)
			for (int n = 0; n < 1000 && link_next(link, &ev); n++)
				ck_assert_uint_le(ev.len, CH_MAX_PAYLOAD);
	}
	teardown();
}
END_TEST

TAP_MAIN("link", events_come_out_as_they_went_in, long_events_span_slots,
	 several_rings_are_merged_by_number, what_was_overwritten_comes_out_as_a_gap,
	 the_writer_learns_how_far_the_reader_is, commands_wait_until_the_mailbox_is_free,
	 pipes_carry_bytes_both_ways, a_dead_machines_ring_can_be_read,
	 the_last_events_of_a_writer_that_ended_are_found, a_broken_header_is_refused_and_does_no_harm, another_table_of_events_is_refused,
	 random_bytes_in_the_ring_do_no_harm)
