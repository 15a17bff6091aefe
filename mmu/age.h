/* SPDX-License-Identifier: MIT */
/*
 * Aging: which guest frames were used lately. Who wants memory back asks from time
 * to time, and each time begins a new count for the frames it asked about.
 *
 *	mmu_age_*	used since the last mmu_age_* of the frame (at first: since there
 *			are slot and VM)? From now on it counts anew.
 *	mmu_test_age_*	the same, and nothing changes.
 *
 * A frame is used when the hardware, or a fault on its behalf, notes it in an
 * entry of our tables: of either back end, at any level, for the guest or for its
 * inner guest, in the asked address space or, where the other one has the same memory
 * at the same frame, in that. Entries that go meanwhile are not forgotten. A
 * large mapping has one mark for all its frames: if one is used, all are young, each
 * once for who asks about it.
 *
 * What is not seen, and may make a used frame old:
 *   - a TLB that has the translation still. Aging flushes nothing (a flush would cost
 *     more than a wrong guess), and what is in a TLB is used without a look at the
 *     tables. After the next flush, or when the TLB needs the place, it is seen.
 *   - what the host does for the guest: emulated instructions, mmu_*_read and _write.
 *
 * No lock of the VM's is taken, nothing is allocated, no vCPU is disturbed. Where
 * the hardware sets no A bit (mmu_config.ad_disabled) an old mapping is withdrawn
 * from it, and the next use costs a fault.
 *
 * Context. Any but an interrupt handler's; several at once too. Address space 0 or
 * 1; of no other one is anything known.
 *
 * source  AMD64 Manual volume 2, 5.4.2 "Notes on Accessed and Dirty Bits"
 */
#ifndef MMU_AGE_H
#define MMU_AGE_H

#include "mmu/mmu.h"

/* One past the last frame that there can be. */
#define MMU_AGE_END (1ull << (52 - PAGE_SHIFT))

enum mmu_age_is {
	MMU_AGE_UNKNOWN,	/* no memory is there, or its mappings are being taken down */
	MMU_AGE_OLD,		/* nobody has used it */
	MMU_AGE_YOUNG,		/* somebody has */
	MMU_NR_AGES
};

/*
 * An answer. It is no truth value, so that "not young" is not taken for old by an
 * accident: a switch over all three values of `is` is the way to look at it.
 */
struct mmu_age {
	enum mmu_age_is is;
};

/* "unknown", "old", "young". Never NULL. */
const char *mmu_age_name(struct mmu_age age);

/*
 * Of one frame; of frames [start, end) together, which is UNKNOWN where there are
 * none.
 *
 *   events  aged; of more than one frame, ages for every 64 of which something is
 *           known; spte_set where old mappings are withdrawn
 */
struct mmu_age mmu_age_gfn(struct mmu_vm *vm, unsigned as, gfn_t gfn);
struct mmu_age mmu_test_age_gfn(struct mmu_vm *vm, unsigned as, gfn_t gfn);
struct mmu_age mmu_age_range(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end);
struct mmu_age mmu_test_age_range(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end);

/* Two bits for each frame of a range, bit 0 of word 0 for the first. `young` counts only
 * where `known` is set. */
struct mmu_age_bitmap {
	u64 *young, *known;
};

#define MMU_AGE_WORDS(frames) (((frames) + 63) / 64)

static inline struct mmu_age mmu_age_bitmap_get(const struct mmu_age_bitmap *bitmap, u64 i)
{
	if (!(bitmap->known[i / 64] >> i % 64 & 1))
		return (struct mmu_age){ MMU_AGE_UNKNOWN };
	return (struct mmu_age){ bitmap->young[i / 64] >> i % 64 & 1 ? MMU_AGE_YOUNG : MMU_AGE_OLD };
}

/*
 * Of each frame of [start, end). Much cheaper than asking one by one.
 *
 *   bitmap  MMU_AGE_WORDS(end - start) words each, all written
 *   events  as above
 */
void mmu_age_bitmap(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end,
		    const struct mmu_age_bitmap *bitmap);
void mmu_test_age_bitmap(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end,
			 const struct mmu_age_bitmap *bitmap);

#endif
