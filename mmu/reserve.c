/* SPDX-License-Identifier: MIT */
/* Pages taken aside. */
#include "mmu/reserve.h"

bool reserve_fill(const struct mmu_env *env, struct page_reserve *reserve, u32 nr)
{
	while (reserve->nr < nr) {
		hpa_t hpa = env->page_alloc(env->ctx);

		if (hpa == HPA_INVALID)
			return false;
		*(hpa_t *)mmu_va(env, hpa) = reserve->first_hpa;
		reserve->first_hpa = hpa;
		__atomic_store_n(&reserve->nr, reserve->nr + 1, __ATOMIC_RELAXED);
	}
	return true;
}

hpa_t reserve_take(const struct mmu_env *env, struct page_reserve *reserve)
{
	hpa_t hpa;

	if (!reserve)
		return env->page_alloc(env->ctx);
	hpa = reserve->first_hpa;
	if (!hpa || reserve->nr <= reserve->kept)
		return HPA_INVALID;
	reserve->first_hpa = *(hpa_t *)mmu_va(env, hpa);
	*(hpa_t *)mmu_va(env, hpa) = 0;
	__atomic_store_n(&reserve->nr, reserve->nr - 1, __ATOMIC_RELAXED);
	return hpa;
}

void reserve_empty(const struct mmu_env *env, struct page_reserve *reserve)
{
	while (reserve->nr)
		env->page_free(env->ctx, reserve_take(env, reserve));
}
