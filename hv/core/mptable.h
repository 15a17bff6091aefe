/* SPDX-License-Identifier: MIT */
/*
 * The MP configuration table: how a guest learns of its CPUs, their local APICs, the
 * IO-APIC, and which interrupt line is which pin.
 *
 * source: Intel MultiProcessor Specification 1.4, chapter 4 "MP Configuration Table"
 */
#ifndef HV_CORE_MPTABLE_H
#define HV_CORE_MPTABLE_H

#include "hv/core/vm.h"

/* Where firmware has its read-only memory; no memory map of a guest calls it free. */
#define MPTABLE_GPA 0xf0000u

/* Writes it into the guest's memory; nothing if its CPUs have no APIC. context: before
 * the first instruction */
void mptable_place(struct vm *vm);

#endif
