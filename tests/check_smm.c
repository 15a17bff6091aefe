/* SPDX-License-Identifier: MIT */
/*
 * System-management mode on a pretended machine: SMI, the handler's surroundings, RSM,
 * and what waits for what.
 */
#include "hv/core/command.h"
#include "tests/fake_machine.h"

#include <string.h>

#define SAVED_HALTED 0xfec9u
#define SAVED_BASE   0xff00u
#define SAVED_RIP    0xff78u

static unsigned runs;         /* of the guest, in this test */
static struct vcpu_run last;  /* what the core wanted of the last one */
static struct vcpu_regs seen; /* the registers it had */
static void (*then)(struct vcpu *v, struct vcpu_exit *exit); /* what the guest does */

static void script_run(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	runs++;
	last = *run;
	seen = v->regs;
	if (then)
		then(v, exit);
}

static void do_rsm(struct vcpu *v, struct vcpu_exit *exit)
{
	(void)v;
	exit->kind = CH_EXIT_rsm;
}

/* One vCPU, in flat protected mode, its SMBASE at 30000. */
static struct vcpu *begin(enum mmu_mode mode)
{
	make(mode, 1, false);
	script = script_run;
	then = NULL;
	runs = 0;
	memset(&last, 0, sizeof(last));
	return &vm.vcpu[0];
}

static u64 in_area(u32 base, unsigned offset, unsigned bytes)
{
	u64 value = 0;

	memcpy(&value, vm_ram(&vm, base + offset, bytes), bytes);
	return value;
}

static void put_in_area(u32 base, unsigned offset, u64 value, unsigned bytes)
{
	memcpy(vm_ram(&vm, base + offset, bytes), &value, bytes);
}

static void smi(struct vcpu *v)
{
	smm_request(v);
	vcpu_turn(v);
	ck_assert(v->smm.active);
}

/* The handler's only instruction. */
static void rsm(struct vcpu *v)
{
	then = do_rsm;
	vcpu_turn(v);
	then = NULL;
}

/* ---- in and out ---- */

static void random_guest(struct vcpu *v, u64 *x)
{
	struct vcpu_segs *segs = platform.segs(v);

	for (unsigned i = 0; i < NR_GPRS; i++)
		v->regs.gpr[i] = *x = *x * 6364136223846793005ull + 1442695040888963407ull;
	v->regs.rip = CODE_GPA + (*x >> 40 & 0xff);
	v->regs.rflags = RFLAGS_FIXED | (*x >> 20 & (RFLAGS_CF | RFLAGS_ZF | RFLAGS_IF | RFLAGS_DF));
	v->regs.dr6 = 0xffff0ff0 | (*x >> 30 & 0xf);
	v->regs.dr7 = 0x400 | (*x >> 31 & 0xff);
	v->regs.cr2 = *x >> 3;
	v->regs.cpl = *x >> 60 & 3;
	v->regs.int_shadow = *x >> 50 & 1;
	segs->seg[SEG_FS].base = *x >> 7;
	segs->seg[SEG_SS].attrib = SEG_ATTRIB_DATA32 | (u16)(v->regs.cpl << 5);
	segs->gdtr.limit = *x >> 11 & 0xffff;
	segs->tr.selector = (u16)*x;
}

static void returns_as_it_was(enum mmu_mode mode)
{
	struct vcpu *v = begin(mode);
	u64 x = 0x5eed;

	v->regs.cr0 |= CR0_TS | CR0_EM;
	for (unsigned i = 0; i < 500; i++) {
		struct vcpu_regs regs;
		struct vcpu_segs segs;

		random_guest(v, &x);
		regs = v->regs;
		segs = *platform.segs(v);
		smi(v);
		memset(v->regs.gpr, 0x5a, sizeof(v->regs.gpr));
		rsm(v);
		ck_assert(!v->smm.active);
		ck_assert_mem_eq(&v->regs, &regs, offsetof(struct vcpu_regs, int_shadow) + 1);
		ck_assert_mem_eq(platform.segs(v), &segs, sizeof(segs));
	}
	ck_assert_uint_eq(mmu_audit(vm.mmu, NULL, NULL), 0);
	finish();
}

START_TEST(an_smi_returns_to_what_it_interrupted_under_tdp)
{
	returns_as_it_was(MMU_MODE_TDP);
}
END_TEST

START_TEST(an_smi_returns_to_what_it_interrupted_under_shadow)
{
	returns_as_it_was(MMU_MODE_SHADOW);
}
END_TEST

START_TEST(the_handler_begins_in_a_real_mode_without_limits)
{
	struct vcpu *v = begin(MMU_MODE_TDP);
	const struct vcpu_segs *segs = platform.segs(v);

	v->regs.cr0 |= CR0_TS | CR0_EM | CR0_NE;
	v->regs.cr4 = CR4_PSE;
	v->regs.efer = EFER_NXE;
	v->regs.rflags |= RFLAGS_IF | RFLAGS_DF;
	v->regs.dr7 = 0x455;
	v->regs.cpl = 3;
	v->regs.gpr[RSI] = 77;
	smi(v);
	ck_assert_uint_eq(runs, 0);
	ck_assert_uint_eq(v->regs.rip, 0x8000);
	ck_assert_uint_eq(v->regs.rflags, RFLAGS_FIXED);
	ck_assert_uint_eq(v->regs.cr0, CR0_ET | CR0_NE);
	ck_assert_uint_eq(v->regs.cr4 | v->regs.efer, 0);
	ck_assert_uint_eq(v->regs.dr7, 0x400);
	ck_assert_uint_eq(v->regs.cpl, 0);
	ck_assert_uint_eq(v->regs.gpr[RSI], 77);
	ck_assert_uint_eq(segs->seg[SEG_CS].selector, 0x3000);
	ck_assert_uint_eq(segs->seg[SEG_CS].base, 0x30000);
	for (unsigned i = 0; i < 6; i++) {
		ck_assert_uint_eq(segs->seg[i].limit, 0xffffffff);
		ck_assert(i == SEG_CS || !segs->seg[i].base);
	}
	ck_assert_int_eq(vcpu_mode(v), INSN_MODE16);
	ck_assert_uint_eq(vcpu_rip_gva(v), 0x38000);
	ck_assert(mmu_get_regs(v->mmu)->smm);
	ck_assert_uint_eq(in_area(0x30000, 0xfefc, 4), 0x20064);
	vcpu_turn(v);
	ck_assert(last.smm);
	rsm(v);
	ck_assert(!mmu_get_regs(v->mmu)->smm);
	ck_assert_uint_eq(v->regs.cpl, 3);
	vcpu_turn(v);
	ck_assert(!last.smm);
	finish();
}
END_TEST

START_TEST(a_cpu_without_long_mode_has_the_legacy_area)
{
	struct vcpu *v = begin(MMU_MODE_TDP);

	choose_long_mode(false);
	v->regs.efer = EFER_NXE;
	v->regs.gpr[RCX] = 0x12345678;
	smi(v);
	ck_assert_uint_eq(in_area(0x30000, 0xfefc, 4), 0x20000);
	ck_assert_uint_eq(in_area(0x30000, 0xfef8, 4), 0x30000);
	ck_assert_uint_eq(in_area(0x30000, 0xffd4, 4), 0x12345678);
	put_in_area(0x30000, 0xfef8, 0x50000, 4);
	put_in_area(0x30000, 0xfff0, 0x4321, 4);
	rsm(v);
	ck_assert_uint_eq(v->smm.base, 0x50000);
	ck_assert_uint_eq(v->regs.rip, 0x4321);
	ck_assert_uint_eq(v->regs.efer, EFER_NXE);
	finish();
}
END_TEST

START_TEST(what_the_handler_writes_into_the_area_counts)
{
	struct vcpu *v = begin(MMU_MODE_TDP);

	smi(v);
	put_in_area(0x30000, SAVED_BASE, 0x60000, 4);
	put_in_area(0x30000, SAVED_RIP, 0x2222, 8);
	rsm(v);
	ck_assert_uint_eq(v->regs.rip, 0x2222);
	smi(v);
	ck_assert_uint_eq(vcpu_rip_gva(v), 0x68000);
	ck_assert_uint_eq(in_area(0x60000, SAVED_RIP, 8), 0x2222);
	finish();
}
END_TEST

static void ends_with_a_shutdown(struct vcpu *v)
{
	rsm(v);
	ck_assert(vm.ended);
	ck_assert_uint_eq(vm.status, 120);
	finish();
}

START_TEST(an_impossible_state_is_a_shutdown)
{
	struct vcpu *v = begin(MMU_MODE_TDP);

	smi(v);
	put_in_area(0x30000, 0xff58, CR0_PG, 8);
	ends_with_a_shutdown(v);
}
END_TEST

START_TEST(a_save_area_that_is_not_memory_is_a_shutdown)
{
	struct vcpu *v = begin(MMU_MODE_TDP);

	v->smm.base = 0xf0000000;
	smi(v);
	ends_with_a_shutdown(v);
}
END_TEST

START_TEST(smi_and_rsm_are_told)
{
	struct vcpu *v = begin(MMU_MODE_TDP);

	read_ring();
	smi(v);
	read_ring();
	ck_assert_uint_eq(events[EV_smi], 1);
	ck_assert_uint_eq(events[EV_rsm], 0);
	vm_snapshot(&vm);
	read_ring();
	ck_assert_uint_eq(events[EV_smi], 2);
	rsm(v);
	vm_snapshot(&vm);
	read_ring();
	ck_assert_uint_eq(events[EV_smi], 2);
	ck_assert_uint_eq(events[EV_rsm], 1);
	finish();
}
END_TEST

static void do_rsm_in_smm(struct vcpu *v, struct vcpu_exit *exit)
{
	now += 1000;
	if (v->smm.active)
		exit->kind = CH_EXIT_rsm;
}

START_TEST(smis_by_chance_leave_the_guest_as_it_was)
{
	struct vcpu *v = begin(MMU_MODE_TDP);
	bool waited = false;

	smm_firmware(&vm);
	smm_watch_start(&vm, 7);
	then = do_rsm_in_smm;
	v->regs.gpr[RBX] = 1234;
	for (unsigned i = 0; i < 2000; i++) {
		vcpu_turn(v);
		waited |= !v->smm.active && !last.event_only && last.deadline != PLATFORM_NEVER;
	}
	ck_assert(waited);
	ck_assert_uint_gt(vm.smm_watch.nr, 50);
	ck_assert_uint_eq(v->regs.gpr[RBX], 1234);
	smm_watch_end(&vm);
	finish();
}
END_TEST

/* ---- RSM ---- */

START_TEST(outside_smm_an_rsm_is_undefined)
{
	struct vcpu *v = begin(MMU_MODE_TDP);

	rsm(v);
	ck_assert_int_eq(v->event.type, VCPU_EVENT_EXCEPTION);
	ck_assert_uint_eq(v->event.vector, X86_UD);
	finish();
}
END_TEST

static void do_ud(struct vcpu *v, struct vcpu_exit *exit)
{
	(void)v;
	exit->kind = CH_EXIT_exception;
	exit->vector = X86_UD;
}

START_TEST(an_rsm_that_the_cpu_calls_undefined_is_one)
{
	static const u8 code[] = { 0x0f, 0x0b, 0x0f, 0xaa }; /* ud2, rsm */
	struct vcpu *v = begin(MMU_MODE_TDP);
	u64 rip = v->regs.rip;

	memcpy(vm_ram(&vm, 0x38000, sizeof(code)), code, sizeof(code));
	smi(v);
	then = do_ud;
	vcpu_turn(v);
	ck_assert(v->smm.active);
	ck_assert_uint_eq(v->event.vector, X86_UD);
	v->event.type = VCPU_EVENT_NONE;
	v->regs.rip += 2;
	vcpu_turn(v);
	ck_assert(!v->smm.active);
	ck_assert_int_eq(v->event.type, VCPU_EVENT_NONE);
	ck_assert_uint_eq(v->regs.rip, rip);
	finish();
}
END_TEST

/* ---- who waits for whom ---- */

START_TEST(an_event_is_delivered_before_an_smi)
{
	struct vcpu *v = begin(MMU_MODE_TDP);

	vcpu_inject_ud(v);
	smm_request(v);
	vcpu_turn(v);
	ck_assert(!v->smm.active);
	ck_assert_uint_eq(runs, 1);
	ck_assert(last.event_only);
	ck_assert_int_eq(last.event.type, VCPU_EVENT_EXCEPTION);
	ck_assert_int_eq(last.irq, -1);
	vcpu_turn(v);
	ck_assert(v->smm.active);
	ck_assert_uint_eq(runs, 1);
	vcpu_turn(v);
	ck_assert(!last.event_only);
	finish();
}
END_TEST

START_TEST(an_smi_in_the_handler_comes_after_rsm)
{
	struct vcpu *v = begin(MMU_MODE_TDP);
	u64 rip = v->regs.rip;

	smi(v);
	smm_request(v);
	smm_request(v);
	vcpu_turn(v);
	ck_assert_uint_eq(runs, 1);
	ck_assert(!last.event_only);
	rsm(v);
	ck_assert(!v->smm.active);
	vcpu_turn(v);
	ck_assert(v->smm.active);
	rsm(v);
	vcpu_turn(v);
	ck_assert(!v->smm.active);
	ck_assert_uint_eq(v->regs.rip, rip);
	finish();
}
END_TEST

START_TEST(an_nmi_waits_for_rsm)
{
	struct vcpu *v = begin(MMU_MODE_TDP);

	smi(v);
	v->nmi_pending = true;
	vcpu_turn(v);
	ck_assert_int_eq(last.event.type, VCPU_EVENT_NONE);
	v->state = CH_HALTED;
	ck_assert(!vm_can_go_on(v));
	v->state = CH_RUNNING;
	rsm(v);
	vcpu_turn(v);
	ck_assert_int_eq(last.event.type, VCPU_EVENT_NMI);
	finish();
}
END_TEST

START_TEST(a_halted_vcpu_halts_again)
{
	struct vcpu *v = begin(MMU_MODE_TDP);

	v->state = CH_HALTED;
	ck_assert(!vm_can_go_on(v));
	smm_request(v);
	ck_assert(vm_can_go_on(v));
	vcpu_turn(v);
	ck_assert_int_eq(v->state, CH_RUNNING);
	ck_assert_uint_eq(in_area(0x30000, SAVED_HALTED, 1), 1);
	rsm(v);
	ck_assert_int_eq(v->state, CH_HALTED);
	smi(v);
	put_in_area(0x30000, SAVED_HALTED, 0, 1);
	rsm(v);
	ck_assert_int_eq(v->state, CH_RUNNING);
	finish();
}
END_TEST

static void end_in_smm(struct vcpu *v, struct vcpu_exit *exit)
{
	(void)exit;
	vm_end(v->vm, v->smm.active ? 3 : 4, "script");
}

static void ask_for_smi(void)
{
	struct command c = { .arg = { 0 } };

	ck_assert_int_eq(command_smi(&vm, &c), MMU_OK);
	c.arg[0] = 1;
	ck_assert_int_eq(command_smi(&vm, &c), MMU_INVAL);
}

START_TEST(the_users_smi_wakes_a_machine_that_sleeps)
{
	struct vcpu *v = begin(MMU_MODE_TDP);

	v->state = CH_HALTED;
	v->regs.rflags |= RFLAGS_IF;
	on_wait = ask_for_smi;
	then = end_in_smm;
	ck_assert_uint_eq(vm_run(&vm), 3);
	on_wait = NULL;
	finish();
}
END_TEST

START_TEST(an_out_to_the_control_port_is_an_smi_behind_it)
{
	static const u8 code[] = { 0xe6, 0xb2 }; /* out b2, al */
	struct vcpu *v = begin(MMU_MODE_TDP);

	put_code(code, sizeof(code));
	v->exit = (struct vcpu_exit){ .kind = CH_EXIT_io, .port = 0xb2, .io_size = 1 };
	v->regs.gpr[RAX] = 0x77;
	exit_io(v);
	ck_assert(smm_waits(v));
	vcpu_turn(v);
	ck_assert(v->smm.active);
	ck_assert_uint_eq(in_area(0x30000, SAVED_RIP, 8), CODE_GPA + 2);
	ck_assert_uint_eq(board_in(&vm.board, 0xb2, 1), 0x77);
	finish();
}
END_TEST

START_TEST(a_step_ends_at_the_handlers_first_instruction)
{
	struct vcpu *v = begin(MMU_MODE_TDP);

	smm_request(v);
	vm.control.stopped = true;
	control_resume(&vm, CH_STEP_INSN, 0);
	vcpu_turn(v);
	ck_assert(v->smm.active);
	ck_assert_uint_eq(runs, 0);
	ck_assert(vm.control.asked);
	ck_assert_int_eq(vm.control.why, CH_STOP_STEP);
	finish();
}
END_TEST

TAP_MAIN("smm",
	 an_smi_returns_to_what_it_interrupted_under_tdp,
	 an_smi_returns_to_what_it_interrupted_under_shadow,
	 the_handler_begins_in_a_real_mode_without_limits,
	 a_cpu_without_long_mode_has_the_legacy_area,
	 what_the_handler_writes_into_the_area_counts,
	 an_impossible_state_is_a_shutdown,
	 a_save_area_that_is_not_memory_is_a_shutdown,
	 smi_and_rsm_are_told,
	 smis_by_chance_leave_the_guest_as_it_was,
	 outside_smm_an_rsm_is_undefined,
	 an_rsm_that_the_cpu_calls_undefined_is_one,
	 an_event_is_delivered_before_an_smi,
	 an_smi_in_the_handler_comes_after_rsm,
	 an_nmi_waits_for_rsm,
	 a_halted_vcpu_halts_again,
	 the_users_smi_wakes_a_machine_that_sleeps,
	 an_out_to_the_control_port_is_an_smi_behind_it,
	 a_step_ends_at_the_handlers_first_instruction)
