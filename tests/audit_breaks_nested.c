/* SPDX-License-Identifier: MIT */
/* Rules about special records broken in a machine whose guest has nested tables of PAE. */
#include "mmu/audit.h"
#include "mmu/shadow.h"
#include "mmu/sp.h"
#include "tests/audit_breaks.h"
#include "tests/guest_pt.h"

#define NGPA	0x1000ull
#define GPA	0x900000ull

static struct guest g;

/* The record of level 3, below the root. */
static struct sp *make_guest(void)
{
	static const struct mmu_config tdp = { .mode = MMU_MODE_TDP, .nr_vcpus = 2,
					       .maxphyaddr = 48, .tdp_level = 4 };
	struct mmu_nested nested = { .np = true, .cr0 = CR0_PE | CR0_PG, .cr4 = CR4_PAE };
	const struct mmu_regs unpaged = { .cr0 = CR0_PE };
	struct mmu_host_step steps[5];

	guest_init(&g, PAE, &tdp);
	guest_map(&g, NGPA, GPA, GPTE_W | GPTE_U, 1);
	nested.ncr3 = g.regs.cr3;
	ck_assert_int_eq(mmu_nested_enter(g.m.vcpu[0], &nested, &unpaged), MMU_OK);
	machine_enter(&g.m, 0);
	ck_assert_int_eq(machine_fault(&g.m, 0, NGPA, PFERR_USER | PFERR_GUEST_FINAL, NULL),
			 MMU_RETRY);
	ck_assert_uint_eq(mmu_host_walk(g.m.vcpu[0], NGPA, steps), 4);
	return sp_by_id(g.m.vm, steps[1].sp);
}

struct machine *special_above_with_a_second_way(void)
{
	struct sp *pdpt = make_guest();
	struct mmu_op op;

	op_begin(&op, g.m.vm, NULL, true);
	ck_assert_int_eq(shadow_link(&op, g.m.vcpu[0]->guest_mmu.root.sp, 1, pdpt), MMU_OK);
	op_end(&op);
	return &g.m;
}

struct machine *special_below_another_vcpus(void)
{
	make_guest()->vcpu = 1;
	return &g.m;
}

struct machine *special_below_one_of_another_table(void)
{
	make_guest()->gfn++;
	return &g.m;
}
