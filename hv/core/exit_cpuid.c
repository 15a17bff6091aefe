/* SPDX-License-Identifier: MIT */
/*
 * CPUID: the machine's answer without what the guest shall not use. Hidden is
 * what has no model here (APIC, MTRR, machine checks, XSAVE and all that needs
 * it, SVM) and what the MMU does not offer (PCID, LA57, protection keys).
 *
 * source: APM3 appendix E "Obtaining Processor Information Via the CPUID Instruction"
 */
#include "hv/core/vcpu.h"

enum { EAX, EBX, ECX, EDX };

struct cpuid_mask {
	u32 leaf, sub;
	u8 reg;
	u32 hidden;
};

static const struct cpuid_mask cpuid_masks[] = {
#define HIDE(leaf, sub, reg, bit, name) { leaf, sub, reg, 1u << bit },
#include "hv/core/cpuid.def"
};

static bool cpuid_leaf_empty(u32 leaf)
{
	return leaf == 5 || leaf == 0xa || leaf == 0xb || leaf == 0xd || leaf == 0x14 ||
	       leaf == 0x1f || leaf == 0x8000000a || (leaf >= 0x40000000 && leaf < 0x50000000);
}

static void cpuid_guest(struct vcpu *v, u32 leaf, u32 sub, u32 out[4])
{
	if (cpuid_leaf_empty(leaf)) {
		out[EAX] = out[EBX] = out[ECX] = out[EDX] = 0;
		return;
	}
	v->vm->p->cpuid(leaf, sub, out);
	for (size_t i = 0; i < sizeof(cpuid_masks) / sizeof(*cpuid_masks); i++) {
		const struct cpuid_mask *m = &cpuid_masks[i];

		if (m->leaf == leaf && (m->sub == sub || leaf != 7))
			out[m->reg] &= ~m->hidden;
	}
	if (leaf == 1) /* APIC id and CPU count of one core */
		out[EBX] = (out[EBX] & 0xff00) | (u32)v->id << 24 | 1u << 16;
	if (leaf == 0x80000008)
		out[ECX] = 0;
}

void exit_cpuid(struct vcpu *v)
{
	u64 *gpr = v->regs.gpr;
	u32 leaf = (u32)gpr[RAX], sub = (u32)gpr[RCX], out[4];
	struct insn i;

	if (!vcpu_decode(v, &i))
		return;
	cpuid_guest(v, leaf, sub, out);
	vcpu_emit(v, cpuid, leaf, sub, out[EAX], out[EBX], out[ECX], out[EDX]);
	gpr[RAX] = out[EAX];
	gpr[RBX] = out[EBX];
	gpr[RCX] = out[ECX];
	gpr[RDX] = out[EDX];
	vcpu_skip(v, i.len);
}
