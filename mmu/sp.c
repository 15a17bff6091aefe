/* SPDX-License-Identifier: MIT */
/*
 * Records of shadow pages: their numbers, the way from a table's frame back to
 * its record. What is in the tables is not this file's business.
 */
#include "mmu/sp.h"
#include "mmu/spte_set.h"

#define SP_RECORD_SIZE	256
#define SP_IDS		(1u << 22)

enum mmu_status sps_init(struct mmu_vm *vm, bool hashed)
{
	list_init(&vm->active);
	list_init(&vm->tdp_roots);
	list_init(&vm->deferred);
	vm->sp_limit = 1;
	if (!parray_init(&vm->sps, SP_IDS, SP_RECORD_SIZE) ||
	    !parray_init(&vm->sp_of_pfn, 1ull << (vm->maxphyaddr - PAGE_SHIFT), sizeof(u32)))
		return MMU_INVAL;
	return hashed ? sp_hash_init(vm) : MMU_OK;
}

void sps_fini(struct mmu_vm *vm)
{
	parray_fini(vm->env, &vm->hash);
	parray_fini(vm->env, &vm->sp_of_pfn);
	parray_fini(vm->env, &vm->sps);
}

/* ---- birth and end ----------------------------------------------------------- */

static struct sp *record_get(struct mmu_vm *vm, struct page_reserve *reserve)
{
	struct sp *sp = vm->sp_free;

	if (sp) {
		vm->sp_free = sp->hash_next;
		return sp;
	}
	sp = parray_make(vm->env, &vm->sps, vm->sp_limit, reserve);
	if (sp) {
		sp->id = vm->sp_limit++;
		sp->freed = true;
	}
	return sp;
}

static void record_put(struct mmu_vm *vm, struct sp *sp)
{
	sp->freed = true;
	sp->hash_next = vm->sp_free;
	vm->sp_free = sp;
}

/* The record of a table, findable by the table's frame. */
static struct sp *record_of_table(struct mmu_vm *vm, hpa_t table_hpa,
				  struct page_reserve *reserve)
{
	struct sp *sp = NULL;
	_Atomic u32 *id;

	spin_lock(vm->env, &vm->sps_lock);
	id = parray_make(vm->env, &vm->sp_of_pfn, table_hpa >> PAGE_SHIFT, reserve);
	if (id)
		sp = record_get(vm, reserve);
	if (sp) {
		*sp = (struct sp){ .id = sp->id, .table_hpa = table_hpa };
		list_init(&sp->active);
		atomic_store_explicit(id, sp->id, memory_order_release);
	}
	spin_unlock(&vm->sps_lock);
	return sp;
}

struct sp *sp_create(struct mmu_op *op, gfn_t gfn, union mmu_role role, u32 flags)
{
	bool gptes = !role.direct && !role.passthrough && !(flags & SP_SPECIAL);
	hpa_t table_hpa, shadowed_hpa = 0;
	struct mmu_vm *vm = op->vm;
	struct sp *sp;

	table_hpa = mmu_page_alloc(vm, op->reserve);
	if (table_hpa == HPA_INVALID)
		return NULL;
	if (gptes)
		shadowed_hpa = mmu_page_alloc(vm, op->reserve);
	sp = shadowed_hpa == HPA_INVALID ? NULL : record_of_table(vm, table_hpa, op->reserve);
	if (!sp) {
		if (gptes && shadowed_hpa != HPA_INVALID)
			mmu_page_free(vm, shadowed_hpa);
		mmu_page_free(vm, table_hpa);
		return NULL;
	}
	sp->gfn = gfn;
	sp->role = role;
	sp->flags = flags;
	sp->gen = vm->gen;
	sp->shadowed_hpa = shadowed_hpa;
	atomic_fetch_add_explicit(&vm->nr_sps, 1, memory_order_relaxed);
	stat_add(vm, sps, 1);
	sp->born = stat_add(vm, sp_made, 1);
	vm_emit(vm, op_vcpu(op), sp_new, sp->id, gfn, role.word, table_hpa, (u8)flags);
	return sp;
}

void sp_free(struct mmu_vm *vm, struct sp *sp)
{
	hpa_t table_hpa = sp->table_hpa, shadowed_hpa = sp->shadowed_hpa;
	_Atomic u32 *id;

	mmu_check(vm, !sp->freed && !sp->present, "E-7: a freed page has present entries", sp->id,
		  sp->present);
	mmu_check(vm, !sp->root_count, "E-4: a root in use is freed", sp->id, sp->root_count);
	flush_roots_forget(vm, sp);
	vm_emit(vm, MMU_NO_VCPU, sp_free, sp->id);
	spin_lock(vm->env, &vm->sps_lock);
	id = parray_get(vm->env, &vm->sp_of_pfn, table_hpa >> PAGE_SHIFT);
	atomic_store_explicit(id, 0, memory_order_release);
	record_put(vm, sp);
	spin_unlock(&vm->sps_lock);
	atomic_fetch_sub_explicit(&vm->nr_sps, 1, memory_order_relaxed);
	stat_add(vm, sps, -1);
	if (shadowed_hpa)
		mmu_page_free(vm, shadowed_hpa);
	mmu_page_free(vm, table_hpa);
}

/* ---- finding ------------------------------------------------------------------- */

struct sp *sp_by_id(const struct mmu_vm *vm, u32 id)
{
	struct sp *sp = id ? parray_get(vm->env, &vm->sps, id) : NULL;

	return sp && sp->id && !sp->freed ? sp : NULL;
}

struct sp *sp_by_table(const struct mmu_vm *vm, hpa_t table_hpa)
{
	_Atomic u32 *id = parray_get(vm->env, &vm->sp_of_pfn, table_hpa >> PAGE_SHIFT);

	return id ? sp_by_id(vm, atomic_load_explicit(id, memory_order_acquire)) : NULL;
}

struct sp *sp_of_entry(const struct mmu_vm *vm, const spte_t *sptep, unsigned *index)
{
	hpa_t hpa = (const u8 *)sptep - vm->env->direct_map;

	*index = (hpa & ~PAGE_MASK) / sizeof(spte_t);
	return sp_by_table(vm, hpa & PAGE_MASK);
}

gfn_t sp_entry_gfn(const struct mmu_vm *vm, const struct sp *sp, unsigned index)
{
	const struct sp *child;
	const u64 *shadowed;

	if (sp->role.passthrough)
		return sp->gfn;
	/* A special root has no notes: it was made for what hangs there. */
	if (sp->flags & SP_SPECIAL && !sp->role.direct) {
		child = sp_by_table(vm, spte_hpa(spte_get(sp_entry(vm, sp, index))));
		return child ? child->gfn : sp->gfn;
	}
	if (sp->shadowed_hpa) {
		shadowed = mmu_va(vm->env, sp->shadowed_hpa);
		return shadowed[index] >> PAGE_SHIFT;
	}
	return sp->gfn + index * level_frames(sp->role.level);
}

struct sp *sp_next(const struct mmu_vm *vm, const struct sp *sp)
{
	for (u32 id = sp ? sp->id + 1 : 1; id < vm->sp_limit; id++) {
		struct sp *next = sp_by_id(vm, id);

		if (next)
			return next;
	}
	return NULL;
}
