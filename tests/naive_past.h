/* SPDX-License-Identifier: MIT */
/*
 * The naive MMU's memory of the past, for what may be stale. A processor may go
 * on using what an entry of a page table was before it changed, until it is told
 * to forget: by a load of CR3, by INVLPG, by a change of the paging mode. So of
 * each word of the guest's memory it is kept what it was before, and until when;
 * and of each vCPU, when it had to forget what.
 *
 *	word at 0x1008 ---> 0x5007 until 12 ---> 0x0 until 7
 *	vCPU 1: all forgotten at 3, all but global pages at 10, 0x400000 at 11
 *
 * A walk of the past takes at each entry one of the values it has had since then.
 * There are few, so all ways through are tried. What the host writes is known to
 * everybody at once: it leaves no past of what was there.
 */
#ifndef TESTS_NAIVE_PAST_H
#define TESTS_NAIVE_PAST_H

#include "mmu/types.h"

#define NAIVE_CPUS	4
#define NAIVE_FORGOTTEN	64	/* INVLPGs remembered of a vCPU */
#define NAIVE_PCIDS	4
#define NAIVE_ROOTS	16	/* tables a vCPU had before, remembered */
#define NAIVE_VALUES	64	/* of one entry in one walk */
#define NAIVE_WAYS	4096	/* through the tables that are tried */
#define NAIVE_DEPTH	35	/* entries in a walk: 5 of an inner guest, 5 above each and the page */

/* What a vCPU was told to forget, and when. */
struct naive_flushes {
	u64 all;		/* everything */
	u64 own[NAIVE_PCIDS];	/* everything of a PCID but global pages */
	u64 nested;		/* what it knows of its guest's nested tables */
	unsigned next;
	struct {
		gva_t page;
		u64 at;
	} page[NAIVE_FORGOTTEN];	/* the latest INVLPGs */
	/* Other tables the vCPU had, from where it may keep global pages. */
	struct naive_root {
		u64 cr3;
		u64 until;	/* 0: none */
	} root[NAIVE_ROOTS];
};

struct naive_past {
	u64 now;		/* counts changes and flushes */
	unsigned levels;	/* entries of this level and below can be stale */
	bool settled;		/* writes are known to everybody at once */
	bool told;		/* writes are known to who shadows nested tables */
	u32 pdpts;		/* by frame: it may hold four entries of nested tables, in which
				 * D is reserved */
	u32 *latest;		/* by word of ram: index of its latest change; 0: none */
	struct naive_change {
		u64 value;	/* before */
		u64 until;
		u32 before;	/* index of the change before; 0: none */
		bool told;	/* it was known at once to who shadows nested tables */
	} *change;
	u32 nr, room;
	struct naive_flushes flushes[NAIVE_CPUS];
};

bool naive_past_open(struct naive_past *past, u64 ram_size);
void naive_past_close(struct naive_past *past);

/* The word around offset is about to change; only its A and D are. */
void naive_past_write(struct naive_past *past, const u8 *ram, u64 offset);
void naive_past_ad(struct naive_past *past, const u8 *ram, u64 offset);

/*
 * Bytes of one word have changed, and everybody knows: what these were is forgotten.
 * An entry has at least 4 bytes, so it is the halves that count.
 */
void naive_past_settle(struct naive_past *past, const u8 *ram, u64 offset, unsigned len);

/* The vCPU forgets: what belongs to the PCIDs whose bits are set, and global pages. */
void naive_flush(struct naive_past *past, unsigned cpu, unsigned pcids, bool global_too);
/* It forgets its guest's nested tables. */
void naive_nested_flush(struct naive_past *past, unsigned cpu);
void naive_invlpg(struct naive_past *past, unsigned cpu, gva_t gva);

/* The vCPU leaves these tables. */
void naive_leave(struct naive_past *past, unsigned cpu, u64 cr3);

/* Is it one of four entries that stand for the root of a PAE guest, for a vCPU that
 * has other tables now? It may have global pages from there, and nobody watches. */
bool naive_left_pdpte(const struct naive_past *past, gpa_t gpa);

/* One way through the tables. */
struct naive_way {
	unsigned cpu, pcid;
	bool nested;			/* the entries are of nested tables now */
	gva_t gva;
	unsigned depth;			/* entries chosen so far in this walk */
	unsigned pick[NAIVE_DEPTH], of[NAIVE_DEPTH];	/* which of how many values */
	u64 offset[NAIVE_DEPTH];	/* where the entry lies */
	u64 until;			/* when the first of the values taken went away; ~0: none */
	u64 nested_until;		/* the same of nested tables */
	bool lost;			/* an entry had more values than can be tried */
};

/*
 * The value on this way of the entry at offset, of 4 or 8 bytes, in a table of this
 * level; 0: one of four that nobody watches.
 */
u64 naive_choose(const struct naive_past *past, const u8 *ram, u64 offset, unsigned size,
		 unsigned level, struct naive_way *way);

/* May the way just walked be used? `global`: it ended in a global page. */
bool naive_way_is_open(const struct naive_past *past, const struct naive_way *way, bool global);

/* The next way; false: that was the last. */
bool naive_next_way(struct naive_way *way);

#endif
