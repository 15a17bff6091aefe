/* SPDX-License-Identifier: MIT */
/*
 * Guests whose slot 0 is logged, in each way memory can be mapped, and the questions
 * their tests ask.
 */
#ifndef TESTS_DIRTY_GUEST_H
#define TESTS_DIRTY_GUEST_H

#include "mmu/dirty.h"
#include "mmu/slots.h"
#include "tests/guest_pt.h"

#define DIRTY_FRAMES	0x800ull	/* 8 MiB: slot 0 */
#define DIRTY_WORDS	MMU_DIRTY_WORDS(DIRTY_FRAMES)
#define DIRTY_GVA	0x40000000ull	/* where a guest that pages has gpa 0 and on */

enum dirty_world {
#ifndef MMU_NO_TDP
	WORLD_TDP,
#endif
#ifndef MMU_NO_SHADOW
	WORLD_UNPAGED,	/* shadow pages that are direct */
	WORLD_PAGED,	/* and mirrors */
#endif
	NR_WORLDS
};

#define each_world(world) (unsigned world = 0; world < NR_WORLDS; world++)

/* A guest; log_flags: of slot 0 once it runs, 0 for none. What was written till then is
 * harvested. */
void dirty_guest(struct guest *g, enum dirty_world world, u32 log_flags);
/* The same with large mappings, where the guest maps all its memory by 2 MiB. */
void dirty_guest_huge(struct guest *g, enum dirty_world world, u32 log_flags);

/* Turns the log of slot 0 on or off; must be OK. */
void dirty_log(struct guest *g, u32 flags);

/* Where the guest has this gpa. */
gva_t dirty_gva(const struct guest *g, gpa_t gpa);

/* An access of vCPU 0 to gpa that goes through; returns how many faults it took. The
 * pretended hardware sets D, too. */
unsigned dirty_touch(struct guest *g, gpa_t gpa, u64 access);

/* Its leaf. */
u64 dirty_leaf(struct guest *g, gpa_t gpa, unsigned *level);

/* Whether the bit of gpa is set in slot 0's log; how many are. */
bool dirty_bit(struct guest *g, gpa_t gpa);
unsigned dirty_count(struct guest *g);

/* Flushes asked for, of this reason (FLUSH_), since fake_forget(). */
unsigned dirty_flushes(const struct guest *g, unsigned why);

/* Harvests slot 0 into a bitmap of its own; returns how many bits. */
unsigned dirty_harvest(struct guest *g, u64 bitmap[DIRTY_WORDS]);

#endif
