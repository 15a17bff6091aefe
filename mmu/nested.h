/* SPDX-License-Identifier: MIT */
/*
 * Guests of the guest. A guest (L1) may be a hypervisor: its guest (L2) runs on the
 * same vCPU. Where L2 runs on L1's nested tables, nGPA is what L2 calls physical;
 * gpa is always L1's.
 *
 *	VM	L1 gives its guest	the hardware walks
 *	TDP	no nested paging	our nested tables, a tree for L2
 *	SHADOW	no nested paging	our shadow of L2's tables
 *	either	nested tables		our shadow of them, under L2's own tables
 *
 * Context: as mmu.h says.
 */
#ifndef MMU_NESTED_H
#define MMU_NESTED_H

#include "mmu/mmu.h"

/*
 * How an inner guest (L2) runs: what the VMRUN of the guest (L1) said, and L1's
 * own registers then, which decide how its nested tables look.
 */
struct mmu_nested {
	bool np;		/* nested paging: L2 runs on L1's nested tables */
	u64 ncr3;		/* np: where they begin, a gpa */
	u64 cr0, cr4, efer;	/* np: L1's */
};

/*
 * May the host offer nested paging to its guest? Only in TDP mode, and if this build
 * has the shadow MMU. A guest that was offered it keeps it if the mode changes.
 */
bool mmu_nested_paging(const struct mmu_vm *vm);

/*
 * L1's nested tables have the format of its own paging at VMRUN: 2-level, PAE, four or
 * five levels. With fewer than four they translate 32 bits of nGPA, and nothing lies
 * beyond. The four entries of PAE are read from memory as they are needed: a change
 * counts from the next flush on.
 *
 * Hardware has nested tables as deep as the paging of who runs there can be. So a
 * machine with a tdp_level of 4 has no CR4.LA57 to offer to its guest: with 48 bits of
 * nGPA to translate, our tables cannot do what five levels of L1's can.
 */

/*
 * L2 runs from now on: L1 executed VMRUN. Everything else that takes the vCPU is
 * about L2 then: registers, faults, mmu_read_gva() and the like. SMM is not entered
 * before L2 was left.
 *
 *   nested   what does not count without np is ignored
 *   regs     L2's
 *   returns  OK
 *            EXIST   L2 runs already
 *            INVAL   nested paging while L1 does not page itself
 *            NOSUPP  nested paging where mmu_nested_paging() says no; or L1's nested
 *                    tables have five levels and tdp_level is 4
 *            Unless OK nothing has changed, and the VMRUN fails for L1.
 *   events   nested_enter, guest_cr3, mmu_role, root_set and root_count of the root
 *            that is left, flush_request, flush_vcpu
 *   source   AMD64 Manual volume 2, 15.5 "VMRUN Instruction", 15.25 "Nested Paging"
 */
enum mmu_status __must_check mmu_nested_enter(struct mmu_vcpu *vcpu,
					      const struct mmu_nested *nested,
					      const struct mmu_regs *regs);

/*
 * L2 was left (#VMEXIT to L1), which must run: L1 runs from now on, with these
 * registers.
 *
 *   events   nested_leave, and as of mmu_nested_enter()
 */
void mmu_nested_leave(struct mmu_vcpu *vcpu, const struct mmu_regs *regs);

/*
 * L1 flushed the translations of its guests on this vCPU: TLB_CONTROL, another
 * ASID, INVLPGA. Till then L2 may go on with L1's nested tables as they were.
 *
 *   events   nested_flush, flush_request, flush_vcpu
 */
void mmu_nested_flush(struct mmu_vcpu *vcpu);

/*
 * L1 is no hypervisor any more on this vCPU (it cleared EFER.SVME); L2 does not
 * run. When the last vCPU says so, all that was built for L2 is given up.
 *
 *   events   sp_zap, sp_free and what goes with them
 */
void mmu_nested_free(struct mmu_vcpu *vcpu);

#endif
