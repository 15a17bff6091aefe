/* SPDX-License-Identifier: MIT */
/*
 * A vCPU on SVM: its VMCBs, and the functions of struct platform that touch
 * them.
 */
#ifndef HV_SVM_VCPU_H
#define HV_SVM_VCPU_H

#include "hv/core/vm.h"
#include "hv/svm/fpu.h"
#include "hv/svm/vmcb.h"

struct svm_vcpu {
	/* 01: this VM's own. 02: made while it runs a guest of its own; the
	 * current one is what VMRUN gets. */
	struct vmcb *vmcb01, *vmcb02, *vmcb;
	hpa_t vmcb01_hpa, vmcb02_hpa, vmcb_hpa;
	struct svm_fpu fpu;
};

/* The permission maps all guests share, and what CPUID says about flushes. Panics if
 * there is no memory. */
void svm_maps_init(struct pages *pages, bool flush_by_asid);

bool svm_vcpu_init(struct vcpu *v);
struct vcpu_segs *svm_vcpu_segs(struct vcpu *v);
void svm_vcpu_xmm(struct vcpu *v, unsigned number, u8 bytes[16], bool write);
u64 svm_vcpu_kernel_gs_base(struct vcpu *v);
void svm_vcpu_run(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit);

/* translate.c: what the hardware said, in the core's words. */
void svm_translate_exit(const struct vmcb *v, struct vcpu_exit *exit);

#endif
