/* SPDX-License-Identifier: MIT */
/*
 * The front door: what a host calls while a vCPU runs. It decides nothing about
 * entries; that is the back end's.
 */
#include "mmu/backend.h"
#include "mmu/fast_fault.h"
#include "mmu/flush.h"
#include "mmu/gwalk.h"
#include "mmu/mmio.h"
#include "mmu/mode.h"
#include "mmu/roots.h"
#include "mmu/vcpu.h"

/* The same access that faults so often, and nothing is ever wrong: the vCPU may
 * hold a stale translation, so its TLB is emptied; if that does not help, our
 * tables and the hardware do not agree, and the guest stands still. */
#define SAME_FAULTS_FLUSH	8
#define SAME_FAULTS_STUCK	512

/* ---- roles ------------------------------------------------------------ */

void vcpu_emit_role(struct mmu_vcpu *vcpu, const struct mmu *mmu)
{
	vm_emit(vcpu->vm, vcpu->id, mmu_role, mmu->cpu_role.base.word, mmu->cpu_role.ext.word,
		mmu->root_role.word, (u8)context_id(vcpu, mmu));
}

/* returns  whether the guest's configuration changed */
static bool set_role(struct mmu_vcpu *vcpu, struct mmu *mmu, struct cpu_role cpu,
		     union mmu_role root)
{
	if (cpu.base.word == mmu->cpu_role.base.word && cpu.ext.word == mmu->cpu_role.ext.word)
		return false;
	mmu->cpu_role = cpu;
	/* What mirrors guest tables also depends on what the root role omits. */
	if (mmu == vcpu->mmu && (root.word != mmu->root_role.word || mmu->backend->indirect))
		vcpu_ask(vcpu, MMU_REQ_RELOAD);
	mmu->root_role = root;
	gwalk_init_permissions(mmu);
	vcpu_emit_role(vcpu, mmu);
	return true;
}

/* On this machine. */
static union mmu_role root_role(const struct mmu_vcpu *vcpu, union mmu_role role)
{
	role.ad_disabled = vcpu->vm->config.ad_disabled;
	return role;
}

union mmu_role vcpu_root_role(const struct mmu_vcpu *vcpu, struct cpu_role cpu)
{
	return root_role(vcpu, vcpu->root_mmu.backend->indirect ?
				       role_root_shadow(cpu) :
				       role_root_tdp(cpu, vcpu->vm->config.tdp_level));
}

bool vcpu_set_role(struct mmu_vcpu *vcpu)
{
	struct cpu_role cpu = vcpu->inner ? role_cpu_inner(&vcpu->regs) : role_cpu(&vcpu->regs);
	struct cpu_role npt;

	if (vcpu->mmu != &vcpu->guest_mmu)
		return set_role(vcpu, &vcpu->root_mmu, cpu, vcpu_root_role(vcpu, cpu));
	npt = role_cpu_npt(&vcpu->nested, vcpu->regs.smm);
	set_role(vcpu, &vcpu->guest_mmu, npt,
		 root_role(vcpu, role_root_npt(npt, vcpu->vm->config.tdp_level)));
	return set_role(vcpu, &vcpu->nested_mmu, cpu, (union mmu_role){ 0 });
}

/* ---- entering and leaving ------------------------------------------------------------- */

/* Nothing is asked for that has to be done before the mark of guest mode. */
static bool is_prepared(struct mmu_vcpu *vcpu)
{
	return vcpu_has_root(vcpu) && !(atomic_load(&vcpu->requests) & MMU_REQ_SYNC);
}

static void take_flush(struct mmu_vcpu *vcpu, struct mmu_entry *entry)
{
	u32 taken = vcpu_take(vcpu, MMU_REQ_FLUSH | MMU_REQ_NONGLOBAL);

	entry->flush = taken & MMU_REQ_FLUSH ? MMU_FLUSH_ALL :
		       taken ? MMU_FLUSH_NONGLOBAL : MMU_FLUSH_NONE;
	if (!taken)
		return;
	stat_add(vcpu->vm, flushes, 1);
	vm_emit(vcpu->vm, vcpu->id, flush_done, vcpu->id, entry->flush == MMU_FLUSH_NONGLOBAL);
}

enum mmu_status mmu_enter(struct mmu_vcpu *vcpu, struct mmu_entry *entry)
{
	enum mmu_status status;
	bool changed;

	for (;;) {
		status = is_prepared(vcpu) ? MMU_OK : roots_prepare(vcpu);
		if (status != MMU_OK)
			return status;
		mmu_point(vcpu->vm, enter_mark);
		atomic_store(&vcpu->in_guest, 1);
		mmu_point(vcpu->vm, enter);
		if (is_prepared(vcpu))
			break;
		atomic_store(&vcpu->in_guest, 0);
	}
	changed = flush_roots_load(vcpu);
	mmu_point(vcpu->vm, enter_flush);
	take_flush(vcpu, entry);
	entry->mode = mmu_vcpu_mode(vcpu);
	mmu_check(vcpu->vm, !changed || entry->flush == MMU_FLUSH_ALL,
		  "Q-5: a root is entered with, and the TLB may know another", vcpu->id,
		  vcpu->mmu->root.sp->id);
	entry->root = vcpu->mmu->root.sp->table_hpa;
	entry->root_level = sp_level(vcpu->mmu->root.sp);
	return MMU_OK;
}

void mmu_leave(struct mmu_vcpu *vcpu)
{
	atomic_store(&vcpu->in_guest, 0);
}

/* ---- faults --------------------------------------------------------------------------- */

static void count_verdict(struct mmu_vm *vm, enum mmu_verdict verdict)
{
	stat_add(vm, faults, 1);
	stat_add(vm, injected, verdict == MMU_INJECT);
	stat_add(vm, emulated, verdict == MMU_EMULATE);
	stat_add(vm, spurious, verdict == MMU_SPURIOUS);
}

/* returns  the verdict, or STUCK instead of one more SPURIOUS */
static enum mmu_verdict guard_progress(struct mmu_vcpu *vcpu, const struct mmu_fault_in *in,
				       enum mmu_verdict verdict)
{
	if (verdict != MMU_SPURIOUS || in->addr != vcpu->last_addr ||
	    in->error != vcpu->last_error)
		vcpu->same_faults = 0;
	vcpu->last_addr = in->addr;
	vcpu->last_error = in->error;
	if (verdict != MMU_SPURIOUS)
		return verdict;
	if (++vcpu->same_faults == SAME_FAULTS_FLUSH)
		flush_vcpu(vcpu, FLUSH_changed, MMU_FLUSH_ALL);
	return vcpu->same_faults < SAME_FAULTS_STUCK ? MMU_SPURIOUS : MMU_STUCK;
}

/*
 * A write to a shadowed table that the hardware does by itself, setting A or D in
 * the guest's own tables on its way: one frame is both. No instruction asks for it,
 * so there is none to emulate.
 */
static enum mmu_verdict let_walk(struct mmu_vcpu *vcpu, const struct mmu_fault_in *in,
				 const struct mmu_fault *fault, enum mmu_verdict verdict)
{
	if (verdict != MMU_EMULATE || !fault->table || !(in->error & PFERR_GUEST_PAGE) ||
	    !vcpu->mmu->root_role.direct)
		return verdict;
	mmu_unprotect(vcpu->vm, fault->gpa >> PAGE_SHIFT);
	return MMU_RETRY;
}

enum mmu_verdict mmu_fault(struct mmu_vcpu *vcpu, u64 addr, u64 error, struct mmu_fault *fault)
{
	const struct mmu_fault_in in = { .addr = addr, .error = error };
	struct mmu_vm *vm = vcpu->vm;
	enum mmu_verdict verdict;

	*fault = (struct mmu_fault){ 0 };
	vm_emit(vm, vcpu->id, fault, addr, error,
		(u8)vcpu->mmu->root_role.direct);
	if (!vcpu_has_root(vcpu)) {
		verdict = MMU_RETRY;
	} else if (error & PFERR_RSVD && mmio_fault(vcpu, &in, fault)) {
		verdict = MMU_EMULATE;
	} else if (fast_fault(vcpu, &in, &verdict)) {
		fault->gpa = addr;
	} else {
		mmu_point(vm, fault);
		verdict = vcpu->mmu->backend->fault(vcpu, &in, fault);
	}
	verdict = let_walk(vcpu, &in, fault, verdict);
	verdict = guard_progress(vcpu, &in, verdict);
	count_verdict(vm, verdict);
	vm_emit(vm, vcpu->id, verdict, addr, (u8)verdict);
	return verdict;
}

/* ---- whole-VM operations ---------------------------------------------------------------- */

bool mmu_unprotect(struct mmu_vm *vm, gfn_t gfn)
{
	bool any = false;
	struct mmu_op op;

	op_begin(&op, vm, NULL, true);
	for (unsigned as = 0; shadow_maybe_present(vm) && as < MMU_NR_AS; as++)
		any |= vm->shadow->unprotect(&op, as, gfn);
	op_end(&op);
	return any;
}
