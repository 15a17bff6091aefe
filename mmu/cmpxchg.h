/* SPDX-License-Identifier: MIT */
/*
 * Compare-exchange of guest memory, as a LOCKed instruction of the guest does it.
 */
#ifndef MMU_CMPXCHG_H
#define MMU_CMPXCHG_H

#include "mmu/types.h"

#define CMPXCHG_MAX 16

/*
 * Stores desired[0..size) to memory if expected[0..size) is there; else
 * expected[] becomes what is there. One atomic step towards every CPU.
 *
 *   size     1, 2, 4 or 8, memory aligned in any way; or 16, aligned to 16.
 *            Where the host is no x86-64, and so no guest runs on it, an
 *            unaligned or 16-byte one is two steps.
 *   returns  whether it was stored
 *   source   APM2 7.3.2 "Access Atomicity"; APM3 "CMPXCHG", "CMPXCHG16B"
 */
bool cmpxchg_memory(void *memory, void *expected, const void *desired, size_t size);

#endif
