/* SPDX-License-Identifier: MIT */
/* What the front door's files say to each other about a vCPU and its VM. */
#ifndef MMU_VCPU_H
#define MMU_VCPU_H

#include "mmu/internal.h"

/* Roles from vcpu->regs, if they changed: emits mmu_role, and asks for another
 * root if its role changed. returns  whether the guest's configuration changed */
bool vcpu_set_role(struct mmu_vcpu *vcpu);

/* The role of a root for the guest itself, by the back end its context has. */
union mmu_role vcpu_root_role(const struct mmu_vcpu *vcpu, struct cpu_role cpu);

/* If the VM's mode has changed the guest's own context goes over, without a root.
 * Write lock. events root_count, root_set, mmu_role; as of put_root */
void vcpu_adopt_mode(struct mmu_op *op, struct mmu_vcpu *vcpu);

/* Every knob as it is at first. No event. */
void vm_init_knobs(struct mmu_vm *vm);

/* events  mmu_config and knob for each; knob; mmu_role */
void vm_emit_config(struct mmu_vm *vm);
void vm_emit_knob(struct mmu_vm *vm, enum mmu_knob knob);
void vcpu_emit_role(struct mmu_vcpu *vcpu, const struct mmu *mmu);

/* True if the root slot is good to use: none is, while another is asked for.
 * Who invalidates a root asks for another and owes a flush, so a vCPU that has
 * not seen the request yet leaves the guest before a table goes. */
static inline bool vcpu_has_root(struct mmu_vcpu *vcpu)
{
	return vcpu->mmu->root.sp && !(atomic_load(&vcpu->requests) & MMU_REQ_RELOAD);
}

#endif
