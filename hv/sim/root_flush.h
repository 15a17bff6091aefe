/* SPDX-License-Identifier: MIT */
/* The service of flushing by root. */
#ifndef SIM_ROOT_FLUSH_H
#define SIM_ROOT_FLUSH_H

#include "hv/sim/cpu.h"

/* What mmu_env's flush_root() promises; fails while sim->refuse_flushes is not 0,
 * which counts down. events tlb_drop */
bool sim_flush_root(struct sim *sim, hpa_t root_hpa, gfn_t gfn, u64 npages);

#endif
