/* SPDX-License-Identifier: MIT */
/*
 * The guest's registers, and what it asks of its TLB: a part of the library's public
 * face (mmu.h).
 */
#ifndef MMU_GUEST_REGS_H
#define MMU_GUEST_REGS_H

#include "mmu/types.h"

struct mmu_vcpu;

/* The guest's registers that decide about translation. */
struct mmu_regs {
	u64 cr0, cr3, cr4, efer;
	u8 cpl;		/* 0..3, of the access to come; walks for tools use 0 */
	bool ac;	/* RFLAGS.AC, for SMAP; of no effect with cpl 3 */
	bool smm;	/* in system-management mode: address space 1 */
};

enum mmu_cr3_load {
	MMU_CR3_NONE,		/* no load of CR3 */
	MMU_CR3_LOAD,		/* also with the same value: flushes what is not global */
	MMU_CR3_LOAD_NOFLUSH,	/* bit 63 was set, with CR4.PCIDE; not part of regs->cr3 */
};

/*
 * Tells the guest's registers after they changed (MOV to CR0, CR3, CR4, EFER,
 * SMI, RSM, reset; also at the first run). Values are the guest's own.
 *
 * A changed paging mode gives a new role and root and flushes everything, so does
 * a change of CR4.PGE or PCIDE. A load of CR3 flushes what is not global, with
 * PCIDs of the loaded one only. Without a flush the vCPU may come back to tables
 * as they were when it left them.
 *
 * A PAE guest's PDPTEs are read from memory when they are needed, as by AMD's
 * processors, not with CR3: a change counts from the next flush of the address on.
 *
 *   load     says what the guest did; that CR4.PCIDE may be set and bit 63 be used
 *            is the host's to check
 *   events   mmu_role, guest_cr3, guest_flush, request, flush_request, flush_vcpu;
 *            root_count and root_set of previous roots, with PCIDs
 *   source   AMD64 Manual volume 2, 5.5.1 "Process Context Identifiers" and 5.5.3
 *            "TLB Management"
 */
void mmu_set_regs(struct mmu_vcpu *vcpu, const struct mmu_regs *regs, enum mmu_cr3_load load);

/* The registers last told. */
const struct mmu_regs *mmu_get_regs(const struct mmu_vcpu *vcpu);

/*
 * The guest executed INVLPG. Any gva; a non-canonical one does nothing. It holds
 * for every address space the vCPU has tables of: global translations have no PCID.
 *
 *   events   guest_invlpg, flush_request, request, flush_vcpu; spte_set and others
 *            of entries that were behind
 */
void mmu_invlpg(struct mmu_vcpu *vcpu, gva_t gva);

enum mmu_invpcid {
	MMU_INVPCID_ADDRESS,	/* gva in one PCID, but for global translations */
	MMU_INVPCID_CONTEXT,	/* one PCID, but for global translations */
	MMU_INVPCID_ALL,	/* all PCIDs and global translations */
	MMU_INVPCID_NONGLOBAL,	/* all PCIDs, but for global translations */
};

/*
 * The guest executed INVPCID.
 *
 *   type     the register operand; any value
 *   pcid     the low half of the descriptor, gva its high half
 *   returns  false: #GP for the guest, nothing was done: no such type, a PCID of
 *            more than 12 bits, or one other than 0 without CR4.PCIDE
 *   events   guest_invpcid, and those of mmu_invlpg() or of a flush
 *   source   AMD64 Manual volume 3, INVPCID
 */
bool mmu_invpcid(struct mmu_vcpu *vcpu, enum mmu_invpcid type, u64 pcid, gva_t gva);

#endif
