/* SPDX-License-Identifier: MIT */
/*
 * TLB flushes. The request is written before in_guest is read; a vCPU that
 * enters writes in_guest before it reads its requests. So either the vCPU sees
 * the request, or we see it in the guest and kick it.
 */
#include "mmu/flush.h"

void flush_need_at(struct mmu_op *op, enum flush_why why, gfn_t gfn, u64 npages,
		   const struct mmu_site *site)
{
	bool joins = op->owed;

	op->owed |= 1u << why;
	flush_range_add(&op->range, gfn, npages);
	stat_add(op->vm, flush_requests, 1);
	stat_add(op->vm, flush_joined, joins);
	if (joins)
		mmu_emit(op->vm->env, op_vcpu(op), site, flush_joined, (u8)why, gfn, npages);
	else
		mmu_emit(op->vm->env, op_vcpu(op), site, flush_request, (u8)why, gfn, npages);
}

/* Which of these bits are in the word, each as its event. */
static void tell_requests(struct mmu_vcpu *vcpu, u32 bits, const struct mmu_site *site)
{
	for (unsigned i = 0; i < MMU_NR_REQUESTS; i++)
		if (bits & 1u << i)
			mmu_emit(vcpu->vm->env, vcpu->id, site, request, vcpu->id, (u8)i);
}

void vcpu_ask_at(struct mmu_vcpu *vcpu, u32 requests, const struct mmu_site *site)
{
	bool ordered = events_begin(vcpu->vm);
	u32 before = atomic_fetch_or(&vcpu->requests, requests);

	tell_requests(vcpu, requests & ~before, site);
	events_end(vcpu->vm, ordered);
}

u32 vcpu_take(struct mmu_vcpu *vcpu, u32 requests)
{
	bool ordered = events_begin(vcpu->vm);
	u32 taken = atomic_fetch_and(&vcpu->requests, ~requests) & requests;

	for (unsigned i = 0; i < MMU_NR_REQUESTS; i++)
		if (taken & 1u << i)
			vm_emit(vcpu->vm, vcpu->id, request_done, vcpu->id, (u8)i);
	events_end(vcpu->vm, ordered);
	return taken;
}

static bool vcpu_request(struct mmu_vcpu *vcpu, u32 request)
{
	vcpu_ask(vcpu, request);
	mmu_point(vcpu->vm, flush_look);
	return atomic_load(&vcpu->in_guest);
}

static bool kick_if_in_guest(struct mmu_vcpu *vcpu)
{
	const struct mmu_env *env = vcpu->vm->env;
	bool in_guest = vcpu_request(vcpu, MMU_REQ_FLUSH);

	if (in_guest)
		env->kick(env->ctx, vcpu->id);
	return in_guest;
}

/*
 * Still in the guest with the request unseen? Who came back has seen it. One who was
 * just entering may have emptied his TLB and not seen that his root has gone: he is
 * waited for, since of the tables below it some are given back without another flush.
 */
static bool runs_on_old_entries(struct mmu_vcpu *vcpu)
{
	return atomic_load(&vcpu->in_guest) &&
	       atomic_load(&vcpu->requests) & (MMU_REQ_FLUSH | MMU_REQ_RELOAD);
}

/* Every vCPU is told, kicked and waited for: what always helps. */
static void pay_by_request(struct mmu_op *op)
{
	struct mmu_vm *vm = op->vm;
	bool kicked;

	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++) {
		if (!vm->vcpu[i])
			continue;
		kicked = kick_if_in_guest(vm->vcpu[i]);
		vm_emit(vm, op_vcpu(op), flush_vcpu, (u8)i, kicked);
	}
	mmu_point(vm, flush_wait);
	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++)
		while (vm->vcpu[i] && runs_on_old_entries(vm->vcpu[i]))
			vm->env->relax(vm->env->ctx);
}

void flush_pay(struct mmu_op *op)
{
	if (!op->owed)
		return;
	mmu_point(op->vm, flush_request);
	stat_add(op->vm, flush_batches, 1);
	if (!flush_roots_flush(op))
		pay_by_request(op);
	op->owed = 0;
	op->range = (struct flush_range){ 0 };
	mmu_point(op->vm, flush_paid);
}

void request_all(struct mmu_vm *vm, u32 request)
{
	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++)
		if (vm->vcpu[i])
			vcpu_request(vm->vcpu[i], request);
}

void flush_vcpu(struct mmu_vcpu *vcpu, enum flush_why why, enum mmu_flush scope)
{
	struct mmu_vm *vm = vcpu->vm;

	stat_add(vm, flush_requests, 1);
	vm_emit(vm, vcpu->id, flush_request, (u8)why, 0, 0);
	vcpu_ask(vcpu, scope == MMU_FLUSH_ALL ? MMU_REQ_FLUSH : MMU_REQ_NONGLOBAL);
	vm_emit(vm, vcpu->id, flush_vcpu, vcpu->id, 0);
}
