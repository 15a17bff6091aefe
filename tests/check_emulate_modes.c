/* SPDX-License-Identifier: MIT */
/*
 * The instruction emulator in all modes: strings, operand and address sizes,
 * segments, stacks.
 */
#include "tests/emulate_guest.h"

/* ---- strings ---- */

static void string_registers(void)
{
	v->regs.gpr[RDI] = PAGE(RW_1) + 0xff8;
	v->regs.gpr[RCX] = 4;
	v->regs.gpr[RAX] = 0x5a;
}

START_TEST(a_repeated_string_is_done_round_by_round_up_to_the_fault)
{
	static const u8 stos[] = { 0xf3, 0xab };

	setup(INSN_MODE64);
	string_registers();
	for (unsigned left = 4; left > 2; left--) {
		ck_assert(run_at(CODE_GVA, stos, sizeof(stos)));
		ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE);
		ck_assert_uint_eq(v->regs.rip, CODE_GVA);
		ck_assert_uint_eq(v->regs.gpr[RCX], left - 1);
	}
	FAULTS(X86_PF, 0xf3, 0xab);
	ck_assert_uint_eq(v->regs.cr2, PAGE(READ_ONLY));
	ck_assert_uint_eq(v->regs.gpr[RCX], 2);
	ck_assert_uint_eq(v->regs.gpr[RDI], PAGE(READ_ONLY));
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1) + 0xff8, 8), 0x5a0000005a);
	v->regs.gpr[RDI] = PAGE(RW_2);
	ck_assert(run_at(CODE_GVA, stos, sizeof(stos)));
	DOES(0xf3, 0xab);
	ck_assert_uint_eq(v->regs.gpr[RCX], 0);
	DOES(0xf3, 0xab); /* zero times */
	ck_assert_uint_eq(v->regs.gpr[RDI], PAGE(RW_2) + 8);
}
END_TEST

START_TEST(a_guest_that_traces_itself_is_trapped_after_every_round)
{
	setup(INSN_MODE64);
	string_registers();
	v->regs.gpr[RCX] = 2;
	v->regs.gpr[RDI] = PAGE(RW_1);
	v->regs.rflags |= RFLAGS_TF;
	for (unsigned left = 2; left; left--) {
		ck_assert(RUN(0xf3, 0xaa));
		ck_assert_int_eq(v->event.type, VCPU_EVENT_EXCEPTION);
		ck_assert_uint_eq(v->event.vector, X86_DB);
		ck_assert_uint_eq(v->regs.rip, CODE_GVA + (left == 1 ? 2 : 0));
		ck_assert_uint_eq(v->regs.gpr[RCX], left - 1);
	}
}
END_TEST

START_TEST(strings_count_in_registers_of_the_address_size)
{
	setup(INSN_MODE16);
	segs.seg[SEG_ES].base = PAGE(RW_1);
	segs.seg[SEG_FS].base = PAGE(RW_2);
	*(u16 *)ram(PAGE_GPA(RW_2)) = 0xbeef;
	v->regs.gpr[RSI] = 0x70000;
	v->regs.gpr[RDI] = 0x80000;
	v->regs.gpr[RCX] = 0x90001;
	v->regs.rflags |= RFLAGS_DF;
	DOES(0xf3, 0x64, 0xa5); /* rep movsw es:[di], fs:[si] */
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1), 2), 0xbeef);
	ck_assert_uint_eq(v->regs.gpr[RSI], 0x7fffe);
	ck_assert_uint_eq(v->regs.gpr[RDI], 0x8fffe);
	ck_assert_uint_eq(v->regs.gpr[RCX], 0x90000);
}
END_TEST

/* ---- segments and modes ---- */

START_TEST(operand_and_address_sizes_follow_the_mode)
{
	setup(INSN_MODE16);
	segs.seg[SEG_DS].base = segs.seg[SEG_SS].base = PAGE(RW_1);
	v->regs.gpr[RAX] = 0x11223344;
	v->regs.gpr[RBX] = 0xaffff;
	v->regs.gpr[RSI] = 0xb0011;
	DOES(0x89, 0x00); /* mov [bx + si], ax */
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1) + 0x10, 4), 0x3344);
	DOES(0x66, 0x89, 0x00); /* eax */
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1) + 0x10, 4), 0x11223344);
	v->regs.gpr[RBX] = 0x20;
	DOES(0x67, 0x89, 0x03); /* [ebx] */
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1) + 0x20, 4), 0x3344);
	ck_assert_uint_eq(v->regs.rip, CODE_GVA % 0x10000 + 3);
	segs.seg[SEG_CS].attrib = SEG_ATTRIB_CODE32;
	v->regs.gpr[RBX] = 0x30 - PAGE(RW_1); /* linear addresses have 32 bits */
	segs.seg[SEG_DS].base = 2 * PAGE(RW_1);
	DOES(0x89, 0x03);
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1) + 0x30, 4), 0x11223344);
}
END_TEST

START_TEST(segments_limit_what_may_be_accessed)
{
	struct vcpu_seg *ds = &segs.seg[SEG_DS];

	setup(INSN_MODE32);
	ds->base = segs.seg[SEG_SS].base = PAGE(RW_1);
	ds->limit = segs.seg[SEG_SS].limit = 0x103;
	v->regs.gpr[RDI] = v->regs.gpr[RBP] = 0x100;
	DOES(0x89, 0x07);
	DOES(0x89, 0x45, 0x00);
	FAULTS(X86_GP, 0x89, 0x47, 0x01);
	FAULTS(X86_SS, 0x89, 0x45, 0x01);
	FAULTS(X86_GP, 0x3e, 0x89, 0x45, 0x01);
	ds->attrib |= SEG_ATTRIB_DOWN; /* only above the limit */
	FAULTS(X86_GP, 0x89, 0x47, 0x03);
	DOES(0x89, 0x47, 0x04);
	ds->attrib &= ~SEG_ATTRIB_D; /* and up to 64 KiB */
	v->regs.gpr[RDI] = 0xfffd;
	ds->base -= 0xfff0;
	FAULTS(X86_GP, 0x89, 0x07);
	DOES(0x66, 0x89, 0x07);
	ds->base += 0xfff0;
	ds->attrib |= SEG_ATTRIB_D;
	v->regs.gpr[RDI] = 0x100;
	ds->attrib &= ~SEG_ATTRIB_DOWN & ~SEG_ATTRIB_RW;
	FAULTS(X86_GP, 0x89, 0x07);
	DOES(0x8b, 0x07);
	ds->attrib |= SEG_ATTRIB_CODE;
	FAULTS(X86_GP, 0x8b, 0x07);
	v->regs.cr0 &= ~CR0_PE; /* real mode: types do not matter, limits do */
	v->regs.cr0 &= ~CR0_PG;
	v->regs.efer = 0;
	vcpu_tell_mmu(v, true);
	ds->base = PAGE_GPA(RW_2);
	ds->limit = 0xffff;
	v->regs.gpr[RBX] = 0xfffe;
	DOES(0x89, 0x07);
	FAULTS(X86_GP, 0x66, 0x89, 0x07);
}
END_TEST

START_TEST(a_push_follows_the_stack_segments_size)
{
	struct vcpu_seg *ss = &segs.seg[SEG_SS];

	setup(INSN_MODE32);
	ss->base = PAGE(RW_1) - 0xf000;
	ss->attrib &= ~SEG_ATTRIB_D;
	v->regs.gpr[RSP] = 0x7f004;
	DOES(0x6a, 0x80);
	ck_assert_uint_eq(v->regs.gpr[RSP], 0x7f000);
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1), 4), 0xffffff80);
	ss->base = PAGE(RW_2) - 0xf000;
	v->regs.gpr[RSP] = 0x70000; /* wraps at 64 KiB */
	DOES(0x66, 0x68, 0x34, 0x12);
	ck_assert_uint_eq(v->regs.gpr[RSP], 0x7fffe);
	ck_assert_uint_eq(peek(PAGE_GPA(RW_2) + 0xffe, 2), 0x1234);
	ss->attrib |= SEG_ATTRIB_D;
	ss->base = 0;
	v->regs.gpr[RSP] = PAGE(RW_3) + 4;
	DOES(0x54); /* push esp: as it was */
	ck_assert_uint_eq(peek(PAGE_GPA(RW_3), 4), PAGE(RW_3) + 4);
}
END_TEST

TAP_MAIN("emulate_modes",
	 a_repeated_string_is_done_round_by_round_up_to_the_fault,
	 a_guest_that_traces_itself_is_trapped_after_every_round,
	 strings_count_in_registers_of_the_address_size,
	 operand_and_address_sizes_follow_the_mode,
	 segments_limit_what_may_be_accessed,
	 a_push_follows_the_stack_segments_size)
