/* SPDX-License-Identifier: MIT */
/*
 * The value of a shadow PTE: bits, predicates and constructors. Pure functions
 * on 64-bit words; storing one is the business of spte_set.c alone.
 *
 * Writing needs three bits. host_writable: slot and host allow it, fixed while
 * present. mmu_writable: the frame is not a shadowed page table. writable: the
 * hardware's W. Only these combinations are legal, in that order: 111 writable,
 * 110 write-protected for logging, 100 for shadowing, 000 read-only. A flush is
 * owed exactly when mmu_writable is lost, even if W was already clear.
 */
#ifndef MMU_SPTE_H
#define MMU_SPTE_H

#include <stdatomic.h>
#include "mmu/role.h"
#include "mmu/types.h"

#define SPTE_P		BIT(0)
#define SPTE_W		BIT(1)
#define SPTE_U		BIT(2)
#define SPTE_A		BIT(5)
#define SPTE_D		BIT(6)
#define SPTE_LARGE	BIT(7)
#define SPTE_G		BIT(8)
#define SPTE_HOST_W	BIT(9)
#define SPTE_MMU_W	BIT(10)
#define SPTE_MMU_P	BIT(11)
#define SPTE_PFN	BITS(51, 12)
#define SPTE_AD_TYPE	BITS(53, 52)
#define SPTE_AD_DISABLED BIT(52)	/* the type: A and D are ours, not the hardware's */
#define SPTE_NX		BIT(63)

/* A vCPU removed this entry's table and is not done; TDP only. Not present,
 * no frame, no rights, different from empty. */
#define SPTE_FROZEN	0x498ull

_Static_assert(!(SPTE_FROZEN & (SPTE_P | SPTE_W | SPTE_U | SPTE_PFN | SPTE_MMU_P)),
	       "a frozen entry leads nowhere");

/*
 * Device memory: present for the hardware, with a reserved address bit, so that
 * every access faults with PFERR_RSVD and says at once what it is. Not MMU-present.
 * It is true as long as the slots have the generation in it.
 *
 *	63 62        52 51 50                    12 11 10      3  2 1 0
 *	NX gen 18:8     1  gfn 38:0                 0  gen 7:0    U W 1
 */
#define SPTE_MMIO		(SPTE_P | BIT(51))
#define SPTE_MMIO_MASK		(SPTE_P | SPTE_MMU_P | BIT(51))
#define MMIO_GENERATIONS	BIT(19)
#define MMIO_GFN_LIMIT		BIT(39)

/*
 * Where the hardware sets no A and D in our tables (role.ad_disabled) they are
 * bits of ours, and an old leaf is tracked: not present for the hardware, so that
 * the next access faults and makes it young again. It keeps all else: with P clear
 * no other bit counts. Entries of the TDP MMU say so in their type; with shadow
 * paging the bits are reserved in PAE tables, and the page's role says it alone.
 *
 *		 hardware has A and D	has not
 *	young	 P A			P A
 *	old	 P			     (tracked)
 */

/* An entry in memory. Only spte_set.c and the simulated hardware walker store
 * to raw; everybody may read it with spte_get(). */
typedef struct {
	_Atomic u64 raw;
} spte_t;

_Static_assert(sizeof(spte_t) == 8, "an entry is what the hardware reads");

static inline u64 spte_get(const spte_t *sptep)
{
	return atomic_load_explicit(&((spte_t *)sptep)->raw, memory_order_acquire);
}

static inline bool spte_is_present(u64 spte)
{
	return spte & SPTE_MMU_P;
}

static inline bool spte_is_leaf(u64 spte, unsigned level)
{
	return spte_is_present(spte) && (level == LEVEL_4K || (spte & SPTE_LARGE));
}

static inline bool spte_is_table(u64 spte, unsigned level)
{
	return spte_is_present(spte) && !spte_is_leaf(spte, level);
}

static inline bool spte_is_writable(u64 spte)
{
	return (spte & (SPTE_MMU_P | SPTE_W)) == (SPTE_MMU_P | SPTE_W);
}

static inline bool spte_is_tracked(u64 spte)
{
	return (spte & (SPTE_MMU_P | SPTE_P)) == SPTE_MMU_P;
}

/* Of a leaf: it was used since it was made old. */
static inline bool spte_is_young(u64 spte)
{
	return (spte & (SPTE_MMU_P | SPTE_A)) == (SPTE_MMU_P | SPTE_A);
}

static inline u64 spte_make_young(u64 spte)
{
	return spte | SPTE_P | SPTE_A;
}

static inline u64 spte_make_old(u64 spte, bool ad_disabled)
{
	return spte & ~(ad_disabled ? SPTE_P | SPTE_A : SPTE_A);
}

/* What all present entries of a page have in their type. */
static inline u64 spte_ad_type(bool tdp, bool ad_disabled)
{
	return tdp && ad_disabled ? SPTE_AD_DISABLED : 0;
}

static inline hpa_t spte_hpa(u64 spte)
{
	return spte & SPTE_PFN;
}

static inline bool spte_is_mmio(u64 spte)
{
	return (spte & SPTE_MMIO_MASK) == SPTE_MMIO;
}

static inline gfn_t spte_mmio_gfn(u64 spte)
{
	return (spte & BITS(50, 12)) >> PAGE_SHIFT;
}

/* The low 19 bits of a slot generation. */
static inline u32 spte_mmio_generation(u64 spte)
{
	return (spte >> 3 & 0xff) | (u32)(spte >> 52 & 0x7ff) << 8;
}

/*
 *   gfn         < MMIO_GFN_LIMIT
 *   access      what the guest's tables allow (ACC_)
 *   generation  of the slots; the low bits are kept
 */
u64 spte_make_mmio(gfn_t gfn, unsigned access, u64 generation);

/* Rights of a present entry, or of an MMIO one, as ACC_ bits. */
unsigned spte_access(u64 spte);

/* What a leaf is made from. */
struct spte_leaf {
	pfn_t pfn;	/* aligned to the level */
	unsigned level;	/* 1..3 */
	unsigned access; /* ACC_, after role, guest entry and slot */
	bool host_writable; /* the slot allows writes */
	bool mmu_writable; /* the frame is not a shadowed table */
	bool unused;	/* A stays clear: nobody has asked for it */
	bool global;	/* the guest keeps it over loads of CR3; of effect with its CR4.PGE */
	bool dirty;	/* set D at once: the access is a write, or nobody needs to know */
	bool held;	/* W waits until the guest writes; mmu_writable does not */
	bool ad_disabled; /* the page's role has it: D is set at once, unused means tracked */
};

u64 spte_make_leaf(const struct spte_leaf *leaf);

/* An entry that leads to a table: all rights, A set. */
u64 spte_make_table(hpa_t table_hpa);

/* A PDPTE of a level-3 root in PAE format: address, P and our software mark;
 * the rights bits are reserved there. AMD64 Manual volume 2, 5.2.3 "PAE
 * Paging". */
u64 spte_make_pdpte(hpa_t table_hpa);

/* Entry `index` of the table that takes the place of a huge leaf at level: the
 * same frames, rights and A and D bits, one level down. */
u64 spte_split(u64 spte, unsigned level, unsigned index);

/* True if a TLB that remembers old must be flushed when it becomes new: the
 * frame changes, a table goes away, mmu_writable or U or X is lost. */
bool spte_needs_flush(u64 old_spte, u64 new_spte, unsigned level);

/*
 * May an entry of a TDP tree change so?
 *
 *	empty          ->  device memory, leaf, table, frozen
 *	device memory  ->  empty, the same anew, leaf, frozen
 *	leaf           ->  empty, the same frame with other rights, table (split), frozen
 *	table          ->  empty, leaf (recover), frozen
 *	frozen         ->  nothing: it goes with its table
 *
 * That a leaf's frame stays is another rule (D-7).
 */
bool spte_may_become(u64 old_spte, u64 new_spte, unsigned level);

/*
 * The local rules (invariants D-1, D-2, D-5, D-6, D-9, reserved bits).
 *   returns  NULL, or the id of the broken rule ("D-1")
 */
const char *spte_check(u64 spte, unsigned level, bool tdp, bool pdpte, unsigned maxphyaddr);

/* Do type, P and A agree with what the page's role says of A and D?
 * returns  NULL, or "D-10" */
const char *spte_check_ad(u64 spte, unsigned level, bool tdp, bool ad_disabled);

#endif
