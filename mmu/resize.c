/* SPDX-License-Identifier: MIT */
/* Mappings made small or large, in both back ends. */
#include "mmu/resize.h"
#include "mmu/backend.h"

/* The TDP MMU splits beside its faults, by compare-exchange. */
static enum mmu_status split_part(const struct mmu_backend *backend, struct mmu_op *op,
				  struct page_reserve *reserve, unsigned as, gfn_t *at, gfn_t end,
				  u64 *nr)
{
	enum mmu_status status;
	struct mmu_vm *vm = op->vm;

	if (!op_stock(vm, reserve))
		return MMU_NOMEM;
	op_begin(op, vm, NULL, backend->indirect);
	op->reserve = reserve;
	status = backend->split_range(op, as, at, end, nr);
	op_end(op);
	return status;
}

static enum mmu_status split_all(const struct mmu_backend *backend, struct mmu_vm *vm, unsigned as,
				 gfn_t start, gfn_t end, u64 *nr)
{
	struct page_reserve reserve = { 0 };
	enum mmu_status status = MMU_AGAIN;
	struct mmu_op op = { .vm = vm };

	while (status == MMU_AGAIN)
		status = split_part(backend, &op, &reserve, as, &start, end, nr);
	reserve_empty(vm->env, &reserve);
	return status;
}

enum mmu_status mmu_split_range(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end, u64 *nr)
{
	enum mmu_status status = MMU_OK;

	*nr = 0;
	if (tdp_active(vm))
		status = split_all(vm->tdp, vm, as, start, end, nr);
	if (status == MMU_OK && shadow_maybe_present(vm))
		status = split_all(vm->shadow, vm, as, start, end, nr);
	return status;
}

u64 mmu_recover_range(struct mmu_vm *vm, unsigned as, gfn_t start, gfn_t end)
{
	struct mmu_op op;
	u64 nr = 0;

	op_begin(&op, vm, NULL, true);
	op.may_yield = true;
	if (tdp_active(vm))
		nr += vm->tdp->recover_range(&op, as, start, end);
	if (shadow_maybe_present(vm))
		nr += vm->shadow->recover_range(&op, as, start, end);
	op_end(&op);
	return nr;
}
