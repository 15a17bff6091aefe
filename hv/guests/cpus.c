/* SPDX-License-Identifier: MIT */
/*
 * CPUs: the MP table, INIT and SIPI, and where each waits for work.
 */
#include "hv/guests/cpus.h"

#include "hv/guests/cpu.h"
#include "hv/guests/fault.h"

enum {
	STACK_SIZE = 8192, /* as in smp16.S */
	START_PAGE = 0x8000,
};

struct mp_entry {
	uint8_t type, apic_id, version, flags;
};

extern char start16[], start16_end[], start16_registers[];
char stacks[MAX_CPUS * STACK_SIZE] __attribute__((aligned(STACK_SIZE)));
uint32_t cpus_numbered; /* that have come, but for the first */
void smp_begin(void);

unsigned int nr_cpus;
uint8_t apic_ids[MAX_CPUS];
volatile uint32_t cpus_ready;

static void (*volatile job)(unsigned int cpu);
static volatile uint32_t job_number, job_done;

/* ---- words that all share ---- */

void pause(void)
{
	asm volatile("pause" : : : "memory");
}

uint32_t add(volatile uint32_t *word, uint32_t n)
{
	asm volatile("lock xaddl %0, %1" : "+r"(n), "+m"(*word) : : "memory");
	return n;
}

void await(volatile uint32_t *word, uint32_t value)
{
	while (*word != value) {
		pause();
	}
}

static volatile uint32_t lock_word;

void lock(void)
{
	uint32_t old = 1;

	for (;;) {
		asm volatile("xchgl %0, %1" : "+r"(old), "+m"(lock_word) : : "memory");
		if (!old) {
			return;
		}
		pause();
	}
}

void unlock(void)
{
	asm volatile("" : : : "memory");
	lock_word = 0;
}

/* ---- the APIC ---- */

uint32_t apic_read(unsigned int reg)
{
	uint32_t value;

	/* A MOV, whatever the compiler would take: not all is carried out there. */
	asm volatile("movl %1, %0" : "=r"(value) : "m"(word_at(APIC + reg)));
	return value;
}

void apic_write(unsigned int reg, uint32_t value)
{
	word_at(APIC + reg) = value;
}

static void apic_send(unsigned int apic_id, uint32_t command)
{
	while (apic_read(APIC_ICR) & ICR_PENDING) {
		pause();
	}
	apic_write(APIC_ICR_HIGH, apic_id << 24);
	apic_write(APIC_ICR, command | ICR_ASSERT);
}

void apic_send_line(unsigned int apic_id, uint32_t where, unsigned int line)
{
	apic_send(apic_id, where | (VECTOR_INTERRUPT + line));
}

void apic_on(void)
{
	apic_write(APIC_SPURIOUS, APIC_ENABLED);
}

/* ---- CPUs ---- */

/* 0: the first; the others in the order in which they came. By the stack. */
unsigned int cpu(void)
{
	unsigned long here = (unsigned long)__builtin_frame_address(0) - (unsigned long)stacks;

	return here < sizeof(stacks) ? (unsigned int)(here / STACK_SIZE) + 1 : 0;
}

/* The others live here. */
void smp_begin(void)
{
	uint32_t seen = job_number;
	unsigned int self = cpu();

	idt_at(idt_address());
	apic_on();
	asm volatile("sti");
	add(&cpus_ready, 1);
	for (;;) {
		while (job_number == seen) {
			pause();
		}
		seen = job_number;
		job(self);
		add(&job_done, 1);
	}
}

/* Every CPU does it; returns when all have. */
void on_all(void (*what)(unsigned int cpu))
{
	job = what;
	job_done = 0;
	job_number++;
	what(0);
	await(&job_done, nr_cpus - 1);
}

/* ---- the MP table ---- */

static unsigned long find_mp_table(void)
{
	for (unsigned long at = 0xf0000; at < 0x100000; at += 16) {
		if (word_at(at) == 0x5f504d5f) { /* "_MP_" */
			return word_at(at + 4);
		}
	}
	return 0;
}

void cpus_find(void)
{
	unsigned long table = find_mp_table(), at = table + 44;
	uint8_t sum = 0;

	expect(table);
	expect_eq(word_at(table), 0x504d4350); /* "PCMP" */
	for (unsigned int i = 0; i < (word_at(table + 4) & 0xffff); i++) {
		sum += *(volatile uint8_t *)(table + i);
	}
	expect_eq(sum, 0);
	for (unsigned int n = word_at(table + 34) & 0xffff; n; n--) {
		const volatile struct mp_entry *e = (const volatile struct mp_entry *)at;

		if (e->type == 0 && e->flags & 1 && nr_cpus < MAX_CPUS) {
			apic_ids[nr_cpus++] = e->apic_id;
		}
		at += e->type == 0 ? 20 : 8;
	}
	if (nr_cpus < 2) {
		print("FAILED\none CPU only: this guest needs more (--vcpus=2)\n");
		guest_exit(GUEST_CPU_TOO_SMALL);
	}
}

/* ---- starting ---- */

static void put_start(void)
{
	uint32_t *registers = (uint32_t *)(START_PAGE + (start16_registers - start16));

	for (char *from = start16, *to = (char *)START_PAGE; from < start16_end; from++, to++) {
		*(volatile char *)to = *from;
	}
	write_cr4(read_cr4() | CR4_OSFXSR);
	registers[0] = (uint32_t)read_cr3();
	registers[1] = (uint32_t)read_cr4();
#ifdef __x86_64__
	registers[2] = (uint32_t)rdmsr(MSR_EFER) & ~(1u << 10); /* LMA is the CPU's */
#endif
	registers[3] = (uint32_t)read_cr0();
}

static void start_one(unsigned int apic_id)
{
	apic_send(apic_id, ICR_INIT);
	apic_send(apic_id, ICR_SIPI | START_PAGE >> 12);
}

void cpus_start(void)
{
	uint8_t self = (uint8_t)(apic_read(APIC_ID) >> 24);

	put_start();
	for (unsigned int i = 0; i < nr_cpus; i++) {
		if (apic_ids[i] != self) {
			start_one(apic_ids[i]);
		}
	}
	await(&cpus_ready, nr_cpus - 1);
}

void cpus_restart(unsigned int number, unsigned int apic_id)
{
	uint32_t ready = cpus_ready;

	apic_send(apic_id, ICR_INIT);
	cpus_numbered = number - 1;
	apic_send(apic_id, ICR_SIPI | START_PAGE >> 12);
	await(&cpus_ready, ready + 1);
}
