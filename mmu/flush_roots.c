/* SPDX-License-Identifier: MIT */
/* Which roots there are to flush. */
#include "mmu/flush_roots.h"
#include "mmu/internal.h"
#include "mmu/mode.h"

_Static_assert(sizeof(((struct flush_roots *)0)->root) / sizeof(struct sp *) == MMU_MAX_VCPUS,
	       "a root for each vCPU");

static bool in_use(const struct mmu_vm *vm)
{
	return vm->env->flush_root && vm->tdp;
}

/* The hardware walks our tables below others. */
static bool is_nested(const struct mmu_vcpu *vcpu)
{
	return mmu_vcpu_mode(vcpu) == MMU_MODE_TDP;
}

static void note(struct mmu_vm *vm, u8 vcpu, const struct sp *root)
{
	__atomic_store_n(&vm->flush_roots.root[vcpu], root, __ATOMIC_RELAXED);
	vm_emit(vm, MMU_NO_VCPU, root_load, vcpu, root ? root->id : 0);
}

bool flush_roots_load(struct mmu_vcpu *vcpu)
{
	struct flush_roots *f = &vcpu->vm->flush_roots;
	const struct sp *root = is_nested(vcpu) ? vcpu->mmu->root.sp : NULL;

	if (!in_use(vcpu->vm) ||
	    __atomic_load_n(&f->root[vcpu->id], __ATOMIC_RELAXED) == root)
		return false;
	mmu_point(vcpu->vm, root_load);
	spin_lock(vcpu->vm->env, &f->lock);
	note(vcpu->vm, vcpu->id, root);
	if (f->common != root)
		f->common = NULL;
	spin_unlock(&f->lock);
	return root;
}

void flush_roots_forget(struct mmu_vm *vm, const struct sp *sp)
{
	struct flush_roots *f = &vm->flush_roots;

	if (!in_use(vm))
		return;
	spin_lock(vm->env, &f->lock);
	for (unsigned i = 0; i < vm->config.nr_vcpus; i++)
		if (f->root[i] == sp)
			note(vm, i, NULL);
	if (f->common == sp)
		f->common = NULL;
	spin_unlock(&f->lock);
}

/* ---- flushing ------------------------------------------------------------------------ */

static bool flush_one(struct mmu_op *op, const struct sp *root)
{
	const struct mmu_env *env = op->vm->env;
	bool by_frame = sp_is_tdp(root) && op->range.end != GFN_LIMIT;
	gfn_t gfn = by_frame ? op->range.start : 0;
	u64 npages = by_frame ? op->range.end - op->range.start : 0;
	bool ok;

	mmu_point(op->vm, flush_root);
	ok = env->flush_root(env->ctx, root->table_hpa, gfn, npages);
	stat_add(op->vm, root_flushes, 1);
	stat_add(op->vm, root_failures, !ok);
	vm_emit(op->vm, op_vcpu(op), flush_root, root->id, gfn, npages, ok);
	return ok;
}

/* No vCPU before it has the same root. */
static bool is_first(const struct flush_roots *f, unsigned i)
{
	for (unsigned k = 0; k < i; k++)
		if (f->root[k] == f->root[i])
			return false;
	return true;
}

/* Once one was refused the vCPUs will be kicked anyway: the rest are only looked at, to
 * learn whether there is another. */
static bool flush_each(struct mmu_op *op)
{
	struct flush_roots *f = &op->vm->flush_roots;
	const struct sp *first = NULL;
	unsigned nr = 0;
	bool ok = true;

	for (unsigned i = 0; i < op->vm->config.nr_vcpus && (ok || nr < 2); i++) {
		stat_add(op->vm, root_looks, 1);
		if (!f->root[i] || !is_first(f, i))
			continue;
		if (!nr++)
			first = f->root[i];
		if (ok)
			ok = flush_one(op, f->root[i]);
	}
	f->common = nr == 1 ? first : NULL;
	return ok;
}

/* Has been asked for more than a flush, which it will not see where it is; or runs
 * on tables that are not nested. */
static bool must_be_asked(struct mmu_vcpu *vcpu)
{
	if (!is_nested(vcpu))
		return true;
	return atomic_load(&vcpu->requests) & (MMU_REQ_RELOAD | MMU_REQ_SYNC) &&
	       atomic_load(&vcpu->in_guest);
}

bool flush_roots_flush(struct mmu_op *op)
{
	struct flush_roots *f = &op->vm->flush_roots;
	bool ok;

	if (!in_use(op->vm))
		return false;
	for (unsigned i = 0; i < op->vm->config.nr_vcpus; i++)
		if (op->vm->vcpu[i] && must_be_asked(op->vm->vcpu[i]))
			return false;
	spin_lock(op->vm->env, &f->lock);
	ok = f->common ? flush_one(op, f->common) : flush_each(op);
	spin_unlock(&f->lock);
	return ok;
}
