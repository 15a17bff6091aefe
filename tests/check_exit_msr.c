/* SPDX-License-Identifier: MIT */
/*
 * MSRs that exit: which are there, what they take, what is a #GP.
 */
#include "tests/fake_machine.h"

static const u8 code_rdmsr[] = { 0x0f, 0x32 }, code_wrmsr[] = { 0x0f, 0x30 };

/* Whether the instruction went through. RAX and RDX are the value. */
static bool access_msr(u32 msr, bool write)
{
	struct vcpu *v = &vm.vcpu[0];

	put_code(write ? code_wrmsr : code_rdmsr, 2);
	v->regs.rip = CODE_GPA;
	v->event.type = VCPU_EVENT_NONE;
	v->regs.gpr[RCX] = msr;
	v->exit.msr_write = write;
	exit_msr(v);
	if (v->event.type == VCPU_EVENT_NONE) {
		ck_assert_uint_eq(v->regs.rip, CODE_GPA + 2);
		return true;
	}
	ck_assert_uint_eq(v->event.vector, X86_GP);
	ck_assert_uint_eq(v->regs.rip, CODE_GPA);
	return false;
}

static bool write_msr(u32 msr, u64 value)
{
	vm.vcpu[0].regs.gpr[RAX] = (u32)value;
	vm.vcpu[0].regs.gpr[RDX] = value >> 32;
	return access_msr(msr, true);
}

static bool read_msr(u32 msr, u64 *value)
{
	const u64 *gpr = vm.vcpu[0].regs.gpr;
	bool ok = access_msr(msr, false);

	*value = gpr[RDX] << 32 | gpr[RAX];
	return ok;
}

START_TEST(counters_that_every_cpu_of_amd_has_are_zero_and_stay_so)
{
	u64 value;

	make(MMU_MODE_TDP, 1, true);
	for (u32 msr = 0xc0010000; msr <= 0xc0010007; msr++) {
		ck_assert(write_msr(msr, 0));
		ck_assert(!write_msr(msr, 0x530076));
		ck_assert(read_msr(msr, &value));
		ck_assert_uint_eq(value, 0);
	}
	finish();
}
END_TEST

START_TEST(an_msr_that_is_not_there_is_a_general_protection)
{
	u64 value;

	make(MMU_MODE_TDP, 1, true);
	ck_assert(!read_msr(0xc0010008, &value));
	ck_assert(!write_msr(0x12345678, 0));
	finish();
}
END_TEST

START_TEST(the_counter_is_what_was_written_and_goes_on)
{
	const struct vcpu *v = &vm.vcpu[0];
	u64 value, adjust;

	make(MMU_MODE_TDP, 1, true);
	vm.features = (struct features){ 0 };
	ck_assert_ptr_eq(features_init(&vm.features, &platform, NULL), NULL);
	ck_assert(write_msr(MSR_TSC, BIT(60)));
	ck_assert(read_msr(MSR_TSC, &value));
	ck_assert_uint_gt(value, BIT(60));
	ck_assert_uint_lt(value, BIT(60) + 100000);
	ck_assert(read_msr(MSR_TSC_ADJUST, &adjust));
	ck_assert_uint_eq(adjust, v->tsc.offset);
	ck_assert(write_msr(MSR_TSC_ADJUST, 5));
	ck_assert_uint_eq(v->tsc.offset, 5);
	ck_assert_uint_eq(tsc_read(v), now + 5);
	finish();
}
END_TEST

START_TEST(tsc_adjust_is_there_as_cpuid_says)
{
	u64 value;

	make(MMU_MODE_TDP, 1, true);
	ck_assert_ptr_eq(features_init(&vm.features, &platform, "-tsc_adjust"), NULL);
	ck_assert(!write_msr(MSR_TSC_ADJUST, 5));
	ck_assert(!read_msr(MSR_TSC_ADJUST, &value));
	ck_assert_uint_eq(vm.vcpu[0].tsc.offset, 0);
	finish();
}
END_TEST

#define LVT_TIMER_MSR 0x832u
#define LVT_DEADLINE  0x40030u

/* In x2APIC mode, with a timer that waits for a count of the TSC. */
static void make_deadline(void)
{
	struct lapic *l;

	make(MMU_MODE_TDP, 1, true);
	l = vcpu_lapic(&vm.vcpu[0]);
	l->present = l->offer_x2 = l->offer_deadline = true;
	ck_assert(write_msr(MSR_APIC_BASE, 0xfee00d00));
	ck_assert(write_msr(0x80f, 0x1ff));
	ck_assert(write_msr(LVT_TIMER_MSR, LVT_DEADLINE));
}

START_TEST(a_deadline_counts_the_guests_own_counter)
{
	struct lapic *l;
	u64 value;

	make_deadline();
	l = vcpu_lapic(&vm.vcpu[0]);
	ck_assert(write_msr(MSR_TSC, BIT(50)));
	ck_assert(write_msr(LAPIC_MSR_DEADLINE, BIT(50) + 1000000));
	ck_assert(read_msr(LAPIC_MSR_DEADLINE, &value));
	ck_assert_uint_eq(value, BIT(50) + 1000000);
	ck_assert_uint_lt(lapic_deadline(l), now + 1000000);
	ck_assert(write_msr(MSR_TSC, 0)); /* the deadline has gone far away with that */
	ck_assert(read_msr(LAPIC_MSR_DEADLINE, &value));
	ck_assert_uint_eq(value, BIT(50) + 1000000);
	ck_assert_uint_gt(lapic_deadline(l), BIT(50));
	ck_assert(write_msr(LAPIC_MSR_DEADLINE, 0));
	ck_assert(read_msr(LAPIC_MSR_DEADLINE, &value));
	ck_assert_uint_eq(value, 0);
	finish();
}
END_TEST

START_TEST(a_deadline_of_the_past_comes_at_once)
{
	make_deadline();
	ck_assert(write_msr(MSR_TSC, BIT(50)));
	ck_assert(write_msr(LAPIC_MSR_DEADLINE, 5));
	ck_assert_uint_lt(lapic_deadline(vcpu_lapic(&vm.vcpu[0])), now + 1000);
	finish();
}
END_TEST

TAP_MAIN("exit_msr",
	 the_counter_is_what_was_written_and_goes_on,
	 tsc_adjust_is_there_as_cpuid_says,
	 a_deadline_counts_the_guests_own_counter,
	 a_deadline_of_the_past_comes_at_once,
	 counters_that_every_cpu_of_amd_has_are_zero_and_stay_so,
	 an_msr_that_is_not_there_is_a_general_protection)
