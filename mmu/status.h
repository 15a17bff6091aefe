/* SPDX-License-Identifier: MIT */
/*
 * Results: a status for the caller, a verdict about the guest. The rows are in
 * status.def; the names can be printed.
 */
#ifndef MMU_STATUS_H
#define MMU_STATUS_H

#define __must_check __attribute__((warn_unused_result))

enum mmu_status {
#define STATUS(name, sentence) MMU_##name,
#include "mmu/status.def"
};

enum mmu_verdict {
#define VERDICT(name, sentence) MMU_##name,
#include "mmu/status.def"
};

/* "NOMEM"; never NULL. */
const char *mmu_status_name(enum mmu_status status);

/* The row's sentence; never NULL. */
const char *mmu_status_text(enum mmu_status status);

#endif
