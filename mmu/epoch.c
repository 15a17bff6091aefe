/* SPDX-License-Identifier: MIT */
/*
 * Read brackets. A reader notes the epoch in which it began. A page that was
 * unlinked is queued with the epoch of that moment, and the epoch advances: who
 * began later cannot find the page any more, so it may go when every reader
 * inside has a later epoch.
 *
 * The reader stores its epoch before it looks at the tables, the freeing side
 * unlinks before it looks at the readers' epochs (a full fence between the two
 * in both): one of them sees the other.
 */
#include "mmu/epoch.h"
#include "mmu/sp.h"

void mmu_read_begin(struct mmu_vcpu *vcpu)
{
	u64 epoch = atomic_load(&vcpu->vm->epoch);

	mmu_point(vcpu->vm, read_begin);
	atomic_store(&vcpu->epoch, epoch);
	/* No look at a table is moved before the store. */
	atomic_thread_fence(memory_order_seq_cst);
}

void mmu_read_end(struct mmu_vcpu *vcpu)
{
	atomic_store_explicit(&vcpu->epoch, 0, memory_order_release);
}

/* A free place, taken for the present epoch; NULL: there is none. */
static _Atomic u64 *take_place(struct mmu_vm *vm)
{
	u64 epoch = atomic_load(&vm->epoch);

	mmu_point(vm, read_begin);
	for (unsigned i = 0; i < MMU_OUTSIDE_READERS; i++) {
		u64 none = 0;

		if (atomic_compare_exchange_strong(&vm->outside[i], &none, epoch))
			return &vm->outside[i];
	}
	return NULL;
}

_Atomic u64 *mmu_outside_begin(struct mmu_vm *vm)
{
	_Atomic u64 *reader;

	while (!(reader = take_place(vm)))
		vm->env->relax(vm->env->ctx);
	atomic_thread_fence(memory_order_seq_cst);
	return reader;
}

void mmu_outside_end(_Atomic u64 *reader)
{
	atomic_store_explicit(reader, 0, memory_order_release);
}

void epoch_defer(struct mmu_vm *vm, struct sp *sp)
{
	spin_lock(vm->env, &vm->free_lock);
	sp->free_epoch = atomic_fetch_add(&vm->epoch, 1);
	list_add(&sp->active, &vm->deferred);
	atomic_fetch_add(&vm->nr_deferred, 1);
	spin_unlock(&vm->free_lock);
}

/* The epoch of the reader that is inside longest; ~0 if none is. */
static u64 oldest_reader(struct mmu_vm *vm)
{
	u64 oldest = ~0ull;

	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; i < MMU_OUTSIDE_READERS; i++) {
		u64 epoch = atomic_load(&vm->outside[i]);

		if (epoch && epoch < oldest)
			oldest = epoch;
	}
	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++) {
		struct mmu_vcpu *vcpu = __atomic_load_n(&vm->vcpu[i], __ATOMIC_ACQUIRE);
		u64 epoch = vcpu ? atomic_load(&vcpu->epoch) : 0;

		if (epoch && epoch < oldest)
			oldest = epoch;
	}
	return oldest;
}

u64 epoch_advance(struct mmu_vm *vm)
{
	return atomic_fetch_add(&vm->epoch, 1);
}

bool epoch_is_over(struct mmu_vm *vm, u64 epoch)
{
	return epoch < oldest_reader(vm);
}

/* The page queued longest, if no reader can see it; taken off the queue. */
static struct sp *take_unseen(struct mmu_vm *vm)
{
	struct sp *sp = NULL;

	spin_lock(vm->env, &vm->free_lock);
	if (!list_is_empty(&vm->deferred)) {
		sp = list_entry(vm->deferred.prev, struct sp, active);
		if (sp->free_epoch < oldest_reader(vm)) {
			list_remove(&sp->active);
			atomic_fetch_sub(&vm->nr_deferred, 1);
		} else {
			sp = NULL;
		}
	}
	spin_unlock(&vm->free_lock);
	return sp;
}

unsigned epoch_reap(struct mmu_vm *vm)
{
	struct sp *sp;

	while (atomic_load(&vm->nr_deferred) && (sp = take_unseen(vm))) {
		mmu_point(vm, page_free);
		sp_free(vm, sp);
	}
	return atomic_load(&vm->nr_deferred);
}
