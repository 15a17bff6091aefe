/* SPDX-License-Identifier: MIT */
/*
 * Exit codes in the core's words.
 *
 * source: APM2 appendix C "SVM Intercept Exit Codes", 15.10.2 "IN and OUT Behavior"
 */
#include "hv/svm/vcpu.h"

#define IOIO_IN     BIT(0)
#define IOIO_STRING BIT(2)
#define IOIO_REP    BIT(3)

struct exit_range {
	u16 first, last;
	u8 kind;
};

static const struct exit_range exit_ranges[] = {
	{ VMCB_EXIT_CR_READ, VMCB_EXIT_CR_WRITE + 15, CH_EXIT_cr },
	{ VMCB_EXIT_DR_READ, VMCB_EXIT_DR_WRITE + 15, CH_EXIT_dr },
	{ VMCB_EXIT_EXCEPTION + X86_DB, VMCB_EXIT_EXCEPTION + X86_DB, CH_EXIT_debug },
	{ VMCB_EXIT_EXCEPTION + X86_BP, VMCB_EXIT_EXCEPTION + X86_BP, CH_EXIT_debug },
	{ VMCB_EXIT_SWINT, VMCB_EXIT_SWINT, CH_EXIT_debug },
	{ VMCB_EXIT_EXCEPTION + X86_PF, VMCB_EXIT_EXCEPTION + X86_PF, CH_EXIT_fault },
	{ VMCB_EXIT_EXCEPTION, VMCB_EXIT_EXCEPTION + 31, CH_EXIT_exception },
	{ VMCB_EXIT_INTR, VMCB_EXIT_INTR, CH_EXIT_intr },
	{ VMCB_EXIT_NMI, VMCB_EXIT_SMI, CH_EXIT_nmi },
	{ VMCB_EXIT_VINTR, VMCB_EXIT_VINTR, CH_EXIT_window },
	{ VMCB_EXIT_LTR, VMCB_EXIT_LTR, CH_EXIT_ltr },
	{ VMCB_EXIT_CPUID, VMCB_EXIT_CPUID, CH_EXIT_cpuid },
	{ VMCB_EXIT_RSM, VMCB_EXIT_RSM, CH_EXIT_rsm },
	{ VMCB_EXIT_IRET, VMCB_EXIT_IRET, CH_EXIT_iret },
	{ VMCB_EXIT_INVD, VMCB_EXIT_INVD, CH_EXIT_wbinvd },
	{ VMCB_EXIT_PAUSE, VMCB_EXIT_PAUSE, CH_EXIT_pause },
	{ VMCB_EXIT_HLT, VMCB_EXIT_HLT, CH_EXIT_hlt },
	{ VMCB_EXIT_INVLPG, VMCB_EXIT_INVLPG, CH_EXIT_invlpg },
	{ VMCB_EXIT_INVLPGA, VMCB_EXIT_INVLPGA, CH_EXIT_svm },
	{ VMCB_EXIT_IOIO, VMCB_EXIT_IOIO, CH_EXIT_io },
	{ VMCB_EXIT_MSR, VMCB_EXIT_MSR, CH_EXIT_msr },
	{ VMCB_EXIT_SHUTDOWN, VMCB_EXIT_SHUTDOWN, CH_EXIT_shutdown },
	{ VMCB_EXIT_VMMCALL, VMCB_EXIT_VMMCALL, CH_EXIT_hypercall },
	{ VMCB_EXIT_VMRUN, VMCB_EXIT_SKINIT, CH_EXIT_svm },
	{ VMCB_EXIT_WBINVD, VMCB_EXIT_WBINVD, CH_EXIT_wbinvd },
	{ VMCB_EXIT_MONITOR, VMCB_EXIT_XSETBV, CH_EXIT_svm },
	{ VMCB_EXIT_NPF, VMCB_EXIT_NPF, CH_EXIT_fault },
};

static enum ch_exit exit_kind(u64 code)
{
	if (vmcb_exit_invalid(code))
		return CH_EXIT_invalid;
	for (size_t i = 0; i < sizeof(exit_ranges) / sizeof(*exit_ranges); i++) {
		if (code >= exit_ranges[i].first && code <= exit_ranges[i].last)
			return exit_ranges[i].kind;
	}
	return CH_EXIT_other;
}

void svm_translate_exit(const struct vmcb *v, struct vcpu_exit *exit)
{
	const struct vmcb_control *c = &v->control;

	exit->kind = exit_kind(c->exit_code);
	exit->code = (u32)c->exit_code;
	exit->info1 = c->exit_info1;
	exit->info2 = c->exit_info2;
	switch (exit->kind) {
	case CH_EXIT_fault: /* a #PF (CR2) and a nested fault (gpa) are told alike */
		exit->addr = c->exit_info2;
		exit->error = c->exit_info1;
		break;
	case CH_EXIT_io:
		exit->port = (u16)(c->exit_info1 >> 16);
		exit->io_size = c->exit_info1 >> 4 & 7;
		exit->io_in = c->exit_info1 & IOIO_IN;
		exit->io_string = c->exit_info1 & IOIO_STRING;
		exit->io_rep = c->exit_info1 & IOIO_REP;
		break;
	case CH_EXIT_msr:
		exit->msr_write = c->exit_info1 & 1;
		break;
	case CH_EXIT_debug:
		exit->soft = c->exit_code != VMCB_EXIT_EXCEPTION + X86_DB;
		break;
	case CH_EXIT_exception:
		exit->vector = (u8)(c->exit_code - VMCB_EXIT_EXCEPTION);
		exit->vector_code = (u32)c->exit_info1;
		break;
	default:
		break;
	}
}
