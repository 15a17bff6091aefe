/* SPDX-License-Identifier: MIT */
/*
 * The last exits of a vCPU.
 */
#include "hv/core/last.h"

#include "hv/core/vcpu.h"

void last_note(struct vcpu *v)
{
	const struct vcpu_exit *e = &v->exit;
	struct last_exits *l = &v->last;
	unsigned newest = (l->nr + LAST_EXITS - 1) % LAST_EXITS;

	if (e->kind == CH_EXIT_intr || e->kind == CH_EXIT_window)
		return;
	if (!l->nr || l->exit[newest].rip != v->regs.rip || l->exit[newest].code != e->code ||
	    l->exit[newest].info1 != e->info1 || l->exit[newest].info2 != e->info2) {
		newest = l->nr++ % LAST_EXITS;
		l->exit[newest].times = 0;
	}
	l->exit[newest].kind = (u8)e->kind;
	l->exit[newest].code = e->code;
	l->exit[newest].info1 = e->info1;
	l->exit[newest].info2 = e->info2;
	l->exit[newest].rip = v->regs.rip;
	l->exit[newest].times++;
}

void last_tell(struct vcpu *v)
{
	const struct last_exits *l = &v->last;
	unsigned n = l->nr < LAST_EXITS ? l->nr : LAST_EXITS;

	for (unsigned i = l->nr - n; i != l->nr; i++) {
		unsigned k = i % LAST_EXITS;

		vcpu_emit(v, last_exit, l->exit[k].kind, l->exit[k].code, l->exit[k].info1,
			  l->exit[k].info2, l->exit[k].rip, l->exit[k].times);
	}
	vcpu_emit_regs(v);
}
