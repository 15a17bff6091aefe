/* SPDX-License-Identifier: MIT */
/*
 * System-management mode, as a guest lives it.
 *
 * An SMI is kept until the vCPU is between two instructions, has no event to
 * deliver and is not in SMM already; several are one. Then the interrupted state
 * goes to the state-save area at SMBASE + FE00, the vCPU to address space 1 (where
 * SMRAM is) and to SMBASE + 8000 in a real mode with limits of 4 GiB. RSM takes the
 * state back from the area, changed by the handler or not.
 *
 *   SMBASE          it begins at 30000; the saved one is the next one
 *   NMI, SMI        wait until RSM; INTR too, unless the handler sets IF
 *   HLT             a halted vCPU halts again after RSM, unless the handler clears the
 *                   byte that says so
 *   I/O restart     not offered: an OUT that brings about an SMI is complete when the
 *                   SMI comes. The revision's bit 16 says so
 *   a guest's guest its hypervisor must leave it first: mmu_nested_leave()
 *
 * source: APM2 10.2 "SMM Resources", 10.3 "Using SMM"
 */
#ifndef HV_CORE_SMM_H
#define HV_CORE_SMM_H

#include "hv/core/x86.h"

struct vcpu;
struct vm;

#define SMM_BASE_RESET 0x30000u
#define SMM_ENTRY      0x8000u /* from SMBASE */
#define SMM_AREA       0xfe00u /* from SMBASE */

/*
 * Legacy SMRAM: what is behind the window of the VGA. Outside SMM these frames are
 * not memory.
 */
#define SMRAM_GPA  0xa0000u
#define SMRAM_SIZE 0x20000u

struct smm {
	bool active;  /* in SMM */
	bool pending; /* an SMI that was not delivered yet */
	u64 cause;    /* pending: number of the event that asked for it */
	u32 base;     /* SMBASE */
	u64 rip;      /* active: where it was interrupted, */
	bool halted;  /* and whether it was halted there */
};

/*
 * What a PC's firmware does before the system starts: SMBASE of every vCPU goes to
 * SMRAM, where a handler is. It does RSM, and one thing more: when the byte in the
 * APM control port (b2) is SMM_GIVE_UP, SMBASE goes back to 30000 and SMM is the
 * guest's own affair.
 *
 *   context  vm_create() has succeeded, nothing has run
 */
void smm_firmware(struct vm *vm);
#define SMM_GIVE_UP 0x30u
#define SMM_STRIDE  0x400u /* from one vCPU's SMBASE to the next */

/* By CPUID: which layout the state-save area has. */
bool smm_has_long_mode(const struct vcpu *v);

/* An SMI for this vCPU. */
void smm_request(struct vcpu *v);

/* Whether an SMI waits that is not blocked; it wakes a halted vCPU. */
bool smm_waits(const struct vcpu *v);

/*
 * Delivers the SMI that waits, if the vCPU has no event to deliver before.
 *
 *   context  between two runs of the guest
 *   returns  true: the vCPU is at the handler's first instruction
 *   events   regs (as they were), smi, those of mmu_set_regs() and mmu_vcpu_write()
 */
bool smm_deliver(struct vcpu *v);

/* That the vCPU is in SMM, if it is, for a snapshot. events: smi */
void smm_snapshot(struct vcpu *v);

/*
 * The guest's RSM; exit_rsm() of exit.def calls it, and so does whoever sees the
 * #UD that some machines raise for it.
 *
 *   returns  false: not in SMM, nothing was done
 *   events   rsm, regs, those of mmu_set_regs(); guest_end for a save area that holds
 *            no possible state
 */
bool smm_resume(struct vcpu *v);

#endif
