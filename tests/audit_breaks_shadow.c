/* SPDX-License-Identifier: MIT */
/* Rules broken in a machine that shadows a guest's four levels of tables. */
#include "mmu/audit.h"
#include "mmu/memslot.h"
#include "mmu/rmap.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "mmu/unsync.h"
#include "tests/audit_breaks.h"
#include "tests/guest_pt.h"

#define GVA	0x1000ull
#define GPA	0x5000ull

static struct guest g;

/* One page is mapped, twice; and the guest's top table, for reading. */
static void make_guest(void)
{
	guest_init(&g, LONG4, NULL);
	guest_map(&g, GVA, GPA, GPTE_W | GPTE_U, 1);
	guest_map(&g, GVA + 0x1000, GPA, GPTE_W | GPTE_U, 1);
	guest_map(&g, GVA + 0x2000, g.regs.cr3 & PAGE_MASK, GPTE_W | GPTE_U | GPTE_D, 1);
	expect_mapped(&g, 0, GVA, PFERR_WRITE, GPA);
	expect_mapped(&g, 0, GVA + 0x1000, PFERR_WRITE, GPA);
	expect_mapped(&g, 0, GVA + 0x2000, 0, g.regs.cr3 & PAGE_MASK);
}

/* The page at this level on the way to gva, and the entry in it. */
static struct sp *page(gva_t gva, unsigned level, spte_t **sptep)
{
	struct mmu_host_step steps[5];

	ck_assert_uint_eq(mmu_host_walk(g.m.vcpu[0], gva, steps), 4);
	*sptep = fake_va(&g.m.fake, steps[4 - level].hpa);
	return sp_by_id(g.m.vm, steps[4 - level].sp);
}

static struct rmap_head *head_of(unsigned as, gfn_t gfn, unsigned level)
{
	return slot_rmap(g.m.vm, slot_lookup(g.m.vm, as, gfn), gfn, level);
}

/* Hangs the rmap entry of GVA's leaf elsewhere. */
static void move_rmap(struct rmap_head *to)
{
	spte_t *sptep;

	page(GVA, 1, &sptep);
	rmap_remove(g.m.vm, head_of(0, GPA >> PAGE_SHIFT, 1), sptep);
	ck_assert_int_eq(rmap_add(g.m.vm, to, sptep, NULL), MMU_OK);
}

struct machine *break_B_5(void)
{
	const union mmu_role role = { .level = 1, .direct = 1, .access = ACC_ALL };
	struct mmu_op op;

	make_guest();
	op_begin(&op, g.m.vm, NULL, true);
	for (unsigned i = 0; i < 2; i++)
		sp_hash_add(&op, sp_create(&op, 0x77, role, 0));
	op_end(&op);
	return &g.m;
}

struct machine *break_E_1(void)
{
	spte_t *sptep, *below;
	struct sp *child;

	make_guest();
	page(GVA, 2, &sptep);
	child = page(GVA, 1, &below);
	rmap_remove(g.m.vm, &child->parents, sptep);
	return &g.m;
}

struct machine *break_E_2(void)
{
	spte_t *sptep;

	make_guest();
	page(GVA, 1, &sptep);
	rmap_remove(g.m.vm, head_of(0, GPA >> PAGE_SHIFT, 1), sptep);
	return &g.m;
}

struct machine *break_E_3(void)
{
	make_guest();
	move_rmap(head_of(0, (GPA >> PAGE_SHIFT) + 1, 1));
	return &g.m;
}

struct machine *break_E_9(void)
{
	spte_t *sptep;

	make_guest();
	page(GVA + 0x2000, 1, &sptep);
	ck_assert(sptep->raw & SPTE_HOST_W);
	sptep->raw |= SPTE_W | SPTE_MMU_W;
	return &g.m;
}

struct machine *break_G_2(void)
{
	struct rmap_head *head;
	u32 *counts;

	make_guest();
	/* Two entries, so there is a descriptor: its counts are 8 bytes in. */
	head = head_of(0, GPA >> PAGE_SHIFT, 1);
	ck_assert_uint_eq(rmap_count(g.m.vm, head), 2);
	ck_assert(head->word & 1);
	counts = (u32 *)((head->word & ~3ull) + 8);
	ck_assert_uint_eq(counts[0], 2);
	counts[1]++;
	return &g.m;
}

struct machine *break_G_3(void)
{
	spte_t *sptep;

	make_guest();
	page(GVA, 1, &sptep);
	ck_assert_int_eq(rmap_add(g.m.vm, head_of(0, GPA >> PAGE_SHIFT, 1), sptep, NULL), MMU_OK);
	return &g.m;
}

struct machine *break_G_5(void)
{
	make_guest();
	head_of(0, GPA >> PAGE_SHIFT, 1)->word |= 2;
	return &g.m;
}

struct machine *break_G_7(void)
{
	make_guest();
	move_rmap(head_of(0, GPA >> PAGE_SHIFT, 2));
	return &g.m;
}

struct machine *break_H_1(void)
{
	spte_t *sptep;

	make_guest();
	page(GVA, 2, &sptep)->unsync = true;
	g.m.vm->stats.unsync++;
	return &g.m;
}

/* GVA's page of level 1 as if the guest had written to its table. */
static void make_unsync(void)
{
	unsigned index = level_index(GVA, 2);
	struct sp *sp, *parent;
	spte_t *sptep;

	sp = page(GVA, 1, &sptep);
	parent = page(GVA, 2, &sptep);
	sp->unsync = true;
	g.m.vm->stats.unsync++;
	unsync_linked(g.m.vm, parent, index, sp);
	ck_assert_uint_eq(g.m.vcpu[0]->root_mmu.root.sp->unsync_children, 1);
}

struct machine *break_H_2(void)
{
	spte_t *sptep;
	struct sp *sp;

	make_guest();
	make_unsync();
	machine_audit(&g.m);
	sp = page(GVA, 3, &sptep);
	sp->unsync_child[0] &= ~1ull;
	sp->unsync_children = 0;
	return &g.m;
}

/* GVA's table of level 1 is one of level 2 for another address. */
struct machine *break_H_8(void)
{
	struct mmu_walk walk;
	gpa_t table;

	make_guest();
	ck_assert(mmu_walk(g.m.vcpu[0], GVA, 0, &walk));
	table = walk.step[3].gpa & PAGE_MASK;
	guest_store(&g, walk.step[1].gpa + 8, table | GPTE_P | GPTE_W | GPTE_U);
	guest_poke(&g, GPA, 0x9000 | GPTE_P | GPTE_W | GPTE_U, 8);
	expect_mapped(&g, 0, 1ull << 30 | 1ull << 21, 0, 0x9000);
	make_unsync();
	return &g.m;
}

struct machine *break_H_3(void)
{
	struct mmu_walk walk;

	make_guest();
	ck_assert(mmu_walk(g.m.vcpu[0], GVA, 0, &walk));
	guest_poke(&g, walk.step[3].gpa, walk.step[3].pte + PAGE_SIZE, 8);
	return &g.m;
}

struct machine *break_H_7(void)
{
	struct memslot *slot;

	make_guest();
	slot = slot_by_id(g.m.vm, 0, 0);
	++*(u16 *)parray_get(&g.m.fake.env, &slot->track, 7);
	return &g.m;
}

struct machine *break_M_3(void)
{
	struct memslot *slot;

	make_guest();
	slot = slot_by_id(g.m.vm, 0, 0);
	++*(u32 *)parray_get(&g.m.fake.env, &slot->huge_shadowed[0], 3);
	return &g.m;
}

struct machine *break_S_2(void)
{
	make_guest();
	ck_assert_int_eq(mmu_slot_create(g.m.vm, 1, 0, 0, 16, FAKE_RAM + (1 << 30), 0), MMU_OK);
	move_rmap(head_of(1, GPA >> PAGE_SHIFT, 1));
	return &g.m;
}

/* ---- other ways to break a rule ---------------------------------------------------- */

static struct machine *invalid_root(void)
{
	make_guest();
	g.m.vcpu[0]->root_mmu.root.sp->role.invalid = 1;
	return &g.m;
}

static struct machine *invalid_previous_root(void)
{
	make_guest();
	g.regs.cr3 += PAGE_SIZE;
	guest_set_regs(&g, 0, MMU_CR3_LOAD);
	machine_enter(&g.m, 0);
	g.m.vcpu[0]->root_mmu.prev[0].sp->role.invalid = 1;
	return &g.m;
}

static struct machine *special_of_another_vcpu(void)
{
	guest_init(&g, PAE, NULL);
	machine_enter(&g.m, 0);
	g.m.vcpu[0]->root_mmu.root.sp->vcpu = 1;
	return &g.m;
}

static struct machine *global_though_the_guest_has_it_not(void)
{
	spte_t *sptep;

	make_guest();
	page(GVA, 1, &sptep);
	sptep->raw |= SPTE_G;
	return &g.m;
}

static struct machine *root_of_another_cr3(void)
{
	make_guest();
	machine_enter(&g.m, 1);
	g.m.vcpu[1]->regs.cr3 += PAGE_SIZE;
	return &g.m;
}

static struct machine *root_of_another_configuration(void)
{
	make_guest();
	machine_enter(&g.m, 1);
	g.m.vcpu[1]->root_mmu.cpu_role.base.efer_nx ^= 1;
	return &g.m;
}

static struct machine *dummy_though_there_is_memory(void)
{
	make_guest();
	g.regs.cr3 = GUEST_FRAMES << PAGE_SHIFT;
	guest_set_regs(&g, 1, true);
	machine_enter(&g.m, 1);
	machine_ram(&g.m, 1, GUEST_FRAMES, 16, GUEST_FRAMES << PAGE_SHIFT);
	atomic_fetch_and(&g.m.vcpu[1]->requests, ~MMU_REQ_RELOAD);
	return &g.m;
}

/* Such a page may have left vm->active and still be found by its key. */
static struct machine *invalid_in_the_hash(void)
{
	struct sp *sp;
	spte_t *sptep;

	make_guest();
	sp = page(GVA, 1, &sptep);
	list_remove(&sp->active);
	sp->role.invalid = 1;
	return &g.m;
}

static struct machine *mmu_writable_table(void)
{
	spte_t *sptep;

	make_guest();
	page(GVA + 0x2000, 1, &sptep);
	sptep->raw |= SPTE_MMU_W;
	return &g.m;
}

static struct machine *more_rights_than_the_guest_gives(void)
{
	struct mmu_walk walk;

	make_guest();
	ck_assert(mmu_walk(g.m.vcpu[0], GVA, 0, &walk));
	guest_poke(&g, walk.step[3].gpa, walk.step[3].pte & ~(u64)GPTE_W, 8);
	return &g.m;
}

static struct machine *an_upper_entry_that_leads_elsewhere(void)
{
	struct mmu_walk walk;

	make_guest();
	ck_assert(mmu_walk(g.m.vcpu[0], GVA, 0, &walk));
	guest_poke(&g, walk.step[1].gpa, walk.step[1].pte + PAGE_SIZE, 8);
	return &g.m;
}

static struct machine *present_though_the_guest_has_nothing(void)
{
	struct mmu_walk walk;

	make_guest();
	ck_assert(mmu_walk(g.m.vcpu[0], GVA, 0, &walk));
	guest_poke(&g, walk.step[3].gpa, 0, 8);
	return &g.m;
}

/* Who looks for it does not find it; direct, so that nobody else misses it. */
static struct machine *page_in_another_bucket(void)
{
	const union mmu_role role = { .level = 1, .direct = 1, .access = ACC_ALL };
	struct sp *sp, **head;
	struct mmu_op op;

	make_guest();
	op_begin(&op, g.m.vm, NULL, true);
	sp = sp_create(&op, 0x77, role, 0);
	sp_hash_add(&op, sp);
	for (unsigned i = 0; sp_hash_chain(g.m.vm, 0x77) == sp; i++) {
		head = parray_get(g.m.vm->env, &g.m.vm->hash, i);
		if (*head)
			continue;
		sp_hash_remove(g.m.vm, sp);
		*head = sp;
		list_add(&sp->active, &g.m.vm->active);
		g.m.vm->nr_hashed++;
	}
	op_end(&op);
	return &g.m;
}

static struct machine *a_mark_that_leads_to_nothing(void)
{
	spte_t *sptep;
	struct sp *sp;

	make_guest();
	sp = page(GVA, 2, &sptep);
	sp->unsync_child[7] |= 1;
	sp->unsync_children++;
	return &g.m;
}

static struct machine *a_present_entry_outside_the_range(void)
{
	spte_t *sptep;

	make_guest();
	page(GVA, 1, &sptep)->used_end--;
	return &g.m;
}

static struct machine *the_rights_of_the_kernel_alone_for_a_user_page(void)
{
	struct mmu_walk walk;
	spte_t *sptep;

	make_guest();
	ck_assert(mmu_walk(g.m.vcpu[0], GVA, 0, &walk));
	page(GVA, 1, &sptep);
	sptep->raw &= ~(u64)SPTE_U;
	return &g.m;
}

#define VARIANT(rule, function) { #function, RULE_##rule, function }

const struct variant shadow_variants[] = {
	VARIANT(Q_1, invalid_root),
	VARIANT(Q_1, invalid_previous_root),
	VARIANT(Q_8, special_of_another_vcpu),
	VARIANT(Q_3, special_above_with_a_second_way),
	VARIANT(Q_8, special_below_another_vcpus),
	VARIANT(Q_8, special_below_one_of_another_table),
	VARIANT(H_3, global_though_the_guest_has_it_not),
	VARIANT(Q_1, root_of_another_cr3),
	VARIANT(Q_1, root_of_another_configuration),
	VARIANT(Q_1, dummy_though_there_is_memory),
	VARIANT(E_5, page_in_another_bucket),
	VARIANT(E_11, invalid_in_the_hash),
	VARIANT(E_9, mmu_writable_table),
	VARIANT(E_7, a_present_entry_outside_the_range),
	VARIANT(H_2, a_mark_that_leads_to_nothing),
	VARIANT(H_3, the_rights_of_the_kernel_alone_for_a_user_page),
	VARIANT(H_3, more_rights_than_the_guest_gives),
	VARIANT(H_3, an_upper_entry_that_leads_elsewhere),
	VARIANT(H_3, present_though_the_guest_has_nothing),
};

const unsigned nr_shadow_variants = sizeof(shadow_variants) / sizeof(shadow_variants[0]);
