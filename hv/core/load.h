/* SPDX-License-Identifier: MIT */
/*
 * Putting a guest into the memory of a new machine and its first vCPU before
 * the first instruction. Two kinds of images, told apart by their content:
 *
 *   ELF      PT_LOAD segments at p_paddr; entered at the PHYS32_ENTRY note, else
 *            at e_entry, in flat 32-bit protected mode without paging, EBX = PVH
 *            start info (command line, memory map, initrd as module)
 *   bzImage  Linux boot protocol 2.12 and later: the 64-bit entry if there is
 *            one, else the 32-bit entry
 *
 * Low memory the loaders use (gpa):
 *   90000 zero page or PVH start info    91000 GDT    92000 command line
 *   93000 page tables of the 64-bit entry: identity map of 4 GiB, 6 pages
 *
 * source: Linux Documentation/arch/x86/boot.rst; Xen docs/misc/pvh.pandoc
 */
#ifndef HV_CORE_LOAD_H
#define HV_CORE_LOAD_H

#include "hv/core/vm.h"

struct load_image {
	const u8 *image; /* the guest's file */
	u64 size;
	const u8 *initrd; /* NULL if none */
	u64 initrd_size;
	const char *cmdline;
};

/*
 * Loads the guest. The files are checked, not trusted.
 *
 *   context  vm_create() has succeeded, nothing has run
 *   returns  NULL: done; else why not, as a text
 */
const char *load_guest(struct vm *vm, const struct load_image *l);

/* ---- for the loaders ---- */

enum load_gpa {
	LOAD_INFO_GPA = 0x90000,
	LOAD_GDT_GPA = 0x91000,
	LOAD_CMDLINE_GPA = 0x92000,
	LOAD_TABLES_GPA = 0x93000,
	LOAD_LOW_END = 0x9f000, /* of usable low memory, as the memory map says */
	LOAD_HIGH_START = 0x100000,
};
#define LOAD_CMDLINE_MAX 2048u

const char *load_elf(struct vm *vm, const struct load_image *l);
const char *load_linux(struct vm *vm, const struct load_image *l);
bool load_is_linux(const struct load_image *l);

/* Copies into guest RAM; false if it does not fit. */
bool load_copy(struct vm *vm, gpa_t gpa, const void *from, u64 len);

/* Copies the command line to LOAD_CMDLINE_GPA; false if it is too long. */
bool load_cmdline(struct vm *vm, const char *cmdline);

/*
 * Puts the initrd at the top of RAM, not above limit.
 *   returns  its gpa, 0 if it does not fit above floor
 */
gpa_t load_initrd(struct vm *vm, const struct load_image *l, gpa_t floor, gpa_t limit);

/* Flat protected mode without paging at rip; GDT as in the file's head. */
void load_state_32(struct vm *vm, gpa_t rip);

/* 64-bit mode with the identity map at rip. */
void load_state_64(struct vm *vm, gpa_t rip);

#endif
