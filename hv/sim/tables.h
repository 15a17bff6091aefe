/* SPDX-License-Identifier: MIT */
/*
 * Builds a guest's page tables in its memory, as a guest's start-up code would:
 * frames for tables are taken from TABLES_GPA upwards, the root first.
 */
#ifndef SIM_TABLES_H
#define SIM_TABLES_H

#include "hv/sim/guest_mode.h"
#include "hv/sim/sim.h"

#define TABLES_GPA 0x10000ull
#define L2_TABLES_GPA 0x40000ull
#define NPT_GPA 0x80000ull

struct guest_tables {
	struct sim *sim;
	enum guest_mode mode;
	/* Translates where these tables lie; NULL: they lie there. */
	const struct guest_tables *below;
	gpa_t root, next;
};

/* Empty tables in this mode, their frames taken from `at` upwards.
 * returns  false: there is no memory */
bool tables_begin(struct guest_tables *tables, struct sim *sim, enum guest_mode mode, gpa_t at,
		  const struct guest_tables *below);

/* The same at TABLES_GPA, and all vCPUs' registers for them.
 * returns  false: there is no memory at TABLES_GPA */
bool tables_init(struct guest_tables *tables, struct sim *sim, enum guest_mode mode);

/*
 * Maps gva to gpa.
 *
 *   rights   letters of rwxug-
 *   size     of the mapping: "4k" (or ""), "2m", "4m" or "1g"
 *   returns  NULL, or why it cannot be
 */
const char *tables_map(struct guest_tables *tables, gva_t gva, gpa_t gpa, const char *rights,
		       const char *size);

#endif
