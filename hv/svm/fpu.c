/* SPDX-License-Identifier: MIT */
/* Whose the FPU is. */
#include "hv/svm/fpu.h"

#include "hv/svm/cpu.h"

#include <string.h>

#define FPU_FCW   0
#define FPU_FTW   4
#define FPU_MXCSR 24
#define FPU_XMM   160

#define FCW_RESET   0x40u
#define FTW_RESET   0xffu /* all in use, with zeros */
#define MXCSR_RESET 0x1f80u

void fpu_reset(struct svm_fpu *fpu)
{
	const u16 fcw = FCW_RESET;
	const u32 mxcsr = MXCSR_RESET;

	memset(fpu, 0, sizeof(*fpu));
	memcpy(fpu->image + FPU_FCW, &fcw, sizeof(fcw));
	fpu->image[FPU_FTW] = FTW_RESET;
	memcpy(fpu->image + FPU_MXCSR, &mxcsr, sizeof(mxcsr));
}

void fpu_use(struct svm_fpu *fpu)
{
	struct cpu *c = cpu_this();

	if (c->fpu == fpu)
		return;
	if (c->fpu)
		__asm__ volatile("fxsave64 %0" : "=m"(c->fpu->image));
	__asm__ volatile("fxrstor64 %0" : : "m"(fpu->image));
	c->fpu = fpu;
}

void fpu_xmm(struct svm_fpu *fpu, unsigned number, u8 bytes[16], bool write)
{
	u8 *at = fpu->image + FPU_XMM + 16 * number;

	fpu_use(fpu);
	__asm__ volatile("fxsave64 %0" : "=m"(fpu->image));
	if (!write) {
		memcpy(bytes, at, 16);
		return;
	}
	memcpy(at, bytes, 16);
	__asm__ volatile("fxrstor64 %0" : : "m"(fpu->image));
}
