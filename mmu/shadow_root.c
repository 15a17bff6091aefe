/* SPDX-License-Identifier: MIT */
/*
 * Roots. With four or five levels a root is a page like others. A guest with
 * fewer has a special record of level 3, its vCPU's own and not in the hash,
 * whose four entries the hardware takes for PDPTEs; its children come on demand.
 * A CR3 that points nowhere gets a dummy that stays empty.
 */
#include "mmu/flush.h"
#include "mmu/guest_pte.h"
#include "mmu/memslot.h"
#include "mmu/shadow.h"
#include "mmu/sp.h"

/* Legacy CR3 has 32 bits. */
#define PAE_ROOT_LIMIT BIT(32)

/*
 * A PAE guest's PDPTEs are read anew when the guest loads CR3: nobody watches
 * them. The root is this vCPU's own, and it will enter the guest with an empty
 * TLB, so no flush is owed to others.
 */
static void reread_pdptes(struct mmu_op *op, struct sp *root)
{
	if (root->flags != SP_SPECIAL || root->role.direct || root->role.has_4_byte_gpte)
		return;
	for (unsigned i = 0; i < 4; i++)
		shadow_drop_entry(op, root, i);
}

static struct sp *special_make(struct mmu_op *op, gfn_t gfn, union mmu_role role, u32 flags)
{
	struct sp *sp = sp_create(op, gfn, role, flags);

	if (!sp)
		return NULL;
	sp->vcpu = op->vcpu->id;
	sp->config = gpte_config(op->vcpu->mmu->cpu_role, role);
	if (role.level > LEVEL_1G || sp->table_hpa < PAE_ROOT_LIMIT)
		return sp;
	sp_free(op->vm, sp);
	return NULL;
}

/* The vCPU's special record: the one it has, if it is for the same table and
 * role. */
static struct sp *special_get(struct mmu_op *op, gfn_t gfn, union mmu_role role, u32 flags)
{
	u8 config = gpte_config(op->vcpu->mmu->cpu_role, role);
	struct sp *old = op->vcpu->pae_root, *sp;

	if (old && old->gfn == gfn && old->role.word == role.word && old->config == config &&
	    old->flags == flags) {
		reread_pdptes(op, old);
		return old;
	}
	sp = special_make(op, gfn, role, flags);
	if (!sp)
		return NULL;
	if (old)
		shadow_zap_page(op, old);
	op->vcpu->pae_root = sp;
	return sp;
}

static struct sp *root_page(struct mmu_op *op, const struct mmu *mmu)
{
	union mmu_role role = mmu->root_role;
	gfn_t gfn = 0;

	if (!role.direct)
		gfn = gpte_first_table(mmu->cpu_role, context_pgd(op->vcpu, mmu),
				       op->vm->maxphyaddr) >>
		      PAGE_SHIFT;
	if (!role.direct && !slot_lookup(op->vm, role.smm, gfn))
		return special_get(op, gfn, role, SP_SPECIAL | SP_DUMMY);
	if (role.level == LEVEL_1G)
		return special_get(op, gfn, role, SP_SPECIAL);
	return shadow_get_page(op, gfn, role);
}

static void emit_root_count(struct mmu_op *op, const struct sp *sp)
{
	vm_emit(op->vm, op_vcpu(op), root_count, sp->id, sp->root_count);
}

enum mmu_status shadow_load_root(struct mmu_op *op, struct mmu *mmu)
{
	u64 pgd = context_pgd(op->vcpu, mmu);
	struct sp *sp;

	mmu_check(op->vm, !mmu->root.sp, "Q-1: a root slot in use is loaded", op->vcpu->id, pgd);
	if (sp_hash_init(op->vm) != MMU_OK || slots_make_rmaps(op->vm) != MMU_OK)
		return MMU_NOMEM;
	sp = root_page(op, mmu);
	if (!sp)
		return MMU_NOMEM;
	shadow_sync_root(op, sp);
	sp->root_count++;
	emit_root_count(op, sp);
	mmu->root = (struct mmu_root){ .sp = sp, .pgd = pgd };
	vm_emit(op->vm, op_vcpu(op), root_set, 0, sp->id, sp->table_hpa, pgd,
		(u8)context_id(op->vcpu, mmu));
	return MMU_OK;
}

void shadow_put_root(struct mmu_op *op, struct mmu_root *root)
{
	struct sp *sp = root->sp;

	mmu_check(op->vm, sp->root_count, "E-4: a root nobody uses is put", sp->id, sp->gfn);
	*root = (struct mmu_root){ 0 };
	sp->root_count--;
	emit_root_count(op, sp);
	if (sp->role.invalid && !sp->root_count)
		list_add(&sp->active, &op->zapped);
}

/* What is below the root then is the business of mmu_enter(): there may be another
 * by then. PDPTEs are nobody's but the guest's, who has just asked for them. */
void shadow_guest_flush(struct mmu_vcpu *vcpu)
{
	struct mmu_op op;

	op_begin(&op, vcpu->vm, vcpu, true);
	if (vcpu->mmu->root.sp)
		reread_pdptes(&op, vcpu->mmu->root.sp);
	op_end(&op);
	atomic_fetch_or(&vcpu->requests, MMU_REQ_SYNC);
	flush_vcpu(vcpu, FLUSH_guest);
}
