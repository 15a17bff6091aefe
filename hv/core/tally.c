/* SPDX-License-Identifier: MIT */
/*
 * The bill of a run.
 */
#include "hv/core/tally.h"

#include "hv/core/fmt.h"
#include "hv/core/vm.h"

static const char *const tally_names[TALLY_KINDS] = {
#define EXITKIND(id, name, sentence) [id] = #name,
#include "hv/channel/exitkind.def"
};

void tally_log(struct vm *vm)
{
	char text[512] = "";
	u64 total = 0, count;
	size_t at = 0;

	for (unsigned kind = 0; kind < TALLY_KINDS; kind++) {
		count = 0;
		for (unsigned i = 0; i < vm->nr_vcpus; i++)
			count += vm->vcpu[i].tally.exits[kind];
		total += count;
		if (count && at < sizeof(text))
			at += fmt_snprintf(text + at, sizeof(text) - at, "%s%s %lu", at ? ", " : "",
					   tally_names[kind] ? tally_names[kind] : "?", count);
	}
	vm->p->log("%lu ticks, %lu exits: %s", vm->p->clock() - vm->clock_base, total, text);
}
