/* SPDX-License-Identifier: MIT */
/*
 * Detection, switching on, and a VMCB's constant part.
 */
#include "hv/svm/svm.h"

#include "hv/core/x86.h"
#include "hv/svm/memory.h"
#include "hv/svm/x86.h"

#define CPUID_SVM_LEAF 0x8000000au
#define VM_CR_SVMDIS   BIT(4)
#define DR6_RESET      0xffff0ff0ull
#define DR7_RESET      0x400ull

struct svm_features svm_detect(void)
{
	struct svm_features f = { 0 };
	u32 max = cpuid(0x80000000, 0).eax;

	if (max >= 0x80000008)
		f.maxphyaddr = (u8)cpuid(0x80000008, 0).eax;
	f.svm = max >= 0x80000001 && (cpuid(0x80000001, 0).ecx & 4);
	if (f.svm && max >= CPUID_SVM_LEAF) {
		struct cpuid_regs r = cpuid(CPUID_SVM_LEAF, 0);

		f.revision = (u8)r.eax;
		f.nr_asids = r.ebx;
		f.npt = r.edx & 1;
		f.flush_by_asid = r.edx & BIT(6);
	}
	return f;
}

bool svm_enable(struct cpu *c, struct pages *pages)
{
	hpa_t hsave_hpa;

	if (rdmsr(MSR_VM_CR) & VM_CR_SVMDIS)
		return false;
	hsave_hpa = pages_get(pages);
	c->host_vmcb_hpa = pages_get(pages);
	if (hsave_hpa == HPA_INVALID || c->host_vmcb_hpa == HPA_INVALID)
		return false;
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_SVME);
	wrmsr(MSR_VM_HSAVE_PA, hsave_hpa);
	__asm__ volatile("vmsave %0" : : "a"(c->host_vmcb_hpa) : "memory");
	return true;
}

static void svm_intercept_all(struct vmcb_control *c)
{
	c->intercept_cr_read = 1u << 8;
	c->intercept_cr_write = 1u << 0 | 1u << 4 | 1u << 8;
	c->intercept_dr_read = c->intercept_dr_write = 0xffff;
	c->intercept_exceptions = 1u << X86_MC;
	c->intercept1 = VMCB_I1_INTR | VMCB_I1_NMI | VMCB_I1_SMI | VMCB_I1_LTR |
			VMCB_I1_RDPMC | VMCB_I1_CPUID | VMCB_I1_RSM | VMCB_I1_INVD | VMCB_I1_HLT | VMCB_I1_INVLPGA |
			VMCB_I1_IOIO | VMCB_I1_MSR | VMCB_I1_TASK | VMCB_I1_SHUTDOWN;
	c->intercept2 = VMCB_I2_VMRUN | VMCB_I2_VMMCALL | VMCB_I2_VMLOAD | VMCB_I2_VMSAVE |
			VMCB_I2_STGI | VMCB_I2_CLGI | VMCB_I2_SKINIT |
			VMCB_I2_WBINVD | VMCB_I2_MONITOR | VMCB_I2_MWAIT | VMCB_I2_XSETBV;
}

/* Real-mode segments at 0, as an ordinary reset leaves them but for CS. */
static void svm_reset_segments(struct vmcb_save *s)
{
	const struct vmcb_seg data = { .attrib = 0x93, .limit = 0xffff };

	s->es = s->ss = s->ds = s->fs = s->gs = data;
	s->cs = (struct vmcb_seg){ .attrib = 0x9b, .limit = 0xffff };
	s->gdtr = s->idtr = (struct vmcb_seg){ .limit = 0xffff };
	s->ldtr = (struct vmcb_seg){ .attrib = 0x82, .limit = 0xffff };
	s->tr = (struct vmcb_seg){ .attrib = 0x8b, .limit = 0xffff };
}

void svm_vmcb_init(struct vmcb *v, hpa_t iopm_hpa, hpa_t msrpm_hpa)
{
	*v = (struct vmcb){ 0 };
	svm_intercept_all(&v->control);
	svm_reset_segments(&v->save);
	v->control.iopm_hpa = iopm_hpa;
	v->control.msrpm_hpa = msrpm_hpa;
	v->control.asid = 1;
	v->control.tlb_control = VMCB_TLB_FLUSH_ALL;
	v->control.int_ctl = VMCB_INT_MASKING;
	v->save.efer = EFER_SVME;
	v->save.cr0 = CR0_ET;
	v->save.dr6 = DR6_RESET;
	v->save.dr7 = DR7_RESET;
	v->save.pat = X86_PAT_RESET;
	v->save.rflags = RFLAGS_FIXED;
}
