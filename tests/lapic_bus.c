/* SPDX-License-Identifier: MIT */
/*
 * The bus of the local APICs' tests.
 */
#include "tests/lapic_bus.h"

struct apic_bus bus;
u64 now_ns;
struct seen seen[32];
unsigned nr_seen;
u8 ended[8];
unsigned nr_ended;

static u64 owner_now(void *ctx)
{
	(void)ctx;
	return now_ns;
}

/* A TSC of 2 GHz. */
static u64 owner_tsc_ns(void *ctx, u64 tsc)
{
	(void)ctx;
	return (tsc + 1) / 2;
}

static void owner_send(void *ctx, unsigned cpu, const struct apic_message *m,
		       enum apic_shorthand shorthand)
{
	(void)ctx;
	apic_bus_send(&bus, cpu, m, shorthand);
}

static void owner_accept(void *ctx, unsigned cpu, enum apic_mode mode, u8 vector,
			 enum apic_source source)
{
	(void)ctx;
	(void)source;
	if (nr_seen == sizeof(seen) / sizeof(*seen))
		return;
	seen[nr_seen].cpu = cpu;
	seen[nr_seen].mode = mode;
	seen[nr_seen++].vector = vector;
}

static void owner_eoi(void *ctx, u8 vector)
{
	(void)ctx;
	ended[nr_ended++ % sizeof(ended)] = vector;
}

const struct lapic_owner owner = {
	NULL, owner_now, owner_tsc_ns, owner_send, owner_accept, owner_eoi
};

u32 rd(unsigned cpu, u32 reg)
{
	return lapic_read(&bus.cpu[cpu], reg, 4);
}

void wr(unsigned cpu, u32 reg, u32 value)
{
	lapic_write(&bus.cpu[cpu], reg, 4, value);
}

/* All enabled, flat logical IDs 1 2 4 8. */
void setup(void)
{
	now_ns = 0;
	nr_seen = nr_ended = 0;
	apic_bus_init(&bus, NR, &owner);
	for (unsigned i = 0; i < NR; i++) {
		wr(i, SVR, 0x1ff);
		wr(i, LDR, 1u << (24 + i));
		wr(i, DIVIDE, DIVIDE_1);
	}
}

void setup_x2(void)
{
	setup();
	for (unsigned i = 0; i < NR; i++)
		ck_assert(lapic_write_base(&bus.cpu[i], bus.cpu[i].base | LAPIC_BASE_X2, 40));
}
