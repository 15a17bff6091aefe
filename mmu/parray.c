/* SPDX-License-Identifier: MIT */
/*
 * Sparse arrays as a tree of pages. An inner page holds 512 hpas of pages
 * below it, 0 where none is; they are read without a lock, so a page is
 * complete before its hpa is stored.
 */
#include <stdatomic.h>
#include "mmu/parray.h"

#define FAN_SHIFT	9
#define FAN		(1u << FAN_SHIFT)
#define DEPTH_MAX	5

static u64 records_per_page(const struct parray *array)
{
	return PAGE_SIZE / array->size;
}

/* Leaf pages that an array of this depth can have. */
static u64 depth_leaves(unsigned depth)
{
	return 1ull << (FAN_SHIFT * (depth - 1));
}

bool parray_init(struct parray *array, u64 nr, u16 size)
{
	u64 leaves;

	*array = (struct parray){ .nr = nr, .size = size, .depth = 1 };
	leaves = nr / records_per_page(array) + (nr % records_per_page(array) != 0);
	while (depth_leaves(array->depth) < leaves)
		if (++array->depth > DEPTH_MAX)
			return false;
	return true;
}

/* The place that holds the hpa of the page at this height above the leaves, on
 * the way to leaf number `leaf`. */
static _Atomic hpa_t *page_link(const struct mmu_env *env, hpa_t above_hpa, u64 leaf,
				unsigned height)
{
	_Atomic hpa_t *links = mmu_va(env, above_hpa);

	return &links[(leaf >> (FAN_SHIFT * height)) & (FAN - 1)];
}

static hpa_t root_hpa(const struct parray *array)
{
	return __atomic_load_n(&array->root, __ATOMIC_ACQUIRE);
}

static void *record_in(const struct mmu_env *env, const struct parray *array, hpa_t leaf_hpa, u64 i)
{
	return (u8 *)mmu_va(env, leaf_hpa) + i % records_per_page(array) * array->size;
}

void *parray_get(const struct mmu_env *env, const struct parray *array, u64 i)
{
	u64 leaf = i / (array->size ? records_per_page(array) : 1);
	hpa_t hpa = root_hpa(array);

	if (i >= array->nr)
		return NULL;
	for (unsigned height = array->depth - 1; hpa && height > 0; height--)
		hpa = atomic_load_explicit(page_link(env, hpa, leaf, height - 1),
					   memory_order_acquire);
	return hpa ? record_in(env, array, hpa, i) : NULL;
}

/* Bytes [at, end) of a page hold a word, or bytes of one, that is not zero: where
 * it is; end if not. */
static unsigned next_set(const u8 *page, unsigned at, unsigned end)
{
	while (at < end && at % sizeof(u64) && !page[at])
		at++;
	while (at < end && at % sizeof(u64) == 0 && !*(const u64 *)(page + at))
		at += sizeof(u64);
	while (at < end && !page[at])
		at++;
	return at < end ? at : end;
}

u64 parray_next(const struct mmu_env *env, const struct parray *array, u64 i)
{
	u64 step = array->size ? records_per_page(array) : 1;

	while (i < array->nr) {
		u64 first = i - i % step, end = first + step < array->nr ? first + step : array->nr;
		const u8 *page = parray_get(env, array, first);
		unsigned at;

		if (page) {
			at = next_set(page, (i - first) * array->size, (end - first) * array->size);
			i = first + at / array->size;
		}
		if (page && i < end)
			return i;
		i = end;
	}
	return array->nr;
}

/* returns  0 if there is none */
static hpa_t page_take(const struct mmu_env *env, struct parray *array, struct page_reserve *reserve)
{
	hpa_t hpa = reserve_take(env, reserve);

	if (hpa == HPA_INVALID)
		return 0;
	array->pages++;
	return hpa;
}

/* ---- making and giving back ------------------------------------------------------ */

static void *record_make(const struct mmu_env *env, struct parray *array, u64 i,
			 struct page_reserve *reserve)
{
	u64 leaf = i / records_per_page(array);
	hpa_t hpa = root_hpa(array);

	if (!hpa) {
		hpa = page_take(env, array, reserve);
		__atomic_store_n(&array->root, hpa, __ATOMIC_RELEASE);
	}
	for (unsigned height = array->depth - 1; hpa && height > 0; height--) {
		_Atomic hpa_t *link = page_link(env, hpa, leaf, height - 1);

		hpa = atomic_load_explicit(link, memory_order_relaxed);
		if (!hpa) {
			hpa = page_take(env, array, reserve);
			atomic_store_explicit(link, hpa, memory_order_release);
		}
	}
	return hpa ? record_in(env, array, hpa, i) : NULL;
}

void *parray_make(const struct mmu_env *env, struct parray *array, u64 i,
		  struct page_reserve *reserve)
{
	return i < array->nr ? record_make(env, array, i, reserve) : NULL;
}

/* As many pages as the records of [start, end) can need at most: at each height
 * those of the first to the last. */
static u32 pages_needed(const struct mmu_env *env, const struct parray *array, u64 start, u64 end)
{
	u64 first = start / records_per_page(array), last = (end - 1) / records_per_page(array);
	u64 pages = 0, step = records_per_page(array);

	for (u64 i = first; i <= last; i++)
		pages += !parray_get(env, array, i * step);
	for (unsigned height = 1; pages && height < array->depth; height++)
		pages += (last >> (FAN_SHIFT * height)) - (first >> (FAN_SHIFT * height)) + 1;
	return pages;
}

enum mmu_status parray_make_range(const struct mmu_env *env, struct parray *array, u64 start,
				  u64 end)
{
	struct page_reserve reserve = { 0 };
	u64 step = records_per_page(array);

	if (end > array->nr)
		return MMU_INVAL;
	if (start >= end)
		return MMU_OK;
	if (!reserve_fill(env, &reserve, pages_needed(env, array, start, end))) {
		reserve_empty(env, &reserve);
		return MMU_NOMEM;
	}
	for (u64 i = start - start % step; i < end; i += step)
		record_make(env, array, i, &reserve);
	reserve_empty(env, &reserve);
	return MMU_OK;
}

/* Post-order without recursion: the leftmost page at the bottom goes first, and
 * its link with it, until the root is childless. */
static bool free_lowest(const struct mmu_env *env, struct parray *array)
{
	hpa_t hpa = array->root;
	_Atomic hpa_t *link = NULL;

	for (unsigned height = array->depth - 1; height > 0; height--) {
		_Atomic hpa_t *child = mmu_va(env, hpa);
		unsigned i = 0;

		while (i < FAN && !child[i])
			i++;
		if (i == FAN)
			break;
		link = &child[i];
		hpa = *link;
	}
	env->page_free(env->ctx, hpa);
	array->pages--;
	if (link)
		*link = 0;
	return link;
}

void parray_fini(const struct mmu_env *env, struct parray *array)
{
	while (array->root && free_lowest(env, array))
		;
	array->root = 0;
}
