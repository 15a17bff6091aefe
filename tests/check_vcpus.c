/* SPDX-License-Identifier: MIT */
/*
 * Several vCPUs on one real CPU of a pretended machine: how one starts another, and
 * who runs when.
 */
#include "tests/fake_machine.h"

#define PAGE 0x9fu

static unsigned turns[VM_MAX_VCPUS];
static u64 spent[VM_MAX_VCPUS];

static void note(const struct vcpu *v, u64 ns)
{
	turns[v->id]++;
	spent[v->id] += ns;
	now += ns;
}

static void make_vcpus(unsigned nr)
{
	make(MMU_MODE_TDP, nr, true);
	for (unsigned i = 0; i < VM_MAX_VCPUS; i++)
		turns[i] = spent[i] = 0;
}

/* ---- INIT and SIPI ---- */

static void script_start(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	const struct vcpu_seg *cs = &v->vm->p->segs(v)->seg[SEG_CS];

	(void)run;
	(void)exit;
	note(v, 1000);
	if (v->id == 0) {
		vcpu_init_signal(&vm.vcpu[1]);
		vcpu_sipi(&vm.vcpu[1], PAGE);
		v->state = CH_HALTED;
		return;
	}
	ck_assert_uint_eq(cs->selector, PAGE << 8);
	ck_assert_uint_eq(cs->base, PAGE << PAGE_SHIFT);
	ck_assert_uint_eq(cs->limit, 0xffff);
	ck_assert_uint_eq(v->regs.rip, 0);
	ck_assert_uint_eq(v->regs.rflags, RFLAGS_FIXED);
	ck_assert_uint_eq(v->regs.cr0, CR0_ET);
	ck_assert_uint_eq(v->regs.cr3 | v->regs.cr4 | v->regs.efer, 0);
	vm_end(v->vm, 5, "started");
}

START_TEST(a_vcpu_begins_in_real_mode_at_the_page_of_its_sipi)
{
	make_vcpus(2);
	script = script_start;
	ck_assert_int_eq(vm.vcpu[1].state, CH_WAITING);
	ck_assert_uint_eq(vm_run(&vm), 5);
	ck_assert_uint_eq(turns[1], 1);
	finish();
}
END_TEST

START_TEST(a_vcpu_that_was_never_started_never_runs)
{
	make_vcpus(2);
	vm.vcpu[1].regs.rflags |= RFLAGS_IF;
	vm.vcpu[1].nmi_pending = true;
	vm.vcpu[0].state = CH_HALTED;
	script = script_start;
	ck_assert_uint_eq(vm_run(&vm), 122);
	ck_assert_uint_eq(turns[0] + turns[1], 0);
	finish();
}
END_TEST

static void script_again(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)run;
	(void)exit;
	note(v, 1000);
	if (v->id == 1 && turns[1] == 1) {
		v->regs.gpr[RBX] = 7;
		vcpu_sipi(v, PAGE + 1); /* no INIT before: lost */
		vcpu_init_signal(v);
	} else if (v->id == 1) {
		ck_abort_msg("it runs after INIT");
	}
}

START_TEST(init_takes_a_vcpu_back_to_its_initial_state_where_it_waits)
{
	struct vcpu *v;

	make_vcpus(2);
	v = &vm.vcpu[1];
	script = script_again;
	vm.vcpu[0].state = CH_HALTED;
	v->state = CH_RUNNING;
	v->regs.cr0 |= CR0_CD;
	v->regs.cr4 = CR4_PAE;
	ck_assert_uint_eq(vm_run(&vm), 122);
	ck_assert_uint_eq(turns[1], 1);
	ck_assert_uint_eq(v->regs.gpr[RBX], 0);
	ck_assert_uint_eq(v->regs.cr0, CR0_ET | CR0_CD);
	ck_assert_uint_eq(v->regs.cr4, 0);
	ck_assert_uint_eq(v->regs.rip, 0xfff0);
	ck_assert_uint_eq(mmu_get_regs(v->mmu)->cr4, 0);
	ck_assert_uint_eq(vm.p->segs(v)->seg[SEG_CS].base, 0xffff0000);
	read_ring();
	ck_assert_uint_ge(events[EV_vcpu_state], 2);
	finish();
}
END_TEST

START_TEST(a_sipi_for_a_vcpu_that_does_not_wait_is_lost)
{
	make_vcpus(2);
	vm.vcpu[1].state = CH_HALTED;
	vcpu_sipi(&vm.vcpu[1], PAGE);
	ck_assert(!start_waits(&vm.vcpu[1]));
	vcpu_init_signal(&vm.vcpu[1]);
	vcpu_sipi(&vm.vcpu[1], PAGE);
	vcpu_sipi(&vm.vcpu[1], PAGE + 1); /* the first one counts */
	start_take(&vm.vcpu[1]);
	ck_assert_uint_eq(vm.p->segs(&vm.vcpu[1])->seg[SEG_CS].base, PAGE << PAGE_SHIFT);
	ck_assert_int_eq(vm.vcpu[1].state, CH_RUNNING);
	finish();
}
END_TEST

START_TEST(init_waits_for_the_end_of_smm)
{
	make_vcpus(2);
	vm.vcpu[1].smm.active = true;
	vcpu_init_signal(&vm.vcpu[1]);
	ck_assert(!start_waits(&vm.vcpu[1]));
	vm.vcpu[1].smm.active = false;
	ck_assert(start_waits(&vm.vcpu[1]));
	finish();
}
END_TEST

START_TEST(init_of_the_first_vcpu_is_a_reset)
{
	make_vcpus(2);
	script = script_start;
	vcpu_init_signal(&vm.vcpu[0]);
	ck_assert_uint_eq(vm_run(&vm), 0);
	ck_assert_uint_eq(turns[0], 0);
	finish();
}
END_TEST

/* ---- slices ---- */

#define LONG_NS 10000000u

/* vCPU 0 exits every microsecond, 1 by its deadline only. */
static void script_share(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)exit;
	ck_assert(run->deadline != PLATFORM_NEVER);
	note(v, v->id == 0 ? 1000 : run->deadline > now ? run->deadline - now : 0);
	if (spent[0] + spent[1] > LONG_NS)
		vm_end(v->vm, 0, "enough");
}

START_TEST(who_exits_often_gets_as_much_time_as_who_never_does)
{
	make_vcpus(2);
	script = script_share;
	vm.vcpu[1].state = CH_RUNNING;
	ck_assert_uint_eq(vm_run(&vm), 0);
	/* Looking at the clock costs this machine a microsecond, too. */
	ck_assert_uint_gt(spent[0] * 8, spent[1]);
	ck_assert_uint_gt(spent[1] * 2, spent[0]);
	finish();
}
END_TEST

static void script_pause(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	note(v, 100);
	ck_assert(run->pause);
	ck_assert_uint_eq(v->regs.rip, CODE_GPA + 2 * (turns[v->id] - 1));
	exit->kind = CH_EXIT_pause;
	if (turns[0] + turns[1] == 20)
		vm_end(v->vm, 0, "enough");
}

START_TEST(pause_gives_the_cpu_away)
{
	u8 code[20];

	for (size_t i = 0; i < sizeof(code); i++)
		code[i] = i % 2 ? 0x90 : 0xf3;
	make_vcpus(2);
	put_code(code, sizeof(code));
	vm.vcpu[1].regs = vm.vcpu[0].regs;
	*vm.p->segs(&vm.vcpu[1]) = *vm.p->segs(&vm.vcpu[0]);
	vcpu_tell_mmu(&vm.vcpu[1], MMU_CR3_LOAD);
	vm.vcpu[1].state = CH_RUNNING;
	script = script_pause;
	ck_assert_uint_eq(vm_run(&vm), 0);
	ck_assert_uint_eq(turns[0], 10);
	ck_assert_uint_eq(turns[1], 10);
	finish();
}
END_TEST

static void script_alone(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)exit;
	ck_assert(!run->pause);
	note(v, 10 * LONG_NS);
	if (turns[0] == 3)
		vm_end(v->vm, 0, "enough");
}

START_TEST(who_is_alone_is_not_disturbed)
{
	make_vcpus(4);
	script = script_alone;
	vm.vcpu[2].state = CH_HALTED;
	ck_assert_uint_eq(vm_run(&vm), 0);
	ck_assert_uint_eq(turns[0], 3);
	finish();
}
END_TEST

/* ---- who may run ---- */

static void script_held(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)run;
	(void)exit;
	note(v, LONG_NS);
	ck_assert_uint_ne(v->id, 0);
	if (turns[1] + turns[2] == 6)
		vm_end(v->vm, 0, "enough");
}

START_TEST(a_vcpu_that_is_held_stands_while_others_run)
{
	make_vcpus(3);
	script = script_held;
	vm.vcpu[1].state = vm.vcpu[2].state = CH_RUNNING;
	vm.control.held = 1;
	ck_assert_uint_eq(vm_run(&vm), 0);
	ck_assert_uint_eq(turns[1], 3);
	ck_assert_uint_eq(turns[2], 3);
	finish();
}
END_TEST

/* ---- interrupts ---- */

#define VECTOR 0x51

static void send(struct vcpu *to)
{
	const struct apic_message m = { .vector = VECTOR, .source = APIC_FROM_CPU };

	lapic_deliver(vcpu_lapic(to), &m);
}

/* It takes the first after another one has been sent; nobody could know. */
static void script_like(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	note(v, 1000);
	if (turns[0] == 4)
		vm_end(v->vm, 0, "enough");
	if (turns[0] == 1 || turns[0] == 4) {
		exit->irq_delivered = false;
	} else {
		ck_assert_int_eq(run->irq, VECTOR);
		exit->irq_delivered = true;
	}
	if (turns[0] == 2)
		send(v);
	if (turns[0] > 1)
		lapic_end_of_interrupt(vcpu_lapic(v));
	if (turns[0] == 4)
		ck_assert_int_eq(run->irq, -1);
}

START_TEST(an_interrupt_that_comes_while_its_like_is_taken_is_kept)
{
	make_vcpus(1);
	script = script_like;
	vm.vcpu[0].regs.rflags |= RFLAGS_IF;
	lapic_write(vcpu_lapic(&vm.vcpu[0]), 0xf0, 4, 0x1ff);
	send(&vm.vcpu[0]);
	ck_assert_uint_eq(vm_run(&vm), 0);
	ck_assert_uint_eq(turns[0], 4);
	finish();
}
END_TEST

TAP_MAIN("vcpus", a_vcpu_begins_in_real_mode_at_the_page_of_its_sipi,
	 a_vcpu_that_was_never_started_never_runs,
	 init_takes_a_vcpu_back_to_its_initial_state_where_it_waits,
	 a_sipi_for_a_vcpu_that_does_not_wait_is_lost, init_waits_for_the_end_of_smm,
	 init_of_the_first_vcpu_is_a_reset, who_exits_often_gets_as_much_time_as_who_never_does,
	 pause_gives_the_cpu_away, who_is_alone_is_not_disturbed,
	 a_vcpu_that_is_held_stands_while_others_run,
	 an_interrupt_that_comes_while_its_like_is_taken_is_kept)
