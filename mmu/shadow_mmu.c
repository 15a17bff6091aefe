/* SPDX-License-Identifier: MIT */
/* The shadow MMU behind the contract of the back ends. */
#include "mmu/aging.h"
#include "mmu/shadow.h"
#include "mmu/unsync.h"

/* Without the lock: the slot is the vCPU's own, and what the guest wrote before it
 * flushed it wrote by an entry that came after the mark. */
static bool shadow_may_be_behind(const struct mmu_root *root)
{
	return sp_has_unsync_below(root->sp) || shadow_root_has_pdptes(root->sp);
}

const struct mmu_backend shadow_mmu = {
	.name = "shadow",
	.indirect = true,
	.load_root = shadow_load_root,
	.put_root = shadow_put_root,
	.root_serves = shadow_root_serves,
	.fault = shadow_fault,
	.zap_range = shadow_zap_range,
	.split_range = shadow_split_range,
	.recover_range = shadow_recover_range,
	.obsolete_all = shadow_obsolete_all,
	.zap_obsolete = shadow_zap_obsolete,
	.zap_tables = shadow_zap_tables,
	.shrink = shadow_shrink,
	.zap_inner = shadow_zap_inner,
	.write_protect = shadow_write_protect,
	.log_frames = shadow_log_frames,
	.age = shadow_age,
	.guest_wrote = shadow_guest_wrote,
	.reads_8_bytes = shadow_reads_8_bytes,
	.unprotect = shadow_unprotect,
	.may_be_behind = shadow_may_be_behind,
	.sync_root = shadow_root_sync,
	.sync_gva = shadow_root_sync_gva,
};
