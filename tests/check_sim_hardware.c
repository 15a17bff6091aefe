/* SPDX-License-Identifier: MIT */
/* The simulated hardware without the library: memory, walker, TLB, scheduler. */
#include "tests/tap.h"

#include <string.h>

#include "hv/sim/hwwalk.h"
#include "hv/sim/mem.h"
#include "hv/sim/sched.h"
#include "hv/sim/tlb.h"

#define P	0x1ull
#define W	0x2ull
#define U	0x4ull
#define A	0x20ull
#define D	0x40ull
#define PS	0x80ull
#define G	0x100ull
#define NX	BIT(63)

static u8 memory[64 * PAGE_SIZE] __attribute__((aligned(4096)));
static struct hw_stage stage;
static struct hw_result r;

static void machine(unsigned levels)
{
	memset(memory, 0, sizeof(memory));
	stage = (struct hw_stage){ .memory = memory, .memory_size = sizeof(memory),
				   .root = PAGE_SIZE, .levels = levels, .maxphyaddr = 40,
				   .pse = true, .pge = true, .wp = true, .nx = true };
}

static void put8(hpa_t table, unsigned index, u64 pte)
{
	memcpy(memory + table + 8 * index, &pte, 8);
}

static u64 get8(hpa_t table, unsigned index)
{
	u64 pte;

	memcpy(&pte, memory + table + 8 * index, 8);
	return pte;
}

static void put4(hpa_t table, unsigned index, u32 pte)
{
	memcpy(memory + table + 4 * index, &pte, 4);
}

static bool go(u64 addr, enum hw_kind kind, bool user)
{
	return hw_walk(&stage, &(struct hw_access){ addr, kind, user, false }, &r);
}

/* Tables at 1, 2, 3, 4; entry 0 of each leads on, gva 0x3000 to 0x5000. */
static void four_levels(u64 leaf)
{
	machine(4);
	put8(0x1000, 0, 0x2000 | P | W | U);
	put8(0x2000, 0, 0x3000 | P | W | U);
	put8(0x3000, 0, 0x4000 | P | W | U);
	put8(0x4000, 3, 0x5000 | leaf);
}

START_TEST(a_four_level_walk_arrives_and_sets_accessed_and_dirty)
{
	four_levels(P | W | U | G);
	ck_assert(go(0x3123, HW_READ, true));
	ck_assert_uint_eq(r.hpa, 0x5123);
	ck_assert_uint_eq(r.access, ACC_ALL);
	ck_assert(r.global && !r.dirty);
	ck_assert_uint_eq(get8(0x1000, 0) & (A | D), A);
	ck_assert_uint_eq(get8(0x4000, 3) & (A | D), A);
	ck_assert(go(0x3123, HW_WRITE, true));
	ck_assert(r.dirty);
	ck_assert_uint_eq(get8(0x4000, 3) & (A | D), A | D);
	ck_assert_uint_eq(get8(0x3000, 0) & D, 0);
}
END_TEST

START_TEST(a_refused_walk_sets_nothing_and_tells_the_error_code)
{
	four_levels(P | NX);
	ck_assert(!go(0x3000, HW_READ, true));
	ck_assert_uint_eq(r.error, PFERR_PRESENT | PFERR_USER);
	ck_assert(!go(0x3000, HW_WRITE, false));
	ck_assert_uint_eq(r.error, PFERR_PRESENT | PFERR_WRITE);
	ck_assert(!go(0x3000, HW_FETCH, false));
	ck_assert_uint_eq(r.error, PFERR_PRESENT | PFERR_FETCH);
	ck_assert(!go(0x4000, HW_WRITE, true));
	ck_assert_uint_eq(r.error, PFERR_WRITE | PFERR_USER);
	ck_assert_uint_eq(get8(0x1000, 0) & A, 0);
	stage.wp = false;
	ck_assert(go(0x3000, HW_WRITE, false));
}
END_TEST

START_TEST(reserved_bits_are_found)
{
	static const u64 reserved[] = { BIT(40), BIT(51) };

	for (unsigned i = 0; i < 2; i++) {
		four_levels(P | reserved[i]);
		ck_assert(!go(0x3000, HW_READ, false));
		ck_assert_uint_eq(r.error, PFERR_PRESENT | PFERR_RSVD);
	}
	four_levels(P | NX);
	stage.nx = false;
	ck_assert(!go(0x3000, HW_READ, false));
	ck_assert_uint_eq(r.error, PFERR_PRESENT | PFERR_RSVD);
	four_levels(P);
	put8(0x1000, 0, 0x2000 | P | PS);
	ck_assert(!go(0x3000, HW_READ, false));
	ck_assert_uint_eq(r.error, PFERR_PRESENT | PFERR_RSVD);
}
END_TEST

START_TEST(smep_and_smap_keep_the_supervisor_out_of_user_pages)
{
	four_levels(P | W | U);
	stage.smep = stage.smap = true;
	ck_assert(!go(0x3000, HW_FETCH, false));
	ck_assert(!go(0x3000, HW_READ, false));
	ck_assert(hw_walk(&stage, &(struct hw_access){ 0x3000, HW_READ, false, true }, &r));
	ck_assert(go(0x3000, HW_FETCH, true));
}
END_TEST

START_TEST(two_levels_use_ten_bits_each_and_4M_pages)
{
	machine(2);
	put4(0x1000, 1023, 0x2000 | P | W);
	put4(0x2000, 1023, 0x7000 | P | W);
	put4(0x1000, 1, 0x0 | P | W | PS);
	ck_assert(go(0xfffff008, HW_WRITE, false));
	ck_assert_uint_eq(r.hpa, 0x7008);
	ck_assert_uint_eq(r.level, 1);
	ck_assert(go(0x00405010, HW_READ, false));
	ck_assert_uint_eq(r.hpa, 0x5010);
	ck_assert_uint_eq(r.level, 2);
	put4(0x1000, 1, BIT(21) | P | PS);
	ck_assert(!go(0x00405010, HW_READ, false));
	ck_assert_uint_eq(r.error, PFERR_PRESENT | PFERR_RSVD);
	stage.pse = false; /* then bit 7 means nothing and there is a table */
	put4(0x1000, 1, 0x2000 | P | PS);
	put4(0x2000, 5, 0x6000 | P);
	ck_assert(go(0x00405010, HW_READ, false));
	ck_assert_uint_eq(r.hpa, 0x6010);
}
END_TEST

START_TEST(pae_has_four_top_entries_without_rights)
{
	machine(3);
	stage.root = 0x1020; /* 32-byte aligned */
	put8(0x1020, 3, 0x2000 | P);
	put8(0x2000, 0, 0x0 | P | W | U | PS);
	ck_assert(go(0xc0001234, HW_WRITE, true));
	ck_assert_uint_eq(r.hpa, 0x1234);
	ck_assert_uint_eq(get8(0x1020, 3), 0x2000 | P);
	put8(0x1020, 3, 0x2000 | P | W);
	ck_assert(!go(0xc0001234, HW_READ, true));
	ck_assert_uint_eq(r.error, PFERR_PRESENT | PFERR_RSVD | PFERR_USER);
}
END_TEST

/* The guest's tables 1..4 as above; nested tables at 0x10..0x13 map gpa page n
 * to hpa page n + 0x20, read-only above page 5. */
static struct hw_stage nested;

static void two_stages(void)
{
	u64 pte[4] = { 0x2000 | P | W | U, 0x3000 | P | W | U, 0x4000 | P | W | U,
		       0x5000 | P | W | U };

	machine(4);
	nested = stage;
	nested.root = 0x10000;
	put8(0x10000, 0, 0x11000 | P | W | U);
	put8(0x11000, 0, 0x12000 | P | W | U);
	put8(0x12000, 0, 0x13000 | P | W | U);
	for (unsigned i = 1; i <= 5; i++)
		put8(0x13000, i, (0x20000 + i * 0x1000) | P | W | U);
	for (unsigned i = 0; i < 4; i++)
		put8(0x21000 + i * 0x1000, i == 3 ? 3 : 0, pte[i]);
	stage.below = &nested;
}

START_TEST(a_two_dimensional_walk_goes_through_both)
{
	two_stages();
	ck_assert(go(0x3456, HW_WRITE, true));
	ck_assert_uint_eq(r.gpa, 0x5456);
	ck_assert_uint_eq(r.hpa, 0x25456);
	ck_assert_uint_eq(get8(0x24000, 3) & (A | D), A | D);
	ck_assert_uint_eq(get8(0x13000, 5) & (A | D), A | D);
	ck_assert_uint_eq(get8(0x13000, 1) & (A | D), A | D); /* a table is written to */
}
END_TEST

START_TEST(a_nested_fault_names_the_gpa_and_which_half_failed)
{
	two_stages();
	put8(0x13000, 2, 0);
	ck_assert(!go(0x3456, HW_READ, false));
	ck_assert(r.nested);
	ck_assert_uint_eq(r.fault_addr, 0x2000);
	ck_assert_uint_eq(r.error, PFERR_WRITE | PFERR_USER | PFERR_GUEST_PAGE);
	two_stages();
	put8(0x13000, 5, 0x25000 | P | U);
	ck_assert(!go(0x3456, HW_WRITE, false));
	ck_assert(r.nested);
	ck_assert_uint_eq(r.fault_addr, 0x5456);
	ck_assert_uint_eq(r.error,
			  PFERR_PRESENT | PFERR_WRITE | PFERR_USER | PFERR_GUEST_FINAL);
	ck_assert(go(0x3456, HW_READ, false));
	ck_assert_uint_eq(r.below_access, ACC_USER | ACC_EXEC);
}
END_TEST

START_TEST(a_walk_out_of_the_machine_is_caught)
{
	four_levels(P | W);
	put8(0x4000, 3, 0x12345000 | P | W);
	ck_assert(!go(0x3000, HW_READ, false));
	ck_assert(r.wild);
	put8(0x3000, 0, 0x12345000 | P | W);
	ck_assert(!go(0x3000, HW_READ, false));
	ck_assert(r.wild);
}
END_TEST

START_TEST(the_tlb_remembers_until_it_is_emptied)
{
	static struct tlb tlb;
	struct tlb_entry victim, *e;
	struct hw_result walk = { .ok = true, .hpa = 0x5123, .gpa = 0x5123, .level = 1,
				  .access = ACC_ALL, .below_access = ACC_ALL, .global = true };

	tlb_insert(&tlb, 0x3123, &walk, &victim);
	ck_assert(!victim.used);
	e = tlb_find(&tlb, 0x3fff);
	ck_assert_ptr_nonnull(e);
	ck_assert_uint_eq(tlb_hpa(e, 0x3fff), 0x5fff);
	ck_assert_ptr_null(tlb_find(&tlb, 0x4000));
	tlb_empty(&tlb, true);
	ck_assert_ptr_nonnull(tlb_find(&tlb, 0x3000));
	tlb_empty(&tlb, false);
	ck_assert_ptr_null(tlb_find(&tlb, 0x3000));
}
END_TEST

START_TEST(an_entry_exceeds_the_tables_when_they_say_less_or_else)
{
	struct tlb_entry e = { .used = true, .hpa = 0x5000, .level = 1, .access = ACC_WRITE,
			       .below_access = ACC_ALL };
	struct hw_result now = { .ok = true, .hpa = 0x5000, .level = 1, .access = ACC_ALL,
				 .below_access = ACC_ALL };

	ck_assert(!tlb_exceeds(&e, &now, false));
	now.access = ACC_USER;
	ck_assert(tlb_exceeds(&e, &now, false));
	ck_assert(!tlb_exceeds(&e, &now, true));
	now.access = ACC_ALL;
	now.hpa = 0x6000;
	ck_assert(tlb_exceeds(&e, &now, false));
	now.hpa = 0x5000;
	now.below_access = ACC_USER;
	ck_assert(tlb_exceeds(&e, &now, true));
	now.ok = false;
	ck_assert(tlb_exceeds(&e, &now, true));
}
END_TEST

START_TEST(a_full_tlb_replaces_entries_in_turn)
{
	static struct tlb tlb;
	struct tlb_entry victim;
	struct hw_result walk = { .ok = true, .level = 1 };

	for (unsigned i = 0; i < TLB_ENTRIES; i++) {
		walk.hpa = i * PAGE_SIZE;
		tlb_insert(&tlb, i * PAGE_SIZE, &walk, &victim);
		ck_assert(!victim.used);
	}
	tlb_insert(&tlb, 0x7000000, &walk, &victim);
	ck_assert(victim.used);
	ck_assert_uint_eq(victim.gva, 0);
	ck_assert_uint_eq(tlb_count(&tlb), TLB_ENTRIES);
}
END_TEST

START_TEST(memory_hands_out_zeroed_pages_and_notices_misuse)
{
	struct sim_mem mem;
	hpa_t a, b;

	ck_assert_ptr_null(sim_mem_open(&mem, NULL, 16 * PAGE_SIZE));
	a = sim_mem_page(&mem);
	memset(mem.base + a, 1, PAGE_SIZE);
	sim_mem_page_free(&mem, a);
	ck_assert_uint_eq(mem.pages_out, 0);
	b = sim_mem_page(&mem);
	ck_assert_uint_eq(a, b);
	for (unsigned i = 0; i < PAGE_SIZE; i++)
		ck_assert_uint_eq(mem.base[b + i], 0);
	ck_assert_uint_eq(sim_mem_block(&mem, 4 * PAGE_SIZE, PAGE_SIZE), mem.size - 4 * PAGE_SIZE);
	ck_assert_uint_eq(sim_mem_block(&mem, 40 * PAGE_SIZE, PAGE_SIZE), HPA_INVALID);
	mem.fail_in = 2;
	ck_assert_uint_ne(sim_mem_page(&mem), HPA_INVALID);
	ck_assert_uint_eq(sim_mem_page(&mem), HPA_INVALID);
	ck_assert_uint_ne(sim_mem_page(&mem), HPA_INVALID);
	ck_assert_ptr_null(mem.misuse);
	sim_mem_page_free(&mem, b);
	sim_mem_page_free(&mem, b);
	ck_assert_ptr_nonnull(mem.misuse);
	sim_mem_close(&mem);
}
END_TEST

static struct sched *sched;
static char order[64];

static void worker(void *arg)
{
	for (unsigned i = 0; i < 8; i++) {
		strcat(order, arg);
		sched_point(sched, POINT_line);
	}
}

static void interleave(u64 seed)
{
	order[0] = 0;
	sched = sched_create(seed);
	ck_assert(sched_add(sched, 0, worker, "a") && sched_add(sched, 1, worker, "b"));
	ck_assert_int_eq(sched_run(sched), SCHED_DONE);
	sched_destroy(sched);
	ck_assert_uint_eq(strlen(order), 16);
}

START_TEST(the_same_seed_gives_the_same_order)
{
	char first[64];

	interleave(7);
	strcpy(first, order);
	ck_assert_str_ne(first, "aaaaaaaabbbbbbbb");
	interleave(7);
	ck_assert_str_eq(order, first);
	for (u64 seed = 8; !strcmp(order, first); seed++) {
		ck_assert_uint_lt(seed, 20);
		interleave(seed);
	}
}
END_TEST

static void waits_for_ever(void *arg)
{
	(void)arg;
	while (sched_wait(sched))
		;
}

START_TEST(tasks_that_only_wait_are_noticed)
{
	sched = sched_create(1);
	ck_assert(!sched_wait(sched));
	ck_assert(sched_add(sched, 0, waits_for_ever, NULL));
	ck_assert(sched_add(sched, 1, waits_for_ever, NULL));
	ck_assert_int_eq(sched_run(sched), SCHED_WAIT);
	sched_destroy(sched);
}
END_TEST

/* By a plan of two switches; says how the run ended. */
static enum sched_end by_plan(struct plan_switch first, struct plan_switch second)
{
	static struct plan plan;

	plan = (struct plan){ .given = true, .start = 1, .nr = 2, .at = { first, second } };
	order[0] = 0;
	sched = sched_create(1);
	ck_assert(sched_add(sched, 0, worker, "a") && sched_add(sched, 1, worker, "b") &&
		  sched_add(sched, PLAN_HOST, worker, "h"));
	sched_obey(sched, &(struct sched_order){ .plan = &plan });
	return sched_run(sched);
}

START_TEST(a_plan_says_who_is_first_and_where_who_is_interrupted)
{
	enum sched_end end = by_plan((struct plan_switch){ 1, POINT_line, PLAN_HOST, 3 },
				     (struct plan_switch){ PLAN_HOST, POINT_line, 1, 1 });

	ck_assert_int_eq(end, SCHED_DONE);
	ck_assert_str_eq(order, "bbbhbbbbbhhhhhhhaaaaaaaa");
	sched_destroy(sched);
}
END_TEST

START_TEST(a_plan_that_does_not_fit_is_told_of)
{
	enum sched_end end = by_plan((struct plan_switch){ 1, POINT_line, 0, 2 },
				     (struct plan_switch){ 0, POINT_line, 1, 9 });
	u32 came;

	ck_assert_int_eq(end, SCHED_MISFIT);
	ck_assert_uint_eq(sched_misfit(sched, &came)->count, 9);
	ck_assert_uint_eq(came, 8);
	ck_assert_str_eq(order, "bbaaaaaaaabbbbbbhhhhhhhh");
	sched_destroy(sched);
}
END_TEST

static void never_ends(void *arg)
{
	(void)arg;
	for (;;)
		sched_point(sched, POINT_line);
}

START_TEST(tasks_that_come_to_no_end_are_noticed)
{
	sched = sched_create(1);
	ck_assert(sched_add(sched, 0, never_ends, NULL));
	ck_assert(!sched_add(sched, 0, never_ends, NULL));
	ck_assert_int_eq(sched_run(sched), SCHED_ENDLESS);
	sched_destroy(sched);
}
END_TEST

static void walk_once(void *arg)
{
	(void)arg;
	ck_assert(go(0x3000, HW_READ, true));
}

/* When the walker comes to the leaf's A, it is another leaf. */
static void change_leaf(void *arg, const struct sched_step *step)
{
	(void)arg;
	if (step->point == POINT_hw_ad && step->count == 4)
		put8(0x4000, 3, 0x7000 | P | U);
}

START_TEST(an_entry_that_changes_under_the_walker_is_walked_again)
{
	const struct plan plan = { .given = true };

	four_levels(P | W | U);
	sched = stage.sched = sched_create(1);
	ck_assert(sched_add(sched, 0, walk_once, NULL));
	sched_obey(sched, &(struct sched_order){ .plan = &plan, .passed = change_leaf });
	ck_assert_int_eq(sched_run(sched), SCHED_DONE);
	sched_destroy(sched);
	ck_assert(r.ok);
	ck_assert_uint_eq(r.hpa, 0x7000);
	ck_assert_uint_eq(get8(0x4000, 3), 0x7000 | P | U | A);
}
END_TEST

TAP_MAIN("sim_hardware",
	 a_four_level_walk_arrives_and_sets_accessed_and_dirty,
	 a_refused_walk_sets_nothing_and_tells_the_error_code,
	 reserved_bits_are_found,
	 smep_and_smap_keep_the_supervisor_out_of_user_pages,
	 two_levels_use_ten_bits_each_and_4M_pages,
	 pae_has_four_top_entries_without_rights,
	 a_two_dimensional_walk_goes_through_both,
	 a_nested_fault_names_the_gpa_and_which_half_failed,
	 a_walk_out_of_the_machine_is_caught,
	 the_tlb_remembers_until_it_is_emptied,
	 an_entry_exceeds_the_tables_when_they_say_less_or_else,
	 a_full_tlb_replaces_entries_in_turn,
	 memory_hands_out_zeroed_pages_and_notices_misuse,
	 the_same_seed_gives_the_same_order,
	 tasks_that_only_wait_are_noticed,
	 a_plan_says_who_is_first_and_where_who_is_interrupted,
	 a_plan_that_does_not_fit_is_told_of,
	 tasks_that_come_to_no_end_are_noticed,
	 an_entry_that_changes_under_the_walker_is_walked_again)
