/* SPDX-License-Identifier: MIT */
/*
 * From the PVH entry to C: 32-bit flat protected mode without paging, EBX =
 * physical address of the start info. Other CPUs come by smp16.S and go the same
 * way, to another stack and another function. The page tables are data: 2 MiB pages
 * over the first 4 GiB, seen three times.
 *
 *   0                    identity; only until the jump, and for nothing else
 *   ffff8000 00000000    the direct map: machine memory for C
 *   ffffffff 80000000    the image (first GiB)
 *
 * source: Xen docs/misc/pvh.pandoc "x86/HVM direct boot ABI"; APM2 14.6 "Enabling and Activating
 *         Long Mode"
 */
#define IMAGE_VMA 0xffffffff80000000
#define PA(sym) ((sym) - IMAGE_VMA)

	.section .note.Xen, "a", @note
	.balign 4
	.long 4, 8, 18		/* name size, descriptor size, XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.quad PA(boot_entry)

	.section .boot, "ax"
	.balign 16
	.code32
	.global boot_ap
boot_ap:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	.global boot_entry
boot_entry:
	cli
	cld
	movl $PA(boot_stack_end), %esp
	movl %ebx, %edi		/* CPUID takes EBX */
	movl $0x80000001, %eax	/* highest extended leaf we need: long mode, NX */
	cpuid
	testl $(1 << 29), %edx
	jz boot_no_long_mode
	movl $PA(boot_pml4), %eax
	movl %eax, %cr3
	movl $0x6b0, %eax	/* OSXMMEXCPT OSFXSR PGE PAE PSE; C adds the rest */
	movl %eax, %cr4
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x901, %eax	/* NXE LME SCE */
	wrmsr
	movl $0x80010033, %eax	/* PG WP NE ET MP PE */
	movl %eax, %cr0
	lgdt PA(boot_gdt_pointer)
	ljmp $8, $PA(boot_long)

boot_no_long_mode:
	/* Nothing can be said before the serial port is set up: leave by
	 * isa-debug-exit with the code of "no SVM". */
	movw $0x501, %dx
	movl $0x7d, %eax
	outl %eax, %dx
1:	hlt
	jmp 1b

	.code64
boot_long:
	movabsq $boot_high, %rax
	jmp *%rax

	.balign 8
	.global boot_gdt
boot_gdt:
	.quad 0
	.quad 0x00af9b000000ffff	/* 08: 64-bit code */
	.quad 0x00cf93000000ffff	/* 10: data */
	.quad 0x00cf9b000000ffff	/* 18: 32-bit code, on the way of boot_ap */
boot_gdt_pointer:
	.word . - boot_gdt - 1
	.quad PA(boot_gdt)

	.text
boot_high:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	movq boot_stack(%rip), %rsp
	movl %edi, %edi		/* upper half: undefined after the mode switch */
	xorl %ebp, %ebp
	call *boot_main(%rip)
	ud2

	.data
	/* For the CPU that starts next; smp.c changes them. */
	.global boot_stack, boot_main
boot_stack:
	.quad boot_stack_end
boot_main:
	.quad hv_main
	.balign 4096
boot_pml4:
	.quad PA(boot_pdpt) + 0x63
	.fill 255, 8, 0
	.quad PA(boot_pdpt) + 0x63
	.fill 254, 8, 0
	.quad PA(boot_pdpt_image) + 0x63
boot_pdpt:
	.quad PA(boot_pd) + 0x63
	.quad PA(boot_pd) + 0x1063
	.quad PA(boot_pd) + 0x2063
	.quad PA(boot_pd) + 0x3063
	.fill 508, 8, 0
boot_pdpt_image:
	.fill 510, 8, 0
	.quad PA(boot_pd) + 0x63
	.quad 0
boot_pd:
	/* 3 GiB of RAM, then 1 GiB of devices: not cached. */
	.set page, 0
	.rept 1536
	.quad page + 0xe3
	.set page, page + 0x200000
	.endr
	.rept 512
	.quad page + 0xfb
	.set page, page + 0x200000
	.endr

	.bss
	.balign 16
	.space 32768
boot_stack_end:

	.section .note.GNU-stack, "", @progbits
