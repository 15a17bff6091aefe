/* SPDX-License-Identifier: MIT */
/*
 * Stores to shadowed page tables as exits: carried out if the emulator can do it
 * exactly; else the table is given up and the CPU does it by itself.
 */
#include "tests/fake_machine.h"

#include <string.h>

static unsigned faults;
static u64 rip_begin;

/* The guest stores to a page table. It is at its end when the CPU could do that, or
 * when it need not any more. */
static void script_store(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	struct mmu_host_step step[5];
	unsigned n = mmu_host_walk(v->mmu, OTHER_GPA, step);
	bool present = n && step[n - 1].level == 1 && step[n - 1].spte & 1;

	if (run->event.type != VCPU_EVENT_NONE) {
		vm_end(v->vm, 3, "an exception");
	} else if (v->regs.rip != rip_begin) {
		vm_end(v->vm, 1, "emulated");
	} else if (present && step[n - 1].spte & 2) {
		vm_end(v->vm, 2, "the CPU could");
	} else {
		ck_assert_uint_lt(++faults, 20);
		exit->kind = CH_EXIT_fault;
		exit->addr = OTHER_GPA;
		exit->error = PFERR_WRITE | (present ? PFERR_PRESENT : 0);
	}
}

/* What becomes of code that writes to OTHER_GPA: 1 emulated, 2 the CPU can do it,
 * 3 an exception. */
static unsigned store(const u8 *code, size_t n)
{
	make_paged();
	put_code(code, n);
	rip_begin = vm.vcpu[0].regs.rip;
	script = script_store;
	faults = 0;
	return vm_run(&vm);
}

#define TO_OTHER 0x00, 0x20, 0x01, 0x00 /* OTHER_GPA as displacement */

START_TEST(a_store_that_is_not_emulated_is_left_to_the_cpu)
{
	static const struct {
		u8 n, code[12];
	} foreign[] = {
		{ 7, { 0x0f, 0x11, 0x05, TO_OTHER } },		/* movups [m], xmm0 */
		{ 6, { 0xd3, 0x15, TO_OTHER } },		/* rcl [m], cl */
		{ 7, { 0xc1, 0x05, TO_OTHER, 8 } },		/* rol [m], 8 */
		{ 6, { 0x8f, 0x05, TO_OTHER } },		/* pop [m] */
		{ 7, { 0x0f, 0x94, 0x05, TO_OTHER } },		/* sete [m] */
		{ 7, { 0xf0, 0x89, 0x05, TO_OTHER } },		/* lock mov: #UD there */
		{ 8, { 0xf0, 0x0f, 0xa4, 0x05, TO_OTHER, 4 } }, /* lock shld: the same */
		{ 7, { 0xf0, 0x39, 0x05, TO_OTHER } },		/* lock cmp */
		{ 8, { 0x66, 0x0f, 0xc7, 0x0d, TO_OTHER } },	/* 66 cmpxchg8b */
		/* lock add [m - 1], eax: in two pages */
		{ 7, { 0xf0, 0x01, 0x05, 0xff, 0x1f, 0x01, 0x00 } },
	};

	for (size_t k = 0; k < sizeof(foreign) / sizeof(*foreign); k++) {
		u32 before;

		make_paged();
		before = *(u32 *)vm_ram(&vm, OTHER_GPA, 4);
		finish();
		ck_assert_msg(store(foreign[k].code, foreign[k].n) == 2,
			      "form %zu ended with status %u", k, vm.status);
		ck_assert_uint_eq(vm.vcpu[0].regs.rip, rip_begin);
		ck_assert_uint_eq(*(u32 *)vm_ram(&vm, OTHER_GPA, 4), before);
		ck_assert_uint_ge(faults, 2);
		finish();
	}
}
END_TEST

START_TEST(a_store_that_is_emulated_leaves_the_table_shadowed)
{
	static const struct {
		u8 n, code[12];
	} ours[] = {
		{ 7, { 0x83, 0x0d, TO_OTHER, 0x10 } },	     /* or [m], 10 */
		{ 8, { 0xf0, 0x83, 0x35, TO_OTHER, 0x10 } }, /* lock xor */
		{ 6, { 0xff, 0x05, TO_OTHER } },	     /* inc */
		{ 6, { 0x87, 0x05, TO_OTHER } },	     /* xchg */
		{ 8, { 0x0f, 0xba, 0x2d, TO_OTHER, 6 } },    /* bts [m], 6 */
		{ 5, { 0xa3, TO_OTHER } },		     /* mov [m], eax */
	};

	for (size_t k = 0; k < sizeof(ours) / sizeof(*ours); k++) {
		struct mmu_fault fault;

		ck_assert_msg(store(ours[k].code, ours[k].n) == 1, "form %zu ended with status %u",
			      k, vm.status);
		ck_assert_uint_eq(vm.vcpu[0].regs.rip, rip_begin + ours[k].n);
		ck_assert_uint_ne(*(u32 *)vm_ram(&vm, OTHER_GPA, 4),
				  *(u32 *)vm_ram(&vm, PD_GPA, 4));
		ck_assert_int_eq(mmu_fault(vm.vcpu[0].mmu, OTHER_GPA, PFERR_WRITE | PFERR_PRESENT,
					   &fault),
				 MMU_EMULATE);
		ck_assert(fault.table);
		finish();
	}
}
END_TEST

static struct vcpu_segs *(*segs_before)(struct vcpu *v);

/* Another vCPU gives the table up while this one looks at its instruction, after
 * the MMU has said that it must be emulated. */
static struct vcpu_segs *segs_and_unprotect(struct vcpu *v)
{
	struct mmu_stats stats;

	mmu_get_stats(vm.mmu, &stats);
	if (stats.emulated)
		mmu_unprotect(vm.mmu, OTHER_GPA >> PAGE_SHIFT);
	return segs_before(v);
}

START_TEST(a_table_that_another_vcpu_gave_up_is_no_reason_for_an_exception)
{
	static const u8 rol[] = { 0xc1, 0x05, TO_OTHER, 8 };

	make_paged();
	put_code(rol, sizeof(rol));
	rip_begin = vm.vcpu[0].regs.rip;
	script = script_store;
	segs_before = platform.segs;
	platform.segs = segs_and_unprotect;
	ck_assert_uint_eq(vm_run(&vm), 2);
	ck_assert_uint_ge(faults, 2);
	finish();
}
END_TEST

/* Not a table: nothing can be given up, and nothing is there to store to. */
static void script_device(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	if (run->event.type != VCPU_EVENT_NONE) {
		ck_assert_uint_eq(run->event.vector, X86_UD);
		vm_end(v->vm, 3, "an exception");
		return;
	}
	ck_assert_uint_lt(++faults, 20);
	exit->kind = CH_EXIT_fault;
	exit->addr = RAM + 0x1000;
	exit->error = PFERR_WRITE;
}

START_TEST(a_store_to_a_device_that_is_not_emulated_is_ud)
{
	static const u8 rol[] = { 0xc1, 0x05, 0x00, 0x10, 0x00, 0x02, 8 };

	make(MMU_MODE_TDP, 1, true);
	put_code(rol, sizeof(rol));
	script = script_device;
	ck_assert_uint_eq(vm_run(&vm), 3);
	ck_assert_uint_eq(vm.vcpu[0].regs.rip, CODE_GPA);
	finish();
}
END_TEST

TAP_MAIN("vm_stores",
	 a_store_that_is_not_emulated_is_left_to_the_cpu,
	 a_store_that_is_emulated_leaves_the_table_shadowed,
	 a_table_that_another_vcpu_gave_up_is_no_reason_for_an_exception,
	 a_store_to_a_device_that_is_not_emulated_is_ud)
