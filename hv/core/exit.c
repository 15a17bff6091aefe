/* SPDX-License-Identifier: MIT */
/*
 * The exits that need no more than a few lines; the larger ones have files of
 * their own (exit_cr.c, exit_io.c, exit_msr.c, exit_cpuid.c, exit_fault.c).
 */
#include "hv/core/emulate.h"
#include "hv/core/vcpu.h"
#include "mmu/mode.h"

#define OPCODE_NOP 0x90

/* KVM's number for it, which guests know. */
#define NO_SUCH_HYPERCALL ((u64)-1000)

void exit_nothing(struct vcpu *v)
{
	(void)v;
}

/* An instruction without effect on us: the guest goes on after it. */
void exit_skip(struct vcpu *v)
{
	struct insn i;

	if (!vcpu_decode(v, &i))
		return;
	if (v->exit.kind == CH_EXIT_wbinvd && v->regs.cpl) {
		vcpu_inject_gp(v);
		return;
	}
	vcpu_skip(v, i.len);
}

/* In a loop that waits, most likely: for one that cannot run as long as this one
 * does. */
void exit_pause(struct vcpu *v)
{
	u8 bytes[INSN_MAX_LEN];
	size_t n = vcpu_fetch(v, bytes), len = 0;

	while (len < n && bytes[len] != OPCODE_NOP) /* F3, perhaps more prefixes, 90 */
		len++;
	if (len < n)
		vcpu_skip(v, (unsigned)len + 1);
	cpus_this(v->vm)->slice_end = 0;
}

void exit_hlt(struct vcpu *v)
{
	vcpu_skip(v, 1);
	vcpu_set_state(v, CH_HALTED);
}

/* There are no hypercalls: to whatever is asked the answer is that. */
void exit_hypercall(struct vcpu *v)
{
	struct insn i;

	if (!vcpu_decode(v, &i))
		return;
	v->regs.gpr[RAX] = NO_SUCH_HYPERCALL;
	vcpu_skip(v, i.len);
}

/* What this CPU does not have, by CPUID. */
void exit_undefined(struct vcpu *v)
{
	vcpu_inject_ud(v);
}

/* INVLPG exits only under shadow paging. */
void exit_invlpg(struct vcpu *v)
{
	struct insn i;

	if (!vcpu_decode(v, &i))
		return;
	if (i.op != INSN_INVLPG) {
		vcpu_inject_ud(v);
		return;
	}
	mmu_invlpg(v->walk_mmu, vcpu_operand_gva(v, &i));
	vcpu_skip(v, i.len);
}

/* INT n of the guest's own, seen only because breakpoints are planted or because
 * of a step: it is delivered by us. */
static void debug_forward(struct vcpu *v)
{
	struct insn i;

	if (!vcpu_decode(v, &i))
		return;
	v->event = (struct vcpu_event){
		.type = VCPU_EVENT_SOFT,
		.vector = i.op == INSN_INTN ? (u8)i.imm : i.op == INSN_INT3 ? X86_BP : X86_OF,
	};
	vcpu_emit(v, inject, v->event.vector, VCPU_EVENT_SOFT, 0, 0);
	vcpu_advance(v, i.len);
}

/* A planted breakpoint or a step asked for by us; anything else is the guest's
 * own affair. */
void exit_debug(struct vcpu *v)
{
	if (v->exit.soft && debug_at_rip(v))
		gdb_hit_breakpoint(v->vm, v->id);
	else if (v->exit.soft)
		debug_forward(v);
	else if (v->nmi.steps)
		step_end(v);
	else if (!vcpu_is_stepping(v))
		vcpu_inject(v, X86_DB, 0);
	else {
		step_end(v);
		vcpu_step_done(v);
	}
}

/* An RSM of a guest in SMM may be undefined for the CPU before it is intercepted. */
static bool exit_is_rsm(struct vcpu *v)
{
	u8 bytes[INSN_MAX_LEN];
	struct insn i;

	return v->smm.active &&
	       insn_decode(bytes, vcpu_fetch(v, bytes), vcpu_mode(v), &i) == INSN_OK &&
	       i.op == INSN_RSM;
}

void exit_exception(struct vcpu *v)
{
	if (v->exit.vector == X86_MC)
		v->vm->p->panic("machine check in the guest, rip %#lx", v->regs.rip);
	if (v->exit.vector == X86_UD && exit_is_rsm(v) && smm_resume(v))
		return;
	vcpu_inject(v, v->exit.vector, v->exit.vector_code);
}

void exit_shutdown(struct vcpu *v)
{
	vm_end(v->vm, 120, "triple fault");
}

/*
 * Not only our own mistakes end here: QEMU does so when a guest under TDP loads
 * CR3 with bits above the physical address, instead of giving it a #GP.
 */
void exit_invalid(struct vcpu *v)
{
	bool tdp = mmu_vcpu_mode(v->mmu) == MMU_MODE_TDP;

	v->vm->p->log("the hardware refused the guest's state: rip %#lx cr0 %#lx cr3 %#lx cr4 %#lx "
		      "efer %#lx",
		      v->regs.rip, v->regs.cr0, v->regs.cr3, v->regs.cr4, v->regs.efer);
	vm_end(v->vm, 125, tdp ? "the hardware refused the guest's state, as QEMU's does that of "
				 "one which sets reserved bits of CR3"
			       : "the hardware refused the guest's state");
}

/* Task switches by hardware, RDPMC and the like: not offered. */
void exit_other(struct vcpu *v)
{
	if (vm_may_complain(v->vm))
		v->vm->p->log("exit %#x at rip %#lx is not offered to guests: #GP", v->exit.code,
			      v->regs.rip);
	vcpu_inject_gp(v);
}
