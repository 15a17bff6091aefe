/* SPDX-License-Identifier: MIT */
/*
 * The core's loop on a pretended machine: snapshots, stops, exits and what is done
 * about them.
 */
#include "hv/core/emulate.h"
#include "tests/fake_machine.h"

#include <string.h>

static void script_end(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)run;
	(void)exit;
	vm_end(v->vm, 0, "script");
}

/* ---- snapshots ---- */

#define LEAVES   2000u
#define HIGH_GPA 0x100000u

static void map_leaves(void)
{
	struct mmu_fault fault;

	enter_once();
	for (u64 i = 0; i < LEAVES; i++)
		ck_assert_int_eq(mmu_fault(vm.vcpu[0].mmu, HIGH_GPA + (i << PAGE_SHIFT),
					   PFERR_WRITE | PFERR_USER, &fault),
				 MMU_RETRY);
	atomic_store(&header()->reader, 1);
	read_ring();
	memset(events, 0, sizeof(events));
	lost = 0;
}

START_TEST(a_snapshot_longer_than_the_ring_waits_for_its_reader)
{
	make(MMU_MODE_TDP, 1, false);
	map_leaves();
	reading = true;
	vm_snapshot(&vm);
	read_ring();
	ck_assert_uint_eq(lost, 0);
	ck_assert_uint_eq(events[EV_snapshot_begin], 1);
	ck_assert_uint_eq(events[EV_snapshot_end], 1);
	ck_assert_uint_ge(events[EV_spte_set], LEAVES);
	finish();
}
END_TEST

START_TEST(a_reader_that_does_not_read_holds_a_snapshot_up_once)
{
	u64 begin;

	make(MMU_MODE_TDP, 1, false);
	map_leaves();
	reading = false;
	begin = now;
	vm_snapshot(&vm);
	ck_assert_uint_ge(now - begin, 2000000000ull);
	ck_assert_uint_lt(now - begin, 3000000000ull);
	finish();
}
END_TEST

START_TEST(a_deterministic_machine_never_waits_for_a_reader)
{
	u64 begin;

	make(MMU_MODE_TDP, 1, false);
	map_leaves();
	platform.deterministic = true;
	reading = false;
	begin = now;
	vm_snapshot(&vm);
	ck_assert_uint_lt(now - begin, 1000000000ull);
	finish();
}
END_TEST

/* ---- stops and steps ---- */

static void wait_for_step(void)
{
	ck_assert(vm.control.stopped);
	ck_assert_int_eq(vm.control.why, CH_STOP_STEP);
	vm_end(&vm, 7, "the test saw the stop");
}

START_TEST(a_step_of_a_vcpu_that_is_halted_for_ever_is_answered_at_once)
{
	make(MMU_MODE_TDP, 2, true);
	script = script_end;
	on_wait = wait_for_step;
	vm.control.stopped = true;
	control_resume(&vm, CH_STEP_INSN, 1);
	ck_assert_uint_eq(vm_run(&vm), 7);
	finish();
}
END_TEST

static void wake(void)
{
	vm.vcpu[0].nmi_pending = true;
}

START_TEST(a_running_vcpu_that_may_not_run_is_no_reason_to_end)
{
	make(MMU_MODE_TDP, 2, true);
	script = script_end;
	on_wait = wake;
	vm.vcpu[0].state = CH_HALTED;
	vm.vcpu[0].regs.rflags |= RFLAGS_IF;
	vm.vcpu[1].state = CH_RUNNING;
	control_resume(&vm, CH_STEP_INSN, 0);
	vm.vcpu[0].regs.rflags &= ~RFLAGS_IF;
	ck_assert_uint_eq(vm_run(&vm), 0);
	finish();
}
END_TEST

START_TEST(a_break_that_fired_is_not_undone_by_a_resume)
{
	make(MMU_MODE_TDP, 1, true);
	control_ask(&vm, CH_STOP_BREAK);
	control_resume(&vm, CH_STEP_NONE, 0);
	ck_assert(vm.control.asked);
	ck_assert_int_eq(vm.control.why, CH_STOP_BREAK);
	finish();
}
END_TEST

/* ---- faults in the delivery of an event ---- */

static u64 fault_addr;
static unsigned faults, max_faults = 20;

/* The delivery of an event writes to a page table, until that works. */
static void script_delivery(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	struct mmu_host_step step[5];
	unsigned n = mmu_host_walk(v->mmu, fault_addr, step);
	bool present = n && step[n - 1].level == 1 && step[n - 1].spte & 1;

	(void)run;
	if (present && step[n - 1].spte & 2) {
		vm_end(v->vm, 0, "delivered");
		return;
	}
	ck_assert_uint_lt(++faults, max_faults);
	exit->kind = CH_EXIT_fault;
	exit->addr = fault_addr;
	exit->error = PFERR_WRITE | (present ? PFERR_PRESENT : 0);
	exit->delivering = true;
}

START_TEST(an_event_delivered_onto_a_page_table_does_not_carry_out_the_instruction_at_rip)
{
	make_paged();
	script = script_delivery;
	fault_addr = OTHER_GPA;
	ck_assert_uint_eq(vm_run(&vm), 0);
	ck_assert_uint_gt(faults, 1);
	ck_assert_uint_eq(vm.vcpu[0].regs.rip, CODE_GPA);
	ck_assert_int_eq(vm.vcpu[0].event.type, VCPU_EVENT_NONE);
	ck_assert_uint_eq(*(u32 *)vm_ram(&vm, DATA_GPA, 4), 0);
	finish();
}
END_TEST

START_TEST(an_event_delivered_to_where_no_memory_is_ends_the_guest)
{
	make(MMU_MODE_TDP, 1, true);
	script = script_delivery;
	fault_addr = RAM + 0x1000;
	ck_assert_uint_eq(vm_run(&vm), 125);
	finish();
}
END_TEST

/* ---- instructions carried out ---- */

/* The guest polls a device that is not there: mov eax, [ebx]; jmp back. */
static void script_poll(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)run;
	if (rounds > 30000) {
		vm_end(v->vm, 3, "polled long enough");
		return;
	}
	v->regs.rip = CODE_GPA;
	exit->kind = CH_EXIT_fault;
	exit->addr = RAM + 0x1000;
	exit->error = PFERR_USER;
}

START_TEST(polling_a_device_that_is_not_there_is_no_livelock)
{
	static const u8 code[] = { 0x8b, 0x03, 0xeb, 0xfc };

	make(MMU_MODE_TDP, 1, true);
	put_code(code, sizeof(code));
	vm.vcpu[0].regs.gpr[RBX] = RAM + 0x1000;
	script = script_poll;
	ck_assert_uint_eq(vm_run(&vm), 3);
	finish();
}
END_TEST

/* The delivery writes to the very table that maps what it writes to. */
START_TEST(a_fault_that_nothing_helps_against_is_a_livelock)
{
	make_paged();
	script = script_delivery;
	max_faults = 1000000;
	fault_addr = PD_GPA;
	ck_assert_uint_eq(vm_run(&vm), 125);
	ck_assert_uint_lt(faults, 30000);
	finish();
}
END_TEST

static void script_cpuid(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	if (run->event.type == VCPU_EVENT_NONE && v->regs.rip == CODE_GPA) {
		exit->kind = CH_EXIT_wbinvd;
		return;
	}
	vm_end(v->vm, run->event.type == VCPU_EVENT_EXCEPTION ? run->event.vector : 99, "script");
}

static const u8 code_wbinvd[] = { 0x0f, 0x09 };

START_TEST(a_guest_that_traces_itself_gets_its_trap_after_what_we_carry_out)
{
	make(MMU_MODE_TDP, 1, true);
	put_code(code_wbinvd, sizeof(code_wbinvd));
	vm.vcpu[0].regs.rflags |= RFLAGS_TF;
	script = script_cpuid;
	ck_assert_uint_eq(vm_run(&vm), X86_DB);
	ck_assert_uint_eq(vm.vcpu[0].regs.rip, CODE_GPA + sizeof(code_wbinvd));
	ck_assert_uint_ne(vm.vcpu[0].regs.dr6 & DR6_BS, 0);
	ck_assert_uint_eq(vm.vcpu[0].regs.rflags & RFLAGS_RF, 0);
	finish();
}
END_TEST

START_TEST(an_exit_of_an_instruction_we_do_not_know_is_ud)
{
	static const u8 code[] = { 0x0f, 0xff };

	make(MMU_MODE_TDP, 1, true);
	put_code(code, sizeof(code));
	script = script_cpuid;
	ck_assert_uint_eq(vm_run(&vm), X86_UD);
	finish();
}
END_TEST

static void machine_cpuid(u32 leaf, u32 sub, u32 out[4])
{
	(void)sub;
	memset(out, 0, 4 * sizeof(*out));
	if (leaf == 0)
		out[0] = 7;
	if (leaf == 1)
		out[3] = 1u << 6; /* PAE */
	if (leaf == 7)
		out[1] = 1u << 7; /* SMEP, no SMAP */
}

START_TEST(cr4_has_the_bits_that_cpuid_has)
{
	static const u8 code[] = { 0x0f, 0x22, 0xe0 }; /* mov %eax, %cr4 */
	struct vcpu *v = &vm.vcpu[0];

	make(MMU_MODE_TDP, 1, true);
	platform.cpuid = machine_cpuid;
	ck_assert_ptr_eq(features_init(&vm.features, &platform, NULL), NULL);
	put_code(code, sizeof(code));
	v->regs.gpr[RAX] = CR4_PAE | CR4_SMEP;
	exit_cr(v);
	ck_assert_uint_eq(v->regs.cr4, CR4_PAE | CR4_SMEP);
	ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE);
	v->regs.rip = CODE_GPA;
	v->regs.gpr[RAX] = CR4_PAE | CR4_SMAP;
	exit_cr(v);
	ck_assert_uint_eq(v->regs.cr4, CR4_PAE | CR4_SMEP);
	ck_assert_int_eq(v->event.vector, X86_GP);
	finish();
}
END_TEST

START_TEST(a_store_into_two_pages_is_done_whole_or_not_at_all)
{
	static const u32 value = 0x11223344;
	struct vcpu *v = &vm.vcpu[0];
	u32 *pt;

	make_paged();
	pt = vm_ram(&vm, PT_GPA, PAGE_SIZE);
	pt[DATA_GPA / PAGE_SIZE + 1] &= ~2u;
	ck_assert(!emulate_write_mem(v, DATA_GPA + 0xffe, &value, 4));
	ck_assert_uint_eq(*(u16 *)vm_ram(&vm, DATA_GPA + 0xffe, 2), 0);
	ck_assert_int_eq(v->event.vector, X86_PF);
	ck_assert_uint_eq(v->regs.cr2, DATA_GPA + PAGE_SIZE);
	ck_assert_uint_eq(v->event.code, PFERR_PRESENT | PFERR_WRITE);
	finish();
}
END_TEST

static void script_escape(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)v;
	(void)run;
	exit->escaped = true;
}

START_TEST(a_guest_on_tables_that_are_not_ours_is_ended)
{
	make(MMU_MODE_SHADOW, 1, true);
	script = script_escape;
	ck_assert_uint_eq(vm_run(&vm), 125);
	finish();
}
END_TEST

START_TEST(a_hypercall_is_answered_that_there_is_none)
{
	static const u8 code[] = { 0x0f, 0x01, 0xd9 };
	struct vcpu *v = &vm.vcpu[0];

	make(MMU_MODE_TDP, 1, true);
	put_code(code, sizeof(code));
	exit_hypercall(v);
	ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE);
	ck_assert_uint_eq(v->regs.gpr[RAX], (u64)-1000);
	ck_assert_uint_eq(v->regs.rip, CODE_GPA + 3);
	finish();
}
END_TEST

START_TEST(a_pause_is_passed_with_all_its_prefixes)
{
	static const u8 code[] = { 0x66, 0xf3, 0x90, 0x90 };
	struct vcpu *v = &vm.vcpu[0];

	make(MMU_MODE_TDP, 2, true);
	put_code(code, sizeof(code));
	exit_pause(v);
	ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE);
	ck_assert_uint_eq(v->regs.rip, CODE_GPA + 3);
	finish();
}
END_TEST

TAP_MAIN("vm",
	 a_hypercall_is_answered_that_there_is_none,
	 a_pause_is_passed_with_all_its_prefixes,
	 a_snapshot_longer_than_the_ring_waits_for_its_reader,
	 a_reader_that_does_not_read_holds_a_snapshot_up_once,
	 a_deterministic_machine_never_waits_for_a_reader,
	 a_step_of_a_vcpu_that_is_halted_for_ever_is_answered_at_once,
	 a_running_vcpu_that_may_not_run_is_no_reason_to_end,
	 a_break_that_fired_is_not_undone_by_a_resume,
	 an_event_delivered_onto_a_page_table_does_not_carry_out_the_instruction_at_rip,
	 an_event_delivered_to_where_no_memory_is_ends_the_guest,
	 polling_a_device_that_is_not_there_is_no_livelock,
	 a_fault_that_nothing_helps_against_is_a_livelock,
	 a_guest_that_traces_itself_gets_its_trap_after_what_we_carry_out,
	 an_exit_of_an_instruction_we_do_not_know_is_ud,
	 cr4_has_the_bits_that_cpuid_has,
	 a_store_into_two_pages_is_done_whole_or_not_at_all,
	 a_guest_on_tables_that_are_not_ours_is_ended)
