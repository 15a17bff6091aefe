/* SPDX-License-Identifier: MIT */
/*
 * As much of ACPI as tells where the power management timer is:
 *
 *   f2000  RSDP -> f2040 RSDT -> f2080 FADT -> f2180 FACS, f2100 DSDT (empty)
 *
 * CPUs and APICs are told of by the MP table.
 *
 * source: ACPI Specification 6.5, 5.2 "ACPI System Description Tables"
 */
#ifndef HV_CORE_ACPI_H
#define HV_CORE_ACPI_H

#define ACPI_GPA 0xf2000u

struct vm;

/* Writes them into the guest's memory. context: before the first instruction */
void acpi_place(struct vm *vm);

#endif
