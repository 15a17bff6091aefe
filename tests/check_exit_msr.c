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

TAP_MAIN("exit_msr",
	 counters_that_every_cpu_of_amd_has_are_zero_and_stay_so,
	 an_msr_that_is_not_there_is_a_general_protection)
