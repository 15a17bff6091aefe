/* SPDX-License-Identifier: MIT */
/*
 * What the loaders share: copying, and the two states a guest can begin in.
 */
#include "hv/core/load.h"

#include "hv/core/fmt.h"
#include "hv/core/mptable.h"

#include <string.h>

#define GDT_CODE32 0x00cf9b000000ffffull
#define GDT_CODE64 0x00af9b000000ffffull
#define GDT_DATA   0x00cf93000000ffffull
#define GDT_ENTRIES 4
#define SEL_CODE   0x10
#define SEL_DATA   0x18

#define PTE_TABLE 0x07ull /* present, writable, user */
#define PTE_LARGE 0xe7ull /* and accessed, dirty, 2 MiB */
#define NR_PDS    4

bool load_copy(struct vm *vm, gpa_t gpa, const void *from, u64 len)
{
	void *to = vm_ram(vm, gpa, len);

	if (!to)
		return false;
	memcpy(to, from, len);
	return true;
}

bool load_cmdline(struct vm *vm, const char *cmdline)
{
	size_t n = fmt_length(cmdline) + 1;

	return n <= LOAD_CMDLINE_MAX && load_copy(vm, LOAD_CMDLINE_GPA, cmdline, n);
}

gpa_t load_module_high(struct vm *vm, const struct load_module *m, gpa_t floor, gpa_t limit)
{
	gpa_t top = vm->ram_size < limit ? vm->ram_size : limit, gpa;

	if (m->size > top)
		return 0;
	gpa = (top - m->size) & PAGE_MASK;
	return gpa >= floor && load_copy(vm, gpa, m->bytes, m->size) ? gpa : 0;
}

static void load_segments(struct vm *vm, u64 code_descriptor, u16 code_attrib)
{
	struct vcpu_segs *s = vm->p->segs(&vm->vcpu[0]);
	const u64 gdt[GDT_ENTRIES] = { 0, 0, code_descriptor, GDT_DATA };

	load_copy(vm, LOAD_GDT_GPA, gdt, sizeof(gdt));
	for (unsigned i = 0; i < 6; i++)
		s->seg[i] = (struct vcpu_seg){ SEL_DATA, SEG_ATTRIB_DATA32, 0xffffffff, 0 };
	s->seg[SEG_CS] = (struct vcpu_seg){ SEL_CODE, code_attrib, 0xffffffff, 0 };
	s->gdtr = (struct vcpu_seg){ .limit = sizeof(gdt) - 1, .base = LOAD_GDT_GPA };
	s->idtr = (struct vcpu_seg){ 0 };
}

void load_state_32(struct vm *vm, gpa_t rip)
{
	struct vcpu_regs *r = &vm->vcpu[0].regs;

	load_segments(vm, GDT_CODE32, SEG_ATTRIB_CODE32);
	r->cr0 = CR0_PE | CR0_ET;
	r->rip = rip;
}

static void load_identity_map(struct vm *vm)
{
	u64 *table = vm_ram(vm, LOAD_TABLES_GPA, (2 + NR_PDS) * PAGE_SIZE);
	u64 *pdpt = table + PT_ENTRIES, *pd = pdpt + PT_ENTRIES;

	table[0] = (LOAD_TABLES_GPA + PAGE_SIZE) | PTE_TABLE;
	for (unsigned i = 0; i < NR_PDS; i++)
		pdpt[i] = (LOAD_TABLES_GPA + (2 + i) * PAGE_SIZE) | PTE_TABLE;
	for (unsigned i = 0; i < NR_PDS * PT_ENTRIES; i++)
		pd[i] = i * level_bytes(LEVEL_2M) | PTE_LARGE;
}

void load_state_64(struct vm *vm, gpa_t rip)
{
	struct vcpu_regs *r = &vm->vcpu[0].regs;

	load_segments(vm, GDT_CODE64, SEG_ATTRIB_CODE64);
	load_identity_map(vm);
	r->cr0 = CR0_PG | CR0_PE | CR0_ET;
	r->cr3 = LOAD_TABLES_GPA;
	r->cr4 = CR4_PAE;
	r->efer = EFER_LME | EFER_LMA;
	r->rip = rip;
}

const char *load_guest(struct vm *vm, const struct load_image *l)
{
	smm_firmware(vm);
	mptable_place(vm);
	if (load_is_linux(l))
		return load_linux(vm, l);
	if (load_is_multiboot(l))
		return load_multiboot(vm, l);
	if (load_is_elf(l))
		return load_elf(vm, l);
	return "the guest is neither an ELF nor a Multiboot image nor a Linux bzImage";
}
