/* SPDX-License-Identifier: MIT */
/*
 * Real threads while the MMU that serves them is another one again and again: vCPUs
 * enter and fault, two hosts switch at once, and memory is zapped and written to.
 * Afterwards every access arrives where the guest's tables say, with either MMU.
 */
#include "mmu/mode.h"
#include "tests/guest_pt.h"

#include <sched.h>

#define PAGES	32u
#define SWITCHES 150u	/* at least; and till each MMU has served a fault */

static struct guest g;
static gpa_t leaf_gpa[PAGES];
static _Atomic unsigned switching;	/* threads that still do */
static _Atomic u32 kicked[2];
static _Atomic u32 answered[2];		/* by mode */

static gva_t gva_of(unsigned i)
{
	return 0x400000 + (u64)i * 0x41000;
}

static gpa_t gpa_of(unsigned i)
{
	return (u64)(0x200 + i) << PAGE_SHIFT;
}

static void on_kick(struct fake *fake, u8 vcpu)
{
	(void)fake;
	kicked[vcpu] = 1;
}

static enum mmu_mode run_guest(unsigned vcpu)
{
	struct mmu_entry entry;

	kicked[vcpu] = 0;
	ck_assert_int_eq(mmu_enter(g.m.vcpu[vcpu], &entry), MMU_OK);
	for (unsigned i = 0; i < 20 && !kicked[vcpu]; i++)
		sched_yield();
	mmu_leave(g.m.vcpu[vcpu]);
	ck_assert_int_eq(mmu_vcpu_mode(g.m.vcpu[vcpu]), entry.mode);
	return entry.mode;
}

static void *vcpu_body(void *arg)
{
	unsigned vcpu = (uintptr_t)arg;
	struct mmu_host_step steps[5];
	struct mmu_fault out;
	u64 word;

	for (unsigned i = 0; switching; i++) {
		unsigned page = (i * 7 + vcpu * 13) % PAGES;
		enum mmu_mode mode = run_guest(vcpu);
		u64 addr = mode == MMU_MODE_TDP ? gpa_of(page) : gva_of(page);
		enum mmu_verdict verdict;

		verdict = mmu_fault(g.m.vcpu[vcpu], addr, PFERR_USER | (i & 1 ? PFERR_WRITE : 0),
				    &out);
		ck_assert(verdict == MMU_RETRY || verdict == MMU_SPURIOUS);
		answered[mode]++;
		mmu_host_walk(g.m.vcpu[vcpu], addr, steps);
		mmu_read_gva(g.m.vcpu[vcpu], gva_of(page), &word, 8, 0, &out);
		if (i % 16 == 0)
			mmu_invlpg(g.m.vcpu[vcpu], gva_of(page));
		if (i % 50 == 0)
			mmu_set_regs(g.m.vcpu[vcpu], &g.regs, MMU_CR3_LOAD);
	}
	return NULL;
}

/* It is the host's doing who gets a turn, and when. */
static bool both_have_answered(void)
{
	return answered[MMU_MODE_SHADOW] && answered[MMU_MODE_TDP];
}

/* The guest's tables are stored to, but what they say stays the same. */
static void *switch_body(void *arg)
{
	unsigned self = (uintptr_t)arg;
	u64 gpte;

	for (unsigned i = 0; i < SWITCHES || !both_have_answered(); i++) {
		unsigned page = (i * 5 + self) % PAGES;

		ck_assert_int_eq(mmu_set_mode(g.m.vm, (i + self) & 1), MMU_OK);
		gpte = gpa_of(page) | GPTE_P | GPTE_W | GPTE_U | GPTE_D | GPTE_A;
		ck_assert_uint_eq(mmu_vm_write(g.m.vm, leaf_gpa[page], &gpte, 8), 8);
		if (i % 20 == 0)
			mmu_zap_range(g.m.vm, 0, 0x200, 0x210);
		if (i % 60 == 0)
			mmu_zap_all(g.m.vm);
		for (unsigned n = 0; n < 10; n++)
			sched_yield();
	}
	switching--;
	return NULL;
}

static void run_race(enum guest_mode mode)
{
	static const struct mmu_config config = { .mode = MMU_MODE_TDP, .nr_vcpus = 2,
						  .tdp_level = 4, .maxphyaddr = 48 };
	pthread_t thread[4];

	switching = 2;
	answered[0] = answered[1] = 0;
	guest_init(&g, mode, &config);
	for (unsigned i = 0; i < PAGES; i++)
		leaf_gpa[i] = guest_map(&g, gva_of(i), gpa_of(i), GPTE_W | GPTE_U | GPTE_D, 1);
	g.m.fake.on_kick = on_kick;
	for (uintptr_t i = 0; i < 4; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, i < 2 ? vcpu_body : switch_body,
						(void *)(i & 1)), 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	machine_audit(&g.m);
}

static void check_all(void)
{
	for (unsigned i = 0; i < 2 * PAGES; i++) {
		unsigned page = i / 2;
		enum mmu_mode mode = machine_enter(&g.m, i & 1).mode;

		expect_mapped(&g, i & 1, mode == MMU_MODE_TDP ? gpa_of(page) : gva_of(page),
			      PFERR_USER | PFERR_WRITE, gpa_of(page));
	}
}

static void race_and_check(enum guest_mode mode)
{
	run_race(mode);
	check_all();
	ck_assert_int_eq(mmu_set_mode(g.m.vm, !mmu_get_mode(g.m.vm)), MMU_OK);
	check_all();
	guest_fini(&g);
}

START_TEST(four_level_guests_run_on_while_hosts_disagree)
{
	race_and_check(LONG4);
}
END_TEST

START_TEST(pae_guests_too)
{
	race_and_check(PAE);
}
END_TEST

TAP_MAIN("threads_mode",
	 four_level_guests_run_on_while_hosts_disagree,
	 pae_guests_too)
