/* SPDX-License-Identifier: MIT */
/*
 * SVM on one real CPU: found, switched on, and entered.
 */
#ifndef HV_SVM_SVM_H
#define HV_SVM_SVM_H

#include "hv/core/pages.h"
#include "hv/svm/cpu.h"
#include "hv/svm/vmcb.h"

/* What CPUID says of this machine. */
struct svm_features {
	bool svm, npt;
	bool flush_by_asid; /* VMRUN can flush one guest, or spare its global entries */
	u32 revision, nr_asids;
	u8 maxphyaddr; /* bits */
};

struct svm_features svm_detect(void);

/*
 * Switches SVM on for the running CPU.
 *
 *   returns  false: the firmware locked it off, or no page is left
 *   source   APM2 15.4 "Enabling SVM"
 */
bool svm_enable(struct cpu *c, struct pages *pages);

/* See run.S; RAX and RSP (gpr[0] and gpr[4]) are not touched. Interrupts off
 * before and after; those that came are taken. */
void svm_world_switch(u64 gpr[16], hpa_t vmcb_hpa, hpa_t host_vmcb_hpa);

/*
 * Sets what is the same for every guest: all that must never happen
 * unseen is intercepted, permission maps as given, registers after reset.
 * The vCPU layer adds what depends on the guest's paging mode.
 */
void svm_vmcb_init(struct vmcb *v, hpa_t iopm_hpa, hpa_t msrpm_hpa);

#endif
