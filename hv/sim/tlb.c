/* SPDX-License-Identifier: MIT */
/* The TLB of a simulated vCPU: a few entries, replaced in turn. */
#include "hv/sim/tlb.h"

static bool covers(const struct tlb_entry *entry, gva_t gva)
{
	return entry->used && (gva & ~(level_bytes(entry->level) - 1)) == entry->gva;
}

struct tlb_entry *tlb_find(struct tlb *tlb, gva_t gva)
{
	for (unsigned i = 0; i < TLB_ENTRIES; i++)
		if (covers(&tlb->entry[i], gva))
			return &tlb->entry[i];
	return NULL;
}

static struct tlb_entry *free_entry(struct tlb *tlb)
{
	for (unsigned i = 0; i < TLB_ENTRIES; i++)
		if (!tlb->entry[i].used)
			return &tlb->entry[i];
	return &tlb->entry[tlb->next++ % TLB_ENTRIES];
}

struct tlb_entry *tlb_insert(struct tlb *tlb, gva_t gva, const struct hw_result *walk,
			     struct tlb_entry *victim)
{
	u64 offset = gva & (level_bytes(walk->level) - 1);
	struct tlb_entry *entry = tlb_find(tlb, gva);

	if (!entry)
		entry = free_entry(tlb);
	*victim = *entry;
	*entry = (struct tlb_entry){
		.used = true,
		.gva = gva - offset,
		.hpa = walk->hpa - offset,
		.gpa = walk->gpa - offset,
		.level = walk->level,
		.access = walk->access,
		.below_access = walk->below_access,
		.dirty = walk->dirty,
		.global = walk->global,
	};
	entry->nr_tables = walk->nr_tables;
	for (unsigned i = 0; i < walk->nr_tables; i++)
		entry->table[i] = walk->table[i];
	return entry;
}

void tlb_empty(struct tlb *tlb, bool keep_global)
{
	for (unsigned i = 0; i < TLB_ENTRIES; i++)
		if (!keep_global || !tlb->entry[i].global)
			tlb->entry[i].used = false;
}

unsigned tlb_count(const struct tlb *tlb)
{
	unsigned n = 0;

	for (unsigned i = 0; i < TLB_ENTRIES; i++)
		n += tlb->entry[i].used;
	return n;
}

bool tlb_exceeds(const struct tlb_entry *entry, const struct hw_result *now, bool below_only)
{
	if (!now->ok || now->level < entry->level || now->hpa != entry->hpa)
		return true;
	if (entry->below_access & ~now->below_access || (entry->dirty && !now->dirty))
		return true;
	return !below_only && entry->access & ~now->access;
}
