/* SPDX-License-Identifier: MIT */
/*
 * The simulated machine's memory: one file, mapped once. An hpa is an offset
 * into it. It begins with the debug channel, so that the host program finds
 * everything as it does in the memory of a virtual machine:
 *
 *	+---------+--------+-----------------+----------------------------+
 *	| header  | ring   | pipes           | pages: the library's from  |
 *	| 2 pages | slots  | of the console  | below, blocks from above   |
 *	+---------+--------+-----------------+----------------------------+
 */
#ifndef SIM_MEM_H
#define SIM_MEM_H

#include "hv/channel/channel.h"
#include "mmu/types.h"

/* What a page that was given back is filled with: the present bit set, reserved bits
 * too, so that a walk stumbles over it. */
#define SIM_MEM_FREED 0xa5a5a5a5a5a5a5a5ull

struct sim_mem {
	u8 *base;		/* direct map: hpa to pointer */
	u64 size;
	int fd;			/* -1: nobody else sees it */
	hpa_t ring_hpa;
	u32 ring_slots;
	hpa_t pipe_hpa[CH_NR_PIPES];
	u32 pipe_size;
	hpa_t low, high;	/* pages never used lie in [low, high) */
	hpa_t first;		/* the first page of all */
	u8 *owned;		/* by frame: 1 if handed out by sim_mem_page */
	u64 *spare;		/* frames given back, last in first out */
	u64 nr_spare;
	u64 pages_out;		/* handed out and not given back */
	u64 fail_in;		/* n: the n-th page from now on is refused; 0: none is */
	u64 refused;		/* pages refused so far */
	const char *misuse;	/* a page was given back wrongly, or too early: why; NULL: never */
};

/*
 * Makes the memory.
 *
 *   path     a file to share it through (made or overwritten); NULL: none
 *   bytes    for pages; a multiple of 4096
 *   returns  NULL: done; else what failed, errno says why, nothing is left
 */
const char *sim_mem_open(struct sim_mem *mem, const char *path, u64 bytes);
void sim_mem_close(struct sim_mem *mem);

/* One zeroed page. HPA_INVALID: there is none, or it is refused (fail_in). */
hpa_t sim_mem_page(struct sim_mem *mem);

/* Gives it back; it is filled with a pattern that no table may hold. */
void sim_mem_page_free(struct sim_mem *mem, hpa_t page_hpa);

/* A zeroed block of contiguous memory, aligned to `align` bytes (a power of
 * two); it stays for ever. HPA_INVALID: no room. */
hpa_t sim_mem_block(struct sim_mem *mem, u64 bytes, u64 align);

#endif
