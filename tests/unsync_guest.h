/* SPDX-License-Identifier: MIT */
/*
 * A guest for the tests of unsync pages: two pages mapped by one table of level 1,
 * and that table mapped, too, by another.
 *
 *	GVA          -> 0x5000      entries in table()
 *	GVA + 0x1000 -> 0x6000
 *	ALIAS        -> table()
 */
#ifndef TESTS_UNSYNC_GUEST_H
#define TESTS_UNSYNC_GUEST_H

#include "tests/guest_pt.h"

#define RW	(GPTE_W | GPTE_U)
#define USER	PFERR_USER
#define WRITE	PFERR_WRITE
#define AD	(GPTE_A | GPTE_D)

#define GVA	0x1000ull
#define ALIAS	0x40000000ull

#define for_each_paging(mode) for (enum guest_mode mode = TWO_LEVEL; mode < NR_GUEST_MODES; mode++)

extern struct guest g;

/* The guest above, its pages used, both CPUs with a root; knob unsync on, hot off. */
void make(enum guest_mode mode);

unsigned gpte_size(void);

/* The guest's tables on the way to gva, and the last entry. */
gpa_t table_of(gva_t gva, unsigned level);
gpa_t table(void);
gpa_t pte_of(gva_t gva);

/* The one page that mirrors the table at gpa, at this level; NULL. */
struct sp *page_of(gpa_t gpa, unsigned level);
bool is_unsync(void);	/* that of table() */
struct mmu_stats stats(void);

/* The guest's own store, which we do not see: anywhere, and to the entry of gva in
 * table(), through ALIAS. */
void store(unsigned vcpu, gva_t gva, u64 value);
void store_pte(unsigned vcpu, gva_t gva, u64 gpte);

void load_cr3(unsigned vcpu);
void invlpg(unsigned vcpu, gva_t gva);

/* Do vCPU 0's tables have it? */
bool maps(gva_t gva);
bool alias_is_writable(void);

#endif
