/* SPDX-License-Identifier: MIT */
/*
 * A pretended guest that is a hypervisor (L1), its nested tables, and a guest of
 * its own (L2) whose accesses go through the hardware walker of the simulated
 * machine: L2's tables over what the library built. The oracle composes L2's
 * tables, L1's nested tables and the slots by the letter of the manual.
 *
 *	gfn 0 .. GUEST_FRAMES	RAM of L1, slot 0
 *	NPT_GFN ..		L1's nested tables, the root first
 *	nGPA x			where L1's nested tables put it
 */
#ifndef TESTS_INNER_H
#define TESTS_INNER_H

#include "hv/sim/hwwalk.h"
#include "tests/guest_pt.h"

#define NPT_GFN	0x200ull

struct inner {
	struct guest g;			/* of L1: memory, registers */
	struct mmu_nested nested;
	gfn_t next_npt;
	struct mmu_regs regs;		/* L2's */
};

/* A VM in TDP mode with so many levels of its own, huge pages off, and L1 with nested
 * tables of npt_levels (2 to 5), empty. */
void inner_init(struct inner *in, unsigned tdp_level, unsigned npt_levels);
void inner_fini(struct inner *in);

/* VMRUN with in->nested and in->regs; #VMEXIT, to L1's own registers. */
void inner_enter(struct inner *in, unsigned vcpu);
void inner_leave(struct inner *in, unsigned vcpu);

/* L2's registers in this mode, with its first table at the nGPA. */
struct mmu_regs inner_regs(enum guest_mode mode, gpa_t ngpa);

/* A fresh empty table of L1's; its gpa. */
gpa_t npt_table(struct inner *in);
/* Maps nGPA to gpa by a leaf at level, before use; the gpa of the leaf entry. */
gpa_t npt_map(struct inner *in, gpa_t ngpa, gpa_t gpa, u64 flags, unsigned level);
#define NPT_ALL (GPTE_W | GPTE_U)
/* Of L1's nested tables: their levels, bytes of an entry. */
unsigned npt_levels(const struct inner *in);
unsigned npt_entry_size(const struct inner *in);

/* L1 stores a nested entry at gpa as its CPU would: faults, emulation and all. L1 runs
 * on vCPU. returns  whether the library saw it */
bool l1_store(struct inner *in, unsigned vcpu, gpa_t gpa, u64 value);

/* What an access of L2 comes to. */
enum ending {
	REACHED,	/* hpa */
	L2_FAULT,	/* a #PF of L2's own: error */
	L1_FAULT,	/* a nested page fault for L1: error, ngpa */
	DEVICE,		/* no slot at gpa, or a read-only one and a write */
	TABLE,		/* a write to a shadowed table at gpa */
};

struct arrival {
	enum ending ending;
	hpa_t hpa;
	u64 error;
	gpa_t gpa, ngpa;
	unsigned faults;
};

/* The oracle's word (never TABLE), and what hardware and library make of it; more
 * than 32 faults fail the test. */
struct arrival inner_oracle(struct inner *in, gva_t gva, u64 access);
struct arrival inner_access(struct inner *in, unsigned vcpu, gva_t gva, u64 access);

/* Where L1 puts an nGPA that may be read. returns  false: nowhere */
bool inner_place(struct inner *in, gpa_t ngpa, gpa_t *gpa);

/* Both agree, the library's own walk too, and what was reached left A and D in L1's entries; a write to a table is as good as one to its frame. */
struct arrival inner_compare(struct inner *in, unsigned vcpu, gva_t gva, u64 access);

/* L2 without paging, its nGPAs 0x1000 .. 0x4000 at L1's 0x801000 .., on vCPU 0. */
void inner_begin(struct inner *in, unsigned tdp_level, unsigned npt_levels);

/* vCPU 0's access reaches this gpa; or L1 gets it, with this error. */
void inner_reached(struct inner *in, gva_t gva, u64 access, gpa_t gpa);
void inner_reflected(struct inner *in, gva_t gva, u64 access, u64 error);

/* Valid pages with guest_mode; those that mirror the table at gpa. */
unsigned inner_pages(struct inner *in);
unsigned inner_mirrors(struct inner *in, gpa_t gpa);

#endif
