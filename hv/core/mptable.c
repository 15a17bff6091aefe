/* SPDX-License-Identifier: MIT */
/*
 * The MP table: a pointer structure, a header, and entries one after the other,
 * sorted by type.
 */
#include "hv/core/mptable.h"

#include "hv/core/vcpu.h"

#include <string.h>

#define NR_ISA_LINES 16
#define CASCADE_LINE 2  /* between the PICs: no device's */
#define APIC_VERSION 0x14
#define IO_VERSION   0x11
#define EVERY_APIC   0xff
#define REVISION     4  /* of the specification: 1.4 */

enum { MP_CPU, MP_BUS, MP_IOAPIC, MP_IRQ, MP_LOCAL_IRQ };
enum { MP_INT = 0, MP_NMI = 1, MP_EXTINT = 3 };
enum { CPU_ENABLED = 1, CPU_BOOTS = 2, IOAPIC_ENABLED = 1 };

struct mp_pointer {
	char signature[4];
	u32 table;
	u8 paragraphs, revision, checksum;
	u8 features[5]; /* all 0: there is a table; virtual wire mode */
} __attribute__((packed));

struct mp_header {
	char signature[4];
	u16 length;
	u8 revision, checksum;
	char oem[8], product[12];
	u32 oem_table;
	u16 oem_size, nr_entries;
	u32 lapic;
	u16 extended_length;
	u8 extended_checksum, reserved;
} __attribute__((packed));

struct mp_cpu {
	u8 type, id, version, flags;
	u32 signature, features, reserved[2];
} __attribute__((packed));

struct mp_bus {
	u8 type, id;
	char name[6];
} __attribute__((packed));

struct mp_ioapic {
	u8 type, id, version, flags;
	u32 gpa;
} __attribute__((packed));

struct mp_irq {
	u8 type, kind;
	u16 flags; /* 0: as usual on this bus */
	u8 bus, line, apic, pin;
} __attribute__((packed));

struct mp_writer {
	u8 *at;
	unsigned nr;
};

static void mp_add(struct mp_writer *w, const void *entry, size_t size)
{
	memcpy(w->at, entry, size);
	w->at += size;
	w->nr++;
}

static u8 mp_checksum(const void *from, size_t size)
{
	const u8 *at = from;
	u8 sum = 0;

	while (size--)
		sum += *at++;
	return (u8)-sum;
}

static void mp_add_cpus(struct mp_writer *w, struct vm *vm)
{
	for (unsigned i = 0; i < vm->nr_vcpus; i++) {
		struct mp_cpu cpu = {
			.type = MP_CPU,
			.id = (u8)i,
			.version = APIC_VERSION,
			.flags = CPU_ENABLED | (i == 0 ? CPU_BOOTS : 0),
		};
		u32 out[4];

		vcpu_cpuid(&vm->vcpu[i], 1, 0, out);
		cpu.signature = out[0];
		cpu.features = out[3];
		mp_add(w, &cpu, sizeof(cpu));
	}
}

static void mp_add_lines(struct mp_writer *w, u8 ioapic)
{
	for (u8 line = 0; line < NR_ISA_LINES; line++) {
		const struct mp_irq irq = {
			.type = MP_IRQ,
			.kind = MP_INT,
			.line = line,
			.apic = ioapic,
			.pin = (u8)board_pin(line),
		};

		if (line != CASCADE_LINE)
			mp_add(w, &irq, sizeof(irq));
	}
}

static void mp_add_local_lines(struct mp_writer *w)
{
	const struct mp_irq lint[] = {
		{ .type = MP_LOCAL_IRQ, .kind = MP_EXTINT, .apic = 0, .pin = 0 },
		{ .type = MP_LOCAL_IRQ, .kind = MP_NMI, .apic = EVERY_APIC, .pin = 1 },
	};

	for (unsigned i = 0; i < 2; i++)
		mp_add(w, &lint[i], sizeof(lint[i]));
}

static void mp_add_all(struct mp_writer *w, struct vm *vm)
{
	const struct mp_bus isa = { MP_BUS, 0, { 'I', 'S', 'A', ' ', ' ', ' ' } };
	const struct mp_ioapic ioapic = {
		MP_IOAPIC, vm->board.ioapic.id, IO_VERSION, IOAPIC_ENABLED, IOAPIC_GPA
	};

	mp_add_cpus(w, vm);
	mp_add(w, &isa, sizeof(isa));
	mp_add(w, &ioapic, sizeof(ioapic));
	mp_add_lines(w, vm->board.ioapic.id);
	mp_add_local_lines(w);
}

void mptable_place(struct vm *vm)
{
	struct mp_pointer *pointer = vm_ram(vm, MPTABLE_GPA, PAGE_SIZE);
	struct mp_header *header = (void *)(pointer + 1);
	struct mp_writer w = { .at = (u8 *)(header + 1) };

	if (!features_has(&vm->features, FEATURE_apic))
		return;
	*pointer = (struct mp_pointer){
		.signature = { '_', 'M', 'P', '_' },
		.table = MPTABLE_GPA + sizeof(*pointer),
		.paragraphs = sizeof(*pointer) / 16,
		.revision = REVISION,
	};
	pointer->checksum = mp_checksum(pointer, sizeof(*pointer));
	*header = (struct mp_header){
		.signature = { 'P', 'C', 'M', 'P' },
		.revision = REVISION,
		.oem = { 'V', 'I', 'T', 'R', 'I', 'N', 'E', ' ' },
		.product = { 'B', 'O', 'A', 'R', 'D', ' ', ' ', ' ', ' ', ' ', ' ', ' ' },
		.lapic = (u32)LAPIC_GPA,
	};
	mp_add_all(&w, vm);
	header->nr_entries = (u16)w.nr;
	header->length = (u16)(w.at - (u8 *)header);
	header->checksum = mp_checksum(header, header->length);
}

_Static_assert(sizeof(struct mp_pointer) == 16 && sizeof(struct mp_header) == 44 &&
		       sizeof(struct mp_cpu) == 20 && sizeof(struct mp_bus) == 8 &&
		       sizeof(struct mp_ioapic) == 8 && sizeof(struct mp_irq) == 8,
	       "the sizes of the specification");
_Static_assert(16 + 44 + VM_MAX_VCPUS * 20 + 2 * 8 + (NR_ISA_LINES + 1) * 8 <= PAGE_SIZE,
	       "the table is in one page");
