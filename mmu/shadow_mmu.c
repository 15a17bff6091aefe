/* SPDX-License-Identifier: MIT */
/* The shadow MMU behind the contract of the back ends. */
#include "mmu/flush.h"
#include "mmu/shadow.h"
#include "mmu/unsync.h"

/* Without the lock: the vCPU's root stays, and what the guest wrote before it
 * flushed it wrote by an entry that came after the mark. */
static bool may_be_stale(const struct mmu_vcpu *vcpu)
{
	const struct sp *root = vcpu->mmu->root.sp;

	return root && sp_has_unsync_below(root);
}

static void shadow_sync(struct mmu_vcpu *vcpu)
{
	struct mmu_op op;

	if (!may_be_stale(vcpu))
		return;
	op_begin(&op, vcpu->vm, vcpu, true);
	shadow_sync_root(&op, vcpu->mmu->root.sp);
	op_end(&op);
}

static void shadow_invlpg(struct mmu_vcpu *vcpu, gva_t gva)
{
	struct mmu_op op;

	if (may_be_stale(vcpu)) {
		op_begin(&op, vcpu->vm, vcpu, true);
		shadow_sync_gva(&op, vcpu->mmu->root.sp, gva);
		op_end(&op);
	}
	flush_vcpu(vcpu, FLUSH_guest);
}

const struct mmu_backend shadow_mmu = {
	.name = "shadow",
	.indirect = true,
	.load_root = shadow_load_root,
	.put_root = shadow_put_root,
	.fault = shadow_fault,
	.zap_range = shadow_zap_range,
	.split_range = shadow_split_range,
	.zap_all = shadow_zap_all,
	.zap_inner = shadow_zap_inner,
	.write_protect = shadow_write_protect,
	.guest_wrote = shadow_guest_wrote,
	.unprotect = shadow_unprotect,
	.invlpg = shadow_invlpg,
	.guest_flush = shadow_guest_flush,
	.sync = shadow_sync,
};
