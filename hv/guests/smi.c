/* SPDX-License-Identifier: MIT */
/*
 * smi: system-management mode. The guest takes it over as a firmware does: the
 * first SMI runs at 38000, in ordinary memory, and moves SMBASE and a handler into
 * SMRAM, which nobody sees outside. Then it is interrupted in every mode it can
 * get itself into, and must come back as if nothing had been.
 *
 * Where a firmware was here before (under vitrine), SMBASE is not 30000 any more: that
 * firmware gives it back at the command SMI_MOVE. Where none was (plain QEMU), that
 * command is the first SMI already, and the chipset has to be told about SMIs and
 * SMRAM; the ports for that lead nowhere under vitrine.
 *
 *   smi.h says what lies below 1 MiB
 *   100000    this image
 *   400000    memory at another virtual address, once there is paging
 *
 * source: APM2 10 "System-Management Mode"
 */
#include "hv/guests/smi.h"

#include "hv/guests/cpu.h"
#include "hv/guests/fault.h"
#include "hv/guests/guest.h"

enum {
	APM_CONTROL = 0xb2,
	PCI_ADDRESS = 0xcf8,
	PCI_DATA = 0xcfc,
	PCI_SMRAM = 0x80000070,    /* host bridge: byte 2, of chipsets 440FX */
	PCI_SMRAM_ON = 0x0a,       /* at a0000, seen in SMM only */
	PCI_APM = 0x80000b58,      /* power management of the PIIX4: byte 3 */
	PCI_APM_SMI = 0x02,
	LONG_MODE = 1 << 29,
	MOVE_TRIES = 3,
	MOVE_PATIENCE = 1000000,
	FLAG_DIRECTION = 1 << 10,
	FLAG_INTERRUPT = 1 << 9,
	ALIAS = 0x10000000,        /* virtual: the memory at 400000 */
	TARGET = 0x400000,
	SECRET = 0x5ec2e7,
};

extern char smi_first[], smi_first_end[];

struct descriptor_table {
	uint16_t limit;
	unsigned long base;
} __attribute__((packed));

/* What an SMI must leave alone. */
struct state {
	unsigned long cr0, cr2, cr3, cr4;
	uint64_t efer;
	struct descriptor_table gdt, idt;
	uint16_t cs, ds, es, fs, gs, ss, tr, ldt;
	uint64_t fs_base, gs_base;
};

static void read_state(struct state *s)
{
	s->cr0 = read_cr0();
	s->cr2 = read_cr2();
	s->cr3 = read_cr3();
	s->cr4 = read_cr4();
	s->efer = rdmsr(MSR_EFER);
	asm volatile("sgdt %0" : "=m"(s->gdt));
	asm volatile("sidt %0" : "=m"(s->idt));
	asm volatile("str %0" : "=r"(s->tr));
	asm volatile("sldt %0" : "=r"(s->ldt));
	asm volatile("mov %%cs, %0" : "=r"(s->cs));
	asm volatile("mov %%ds, %0" : "=r"(s->ds));
	asm volatile("mov %%es, %0" : "=r"(s->es));
	asm volatile("mov %%fs, %0" : "=r"(s->fs));
	asm volatile("mov %%gs, %0" : "=r"(s->gs));
	asm volatile("mov %%ss, %0" : "=r"(s->ss));
#ifdef __x86_64__
	s->fs_base = rdmsr(0xc0000100);
	s->gs_base = rdmsr(0xc0000101);
#else
	s->fs_base = s->gs_base = 0;
#endif
}

static uint32_t report(unsigned int what)
{
	return word_at(SMI_REPORT + what);
}

/*
 * An SMI: waits until the handler has changed RBX, as it need not come at once.
 * All other registers and the direction flag are as they were.
 */
static void raise(uint8_t command)
{
	unsigned long rbx = 0, rcx = 0x11111111, rdx = 0x22222222, rsi = 0x33333333, flags;
	unsigned long rdi = 0x44444444;

	asm volatile("std\n\tcall smi_raise\n\tpushf\n\tpop %5\n\tcld"
		     : "+b"(rbx), "+c"(rcx), "+d"(rdx), "+S"(rsi), "+D"(rdi), "=&r"(flags)
		     : "a"(command) : "memory", "cc");
	expect_eq(rbx, 1);
	expect_eq(rcx, 0x11111111);
	expect_eq(rdx, 0x22222222);
	expect_eq(rsi, 0x33333333);
	expect_eq(rdi, 0x44444444);
	expect(flags & FLAG_DIRECTION);
}

/* The same, and nothing of the state has changed, and the handler saw it. */
static void raise_and_compare(uint8_t command)
{
	struct state before, after;
	uint32_t nr = report(SMI_NR), count = command == SMI_AGAIN ? 2 : 1;

	for (unsigned int i = 0; i < sizeof(before); i++) {
		((char *)&before)[i] = ((char *)&after)[i] = 0;
	}
	read_state(&before);
	raise(command);
	if (command == SMI_AGAIN) { /* the second may come a little later */
		while (report(SMI_NR) < nr + count) {
			asm volatile("pause");
		}
	}
	read_state(&after);
	for (unsigned int i = 0; i < sizeof(before); i++) {
		expect_eq(((char *)&after)[i], ((char *)&before)[i]);
	}
	expect_eq(report(SMI_NR), nr + count);
	expect_eq(report(SMI_OLD_CR0), before.cr0);
	expect_eq(report(SMI_OLD_CR4), before.cr4);
	expect_eq(report(SMI_OLD_EFER), before.efer);
}

static void outl(uint16_t port, uint32_t value)
{
	asm volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

/* Plain QEMU's chipset; elsewhere nobody listens at these ports. */
static void chipset(void)
{
	outl(PCI_ADDRESS, PCI_SMRAM);
	outb(PCI_DATA + 2, PCI_SMRAM_ON);
	outl(PCI_ADDRESS, PCI_APM);
	outb(PCI_DATA + 3, PCI_APM_SMI);
}

static void copy(unsigned long to, const char *from, const char *end)
{
	while (from < end) {
		*(volatile char *)to++ = *from++;
	}
}

static void move_into_smram(void)
{
	unsigned long rbx = 0;

	chipset();
	copy(SMI_FIRST, smi_first, smi_first_end);
	for (unsigned int i = 0; i < MOVE_TRIES && !rbx; i++) {
		unsigned long patience = MOVE_PATIENCE;

		asm volatile("outb %%al, $0xb2\n"
			     "1:\ttest %0, %0\n\tjnz 2f\n\tdec %1\n\tjnz 1b\n2:"
			     : "+b"(rbx), "+c"(patience) : "a"(SMI_MOVE) : "memory", "cc");
	}
	expect_eq(rbx, 1);
}

static void environment(void)
{
	raise_and_compare(SMI_COUNT);
	expect_eq(report(SMI_NR), 1);
	expect_eq(report(SMI_REVISION) & 0xffff, 0x64);
	expect_eq(report(SMI_CS), SMI_BASE >> 4);
	expect_eq(report(SMI_CR0) & (CR0_PE | CR0_PG), 0);
	expect_eq(report(SMI_CR4), 0);
	expect_eq(report(SMI_EFER), 0);
	expect_eq(report(SMI_FLAGS) & (FLAG_INTERRUPT | FLAG_DIRECTION), 0);
}

static void smram_is_hidden(void)
{
	unsigned long handler = SMI_BASE + 0x8000, data = SMI_BASE + SMI_DATA;
	uint32_t nr = report(SMI_NR);

	for (unsigned int i = 0; i < 64; i += 4) {
		expect(word_at(handler + i) != word_at((unsigned long)smi_first + i) || !i);
		word_at(handler + i) = 0xf4f4f4f4; /* nothing but HLT */
	}
	word_at(data + SMI_NR) = SECRET;
	word_at(data + SMI_MARK) = SECRET;
	expect(word_at(data + SMI_NR) != nr);
	raise_and_compare(SMI_COUNT);
	expect(report(SMI_LAST) != SECRET);
}

static void handler_that_pages(void)
{
	word_at(SMI_REPORT + SMI_PAGED) = 0;
	raise_and_compare(SMI_PAGES);
	expect_eq(report(SMI_PAGED), report(SMI_NR));
	expect_eq(report(SMI_PAGED_CR0) & (CR0_PE | CR0_PG | CR0_WP), CR0_PE | CR0_PG | CR0_WP);
	raise_and_compare(SMI_COUNT);
	expect_eq(report(SMI_LAST), SMI_MARKED);
}

static void all_kinds(void)
{
	raise_and_compare(SMI_COUNT);
	raise_and_compare(SMI_AGAIN);
	raise_and_compare(SMI_PAGES);
	for (unsigned int i = 0; i < 50; i++) {
		raise_and_compare(SMI_COUNT);
	}
}

/* ---- the modes ---- */

typedef volatile uint64_t table_t[512];

static table_t tables[4] __attribute__((aligned(4096)));

enum { LARGE = 0x83 }; /* present, writable, a large page */

static void paged_memory(void)
{
	word_at(TARGET) = 0x12345678;
	expect_eq(word_at(ALIAS), 0x12345678);
	all_kinds();
	expect_eq(word_at(ALIAS), 0x12345678);
	word_at(ALIAS) = 0x9abcdef0;
	raise_and_compare(SMI_COUNT);
	expect_eq(word_at(TARGET), 0x9abcdef0);
}

#ifdef __x86_64__
static void long_mode(void)
{
	table_t *pdpt = &tables[1], *pd = &tables[2];

	tables[0][0] = (unsigned long)pdpt | 3;
	(*pdpt)[0] = (unsigned long)pd | 3;
	for (unsigned int i = 0; i < 8; i++) {
		(*pd)[i] = (uint64_t)i << 21 | LARGE;
	}
	(*pd)[ALIAS >> 21] = TARGET | LARGE;
	write_cr3((unsigned long)tables);
	wrmsr(0xc0000100, 0xffff812345678000);
	wrmsr(0xc0000101, 0x00007edcba987000);
	paged_memory();
	expect(report(SMI_OLD_EFER) & 1 << 10); /* long mode was active */
}

/* R8 to R15, and the upper halves. */
static void wide_registers(void)
{
	uint64_t values[8], now[8];

	for (unsigned int i = 0; i < 8; i++) {
		values[i] = 0x0123456789abcdef * (i + 3);
	}
	asm volatile("mov (%2), %%r8\n\tmov 8(%2), %%r9\n\tmov 16(%2), %%r10\n\t"
		     "mov 24(%2), %%r11\n\tmov 32(%2), %%r12\n\tmov 40(%2), %%r13\n\t"
		     "mov 48(%2), %%r14\n\tmov 56(%2), %%r15\n\t"
		     "xor %%ebx, %%ebx\n\toutb %%al, $0xb2\n1:\ttest %%ebx, %%ebx\n\tjz 1b\n\t"
		     "mov %%r8, (%1)\n\tmov %%r9, 8(%1)\n\tmov %%r10, 16(%1)\n\t"
		     "mov %%r11, 24(%1)\n\tmov %%r12, 32(%1)\n\tmov %%r13, 40(%1)\n\t"
		     "mov %%r14, 48(%1)\n\tmov %%r15, 56(%1)"
		     : : "a"(SMI_COUNT), "D"(now), "S"(values)
		     : "rbx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory", "cc");
	for (unsigned int i = 0; i < 8; i++) {
		expect_eq(now[i], values[i]);
	}
}

static void modes(void)
{
	step("SMIs in long mode, with tables of our own");
	long_mode();
	step("16 registers of 64 bits");
	wide_registers();
}
#else
extern char smi_real[], smi_real_end[];
void smi_in_real_mode(unsigned int command, unsigned long *after);

static void real_mode(void)
{
	unsigned long after[3]; /* EBX, ESP, DS */

	copy(SMI_REAL, smi_real, smi_real_end);
	for (unsigned int command = SMI_COUNT; command <= SMI_PAGES; command++) {
		uint32_t nr = report(SMI_NR);

		smi_in_real_mode(command, after);
		expect_eq(after[0], 1);
		expect_eq(after[1], 0x77f0);
		expect_eq(after[2], 0x1234);
		expect(report(SMI_NR) > nr);
		expect_eq(report(SMI_OLD_CR0) & CR0_PE, 0);
		expect(report(SMI_OLD_RIP) > SMI_REAL && report(SMI_OLD_RIP) < SMI_REAL + 0x100);
	}
}

static void two_levels(void)
{
	volatile uint32_t *directory = (volatile uint32_t *)tables;

	for (unsigned int i = 0; i < 4; i++) {
		directory[i] = i << 22 | LARGE;
	}
	directory[ALIAS >> 22] = TARGET | LARGE;
	write_cr4(read_cr4() | CR4_PSE);
	write_cr3((unsigned long)directory);
	write_cr0(read_cr0() | CR0_PG | CR0_WP);
	paged_memory();
	write_cr0(read_cr0() & ~CR0_PG);
}

static void three_levels(void)
{
	table_t *pdpt = &tables[1], *pd = &tables[2];

	(*pdpt)[0] = (unsigned long)pd | 1;
	for (unsigned int i = 0; i < 8; i++) {
		(*pd)[i] = (uint64_t)i << 21 | LARGE;
	}
	(*pd)[ALIAS >> 21] = TARGET | LARGE;
	write_cr4(read_cr4() | CR4_PAE);
	wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_NXE);
	write_cr3((unsigned long)pdpt);
	write_cr0(read_cr0() | CR0_PG | CR0_WP);
	paged_memory();
	write_cr0(read_cr0() & ~CR0_PG);
}

static void modes(void)
{
	step("SMIs in protected mode");
	all_kinds();
	step("SMIs in real mode");
	real_mode();
	step("SMIs with two-level tables");
	two_levels();
	step("SMIs with three-level tables and no-execute");
	three_levels();
}
#endif

void guest_main(void)
{
	uint32_t ext[4];

	title(sizeof(void *) == 8 ? "smi64" : "smi", "system-management mode");
	cpuid(CPUID_EXT, ext);
	if (!(ext[3] & LONG_MODE)) { /* the save area would be another one */
		guest_exit(GUEST_CPU_TOO_SMALL);
	}
	fault_init();
	step("the first SMI moves SMBASE and a handler into SMRAM");
	move_into_smram();
	step("how the handler finds itself");
	environment();
	step("SMRAM is not to be seen outside");
	smram_is_hidden();
	step("an SMI within the handler comes after it");
	raise_and_compare(SMI_AGAIN);
	step("a handler with page tables of its own");
	handler_that_pages();
	modes();
}
