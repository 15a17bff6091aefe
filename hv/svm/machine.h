/* SPDX-License-Identifier: MIT */
/*
 * struct platform for the bare machine.
 */
#ifndef HV_SVM_MACHINE_H
#define HV_SVM_MACHINE_H

#include "hv/core/platform.h"

/*
 * Fills the platform; all of the machine must be set up.
 *
 *   maxphyaddr  of this CPU, bits
 */
void machine_init(struct platform *p, struct pages *pages, unsigned maxphyaddr, unsigned nr_cpus,
		  bool deterministic);

#endif
