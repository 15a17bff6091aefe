/* SPDX-License-Identifier: MIT */
/* The frame of every operation: lock, flush, free; and the host's pages. */
#include "mmu/epoch.h"
#include "mmu/flush.h"
#include "mmu/memslot.h"

void op_begin(struct mmu_op *op, struct mmu_vm *vm, struct mmu_vcpu *vcpu, bool write)
{
	*op = (struct mmu_op){ .vm = vm, .vcpu = vcpu, .locked = write ? OP_WRITE : OP_READ };
	list_init(&op->zapped);
	if (write)
		rw_write_lock(vm->env, &vm->lock);
	else
		rw_read_lock(vm->env, &vm->lock);
}

bool op_stock(const struct mmu_vm *vm, struct page_reserve *reserve)
{
	return reserve_fill(vm->env, reserve, FAULT_PAGES + SPLIT_PAGES);
}

static u32 pages_wanted(const struct mmu_vm *vm)
{
	return FAULT_PAGES + (mmu_get_knob(vm, MMU_KNOB_eager) ? SPLIT_PAGES : 0);
}

enum mmu_status op_begin_stocked(struct mmu_op *op, struct mmu_vcpu *vcpu, bool write)
{
	if (!reserve_fill(vcpu->vm->env, &vcpu->reserve, pages_wanted(vcpu->vm)))
		return MMU_NOMEM;
	op_begin(op, vcpu->vm, vcpu, write);
	op->reserve = &vcpu->reserve;
	return MMU_OK;
}

/* After the flush no hardware walker is inside the zapped pages; library
 * readers may still be. */
static void op_free_zapped(struct mmu_op *op)
{
	mmu_check(op->vm, list_is_empty(&op->zapped) || !op->owed,
		  "N-4: pages are freed while a flush is owed", op->owed, op->range.start);
	if (!list_is_empty(&op->zapped))
		mmu_point(op->vm, zap_prepared);
	while (!list_is_empty(&op->zapped)) {
		struct sp *sp = list_entry(op->zapped.prev, struct sp, active);

		list_remove(&sp->active);
		epoch_defer(op->vm, sp);
	}
}

/* Who takes the lock next may rely on it that no TLB knows more than the tables. */
static void op_unlock(struct mmu_op *op)
{
	mmu_check(op->vm, !op->owed, "U-2: the lock is given back while a flush is owed", op->owed,
		  op->range.start);
	if (op->locked == OP_WRITE)
		rw_write_unlock(&op->vm->lock);
	else
		rw_read_unlock(&op->vm->lock);
}

static void settle(struct mmu_op *op)
{
	if (!list_is_empty(&op->zapped) && !op->owed)
		flush_need(op, FLUSH_zap_sp, 0, 0);
	flush_pay(op);
	op_free_zapped(op);
	op_unlock(op);
	epoch_reap(op->vm);
}

void op_end(struct mmu_op *op)
{
	settle(op);
	op->locked = OP_UNLOCKED;
	if (op->awaits_slots)
		slots_wait(op->vm);
}

static void lock_again(struct mmu_op *op)
{
	if (op->locked == OP_WRITE)
		rw_write_lock(op->vm->env, &op->vm->lock);
	else
		rw_read_lock(op->vm->env, &op->vm->lock);
}

void op_yield(struct mmu_op *op)
{
	settle(op);
	op->work = 0;
	mmu_point(op->vm, yield);
	lock_again(op);
}

void op_wait(struct mmu_op *op)
{
	settle(op);
	op->vm->env->relax(op->vm->env->ctx);
	lock_again(op);
}

hpa_t mmu_page_alloc(struct mmu_vm *vm, struct page_reserve *reserve)
{
	hpa_t hpa = reserve_take(vm->env, reserve);

	if (hpa != HPA_INVALID)
		atomic_fetch_add_explicit(&vm->pages, 1, memory_order_relaxed);
	return hpa;
}

void mmu_page_free(struct mmu_vm *vm, hpa_t page_hpa)
{
	atomic_fetch_sub_explicit(&vm->pages, 1, memory_order_relaxed);
	vm->env->page_free(vm->env->ctx, page_hpa);
}
