/* SPDX-License-Identifier: MIT */
/*
 * The page allocator. A range is used from both ends:
 *
 *   start                                              end
 *   |<- pages_get() moves start up ... pages_get_block() moves end down ->|
 */
#include "hv/core/pages.h"

#include <string.h>

static void pages_lock(struct pages *p)
{
	while (atomic_flag_test_and_set_explicit(&p->lock, memory_order_acquire))
		__builtin_ia32_pause();
}

static void pages_unlock(struct pages *p)
{
	atomic_flag_clear_explicit(&p->lock, memory_order_release);
}

static u64 *pages_link(const struct pages *p, hpa_t hpa)
{
	return (u64 *)(p->direct_map + hpa);
}

static void pages_zero(const struct pages *p, hpa_t hpa, u64 size)
{
	u64 *word = (u64 *)(p->direct_map + hpa);

	for (u64 i = 0; i < size / 8; i += 8) {
		word[i] = word[i + 1] = word[i + 2] = word[i + 3] = 0;
		word[i + 4] = word[i + 5] = word[i + 6] = word[i + 7] = 0;
	}
}

void pages_init(struct pages *p, u8 *direct_map)
{
	memset(p, 0, sizeof(*p));
	atomic_flag_clear(&p->lock);
	p->direct_map = direct_map;
	p->free = HPA_INVALID;
}

bool pages_add(struct pages *p, u64 start, u64 end)
{
	start = (start + PAGE_SIZE - 1) & PAGE_MASK;
	end &= PAGE_MASK;
	if (start >= end)
		return true;
	if (p->nr_ranges == PAGES_MAX_RANGES)
		return false;
	p->range[p->nr_ranges++] = (struct pages_range){ start, end };
	p->nr_total += (end - start) / PAGE_SIZE;
	return true;
}

bool pages_reserve(struct pages *p, u64 start, u64 end)
{
	start &= PAGE_MASK;
	end = (end + PAGE_SIZE - 1) & PAGE_MASK;
	for (unsigned i = 0, n = p->nr_ranges; i < n; i++) {
		struct pages_range *r = &p->range[i];
		struct pages_range old = *r;

		if (end <= old.start || start >= old.end)
			continue;
		if (start > old.start && end < old.end && p->nr_ranges == PAGES_MAX_RANGES)
			return false;
		p->nr_total -= (old.end - old.start) / PAGE_SIZE;
		*r = (struct pages_range){ 0, 0 };
		if (start > old.start) {
			*r = (struct pages_range){ old.start, start };
			p->nr_total += (start - old.start) / PAGE_SIZE;
			if (end < old.end)
				pages_add(p, end, old.end);
		} else if (end < old.end) {
			*r = (struct pages_range){ end, old.end };
			p->nr_total += (old.end - end) / PAGE_SIZE;
		}
	}
	return true;
}

static hpa_t pages_take(struct pages *p)
{
	hpa_t hpa = p->free;

	if (hpa != HPA_INVALID) {
		p->free = *pages_link(p, hpa);
		return hpa;
	}
	for (unsigned i = 0; i < p->nr_ranges; i++) {
		struct pages_range *r = &p->range[i];

		if (r->start == r->end)
			continue;
		hpa = r->start;
		r->start += PAGE_SIZE;
		return hpa;
	}
	return HPA_INVALID;
}

hpa_t pages_get(struct pages *p)
{
	hpa_t hpa;

	pages_lock(p);
	hpa = pages_take(p);
	if (hpa != HPA_INVALID)
		p->nr_used++;
	pages_unlock(p);
	if (hpa != HPA_INVALID)
		pages_zero(p, hpa, PAGE_SIZE);
	return hpa;
}

void pages_put(struct pages *p, hpa_t hpa)
{
	pages_lock(p);
	*pages_link(p, hpa) = p->free;
	p->free = hpa;
	p->nr_used--;
	pages_unlock(p);
}

/* The block at the upper end of r, HPA_INVALID if it does not fit. */
static hpa_t pages_fit(const struct pages_range *r, u64 size, u64 align)
{
	hpa_t hpa;

	if (r->end - r->start < size)
		return HPA_INVALID;
	hpa = (r->end - size) & ~(align - 1);
	return hpa >= r->start ? hpa : HPA_INVALID;
}

hpa_t pages_get_block(struct pages *p, u64 size, u64 align)
{
	hpa_t hpa = HPA_INVALID;

	size = (size + PAGE_SIZE - 1) & PAGE_MASK;
	pages_lock(p);
	for (unsigned i = 0; i < p->nr_ranges && hpa == HPA_INVALID; i++) {
		struct pages_range *r = &p->range[i];

		hpa = pages_fit(r, size, align);
		if (hpa == HPA_INVALID)
			continue;
		p->nr_used += (r->end - hpa) / PAGE_SIZE;
		r->end = hpa;
	}
	pages_unlock(p);
	if (hpa != HPA_INVALID)
		pages_zero(p, hpa, size);
	return hpa;
}

u64 pages_nr_free(const struct pages *p)
{
	return p->nr_total - p->nr_used;
}
