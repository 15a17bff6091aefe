/* SPDX-License-Identifier: MIT */
/* Compare-exchange of guest memory: its answers, shadowed tables, and several CPUs
 * at once. */
#include "mmu/cmpxchg.h"
#include "tests/guest_pt.h"

#include <pthread.h>
#include <string.h>

static struct guest g;

#define RW (GPTE_W | GPTE_U)

START_TEST(a_compare_exchange_stores_only_over_what_was_expected)
{
	u8 memory[16], expected[16], desired[16];
	struct mmu_fault fault;

	guest_init(&g, LONG4, NULL);
	guest_map(&g, 0x1000, 0x9000, RW, 1);
	for (unsigned size = 1; size <= 16; size *= 2) {
		for (unsigned at = 0; at + size <= 32; at += size < 16 ? 1 : 16) {
			u8 *ram = (u8 *)fake_va(&g.m.fake, FAKE_RAM + 0x9fe0) + at;

			for (unsigned i = 0; i < 16; i++)
				desired[i] = (u8)(at * 16 + size + i + 1);
			memcpy(memory, ram, size);
			memcpy(expected, memory, size);
			expected[size - 1] ^= 0x80;
			ck_assert_int_eq(mmu_cmpxchg_gva(g.m.vcpu[0], 0x1fe0 + at, expected,
							 desired, size, PFERR_USER, &fault),
					 MMU_DIFFERS);
			ck_assert(!memcmp(ram, memory, size) && !memcmp(expected, memory, size));
			ck_assert_int_eq(mmu_cmpxchg_gva(g.m.vcpu[0], 0x1fe0 + at, expected,
							 desired, size, PFERR_USER, &fault),
					 MMU_EXCHANGED);
			ck_assert(!memcmp(ram, desired, size));
		}
	}
	guest_fini(&g);
}
END_TEST

START_TEST(an_exchange_in_a_shadowed_table_is_followed_by_its_shadow)
{
	u64 entry[2], gone[2] = { 0 };
	gpa_t gpte_gpa;

	for (unsigned size = 4; size <= 16; size *= 2) {
		gva_t at;

		guest_init(&g, LONG4, NULL);
		gpte_gpa = guest_map(&g, 0x2000, 0x5000, RW, 1);
		guest_map(&g, 0x10000, gpte_gpa & PAGE_MASK, RW, 1);
		expect_mapped(&g, 0, 0x2000, PFERR_WRITE, 0x5000);
		at = 0x10000 | (gpte_gpa & ~PAGE_MASK);
		fake_forget(&g.m.fake);
		entry[0] = entry[1] = 1;
		ck_assert_int_eq(mmu_cmpxchg_gva(g.m.vcpu[0], at, entry, gone, size, 0,
						 &(struct mmu_fault){ 0 }),
				 MMU_DIFFERS);
		ck_assert_uint_eq(fake_count(&g.m.fake, EV_guest_write), 0);
		ck_assert_uint_ne(machine_leaf(&g.m, 0, 0x2000, NULL), 0);
		ck_assert_int_eq(mmu_cmpxchg_gva(g.m.vcpu[0], at, entry, gone, size, 0,
						 &(struct mmu_fault){ 0 }),
				 MMU_EXCHANGED);
		ck_assert_uint_eq(fake_last(&g.m.fake, EV_guest_write)->guest_write.gpa, gpte_gpa);
		ck_assert_uint_eq(fake_last(&g.m.fake, EV_guest_write)->guest_write.bytes, size);
		machine_audit(&g.m);
		ck_assert_uint_eq(machine_leaf(&g.m, 0, 0x2000, NULL), 0);
		ck_assert(machine_enter(&g.m, 0).flush);
		guest_fini(&g);
	}
}
END_TEST

START_TEST(a_compare_exchange_is_a_write_that_can_be_refused)
{
	u64 expected = 0, desired = 1;
	struct mmu_fault fault;

	guest_init(&g, LONG4, NULL);
	guest_map(&g, 0x1000, 0x9000, GPTE_U, 1);
	guest_map(&g, 0x3000, 0xfee00000, RW, 1);
	ck_assert_int_eq(mmu_cmpxchg_gva(g.m.vcpu[0], 0x1008, &expected, &desired, 8, PFERR_USER,
					 &fault), MMU_REFUSED);
	ck_assert(!fault.mmio);
	ck_assert_uint_eq(fault.error, PFERR_PRESENT | PFERR_WRITE | PFERR_USER);
	ck_assert_uint_eq(fault.gva, 0x1008);
	ck_assert_int_eq(mmu_cmpxchg_gva(g.m.vcpu[0], 0x3010, &expected, &desired, 8, 0, &fault),
			 MMU_REFUSED);
	ck_assert(fault.mmio);
	ck_assert_uint_eq(fault.gpa, 0xfee00010);
	ck_assert_panics(&g.m.fake, "within a page",
			 mmu_cmpxchg_gva(g.m.vcpu[0], 0x1ffc, &expected, &desired, 8, 0, &fault));
	ck_assert_panics(&g.m.fake, "is aligned",
			 mmu_cmpxchg_gva(g.m.vcpu[0], 0x1008, &expected, &desired, 16, 0, &fault));
	guest_fini(&g);
}
END_TEST

#define ADDITIONS 20000u

/* The vCPU's instructions, carried out: a counter of every size, some of them
 * unaligned, one in the high half of 16 bytes. */
static const struct counter {
	gva_t gva;
	u8 size;
} counters[] = {
	{ 0x1000, 8 }, { 0x1040, 4 }, { 0x1080, 2 }, { 0x10c5, 2 },
	{ 0x1101, 4 }, { 0x1143, 8 }, { 0x1180, 16 },
};
#define NR_COUNTERS (sizeof(counters) / sizeof(*counters))

static void add_one(struct mmu_vcpu *vcpu, const struct counter *c)
{
	unsigned word = c->size == 16;
	u64 old[2] = { 0 }, new[2];
	struct mmu_fault fault;

	do {
		memcpy(new, old, sizeof(new));
		new[word]++;
	} while (mmu_cmpxchg_gva(vcpu, c->gva, old, new, c->size, 0, &fault) == MMU_DIFFERS);
}

static void *adder(void *arg)
{
	for (unsigned i = 0; i < ADDITIONS; i++) {
		add_one(arg, &counters[i % NR_COUNTERS]);
		/* The same by a vCPU that runs. */
		__atomic_fetch_add((u64 *)fake_va(&g.m.fake, FAKE_RAM + 0x9000), 1,
				   __ATOMIC_RELAXED);
	}
	return NULL;
}

START_TEST(compare_exchanges_of_several_cpus_lose_nothing)
{
	u64 each = 2 * (ADDITIONS / NR_COUNTERS);
	pthread_t thread[2];

	guest_init(&g, LONG4, NULL);
	guest_map(&g, 0x1000, 0x9000, RW | GPTE_A | GPTE_D, 1);
	g.m.fake.env.events_on = false;
	for (unsigned i = 0; i < 2; i++) {
		guest_set_regs(&g, i, false);
		ck_assert_int_eq(pthread_create(&thread[i], NULL, adder, g.m.vcpu[i]), 0);
	}
	for (unsigned i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	for (unsigned i = 0; i < NR_COUNTERS; i++) {
		u8 *ram = (u8 *)fake_va(&g.m.fake, FAKE_RAM + 0x8000) + counters[i].gva;
		u64 value[2] = { 0 }, want = each + (i < ADDITIONS % NR_COUNTERS ? 2 : 0);

		memcpy(value, ram, counters[i].size);
		want += i == 0 ? 2 * ADDITIONS : 0;
		ck_assert_msg(value[counters[i].size == 16] == (counters[i].size == 2 ? (u16)want : want),
			      "counter %u: %#llx, not %#llx", i, (unsigned long long)value[0],
			      (unsigned long long)want);
	}
	guest_fini(&g);
}
END_TEST

/* Without the library around it, CPUs meet more often. */
static u8 lines[128] __attribute__((aligned(64)));

/* Some machines take very long for a locked access to two lines. */
static const struct {
	u8 at, size;
	u32 additions;
} words[] = { { 3, 2, 500000 }, { 3, 4, 500000 }, { 3, 8, 500000 }, { 32, 16, 500000 },
	      { 62, 4, 200 } };
#define NR_WORDS (sizeof(words) / sizeof(*words))

static void *line_adder(void *arg)
{
	for (unsigned w = 0; w < NR_WORDS; w++) {
		for (unsigned i = 0; i < words[w].additions; i++) {
			u64 old[2] = { 0 }, new[2];

			do {
				memcpy(new, old, sizeof(new));
				new[0]++;
				new[1]--;
			} while (!cmpxchg_memory(lines + words[w].at, old, new, words[w].size));
		}
		pthread_barrier_wait(arg);
		if (pthread_barrier_wait(arg) == PTHREAD_BARRIER_SERIAL_THREAD) {
			u64 sum[2] = { 0 }, want = 2 * words[w].additions;

			memcpy(sum, lines + words[w].at, words[w].size);
			if (words[w].size == 2)
				want = (u16)want;
			ck_assert_msg(sum[0] == want, "%u bytes at %u: %llu, not %llu",
				      words[w].size, words[w].at, (unsigned long long)sum[0],
				      (unsigned long long)want);
			ck_assert(words[w].size < 16 || sum[1] == 0 - want);
			memset(lines, 0, sizeof(lines));
		}
		pthread_barrier_wait(arg);
	}
	return NULL;
}

START_TEST(an_unaligned_compare_exchange_and_one_of_16_bytes_is_one_step)
{
	pthread_barrier_t barrier;
	pthread_t other;

	ck_assert_int_eq(pthread_barrier_init(&barrier, NULL, 2), 0);
	ck_assert_int_eq(pthread_create(&other, NULL, line_adder, &barrier), 0);
	line_adder(&barrier);
	pthread_join(other, NULL);
	pthread_barrier_destroy(&barrier);
}
END_TEST

TAP_MAIN("exchange",
	 a_compare_exchange_stores_only_over_what_was_expected,
	 an_exchange_in_a_shadowed_table_is_followed_by_its_shadow,
	 a_compare_exchange_is_a_write_that_can_be_refused,
	 compare_exchanges_of_several_cpus_lose_nothing,
	 an_unaligned_compare_exchange_and_one_of_16_bytes_is_one_step)
