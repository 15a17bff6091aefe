/* SPDX-License-Identifier: MIT */
/*
 * SMRAM on a pretended machine: what is in it, and who sees it.
 */
#include "tests/fake_machine.h"

#include <string.h>

static void smi(struct vcpu *v)
{
	smm_request(v);
	ck_assert(smm_deliver(v));
}

static void rsm(struct vcpu *v)
{
	ck_assert(smm_resume(v));
}

/* ---- the firmware ---- */

START_TEST(the_firmwares_handler_is_in_smram_for_every_vcpu)
{
	static const u8 code[] = { 0x0f, 0xaa };

	make(MMU_MODE_TDP, 16, false);
	smm_firmware(&vm);
	for (unsigned i = 0; i < 16; i++) {
		const u8 *handler = vm_ram(&vm, vm.vcpu[i].smm.base + 0x8000, 0x20);
		u32 end = vm.vcpu[i].smm.base + 0x10000;
		u16 to;

		memcpy(&to, handler + 10, sizeof(to));
		ck_assert_uint_eq(to, 0xff00);
		ck_assert_mem_eq(handler + 16, code, sizeof(code));
		ck_assert_uint_ge(vm.vcpu[i].smm.base, SMRAM_GPA);
		ck_assert_uint_le(end, SMRAM_GPA + SMRAM_SIZE);
		for (unsigned k = 0; k < i; k++)
			ck_assert_uint_ge(vm.vcpu[i].smm.base - vm.vcpu[k].smm.base, 0x200);
	}
	choose_long_mode(false);
	smm_firmware(&vm);
	ck_assert_uint_eq(*(u16 *)vm_ram(&vm, 0xa8000 + 10, 2), 0xfef8);
	finish();
}
END_TEST

START_TEST(the_state_goes_to_smram_and_comes_back_from_there)
{
	struct vcpu *v = &vm.vcpu[0];
	u64 rax;

	make(MMU_MODE_TDP, 1, false);
	v->smm.base = SMRAM_GPA;
	v->regs.gpr[RAX] = 0x123456789;
	smi(v);
	memcpy(&rax, vm_ram(&vm, SMRAM_GPA + 0xfff8, sizeof(rax)), sizeof(rax));
	ck_assert_uint_eq(rax, 0x123456789);
	v->regs.gpr[RAX] = 0;
	rsm(v);
	ck_assert(!vm.ended);
	ck_assert_uint_eq(v->regs.gpr[RAX], 0x123456789);
	finish();
}
END_TEST

/* ---- two vCPUs, one memory ---- */

#define ROUNDS 20000u

/* What stands at one gpa, in SMRAM and outside it. */
static void look(struct vcpu *v, gpa_t gpa, bool smram, u32 want)
{
	u32 value = 0;
	size_t got = mmu_vcpu_read(v->mmu, gpa, &value, sizeof(value));

	ck_assert_uint_eq(got, smram && !v->smm.active ? 0 : sizeof(value));
	ck_assert(!got || value == want);
	ck_assert_uint_eq(mmu_vm_read(vm.mmu, gpa, &value, sizeof(value)), smram ? 0 : 4);
}

static u32 store(struct vcpu *v, gpa_t gpa, bool smram, u32 was, u32 value)
{
	size_t got = mmu_vcpu_write(v->mmu, gpa, &value, sizeof(value));
	u32 other = ~value;

	ck_assert_uint_eq(got, smram && !v->smm.active ? 0 : sizeof(value));
	ck_assert(!smram || !mmu_vm_write(vm.mmu, gpa, &other, sizeof(other)));
	return got ? value : was;
}

static void one_in_smm_the_other_not(enum mmu_mode mode)
{
	u32 secret = 0, open = 0, random = 0x5eed;

	make(mode, 2, false);
	vm.vcpu[1].state = CH_RUNNING;
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct vcpu *v;

		random = random * 1103515245 + 12345;
		v = &vm.vcpu[random >> 16 & 1];
		switch (random >> 20 & 3) {
		case 0:
			if (v->smm.active)
				rsm(v);
			else
				smi(v);
			break;
		case 1:
			secret = store(v, 0xa9000, true, secret, random);
			break;
		case 2:
			open = store(v, 0x9000, false, open, random);
			break;
		default:
			look(v, 0xa9000, true, secret);
			look(v, 0x9000, false, open);
		}
	}
	ck_assert_uint_eq(mmu_audit(vm.mmu, NULL, NULL), 0);
	finish();
}

START_TEST(smram_is_seen_by_the_vcpu_that_is_in_smm_under_tdp)
{
	one_in_smm_the_other_not(MMU_MODE_TDP);
}
END_TEST

START_TEST(smram_is_seen_by_the_vcpu_that_is_in_smm_under_shadow)
{
	one_in_smm_the_other_not(MMU_MODE_SHADOW);
}
END_TEST

/* ---- what the hardware gets ---- */

static bool maps(struct vcpu *v, gpa_t gpa)
{
	struct mmu_host_step step[5];
	struct mmu_fault fault;
	struct mmu_entry entry;
	enum mmu_verdict verdict;
	unsigned n;

	ck_assert_int_eq(mmu_enter(v->mmu, &entry), MMU_OK);
	mmu_leave(v->mmu);
	verdict = mmu_fault(v->mmu, gpa, 0, &fault);
	n = mmu_host_walk(v->mmu, gpa, step);
	if (verdict != MMU_RETRY)
		return false;
	ck_assert_uint_eq(step[n - 1].spte & 0xfffffff000ull, (vm.ram_hpa + gpa) & PAGE_MASK);
	return true;
}

static void the_window(enum mmu_mode mode)
{
	struct vcpu *v = &vm.vcpu[0];

	make(mode, 1, false);
	ck_assert(maps(v, 0x9f000));
	ck_assert(!maps(v, 0xa0000));
	ck_assert(!maps(v, 0xbf000));
	ck_assert(maps(v, 0xc0000));
	smi(v);
	ck_assert(maps(v, 0x9f000));
	ck_assert(maps(v, 0xa0000));
	ck_assert(maps(v, 0xbf000));
	ck_assert(maps(v, 0xc0000));
	rsm(v);
	ck_assert(!maps(v, 0xa0000));
	finish();
}

START_TEST(the_tables_show_smram_in_smm_only_under_tdp)
{
	the_window(MMU_MODE_TDP);
}
END_TEST

START_TEST(the_tables_show_smram_in_smm_only_under_shadow)
{
	the_window(MMU_MODE_SHADOW);
}
END_TEST

TAP_MAIN("smm_ram",
	 the_firmwares_handler_is_in_smram_for_every_vcpu,
	 the_state_goes_to_smram_and_comes_back_from_there,
	 smram_is_seen_by_the_vcpu_that_is_in_smm_under_tdp,
	 smram_is_seen_by_the_vcpu_that_is_in_smm_under_shadow,
	 the_tables_show_smram_in_smm_only_under_tdp,
	 the_tables_show_smram_in_smm_only_under_shadow)
