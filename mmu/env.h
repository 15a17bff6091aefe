/* SPDX-License-Identifier: MIT */
/*
 * What the library asks of its host, in one struct.
 *
 * The host gives zeroed 4 KiB pages, a way to touch them, a place for events
 * to go, and a way to make another vCPU leave the guest. It is the bare-metal
 * hypervisor, the simulated machine or a unit test; the library cannot tell.
 *
 * All callbacks may be called with locks of the library held, so they must not
 * call back into the library, wait for another vCPU, or allocate through it.
 */
#ifndef MMU_ENV_H
#define MMU_ENV_H

#include "mmu/types.h"

/*
 * A place in the source. Every event carries one; the host turns it into a
 * small number (its index among all sites of the program) and the UI turns
 * that back into the line. The objects lie together in a section of their own
 * so that the host can number them.
 */
struct mmu_site {
	const char *file;
	u32 line;
	u32 zero;
};

#define MMU_SITE                                                                                   \
	({                                                                                         \
		static const struct mmu_site mmu_site_here                                         \
			__attribute__((section("vitrine_sites"), used, aligned(16))) = {           \
				__FILE__, __LINE__, 0                                              \
			};                                                                         \
		&mmu_site_here;                                                                    \
	})

#define MMU_NO_VCPU 0xff	/* an event that belongs to no vCPU */

struct mmu_env {
	void *ctx;	/* the host's own; handed back in every callback */

	/* hpa to pointer is direct_map + hpa, for pages from page_alloc and for
	 * all memory of slots. */
	u8 *direct_map;

	/* Events are emitted only while this is true. The host may change it at
	 * any time; a snapshot (mmu_dump) must follow a change to true. */
	bool events_on;

	/*
	 * One zeroed page, 4 KiB aligned. Any context. A root of level 3 must lie
	 * below 4 GiB: in SHADOW mode a page above it makes such a root NOMEM.
	 *   returns  its hpa, never 0
	 *            HPA_INVALID  there is none
	 */
	hpa_t (*page_alloc)(void *ctx);

	/* Gives a page of page_alloc back. Its content is anything. */
	void (*page_free)(void *ctx, hpa_t page_hpa);

	/*
	 * Records an event. Must neither wait nor fail; a host without room
	 * counts the loss. payload is the packed struct of the event's row and
	 * is only valid during the call.
	 *   vcpu  the vCPU on whose behalf, or MMU_NO_VCPU
	 *   id    of event.def
	 */
	void (*emit)(void *ctx, u8 vcpu, u16 id, const struct mmu_site *site, const void *payload,
		     u16 len);

	/*
	 * Makes the vCPU leave guest mode soon, without waiting for it: an IPI,
	 * or the scheduler's turn. The request that it shall see has been
	 * written before. Several may kick one vCPU at once.
	 */
	void (*kick)(void *ctx, u8 vcpu);

	/*
	 * Where the host runs under a hypervisor that offers it: on return no CPU has a
	 * translation that was made through the nested tables at root_hpa by those of
	 * their entries which map guest frames [gfn, gfn + npages), also if one of the
	 * guest's tables on the way lies there and not its end; nor an instruction under
	 * way that has used one. NULL: there is no such service, now and while the VM lives; vCPUs are kicked
	 * instead. Used in TDP mode.
	 *   npages   0: all frames
	 *   returns  false: it was refused, or is not complete
	 *   source   Hypervisor Top Level Functional Specification,
	 *            HvCallFlushGuestPhysicalAddressSpace and ...List
	 */
	bool (*flush_root)(void *ctx, hpa_t root_hpa, gfn_t gfn, u64 npages);

	/* Called in every turn of a waiting loop: PAUSE, or the scheduler's turn. */
	void (*relax)(void *ctx);

	/* An atomic step of an algorithm begins (see point.def). NULL: nobody
	 * wants to know. The simulated machine lets other vCPUs run here. */
	void (*point)(void *ctx, unsigned point);

	/* A rule of ours is broken. Does not return. */
	void (*panic)(void *ctx, const char *file, u32 line, const char *text, u64 a, u64 b)
		__attribute__((noreturn));
};

/* hpa to pointer. The page belongs to the library or to a slot. */
static inline void *mmu_va(const struct mmu_env *env, hpa_t hpa)
{
	return env->direct_map + hpa;
}

#endif
