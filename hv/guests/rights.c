/* SPDX-License-Identifier: MIT */
/*
 * rights: what an access comes to is not in the tables alone: CR0.WP, CR4.SMEP,
 * CR4.SMAP and RFLAGS.AC have their say, and change while translations are in use.
 * Each combination of a page's rights, small and large, meets each state of these,
 * by each kind of access; the answers are worked out in outcome().
 *
 * Built twice, for four levels and (rights32) for two.
 *
 *   virtual            physical
 *   00000000           large pages, supervisor, identity
 *   01400000           the page of ring-3 code
 *   SMALL              a 4K page: frame(1)
 *   LARGE              a large page: FRAMES, its second half is used
 *
 * source: APM2 5.6 "Page-Protection Checks", 8.4.2 "Page-Fault Error Code"
 */
#ifdef __x86_64__
#define PAGING_LEVELS 4
#define NAME "rights"
#define SMALL 0x0000400000000000ul
#define LARGE 0x0000400040000000ul
#else
#define PAGING_LEVELS 2
#define NAME "rights32"
#define SMALL 0x08000000ul
#define LARGE 0x50000000ul
#endif
#include "hv/guests/cpu.h"
#include "hv/guests/fault.h"
#include "hv/guests/guest.h"
#include "hv/guests/paging.h"
#include "hv/guests/rights.h"

enum {
	USER_CODE = 0x01400000,
	FLAG_AC = 1 << 18,
	/* A state of the CPU, a bit each. */
	STATE_WP = 1,
	STATE_SMEP = 2,
	STATE_SMAP = 4,
	STATE_AC = 8,
	STATE_NX = 16,
	NR_STATES = 32,
};

static table_t root;
static unsigned int states; /* those bits that this CPU has */

static void write_ac(bool ac)
{
	unsigned long flags;

	asm volatile("pushf; pop %0" : "=r"(flags));
	flags = ac ? flags | FLAG_AC : flags & ~(unsigned long)FLAG_AC;
	asm volatile("push %0; popf" : : "r"(flags) : "cc", "memory");
}

static void write_state(unsigned int state)
{
	unsigned long cr0 = read_cr0() & ~(unsigned long)CR0_WP;
	unsigned long cr4 = read_cr4() & ~(unsigned long)(CR4_SMEP | CR4_SMAP);

	if (states & STATE_NX) {
		uint64_t efer = rdmsr(MSR_EFER) & ~(uint64_t)EFER_NXE;

		wrmsr(MSR_EFER, efer | (state & STATE_NX ? EFER_NXE : 0));
	}
	write_cr0(cr0 | (state & STATE_WP ? CR0_WP : 0));
	cr4 |= (state & STATE_SMEP ? CR4_SMEP : 0) | (state & STATE_SMAP ? CR4_SMAP : 0);
	if (cr4 != read_cr4()) {
		write_cr4(cr4);
	}
	write_ac(state & STATE_AC);
}

static unsigned int state_find(void)
{
	uint32_t id[4];
	unsigned int found = STATE_WP;

	cpuid(0, id);
	if (id[0] >= CPUID_FEATURES) {
		cpuid(CPUID_FEATURES, id);
		found |= id[1] & CPUID_FEATURES_SMEP ? STATE_SMEP : 0;
		found |= id[1] & CPUID_FEATURES_SMAP ? STATE_SMAP | STATE_AC : 0;
	}
	cpuid(CPUID_EXT, id);
	if (PAGING_LEVELS > 2 && id[3] & CPUID_EXT_NX) {
		found |= STATE_NX;
	}
	return found;
}

static bool is_allowed(unsigned int state, enum access how, pte_t rights)
{
	bool user_page = rights & PTE_U;

	switch (how) {
	case KERNEL_READ:
		return !(user_page && state & STATE_SMAP && !(state & STATE_AC));
	case KERNEL_WRITE:
		return (rights & PTE_W || !(state & STATE_WP)) &&
		       !(user_page && state & STATE_SMAP && !(state & STATE_AC));
	case KERNEL_FETCH:
		return !(rights & PTE_NX) && !(user_page && state & STATE_SMEP);
	case USER_READ:
		return user_page;
	case USER_WRITE:
		return user_page && rights & PTE_W;
	case USER_FETCH:
		return user_page && !(rights & PTE_NX);
	}
	return false;
}

static unsigned int outcome(unsigned int state, enum access how, pte_t rights)
{
	bool fetch = how == KERNEL_FETCH || how == USER_FETCH;
	unsigned int error = how == KERNEL_WRITE || how == USER_WRITE ? PF_WRITE : 0;

	error |= how >= USER_READ ? PF_USER : 0;
	error |= fetch && state & (STATE_NX | STATE_SMEP) ? PF_FETCH : 0;
	if (!(rights & PTE_P)) {
		return PF(error);
	}
	if (rights & PTE_NX && !(state & STATE_NX)) {
		return PF(error | PF_RESERVED); /* PF_PRESENT is left open, see long.c */
	}
	return is_allowed(state, how, rights) ? NO_FAULT : PF(error | PF_PRESENT);
}

static void check_all(unsigned int state, unsigned long va, pte_t rights)
{
	for (enum access how = KERNEL_READ; how <= USER_FETCH; how++) {
		bool fetch = how == KERNEL_FETCH || how == USER_FETCH;
		unsigned int want = outcome(state, how, rights);
		unsigned int got = access(how, va + (fetch ? 0 : DATA));

		if (got == (want | PF_PRESENT) && want & PF_RESERVED) {
			got = want;
		}
		if (got != want) {
			write_state(states & STATE_NX);
			print("state %u, rights %lx, access %u: ", state, (unsigned long)rights, how);
			expect_eq(got, want);
		}
	}
}

/*
 * Every state after every other, in an order in which each bit changes alone and
 * together with others. Nothing is flushed between them: what the CPU remembers of
 * the page must obey its new state. (But when NX becomes a right, or reserved.)
 */
static void all_states(unsigned long va, pte_t rights)
{
	unsigned int random = 7;

	for (unsigned int n = 0; n < 2 * NR_STATES; n++) {
		unsigned int state = (n < NR_STATES ? n ^ n >> 1 : next_random(&random)) & states;

		write_state(state);
		if (states & STATE_NX && rights & PTE_NX) {
			invlpg(va);
		}
		check_all(state, va, rights);
	}
	write_state(states & STATE_NX);
}

static void all_rights(unsigned long va, unsigned int leaf)
{
	table_t pte = pte_at(root, va, leaf);
	pte_t rest = *pte & ~(RIGHTS | PTE_NX);

	put_code((unsigned long)(*pte & PTE_ADDRESS) + (va & (leaf_size(leaf) - 1)));
	for (unsigned int i = 0; i < NR_RIGHTS; i++) {
		pte_set(pte, rest | rights_of(i));
		invlpg(va);
		all_states(va, rights_of(i));
	}
}

/*
 * With WP off the kernel writes where it may only read, and user mode still may not
 * write there. The page is in use by the one when the other comes.
 */
static void write_protect_off(void)
{
	table_t pte = pte_at(root, SMALL, 1);

	for (unsigned int i = 0; i < 50; i++) {
		pte_set(pte, frame(1) | PTE_P | PTE_U);
		invlpg(SMALL);
		write_state(states & STATE_NX);
		expect_eq(access(USER_READ, SMALL), NO_FAULT);
		expect_eq(access(KERNEL_WRITE, SMALL + DATA), NO_FAULT);
		expect_eq(*pte & PTE_D, PTE_D);
		expect_eq(access(USER_WRITE, SMALL + DATA), PF(PF_USER | PF_WRITE | PF_PRESENT));
		expect_eq(access(KERNEL_WRITE, SMALL + DATA), NO_FAULT);
		expect_eq(access(USER_READ, SMALL), NO_FAULT);
		write_state(STATE_WP | (states & STATE_NX));
		expect_eq(access(KERNEL_WRITE, SMALL + DATA), PF(PF_WRITE | PF_PRESENT));
		expect_eq(access(USER_READ, SMALL), NO_FAULT);
	}
}

static void enter(void)
{
	map_page(root, USER_CODE, (unsigned long)user_code, PTE_U);
	user_code_at(USER_CODE);
	load_root(root);
#ifndef __x86_64__
	write_cr4(read_cr4() | CR4_PSE);
	write_cr0(read_cr0() | CR0_PG | CR0_WP);
#endif
	states = state_find();
	write_state(states & STATE_NX);
	map_page(root, SMALL, frame(1), PTE_W | PTE_U);
	map_leaf(root, LARGE, FRAMES, 2, PTE_W | PTE_U);
	expect_eq(access(KERNEL_WRITE, SMALL), NO_FAULT);
}

void guest_main(void)
{
	title(NAME, "every access in every state of WP, SMEP, SMAP, AC and no-execute");
	fault_init();
	root = root_create();

	step("paging, and what this CPU has");
	enter();
	step("the kernel writes to a read-only page, and user mode does not");
	write_protect_off();
	step("a small page: all rights, all states");
	all_rights(SMALL, 1);
	step("a large page: all rights, all states");
	all_rights(LARGE + leaf_size(2) / 2 + PAGE_SIZE, 2);
}
