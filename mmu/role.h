/* SPDX-License-Identifier: MIT */
/*
 * Roles: everything besides the gfn that decides what a shadow page contains.
 * gfn and role together are its key. Pure functions on words; the layout is
 * that of Linux KVM, so that a role printed here reads like one printed there.
 *
 *  31     24 23 20 19   18    17    16    15    14    13   12   11  10  8  7   6 5   4   3   0
 * +---------+-----+----+-----+-----+-----+-----+-----+----+----+---+------+---+-----+---+-----+
 * |   smm   |  0  |mirr|passt|guest|ad_di|smap |smep |cr0 |efer|inv|access|dir|quadr|4b |level|
 * |         |     |or  |hroug|_mode|sable|!wp  |!wp  |_wp |_nx |ali|u w x |ect|ant  |gpt|     |
 * +---------+-----+----+-----+-----+-----+-----+-----+----+----+---+------+---+-----+---+-----+
 */
#ifndef MMU_ROLE_H
#define MMU_ROLE_H

#include "mmu/types.h"

union mmu_role {
	u32 word;
	struct {
		u32 level : 4;		/* 1..5; in a cpu role: the guest's levels, 0 unpaged */
		u32 has_4_byte_gpte : 1; /* the guest's entries are 32-bit, non-PAE */
		u32 quadrant : 2;	/* which part of a 1024-entry guest table */
		u32 direct : 1;		/* mirrors no guest table */
		u32 access : 3;		/* rights inherited from above, ACC_ */
		u32 invalid : 1;	/* waits for its last root reference */
		u32 efer_nx : 1;
		u32 cr0_wp : 1;
		u32 smep_andnot_wp : 1;
		u32 smap_andnot_wp : 1;
		u32 ad_disabled : 1;
		u32 guest_mode : 1;	/* built for a guest's guest */
		u32 passthrough : 1;
		u32 mirror : 1;		/* always 0 here */
		u32 unused : 4;		/* always 0 */
		u32 smm : 8;		/* the address space: 0 or 1 */
	};
};

_Static_assert(sizeof(union mmu_role) == 4, "a role is one word");

/* The guest's configuration beyond the base word. */
union mmu_role_ext {
	u32 word;
	struct {
		u32 valid : 1;		/* distinguishes all-zero from never set */
		u32 execonly : 1;
		u32 cr4_pse : 1;
		u32 cr4_pke : 1;
		u32 cr4_smap : 1;
		u32 cr4_smep : 1;
		u32 cr4_la57 : 1;
		u32 efer_lma : 1;
		u32 pad : 24;
	};
};

/* What the guest has configured: base describes the guest's own tables. */
struct cpu_role {
	union mmu_role base;
	union mmu_role_ext ext;
};

struct mmu_regs;
struct mmu_nested;

/*
 * The guest's configuration from its registers. With CR0.PG clear: direct,
 * level 0, access all, and nothing else but the address space.
 * source  KVM mmu.rst "Shadow pages", role
 */
struct cpu_role role_cpu(const struct mmu_regs *regs);

/*
 * The same of an inner guest, and that of the inner hypervisor's nested tables,
 * which its registers at VMRUN decide about: every access to them is a user's, for
 * whom W counts whatever its CR0.WP is; protection keys are none of theirs.
 * source  AMD64 Manual volume 2, 15.25 "Nested Paging"
 */
struct cpu_role role_cpu_inner(const struct mmu_regs *regs);
struct cpu_role role_cpu_npt(const struct mmu_nested *nested, bool smm);

/* The role of a TDP root: direct, all rights, levels of the hardware's walk. */
union mmu_role role_root_tdp(struct cpu_role cpu, unsigned tdp_level);

/* The role of a shadow root: the guest's base with at least level 3 and NX. A
 * root of level 3 stands for the four PDPTEs the hardware wants. */
union mmu_role role_root_shadow(struct cpu_role cpu);

/* The role of the root that shadows nested tables, where the hardware walks
 * tdp_level levels. Five over four: a page that passes through. Above tables of two
 * or three levels special records stand in for what there is not, down to level 3. */
union mmu_role role_root_npt(struct cpu_role cpu, unsigned tdp_level);

/*
 * The role of the child that entry `index` of a page with role `parent` leads
 * to; needs no vCPU. The level is one less, passthrough and quadrant are not
 * inherited, all else is. Under a 2-level guest (has_4_byte_gpte) a level-2
 * child gets quadrant = index, a level-1 child index & 1.
 *
 *   parent   valid, level >= 2
 */
union mmu_role role_child(union mmu_role parent, unsigned index, bool direct, unsigned access);

/* True if the word obeys the layout's rules (invariants B-1, B-2). special: it is a
 * special record, which of level 3 and above may have has_4_byte_gpte. */
bool role_is_sane(union mmu_role role, bool special);

/*
 * Writes the role letter for letter as KVM's trace points print it, e.g.
 * "l1 4-byte q1 wux nxe ad", or with all that may be said
 * "l1 8-byte q0 direct wux invalid !nxe !ad". ROLE_TEXT_MAX bytes are enough.
 *   returns  the length without the final 0, which is always there if size > 0
 */
#define ROLE_TEXT_MAX 48

unsigned role_text(union mmu_role role, char *buf, unsigned size);

/* "wux", "-u-": three letters in KVM's order, write user execute. Only the low
 * three bits are looked at. */
const char *role_access_text(unsigned access);

#endif
