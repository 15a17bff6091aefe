/* SPDX-License-Identifier: MIT */
/*
 * Messages between APICs.
 */
#include "hv/dev/apic_bus.h"

void apic_bus_init(struct apic_bus *b, unsigned nr, const struct lapic_owner *owner)
{
	b->nr = nr;
	for (unsigned i = 0; i < nr; i++)
		lapic_init(&b->cpu[i], i, owner);
}

static bool bus_is_for(const struct apic_bus *b, unsigned cpu, unsigned from,
		       const struct apic_message *m, enum apic_shorthand shorthand)
{
	switch (shorthand) {
	case APIC_TO_SELF:
		return cpu == from;
	case APIC_TO_ALL:
		return true;
	case APIC_TO_OTHERS:
		return cpu != from;
	default:
		return lapic_matches(&b->cpu[cpu], m);
	}
}

/* Of several the one that is at the least important work; of equals the first. */
static unsigned bus_send_lowest(struct apic_bus *b, unsigned from, const struct apic_message *m,
				enum apic_shorthand shorthand)
{
	struct lapic *best = NULL;

	for (unsigned i = 0; i < b->nr; i++) {
		struct lapic *l = &b->cpu[i];

		if (!lapic_is_enabled(l) || !bus_is_for(b, i, from, m, shorthand))
			continue;
		if (!best || lapic_ppr(l) < lapic_ppr(best))
			best = l;
	}
	if (!best)
		return 0;
	lapic_deliver(best, m);
	return 1;
}

unsigned apic_bus_send(struct apic_bus *b, unsigned from, const struct apic_message *m,
		       enum apic_shorthand shorthand)
{
	unsigned nr = 0;

	if (m->mode == APIC_LOWEST)
		return bus_send_lowest(b, from, m, shorthand);
	for (unsigned i = 0; i < b->nr; i++) {
		if (!bus_is_for(b, i, from, m, shorthand))
			continue;
		lapic_deliver(&b->cpu[i], m);
		nr++;
	}
	return nr;
}
