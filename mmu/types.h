/* SPDX-License-Identifier: MIT */
/*
 * The words of the house as types: addresses, frame numbers, levels, bits.
 *
 *   gva  guest virtual address           gpa  guest physical address
 *   gfn  guest frame number, gpa >> 12   hpa  host (machine) physical address
 *   pfn  host frame number, hpa >> 12    hva  a pointer the host can use
 *
 * A variable of such a type carries the word in its name (fault_gpa, root_hpa).
 * Frame ranges are half-open, [start, end). Levels are 1..5: an entry of a
 * level-1 table maps 4 KiB, of level 2 2 MiB, of level 3 1 GiB.
 */
#ifndef MMU_TYPES_H
#define MMU_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

typedef u64 gva_t;
typedef u64 gpa_t;
typedef u64 gfn_t;
typedef u64 hpa_t;
typedef u64 pfn_t;

#define BIT(n)		(1ull << (n))
#define BITS(hi, lo)	((~0ull >> (63 - (hi))) & (~0ull << (lo)))

#define PAGE_SHIFT	12
#define PAGE_SIZE	4096ull
#define PAGE_MASK	(~(PAGE_SIZE - 1))

#define HPA_INVALID	(~(hpa_t)0)
#define GFN_INVALID	(~(gfn_t)0)

/* Flags of a memory slot: what they mean is in the table. */
enum mmu_slot_flag {
#define SLOT_FLAG(name, bit, words, sentence) MMU_SLOT_##name = (bit),
#include "mmu/slot_flags.def"
};

/* Levels of a paging tree. */
#define LEVEL_4K	1
#define LEVEL_2M	2
#define LEVEL_1G	3
#define LEVEL_MAX	5
#define PT_ENTRIES	512u	/* 8-byte entries in a table */

/* Address spaces of a guest. 0: normal; 1: as seen in system-management mode. */
#define MMU_NR_AS	2

/* Frames mapped by one entry of a table at this level: 1, 512, 512^2 ... */
static inline u64 level_frames(unsigned level)
{
	return 1ull << (9 * (level - 1));
}

/* Bytes mapped by one entry of a table at this level. */
static inline u64 level_bytes(unsigned level)
{
	return level_frames(level) << PAGE_SHIFT;
}

/* Index into a table of 512 entries at this level, for an address. */
static inline unsigned level_index(u64 addr, unsigned level)
{
	return (addr >> (PAGE_SHIFT + 9 * (level - 1))) & (PT_ENTRIES - 1);
}

/* Control bits of the guest's registers that paging looks at. AMD64 Manual
 * volume 2, 3.1 "System-Control Registers". */
#define CR0_PE		BIT(0)
#define CR0_WP		BIT(16)
#define CR0_PG		BIT(31)
#define CR4_PSE		BIT(4)
#define CR4_PAE		BIT(5)
#define CR4_PGE		BIT(7)
#define CR4_LA57	BIT(12)
#define CR4_PCIDE	BIT(17)
#define CR4_SMEP	BIT(20)
#define CR4_SMAP	BIT(21)
#define CR4_PKE		BIT(22)
#define EFER_SCE	BIT(0)
#define EFER_LME	BIT(8)
#define EFER_LMA	BIT(10)
#define EFER_NXE	BIT(11)
#define EFER_SVME	BIT(12)

/* Error code of a page fault; bits 32 and 33 only in a nested page fault.
 * AMD64 Manual volume 2, 8.4.2 "Page-Fault Error Code" and 15.25.6 "Nested
 * versus Guest Page Faults, Fault Ordering". */
#define PFERR_PRESENT		BIT(0)
#define PFERR_WRITE		BIT(1)
#define PFERR_USER		BIT(2)
#define PFERR_RSVD		BIT(3)
#define PFERR_FETCH		BIT(4)
#define PFERR_PK		BIT(5)
#define PFERR_GUEST_FINAL	BIT(32)
#define PFERR_GUEST_PAGE	BIT(33)

/* Rights as one small set, the role word's `access` field: positive execute. */
#define ACC_EXEC	1u
#define ACC_WRITE	2u
#define ACC_USER	4u
#define ACC_ALL		7u

#endif
