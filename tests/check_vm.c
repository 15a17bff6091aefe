/* SPDX-License-Identifier: MIT */
/*
 * The core's loop on a pretended machine: a script stands for the guest and
 * says why it was left; the reader of the channel reads when it is waited for.
 */
#include "hv/core/command.h"
#include "hv/core/load.h"
#include "hv/core/vcpu.h"
#include "tests/tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define MEMORY     (256ull << 20)
#define RAM        (32ull << 20)
#define HEADER_HPA 0x1000u
#define RING_HPA   0x100000u
#define RING_SLOTS 256u
#define PIPES_HPA  0x200000u
#define PIPE_SIZE  64u
#define PAGES_HPA  0x400000u

static u8 *memory;
static struct pages pages;
static struct ch_emitter em;
static struct vm vm;
static struct vcpu_segs segs;
static u64 now;
static bool reading;          /* the reader keeps up when it is waited for */
static u64 events[0x200];     /* by id, of those read */
static u64 lost;
static void (*script)(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit);
static void (*on_wait)(void); /* the machine has nothing to do */
static unsigned rounds;

static struct ch_header *header(void)
{
	return (struct ch_header *)(memory + HEADER_HPA);
}

static void read_ring(void)
{
	struct ch_ring *ring = &header()->ring[0];
	u64 head = atomic_load(&ring->head), at = atomic_load(&ring->tail);

	if (head - at > ring->nr_slots)
		lost += head - at - ring->nr_slots;
	while (at < head) {
		const struct ch_slot *slot =
			(void *)(memory + RING_HPA + (at % RING_SLOTS) * CH_SLOT_SIZE);

		if (head - at <= ring->nr_slots && slot->id < 0x200)
			events[slot->id]++;
		at += head - at <= ring->nr_slots ? ch_slots(slot->len) : 1;
	}
	atomic_store(&ring->tail, at);
}

static u64 machine_clock(void)
{
	return now += 1000;
}

static u64 machine_emit_clock(void *ctx)
{
	(void)ctx;
	return now;
}

static bool machine_vcpu_init(struct vcpu *v)
{
	(void)v;
	return true;
}

static struct vcpu_segs *machine_segs(struct vcpu *v)
{
	(void)v;
	return &segs;
}

static void machine_run(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	memset(exit, 0, sizeof(*exit));
	exit->kind = CH_EXIT_intr;
	rounds++;
	script(v, run, exit);
}

static void machine_nothing(void)
{
}

static void machine_wait(u64 deadline)
{
	now = deadline == PLATFORM_NEVER ? now + 1000000 : deadline;
	if (on_wait)
		on_wait();
	if (++rounds > 100000)
		ck_abort_msg("the machine sleeps for ever");
}

static void machine_relax(void)
{
	if (reading)
		read_ring();
	now += 1000000; /* 1 ms */
}

static u32 machine_bells(void)
{
	return 0;
}

__attribute__((format(printf, 1, 2))) static void machine_log(const char *f, ...)
{
	(void)f;
}

__attribute__((noreturn, format(printf, 1, 2))) static void machine_panic(const char *f, ...)
{
	ck_abort_msg("panic: %s", f);
}

static const struct platform platform_template = {
	.machine = CH_MACHINE_SIM,
	.version = "test",
	.tsc_hz = 1000000000,
	.maxphyaddr = 40,
	.pages = &pages,
	.em = &em,
	.nr_cpus = 1,
	.clock = machine_clock,
	.vcpu_init = machine_vcpu_init,
	.segs = machine_segs,
	.run = machine_run,
	.irq_disable = machine_nothing,
	.irq_enable = machine_nothing,
	.wait = machine_wait,
	.relax = machine_relax,
	.bells = machine_bells,
	.log = machine_log,
	.panic = machine_panic,
};
static struct platform platform;

static void make_channel(void)
{
	memset(&em, 0, sizeof(em));
	em.direct_map = memory;
	em.clock = machine_emit_clock;
	ch_init(&em, header(), HEADER_HPA, 0);
	ch_add_ring(&em, RING_HPA, RING_SLOTS);
	for (unsigned i = 0; i < CH_NR_PIPES; i++)
		ch_add_pipe(&em, i, PIPES_HPA + i * PAGE_SIZE, PIPE_SIZE);
	memset(events, 0, sizeof(events));
	lost = 0;
	rounds = 0;
}

static void make(enum mmu_mode mode, unsigned nr_vcpus, bool huge)
{
	const struct vm_config config = {
		.mode = mode, .ram_size = RAM, .nr_vcpus = nr_vcpus, .huge = huge
	};
	const char *error;

	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	pages_init(&pages, memory);
	ck_assert(pages_add(&pages, PAGES_HPA, MEMORY));
	platform = platform_template;
	platform.direct_map = memory;
	memset(&segs, 0, sizeof(segs));
	make_channel();
	error = vm_create(&vm, &platform, &config, "test");
	ck_assert_msg(!error, "%s", error);
	load_state_32(&vm, 0x1000);
	vcpu_tell_mmu(&vm.vcpu[0], true);
}

static void finish(void)
{
	mmu_vm_destroy(vm.mmu);
	munmap(memory, MEMORY);
}

/* ---- scripts ---- */

static void script_end(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	(void)run;
	(void)exit;
	vm_end(v->vm, 0, "script");
}

/* ---- snapshots ---- */

#define LEAVES 2000u

static void enter_once(void)
{
	struct mmu_entry entry;

	ck_assert_int_eq(mmu_enter(vm.vcpu[0].mmu, &entry), MMU_OK);
	mmu_leave(vm.vcpu[0].mmu);
}

static void map_leaves(void)
{
	struct mmu_fault fault;

	enter_once();
	for (u64 i = 0; i < LEAVES; i++)
		ck_assert_int_eq(mmu_fault(vm.vcpu[0].mmu, i << PAGE_SHIFT,
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

#define CODE_GPA  0x1000u
#define DATA_GPA  0x3000u
#define PD_GPA    0x10000u
#define PT_GPA    0x11000u
#define OTHER_GPA 0x12000u

/* 4 MiB mapped as they are, by two-level tables which lie in them; and another
 * address space, of another process, that was used before. */
static void make_paged(void)
{
	static const u8 code[] = { 0xff, 0x05, 0x00, 0x30, 0x00, 0x00 }; /* incl 0x3000 */
	struct vcpu *v = &vm.vcpu[0];
	struct mmu_fault fault;
	u32 *pd, *pt;

	make(MMU_MODE_SHADOW, 1, false);
	pd = vm_ram(&vm, PD_GPA, PAGE_SIZE);
	pt = vm_ram(&vm, PT_GPA, PAGE_SIZE);
	pd[0] = PT_GPA | 7;
	memcpy(vm_ram(&vm, OTHER_GPA, PAGE_SIZE), pd, PAGE_SIZE);
	for (u32 i = 0; i < 1024; i++)
		pt[i] = i << PAGE_SHIFT | 7;
	memcpy(vm_ram(&vm, CODE_GPA, sizeof(code)), code, sizeof(code));
	v->regs.cr0 |= CR0_PG | CR0_WP;
	v->regs.rip = CODE_GPA;
	v->regs.cr3 = OTHER_GPA;
	vcpu_tell_mmu(v, true);
	enter_once();
	ck_assert_int_eq(mmu_fault(v->mmu, DATA_GPA, 0, &fault), MMU_RETRY);
	v->regs.cr3 = PD_GPA;
	vcpu_tell_mmu(v, true);
}

static u64 fault_addr;
static unsigned faults;

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
	ck_assert_uint_lt(++faults, 20);
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

TAP_MAIN("vm",
	 a_snapshot_longer_than_the_ring_waits_for_its_reader,
	 a_reader_that_does_not_read_holds_a_snapshot_up_once,
	 a_deterministic_machine_never_waits_for_a_reader,
	 a_step_of_a_vcpu_that_is_halted_for_ever_is_answered_at_once,
	 a_running_vcpu_that_may_not_run_is_no_reason_to_end,
	 a_break_that_fired_is_not_undone_by_a_resume,
	 an_event_delivered_onto_a_page_table_does_not_carry_out_the_instruction_at_rip,
	 an_event_delivered_to_where_no_memory_is_ends_the_guest)
