/* SPDX-License-Identifier: MIT */
/* Rules broken in a machine with a TDP tree of four tables. */
#include "mmu/aging.h"
#include "mmu/dirty.h"
#include "mmu/flush.h"
#include "mmu/memslot.h"
#include "mmu/slots.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"
#include "tests/audit_breaks.h"


static struct machine m;

/* 16 MiB of RAM, both vCPUs have the root, nothing is mapped. */
static struct sp *make_root(const struct mmu_config *config)
{
	machine_init(&m, config);
	machine_ram(&m, 0, 0, 4096, 0);
	machine_enter(&m, 0);
	machine_enter(&m, 1);
	return m.vcpu[0]->mmu->root.sp;
}

/* And one page is. */
static void make_tree(void)
{
	make_root(NULL);
	ck_assert_int_eq(machine_fault(&m, 0, 0x5000, PFERR_WRITE, NULL), MMU_RETRY);
}

/* The table at this level on the way to the page. */
static struct sp *table(unsigned level)
{
	struct mmu_host_step steps[5];

	ck_assert_uint_eq(mmu_host_walk(m.vcpu[0], 0x5000, steps), 4);
	return sp_by_id(m.vm, steps[4 - level].sp);
}

static spte_t *leaf(void)
{
	return sp_entry(m.vm, table(1), 5);
}

/* The root's role, and what the vCPUs want. */
static void change_roles(struct sp *root, u32 word)
{
	root->role.word = word;
	for (unsigned i = 0; i < 2; i++)
		m.vcpu[i]->root_mmu.root_role.word = word;
}

struct machine *break_A_4(void)
{
	make_tree();
	m.vcpu[0]->nested_mmu.root.sp = m.vcpu[0]->mmu->root.sp;
	return &m;
}

/* An inner guest without nested paging uses root_mmu, for which the role was not
 * made. */
struct machine *break_B_9(void)
{
	make_tree();
	m.vcpu[0]->inner = true;
	return &m;
}

static void run_inner(void)
{
	const struct mmu_regs regs = { 0 };
	const struct mmu_nested nested = { 0 };

	make_root(NULL);
	ck_assert_int_eq(mmu_nested_enter(m.vcpu[0], &nested, &regs), MMU_OK);
	machine_enter(&m, 0);
	mmu_nested_leave(m.vcpu[0], &regs);
	machine_enter(&m, 0);
}

struct machine *break_R_3(void)
{
	run_inner();
	m.vcpu[0]->nests = false;
	return &m;
}

struct machine *break_B_1(void)
{
	struct sp *root = make_root(NULL);

	change_roles(root, root->role.word | 1u << 20);
	return &m;
}

struct machine *break_B_2(void)
{
	struct sp *root = make_root(NULL);
	union mmu_role role = root->role;

	role.cr0_wp = 1;
	role.smep_andnot_wp = 1;
	change_roles(root, role.word);
	return &m;
}

struct machine *break_B_3(void)
{
	make_tree();
	table(1)->role.efer_nx ^= 1;
	return &m;
}

struct machine *break_B_4(void)
{
	union mmu_role role;

	make_tree();
	role = table(4)->role;
	role.access = ACC_USER;
	change_roles(table(4), role.word);
	return &m;
}

static struct memslot *log_slot(void)
{
	ck_assert_int_eq(mmu_slot_set_flags(m.vm, 0, 0, MMU_SLOT_LOG_DIRTY), MMU_OK);
	return slot_by_id(m.vm, 0, 0);
}

struct machine *break_D_8(void)
{
	struct memslot *slot;

	make_tree();
	slot = log_slot();
	ck_assert_int_eq(machine_fault(&m, 0, 0x5000, PFERR_WRITE, NULL), MMU_RETRY);
	ck_assert_uint_eq(dirty_take(m.vm, slot, 0, BIT(5)), BIT(5));
	return &m;
}

struct machine *break_L_3(void)
{
	make_root(NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	ck_assert_int_eq(machine_fault(&m, 0, 0x205000, PFERR_WRITE, NULL), MMU_RETRY);
	slot_by_id(m.vm, 0, 0)->flags |= MMU_SLOT_LOG_DIRTY;
	ck_assert_int_eq(dirty_make(m.vm, slot_by_id(m.vm, 0, 0)), MMU_OK);
	return &m;
}

struct machine *break_L_4(void)
{
	make_root(NULL);
	log_slot();
	m.vm->nr_logs = 0;
	return &m;
}

struct machine *break_C_1(void)
{
	make_root(NULL);
	machine_ram(&m, 1, 8192, 16, 32 << 20);
	slot_by_id(m.vm, 0, 1)->base_gfn = 4095;
	return &m;
}

struct machine *break_C_4(void)
{
	make_root(NULL);
	m.vm->slots[1].generation = m.vm->slots[0].generation;
	return &m;
}

struct machine *break_C_2(void)
{
	make_root(NULL);
	((struct slot_view *)slot_view(m.vm, 0))->by_id[5] = 1;
	return &m;
}

struct machine *break_S_4(void)
{
	make_root(NULL);
	slot_by_id(m.vm, 0, 0)->flags |= MMU_SLOT_SMRAM;
	return &m;
}

/* In a table of level 2, where a leaf would be huge. */
struct machine *break_D_9(void)
{
	make_tree();
	sp_entry(m.vm, table(2), 9)->raw = spte_make_mmio(9 << 9, ACC_ALL, 0);
	return &m;
}

struct machine *break_O_2(void)
{
	make_tree();
	sp_entry(m.vm, table(1), 6)->raw = spte_make_mmio(6, ACC_ALL, m.vm->slots[0].generation);
	return &m;
}

struct machine *break_D_1(void)
{
	make_tree();
	leaf()->raw &= ~SPTE_MMU_W;
	return &m;
}

struct machine *break_D_2(void)
{
	make_tree();
	leaf()->raw &= ~SPTE_P;
	return &m;
}

struct machine *break_D_3(void)
{
	make_tree();
	leaf()->raw |= BIT(55);
	return &m;
}

struct machine *break_D_4(void)
{
	make_tree();
	sp_entry(m.vm, table(2), 100)->raw = spte_make_table(FAKE_RAM);
	table(2)->present++;
	return &m;
}

struct machine *break_D_5(void)
{
	struct mmu_host_step steps[5];
	unsigned nr;

	make_root(NULL);
	machine_knob(&m, MMU_KNOB_huge, 1);
	machine_fault(&m, 0, 2 << 20, PFERR_WRITE, NULL);
	nr = mmu_host_walk(m.vcpu[0], 2 << 20, steps);
	((spte_t *)fake_va(&m.fake, steps[nr - 1].hpa))->raw |= BIT(12);
	return &m;
}

struct machine *break_D_6(void)
{
	make_tree();
	sp_entry(m.vm, table(1), 100)->raw = SPTE_FROZEN;
	return &m;
}

/* The hardware does set A and D. */
struct machine *break_D_10(void)
{
	make_tree();
	leaf()->raw |= SPTE_AD_DISABLED;
	return &m;
}

struct machine *break_D_12(void)
{
	make_tree();
	slot_by_id(m.vm, 0, 0)->flags |= MMU_SLOT_READONLY;
	return &m;
}

struct machine *break_E_4(void)
{
	make_root(NULL)->root_count++;
	return &m;
}

struct machine *break_E_5(void)
{
	make_root(NULL);
	m.vm->nr_indirect++;
	return &m;
}

struct machine *break_E_7(void)
{
	make_tree();
	table(2)->present++;
	return &m;
}

struct machine *break_E_8(void)
{
	make_tree();
	table(1)->unsync = true;
	m.vm->stats.unsync++;
	return &m;
}

struct machine *break_E_11(void)
{
	struct sp *root = make_root(NULL);

	root->role.invalid = 1;
	root->pins = 0;
	request_all(m.vm, MMU_REQ_RELOAD);
	return &m;
}

struct machine *break_I_1(void)
{
	make_tree();
	table(2)->ptep = NULL;
	return &m;
}

/* Somebody on his way through it forgot to let go. */
struct machine *break_I_4(void)
{
	make_root(NULL)->pins++;
	return &m;
}

struct machine *break_I_5(void)
{
	struct sp *root = make_root(NULL), *twin;
	struct mmu_op op;

	op_begin(&op, m.vm, NULL, true);
	twin = sp_create(&op, 0, root->role, SP_TDP);
	twin->pins = 1;
	list_add(&twin->active, &m.vm->tdp_roots);
	tdp_tree_new(m.vm, twin);
	op_end(&op);
	return &m;
}

struct machine *break_I_8(void)
{
	make_tree();
	table(3)->gfn += 1 << 27;
	return &m;
}

struct machine *break_K_1(void)
{
	make_tree();
	m.vm->tdp_trees = NULL;
	return &m;
}

struct machine *break_M_1(void)
{
	make_tree();
	leaf()->raw += PAGE_SIZE;
	return &m;
}

struct machine *break_Q_1(void)
{
	make_tree();
	m.vcpu[1]->root_mmu.root_role.efer_nx ^= 1;
	return &m;
}

struct machine *break_Y_1(void)
{
	make_tree();
	m.vm->stats.sptes_2m++;
	return &m;
}

/* A host that flushes by root, and both vCPUs have the one there is. */
static bool flush_root(void *ctx, hpa_t root_hpa, gfn_t gfn, u64 npages)
{
	(void)ctx, (void)root_hpa, (void)gfn, (void)npages;
	return true;
}

static struct sp *make_noted_root(void)
{
	machine_init(&m, NULL);
	m.fake.env.flush_root = flush_root;
	machine_ram(&m, 0, 0, 4096, 0);
	machine_enter(&m, 0);
	machine_enter(&m, 1);
	return m.vcpu[0]->mmu->root.sp;
}

struct machine *break_U_6(void)
{
	make_noted_root();
	machine_fault(&m, 0, 0x5000, PFERR_WRITE, NULL);
	m.vm->flush_roots.common = table(1);
	return &m;
}

struct machine *break_U_7(void)
{
	static struct sp freed;

	make_noted_root();
	freed.id = m.vcpu[0]->mmu->root.sp->id;
	m.vm->flush_roots.root[1] = &freed;
	return &m;
}
