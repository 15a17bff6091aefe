/* SPDX-License-Identifier: MIT */
/*
 * A pretended guest for the tests of the shadow MMU: page tables written into
 * its memory, an oracle that walks them (written apart from the library's
 * walker), and a pretended CPU that walks our tables as hardware does.
 *
 *	gfn 0 .. GUEST_FRAMES     RAM, slot 0
 *	gfn GUEST_TABLES ..       where tables are put, one after the other
 */
#ifndef TESTS_GUEST_PT_H
#define TESTS_GUEST_PT_H

#include "mmu/guest_pte.h"
#include "tests/fake_env.h"

#define GUEST_FRAMES	0x4000ull	/* 64 MiB */
#define GUEST_TABLES	0x100ull

enum guest_mode { UNPAGED, TWO_LEVEL, PAE, LONG4, LONG5, NR_GUEST_MODES };

struct guest {
	struct machine m;
	enum guest_mode mode;
	struct mmu_regs regs;
	gfn_t next_table;
};

/* A machine with two vCPUs in this mode, CR0.WP and NX on, and an empty top
 * table. NULL config: shadow, 4 KiB pages only. */
void guest_init(struct guest *g, enum guest_mode mode, const struct mmu_config *config);
/* The same with less memory, which an audit looks through faster. */
void guest_init_small(struct guest *g, enum guest_mode mode, const struct mmu_config *config,
		      u64 frames);
void guest_fini(struct guest *g);

/* Tells vCPU the registers as they are in g->regs. */
void guest_set_regs(struct guest *g, unsigned vcpu, bool cr3_load);

/* Levels of the guest's tables; 0 without paging. */
unsigned guest_levels(const struct guest *g);
/* A fresh empty table; its gpa. */
gpa_t guest_table(struct guest *g);

/* Guest memory behind the library's back; what the guest had before it ran. */
u64 guest_peek(struct guest *g, gpa_t gpa, unsigned size);
void guest_poke(struct guest *g, gpa_t gpa, u64 value, unsigned size);
/* An entry of the guest written as its host would on its behalf. */
void guest_store(struct guest *g, gpa_t gpa, u64 gpte);

/* Address of the entry for gva in the table at table_gpa. */
gpa_t guest_entry(const struct guest *g, gpa_t table_gpa, unsigned level, gva_t gva);

/*
 * Maps gva to gpa with a leaf at level (flags: GPTE_, P is added), making tables
 * with all rights where there are none. Poked, so only before use. Returns the
 * gpa of the leaf entry.
 */
gpa_t guest_map(struct guest *g, gva_t gva, gpa_t gpa, u64 flags, unsigned level);

/* ---- the oracle ---------------------------------------------------------------- */

struct oracle {
	bool ok, no_table;
	u64 error;
	gpa_t gpa;
	unsigned rights;	/* ACC_ */
	unsigned level;		/* of the leaf */
	unsigned nr;		/* entries read */
	struct {
		gpa_t gpa;
		u64 old, with_ad;	/* with A, and D for a write, as far as it has them */
		unsigned size;
	} entry[5];
};

/* What the guest's tables say about the access (PFERR_ bits). */
struct oracle oracle_walk(struct guest *g, const struct mmu_regs *regs, gva_t gva, u64 access);

/* The same where an entry at *gpa really lies elsewhere: place() says where, or ends
 * the walk (no_table). */
struct oracle oracle_walk_through(struct guest *g, const struct mmu_regs *regs, gva_t gva,
				  u64 access, bool (*place)(gpa_t at, gpa_t *gpa));

/* ---- the CPU --------------------------------------------------------------------- */

struct outcome {
	enum mmu_verdict verdict; /* RETRY: the access went through */
	hpa_t hpa;		/* RETRY: what it reached */
	u64 spte;		/* RETRY: the leaf, and its level */
	unsigned level;
	struct mmu_fault fault;	/* otherwise */
	unsigned faults;	/* how many it took */
};

/* Walks our tables for vCPU's access; false: it faults, *error is the code. */
bool cpu_translate(struct guest *g, unsigned vcpu, gva_t gva, u64 access, struct outcome *out,
		   u64 *error);

/* The access with all the faults it takes; more than 8 fail the test. */
struct outcome cpu_access(struct guest *g, unsigned vcpu, gva_t gva, u64 access);

/* The access goes through and reaches this gpa of slot 0. */
void expect_mapped(struct guest *g, unsigned vcpu, gva_t gva, u64 access, gpa_t gpa);
/* It ends with this #PF. */
void expect_inject(struct guest *g, unsigned vcpu, gva_t gva, u64 access, u64 error);
/* It must be emulated. */
void expect_emulate(struct guest *g, unsigned vcpu, gva_t gva, u64 access, bool table, bool mmio);

#endif
