/* SPDX-License-Identifier: MIT */
/*
 * One vCPU: entry, exit, injection, and the small questions every exit
 * handler asks about its mode.
 */
#ifndef HV_CORE_VCPU_H
#define HV_CORE_VCPU_H

#include "hv/core/decode.h"
#include "hv/core/vm.h"

/* Enters the guest once and handles the exit. context: not stopped, not halted */
void vcpu_turn(struct vcpu *v);

/* Whether v runs one instruction only, and what is to be done when it has. */
bool vcpu_is_stepping(const struct vcpu *v);
void vcpu_step_done(struct vcpu *v);

void vcpu_set_state(struct vcpu *v, enum ch_vstate state);

/* ---- mode ---- */

enum insn_mode vcpu_mode(struct vcpu *v);
static inline bool vcpu_paging(const struct vcpu *v)
{
	return v->regs.cr0 & CR0_PG;
}

/*
 * Tells the MMU the registers it does not know yet: under TDP the guest loads
 * CR3 by itself. Needed before any walk of the guest's tables.
 */
void vcpu_sync_mmu(struct vcpu *v);

/* The same after the core itself changed CR0, CR3, CR4 or EFER. */
void vcpu_tell_mmu(struct vcpu *v, enum mmu_cr3_load load);

/* Access bits of a data access by the guest at its present privilege. */
u64 vcpu_access(const struct vcpu *v);

static inline struct lapic *vcpu_lapic(struct vcpu *v)
{
	return &v->vm->board.apics.cpu[v->id];
}

/* What CPUID tells the guest. out: EAX EBX ECX EDX */
void vcpu_cpuid(struct vcpu *v, u32 leaf, u32 sub, u32 out[4]);

/* The bits of CR4 that this CPU has. */
u64 vcpu_cr4_offered(const struct vcpu *v);

/* ---- instructions ---- */

/* Outside 64-bit code linear addresses have 32 bits: behind the last is the first. */
static inline gva_t vcpu_wrap(struct vcpu *v, gva_t gva)
{
	return vcpu_mode(v) == INSN_MODE64 ? gva : (u32)gva;
}

/* The linear address of RIP. */
gva_t vcpu_rip_gva(struct vcpu *v);

/* Bytes at RIP, up to 15; returns how many could be read (0: fetch would fault). */
size_t vcpu_fetch(struct vcpu *v, u8 bytes[INSN_MAX_LEN]);

/*
 * Fetches and decodes the instruction at RIP.
 *
 *   returns  false: it cannot be fetched now, or is not one we know and a #UD is
 *            queued; the caller lets the guest run again
 */
bool vcpu_decode(struct vcpu *v, struct insn *i);

/* RIP past an instruction of len bytes; clears RF and the interrupt shadow. */
void vcpu_advance(struct vcpu *v, unsigned len);

/* The same for one that was carried out for the guest; a guest that traces itself
 * gets its trap. events: inject */
void vcpu_skip(struct vcpu *v, unsigned len);

/* ---- injection ---- */

/*
 * Queues an exception. If one is being delivered already they combine as the
 * architecture says: to #DF, or to a shutdown.
 *
 *   events   inject
 *   source   APM2 8.2.9 "#DF-Double-Fault Exception (Vector 8)"
 */
void vcpu_inject(struct vcpu *v, u8 vector, u32 code);
void vcpu_inject_pf(struct vcpu *v, u64 error, gva_t gva);

/* The single-step trap of a guest that set TF. events: inject */
void vcpu_trap(struct vcpu *v);

static inline void vcpu_inject_gp(struct vcpu *v)
{
	vcpu_inject(v, X86_GP, 0);
}

static inline void vcpu_inject_ud(struct vcpu *v)
{
	vcpu_inject(v, X86_UD, 0);
}

/* ---- exits ---- */

/* Each handles one kind (exit.def). */
#define EXIT(kind, handler) void handler(struct vcpu *v);
#include "hv/core/exit.def"

#endif
