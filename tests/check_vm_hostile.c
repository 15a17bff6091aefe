/* SPDX-License-Identifier: MIT */
/*
 * What a guest does that no guest should: code, tables and addresses at the edge of
 * memory, timers too fast for anybody; and what is told of its end.
 */
#include "hv/core/emulate.h"
#include "tests/fake_machine.h"

#include <string.h>

#define BEYOND (RAM + 0x1000)

static unsigned turn;

/* A fetch that faults where RIP is, until something is given to the guest. */
static void script_fetch(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	if (run->event.type != VCPU_EVENT_NONE) {
		vm_end(v->vm, run->event.vector, "script");
		return;
	}
	exit->kind = CH_EXIT_fault;
	exit->addr = BEYOND;
	exit->error = PFERR_USER | PFERR_FETCH;
	ck_assert_uint_lt(++turn, 10);
}

START_TEST(code_where_no_memory_is_is_ones_which_are_no_instruction)
{
	make(MMU_MODE_TDP, 1, true);
	vm.vcpu[0].regs.rip = BEYOND;
	script = script_fetch;
	ck_assert_uint_eq(vm_run(&vm), X86_UD);
	ck_assert_uint_eq(vm.vcpu[0].regs.rip, BEYOND);
	finish();
}
END_TEST

START_TEST(so_is_the_second_half_of_an_instruction)
{
	u8 bytes[INSN_MAX_LEN];

	make(MMU_MODE_TDP, 1, true);
	*(u8 *)vm_ram(&vm, RAM - 1, 1) = 0x0f;
	vm.vcpu[0].regs.rip = RAM - 1;
	ck_assert_uint_eq(vcpu_fetch(&vm.vcpu[0], bytes), INSN_MAX_LEN);
	ck_assert_uint_eq(bytes[0], 0x0f);
	for (unsigned i = 1; i < INSN_MAX_LEN; i++)
		ck_assert_uint_eq(bytes[i], 0xff);
	finish();
}
END_TEST

START_TEST(behind_the_last_linear_address_is_the_first)
{
	struct vcpu *v = &vm.vcpu[0];
	u32 value = 0x44332211;
	u8 bytes[INSN_MAX_LEN];

	make(MMU_MODE_TDP, 1, true);
	*(u16 *)vm_ram(&vm, 0, 2) = 0xeeee;
	ck_assert(emulate_write_mem(v, 0xfffffffe, &value, 4));
	ck_assert_uint_eq(*(u16 *)vm_ram(&vm, 0, 2), 0x4433);
	ck_assert(emulate_read_mem(v, 0xfffffffe, &value, 4, 0));
	ck_assert_uint_eq(value, 0x4433ffff);
	v->regs.rip = 0xfffffffe;
	ck_assert_uint_eq(vcpu_fetch(v, bytes), INSN_MAX_LEN);
	ck_assert_uint_eq(bytes[2], 0x33);
	finish();
}
END_TEST

/* The CPU looks for the guest's tables where nothing is. */
static void script_walk(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)v;
	(void)run;
	exit->kind = CH_EXIT_fault;
	exit->addr = BEYOND;
	exit->error = PFERR_USER | PFERR_WRITE | PFERR_GUEST_PAGE;
	ck_assert_uint_lt(++turn, 10);
}

START_TEST(a_guest_whose_tables_are_nowhere_is_ended_at_once)
{
	make(MMU_MODE_TDP, 1, true);
	script = script_walk;
	ck_assert_uint_eq(vm_run(&vm), 125);
	finish();
}
END_TEST

static void script_deadline(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)exit;
	ck_assert_uint_gt(run->deadline, now + 10000);
	now += 5000000;
	if (++turn == 20)
		vm_end(v->vm, 0, "script");
}

START_TEST(a_timer_too_fast_for_us_leaves_the_guest_time_to_run)
{
	make(MMU_MODE_TDP, 1, true);
	board_out(&vm.board, 0x43, 1, 0x34);
	board_out(&vm.board, 0x40, 1, 2);
	board_out(&vm.board, 0x40, 1, 0);
	script = script_deadline;
	ck_assert_uint_eq(vm_run(&vm), 0);
	finish();
}
END_TEST

/* Ten different exits, then a hundred of one kind, then a triple fault. */
static void script_last(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)run;
	v->regs.rip = CODE_GPA;
	exit->kind = ++turn == 111 ? CH_EXIT_shutdown : CH_EXIT_nmi;
	exit->code = turn < 11 ? turn : turn < 111 ? 0x61 : 0x7f;
}

static void end_with(enum mmu_mode mode, unsigned status)
{
	make(mode, 1, true);
	vm.env.events_on = false;
	atomic_store(&header()->reader, 1);
	reading = true;
	turn = 0;
	read_ring();
	memset(events, 0, sizeof(events));
	ck_assert_uint_eq(vm_run(&vm), status);
	read_ring();
}

START_TEST(a_guests_end_is_explained_by_its_last_exits)
{
	script = script_last;
	end_with(MMU_MODE_TDP, 120);
	ck_assert_uint_eq(events[EV_last_exit], LAST_EXITS);
	ck_assert_uint_eq(events[EV_regs], 1);
	ck_assert_uint_eq(events[EV_exit], 0);
	ck_assert_uint_eq(vm.vcpu[0].last.exit[(vm.vcpu[0].last.nr - 2) % LAST_EXITS].times, 100);
	finish();
}
END_TEST

static void script_own_end(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)run;
	(void)exit;
	vm_end(v->vm, 7, "its own");
}

START_TEST(one_that_comes_to_its_own_end_is_not)
{
	script = script_own_end;
	end_with(MMU_MODE_TDP, 7);
	ck_assert_uint_eq(events[EV_last_exit], 0);
	ck_assert_uint_eq(events[EV_guest_end], 1);
	finish();
}
END_TEST

static void script_twenty(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)run;
	(void)exit;
	if (++turn == 20)
		vm_end(v->vm, 0, "script");
}

START_TEST(the_rules_are_checked_as_often_as_was_asked_for)
{
	make(MMU_MODE_TDP, 1, true);
	vm.audit_every = 6;
	atomic_store(&header()->reader, 1);
	reading = true;
	script = script_twenty;
	ck_assert_uint_eq(vm_run(&vm), 0);
	read_ring();
	ck_assert_uint_eq(events[EV_audit_begin], 4); /* 6, 12, 18, and the end */
	finish();
}
END_TEST

/* ---- LTR AX ---- */

#define GDT_GPA 0x20000u
#define TSS32	0x0000890000000067ull /* base 0, limit 67, available */

static void load_task(u16 selector, u64 low, u64 high)
{
	static const u8 code[] = { 0x0f, 0x00, 0xd8 };
	struct vcpu *v = &vm.vcpu[0];
	u64 *gdt;

	put_code(code, sizeof(code));
	gdt = vm_ram(&vm, GDT_GPA, PAGE_SIZE);
	gdt[2] = low;
	gdt[3] = high;
	platform.segs(v)->gdtr = (struct vcpu_seg){ .limit = 31, .base = GDT_GPA };
	platform.segs(v)->tr.selector = 0x77;
	v->event.type = VCPU_EVENT_NONE;
	v->regs.gpr[RAX] = selector;
	exit_ltr(v);
}

static void refused(u8 vector, u32 code)
{
	struct vcpu *v = &vm.vcpu[0];

	ck_assert_int_eq(v->event.type, VCPU_EVENT_EXCEPTION);
	ck_assert_uint_eq(v->event.vector, vector);
	ck_assert_uint_eq(v->event.code, code);
	ck_assert_uint_eq(v->regs.rip, CODE_GPA);
	ck_assert_uint_eq(platform.segs(v)->tr.selector, 0x77);
}

START_TEST(ltr_loads_a_task_and_marks_it_busy)
{
	struct vcpu *v = &vm.vcpu[0];
	const struct vcpu_seg *tr;

	make(MMU_MODE_TDP, 1, true);
	load_task(0x10, TSS32 | 0x12ull << 56 | 0x345678ull << 16 | 1ull << 55, 0);
	tr = &platform.segs(v)->tr;
	ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE);
	ck_assert_uint_eq(v->regs.rip, CODE_GPA + 3);
	ck_assert_uint_eq(tr->selector, 0x10);
	ck_assert_uint_eq(tr->base, 0x12345678);
	ck_assert_uint_eq(tr->limit, 0x67fff);
	ck_assert_uint_eq(tr->attrib, 0x88b);
	ck_assert_uint_eq(*(u8 *)vm_ram(&vm, GDT_GPA + 0x15, 1), 0x8b);
	load_task(0x10, TSS32 | 2ull << 40, 0);
	ck_assert_uint_eq(v->event.vector, X86_GP);
	finish();
}
END_TEST

START_TEST(in_long_mode_a_task_has_a_base_of_64_bits)
{
	struct vcpu *v = &vm.vcpu[0];

	make(MMU_MODE_TDP, 1, true);
	v->regs.efer = EFER_LME | EFER_LMA;
	load_task(0x10, TSS32, 0xffff8000);
	ck_assert_uint_eq(platform.segs(v)->tr.base, 0xffff800000000000);
	load_task(0x18, TSS32, TSS32);
	refused(X86_GP, 0x18);
	load_task(0x10, TSS32, 1ull << 40);
	refused(X86_GP, 0x10);
	finish();
}
END_TEST

START_TEST(ltr_refuses_what_is_no_task)
{
	make(MMU_MODE_TDP, 1, true);
	load_task(0, TSS32, 0);
	refused(X86_GP, 0);
	load_task(3, TSS32, 0);
	refused(X86_GP, 0);
	load_task(0x14, TSS32, 0);
	refused(X86_GP, 0x14);
	load_task(0x20, TSS32, 0);
	refused(X86_GP, 0x20);
	load_task(0x10, 0x00cf93000000ffff, 0);
	refused(X86_GP, 0x10);
	load_task(0x10, TSS32 & ~(1ull << 47), 0);
	refused(X86_NP, 0x10);
	vm.vcpu[0].regs.cpl = 3;
	load_task(0x10, TSS32, 0);
	refused(X86_GP, 0);
	vm.vcpu[0].regs.cpl = 0;
	vm.vcpu[0].regs.cr0 &= ~CR0_PE;
	load_task(0x10, TSS32, 0);
	ck_assert_uint_eq(vm.vcpu[0].event.vector, X86_UD);
	finish();
}
END_TEST

TAP_MAIN("vm_hostile",
	 code_where_no_memory_is_is_ones_which_are_no_instruction,
	 so_is_the_second_half_of_an_instruction,
	 behind_the_last_linear_address_is_the_first,
	 a_guest_whose_tables_are_nowhere_is_ended_at_once,
	 a_timer_too_fast_for_us_leaves_the_guest_time_to_run,
	 a_guests_end_is_explained_by_its_last_exits,
	 one_that_comes_to_its_own_end_is_not,
	 the_rules_are_checked_as_often_as_was_asked_for,
	 ltr_loads_a_task_and_marks_it_busy,
	 in_long_mode_a_task_has_a_base_of_64_bits,
	 ltr_refuses_what_is_no_task)
