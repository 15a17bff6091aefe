/* SPDX-License-Identifier: MIT */
/*
 * The walk of the guest's own tables: 2-level, PAE, 4- and 5-level. It reads
 * guest memory and may set A and D there by compare-exchange; it knows nothing
 * of our tables.
 *
 * Which tables is said by a context of the vCPU:
 *
 *	root_mmu	the guest's, from CR3: gva -> gpa
 *	guest_mmu	an inner hypervisor's nested tables, from nCR3: nGPA -> gpa
 *	nested_mmu	an inner guest's, from its CR3: gva -> nGPA, each of its
 *			tables and the result translated by guest_mmu
 *
 * An inner guest without nested paging is walked in root_mmu like any other.
 */
#ifndef MMU_GWALK_H
#define MMU_GWALK_H

#include "mmu/internal.h"

struct gwalk {
	unsigned top;		/* level of the first table; 0 without paging */
	unsigned leaf_level;	/* level of the entry that ended the walk */
	unsigned read_level;	/* the lowest at which an entry was read; 0: none was */
	gfn_t table_gfn[LEVEL_MAX + 1];	/* by level: the table read there */
	gpa_t pte_gpa[LEVEL_MAX + 1];	/* by level: the entry read there */
	gpa_t pte_ngpa[LEVEL_MAX + 1];	/* by level: the same as the walked guest calls it */
	u64 pte[LEVEL_MAX + 1];		/* by level: its value, with A (and D) as set */
	/* By level: rights of all entries above this table, not its own. */
	u8 table_access[LEVEL_MAX + 1];
	/* Of the whole walk, the leaf included; in nested_mmu what guest_mmu lets through
	 * at the end, too. */
	u8 access;
	bool leaf_dirty;	/* D is set in the leaf, or the access is a write */
	gfn_t gfn;		/* where gva leads, at 4 KiB precision */
	gfn_t ngfn;		/* the same as the walked guest calls it */
	u64 error;		/* of a failed walk: the guest's error code */
	gpa_t fault_ngpa;	/* NESTED: what guest_mmu does not translate */
	bool exclusive;		/* failed: A or D belongs into what a shadow reads as part
				 * of an address: walk again under the write lock */
	bool changing;		/* failed, at a table in an invalid slot: slots_wait(), and
				 * walk again */
};

enum gwalk_result {
	GWALK_OK,
	GWALK_FAULT,		/* walk->error for the guest */
	GWALK_NO_TABLE,		/* a table lies where no slot is; error as if it were empty */
	GWALK_NESTED,		/* walk->error for the inner hypervisor, bit 32 or 33 set */
};

/*
 * Walks gva for an access. With three levels and fewer only 32 bits of gva are
 * looked at; with four and five a gva that is not canonical is FAULT (what the
 * guest would get is #GP). A table in a read-only slot gets no A and D.
 *
 * In guest_mmu every access is a user's, and gva is an nGPA: none beyond what
 * the tables can translate is. In nested_mmu the accesses to the inner guest's
 * tables are writes in guest_mmu, the final one is what it is.
 *
 *   mmu      one of the vCPU's contexts
 *   access   PFERR_WRITE, PFERR_USER, PFERR_FETCH
 *   set_ad   set A, and D for a write, in the guest's entries
 *   op       of the vCPU that walks; vm->lock held, at least for reading
 *   events   walk, walk_entry, walk_error or walk_done, guest_accessed,
 *            guest_dirty; none if quiet. Where walk->exclusive would be set but for
 *            the write lock: what the loss of the other shadow's entry brings
 *   source   AMD64 Manual volume 2, 5 "Page Translation and Protection", 15.25
 *            "Nested Paging"
 */
enum gwalk_result gwalk(struct mmu_op *op, const struct mmu *mmu, gva_t gva, u64 access,
			bool set_ad, bool quiet, struct gwalk *walk);

/*
 * The bits that must be zero in an entry. Unlike hardware, bit 5 of a PDPTE is not
 * among them once the VM was in TDP mode: QEMU's walker sets A there when it walks
 * such a guest's tables by itself.
 */
u64 gwalk_reserved(const struct mmu_vm *vm, struct cpu_role role, unsigned level, bool leaf);

/* Makes the permission table of a context from its cpu role; after each change
 * of it. */
void gwalk_init_permissions(struct mmu *mmu);

/* True if rights (ACC_) let the access (PFERR_WRITE, _USER, _FETCH) through. ac:
 * RFLAGS.AC, which lifts SMAP.
 * source  AMD64 Manual volume 2, 5.6 "Page-Protection Checks" */
bool gwalk_permits(const struct mmu *mmu, unsigned rights, u64 access, bool ac);

/* True if the entry at this level of the walk in mmu still has the value read. */
bool gwalk_still_true(struct mmu_vcpu *vcpu, const struct mmu *mmu, const struct gwalk *walk,
		      unsigned level);

#endif
