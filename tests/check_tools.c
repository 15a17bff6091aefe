/* SPDX-License-Identifier: MIT */
/*
 * What others than the guest do with a machine: steps, breakpoints, commands, the
 * console's reader, and the files it is started with.
 */
#include "hv/core/cmdline.h"
#include "hv/core/command.h"
#include "hv/core/load.h"
#include "hv/core/look.h"
#include "tests/fake_machine.h"

#include <string.h>

/* ---- steps that store or load RFLAGS ---- */

#define STACK_GPA 0x5000u

/* One step of code; the CPU leaves with TF as it is in after. */
static void step(const u8 *code, size_t n, bool traced, bool after)
{
	struct vcpu *v = &vm.vcpu[0];

	make(MMU_MODE_TDP, 1, true);
	put_code(code, n);
	v->regs.gpr[RSP] = STACK_GPA;
	v->regs.rflags |= traced ? RFLAGS_TF : 0;
	step_begin(v);
	*(u32 *)vm_ram(&vm, STACK_GPA, 4) = RFLAGS_TF | RFLAGS_IF | RFLAGS_FIXED;
	v->regs.gpr[R11] = RFLAGS_TF | RFLAGS_FIXED;
	v->regs.rip += n;
	v->exit.tf = after;
	step_end(v);
}

START_TEST(a_step_leaves_no_tf_behind)
{
	static const u8 pushf[] = { 0x66, 0x9c }, popf[] = { 0x9d }, syscall[] = { 0x0f, 0x05 };
	struct vcpu *v = &vm.vcpu[0];

	step(pushf, sizeof(pushf), false, true);
	ck_assert_uint_eq(*(u32 *)vm_ram(&vm, STACK_GPA, 4), RFLAGS_IF | RFLAGS_FIXED);
	ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE);
	finish();
	step(syscall, sizeof(syscall), false, true);
	ck_assert_uint_eq(v->regs.gpr[R11], RFLAGS_FIXED);
	finish();
	step(popf, sizeof(popf), false, true);
	ck_assert_uint_ne(v->regs.rflags & RFLAGS_TF, 0);
	finish();
	step(popf, sizeof(popf), true, false);
	ck_assert_uint_eq(v->regs.rflags & RFLAGS_TF, 0);
	ck_assert_int_eq(v->event.vector, X86_DB);
	finish();
	step(pushf, sizeof(pushf), true, true);
	ck_assert_uint_ne(*(u32 *)vm_ram(&vm, STACK_GPA, 4) & RFLAGS_TF, 0);
	finish();
}
END_TEST

/* ---- what tools see ---- */

START_TEST(a_tool_sees_and_writes_under_a_breakpoint_and_leaves_a_and_d_alone)
{
	u8 bytes[2], more[2] = { 0x90, 0x91 };
	struct vcpu *v = &vm.vcpu[0];
	u32 *pt;

	make_paged();
	pt = vm_ram(&vm, PT_GPA, PAGE_SIZE);
	ck_assert_int_eq(debug_set(v, CODE_GPA), DEBUG_OK);
	ck_assert_uint_eq(look_read(v, CH_GVA, CODE_GPA, bytes, 2), 2);
	ck_assert_uint_eq(bytes[0], 0xff);
	ck_assert_uint_eq(look_write(v, CH_GVA, CODE_GPA, more, 2), 2);
	ck_assert_uint_eq(*(u8 *)vm_ram(&vm, CODE_GPA, 1), 0xcc);
	ck_assert_uint_eq(look_read(v, CH_GPA, CODE_GPA, bytes, 2), 2);
	ck_assert_mem_eq(bytes, more, 2);
	ck_assert_uint_eq(pt[CODE_GPA / PAGE_SIZE] & 0x60, 0);
	debug_clear(&vm, CODE_GPA);
	ck_assert_mem_eq(vm_ram(&vm, CODE_GPA, 2), more, 2);
	finish();
}
END_TEST

START_TEST(a_breakpoint_that_the_guest_overwrote_is_not_restored)
{
	struct vcpu *v = &vm.vcpu[0];

	make_paged();
	ck_assert_int_eq(debug_set(v, CODE_GPA), DEBUG_OK);
	*(u8 *)vm_ram(&vm, CODE_GPA, 1) = 0x55;
	debug_clear(&vm, CODE_GPA);
	ck_assert_uint_eq(*(u8 *)vm_ram(&vm, CODE_GPA, 1), 0x55);
	ck_assert_int_eq(debug_set(v, CODE_GPA), DEBUG_OK);
	debug_step_over(v);
	*(u8 *)vm_ram(&vm, CODE_GPA, 1) = 0x56; /* by the instruction itself */
	debug_step_done(&vm);
	ck_assert_uint_eq(*(u8 *)vm_ram(&vm, CODE_GPA, 1), 0xcc);
	debug_clear(&vm, CODE_GPA);
	ck_assert_uint_eq(*(u8 *)vm_ram(&vm, CODE_GPA, 1), 0x56);
	finish();
}
END_TEST

static void mail(u16 id, u64 a, u64 b, u64 c, u64 d)
{
	struct ch_mail *m = &header()->mail;

	m->command = id;
	m->ticket = 1;
	m->arg[0] = a;
	m->arg[1] = b;
	m->arg[2] = c;
	m->arg[3] = d;
	atomic_store(&m->state, CH_MAIL_POSTED);
	command_serve(&vm);
}

START_TEST(commands_are_answered_while_events_are_off)
{
	make(MMU_MODE_TDP, 1, true);
	atomic_store(&header()->reader, 1);
	reading = true;
	read_ring();
	memset(events, 0, sizeof(events));
	vm.env.events_on = false;
	mail(9, 0, CH_GPA, CODE_GPA, 16);
	mail(11, 0, 0, 0, 0);
	mail(8, 0, CODE_GPA, 0, 0);
	mail(2, 0, 0, 0, 0);
	read_ring();
	ck_assert_uint_eq(lost, 0);
	ck_assert_uint_eq(events[EV_reply], 4);
	ck_assert_uint_eq(events[EV_mem], 1);
	ck_assert_uint_ge(events[EV_regs], 1);
	ck_assert_uint_eq(events[EV_walk_result], 1);
	ck_assert_uint_eq(events[EV_snapshot_end], 1);
	ck_assert(!vm.env.events_on);
	finish();
}
END_TEST

START_TEST(a_break_on_an_event_that_does_not_exist_is_refused)
{
	make(MMU_MODE_TDP, 1, true);
	mail(6, 0x10000 | EV_exit, 0, 0, 0);
	ck_assert(!vm.control.brk[0].set);
	mail(6, EV_exit, 0, 0, 0);
	ck_assert(vm.control.brk[0].set);
	finish();
}
END_TEST

/* ---- the console ---- */

static void print(unsigned lines)
{
	for (unsigned i = 0; i < lines * 16; i++)
		console_out_byte(&vm, i % 16 == 15 ? '\n' : 'x');
}

START_TEST(a_console_that_nobody_reads_is_waited_for_once_and_says_what_it_lost)
{
	char text[512] = "";
	u64 begin;
	size_t n;

	make(MMU_MODE_TDP, 1, true);
	ch_add_pipe(&em, CH_CONSOLE_OUT, PIPES_HPA, 256);
	atomic_store(&header()->reader, 1);
	reading = false;
	begin = now;
	print(16 + 10); /* ten more than there is room for */
	ck_assert_uint_ge(now - begin, 2000000000ull);
	ck_assert_uint_lt(now - begin, 3000000000ull);
	ch_pipe_read(&em, CH_CONSOLE_OUT, text, 256);
	print(1);
	n = ch_pipe_read(&em, CH_CONSOLE_OUT, text, sizeof(text) - 1);
	text[n] = 0;
	ck_assert_str_eq(text, "\n[vitrine: 160 bytes lost]\nxxxxxxxxxxxxxxx\n");
	finish();
}
END_TEST

/* ---- loading ---- */

#define ELF_SIZE 0x200u

/* An ELF of one segment for e_machine and e_type at gpa. */
static const char *try_elf(u16 machine, u16 type, u32 segment_type, u64 gpa)
{
	u8 file[ELF_SIZE] = "\177ELF\2\1\1";
	struct load_image image = { .image = file, .size = ELF_SIZE, .cmdline = "" };
	const u64 phoff = 64, size = 0x80;
	const u16 phentsize = 56, phnum = 1;

	memcpy(file + 16, &type, 2);
	memcpy(file + 18, &machine, 2);
	memcpy(file + 24, &gpa, 8);
	memcpy(file + 32, &phoff, 8);
	memcpy(file + 54, &phentsize, 2);
	memcpy(file + 56, &phnum, 2);
	memcpy(file + 64, &segment_type, 4);
	memcpy(file + 64 + 24, &gpa, 8);
	memcpy(file + 64 + 32, &size, 8);
	memcpy(file + 64 + 40, &size, 8);
	return load_guest(&vm, &image);
}

START_TEST(an_elf_that_cannot_run_is_refused_with_a_reason)
{
	make(MMU_MODE_TDP, 1, true);
	ck_assert_ptr_eq(try_elf(62, 2, 1, 0x100000), NULL);
	ck_assert_ptr_eq(try_elf(3, 2, 1, 0x8ff80), NULL);
	ck_assert_ptr_nonnull(strstr(try_elf(183, 2, 1, 0x100000), "not for x86"));
	ck_assert_ptr_nonnull(strstr(try_elf(62, 3, 1, 0x100000), "fixed addresses"));
	ck_assert_ptr_nonnull(strstr(try_elf(62, 2, 4, 0x100000), "nothing to load"));
	ck_assert_ptr_nonnull(strstr(try_elf(62, 2, 1, 0x8ff81), "loader needs"));
	ck_assert_ptr_nonnull(strstr(try_elf(62, 2, 1, RAM), "does not fit"));
	ck_assert_ptr_nonnull(strstr(try_elf(62, 2, 1, 0ull - 0x40), "does not fit"));
	finish();
}
END_TEST

START_TEST(a_number_on_the_command_line_is_taken_whole_or_refused)
{
	const struct cmdline c = { "a=16M b=0x10 c=12x d= e=99999999999999999999 f=0xffffffffffG "
				   "g=18446744073709551615 -- h=1" };
	u64 n = 7;

	ck_assert_int_eq(cmdline_number(&c, "a", &n), CMDLINE_OK);
	ck_assert_uint_eq(n, 16 << 20);
	ck_assert_int_eq(cmdline_number(&c, "b", &n), CMDLINE_OK);
	ck_assert_uint_eq(n, 16);
	ck_assert_int_eq(cmdline_number(&c, "g", &n), CMDLINE_OK);
	ck_assert_uint_eq(n, ~0ull);
	ck_assert_int_eq(cmdline_number(&c, "c", &n), CMDLINE_BAD);
	ck_assert_int_eq(cmdline_number(&c, "d", &n), CMDLINE_BAD);
	ck_assert_int_eq(cmdline_number(&c, "e", &n), CMDLINE_BAD);
	ck_assert_int_eq(cmdline_number(&c, "f", &n), CMDLINE_BAD);
	ck_assert_int_eq(cmdline_number(&c, "h", &n), CMDLINE_NONE);
	ck_assert_uint_eq(n, ~0ull);
}
END_TEST

TAP_MAIN("tools",
	 a_step_leaves_no_tf_behind,
	 a_tool_sees_and_writes_under_a_breakpoint_and_leaves_a_and_d_alone,
	 a_breakpoint_that_the_guest_overwrote_is_not_restored,
	 commands_are_answered_while_events_are_off,
	 a_break_on_an_event_that_does_not_exist_is_refused,
	 a_console_that_nobody_reads_is_waited_for_once_and_says_what_it_lost,
	 an_elf_that_cannot_run_is_refused_with_a_reason,
	 a_number_on_the_command_line_is_taken_whole_or_refused)
