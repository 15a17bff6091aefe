/* SPDX-License-Identifier: MIT */
/*
 * The dump says what is: a model fed with every event from the beginning and
 * one fed with the dump alone come to the same state. Both refuse an event that
 * names what they do not know, so order is checked as well.
 */
#include "mmu/sp.h"
#include "tests/guest_pt.h"

#include <stdlib.h>
#include <string.h>

#define PAGES	2048u
#define AD	(SPTE_A | SPTE_D)

struct entry {
	u64 spte, gfn;
	u32 child;
	u8 mapped;		/* in an rmap */
	u8 as, level;
};

struct page {
	bool live, unsync;
	u8 flags;
	u32 role, root_count;
	u64 gfn, hpa;
	struct entry entry[PT_ENTRIES];
};

struct model {
	struct ev_mmu_config config;
	u64 knob[MMU_NR_KNOBS];
	struct ev_slot_create slot[MMU_NR_AS][MMU_MAX_SLOTS];
	u64 generation[MMU_NR_AS];
	struct {
		struct ev_mmu_role role;
		u64 cr3;
		u32 root[MMU_ROOT_SLOTS], requests;
	} vcpu[MMU_MAX_VCPUS];
	u16 tracked[MMU_NR_AS][GUEST_FRAMES];
	struct page page[PAGES];
};

static struct page *live(struct model *model, u32 sp)
{
	ck_assert_uint_lt(sp, PAGES);
	ck_assert_msg(model->page[sp].live, "sp %u is named but not known", sp);
	return &model->page[sp];
}

static struct entry *entry(struct model *model, u32 sp, u16 index)
{
	ck_assert_uint_lt(index, PT_ENTRIES);
	return &live(model, sp)->entry[index];
}

static void on_sp_new(struct model *model, const struct ev_sp_new *ev)
{
	struct page *page = &model->page[ev->sp];

	ck_assert_uint_lt(ev->sp, PAGES);
	ck_assert_msg(!page->live, "sp %u is made twice", ev->sp);
	memset(page, 0, sizeof(*page));
	page->live = true;
	page->gfn = ev->gfn;
	page->role = ev->role;
	page->hpa = ev->hpa;
	page->flags = ev->flags;
}

static void on_sp_free(struct model *model, const struct ev_sp_free *ev)
{
	struct page *page = live(model, ev->sp);

	for (unsigned i = 0; i < PT_ENTRIES; i++)
		ck_assert(!spte_is_present(page->entry[i].spte));
	memset(page, 0, sizeof(*page));
}

static void on_spte_set(struct model *model, const struct ev_spte_set *ev)
{
	struct entry *e = entry(model, ev->sp, ev->index);

	ck_assert_msg(!((e->spte ^ ev->old) & ~AD), "sp %u[%u]: 0x%llx, but the event says 0x%llx",
		      ev->sp, ev->index, (unsigned long long)e->spte, (unsigned long long)ev->old);
	e->spte = ev->new;
	e->gfn = ev->new ? ev->gfn : 0;
}

static void on_sp_link(struct model *model, const struct ev_sp_link *ev)
{
	struct entry *e = entry(model, ev->parent, ev->index);

	ck_assert_uint_eq(spte_hpa(e->spte), live(model, ev->child)->hpa);
	e->child = ev->child;
}

static void on_sp_unlink(struct model *model, const struct ev_sp_unlink *ev)
{
	struct entry *e = entry(model, ev->parent, ev->index);

	ck_assert_uint_eq(e->child, ev->child);
	e->child = 0;
}

static void on_rmap_add(struct model *model, const struct ev_rmap_add *ev)
{
	struct entry *e = entry(model, ev->sp, ev->index);

	ck_assert(!e->mapped);
	e->mapped = 1;
	e->as = ev->as;
	e->level = ev->level;
}

static void on_rmap_remove(struct model *model, const struct ev_rmap_remove *ev)
{
	struct entry *e = entry(model, ev->sp, ev->index);

	ck_assert(e->mapped && e->as == ev->as && e->level == ev->level);
	e->mapped = e->as = e->level = 0;
}

static void on_vcpu(struct model *model, const struct fake_event *event)
{
	switch (event->id) {
	case EV_mmu_role:
		model->vcpu[event->vcpu].role = event->mmu_role;
		break;
	case EV_guest_cr3:
		model->vcpu[event->vcpu].cr3 = event->guest_cr3.cr3;
		break;
	case EV_root_set:
		if (event->root_set.sp)
			ck_assert_uint_eq(live(model, event->root_set.sp)->hpa,
					  event->root_set.hpa);
		model->vcpu[event->vcpu].root[event->root_set.slot] = event->root_set.sp;
		break;
	case EV_request:
		model->vcpu[event->vcpu].requests |= 1u << event->request.what;
		break;
	case EV_request_done:
		model->vcpu[event->vcpu].requests &= ~(1u << event->request_done.what);
		break;
	}
}

static void on_page(struct model *model, const struct fake_event *event)
{
	switch (event->id) {
	case EV_sp_new:
		on_sp_new(model, &event->sp_new);
		break;
	case EV_sp_zap:
		live(model, event->sp_zap.sp)->role = event->sp_zap.role;
		break;
	case EV_sp_free:
		on_sp_free(model, &event->sp_free);
		break;
	case EV_sp_link:
		on_sp_link(model, &event->sp_link);
		break;
	case EV_sp_unlink:
		on_sp_unlink(model, &event->sp_unlink);
		break;
	case EV_spte_set:
		on_spte_set(model, &event->spte_set);
		break;
	case EV_rmap_add:
		on_rmap_add(model, &event->rmap_add);
		break;
	case EV_rmap_remove:
		on_rmap_remove(model, &event->rmap_remove);
		break;
	case EV_root_count:
		live(model, event->root_count.sp)->root_count = event->root_count.count;
		break;
	}
}

static void on_memory(struct model *model, const struct fake_event *event)
{
	switch (event->id) {
	case EV_mmu_config:
		model->config = event->mmu_config;
		break;
	case EV_knob:
		model->knob[event->knob.knob] = event->knob.value;
		break;
	case EV_slot_create:
		model->slot[event->slot_create.as][event->slot_create.slot] = event->slot_create;
		break;
	case EV_slot_delete:
		memset(&model->slot[event->slot_delete.as][event->slot_delete.slot], 0,
		       sizeof(event->slot_create));
		break;
	case EV_slot_move:
		model->slot[event->slot_move.as][event->slot_move.slot].gfn = event->slot_move.gfn;
		break;
	case EV_slot_flags:
		model->slot[event->slot_flags.as][event->slot_flags.slot].flags =
			event->slot_flags.flags;
		break;
	case EV_slot_generation:
		model->generation[event->slot_generation.as] = event->slot_generation.generation;
		break;
	case EV_track_add:
		ck_assert_uint_ne(model->tracked[event->track_add.as][event->track_add.gfn],
				  event->track_add.count);
		model->tracked[event->track_add.as][event->track_add.gfn] = event->track_add.count;
		break;
	case EV_track_remove:
		model->tracked[event->track_remove.as][event->track_remove.gfn] =
			event->track_remove.count;
		break;
	}
}

/* Pages whose last reader is gone may be freed at any time: in the comparison
 * only what is valid counts. Bits the hardware sets are not in events. */
static void compare_pages(const struct model *a, const struct model *b)
{
	for (u32 sp = 0; sp < PAGES; sp++) {
		const struct page *x = &a->page[sp], *y = &b->page[sp];

		ck_assert_msg(x->live == y->live && x->role == y->role && x->gfn == y->gfn &&
				      x->hpa == y->hpa && x->flags == y->flags &&
				      x->root_count == y->root_count && x->unsync == y->unsync,
			      "sp %u differs", sp);
		for (unsigned i = 0; x->live && i < PT_ENTRIES; i++) {
			const struct entry *e = &x->entry[i], *f = &y->entry[i];

			ck_assert_msg(!((e->spte ^ f->spte) & ~AD) && e->child == f->child &&
					      e->mapped == f->mapped && e->as == f->as &&
					      e->level == f->level && e->gfn == f->gfn,
				      "sp %u[%u] differs", sp, i);
		}
	}
}

static struct model *model_of(struct fake *fake, struct model *model)
{
	if (!model)
		model = calloc(1, sizeof(*model));
	ck_assert_ptr_nonnull(model);
	model->generation[1] = model->generation[1] ? model->generation[1] : 1;
	for (size_t i = 0; i < fake->nr_events; i++) {
		on_memory(model, &fake->events[i]);
		on_page(model, &fake->events[i]);
		on_vcpu(model, &fake->events[i]);
	}
	fake_forget(fake);
	return model;
}

/* The story so far against the dump. */
static void compare(struct machine *m, struct model *story)
{
	struct model *dump;

	model_of(&m->fake, story);
	mmu_dump(m->vm);
	dump = model_of(&m->fake, NULL);
	ck_assert(!memcmp(&dump->config, &story->config, sizeof(dump->config)));
	ck_assert(!memcmp(dump->knob, story->knob, sizeof(dump->knob)));
	ck_assert(!memcmp(dump->slot, story->slot, sizeof(dump->slot)));
	ck_assert(!memcmp(dump->generation, story->generation, sizeof(dump->generation)));
	ck_assert(!memcmp(dump->vcpu, story->vcpu, sizeof(dump->vcpu)));
	ck_assert(!memcmp(dump->tracked, story->tracked, sizeof(dump->tracked)));
	compare_pages(dump, story);
	free(dump);
}

/* ---- stories ------------------------------------------------------------------------ */

START_TEST(a_dump_tells_what_the_events_of_a_tdp_vm_told)
{
	struct mmu_regs regs = { .smm = true };
	struct mmu_entry entry;
	struct model *story;
	struct machine m;

	machine_init(&m, NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_knob(&m, MMU_KNOB_budget, 9);
	story = model_of(&m.fake, NULL);
	compare(&m, story);
	machine_ram(&m, 0, 0, 0x2000, 0);
	machine_ram(&m, 3, 0x2003, 100, 1 << 30);
	compare(&m, story);
	machine_enter(&m, 0);
	machine_enter(&m, 1);
	for (unsigned i = 0; i < 60; i++)
		machine_fault(&m, i & 1, i * 0x123000ull % 0x2060000, PFERR_WRITE, NULL);
	compare(&m, story);
	ck_assert_int_eq(mmu_slot_create(m.vm, 1, 7, 16, 32, FAKE_RAM, MMU_SLOT_SMRAM), MMU_OK);
	mmu_set_regs(m.vcpu[1], &regs, false);
	machine_enter(&m, 1);
	machine_fault(&m, 1, 16 << PAGE_SHIFT, PFERR_WRITE, NULL);
	mmu_zap_range(m.vm, 0, 0x300, 0x700);
	compare(&m, story);
	mmu_zap_all(m.vm);
	machine_enter(&m, 0); /* takes a page of what lies ready */
	mmu_zap_all(m.vm);
	m.fake.fail_at = m.fake.nr_allocs + 1;
	m.fake.fail_all_after = true;
	ck_assert_int_eq(mmu_enter(m.vcpu[0], &entry), MMU_NOMEM);
	m.fake.fail_at = 0;
	compare(&m, story);
	machine_enter(&m, 0);
	compare(&m, story);
	ck_assert_int_eq(mmu_slot_delete(m.vm, 0, 3), MMU_OK);
	machine_enter(&m, 1);
	compare(&m, story);
	machine_fini(&m);
	free(story);
}
END_TEST

static void shadow_story(enum guest_mode mode)
{
	struct guest g;
	struct model *story;
	gpa_t gpte_gpa = 0;

	guest_init(&g, mode, NULL);
	story = model_of(&g.m.fake, NULL);
	for (gva_t gva = 0x1000; mode != UNPAGED && gva < 0x20000; gva += 0x1000)
		gpte_gpa = guest_map(&g, gva, 0x40000 + gva, GPTE_W | GPTE_U, 1);
	/* In a two-level guest: another quadrant of the same directory. */
	if (mode != UNPAGED)
		guest_map(&g, 0xc0345000, 0x6000, GPTE_W | GPTE_U, 1);
	cpu_access(&g, 0, 0xc0345000, 0);
	for (gva_t gva = 0x1000; gva < 0x20000; gva += 0x1000)
		cpu_access(&g, gva >> 12 & 1, gva, PFERR_WRITE);
	compare(&g.m, story);
	if (gpte_gpa)
		guest_store(&g, gpte_gpa, 0);
	compare(&g.m, story);
	guest_set_regs(&g, 0, true);
	machine_enter(&g.m, 0);
	cpu_access(&g, 0, 0x1000, PFERR_WRITE);
	mmu_zap_range(g.m.vm, 0, 0x44, 0x48);
	compare(&g.m, story);
	mmu_zap_all(g.m.vm);
	machine_enter(&g.m, 0);
	compare(&g.m, story);
	machine_enter(&g.m, 1);
	cpu_access(&g, 1, 0x2000, 0);
	compare(&g.m, story);
	/* The other address space has the same memory, and shadows of it. */
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 1, 0, 0, GUEST_FRAMES, FAKE_RAM, 0), MMU_OK);
	cpu_access(&g, 0, 0x2000, 0);
	g.regs.smm = true;
	guest_set_regs(&g, 1, false);
	cpu_access(&g, 1, 0x2000, 0);
	compare(&g.m, story);
	guest_fini(&g);
	free(story);
}

START_TEST(a_dump_tells_what_the_events_of_a_shadow_vm_told)
{
	for (enum guest_mode mode = UNPAGED; mode < NR_GUEST_MODES; mode++)
		shadow_story(mode);
}
END_TEST

START_TEST(with_events_off_a_dump_is_silent)
{
	struct machine m;

	machine_init(&m, NULL);
	fake_forget(&m.fake);
	m.fake.env.events_on = false;
	mmu_dump(m.vm);
	ck_assert_uint_eq(m.fake.nr_events, 0);
	machine_fini(&m);
}
END_TEST

TAP_MAIN("dump",
	 a_dump_tells_what_the_events_of_a_tdp_vm_told,
	 a_dump_tells_what_the_events_of_a_shadow_vm_told,
	 with_events_off_a_dump_is_silent)
