/* SPDX-License-Identifier: MIT */
/* The model: built from events alone, honest about losses, unharmed by lies. */
#include "tests/tap.h"
#include <stdlib.h>
#include <string.h>
#include "tests/tui/fake.h"
#include "tui/format.h"
#include "tui/link.h"
#include "tui/parse.h"
#include "tui/timeline.h"

static struct schema *schema;
static struct fake fake;
static struct timeline *tl;

/* A timeline with everything the fake machine has emitted. */
static void drain(void)
{
	struct link *link = link_open(fake.fd, 0);
	struct event ev;

	ck_assert_ptr_nonnull(link);
	while (link_next(link, &ev))
		timeline_append(tl, &ev);
	link_close(link);
}

static void setup(void)
{
	schema = schema_new();
	tl = timeline_new(schema);
	fake_open(&fake, 1, 1024);
	fake_history(&fake);
	drain();
}

static void teardown(void)
{
	timeline_free(tl);
	schema_free(schema);
	fake_close(&fake);
}

/* Feeds lines of the long form to a fresh timeline. */
static struct timeline *told(const char *lines)
{
	struct timeline *t = timeline_new(schema);
	const char *why = "";

	if (parse_events(lines, t, &why))
		ck_abort_msg("%s", why);
	return t;
}

START_TEST(events_build_slots_pages_entries_rmaps_and_roots)
{
	const struct model *m;
	const struct model_vm *vm;
	const struct model_sp *sp;
	unsigned index;
	size_t len;

	setup();
	m = timeline_live(tl);
	vm = model_vm(m, 1, 0);
	ck_assert_ptr_nonnull(vm);
	ck_assert_uint_eq(map_count(&vm->slots), 1);
	sp = model_sp(vm, 2);
	ck_assert_ptr_nonnull(sp);
	ck_assert_uint_eq(sp->gfn, 0x101);
	ck_assert_uint_eq(sp->spte[5], 0x2e00c67);
	ck_assert_uint_eq(sp->present, 1);
	ck_assert_uint_eq(model_child(vm, 1, 0), 2);
	ck_assert_uint_eq(model_parent(vm, 2, &index), 1);
	ck_assert_uint_eq(index, 0);
	ck_assert_ptr_nonnull(map_get(&vm->rmaps, model_entry_key(2, 5)));
	ck_assert_uint_eq(vm->vcpu[0].context[0].root[0].sp, 1);
	ck_assert_uint_eq(vm->vcpu[0].exit_len, 2);
	ck_assert_mem_eq(model_console(m, &len), "hello\n", 6);
	ck_assert_uint_eq(len, 6);
	ck_assert_uint_eq(m->nr_damage, 0);
	teardown();
}
END_TEST

START_TEST(the_model_at_an_event_is_what_was_true_then)
{
	const struct model_vm *vm;
	size_t last;

	setup();
	last = timeline_count(tl) - 1;
	vm = model_vm(timeline_at(tl, 12), 1, 0);
	ck_assert_ptr_nonnull(model_sp(vm, 2));
	ck_assert_uint_eq(model_sp(vm, 2)->spte[5], 0x2e00c67);
	vm = model_vm(timeline_at(tl, 8), 1, 0);
	ck_assert_uint_eq(model_sp(vm, 2)->spte[5], 0);
	vm = model_vm(timeline_at(tl, 6), 1, 0);
	ck_assert_ptr_null(model_sp(vm, 2));
	ck_assert_uint_eq(timeline_at(tl, last)->console_len, 6);
	ck_assert_uint_eq(timeline_at(tl, 3)->console_len, 0);
	teardown();
}
END_TEST

START_TEST(a_long_history_can_be_visited_anywhere)
{
	u64 old = 0x2e00c67;
	u32 random = 1;

	setup();
	for (u64 i = 1; i <= 20000; i++) {
		struct ev_spte_set e = { 2, 5, 1, 0x2000, old, 0x2e00c67 + (i << 12) };
		struct event ev = { .seq = 16 + i, .id = EV_spte_set, .level = 1,
				    .site = EVENT_NO_SITE, .len = sizeof(e),
				    .payload = (const u8 *)&e };

		old = e.new;
		timeline_append(tl, &ev);
	}
	ck_assert_uint_eq(timeline_live(tl)->nr_damage, 0);
	for (int i = 0; i < 50; i++) {
		u64 n;

		random = random * 1103515245 + 12345;
		n = random % 20000;
		ck_assert_uint_eq(
			model_sp(model_vm(timeline_at(tl, 16 + n), 1, 0), 2)->spte[5] >> 12,
			(0x2e00c67 >> 12) + n + 1);
	}
	teardown();
}
END_TEST

START_TEST(a_wrong_old_value_is_damage)
{
	struct timeline *t;

	setup();
	t = told("1 1 0.1.0 cause=0 sp_new sp=1 gfn=0x1 role=0x31 hpa=0x1000 flags=0x0\n"
		 "2 2 0.1.0 cause=0 spte_set sp=1 index=7 level=1 gfn=0x2 old=0x5 new=0x803\n");
	ck_assert_uint_eq(timeline_live(t)->nr_damage, 1);
	timeline_free(t);
	teardown();
}
END_TEST

START_TEST(accessed_and_dirty_set_by_hardware_are_no_damage)
{
	struct timeline *t;

	setup();
	t = told("1 1 0.1.0 cause=0 sp_new sp=1 gfn=0x1 role=0x31 hpa=0x1000 flags=0x0\n"
		 "2 2 0.1.0 cause=0 spte_set sp=1 index=7 level=1 gfn=0x2 old=0x0 new=0x803\n"
		 "3 2 0.1.0 cause=0 spte_set sp=1 index=7 level=1 gfn=0x2 old=0x863 new=0x0\n");
	ck_assert_uint_eq(timeline_live(t)->nr_damage, 0);
	timeline_free(t);
	teardown();
}
END_TEST

START_TEST(after_a_gap_the_model_is_unknown_until_a_snapshot)
{
	struct timeline *t;
	const struct model_vm *vm;

	setup();
	t = told("1 1 0.1.0 cause=0 sp_new sp=1 gfn=0x1 role=0x31 hpa=0x1000 flags=0x0\n"
		 "9 2 0.1.0 cause=0 sp_free sp=2\n");
	vm = model_vm(timeline_live(t), 1, 0);
	ck_assert(vm->unknown);
	ck_assert_uint_eq(vm->unknown_since, 9);
	ck_assert_uint_eq(timeline_live(t)->lost, 7);
	ck_assert_uint_eq(timeline_live(t)->nr_damage, 0);
	ck_assert_uint_eq(parse_events(
		"10 3 0.1.- cause=0 snapshot_begin vm=0 synthetic\n"
		"11 3 0.1.- cause=0 sp_new sp=5 gfn=0x9 role=0x31 hpa=0x5000 flags=0x0 synthetic\n"
		"12 3 0.1.- cause=0 spte_set sp=5 index=1 level=1 gfn=0x9 old=0x77 new=0x803 synthetic\n"
		"13 3 0.1.- cause=0 snapshot_end vm=0 synthetic\n", t, &(const char *){ 0 }), 0);
	ck_assert(!vm->unknown);
	ck_assert_ptr_null(model_sp(vm, 1));
	ck_assert_ptr_nonnull(model_sp(vm, 5));
	ck_assert_uint_eq(timeline_live(t)->nr_damage, 0);
	timeline_free(t);
	teardown();
}
END_TEST

START_TEST(a_snapshot_that_differs_from_the_events_is_damage)
{
	static const char before[] =
		"1 1 0.1.- cause=0 mmu_config mode=tdp nr_vcpus=1 tdp_level=4 maxphyaddr=40\n"
		"2 1 0.1.0 cause=0 sp_new sp=1 gfn=0x1 role=0x31 hpa=0x1000 flags=0x0\n"
		"3 1 0.1.0 cause=0 spte_set sp=1 index=1 level=1 gfn=0x9 old=0x0 new=0x803\n"
		"4 3 0.1.- cause=0 snapshot_begin vm=0 synthetic\n"
		"5 1 0.1.- cause=0 mmu_config mode=tdp nr_vcpus=1 tdp_level=4 maxphyaddr=40"
		" synthetic\n"
		"6 1 0.1.0 cause=0 sp_new sp=1 gfn=0x1 role=0x31 hpa=0x1000 flags=0x0 synthetic\n";
	struct timeline *t;
	const char *why;

	setup();
	t = told(before);
	parse_events("7 1 0.1.0 cause=0 spte_set sp=1 index=1 level=1 gfn=0x9 old=0x0 new=0x823"
		     " synthetic\n8 3 0.1.- cause=0 snapshot_end vm=0 synthetic\n", t, &why);
	ck_assert_uint_eq(timeline_live(t)->nr_damage, 0);
	timeline_free(t);
	t = told(before);
	parse_events("7 3 0.1.- cause=0 snapshot_end vm=0 synthetic\n", t, &why);
	ck_assert_uint_eq(timeline_live(t)->nr_damage, 1);
	ck_assert_str_eq(timeline_live(t)->damage[0].text,
			 "events and snapshot differ: page 1 entry 1: 0x803 against 0x0");
	timeline_free(t);
	teardown();
}
END_TEST

START_TEST(who_comes_late_knows_nothing_until_a_snapshot)
{
	struct timeline *t;

	setup();
	t = told("7 1 0.1.0 cause=0 sp_new sp=1 gfn=0x1 role=0x31 hpa=0x1000 flags=0x0\n");
	ck_assert(model_vm(timeline_live(t), 1, 0)->unknown);
	timeline_free(t);
	teardown();
}
END_TEST

START_TEST(a_model_equals_its_copy_until_one_changes)
{
	struct model *copy;
	struct text why = { 0 };
	struct event ev = *timeline_event((setup(), tl), 0);
	struct ev_spte_set e = { 2, 5, 1, 0x2000, 0x2e00c67, 0 };

	copy = model_copy(timeline_live(tl));
	ck_assert(model_equal(timeline_live(tl), copy, &why));
	ev.seq = timeline_live(tl)->seq + 1;
	ev.id = EV_spte_set;
	ev.payload = (const u8 *)&e;
	ev.len = sizeof(e);
	model_apply(copy, &ev);
	ck_assert(!model_equal(timeline_live(tl), copy, &why));
	ck_assert_str_eq(text_str(&why), "page 2 entry 5: 0x2e00c67 against 0x0");
	ck_assert_uint_eq(model_sp(model_vm(timeline_live(tl), 1, 0), 2)->spte[5], 0x2e00c67);
	text_free(&why);
	model_free(copy);
	teardown();
}
END_TEST

/* Leaves out each event in turn; what carries state must be missed. */
START_TEST(a_model_that_missed_an_event_differs)
{
	static const u16 state[] = { EV_mmu_config, EV_slot_create, EV_mmu_role, EV_sp_new,
				     EV_root_set, EV_track_add, EV_spte_set, EV_sp_link,
				     EV_rmap_add };
	unsigned seen = 0;

	setup();
	for (size_t skip = 0; skip < timeline_count(tl); skip++) {
		struct model *m = model_new();
		bool matters = false;
		struct event ev;
		u64 seq = 0;

		for (size_t i = 0; i < sizeof(state) / sizeof(state[0]); i++)
			matters |= timeline_event(tl, skip)->id == state[i];
		for (size_t i = 0; i < timeline_count(tl); i++) {
			if (i == skip)
				continue;
			ev = *timeline_event(tl, i);
			ev.seq = ++seq;
			model_apply(m, &ev);
		}
		if (matters)
			ck_assert_msg(!model_equal(timeline_live(tl), m, NULL), "event %zu", skip);
		seen += matters;
		model_free(m);
	}
	ck_assert_uint_ge(seen, 9);
	teardown();
}
END_TEST

/* Payloads of random bytes and lengths under every id. */
START_TEST(no_event_can_harm_the_model)
{
	u64 random = 0x1234567;
	u8 payload[300];

	setup();
	for (u64 i = 0; i < 40000; i++) {
		struct event ev = { .seq = 100 + i, .payload = payload };

		for (size_t k = 0; k < sizeof(payload); k++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			payload[k] = random >> (random >> 61 ? 56 : 63);
		}
		ev.id = ev_table[(random >> 33) % ev_table_size].id;
		ev.len = (random >> 40) % sizeof(payload);
		ev.vcpu = payload[0];
		ev.level = payload[1] & 3;
		ev.flags = payload[2];
		timeline_append(tl, &ev);
	}
	ck_assert_uint_ne(timeline_live(tl)->nr_damage, 0);
	ck_assert_ptr_nonnull(timeline_at(tl, 20001));
	teardown();
}
END_TEST

START_TEST(the_long_form_reads_back_to_the_same_events)
{
	struct text all = { 0 }, again = { 0 };
	struct timeline *t;

	setup();
	for (size_t i = 0; i < timeline_count(tl); i++) {
		format_event(&all, schema, timeline_event(tl, i));
		text_add(&all, "\n");
	}
	t = told(text_str(&all));
	ck_assert(model_equal(timeline_live(t), timeline_live(tl), NULL));
	for (size_t i = 0; i < timeline_count(t); i++) {
		format_event(&again, schema, timeline_event(t, i));
		text_add(&again, "\n");
	}
	ck_assert_str_eq(text_str(&all), text_str(&again));
	text_free(&all);
	text_free(&again);
	timeline_free(t);
	teardown();
}
END_TEST

START_TEST(a_bad_line_is_named)
{
	const char *why = NULL;
	struct timeline *t;

	setup();
	t = timeline_new(schema);
	ck_assert_uint_eq(parse_events("# a remark\n\n1 1 0.1.0 cause=0 nonsense\n", t, &why), 3);
	ck_assert_str_eq(why, "no event has this name");
	ck_assert_uint_eq(parse_events("1 1 0.1.0 cause=0 sp_free\n", t, &why), 1);
	ck_assert_uint_eq(parse_events("1 1 0.1.0 cause=0 sp_free sp=x\n", t, &why), 1);
	timeline_free(t);
	teardown();
}
END_TEST

TAP_MAIN("model", events_build_slots_pages_entries_rmaps_and_roots,
	 the_model_at_an_event_is_what_was_true_then, a_long_history_can_be_visited_anywhere,
	 a_wrong_old_value_is_damage, accessed_and_dirty_set_by_hardware_are_no_damage,
	 after_a_gap_the_model_is_unknown_until_a_snapshot,
	 a_snapshot_that_differs_from_the_events_is_damage, who_comes_late_knows_nothing_until_a_snapshot, a_model_equals_its_copy_until_one_changes,
	 a_model_that_missed_an_event_differs, no_event_can_harm_the_model,
	 the_long_form_reads_back_to_the_same_events, a_bad_line_is_named)
