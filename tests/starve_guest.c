/* SPDX-License-Identifier: MIT */
/* The guests whose operations are refused pages: what is common to the rows. */
#include "tests/starve.h"

struct mmu_config starve_config;
u64 starve_part;

/* ---- where it is ------------------------------------------------------------------------ */

bool guest_pages(const struct guest *g)
{
	return g->m.vm->config.mode == MMU_MODE_SHADOW && g->mode != UNPAGED;
}

u64 way_to(const struct guest *g, gva_t gva, gpa_t gpa)
{
	return guest_pages(g) ? gva : gpa;
}

void goes_to(struct guest *g, gva_t gva, gpa_t gpa)
{
	expect_mapped(g, 0, way_to(g, gva, gpa), USER, gpa);
}

/* ---- leading to it ---------------------------------------------------------------------- */

void map_all(struct guest *g)
{
	if (!guest_pages(g))
		return;
	guest_map(g, GVA, GPA, RW | GPTE_D, 1);
	guest_map(g, NEAR, 0x6000, RW | GPTE_D, 1);
	guest_map(g, DEVICE, DEVICE_GPA, RW | GPTE_D, 1);
	guest_map(g, FAR, 0x8000, RW | GPTE_D, 1);
}

void enter_once(struct guest *g)
{
	map_all(g);
	machine_enter(&g->m, 0);
}

void touched(struct guest *g)
{
	enter_once(g);
	goes_to(g, GVA, GPA);
}

void touched_twice(struct guest *g)
{
	touched(g);
	goes_to(g, FAR, 0x8000);
}

/* ---- doing it --------------------------------------------------------------------------- */

bool status_is(enum mmu_status status)
{
	ck_assert(status == MMU_OK || status == MMU_NOMEM);
	return status == MMU_OK;
}

bool verdict_is(enum mmu_verdict verdict, enum mmu_verdict want)
{
	ck_assert_msg(verdict == want || verdict == MMU_NO_MEMORY, "verdict %d, wanted %d",
		      verdict, want);
	return verdict == want;
}

bool enter(struct guest *g)
{
	struct mmu_entry entry;
	enum mmu_status status = mmu_enter(g->m.vcpu[0], &entry);

	if (status == MMU_OK)
		mmu_leave(g->m.vcpu[0]);
	ck_assert(!g->m.vcpu[0]->in_guest);
	return status_is(status);
}

enum mmu_verdict fault_at(struct guest *g, u64 addr, u64 error)
{
	struct mmu_fault fault;

	return mmu_fault(g->m.vcpu[0], addr, error, &fault);
}

/* ---- what it has done ------------------------------------------------------------------- */

void it_goes(struct guest *g)
{
	goes_to(g, GVA, GPA);
}

void all_go(struct guest *g)
{
	map_all(g);
	touched_twice(g);
	goes_to(g, NEAR, 0x6000);
}
