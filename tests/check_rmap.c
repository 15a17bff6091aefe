/* SPDX-License-Identifier: MIT */
/* Reverse maps against a plain array that says what must be in them. */
#include "tests/fake_env.h"

#include <stdlib.h>
#include <string.h>

#include "mmu/rmap.h"

#define NR_ENTRIES 200

static struct machine m;
static struct rmap_head head;
static spte_t sptes[NR_ENTRIES];

static void setup(void)
{
	machine_init(&m, NULL);
	atomic_store(&head.word, 0);
}

static void add(unsigned i)
{
	ck_assert_int_eq(rmap_add(m.vm, &head, &sptes[i], NULL), MMU_OK);
}

/* The list holds exactly the marked entries, each once. */
static void expect(const bool in[NR_ENTRIES])
{
	bool seen[NR_ENTRIES] = { false };
	unsigned want = 0, got = 0;
	struct rmap_iter iter;
	spte_t *sptep;

	for (unsigned i = 0; i < NR_ENTRIES; i++)
		want += in[i];
	for_each_rmap(m.vm, &head, &iter, sptep) {
		size_t i = sptep - sptes;

		ck_assert_uint_lt(i, NR_ENTRIES);
		ck_assert(in[i] && !seen[i]);
		seen[i] = true;
		got++;
	}
	ck_assert_uint_eq(got, want);
	ck_assert_uint_eq(rmap_count(m.vm, &head), want);
	ck_assert(rmap_is_sound(m.vm, &head));
	ck_assert_int_eq(atomic_load(&head.word) & 2, 0);
}

START_TEST(one_pointer_is_stored_in_the_head_itself)
{
	bool in[NR_ENTRIES] = { false };
	u32 pages;

	setup();
	pages = m.fake.nr_taken;
	expect(in);
	add(3);
	in[3] = true;
	expect(in);
	ck_assert_uint_eq(atomic_load(&head.word), (uintptr_t)&sptes[3]);
	ck_assert_uint_eq(m.fake.nr_taken, pages);
	rmap_remove(m.vm, &head, &sptes[3]);
	ck_assert_uint_eq(atomic_load(&head.word), 0);
	machine_fini(&m);
}
END_TEST

START_TEST(many_pointers_set_bit_0_and_their_pages_go_back)
{
	bool in[NR_ENTRIES] = { false };
	u32 pages;

	setup();
	pages = m.fake.nr_taken;
	for (unsigned i = 0; i < NR_ENTRIES; i++) {
		add(i);
		in[i] = true;
		expect(in);
		ck_assert_uint_eq(atomic_load(&head.word) & 1, i > 0);
	}
	ck_assert_uint_gt(m.fake.nr_taken, pages);
	for (unsigned i = 0; i < NR_ENTRIES; i++) {
		rmap_remove(m.vm, &head, &sptes[i]);
		in[i] = false;
		expect(in);
	}
	ck_assert_uint_eq(atomic_load(&head.word), 0);
	ck_assert_uint_eq(m.fake.nr_taken, pages);
	machine_fini(&m);
}
END_TEST

START_TEST(any_order_of_adding_and_removing_keeps_the_list_right)
{
	bool in[NR_ENTRIES] = { false };

	setup();
	srand(7);
	for (unsigned n = 0; n < 20000; n++) {
		/* The number of entries wanders between few and many. */
		unsigned range = n / 1000 % 2 ? 20 : NR_ENTRIES, i = rand() % range;

		if (in[i])
			rmap_remove(m.vm, &head, &sptes[i]);
		else
			add(i);
		in[i] = !in[i];
		if (n % 16 == 0)
			expect(in);
	}
	for (unsigned i = 0; i < NR_ENTRIES; i++)
		if (in[i])
			rmap_remove(m.vm, &head, &sptes[i]);
	machine_fini(&m);
}
END_TEST

START_TEST(removing_each_first_entry_empties_a_list)
{
	struct rmap_iter iter;
	spte_t *sptep;
	unsigned n = 0;

	setup();
	for (unsigned i = 0; i < 43; i++)
		add(i);
	while ((sptep = rmap_first(m.vm, &head, &iter))) {
		rmap_remove(m.vm, &head, sptep);
		ck_assert(rmap_is_sound(m.vm, &head));
		n++;
	}
	ck_assert_uint_eq(n, 43);
	machine_fini(&m);
}
END_TEST

START_TEST(many_lists_share_pages_and_give_them_back_in_any_order)
{
	static struct rmap_head heads[100];
	u32 pages;

	setup();
	pages = m.fake.nr_taken;
	for (unsigned i = 0; i < 20; i++)
		for (unsigned h = 0; h < 100; h++)
			ck_assert_int_eq(rmap_add(m.vm, &heads[h], &sptes[i], NULL), MMU_OK);
	/* Two descriptors each, 31 in a page. */
	ck_assert_uint_eq(m.fake.nr_taken - pages, 7);
	for (unsigned n = 0; n < 100; n++) {
		unsigned h = n * 37 % 100;

		for (unsigned i = 0; i < 20; i++)
			rmap_remove(m.vm, &heads[h], &sptes[i]);
		ck_assert_uint_eq(rmap_count(m.vm, &heads[h]), 0);
		ck_assert_uint_eq(rmap_count(m.vm, &heads[(h + 37) % 100]), n == 99 ? 0 : 20);
	}
	ck_assert_uint_eq(m.fake.nr_taken, pages);
	machine_fini(&m);
}
END_TEST

START_TEST(without_memory_nothing_is_added)
{
	bool in[NR_ENTRIES] = { false };

	setup();
	add(0);
	in[0] = true;
	m.fake.fail_at = m.fake.nr_allocs + 1;
	ck_assert_int_eq(rmap_add(m.vm, &head, &sptes[1], NULL), MMU_NOMEM);
	expect(in);
	add(1);
	in[1] = true;
	expect(in);
	rmap_remove(m.vm, &head, &sptes[0]);
	rmap_remove(m.vm, &head, &sptes[1]);
	machine_fini(&m);
}
END_TEST

START_TEST(removing_what_is_not_there_is_a_bug)
{
	setup();
	ck_assert_panics(&m.fake, "a removed rmap entry is there",
			 rmap_remove(m.vm, &head, &sptes[0]));
	add(0);
	ck_assert_panics(&m.fake, "a removed rmap entry is there",
			 rmap_remove(m.vm, &head, &sptes[1]));
}
END_TEST

static u64 locked_word;

static void unlock_on_relax(struct fake *fake)
{
	rmap_unlock(&head, locked_word);
	fake->on_relax = NULL;
}

START_TEST(a_reader_with_the_lock_bit_keeps_a_writer_waiting)
{
	setup();
	ck_assert_uint_eq(rmap_lock(m.vm, &head), 0);
	ck_assert_uint_eq(atomic_load(&head.word), 0);
	add(0);
	locked_word = rmap_lock(m.vm, &head);
	ck_assert_uint_eq(locked_word, (uintptr_t)&sptes[0]);
	ck_assert_uint_eq(atomic_load(&head.word), (uintptr_t)&sptes[0] | 2);
	m.fake.on_relax = unlock_on_relax;
	add(1);
	ck_assert_ptr_null(m.fake.on_relax);
	ck_assert_uint_eq(rmap_count(m.vm, &head), 2);
	rmap_remove(m.vm, &head, &sptes[1]);
	rmap_remove(m.vm, &head, &sptes[0]);
	machine_fini(&m);
}
END_TEST

/* The layout of a descriptor, to break it: next, count, count of the rest. */
struct raw_desc {
	struct raw_desc *more;
	u32 count, tail_count;
};

START_TEST(a_broken_chain_is_not_sound)
{
	struct raw_desc *desc;

	setup();
	for (unsigned i = 0; i < 30; i++)
		add(i);
	desc = (struct raw_desc *)(uintptr_t)(atomic_load(&head.word) & ~3ull);
	ck_assert_uint_eq(desc->count, 2);
	ck_assert_uint_eq(desc->tail_count, 28);
	desc->tail_count = 27;
	ck_assert(!rmap_is_sound(m.vm, &head));
	desc->tail_count = 42;
	ck_assert(!rmap_is_sound(m.vm, &head));
	desc->tail_count = 28;
	desc->count = 0;
	ck_assert(!rmap_is_sound(m.vm, &head));
	desc->count = 15;
	ck_assert(!rmap_is_sound(m.vm, &head));
	desc->count = 2;
	desc->more->count = 13;
	ck_assert(!rmap_is_sound(m.vm, &head));
	desc->more->count = 14;
	ck_assert(rmap_is_sound(m.vm, &head));
	for (unsigned i = 0; i < 30; i++)
		rmap_remove(m.vm, &head, &sptes[i]);
	machine_fini(&m);
}
END_TEST

TAP_MAIN("rmap",
	 one_pointer_is_stored_in_the_head_itself,
	 many_pointers_set_bit_0_and_their_pages_go_back,
	 any_order_of_adding_and_removing_keeps_the_list_right,
	 removing_each_first_entry_empties_a_list,
	 many_lists_share_pages_and_give_them_back_in_any_order,
	 without_memory_nothing_is_added,
	 removing_what_is_not_there_is_a_bug,
	 a_reader_with_the_lock_bit_keeps_a_writer_waiting,
	 a_broken_chain_is_not_sound)
