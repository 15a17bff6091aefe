/* SPDX-License-Identifier: MIT */
/*
 * The registers of x87 and SSE, which neither VMRUN nor we touch: they stay those of
 * the vCPU that ran last, until another one of this CPU is to run.
 *
 * source: APM2 11.4.4 "FXSAVE/FXRSTOR Instructions"
 */
#ifndef HV_SVM_FPU_H
#define HV_SVM_FPU_H

#include "mmu/types.h"

struct svm_fpu {
	u8 image[512] __attribute__((aligned(16))); /* of FXSAVE64; old while in use */
};

/* As after a reset. */
void fpu_reset(struct svm_fpu *fpu);

/* Reads or writes XMM0 to XMM15 of these, which become the running CPU's. */
void fpu_xmm(struct svm_fpu *fpu, unsigned number, u8 bytes[16], bool write);

/* The running CPU's registers become these. */
void fpu_use(struct svm_fpu *fpu);

#endif
