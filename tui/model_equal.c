/* SPDX-License-Identifier: MIT */
/* Comparing the paging state of two models, and naming the first difference. */
#include "tui/model_i.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool differ(struct text *difference, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static bool differ(struct text *difference, const char *format, ...)
{
	va_list args;

	if (difference) {
		va_start(args, format);
		text_vadd(difference, format, args);
		va_end(args);
	}
	return false;
}

/* Compares values byte by byte; they are zeroed before they are filled in. */
static bool maps_equal(const char *what, const struct map *a, const struct map *b,
		       struct text *difference)
{
	u32 n;
	u64 *keys = map_keys(a, &n);
	bool equal = true;

	for (u32 i = 0; equal && i < n; i++) {
		const void *x = map_get(a, keys[i]), *y = map_get(b, keys[i]);

		if (!y)
			equal = differ(difference, "%s 0x%" PRIx64 " is only in the first", what,
				       keys[i]);
		else if (memcmp(x, y, a->value_size))
			equal = differ(difference, "%s 0x%" PRIx64 " differs", what, keys[i]);
	}
	free(keys);
	if (equal && map_count(a) != map_count(b))
		equal = differ(difference, "the first has %u of %s, the second %u", map_count(a),
			       what, map_count(b));
	return equal;
}

static bool pages_equal(const struct model_sp *a, const struct model_sp *b,
			struct text *difference)
{
	if (a->gfn != b->gfn || a->hpa != b->hpa || a->role != b->role || a->flags != b->flags)
		return differ(difference,
			      "page %u: gfn 0x%" PRIx64 " role 0x%x hpa 0x%" PRIx64
			      " flags %u against 0x%" PRIx64 " 0x%x 0x%" PRIx64 " %u",
			      a->sp, a->gfn, a->role, a->hpa, a->flags, b->gfn, b->role, b->hpa,
			      b->flags);
	if (a->unsync != b->unsync)
		return differ(difference, "page %u: unsync %d against %d", a->sp, a->unsync,
			      b->unsync);
	if (a->root_count != b->root_count)
		return differ(difference, "page %u: root_count %u against %u", a->sp,
			      a->root_count, b->root_count);
	for (unsigned i = 0; i < PT_ENTRIES; i++)
		if ((a->spte[i] ^ b->spte[i]) & ~(BIT(5) | BIT(6)))
			return differ(difference,
				      "page %u entry %u: 0x%" PRIx64 " against 0x%" PRIx64, a->sp,
				      i, a->spte[i], b->spte[i]);
	return true;
}

/* Pages that wait for their freeing are no state: a snapshot may not tell of
 * them. */
static bool sps_equal(const struct map *a, const struct map *b, bool both_ways,
		      struct text *difference)
{
	u32 n;
	u64 *keys = map_keys(a, &n);
	bool equal = true;

	for (u32 i = 0; equal && i < n; i++) {
		struct model_sp *const *x = map_get(a, keys[i]), *const *y = map_get(b, keys[i]);

		if ((*x)->zapped && !(*x)->root_count)
			continue;
		if (!y)
			equal = differ(difference, "page %" PRIu64 " is only in the %s", keys[i],
				       both_ways ? "first" : "second");
		else if (both_ways)
			equal = pages_equal(*x, *y, difference);
	}
	free(keys);
	return equal;
}

static bool contexts_equal(const struct model_context *a, const struct model_context *b,
			   unsigned id, struct text *difference)
{
	if (a->cpu_role != b->cpu_role || a->cpu_ext != b->cpu_ext || a->root_role != b->root_role)
		return differ(difference, "vcpu %u: roles 0x%x 0x%x 0x%x against 0x%x 0x%x 0x%x", id,
			      a->cpu_role, a->cpu_ext, a->root_role, b->cpu_role, b->cpu_ext,
			      b->root_role);
	for (unsigned i = 0; i < MODEL_ROOTS; i++)
		if (a->root[i].sp != b->root[i].sp || a->root[i].hpa != b->root[i].hpa ||
		    a->root[i].pgd != b->root[i].pgd)
			return differ(difference, "vcpu %u: root slot %u is page %u against page %u",
				      id, i, a->root[i].sp, b->root[i].sp);
	return true;
}

static bool vcpus_equal(const struct model_vcpu *a, const struct model_vcpu *b, unsigned id,
			struct text *difference)
{
	if (a->smm != b->smm)
		return differ(difference, "vcpu %u: SMM %u against %u", id, a->smm, b->smm);
	if (a->inner != b->inner || a->np != b->np || a->ncr3 != b->ncr3)
		return differ(difference, "vcpu %u: inner guest %u %u 0x%" PRIx64
			      " against %u %u 0x%" PRIx64, id, a->inner, a->np, a->ncr3, b->inner,
			      b->np, b->ncr3);
	for (unsigned i = 0; i < MODEL_CONTEXTS; i++)
		if (!contexts_equal(&a->context[i], &b->context[i], id, difference))
			return false;
	if (a->flush_root != b->flush_root)
		return differ(difference, "vcpu %u: page %u against %u noted for flushes", id,
			      a->flush_root, b->flush_root);
	if (a->requests != b->requests)
		return differ(difference, "vcpu %u: requests 0x%x against 0x%x", id, a->requests,
			      b->requests);
	return true;
}

bool model_vm_equal(const struct model_vm *a, const struct model_vm *b, struct text *difference)
{
	if (a->unknown || b->unknown)
		return differ(difference, "the %s is unknown: events were lost",
			      a->unknown ? "first" : "second");
	if (a->configured != b->configured || memcmp(&a->config, &b->config, sizeof(a->config)))
		return differ(difference, "the configurations differ");
	if (memcmp(a->knob, b->knob, sizeof(a->knob)))
		return differ(difference, "the knobs differ");
	for (unsigned i = 0; i < MODEL_MAX_VCPUS; i++)
		if (!vcpus_equal(&a->vcpu[i], &b->vcpu[i], i, difference))
			return false;
	return maps_equal("slot", &a->slots, &b->slots, difference) &&
	       sps_equal(&a->sps, &b->sps, true, difference) &&
	       sps_equal(&b->sps, &a->sps, false, difference) &&
	       maps_equal("link", &a->links, &b->links, difference) &&
	       maps_equal("rmap", &a->rmaps, &b->rmaps, difference) &&
	       maps_equal("tracked frame", &a->tracks, &b->tracks, difference) &&
	       maps_equal("dirty frame", &a->dirty, &b->dirty, difference);
}

bool model_equal(const struct model *a, const struct model *b, struct text *difference)
{
	if (a->nr_vms != b->nr_vms)
		return differ(difference, "%u machines against %u", a->nr_vms, b->nr_vms);
	for (unsigned i = 0; i < a->nr_vms; i++) {
		const struct model_vm *other = model_vm(b, a->vm[i]->level, a->vm[i]->vm);

		if (!other)
			return differ(difference, "machine %u of level %u is only in the first",
				      a->vm[i]->vm, a->vm[i]->level);
		if (!model_vm_equal(a->vm[i], other, difference))
			return false;
	}
	return true;
}
