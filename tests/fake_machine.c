/* SPDX-License-Identifier: MIT */
/*
 * The pretended machine: its platform, its channel, its guest.
 */
#include "tests/fake_machine.h"

#include "hv/core/load.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#define MEMORY     (256ull << 20)
#define HEADER_HPA 0x1000u
#define RING_HPA   0x100000u
#define RING_SLOTS 256u
#define PIPE_SIZE  64u
#define PAGES_HPA  0x400000u

static u8 *memory;
static struct pages pages;
struct ch_emitter em;
struct vm vm;
static struct vcpu_segs segs[VM_MAX_VCPUS];
static bool long_mode;
u64 now;
bool reading;
u64 events[0x200];
u64 lost;
void (*script)(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit);
void (*on_wait)(void);
unsigned rounds;

struct ch_header *header(void)
{
	return (struct ch_header *)(memory + HEADER_HPA);
}

void read_ring(void)
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
	return &segs[v->id];
}

static void machine_run(struct vcpu *v, const struct vcpu_run *run, struct vcpu_exit *exit)
{
	memset(exit, 0, sizeof(*exit));
	exit->kind = CH_EXIT_intr;
	rounds++;
	script(v, run, exit);
}

/* PSE PAE PGE, then NX and SYSCALL, and whether there is a long mode. */
static void machine_cpuid(u32 leaf, u32 sub, u32 out[4])
{
	(void)sub;
	out[0] = leaf == 0x80000000 ? 0x80000001 : 1;
	out[1] = out[2] = 0;
	out[3] = 1u << 3 | 1u << 6 | 1u << 13;
	if (leaf == 0x80000001)
		out[3] |= 1u << 20 | 1u << 11 | (long_mode ? 1u << 29 : 0);
}

void choose_long_mode(bool has_long_mode)
{
	long_mode = has_long_mode;
	ck_assert_ptr_eq(features_init(&vm.features, &platform, NULL), NULL);
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
	char text[256];
	va_list ap;

	va_start(ap, f);
	vsnprintf(text, sizeof(text), f, ap);
	va_end(ap);
	ck_abort_msg("panic: %s", text);
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
	.cpuid = machine_cpuid,
	.log = machine_log,
	.panic = machine_panic,
};
struct platform platform;

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

void make(enum mmu_mode mode, unsigned nr_vcpus, bool huge)
{
	const struct vm_config config = {
		.mode = mode, .ram_size = RAM, .nr_vcpus = nr_vcpus
	};
	const char *error;

	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ck_assert_ptr_ne(memory, MAP_FAILED);
	pages_init(&pages, memory);
	ck_assert(pages_add(&pages, PAGES_HPA, MEMORY));
	platform = platform_template;
	platform.direct_map = memory;
	memset(segs, 0, sizeof(segs));
	long_mode = true;
	make_channel();
	error = vm_create(&vm, &platform, &config, "test");
	ck_assert_msg(!error, "%s", error);
	ck_assert_int_eq(mmu_set_knob(vm.mmu, MMU_KNOB_huge, huge), MMU_OK);
	load_state_32(&vm, CODE_GPA);
	vcpu_tell_mmu(&vm.vcpu[0], true);
}

void finish(void)
{
	mmu_vm_destroy(vm.mmu);
	munmap(memory, MEMORY);
}

void put_code(const u8 *code, size_t n)
{
	memcpy(vm_ram(&vm, CODE_GPA, n), code, n);
	vm.vcpu[0].regs.rip = CODE_GPA;
}

void enter_once(void)
{
	struct mmu_entry entry;

	ck_assert_int_eq(mmu_enter(vm.vcpu[0].mmu, &entry), MMU_OK);
	mmu_leave(vm.vcpu[0].mmu);
}

/* 4 MiB mapped as they are, by two-level tables which lie in them; and another
 * address space, of another process, that was used before. */
void make_paged(void)
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
