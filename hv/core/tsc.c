/* SPDX-License-Identifier: MIT */
/*
 * The time-stamp counter. The local APIC knows the machine's clock only.
 */
#include "hv/core/tsc.h"

#include "hv/core/vcpu.h"

u64 tsc_read(const struct vcpu *v)
{
	return v->vm->p->clock() + v->tsc.offset;
}

/* The deadline stays what the guest wrote, so that it comes at another time. */
static void tsc_move(struct vcpu *v, u64 by)
{
	u64 deadline;
	bool armed = tsc_read_deadline(v, &deadline) && deadline;

	v->tsc.offset += by;
	v->tsc.adjust += by;
	if (armed)
		tsc_write_deadline(v, deadline);
}

void tsc_write(struct vcpu *v, u64 value)
{
	tsc_move(v, value - tsc_read(v));
}

void tsc_write_adjust(struct vcpu *v, u64 value)
{
	tsc_move(v, value - v->tsc.adjust);
}

bool tsc_read_deadline(struct vcpu *v, u64 *value)
{
	if (!lapic_read_msr(vcpu_lapic(v), LAPIC_MSR_DEADLINE, value))
		return false;
	if (*value)
		*value += v->tsc.offset;
	return true;
}

/* One that lies before the clock's beginning is over: 1 is, too. */
bool tsc_write_deadline(struct vcpu *v, u64 value)
{
	u64 clock = value - v->tsc.offset;

	if (value && (!clock || (v->tsc.offset < BIT(63) && value < v->tsc.offset)))
		clock = 1;
	return lapic_write_msr(vcpu_lapic(v), LAPIC_MSR_DEADLINE, value ? clock : 0);
}
