/* SPDX-License-Identifier: MIT */
/*
 * Local APICs on their bus, driven as guests drive them.
 */
#include "tests/lapic_bus.h"

static void ipi(unsigned from, u32 dest, u32 low)
{
	nr_seen = 0;
	wr(from, ICR_HIGH, dest << 24);
	wr(from, ICR, low);
}

/* Who got the last IPI, as a set. */
static unsigned got(void)
{
	unsigned set = 0;

	for (unsigned i = 0; i < nr_seen; i++)
		set |= 1u << seen[i].cpu;
	return set;
}

static void fixed(unsigned cpu, u8 vector, bool level)
{
	const struct apic_message m = { .dest = cpu, .vector = vector, .level = level };

	apic_bus_send(&bus, 0, &m, APIC_TO_DEST);
}

/* ---- interrupts ---- */

START_TEST(the_highest_request_above_what_is_served_comes_first)
{
	struct lapic *l = &bus.cpu[1];

	setup();
	fixed(1, 0x41, false);
	fixed(1, 0x55, false);
	ck_assert_int_eq(lapic_pending(l), 0x55);
	lapic_ack(l, 0x55);
	ck_assert_int_eq(lapic_pending(l), -1);
	ck_assert_uint_eq(rd(1, PPR), 0x50);
	fixed(1, 0x5f, false); /* of the same class */
	ck_assert_int_eq(lapic_pending(l), -1);
	fixed(1, 0x60, false);
	ck_assert_int_eq(lapic_pending(l), 0x60);
	lapic_ack(l, 0x60);
	wr(1, EOI, 0);
	ck_assert_int_eq(lapic_pending(l), -1);
	wr(1, EOI, 0);
	ck_assert_int_eq(lapic_pending(l), 0x5f);
	lapic_ack(l, 0x5f);
	wr(1, EOI, 0);
	ck_assert_int_eq(lapic_pending(l), 0x41);
}
END_TEST

START_TEST(task_priority_holds_back_and_is_cr8)
{
	struct lapic *l = &bus.cpu[0];

	setup();
	fixed(0, 0x41, false);
	wr(0, TPR, 0x40);
	ck_assert_int_eq(lapic_pending(l), -1);
	ck_assert_uint_eq(lapic_get_cr8(l), 4);
	lapic_set_cr8(l, 3);
	ck_assert_uint_eq(rd(0, TPR), 0x30);
	ck_assert_uint_eq(rd(0, PPR), 0x30);
	ck_assert_int_eq(lapic_pending(l), 0x41);
}
END_TEST

START_TEST(bits_of_requests_are_seen_in_their_words)
{
	setup();
	fixed(2, 0x85, true);
	ck_assert_uint_eq(rd(2, IRR + 0x40), 0x20);
	ck_assert_uint_eq(rd(2, TMR + 0x40), 0x20);
	ck_assert_uint_eq(rd(2, ISR + 0x40), 0);
	lapic_ack(&bus.cpu[2], 0x85);
	ck_assert_uint_eq(rd(2, IRR + 0x40), 0);
	ck_assert_uint_eq(rd(2, ISR + 0x40), 0x20);
	wr(2, EOI, 0);
	ck_assert_uint_eq(nr_ended, 1);
	ck_assert_uint_eq(ended[0], 0x85);
	fixed(2, 0x85, false);
	lapic_ack(&bus.cpu[2], 0x85);
	wr(2, EOI, 0);
	ck_assert_uint_eq(nr_ended, 1);
	wr(2, EOI, 0); /* of nothing */
	ck_assert_uint_eq(nr_ended, 1);
}
END_TEST

START_TEST(switched_off_by_software_it_takes_messages_but_no_interrupts)
{
	setup();
	wr(1, TIMER, 0x40);
	wr(1, SVR, 0xff);
	ck_assert_uint_eq(rd(1, TIMER), 0x40 | MASKED);
	wr(1, TIMER, 0x40);
	ck_assert_uint_eq(rd(1, TIMER), 0x40 | MASKED);
	fixed(1, 0x41, false);
	wr(1, SVR, 0x1ff);
	ck_assert_int_eq(lapic_pending(&bus.cpu[1]), -1);
	wr(1, SVR, 0xff);
	ipi(0, 1, 0x400);
	ck_assert_uint_eq(got(), 2);
	ck_assert_uint_eq(seen[0].mode, APIC_NMI);
}
END_TEST

START_TEST(the_pic_comes_through_lint0)
{
	struct lapic *l = &bus.cpu[0];

	apic_bus_init(&bus, NR, &owner);
	ck_assert(lapic_lets_pic(l)); /* as firmware leaves it */
	wr(0, LINT0, MASKED | 0x700);
	ck_assert(!lapic_lets_pic(l));
	wr(0, LINT0, 0x31); /* fixed: the rising edge is an interrupt of its own */
	ck_assert(!lapic_lets_pic(l));
	lapic_set_lint0(l, true);
	lapic_set_lint0(l, true);
	ck_assert_int_eq(lapic_pending(l), 0x31);
	lapic_ack(l, 0x31);
	wr(0, EOI, 0);
	ck_assert_int_eq(lapic_pending(l), -1);
	nr_seen = 0;
	wr(0, LINT0, 0x400);
	lapic_set_lint0(l, false);
	lapic_set_lint0(l, true);
	ck_assert_uint_eq(nr_seen, 1);
	ck_assert_uint_eq(seen[0].mode, APIC_NMI);
	ck_assert(lapic_write_base(l, LAPIC_GPA | LAPIC_BASE_BSP, 40));
	ck_assert(lapic_lets_pic(l)); /* nothing is in between */
}
END_TEST

/* ---- destinations ---- */

START_TEST(ipis_reach_whom_they_name)
{
	setup();
	ipi(0, 2, 0x41);
	ck_assert_uint_eq(got(), 4);
	ipi(0, 9, 0x41);
	ck_assert_uint_eq(got(), 0);
	ipi(0, 0xff, 0x41);
	ck_assert_uint_eq(got(), 0xf);
	ipi(0, 0x0a, 0x841);
	ck_assert_uint_eq(got(), 0xa);
	ipi(1, 0, 0x40041);
	ck_assert_uint_eq(got(), 2);
	ipi(1, 0, 0x80041);
	ck_assert_uint_eq(got(), 0xf);
	ipi(1, 0, 0xc0041);
	ck_assert_uint_eq(got(), 0xd);
	ck_assert_uint_eq(rd(1, ICR), 0xc0041);
}
END_TEST

START_TEST(clusters_are_four_bits_each)
{
	setup();
	for (unsigned i = 0; i < NR; i++) {
		wr(i, DFR, 0);
		wr(i, LDR, (i / 2 << 4 | 1u << i % 2) << 24);
	}
	ck_assert_uint_eq(rd(0, DFR), 0x0fffffff);
	ipi(0, 0x13, 0x841);
	ck_assert_uint_eq(got(), 0xc);
	ipi(0, 0x02, 0x841);
	ck_assert_uint_eq(got(), 0x2);
}
END_TEST

START_TEST(lowest_priority_is_one_who_does_the_least)
{
	setup();
	wr(0, TPR, 0x50);
	wr(1, TPR, 0x20);
	wr(2, TPR, 0x30);
	wr(3, TPR, 0x20);
	ipi(0, 0x0f, 0x941);
	ck_assert_uint_eq(nr_seen, 1);
	ck_assert_uint_eq(seen[0].cpu, 1);
	wr(1, SVR, 0xff);
	ipi(0, 0x0f, 0x941);
	ck_assert_uint_eq(seen[0].cpu, 3);
}
END_TEST

START_TEST(init_and_startup_are_handed_on)
{
	setup();
	ipi(0, 3, 0xc500); /* INIT, level, assert */
	ck_assert_uint_eq(nr_seen, 1);
	ck_assert_uint_eq(seen[0].mode, APIC_INIT);
	ipi(0, 3, 0x8500); /* its end */
	ck_assert_uint_eq(nr_seen, 0);
	ipi(0, 3, 0x4609);
	ck_assert_uint_eq(seen[0].mode, APIC_SIPI);
	ck_assert_uint_eq(seen[0].vector, 9);
	ipi(0, 3, 0x4200);
	ck_assert_uint_eq(seen[0].mode, APIC_SMI);
}
END_TEST

START_TEST(illegal_vectors_are_errors_and_no_interrupts)
{
	setup();
	wr(0, ERROR_LVT, 0xfe);
	ipi(0, 1, 0x0f);
	ck_assert_uint_eq(got(), 1); /* its own error interrupt */
	ck_assert_int_eq(lapic_pending(&bus.cpu[0]), 0xfe);
	ck_assert_uint_eq(rd(0, ESR), 0);
	wr(0, ESR, 0);
	ck_assert_uint_eq(rd(0, ESR), 0x20);
	wr(0, ESR, 0);
	ck_assert_uint_eq(rd(0, ESR), 0);
	fixed(0, 3, false);
	rd(0, 0x3d0);
	wr(0, ESR, 0);
	ck_assert_uint_eq(rd(0, ESR), 0xc0);
	wr(0, ERROR_LVT, 0x01); /* must not be an error again for ever */
	ipi(0, 1, 0x0f);
	ck_assert_uint_eq(got(), 0);
}
END_TEST

/* ---- the page, the MSRs ---- */

START_TEST(the_page_is_read_and_written_in_words)
{
	struct lapic *l = &bus.cpu[3];

	setup();
	ck_assert_uint_eq(rd(3, ID), 3u << 24);
	ck_assert_uint_eq(lapic_read(l, ID + 3, 1), 3);
	ck_assert_uint_eq(rd(3, ID + 4), 0);
	ck_assert_uint_eq(rd(3, VERSION), 0x50014);
	wr(3, ID, 7u << 24);
	ck_assert_uint_eq(rd(3, ID), 3u << 24);
	lapic_write(l, TPR, 1, 0x20);
	wr(3, TPR + 4, 0x20);
	ck_assert_uint_eq(rd(3, TPR), 0);
	wr(3, PERF, ~0u);
	ck_assert_uint_eq(rd(3, PERF), 0x107ff);
	wr(3, SELF, 0x41); /* a register of x2APIC's */
	ck_assert_int_eq(lapic_pending(l), -1);
}
END_TEST

START_TEST(the_page_moves_and_goes)
{
	struct lapic *l = &bus.cpu[1];
	u64 base;

	setup();
	ck_assert(lapic_covers(l, LAPIC_GPA + 0xff0));
	ck_assert(!lapic_covers(l, LAPIC_GPA + 0x1000));
	ck_assert(lapic_write_base(l, 0x42000000 | LAPIC_BASE_ON, 40));
	ck_assert(!lapic_covers(l, LAPIC_GPA));
	ck_assert(lapic_covers(l, 0x42000020));
	ck_assert(!lapic_write_base(l, BIT(40) | LAPIC_BASE_ON, 40));
	ck_assert(!lapic_write_base(l, LAPIC_GPA | LAPIC_BASE_ON | 1, 40));
	wr(1, TPR, 0x20);
	ck_assert(lapic_write_base(l, LAPIC_GPA, 40));
	ck_assert(!lapic_covers(l, LAPIC_GPA));
	fixed(1, 0x41, false);
	ck_assert(lapic_write_base(l, LAPIC_GPA | LAPIC_BASE_ON, 40));
	ck_assert_uint_eq(rd(1, TPR), 0);
	ck_assert_uint_eq(rd(1, SVR), 0xff);
	ck_assert_uint_eq(rd(1, IRR + 0x20), 0);
	l->present = false;
	ck_assert(!lapic_read_base(l, &base));
	ck_assert(!lapic_write_base(l, LAPIC_GPA, 40));
}
END_TEST

START_TEST(x2apic_mode_is_entered_and_left_by_the_rules)
{
	struct lapic *l = &bus.cpu[0];
	u64 off = LAPIC_GPA | LAPIC_BASE_BSP, on = off | LAPIC_BASE_ON, x2 = on | LAPIC_BASE_X2;
	u64 value;

	setup();
	ck_assert(!lapic_read_msr(l, 0x802, &value));
	ck_assert(!lapic_write_base(l, off | LAPIC_BASE_X2, 40));
	ck_assert(lapic_write_base(l, x2, 40));
	ck_assert(!lapic_covers(l, LAPIC_GPA));
	ck_assert(!lapic_write_base(l, on, 40));
	ck_assert(lapic_write_base(l, off, 40));
	ck_assert(!lapic_write_base(l, x2, 40));
	ck_assert(lapic_write_base(l, on, 40));
	l->offer_x2 = false;
	ck_assert(!lapic_write_base(l, x2, 40));
	ck_assert(lapic_read_base(l, &value));
	ck_assert_uint_eq(value, on);
}
END_TEST

START_TEST(x2apic_registers_are_msrs_with_reserved_bits)
{
	struct lapic *l = &bus.cpu[3];
	u64 value;

	setup_x2();
	ck_assert(lapic_read_msr(l, 0x802, &value));
	ck_assert_uint_eq(value, 3);
	ck_assert(lapic_read_msr(l, 0x80d, &value));
	ck_assert_uint_eq(value, 8);
	ck_assert(!lapic_write_msr(l, 0x802, 0));
	ck_assert(!lapic_write_msr(l, 0x80d, 0));
	ck_assert(!lapic_read_msr(l, 0x80e, &value)); /* DFR */
	ck_assert(!lapic_read_msr(l, 0x831, &value));
	ck_assert(!lapic_read_msr(l, 0x80b, &value));
	ck_assert(!lapic_read_msr(l, 0x83f, &value));
	ck_assert(!lapic_read_msr(l, 0x8ff, &value));
	ck_assert(!lapic_write_msr(l, 0x80b, 1));
	ck_assert(lapic_write_msr(l, 0x80b, 0));
	ck_assert(!lapic_write_msr(l, 0x808, 0x100));
	ck_assert(!lapic_write_msr(l, 0x808, 1ull << 32));
	ck_assert(lapic_write_msr(l, 0x808, 0x30));
	ck_assert(!lapic_write_msr(l, 0x832, 0x80000));
	ck_assert(lapic_write_msr(l, 0x83f, 0x77));
	ck_assert_int_eq(lapic_pending(l), 0x77);
}
END_TEST

START_TEST(x2apic_ipis_are_one_write_of_64_bits)
{
	struct lapic *l = &bus.cpu[0];
	u64 value;

	setup_x2();
	nr_seen = 0;
	ck_assert(lapic_write_msr(l, 0x830, 2ull << 32 | 0x41));
	ck_assert_uint_eq(got(), 4);
	ck_assert(lapic_read_msr(l, 0x830, &value));
	ck_assert_uint_eq(value, 2ull << 32 | 0x41);
	nr_seen = 0;
	ck_assert(lapic_write_msr(l, 0x830, 0xffull << 32 | 0x41)); /* nobody's ID */
	ck_assert_uint_eq(got(), 0);
	ck_assert(lapic_write_msr(l, 0x830, 0xffffffffull << 32 | 0x41));
	ck_assert_uint_eq(got(), 0xf);
	nr_seen = 0;
	ck_assert(lapic_write_msr(l, 0x830, 0xaull << 32 | 0x841)); /* cluster 0, two of it */
	ck_assert_uint_eq(got(), 0xa);
	nr_seen = 0;
	ck_assert(lapic_write_msr(l, 0x830, 0x1000aull << 32 | 0x841));
	ck_assert_uint_eq(got(), 0);
	nr_seen = 0;
	ck_assert(!lapic_write_msr(l, 0x830, 1ull << 20));
	ck_assert_uint_eq(got(), 0);
}
END_TEST

START_TEST(init_leaves_id_and_mode)
{
	struct lapic *l = &bus.cpu[2];
	u64 value;

	setup_x2();
	ck_assert(lapic_write_msr(l, 0x808, 0x30));
	lapic_reset(l);
	ck_assert(lapic_read_msr(l, 0x802, &value));
	ck_assert_uint_eq(value, 2);
	ck_assert(lapic_read_msr(l, 0x808, &value));
	ck_assert_uint_eq(value, 0);
}
END_TEST

TAP_MAIN("lapic",
	 the_highest_request_above_what_is_served_comes_first,
	 task_priority_holds_back_and_is_cr8,
	 bits_of_requests_are_seen_in_their_words,
	 switched_off_by_software_it_takes_messages_but_no_interrupts,
	 the_pic_comes_through_lint0,
	 ipis_reach_whom_they_name,
	 clusters_are_four_bits_each,
	 lowest_priority_is_one_who_does_the_least,
	 init_and_startup_are_handed_on,
	 illegal_vectors_are_errors_and_no_interrupts,
	 the_page_is_read_and_written_in_words,
	 the_page_moves_and_goes,
	 x2apic_mode_is_entered_and_left_by_the_rules,
	 x2apic_registers_are_msrs_with_reserved_bits,
	 x2apic_ipis_are_one_write_of_64_bits,
	 init_leaves_id_and_mode)
