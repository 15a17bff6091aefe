/* SPDX-License-Identifier: MIT */
/*
 * The instruction emulator where it meets faults, pages and other vCPUs. What
 * instructions compute is check_emulate_native's business.
 */
#include "tests/emulate_guest.h"

#include <string.h>

#define FLAGS (RFLAGS_CF | RFLAGS_PF | RFLAGS_AF | RFLAGS_ZF | RFLAGS_SF | RFLAGS_OF)

/* ---- faults ---- */

static const struct {
	u8 n, code[8];
	bool reads_only;
} rdi_forms[] = {
	{ 2, { 0x01, 0x07 }, false },		  /* add [rdi], eax */
	{ 3, { 0xf0, 0x01, 0x07 }, false },	  /* lock add */
	{ 3, { 0x83, 0x0f, 0x01 }, false },	  /* or [rdi], 1 */
	{ 2, { 0x87, 0x17 }, false },		  /* xchg */
	{ 2, { 0x89, 0x07 }, false },		  /* mov [rdi], eax */
	{ 6, { 0xc7, 0x07, 1, 2, 3, 4 }, false }, /* mov [rdi], imm */
	{ 2, { 0xf7, 0x17 }, false },		  /* not */
	{ 2, { 0xf7, 0x1f }, false },		  /* neg */
	{ 2, { 0xff, 0x07 }, false },		  /* inc */
	{ 3, { 0xf0, 0xff, 0x0f }, false },	  /* lock dec */
	{ 4, { 0xf0, 0x0f, 0xab, 0x17 }, false }, /* lock bts [rdi], edx */
	{ 4, { 0x0f, 0xba, 0x37, 3 }, false },	  /* btr [rdi], 3 */
	{ 3, { 0x0f, 0xb1, 0x17 }, false },	  /* cmpxchg */
	{ 4, { 0xf0, 0x0f, 0xb1, 0x17 }, false }, /* lock cmpxchg */
	{ 3, { 0x0f, 0xc7, 0x0f }, false },	  /* cmpxchg8b */
	{ 5, { 0xf0, 0x48, 0x0f, 0xc7, 0x0f }, false }, /* lock cmpxchg16b */
	{ 3, { 0x0f, 0xc1, 0x17 }, false },	  /* xadd */
	{ 3, { 0x0f, 0xc3, 0x17 }, false },	  /* movnti */
	{ 1, { 0xab }, false },			  /* stosd */
	{ 2, { 0xf3, 0xaa }, false },		  /* rep stosb */
	{ 1, { 0xa5 }, false },			  /* movsd */
	{ 2, { 0x3b, 0x07 }, true },		  /* cmp eax, [rdi] */
	{ 2, { 0x39, 0x07 }, true },		  /* cmp [rdi], eax */
	{ 2, { 0x85, 0x17 }, true },		  /* test */
	{ 2, { 0x8b, 0x07 }, true },		  /* mov eax, [rdi] */
	{ 3, { 0x0f, 0xa3, 0x17 }, true },	  /* bt */
	{ 2, { 0xff, 0x37 }, true },		  /* push [rdi] */
};

static void check_fault(size_t k, gva_t at, u64 error)
{
	struct vcpu_regs before;

	for (unsigned r = 0; r < NR_GPRS; r++)
		v->regs.gpr[r] = 0x1234567887654321ull * (r + 1);
	v->regs.gpr[RDI] = at;
	v->regs.gpr[RSI] = PAGE(RW_1);
	v->regs.gpr[RSP] = PAGE(RW_2) + 0x800;
	v->regs.gpr[RDX] = 7;
	v->regs.rflags = RFLAGS_FIXED | FLAGS;
	before = v->regs;
	ck_assert(run_at(CODE_GVA, rdi_forms[k].code, rdi_forms[k].n));
	ck_assert_int_eq(v->event.type, VCPU_EVENT_EXCEPTION);
	ck_assert_uint_eq(v->event.vector, X86_PF);
	ck_assert_msg(v->event.code == error, "form %zu: error %#x, not %#llx", k, v->event.code,
		      (unsigned long long)error);
	ck_assert_uint_eq(v->regs.cr2, at);
	ck_assert(!memcmp(v->regs.gpr, before.gpr, sizeof(before.gpr)));
	ck_assert_uint_eq(v->regs.rflags & ~RFLAGS_RF, before.rflags);
	ck_assert_uint_eq(v->regs.rip, CODE_GVA);
}

START_TEST(a_fault_changes_nothing_but_the_pending_exception)
{
	setup(INSN_MODE64);
	for (size_t k = 0; k < sizeof(rdi_forms) / sizeof(*rdi_forms); k++) {
		bool reads_only = rdi_forms[k].reads_only;

		check_fault(k, PAGE(ABSENT), reads_only ? 0 : PFERR_WRITE);
		if (!reads_only)
			check_fault(k, PAGE(READ_ONLY), PFERR_WRITE | PFERR_PRESENT);
	}
	for (unsigned at = 0; at < PAGE_SIZE; at += 8)
		ck_assert_uint_eq(peek(PAGE_GPA(READ_ONLY) + at, 8), 0);
}
END_TEST

START_TEST(a_push_that_faults_on_the_stack_leaves_rsp)
{
	setup(INSN_MODE64);
	v->regs.gpr[RDI] = PAGE(RW_1);
	v->regs.gpr[RSP] = PAGE(ABSENT) + 8;
	FAULTS(X86_PF, 0xff, 0x37);
	ck_assert_uint_eq(v->event.code, PFERR_WRITE);
	ck_assert_uint_eq(v->regs.cr2, PAGE(ABSENT));
	ck_assert_uint_eq(v->regs.gpr[RSP], PAGE(ABSENT) + 8);
	v->regs.gpr[RSP] = 1ull << 50;
	FAULTS(X86_SS, 0x57);
	v->regs.gpr[RDI] = 1ull << 50;
	FAULTS(X86_GP, 0x01, 0x07);
	v->regs.gpr[RBP] = 1ull << 50;
	FAULTS(X86_SS, 0x01, 0x45, 0x00);
	v->regs.gpr[RDI] = (1ull << 47) - 2; /* its end is */
	FAULTS(X86_GP, 0x89, 0x07);
}
END_TEST

START_TEST(an_unaligned_access_is_checked_where_the_guest_wants_that)
{
	setup(INSN_MODE64);
	v->regs.cr0 |= CR0_AM;
	v->regs.rflags |= RFLAGS_AC;
	v->regs.gpr[RDI] = PAGE(RW_1) + 2;
	DOES(0x01, 0x07);
	v->regs.cpl = 3;
	FAULTS(X86_AC, 0x01, 0x07);
	DOES(0x66, 0x01, 0x07);
	v->regs.rflags &= ~RFLAGS_AC;
	DOES(0x01, 0x07);
}
END_TEST

/* ---- pages ---- */

START_TEST(a_write_into_two_pages_is_done_whole_or_not_at_all)
{
	setup(INSN_MODE64);
	v->regs.gpr[RAX] = 0x11223344;
	v->regs.gpr[RDI] = PAGE(RW_1) + 0xffe;
	FAULTS(X86_PF, 0x89, 0x07);
	ck_assert_uint_eq(v->regs.cr2, PAGE(READ_ONLY));
	ck_assert_uint_eq(v->event.code, PFERR_WRITE | PFERR_PRESENT);
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1) + 0xffe, 2), 0);
	v->regs.gpr[RDI] = PAGE(RW_2) + 0xffe;
	DOES(0x89, 0x07);
	DOES(0x01, 0x07);
	ck_assert_uint_eq(peek(PAGE_GPA(RW_2) + 0xffe, 4), 0x22446688);
}
END_TEST

START_TEST(memory_and_nothing_beside_each_other_are_told_apart)
{
	setup(INSN_MODE64);
	memset(ram(PAGE_GPA(RW_4)), 0x55, 8);
	v->regs.gpr[RAX] = 0x11223344;
	v->regs.gpr[RDI] = PAGE(RW_3) + 0xffe;
	DOES(0x89, 0x07);
	ck_assert_uint_eq(peek(PAGE_GPA(RW_3) + 0xffe, 2), 0x3344);
	DOES(0x8b, 0x1f); /* mov ebx, [rdi] */
	ck_assert_uint_eq(v->regs.gpr[RBX], 0xffff3344);
	v->regs.gpr[RDI] = PAGE(MMIO_2) + 0xffe;
	DOES(0x8b, 0x1f);
	ck_assert_uint_eq(v->regs.gpr[RBX], 0x5555ffff);
	DOES(0x89, 0x07);
	ck_assert_uint_eq(peek(PAGE_GPA(RW_4), 4), 0x55551122);
}
END_TEST

START_TEST(where_no_memory_is_a_read_modify_write_is_done_too)
{
	setup(INSN_MODE64);
	v->regs.gpr[RDI] = PAGE(MMIO);
	v->regs.gpr[RAX] = 5;
	DOES(0xf0, 0x0f, 0xc1, 0x07); /* lock xadd [rdi], eax */
	ck_assert_uint_eq(v->regs.gpr[RAX], 0xffffffff);
	DOES(0xf0, 0x48, 0x0f, 0xc7, 0x0f);
	ck_assert_uint_eq(v->regs.gpr[RAX], ~0ull);
	ck_assert(!(v->regs.rflags & RFLAGS_ZF));
}
END_TEST

START_TEST(what_must_be_one_step_and_cannot_be_is_declined)
{
	static const u8 both[][4] = { { 0x01, 0x07 }, { 0x0f, 0xc7, 0x0f }, { 0xff, 0x07 } };

	setup(INSN_MODE64);
	v->regs.gpr[RDI] = PAGE(RW_2) + 0xffe;
	for (size_t k = 0; k < 3; k++) {
		u8 locked[5] = { 0xf0 };
		size_t n = k == 1 ? 3 : 2;

		memcpy(locked + 1, both[k], n);
		ck_assert(!run_at(CODE_GVA, locked, n + 1));
		ck_assert_uint_eq(v->regs.rip, CODE_GVA);
		ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE);
		ck_assert(run_at(CODE_GVA, both[k], n));
	}
	ck_assert(!RUN(0x87, 0x07)); /* XCHG needs no LOCK */
}
END_TEST

START_TEST(sixteen_bytes_need_alignment_and_a_cpu_that_has_them)
{
	setup(INSN_MODE64);
	v->regs.gpr[RDI] = PAGE(RW_1) + 8;
	FAULTS(X86_GP, 0xf0, 0x48, 0x0f, 0xc7, 0x0f);
	FAULTS(X86_GP, 0x48, 0x0f, 0xc7, 0x0f);
	v->regs.gpr[RDI] = PAGE(RW_1);
	memset(ram(PAGE_GPA(RW_1)), 1, 16);
	v->regs.gpr[RAX] = v->regs.gpr[RDX] = 0x0101010101010101;
	v->regs.gpr[RBX] = 2;
	v->regs.gpr[RCX] = 3;
	has_cx16 = false;
	ck_assert(!RUN(0xf0, 0x48, 0x0f, 0xc7, 0x0f));
	has_cx16 = true;
	DOES(0xf0, 0x48, 0x0f, 0xc7, 0x0f);
	ck_assert(v->regs.rflags & RFLAGS_ZF);
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1), 8), 2);
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1) + 8, 8), 3);
}
END_TEST

START_TEST(an_instruction_may_lie_in_two_pages)
{
	static const u8 mov[] = { 0xc7, 0x07, 0x78, 0x56, 0x34, 0x12 };
	struct insn i;

	setup(INSN_MODE64);
	v->regs.gpr[RDI] = PAGE(RW_3);
	for (unsigned first = 1; first < sizeof(mov); first++) {
		ck_assert(run_at(CODE_GVA + PAGE_SIZE - first, mov, sizeof(mov)));
		ck_assert_uint_eq(v->regs.rip, CODE_GVA + PAGE_SIZE - first + sizeof(mov));
		ck_assert_uint_eq(peek(PAGE_GPA(RW_3), 4), 0x12345678);
	}
	/* Its rest is not there: the guest will see when it fetches. */
	memcpy(ram(PAGE_GPA(READ_ONLY) + 0xffd), mov, 3);
	v->regs.rip = PAGE(READ_ONLY) + 0xffd;
	ck_assert(!vcpu_decode(v, &i));
	ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE);
}
END_TEST

/* ---- other vCPUs ---- */

static unsigned steps, word_at;

static void add_to_word(u32 n)
{
	u32 word = (u32)peek(PAGE_GPA(RW_1) + word_at, 4) + n;

	memcpy(ram(PAGE_GPA(RW_1) + word_at), &word, 4);
}

/* Another vCPU adds to the same word whenever this one looks at its tables. */
static void on_emit(struct fake *f, const struct fake_event *event)
{
	(void)f;
	if (event->id == EV_walk_entry && steps) {
		steps--;
		add_to_word(100);
	}
}

START_TEST(a_read_modify_write_begins_again_if_another_vcpu_was_faster)
{
	static const struct {
		u8 n, code[3], at;
	} incs[] = { { 3, { 0xf0, 0xff, 0x07 }, 0 }, { 3, { 0xf0, 0xff, 0x07 }, 5 },
		     { 2, { 0xff, 0x07 }, 0 } };

	setup(INSN_MODE64);
	fake.on_emit = on_emit;
	fake.env.events_on = true;
	for (unsigned k = 0; k < 3; k++) {
		memset(ram(PAGE_GPA(RW_1)), 0, 16);
		word_at = incs[k].at;
		v->regs.gpr[RDI] = PAGE(RW_1) + word_at;
		v->regs.rflags = RFLAGS_FIXED;
		steps = 18;
		ck_assert(run_at(CODE_GVA, incs[k].code, incs[k].n));
		ck_assert_uint_eq(steps, 0);
		ck_assert_uint_eq(peek(PAGE_GPA(RW_1) + word_at, 4), 1801);
		ck_assert_uint_eq(v->regs.rip, CODE_GVA + incs[k].n);
	}
	/* The comparison is with what is there in the end. */
	memset(ram(PAGE_GPA(RW_1)), 0, 16);
	v->regs.gpr[RAX] = 1800;
	v->regs.gpr[RBX] = 7;
	steps = 18;
	DOES(0xf0, 0x0f, 0xb1, 0x1f);
	ck_assert_uint_eq(steps, 0);
	ck_assert(v->regs.rflags & RFLAGS_ZF);
	ck_assert_uint_eq(peek(PAGE_GPA(RW_1), 4), 7);
}
END_TEST

START_TEST(what_has_no_memory_operand_is_declined)
{
	setup(INSN_MODE64);
	ck_assert(!RUN(0x01, 0xc0));
	ck_assert(!RUN(0x0f, 0xb1, 0xc8));
	ck_assert(!RUN(0x0f, 0xa2));
	ck_assert_uint_eq(v->regs.rip, CODE_GVA);
}
END_TEST

TAP_MAIN("emulate",
	 a_fault_changes_nothing_but_the_pending_exception,
	 a_push_that_faults_on_the_stack_leaves_rsp,
	 an_unaligned_access_is_checked_where_the_guest_wants_that,
	 a_write_into_two_pages_is_done_whole_or_not_at_all,
	 memory_and_nothing_beside_each_other_are_told_apart,
	 where_no_memory_is_a_read_modify_write_is_done_too,
	 what_must_be_one_step_and_cannot_be_is_declined,
	 sixteen_bytes_need_alignment_and_a_cpu_that_has_them,
	 an_instruction_may_lie_in_two_pages,
	 a_read_modify_write_begins_again_if_another_vcpu_was_faster,
	 what_has_no_memory_operand_is_declined)
