/* SPDX-License-Identifier: MIT */
/*
 * A pretended host for the MMU library: memory out of one arena, every event
 * kept, every callback counted, and on demand no page left.
 *
 *	hpa 0 .. 64 MiB       pages of the library (hpa 0 is never given out)
 *	FAKE_RAM .. + 2 GiB   memory for slots; zero until touched
 *
 * Freed pages are filled with rubbish, a page given back twice or not at all
 * fails the test. Safe for several threads.
 */
#ifndef TESTS_FAKE_ENV_H
#define TESTS_FAKE_ENV_H

#include <pthread.h>
#include <setjmp.h>
#include "mmu/event.h"
#include "mmu/internal.h"
#include "mmu/mmu.h"
#include "tests/tap.h"

#define FAKE_PAGES	16384u
#define FAKE_RAM	(1ull << 30)
#define FAKE_RAM_SIZE	(2ull << 30)

struct fake_event {
	u16 id;
	u8 vcpu;
	u16 len;
	const struct mmu_site *site;
	union {
		u8 payload[64];
#define F(type, name, unit)
#define EVENT(id, name, sentence, kvm, ...) struct ev_##name name;
#include "mmu/event.def"
	};
};

struct fake {
	struct mmu_env env;
	pthread_mutex_t lock;
	bool taken[FAKE_PAGES];
	u32 next;		/* where the search for a free page begins */
	u32 nr_taken;
	u64 nr_allocs;		/* since fake_init */
	u64 fail_at;		/* the allocation that fails, counted like nr_allocs; 0: none */
	bool fail_all_after;	/* and all later ones */

	struct fake_event *events;
	size_t nr_events, max_events;

	u32 kicks[MMU_MAX_VCPUS];
	u64 relaxes, points[MMU_NR_POINTS];
	/* Called from the callback; NULL: nothing happens. */
	void (*on_kick)(struct fake *fake, u8 vcpu);
	void (*on_relax)(struct fake *fake);
	void (*on_point)(struct fake *fake, unsigned point);
	void (*on_emit)(struct fake *fake, const struct fake_event *event);
	void *hook_arg;

	bool expect_panic;
	jmp_buf panic_jmp;
	char panic_text[128];
};

/* Events are on. */
void fake_init(struct fake *fake);
/* Fails the test if a page is still taken. */
void fake_fini(struct fake *fake);
/* The same for a host whose library was broken on purpose: pages go as they are. */
void fake_abandon(struct fake *fake);

/* A pointer to byte hpa. */
static inline void *fake_va(struct fake *fake, hpa_t hpa)
{
	return mmu_va(&fake->env, hpa);
}

/* Forgets the events so far. */
void fake_forget(struct fake *fake);
/* How many events of this id there are; the last of them, or NULL. */
size_t fake_count(const struct fake *fake, u16 id);
const struct fake_event *fake_last(const struct fake *fake, u16 id);

/* Runs the statement and wants a panic whose text contains `rule`. */
#define ck_assert_panics(fake, rule, statement)                                                    \
	do {                                                                                       \
		(fake)->expect_panic = true;                                                       \
		if (!setjmp((fake)->panic_jmp)) {                                                  \
			statement;                                                                 \
			ck_abort_msg("no panic though %s is broken", rule);                        \
		}                                                                                  \
		(fake)->expect_panic = false;                                                      \
		ck_assert_msg(strstr((fake)->panic_text, rule), "panic of another rule: %s",       \
			      (fake)->panic_text);                                                 \
	} while (0)

/* ---- a machine on it ----------------------------------------------------------- */

struct machine {
	struct fake fake;
	struct mmu_vm *vm;
	struct mmu_vcpu *vcpu[MMU_MAX_VCPUS];
	unsigned nr_vcpus;
	unsigned audit_every;	/* audit only every so many times; 0: each time */
	unsigned audit_calls;
	/* The test writes to guest tables behind the library's back: H-3 need not hold. */
	bool unseen_writes;
};

/* A VM with vCPUs and no slots. NULL config: TDP with 4 levels (shadow
 * where the build has no TDP), 48 bits, 2 vCPUs. The knob `huge` is off: who wants
 * large pages turns it. So is `unsync`. */
void machine_init(struct machine *m, const struct mmu_config *config);
void machine_knob(struct machine *m, enum mmu_knob knob, u64 value);
/* Audits, destroys, looks for leaks. */
void machine_fini(struct machine *m);

/* Slot `id` of address space 0: frames from gfn on, on RAM from FAKE_RAM +
 * offset on. */
void machine_ram(struct machine *m, unsigned id, gfn_t gfn, u64 npages, u64 offset);

/* Enters and leaves the guest once; returns what the hardware would be given. */
struct mmu_entry machine_enter(struct machine *m, unsigned vcpu);

/* A fault, and an audit after it. */
enum mmu_verdict machine_fault(struct machine *m, unsigned vcpu, u64 addr, u64 error,
			       struct mmu_fault *out);

/* The leaf that the vCPU's tables have for the address, its level in *level; 0. */
u64 machine_leaf(struct machine *m, unsigned vcpu, u64 addr, unsigned *level);

/* The whole audit finds nothing. Called by all the above. */
void machine_audit(struct machine *m);

#endif
