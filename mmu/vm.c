/* SPDX-License-Identifier: MIT */
/* A VM's MMU and its vCPUs: birth, end, counters. */
#include "mmu/backend.h"
#include "mmu/epoch.h"
#include "mmu/gwalk.h"
#include "mmu/memslot.h"
#include "mmu/mode.h"
#include "mmu/roots.h"
#include "mmu/sp.h"
#include "mmu/vcpu.h"

/* The one place that knows both back ends; a build may lack one. */
static void choose_backends(struct mmu_vm *vm)
{
#ifndef MMU_NO_SHADOW
	vm->shadow = &shadow_mmu;
#endif
#ifndef MMU_NO_TDP
	if (vm->config.tdp_level)
		vm->tdp = &tdp_mmu;
#endif
	vm->tdp_used = vm->tdp && vm->config.mode == MMU_MODE_TDP;
}

static bool config_is_sane(const struct mmu_config *config)
{
	return (config->mode == MMU_MODE_SHADOW || config->mode == MMU_MODE_TDP) &&
	       config->nr_vcpus >= 1 && config->nr_vcpus <= MMU_MAX_VCPUS &&
	       (config->tdp_level == 4 || config->tdp_level == 5 ||
		(config->tdp_level == 0 && config->mode == MMU_MODE_SHADOW)) &&
	       config->maxphyaddr >= 36 && config->maxphyaddr <= 52;
}

static void vm_give_back(struct mmu_vm *vm)
{
	const struct mmu_env *env = vm->env;

	slots_fini(vm);
	sps_fini(vm);
	env->page_free(env->ctx, vm->self_hpa);
}

static enum mmu_status vm_init(struct mmu_vm *vm)
{
	enum mmu_status status = sps_init(vm, mmu_get_mode(vm) == MMU_MODE_SHADOW);

	if (status == MMU_OK)
		status = slots_init(vm);
	return status;
}

enum mmu_status mmu_vm_create(const struct mmu_env *env, const struct mmu_config *config,
			      struct mmu_vm **vmp)
{
	enum mmu_status status;
	struct mmu_vm *vm;
	hpa_t self_hpa;

	*vmp = NULL;
	if (!config_is_sane(config))
		return MMU_INVAL;
	self_hpa = env->page_alloc(env->ctx);
	if (self_hpa == HPA_INVALID)
		return MMU_NOMEM;
	vm = mmu_va(env, self_hpa);
	vm->env = env;
	vm->config = *config;
	vm->maxphyaddr = config->maxphyaddr;
	vm->self_hpa = self_hpa;
	vm->pages = 1;
	vm->epoch = 1;
	vm_init_knobs(vm);
	choose_backends(vm);
	status = vm_backend(vm, config->mode) ? vm_init(vm) : MMU_NOSUPP;
	if (status != MMU_OK) {
		vm_give_back(vm);
		return status;
	}
	vm_emit_config(vm);
	*vmp = vm;
	return MMU_OK;
}

void vm_emit_config(struct mmu_vm *vm)
{
	const struct mmu_config *config = &vm->config;

	vm_emit(vm, MMU_NO_VCPU, mmu_config, (u8)mmu_get_mode(vm), (u8)config->nr_vcpus,
		(u8)config->tdp_level, (u8)config->maxphyaddr);
	for (unsigned i = 0; i < MMU_NR_KNOBS; i++)
		vm_emit_knob(vm, i);
}

void mmu_vm_destroy(struct mmu_vm *vm)
{
	struct mmu_op op;

	op_begin(&op, vm, NULL, true);
	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++)
		if (vm->vcpu[i])
			roots_drop(&op, vm->vcpu[i]);
	if (tdp_active(vm))
		backend_zap_all(vm->tdp, &op);
	if (shadow_maybe_present(vm))
		backend_zap_all(vm->shadow, &op);
	op_end(&op);
	mmu_check(vm, !epoch_reap(vm), "I-6: a reader is inside a VM that ends", vm->nr_deferred,
		  0);
	mmu_check(vm, !vm->nr_sps, "E-5: shadow pages outlive their VM", vm->nr_sps, 0);
	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++) {
		if (!vm->vcpu[i])
			continue;
		reserve_empty(vm->env, &vm->vcpu[i]->reserve);
		mmu_page_free(vm, vm->vcpu_hpa[i]);
	}
	vm_give_back(vm);
}

enum mmu_status mmu_vcpu_create(struct mmu_vm *vm, unsigned id, struct mmu_vcpu **vcpup)
{
	struct mmu_vcpu *vcpu;
	struct mmu_op op;
	hpa_t hpa;

	*vcpup = NULL;
	if (id >= vm->config.nr_vcpus)
		return MMU_INVAL;
	if (vm->vcpu[id])
		return MMU_EXIST;
	hpa = mmu_page_alloc(vm, NULL);
	if (hpa == HPA_INVALID)
		return MMU_NOMEM;
	vcpu = mmu_va(vm->env, hpa);
	vcpu->vm = vm;
	vcpu->id = id;
	vcpu->mmu = vcpu->walk_mmu = &vcpu->root_mmu;
	vcpu->root_mmu.backend = vm_backend(vm, mmu_get_mode(vm));
	vcpu->guest_mmu.backend = vm->shadow;
	vcpu_set_role(vcpu);
	op_begin(&op, vm, NULL, true);
	vm->vcpu_hpa[id] = hpa;
	/* epoch.c looks without the lock. */
	__atomic_store_n(&vm->vcpu[id], vcpu, __ATOMIC_RELEASE);
	*vcpup = vcpu;
	op_end(&op);
	return MMU_OK;
}

/* Pages that the arrays took from the host by themselves. */
static u64 array_pages(struct mmu_vm *vm)
{
	u64 pages = vm->sps.pages + vm->sp_of_pfn.pages + vm->hash.pages;

	for (unsigned as = 0; as < MMU_NR_AS; as++) {
		pages += vm->slots[as].slots.pages;
		for (unsigned id = 0; id < MMU_MAX_SLOTS; id++) {
			const struct memslot *slot = slot_by_id(vm, as, id);

			if (slot)
				pages += slot->rmap[0].pages + slot->rmap[1].pages +
					 slot->rmap[2].pages + slot->track.pages +
					 slot->shadowed.pages + slot->used_frames.pages +
					 slot->huge_shadowed[0].pages + slot->huge_shadowed[1].pages +
					 slot->dirty.pages;
		}
	}
	return pages;
}

/* Pages that lie ready; their owners may be taking some. */
static u64 reserved_pages(struct mmu_vm *vm)
{
	u64 pages = 0;

	for (unsigned i = 0; i < MMU_MAX_VCPUS; i++)
		if (vm->vcpu[i])
			pages += __atomic_load_n(&vm->vcpu[i]->reserve.nr, __ATOMIC_RELAXED);
	return pages;
}

void mmu_get_stats(struct mmu_vm *vm, struct mmu_stats *stats)
{
	struct mmu_op op;

	op_begin(&op, vm, NULL, true);
	*stats = vm->stats;
	stats->pages = vm->pages + array_pages(vm) + reserved_pages(vm);
	op_end(&op);
}
