/* SPDX-License-Identifier: MIT */
/*
 * Page faults the hardware could not resolve: the MMU says what they are.
 */
#include "hv/core/emulate.h"
#include "hv/core/vcpu.h"

/* So many retries in a row are no accident. */
#define RETRIES_TO_TELL 64u

/*
 * The way out when the instruction is not one we can carry out: of a table all
 * shadows are given up, and the CPU does it by itself. (If there are none any more,
 * another vCPU has given them up.) That cannot help where the table is needed to
 * get at itself; such a guest ends as a livelock.
 */
static void fault_give_up(struct vcpu *v, const struct mmu_fault *fault)
{
	if (fault->table) {
		mmu_unprotect(v->vm->mmu, fault->gpa >> PAGE_SHIFT);
		if (v->livelock.times == RETRIES_TO_TELL && vm_may_complain(v->vm))
			v->vm->p->log("an instruction that is not emulated, at rip %#lx, writes to "
				      "a page table at gpa %#lx which maps itself",
				      v->regs.rip, fault->gpa);
		return;
	}
	if (vm_may_complain(v->vm))
		v->vm->p->log("cannot emulate the instruction at rip %#lx (access to gpa %#lx): "
			      "#UD",
			      v->regs.rip, fault->gpa);
	vcpu_inject_ud(v);
}

/*
 * The CPU stored to a stack or read a descriptor by itself, to deliver an event;
 * what stands at RIP has nothing to do with it. The event comes again when the
 * guest goes on.
 */
static void fault_in_delivery(struct vcpu *v, const struct mmu_fault *fault)
{
	if (fault->table) {
		mmu_unprotect(v->vm->mmu, fault->gpa >> PAGE_SHIFT);
		return;
	}
	v->vm->p->log("an event's delivery at rip %#lx needs gpa %#lx, where no memory is",
		      v->regs.rip, fault->gpa);
	vm_end(v->vm, 125, "an interrupt or exception cannot be delivered: no memory there");
}

static void fault_emulate(struct vcpu *v, const struct mmu_fault *fault)
{
	u8 bytes[INSN_MAX_LEN];
	size_t n = vcpu_fetch(v, bytes);
	u64 rip = v->regs.rip;
	enum insn_status status;
	struct insn i;
	bool ok;

	status = insn_decode(bytes, n, vcpu_mode(v), &i);
	if (status == INSN_SHORT) /* code went away meanwhile: the guest faults by itself */
		return;
	ok = status == INSN_OK && emulate_insn(v, &i);
	if (v->vm->env.events_on)
		hv_emit_tail(v->vm->p->em, v->id, emulate, bytes, ok ? i.len : n, rip, fault->gpa,
			     ok);
	if (!ok)
		fault_give_up(v, fault);
}

/* Faults of several vCPUs are served at the same time. */
static enum mmu_verdict fault_serve(struct vcpu *v, struct mmu_fault *fault)
{
	enum mmu_verdict verdict;

	vcpu_sync_mmu(v);
	cpus_leave(v->vm);
	verdict = mmu_fault(v->mmu, v->exit.addr, v->exit.error, fault);
	cpus_return(v->vm);
	return verdict;
}

/* With nested paging the CPU reads the guest's tables by itself, and does not say for
 * which address: nothing can be done for a guest that keeps them in no memory. */
static bool fault_walks_nowhere(const struct vcpu *v, const struct mmu_fault *fault)
{
	return fault->mmio && !fault->table && v->exit.error & PFERR_GUEST_PAGE;
}

void exit_fault(struct vcpu *v)
{
	struct mmu_fault fault = { 0 };

	switch (fault_serve(v, &fault)) {
	case MMU_RETRY:
	case MMU_SPURIOUS:
		break;
	case MMU_INJECT:
		vcpu_inject_pf(v, fault.error, fault.gva);
		break;
	case MMU_EMULATE:
		if (fault_walks_nowhere(v, &fault))
			vm_end(v->vm, 125, "its page tables lie where no memory is");
		else if (v->exit.delivering)
			fault_in_delivery(v, &fault);
		else
			fault_emulate(v, &fault);
		break;
	case MMU_REFLECT:
		v->vm->p->panic("a fault to reflect, but no inner hypervisor runs");
	case MMU_NO_MEMORY:
		vm_end(v->vm, 125, "out of memory for page tables");
		break;
	case MMU_STUCK:
		v->vm->p->log("the guest is stuck at rip %#lx: address %#lx, error %#lx faults for ever though it is mapped",
			      v->regs.rip, v->exit.addr, v->exit.error);
		vm_end(v->vm, 125, "livelock");
		break;
	}
}
