/* SPDX-License-Identifier: MIT */
/*
 * The change of the MMU that serves a VM. Under one hold of the lock the mode is
 * another one and every page of the old MMU is obsolete or invalid, so no fault that
 * was on its way makes an entry there. Only the vCPU itself changes the back end of
 * its context, when it enters: what it does till then is about the tables it had.
 */
#include "mmu/mode.h"
#include "mmu/backend.h"
#include "mmu/memslot.h"
#include "mmu/roots.h"
#include "mmu/sp.h"
#include "mmu/vcpu.h"

const struct mmu_backend *vm_backend(const struct mmu_vm *vm, enum mmu_mode mode)
{
	return mode == MMU_MODE_TDP ? vm->tdp : vm->shadow;
}

enum mmu_mode mmu_get_mode(const struct mmu_vm *vm)
{
	return __atomic_load_n(&vm->config.mode, __ATOMIC_RELAXED);
}

enum mmu_mode mmu_vcpu_mode(const struct mmu_vcpu *vcpu)
{
	return vcpu->mmu == &vcpu->guest_mmu || !vcpu->mmu->backend->indirect ? MMU_MODE_TDP :
									       MMU_MODE_SHADOW;
}

/* ---- the VM ------------------------------------------------------------------------- */

/* returns  NOMEM: nothing has changed */
static enum mmu_status make_ready(struct mmu_vm *vm, enum mmu_mode mode)
{
	if (mode == MMU_MODE_TDP) {
		vm->tdp_used = true;
		return MMU_OK;
	}
	return sp_hash_init(vm) == MMU_OK ? slots_make_rmaps(vm) : MMU_NOMEM;
}

/* Others may have had the lock just before: it may be done. */
static enum mmu_status change(struct mmu_op *op, enum mmu_mode mode, const struct mmu_backend *old)
{
	struct mmu_vm *vm = op->vm;
	enum mmu_status status;

	if (mmu_get_mode(vm) == mode)
		return MMU_OK;
	status = make_ready(vm, mode);
	if (status != MMU_OK)
		return status;
	__atomic_store_n(&vm->config.mode, mode, __ATOMIC_RELAXED);
	vm_emit(vm, MMU_NO_VCPU, mmu_mode, (u8)mode);
	old->obsolete_all(op);
	return MMU_OK;
}

enum mmu_status mmu_set_mode(struct mmu_vm *vm, enum mmu_mode mode)
{
	const struct mmu_backend *old;
	enum mmu_status status;
	struct mmu_op op;

	if (mode != MMU_MODE_SHADOW && mode != MMU_MODE_TDP)
		return MMU_INVAL;
	if (!vm_backend(vm, mode))
		return MMU_NOSUPP;
	if (mmu_get_mode(vm) == mode)
		return MMU_OK;
	old = vm_backend(vm, mode == MMU_MODE_TDP ? MMU_MODE_SHADOW : MMU_MODE_TDP);
	op_begin(&op, vm, NULL, true);
	zap_obsolete_parts(&op, old);
	status = change(&op, mode, old);
	if (status == MMU_OK)
		zap_obsolete_parts(&op, old);
	op_end(&op);
	return status;
}

/* ---- a vCPU -------------------------------------------------------------------------- */

/* guest_mmu's tables are the shadow MMU's in either mode. */
void vcpu_adopt_mode(struct mmu_op *op, struct mmu_vcpu *vcpu)
{
	const struct mmu_backend *backend = vm_backend(vcpu->vm, mmu_get_mode(vcpu->vm));
	struct mmu *mmu = &vcpu->root_mmu;

	if (mmu->backend == backend)
		return;
	roots_drop_context(op, vcpu, mmu);
	mmu->backend = backend;
	mmu->root_role = vcpu_root_role(vcpu, mmu->cpu_role);
	vcpu->same_faults = 0;
	vcpu_emit_role(vcpu, mmu);
}
