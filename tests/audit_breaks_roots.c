/* SPDX-License-Identifier: MIT */
/* Rules about roots, generations and slots broken in a machine that shadows. */
#include "mmu/audit.h"
#include "mmu/memslot.h"
#include "mmu/shadow.h"
#include "mmu/sp.h"
#include "tests/audit_breaks.h"
#include "tests/guest_pt.h"

#define GVA	0x1000ull
#define GPA	0x5000ull

static struct guest g;

static void make_guest(void)
{
	guest_init(&g, LONG4, NULL);
	guest_map(&g, GVA, GPA, GPTE_W | GPTE_U, 1);
	expect_mapped(&g, 0, GVA, PFERR_WRITE, GPA);
}

/* The page at this level on the way to GVA. */
static struct sp *page(unsigned level)
{
	struct mmu_host_step steps[5];

	ck_assert_uint_eq(mmu_host_walk(g.m.vcpu[0], GVA, steps), 4);
	return sp_by_id(g.m.vm, steps[4 - level].sp);
}

struct machine *break_C_3(void)
{
	const union mmu_role role = { .level = 1, .access = ACC_ALL };
	struct mmu_op op;

	make_guest();
	op_begin(&op, g.m.vm, NULL, true);
	sp_hash_add(&op, sp_create(&op, GUEST_FRAMES + 5, role, 0));
	g.m.vm->nr_indirect++;
	op_end(&op);
	return &g.m;
}

struct machine *break_N_1(void)
{
	make_guest();
	page(1)->gen ^= 1;
	return &g.m;
}

struct machine *break_N_2(void)
{
	struct sp *a, *b;
	u64 born;

	make_guest();
	a = page(1);
	b = page(2);
	born = a->born;
	a->born = b->born;
	b->born = born;
	return &g.m;
}

static void link_by_force(struct sp *parent, unsigned index, struct sp *child)
{
	u32 flags = parent->flags;
	struct mmu_op op;

	op_begin(&op, g.m.vm, NULL, true);
	parent->flags &= ~SP_DUMMY;
	ck_assert_int_eq(shadow_link(&op, parent, index, child), MMU_OK);
	parent->flags = flags;
	op_end(&op);
}

struct machine *break_Q_3(void)
{
	struct mmu_host_step steps[5];
	struct sp *root;

	guest_init(&g, PAE, NULL);
	guest_map(&g, GVA, GPA, GPTE_W | GPTE_U, 1);
	expect_mapped(&g, 0, GVA, 0, GPA);
	ck_assert_uint_eq(mmu_host_walk(g.m.vcpu[0], GVA, steps), 3);
	root = g.m.vcpu[0]->root_mmu.root.sp;
	link_by_force(root, 5, sp_by_id(g.m.vm, steps[1].sp));
	return &g.m;
}

struct machine *break_Q_4(void)
{
	struct sp *root;

	make_guest();
	g.regs.cr3 = GUEST_FRAMES << PAGE_SHIFT;
	guest_set_regs(&g, 1, MMU_CR3_LOAD);
	machine_enter(&g.m, 1);
	root = g.m.vcpu[1]->root_mmu.root.sp;
	ck_assert(root->flags & SP_DUMMY);
	link_by_force(root, 0, page(3));
	return &g.m;
}

struct machine *break_Q_8(void)
{
	const union mmu_role role = { .level = 3, .direct = 1, .access = ACC_ALL };
	struct mmu_op op;

	make_guest();
	op_begin(&op, g.m.vm, NULL, true);
	ck_assert(sp_create(&op, 0, role, SP_SPECIAL));
	op_end(&op);
	return &g.m;
}

struct machine *break_S_3(void)
{
	make_guest();
	g.m.vcpu[1]->regs.smm = true;
	return &g.m;
}

struct machine *break_N_3(void)
{
	const union mmu_role role = { .level = 1, .direct = 1, .access = ACC_ALL };
	struct mmu_op op;

	make_guest();
	op_begin(&op, g.m.vm, NULL, true);
	sp_set_invalid(sp_create(&op, 0, role, 0));
	op_end(&op);
	return &g.m;
}

struct machine *break_C_7(void)
{
	make_guest();
	g.m.vm->shadow_used = false;
	return &g.m;
}
