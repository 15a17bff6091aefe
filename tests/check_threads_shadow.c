/* SPDX-License-Identifier: MIT */
/*
 * Real threads on shadow tables: vCPUs fault while others rewrite the guest's
 * entries, zap, and load CR3. Afterwards every access arrives where the guest's
 * tables say.
 */
#include "tests/guest_pt.h"

#include <sched.h>
#include <string.h>

#define PAGES	64u
#define ROUNDS	400u

static struct guest g;
static gpa_t leaf_gpa[PAGES];
static _Atomic bool done;
static _Atomic u32 kicked[2];

static gva_t gva_of(unsigned i)
{
	return 0x400000 + (u64)i * 0x41000;
}

static void on_kick(struct fake *fake, u8 vcpu)
{
	(void)fake;
	kicked[vcpu] = 1;
}

/* Runs the guest until it is kicked or tired. */
static void run_guest(unsigned vcpu)
{
	struct mmu_entry entry;

	kicked[vcpu] = 0;
	ck_assert_int_eq(mmu_enter(g.m.vcpu[vcpu], &entry), MMU_OK);
	for (unsigned i = 0; i < 20 && !kicked[vcpu]; i++)
		sched_yield();
	mmu_leave(g.m.vcpu[vcpu]);
}

static void *vcpu_body(void *arg)
{
	unsigned vcpu = (uintptr_t)arg;
	struct mmu_host_step steps[5];
	struct mmu_fault out;
	u64 word;

	for (unsigned i = 0; i < ROUNDS; i++) {
		gva_t gva = gva_of((i * 7 + vcpu * 13) % PAGES);
		enum mmu_verdict verdict;

		run_guest(vcpu);
		verdict = mmu_fault(g.m.vcpu[vcpu], gva, PFERR_USER | (i & 1 ? PFERR_WRITE : 0), &out);
		ck_assert_int_ne(verdict, MMU_NO_MEMORY);
		mmu_host_walk(g.m.vcpu[vcpu], gva, steps);
		mmu_read_gva(g.m.vcpu[vcpu], gva, &word, 8, 0, &out);
		if (i % 16 == 0)
			mmu_invlpg(g.m.vcpu[vcpu], gva);
		if (i % 50 == 0)
			mmu_set_regs(g.m.vcpu[vcpu], &g.regs, true);
	}
	return NULL;
}

/* The guest's kernel on a third CPU, and a host that takes memory away. */
static void *writer_body(void *arg)
{
	(void)arg;
	for (unsigned i = 0; !done; i++) {
		u64 gpte = ((u64)0x200 + i % 32) << PAGE_SHIFT | GPTE_P | GPTE_W | GPTE_U;

		if (i % 9 == 0)
			gpte = 0;
		ck_assert_uint_eq(mmu_vm_write(g.m.vm, leaf_gpa[i * 5 % PAGES], &gpte, 8), 8);
		if (i % 20 == 0)
			mmu_zap_range(g.m.vm, 0, 0x200 + i % 32, 0x210);
		if (i % 100 == 0)
			mmu_unprotect(g.m.vm, leaf_gpa[i % PAGES] >> PAGE_SHIFT);
		if (i % 300 == 0)
			mmu_zap_all(g.m.vm);
		sched_yield();
	}
	return NULL;
}

static void run_race(enum guest_mode mode)
{
	pthread_t thread[3];

	done = false;
	guest_init(&g, mode, NULL);
	for (unsigned i = 0; i < PAGES; i++)
		leaf_gpa[i] = guest_map(&g, gva_of(i), (u64)(0x200 + i % 32) << PAGE_SHIFT,
					GPTE_W | GPTE_U, 1);
	g.m.fake.on_kick = on_kick;
	for (uintptr_t i = 0; i < 3; i++)
		ck_assert_int_eq(pthread_create(&thread[i], NULL, i < 2 ? vcpu_body : writer_body,
						(void *)i), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	done = true;
	pthread_join(thread[2], NULL);
	machine_audit(&g.m);
}

/* Whatever our tables hold after the race, it is what the guest's hold. */
static void check_all(void)
{
	for (unsigned i = 0; i < 2 * PAGES; i++) {
		struct oracle oracle = oracle_walk(&g, &g.regs, gva_of(i / 2), PFERR_USER);
		struct outcome out = cpu_access(&g, i & 1, gva_of(i / 2), PFERR_USER);

		ck_assert_int_eq(out.verdict, oracle.ok ? MMU_RETRY : MMU_INJECT);
		if (oracle.ok)
			ck_assert_uint_eq(out.hpa, FAKE_RAM + oracle.gpa);
	}
}

START_TEST(four_level_guests_survive_parallel_faults_and_table_writes)
{
	run_race(LONG4);
	check_all();
	guest_fini(&g);
}
END_TEST

START_TEST(pae_guests_do_with_special_roots_of_their_own)
{
	run_race(PAE);
	check_all();
	guest_fini(&g);
}
END_TEST

TAP_MAIN("threads_shadow",
	 four_level_guests_survive_parallel_faults_and_table_writes,
	 pae_guests_do_with_special_roots_of_their_own)
