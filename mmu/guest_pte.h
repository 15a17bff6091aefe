/* SPDX-License-Identifier: MIT */
/*
 * The guest's own entries (gPTEs) as values: what the bits mean in each paging
 * mode. Pure functions; `role` is the guest's configuration with level >= 2,
 * `level` that of the table the entry lies in.
 *
 * Source: AMD64 Manual volume 2, 5.2 "Legacy-Mode Page Translation" and 5.3
 * "Long-Mode Page Translation".
 */
#ifndef MMU_GUEST_PTE_H
#define MMU_GUEST_PTE_H

#include "mmu/role.h"
#include "mmu/types.h"

#define GPTE_P		BIT(0)
#define GPTE_W		BIT(1)
#define GPTE_U		BIT(2)
#define GPTE_A		BIT(5)
#define GPTE_D		BIT(6)
#define GPTE_PS		BIT(7)
#define GPTE_G		BIT(8)
#define GPTE_NX		BIT(63)

/* One of the four of a PAE guest: no rights, no A, no leaf. */
static inline bool gpte_is_pdpte(struct cpu_role role, unsigned level)
{
	return level == LEVEL_1G && !role.ext.efer_lma;
}

/* The address of the first table. Bits of CR3 above maxphyaddr are ignored. */
gpa_t gpte_first_table(struct cpu_role role, u64 cr3, unsigned maxphyaddr);

/* The address of the entry for gva in the table at table_gpa. */
gpa_t gpte_gpa(struct cpu_role role, unsigned level, gpa_t table_gpa, gva_t gva);

/* A present entry: does it end the walk; what it lets through (ACC_); where its
 * table lies; the frame it maps gva to. A directory entry's bit 7 counts in a
 * 2-level guest only with CR4.PSE. */
bool gpte_is_leaf(struct cpu_role role, unsigned level, u64 gpte);
unsigned gpte_rights(struct cpu_role role, unsigned level, u64 gpte);
gpa_t gpte_table(struct cpu_role role, u64 gpte);
gfn_t gpte_leaf_gfn(struct cpu_role role, unsigned level, u64 gpte, gva_t gva);

/*
 * A page's role, with KVM's layout, omits some of what decides how an entry is
 * read: whether NX or CR4.PSE is on, and that PAE reserves bits which long mode
 * does not. As a byte this is the rest of the page's key, so that vCPUs which
 * differ in it share no mirrors; 0 for a role that mirrors nothing. And back:
 * as much of the configuration as the functions here look at.
 */
u8 gpte_config(struct cpu_role cpu, union mmu_role role);
struct cpu_role gpte_config_cpu(union mmu_role role, u8 config);

/* The bits that must be zero in an entry of this kind. Bit 8 of upper entries is
 * not among them: the emulated hardware ignores it, too. */
u64 gpte_reserved(struct cpu_role role, unsigned level, bool leaf, unsigned maxphyaddr);

#endif
