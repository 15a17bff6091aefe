/* SPDX-License-Identifier: MIT */
/*
 * What the hypervisor relies on, tried at start on a guest of a few bytes:
 * every exit it needs, nested paging, V_IRQ. Each test is an event and, when
 * it fails, a line in the boot log.
 */
#ifndef HV_SVM_SELFTEST_H
#define HV_SVM_SELFTEST_H

#include "hv/core/pages.h"
#include "hv/svm/cpu.h"

struct selftest_result {
	unsigned run, failed;
	/* A guest without paging is not held by the nested tables: the machine
	 * has the bug of QEMU 7.2 (before .15), 8.x and early 9.x. */
	bool unpaged_escapes;
};

/*
 * Runs all tests.
 *
 *   context   SVM is on, interrupts off, the channel is up; no guest exists.
 *             Uses machine memory at 0x1000 for a moment
 *   events    selftest, one per test
 */
struct selftest_result selftest_run(struct cpu *c, struct pages *pages);

#endif
