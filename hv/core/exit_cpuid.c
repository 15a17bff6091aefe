/* SPDX-License-Identifier: MIT */
/*
 * CPUID: of the machine's answer what is known to work (cpuid_leaf.def), with the
 * features that the guest's CPU has (cpuid.def), each vCPU a package of one core.
 *
 * source: APM3 appendix E "Obtaining Processor Information Via the CPUID Instruction"
 */
#include "hv/core/vcpu.h"

#include <string.h>

enum { EAX, EBX, ECX, EDX };

#define LEAF_FEATURES 7
#define LEAF_TOPOLOGY 0xb

static const struct cpuid_leaf {
	u32 first, last, bits[4];
} cpuid_leaves[] = {
#define LEAF(first, last, eax, ebx, ecx, edx, what) { first, last, { eax, ebx, ecx, edx } },
#include "hv/core/cpuid_leaf.def"
};

static void cpuid_machine(const struct vcpu *v, u32 leaf, u32 sub, u32 out[4])
{
	memset(out, 0, 4 * sizeof(*out));
	for (size_t i = 0; i < sizeof(cpuid_leaves) / sizeof(*cpuid_leaves); i++) {
		const struct cpuid_leaf *l = &cpuid_leaves[i];

		if (leaf < l->first || leaf > l->last || (leaf == LEAF_FEATURES && sub))
			continue;
		v->vm->p->cpuid(leaf, sub, out);
		for (unsigned reg = 0; reg < 4; reg++)
			out[reg] &= l->bits[reg];
	}
}

/* Its page is gone while the guest has it switched off, and the bit with it. */
static u32 cpuid_apic_bit(const struct vcpu *v)
{
	return lapic_is_on(&v->vm->board.apics.cpu[v->id]) ? 0 : 1u << 9;
}

/* Threads of a core, and cores of a package: one each. */
static void cpuid_topology(const struct vcpu *v, u32 sub, u32 out[4])
{
	out[EAX] = 0;
	out[EBX] = sub < 2;
	out[ECX] = (sub & 0xff) | (sub < 2 ? (sub + 1) << 8 : 0);
	out[EDX] = v->id;
}

void vcpu_cpuid(struct vcpu *v, u32 leaf, u32 sub, u32 out[4])
{
	cpuid_machine(v, leaf, sub, out);
	features_cpuid(&v->vm->features, leaf, sub, out);
	if (leaf == 1) { /* APIC id and CPU count of one core */
		out[EBX] = (out[EBX] & 0xff00) | (u32)v->id << 24 | 1u << 16;
		out[EDX] &= ~cpuid_apic_bit(v);
	}
	if (leaf == 0x80000001)
		out[EDX] &= ~cpuid_apic_bit(v);
	if (leaf == LEAF_TOPOLOGY)
		cpuid_topology(v, sub, out);
}

void exit_cpuid(struct vcpu *v)
{
	u64 *gpr = v->regs.gpr;
	u32 leaf = (u32)gpr[RAX], sub = (u32)gpr[RCX], out[4];
	struct insn i;

	if (!vcpu_decode(v, &i))
		return;
	vcpu_cpuid(v, leaf, sub, out);
	vcpu_emit(v, cpuid, leaf, sub, out[EAX], out[EBX], out[ECX], out[EDX]);
	gpr[RAX] = out[EAX];
	gpr[RBX] = out[EBX];
	gpr[RCX] = out[ECX];
	gpr[RDX] = out[EDX];
	vcpu_skip(v, i.len);
}
