/* SPDX-License-Identifier: MIT */
/* The shadow MMU behind the contract of the back ends. */
#include "mmu/flush.h"
#include "mmu/shadow.h"

/* The entry is true already: a store to its table was seen. The hardware may
 * still remember what was before. */
static void shadow_invlpg(struct mmu_vcpu *vcpu, gva_t gva)
{
	(void)gva;
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
	.write_protect = shadow_write_protect,
	.guest_wrote = shadow_guest_wrote,
	.unprotect = shadow_unprotect,
	.invlpg = shadow_invlpg,
	.guest_flush = shadow_guest_flush,
};
