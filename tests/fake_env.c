/* SPDX-License-Identifier: MIT */
/* The pretended host of the MMU's unit tests. */
#include "tests/fake_env.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ARENA_SIZE (FAKE_RAM + FAKE_RAM_SIZE)

/* ---- pages --------------------------------------------------------------------- */

static hpa_t page_alloc(void *ctx)
{
	struct fake *fake = ctx;
	hpa_t hpa = HPA_INVALID;
	u64 n;

	pthread_mutex_lock(&fake->lock);
	n = ++fake->nr_allocs;
	if (!(fake->fail_at && (n == fake->fail_at || (n > fake->fail_at && fake->fail_all_after))))
		for (u32 i = 0; i < FAKE_PAGES && hpa == HPA_INVALID; i++) {
			u32 page = (fake->next + i) % FAKE_PAGES;

			if (page && !fake->taken[page])
				hpa = (hpa_t)page << PAGE_SHIFT;
		}
	if (hpa != HPA_INVALID) {
		fake->taken[hpa >> PAGE_SHIFT] = true;
		fake->next = (hpa >> PAGE_SHIFT) + 1;
		fake->nr_taken++;
		memset(fake_va(fake, hpa), 0, PAGE_SIZE);
	}
	pthread_mutex_unlock(&fake->lock);
	return hpa;
}

static void page_free(void *ctx, hpa_t page_hpa)
{
	struct fake *fake = ctx;
	u64 page = page_hpa >> PAGE_SHIFT;

	pthread_mutex_lock(&fake->lock);
	ck_assert_msg(page < FAKE_PAGES && !(page_hpa & ~PAGE_MASK) && fake->taken[page],
		      "page 0x%llx is given back but was not taken", (unsigned long long)page_hpa);
	memset(fake_va(fake, page_hpa), 0x5b, PAGE_SIZE);
	fake->taken[page] = false;
	fake->nr_taken--;
	pthread_mutex_unlock(&fake->lock);
}

/* ---- events and hooks ------------------------------------------------------------ */

static void emit(void *ctx, u8 vcpu, u16 id, const struct mmu_site *site, const void *payload,
		 u16 len)
{
	struct fake *fake = ctx;
	struct fake_event *event;

	pthread_mutex_lock(&fake->lock);
	ck_assert_uint_le(len, sizeof(event->payload));
	if (fake->nr_events == fake->max_events) {
		fake->max_events = fake->max_events ? 2 * fake->max_events : 1024;
		fake->events = realloc(fake->events, fake->max_events * sizeof(*event));
		ck_assert_ptr_nonnull(fake->events);
	}
	event = &fake->events[fake->nr_events++];
	*event = (struct fake_event){ .id = id, .vcpu = vcpu, .len = len, .site = site };
	memcpy(event->payload, payload, len);
	if (fake->on_emit)
		fake->on_emit(fake, event);
	pthread_mutex_unlock(&fake->lock);
}

static void kick(void *ctx, u8 vcpu)
{
	struct fake *fake = ctx;

	__atomic_fetch_add(&fake->kicks[vcpu], 1, __ATOMIC_RELAXED);
	if (fake->on_kick)
		fake->on_kick(fake, vcpu);
}

static void relax(void *ctx)
{
	struct fake *fake = ctx;

	__atomic_fetch_add(&fake->relaxes, 1, __ATOMIC_RELAXED);
	if (fake->on_relax)
		fake->on_relax(fake);
	else
		sched_yield();
}

static void point(void *ctx, unsigned number)
{
	struct fake *fake = ctx;

	__atomic_fetch_add(&fake->points[number], 1, __ATOMIC_RELAXED);
	if (fake->on_point)
		fake->on_point(fake, number);
}

static void __attribute__((noreturn)) panic(void *ctx, const char *file, u32 line,
					    const char *text, u64 a, u64 b)
{
	struct fake *fake = ctx;

	snprintf(fake->panic_text, sizeof(fake->panic_text), "%s", text);
	if (fake->expect_panic)
		longjmp(fake->panic_jmp, 1);
	ck_abort_msg("panic: %s:%u: %s (0x%llx, 0x%llx)", file, line, text, (unsigned long long)a,
		     (unsigned long long)b);
	abort();
}

void fake_init(struct fake *fake)
{
	void *arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	ck_assert_ptr_ne(arena, MAP_FAILED);
	memset(fake, 0, sizeof(*fake));
	pthread_mutex_init(&fake->lock, NULL);
	fake->env = (struct mmu_env){
		.ctx = fake,
		.direct_map = arena,
		.events_on = true,
		.page_alloc = page_alloc,
		.page_free = page_free,
		.emit = emit,
		.kick = kick,
		.relax = relax,
		.point = point,
		.panic = panic,
	};
}

void fake_fini(struct fake *fake)
{
	ck_assert_msg(fake->nr_taken == 0, "%u pages were not given back", fake->nr_taken);
	fake_abandon(fake);
}

void fake_abandon(struct fake *fake)
{
	munmap(fake->env.direct_map, ARENA_SIZE);
	free(fake->events);
	fake->events = NULL;
	pthread_mutex_destroy(&fake->lock);
}

void fake_forget(struct fake *fake)
{
	fake->nr_events = 0;
}

size_t fake_count(const struct fake *fake, u16 id)
{
	size_t n = 0;

	for (size_t i = 0; i < fake->nr_events; i++)
		n += fake->events[i].id == id;
	return n;
}

const struct fake_event *fake_last(const struct fake *fake, u16 id)
{
	for (size_t i = fake->nr_events; i-- > 0;)
		if (fake->events[i].id == id)
			return &fake->events[i];
	return NULL;
}

/* ---- a machine on it --------------------------------------------------------------- */

void machine_init(struct machine *m, const struct mmu_config *config)
{
	static const struct mmu_config usual = {
#ifdef MMU_NO_TDP
		.mode = MMU_MODE_SHADOW,
#else
		.mode = MMU_MODE_TDP,
#endif
		.nr_vcpus = 2, .tdp_level = 4, .maxphyaddr = 48,
	};

	memset(m, 0, sizeof(*m));
	fake_init(&m->fake);
	config = config ? config : &usual;
	ck_assert_int_eq(mmu_vm_create(&m->fake.env, config, &m->vm), MMU_OK);
	machine_knob(m, MMU_KNOB_huge, 0);
	machine_knob(m, MMU_KNOB_unsync, 0);
	m->nr_vcpus = config->nr_vcpus;
	for (unsigned i = 0; i < m->nr_vcpus; i++)
		ck_assert_int_eq(mmu_vcpu_create(m->vm, i, &m->vcpu[i]), MMU_OK);
	machine_audit(m);
}

void machine_knob(struct machine *m, enum mmu_knob knob, u64 value)
{
	ck_assert_int_eq(mmu_set_knob(m->vm, knob, value), MMU_OK);
}

void machine_fini(struct machine *m)
{
	machine_audit(m);
	mmu_vm_destroy(m->vm);
	fake_fini(&m->fake);
}

void machine_ram(struct machine *m, unsigned id, gfn_t gfn, u64 npages, u64 offset)
{
	ck_assert_uint_le(offset + npages * PAGE_SIZE, FAKE_RAM_SIZE);
	ck_assert_int_eq(mmu_slot_create(m->vm, 0, id, gfn, npages, FAKE_RAM + offset, 0), MMU_OK);
	machine_audit(m);
}

struct mmu_entry machine_enter(struct machine *m, unsigned vcpu)
{
	struct mmu_entry entry;

	ck_assert_int_eq(mmu_enter(m->vcpu[vcpu], &entry), MMU_OK);
	mmu_leave(m->vcpu[vcpu]);
	machine_audit(m);
	return entry;
}

enum mmu_verdict machine_fault(struct machine *m, unsigned vcpu, u64 addr, u64 error,
			       struct mmu_fault *out)
{
	struct mmu_fault ignored;
	enum mmu_verdict verdict;

	verdict = mmu_fault(m->vcpu[vcpu], addr, error, out ? out : &ignored);
	machine_audit(m);
	return verdict;
}

u64 machine_leaf(struct machine *m, unsigned vcpu, u64 addr, unsigned *level)
{
	struct mmu_host_step steps[5];
	unsigned nr = mmu_host_walk(m->vcpu[vcpu], addr, steps);

	if (!nr || !spte_is_leaf(steps[nr - 1].spte, steps[nr - 1].level))
		return 0;
	if (level)
		*level = steps[nr - 1].level;
	return steps[nr - 1].spte;
}

static void fail_finding(void *arg, const struct mmu_finding *finding)
{
	const struct machine *m = arg;

	if (m->unseen_writes && !strcmp(finding->rule, "H-3"))
		return;
	ck_abort_msg("audit: %s: %s (sp %u, entry %u, have 0x%llx, want 0x%llx)", finding->rule,
		     finding->sentence, finding->sp, finding->index,
		     (unsigned long long)finding->have, (unsigned long long)finding->want);
}

void machine_audit(struct machine *m)
{
	bool events_on = m->fake.env.events_on;
	unsigned found;

	if (m->audit_every && m->audit_calls++ % m->audit_every)
		return;
	m->fake.env.events_on = false;
	found = mmu_audit(m->vm, fail_finding, m);
	ck_assert(!found || m->unseen_writes);
	m->fake.env.events_on = events_on;
}
