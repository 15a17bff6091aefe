/* SPDX-License-Identifier: MIT */
/* A guest's paging modes and the register bits that make them. Pure. */
#ifndef SIM_GUEST_MODE_H
#define SIM_GUEST_MODE_H

#include "mmu/mmu.h"

enum guest_mode { GUEST_unpaged, GUEST_2level, GUEST_pae, GUEST_4level, GUEST_5level,
		  NR_GUEST_MODES };

/* By name; NR_GUEST_MODES: there is no such mode. */
enum guest_mode guest_mode_by_name(const char *name);

/* Bytes of an entry in this mode: 4 or 8. */
static inline unsigned guest_pte_size(enum guest_mode mode)
{
	return mode == GUEST_2level ? 4 : 8;
}

/* The registers of a mode; NX on where it exists, WP and PSE on. */
struct mmu_regs guest_mode_regs(enum guest_mode mode, gpa_t root);

/* Sets or clears a bit of CR0, CR4 or EFER: pg wp pse pae pge smep smap nx. */
void guest_change_bit(struct mmu_regs *regs, const char *name, bool set);
bool guest_knows_bit(const char *name);

#endif
