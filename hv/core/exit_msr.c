/* SPDX-License-Identifier: MIT */
/*
 * MSRs that exit: all but those the hardware switches with the guest (the
 * machine's allow-list). What is not in the table is a #GP.
 */
#include "hv/core/vcpu.h"

/* AMD: interrupt pending message, read by Linux at boot on every AMD CPU. */
#define MSR_INT_PENDING 0xc0010055u
#define MSR_UCODE_LOAD  0xc0010020u

/* Event selectors and counters that every AMD CPU has; no CPUID bit tells of them. */
#define MSR_K7_EVNTSEL0 0xc0010000u
#define MSR_K7_PERFCTR3 0xc0010007u

/* Nothing counts here: zero is what they hold. */
static bool msr_is_counter(u32 msr)
{
	return msr >= MSR_K7_EVNTSEL0 && msr <= MSR_K7_PERFCTR3;
}

static bool msr_write_efer(struct vcpu *v, u64 value)
{
	const struct features *f = &v->vm->features;
	u64 allowed = EFER_FFXSR;

	if (features_has(f, FEATURE_syscall))
		allowed |= EFER_SCE;
	if (features_has(f, FEATURE_lm))
		allowed |= EFER_LME | EFER_LMA;
	if (features_has(f, FEATURE_nx))
		allowed |= EFER_NXE;
	if (value & ~allowed)
		return false;
	if (vcpu_paging(v) && (value ^ v->regs.efer) & EFER_LME)
		return false;
	/* LMA is the CPU's; what is written there does not matter. */
	v->regs.efer = (value & ~EFER_LMA) | (v->regs.efer & EFER_LMA);
	vcpu_tell_mmu(v, MMU_CR3_NONE);
	return true;
}

/* Each of the eight types must be 0 1 4 5 6 or 7. */
static bool msr_write_pat(struct vcpu *v, u64 value)
{
	for (unsigned i = 0; i < 64; i += 8) {
		u8 type = (u8)(value >> i);

		if (type > 7 || type == 2 || type == 3)
			return false;
	}
	v->msr_pat = value;
	return true;
}

static bool msr_is_apic(u32 msr)
{
	return msr >= LAPIC_MSR_FIRST && msr <= LAPIC_MSR_LAST;
}

static bool msr_write(struct vcpu *v, u32 msr, u64 value)
{
	if (msr_is_apic(msr))
		return lapic_write_msr(vcpu_lapic(v), msr, value);
	if (msr_is_counter(msr))
		return !value;
	switch (msr) {
	case MSR_APIC_BASE:
		return lapic_write_base(vcpu_lapic(v), value, v->vm->p->maxphyaddr);
	case MSR_EFER:
		return msr_write_efer(v, value);
	case MSR_PAT:
		return msr_write_pat(v, value);
	case MSR_TSC_AUX:
		v->msr_tsc_aux = (u32)value;
		return true;
	case MSR_TSC:
		tsc_write(v, value);
		return true;
	case MSR_TSC_ADJUST:
		if (features_has(&v->vm->features, FEATURE_tsc_adjust))
			tsc_write_adjust(v, value);
		return features_has(&v->vm->features, FEATURE_tsc_adjust);
	case LAPIC_MSR_DEADLINE:
		return tsc_write_deadline(v, value);
	case MSR_UCODE_REV:
	case MSR_UCODE_LOAD:
		return true;
	default:
		return false;
	}
}

static bool msr_read(struct vcpu *v, u32 msr, u64 *value)
{
	if (msr_is_apic(msr))
		return lapic_read_msr(vcpu_lapic(v), msr, value);
	switch (msr) {
	case MSR_APIC_BASE:
		return lapic_read_base(vcpu_lapic(v), value);
	case MSR_EFER:
		*value = v->regs.efer;
		return true;
	case MSR_PAT:
		*value = v->msr_pat;
		return true;
	case MSR_TSC_AUX:
		*value = v->msr_tsc_aux;
		return true;
	case MSR_TSC:
		*value = tsc_read(v);
		return true;
	case MSR_TSC_ADJUST:
		*value = v->tsc.adjust;
		return features_has(&v->vm->features, FEATURE_tsc_adjust);
	case LAPIC_MSR_DEADLINE:
		return tsc_read_deadline(v, value);
	case MSR_UCODE_REV:
	case MSR_INT_PENDING:
		*value = 0;
		return true;
	default:
		*value = 0;
		return msr_is_counter(msr);
	}
}

void exit_msr(struct vcpu *v)
{
	u64 *gpr = v->regs.gpr;
	u32 msr = (u32)gpr[RCX];
	u64 value = gpr[RDX] << 32 | (u32)gpr[RAX];
	bool ok, write = v->exit.msr_write;
	struct insn i;

	if (!vcpu_decode(v, &i))
		return;
	ok = !v->regs.cpl && (write ? msr_write(v, msr, value) : msr_read(v, msr, &value));
	vcpu_emit(v, msr, write, msr, value, !ok);
	if (!ok) {
		vcpu_inject_gp(v);
		return;
	}
	if (!write) {
		gpr[RAX] = (u32)value;
		gpr[RDX] = value >> 32;
	}
	vcpu_skip(v, i.len);
}
