/* SPDX-License-Identifier: MIT */
/* The guest of the tests of unsync pages. */
#include "tests/unsync_guest.h"

#include <string.h>

#include "mmu/sp.h"

struct guest g;

unsigned gpte_size(void)
{
	return g.mode == TWO_LEVEL ? 4 : 8;
}

gpa_t table_of(gva_t gva, unsigned level)
{
	gpa_t table = g.regs.cr3;

	for (unsigned at = guest_levels(&g); at > level; at--)
		table = guest_peek(&g, guest_entry(&g, table, at, gva), gpte_size()) & 0xffffff000;
	return table;
}

gpa_t table(void)
{
	return table_of(GVA, 1);
}

gpa_t pte_of(gva_t gva)
{
	return guest_entry(&g, table_of(gva, 1), 1, gva);
}

struct sp *page_of(gpa_t gpa, unsigned level)
{
	struct sp *found = NULL;

	for (struct sp *sp = sp_next(g.m.vm, NULL); sp; sp = sp_next(g.m.vm, sp))
		if (sp->gfn == gpa >> PAGE_SHIFT && sp_has_gptes(sp) && sp->role.level == level &&
		    !sp->role.invalid) {
			ck_assert(!found);
			found = sp;
		}
	return found;
}

bool is_unsync(void)
{
	return page_of(table(), 1)->unsync;
}

struct mmu_stats stats(void)
{
	struct mmu_stats s;

	mmu_get_stats(g.m.vm, &s);
	return s;
}

void make(enum guest_mode mode)
{
	guest_init(&g, mode, NULL);
	machine_knob(&g.m, MMU_KNOB_unsync, 1);
	machine_knob(&g.m, MMU_KNOB_hot, 0);
	guest_map(&g, GVA, 0x5000, RW, 1);
	guest_map(&g, GVA + 0x1000, 0x6000, RW, 1);
	guest_map(&g, ALIAS, table(), RW, 1);
	expect_mapped(&g, 0, GVA, USER | WRITE, 0x5000);
	expect_mapped(&g, 0, GVA + 0x1000, USER | WRITE, 0x6000);
	machine_enter(&g.m, 1);
}

void store(unsigned vcpu, gva_t gva, u64 value)
{
	struct outcome out = cpu_access(&g, vcpu, gva, WRITE);

	ck_assert_int_eq(out.verdict, MMU_RETRY);
	memcpy(fake_va(&g.m.fake, out.hpa), &value, gpte_size());
}

void store_pte(unsigned vcpu, gva_t gva, u64 gpte)
{
	store(vcpu, ALIAS + (pte_of(gva) & ~PAGE_MASK), gpte);
}

void load_cr3(unsigned vcpu)
{
	guest_set_regs(&g, vcpu, true);
	machine_enter(&g.m, vcpu);
	machine_audit(&g.m);
}

void invlpg(unsigned vcpu, gva_t gva)
{
	mmu_invlpg(g.m.vcpu[vcpu], gva);
	machine_audit(&g.m);
}

bool maps(gva_t gva)
{
	return machine_leaf(&g.m, 0, gva, NULL);
}

bool alias_is_writable(void)
{
	return spte_is_writable(machine_leaf(&g.m, 0, ALIAS, NULL));
}
