/* SPDX-License-Identifier: MIT */
/*
 * Faults that are repeated for ever.
 */
#include "hv/core/livelock.h"

#include "hv/core/vcpu.h"

static void livelock_begin(struct livelock *l, const struct vcpu_exit *e, u64 rip)
{
	*l = (struct livelock){ .rip = rip, .addr = e->addr, .error = e->error };
}

/* The guest was given a fault; was it the same before? */
static void livelock_given(struct vcpu *v, u64 rip)
{
	struct livelock *l = &v->livelock;
	const struct vcpu_exit *e = &v->exit;

	if (l->rip != rip || l->addr != e->addr || l->error != e->error)
		livelock_begin(l, e, rip);
	l->times = 0;
	if (++l->given == LIVELOCK_TIMES && vm_may_complain(v->vm))
		v->vm->p->log("%u times the guest was given the same page fault and did nothing "
			      "that we see: rip %#lx, address %#lx, error %#lx",
			      LIVELOCK_TIMES, rip, e->addr, e->error);
}

/* Of what nothing helps against, the error may change to and fro. */
static void livelock_tried(struct vcpu *v, u64 rip)
{
	struct livelock *l = &v->livelock;
	const struct vcpu_exit *e = &v->exit;

	if (l->rip != rip || l->addr != e->addr) {
		livelock_begin(l, e, rip);
		return;
	}
	if (++l->times < LIVELOCK_TIMES)
		return;
	v->vm->p->log("livelock: %u times the same fault at rip %#lx, address %#lx, last error %#lx",
		      LIVELOCK_TIMES, rip, e->addr, e->error);
	vm_end(v->vm, 125, "livelock");
}

void livelock_guard(struct vcpu *v, u64 rip)
{
	const struct vcpu_exit *e = &v->exit;
	bool given = v->event.type != VCPU_EVENT_NONE && !e->delivering;

	if (e->kind == CH_EXIT_intr)
		return;
	if (e->kind != CH_EXIT_fault || v->regs.rip != rip)
		v->livelock = (struct livelock){ 0 };
	else if (given)
		livelock_given(v, rip);
	else
		livelock_tried(v, rip);
}
