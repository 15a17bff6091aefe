/* SPDX-License-Identifier: MIT */
/*
 * Putting a guest into the memory of a new machine and its first vCPU before
 * the first instruction. The kinds of images are told apart by their content:
 *
 *   bzImage  Linux boot protocol 2.12 and later: the 64-bit entry if there is
 *            one, else the 32-bit entry
 *   multiboot  a header of Multiboot 1 in the first 8 KiB, as ELF or with addresses
 *            of its own; entered with EAX = 2badb002, EBX = its information
 *   ELF      PT_LOAD segments at p_paddr; entered at the PHYS32_ENTRY note, else
 *            at e_entry, in flat 32-bit protected mode without paging, EBX = PVH
 *            start info (command line, memory map, modules)
 *
 * Low memory the loaders use (gpa):
 *   90000 zero page, PVH start info or Multiboot information    91000 GDT    92000 command line
 *   93000 page tables of the 64-bit entry: identity map of 4 GiB, 6 pages
 *
 * source: Linux Documentation/arch/x86/boot.rst; Xen docs/misc/pvh.pandoc;
 *         Multiboot Specification 0.6.96
 */
#ifndef HV_CORE_LOAD_H
#define HV_CORE_LOAD_H

#include "hv/core/vm.h"

#define LOAD_MAX_MODULES 12u
#define LOAD_STRING_MAX	 248u /* bytes of a module's string with its NUL */

/* A further file for the guest; the first is Linux's initrd. */
struct load_module {
	const u8 *bytes;
	u64 size;
	const char *string; /* its name and arguments, shorter than LOAD_STRING_MAX */
};

struct load_image {
	const u8 *image; /* the guest's file */
	u64 size;
	struct load_module module[LOAD_MAX_MODULES];
	unsigned nr_modules;
	bool entry_32;	 /* of a bzImage, even if it has a 64-bit one */
	const char *name; /* the file's, the first word of a Multiboot command line */
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
const char *load_multiboot(struct vm *vm, const struct load_image *l);
bool load_is_elf(const struct load_image *l);
bool load_is_linux(const struct load_image *l);
bool load_is_multiboot(const struct load_image *l);

/* What an ELF's segments say. Addresses are physical. */
struct load_elf_info {
	gpa_t end;	/* behind the last segment, LOAD_HIGH_START at least */
	gpa_t entry;	/* e_entry; of one linked to other addresses: where that lies */
	gpa_t note;	/* PHYS32_ENTRY, 0 if there is none */
};

/* Loads the segments. returns NULL, or why not, as a text */
const char *load_elf_segments(struct vm *vm, const struct load_image *l,
			      struct load_elf_info *info);

/* Copies into guest RAM; false if it does not fit. */
bool load_copy(struct vm *vm, gpa_t gpa, const void *from, u64 len);

/* Copies the command line to LOAD_CMDLINE_GPA; false if it is too long. */
bool load_cmdline(struct vm *vm, const char *cmdline);

/*
 * Puts a module on a page of its own as high in RAM as it goes, below limit.
 *   returns  its gpa, 0 if it does not fit above floor
 */
gpa_t load_module_high(struct vm *vm, const struct load_module *m, gpa_t floor, gpa_t limit);

/* Flat protected mode without paging at rip; GDT as in the file's head. */
void load_state_32(struct vm *vm, gpa_t rip);

/* 64-bit mode with the identity map at rip. */
void load_state_64(struct vm *vm, gpa_t rip);

#endif
