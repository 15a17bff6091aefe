/* SPDX-License-Identifier: MIT */
/*
 * What of the machine's CPU, and of our own models, the guest's CPU has (cpuid.def).
 * It is settled when a machine is made.
 */
#ifndef HV_CORE_FEATURE_H
#define HV_CORE_FEATURE_H

#include "hv/core/platform.h"

struct features {
	u64 shown; /* bit n: row n of cpuid.def. Of rows with one name each is one here */
	u32 has;   /* bit n: enum feature n */
};

/* Those that the core looks at. */
enum feature {
	FEATURE_apic, FEATURE_x2apic, FEATURE_tsc_deadline, FEATURE_la57, FEATURE_pse,
	FEATURE_pae, FEATURE_pge, FEATURE_fsgsbase, FEATURE_smep, FEATURE_smap,
	FEATURE_umip, FEATURE_syscall, FEATURE_nx, FEATURE_lm,
	FEATURE_tsc_adjust,
};

/*
 * Settles them.
 *
 *   changes  "+la57,-smep", or NULL. The last word about a name counts.
 *   returns  NULL, or why the changes are no good
 */
const char *features_init(struct features *f, const struct platform *p, const char *changes);

/* Whether the guest's CPU has it. */
static inline bool features_has(const struct features *f, enum feature feature)
{
	return f->has >> feature & 1;
}

/* Makes the machine's answer to CPUID the guest's. regs: EAX EBX ECX EDX */
void features_cpuid(const struct features *f, u32 leaf, u32 sub, u32 regs[4]);

#endif
