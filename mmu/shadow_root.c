/* SPDX-License-Identifier: MIT */
/*
 * Roots. With four or five levels a root is a page like others. A guest with
 * fewer has a special record of level 3, its vCPU's own and not in the hash,
 * whose four entries the hardware takes for PDPTEs; its children come on demand.
 * Nested tables with fewer are shadowed for a hardware that walks all its levels:
 * above that record there are more, of which only the first entry is used.
 *
 *	guest with 2 levels, on its own	    [0..3] -> quadrants of the directory
 *	nested tables of PAE	root [0] -> [0..3] -> directories
 *
 * A CR3 that points nowhere gets a dummy that stays empty. Special records live
 * as long as a root slot names them, or the one above them does.
 */
#include "mmu/flush.h"
#include "mmu/guest_pte.h"
#include "mmu/memslot.h"
#include "mmu/shadow.h"
#include "mmu/sp.h"
#include "mmu/spte_set.h"

/* Legacy CR3 has 32 bits. */
#define PAE_ROOT_LIMIT BIT(32)

/* ---- the PDPTEs of a PAE guest ------------------------------------------------------ */

bool shadow_root_has_pdptes(const struct sp *root)
{
	return root->flags & SP_SPECIAL && !(root->flags & SP_DUMMY) && !root->role.direct &&
	       !root->role.has_4_byte_gpte;
}

/* The record with the entries for them; NULL: nothing has been asked for yet. */
static struct sp *pdpt_of(const struct mmu_vm *vm, struct sp *sp)
{
	while (sp && sp->role.level > LEVEL_1G) {
		u64 spte = spte_get(sp_entry(vm, sp, 0));

		sp = spte_is_present(spte) ? sp_by_table(vm, spte_hpa(spte)) : NULL;
	}
	return sp;
}

/* The guest's PDPTE; 0 where no slot is. */
static u64 read_pdpte(struct mmu_vm *vm, const struct sp *pdpt, u64 pgd, unsigned i)
{
	struct cpu_role cpu = gpte_config_cpu(pdpt->role, pdpt->config);
	gpa_t table_gpa = gpte_first_table(cpu, pgd, vm->maxphyaddr);
	gpa_t gpa = gpte_gpa(cpu, LEVEL_1G, table_gpa, (gva_t)i << 30);
	const struct memslot *slot = sp_slot(vm, pdpt, gpa >> PAGE_SHIFT);
	const u8 *frame;
	u64 pdpte;

	if (!slot_is_usable(slot))
		return 0;
	frame = mmu_va(vm->env, slot_pfn(slot, gpa >> PAGE_SHIFT) << PAGE_SHIFT);
	pdpte = __atomic_load_n((const u64 *)(frame + (gpa & ~PAGE_MASK)), __ATOMIC_ACQUIRE);
	return pdpte & gwalk_reserved(vm, cpu, LEVEL_1G, false) ? 0 : pdpte;
}

static void sync_pdpte(struct mmu_op *op, struct sp *pdpt, u64 pgd, unsigned i)
{
	u64 spte = spte_get(sp_entry(op->vm, pdpt, i));
	const struct sp *child;
	u64 pdpte;

	if (!spte_is_present(spte))
		return;
	child = sp_by_table(op->vm, spte_hpa(spte));
	pdpte = read_pdpte(op->vm, pdpt, pgd, i);
	if (pdpte & GPTE_P && child && child->gfn == (pdpte & SPTE_PFN) >> PAGE_SHIFT)
		return;
	shadow_drop_entry(op, pdpt, i);
	flush_need(op, FLUSH_sync, pdpt->gfn, 1);
}

void shadow_root_sync(struct mmu_op *op, const struct mmu_root *root)
{
	struct sp *pdpt = shadow_root_has_pdptes(root->sp) ? pdpt_of(op->vm, root->sp) : NULL;

	for (unsigned i = 0; pdpt && i < 4; i++)
		sync_pdpte(op, pdpt, root->pgd, i);
	shadow_sync_root(op, root->sp);
}

void shadow_root_sync_gva(struct mmu_op *op, const struct mmu_root *root, gva_t gva)
{
	if (shadow_root_has_pdptes(root->sp)) /* of the guest itself: the root is their record */
		sync_pdpte(op, root->sp, root->pgd, gva >> 30 & 3);
	shadow_sync_gva(op, root->sp, gva);
}

/* ---- finding and making --------------------------------------------------------------- */

static gfn_t root_gfn(const struct mmu_op *op, const struct mmu *mmu)
{
	if (mmu->root_role.direct)
		return 0;
	return gpte_first_table(mmu->cpu_role, context_pgd(op->vcpu, mmu), op->vm->maxphyaddr) >>
	       PAGE_SHIFT;
}

/* SP_ flags of the root for the vCPU's CR3; 0: a page like others. */
static u32 root_flags(const struct mmu_op *op, const struct mmu *mmu, gfn_t gfn)
{
	union mmu_role role = mmu->root_role;
	u32 pdpt = role.level == LEVEL_1G ? SP_PDPT : 0;

	if (!role.direct && !slot_is_usable(slot_lookup(op->vm, role.smm, gfn)))
		return SP_SPECIAL | SP_DUMMY | pdpt;
	return mmu->cpu_role.base.level <= LEVEL_1G ? SP_SPECIAL | pdpt : 0;
}

bool shadow_root_serves(struct mmu_op *op, const struct mmu *mmu, const struct sp *root)
{
	gfn_t gfn = root_gfn(op, mmu);

	return root->gfn == gfn && root->config == gpte_config(mmu->cpu_role, root->role) &&
	       root->flags == root_flags(op, mmu, gfn);
}

struct sp *shadow_special_make(struct mmu_op *op, gfn_t gfn, union mmu_role role, u32 flags)
{
	struct sp *sp = sp_create(op, gfn, role, flags | SP_SPECIAL);

	if (!sp)
		return NULL;
	sp->vcpu = op->vcpu->id;
	sp->config = gpte_config(op->vcpu->mmu->cpu_role, role);
	if (!(flags & SP_PDPT) || sp->table_hpa < PAE_ROOT_LIMIT)
		return sp;
	sp_free(op->vm, sp);
	return NULL;
}

static void emit_root_count(struct mmu_op *op, const struct sp *sp)
{
	vm_emit(op->vm, op_vcpu(op), root_count, sp->id, sp->root_count);
}

enum mmu_status shadow_load_root(struct mmu_op *op, struct mmu *mmu)
{
	u64 pgd = context_pgd(op->vcpu, mmu);
	gfn_t gfn = root_gfn(op, mmu);
	struct sp *sp;
	u32 flags;

	mmu_check(op->vm, !mmu->root.sp, "Q-1: a root slot in use is loaded", op->vcpu->id, pgd);
	if (sp_hash_init(op->vm) != MMU_OK || slots_make_rmaps(op->vm) != MMU_OK)
		return MMU_NOMEM;
	flags = root_flags(op, mmu, gfn);
	sp = flags ? shadow_special_make(op, gfn, mmu->root_role, flags) :
		     shadow_get_page(op, gfn, mmu->root_role);
	if (!sp)
		return MMU_NOMEM;
	sp->root_count++;
	emit_root_count(op, sp);
	mmu->root = (struct mmu_root){ .sp = sp, .pgd = pgd };
	vm_emit(op->vm, op_vcpu(op), root_set, 0, sp->id, sp->table_hpa, pgd,
		(u8)context_id(op->vcpu, mmu));
	return MMU_OK;
}

/* ---- the end -------------------------------------------------------------------------- */

void shadow_put_root(struct mmu_op *op, struct mmu_root *root)
{
	struct sp *sp = root->sp;

	mmu_check(op->vm, sp->root_count, "E-4: a root nobody uses is put", sp->id, sp->gfn);
	*root = (struct mmu_root){ 0 };
	sp->root_count--;
	emit_root_count(op, sp);
	if (sp->root_count)
		return;
	if (sp->role.invalid)
		list_add(&sp->active, &op->zapped);
	else if (sp->flags & SP_SPECIAL)
		shadow_zap_page(op, sp, sp_is_obsolete(op->vm, sp) ? ZAP_obsolete : ZAP_unused);
}

u32 shadow_zap_specials(struct mmu_op *op,
			bool (*pick)(const struct mmu_vm *vm, const struct sp *sp, const void *arg),
			const void *arg, enum zap_why why)
{
	u32 zapped = 0;

	for (unsigned i = 0; i < MMU_MAX_VCPUS * MMU_ROOT_SLOTS; i++) {
		struct mmu_vcpu *vcpu = op->vm->vcpu[i / MMU_ROOT_SLOTS];
		struct sp *sp = vcpu ? mmu_root_slot(vcpu->mmu, i % MMU_ROOT_SLOTS)->sp : NULL;

		if (!sp || !(sp->flags & SP_SPECIAL) || sp->role.invalid || !pick(op->vm, sp, arg))
			continue;
		shadow_zap_page(op, sp, why);
		zapped++;
	}
	return zapped;
}
