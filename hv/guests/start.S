/* SPDX-License-Identifier: MIT */
/*
 * The entry of every guest: flat 32-bit protected mode, paging off, EBX = PVH
 * start info or 0 (README.md, "The load rule"). Gives the guest a stack and a
 * GDT of its own. A 64-bit guest is also taken to long mode, on boot tables that
 * map the first GiB to itself in 2M pages.
 *
 * GDT: 08 code, 10 data, 18 user code, 20 user data, 28 TSS (filled by fault.c).
 */
	.section .note.Xen, "a"
	.balign 4
	.long 4			/* "Xen" */
	.long 2f - 1f
	.long 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
1:
#ifdef __x86_64__
	.quad start
#else
	.long start
#endif
2:

	.section .text.start, "ax"
	.code32
	.globl start
start:
	cld
	movl %eax, boot_eax
	movl %ebx, boot_ebx
	movl $boot_stack_top, %esp
#ifdef __x86_64__
	movl $0x80000001, %eax
	cpuid
	btl $29, %edx		/* long mode */
	jnc too_small

	movl $boot_pdpt + 0x03, boot_pml4
	movl $boot_pd + 0x03, boot_pdpt
	movl $0x83, %eax	/* present, writable, 2M */
	xorl %ecx, %ecx
1:	movl %eax, boot_pd(, %ecx, 8)
	addl $0x200000, %eax
	incl %ecx
	cmpl $512, %ecx
	jb 1b

	movl $boot_pml4, %eax
	movl %eax, %cr3
	movl $0x20, %eax	/* PAE */
	movl %eax, %cr4
	movl $0xc0000080, %ecx
	rdmsr
	orl $0x100, %eax	/* LME */
	wrmsr
	movl $0x80010001, %eax	/* PG, WP, PE */
	movl %eax, %cr0
#endif
	lgdt gdt_pointer
	ljmp $0x08, $1f
1:
#ifdef __x86_64__
	.code64
#endif
	movl $0x10, %eax
	movl %eax, %ss
	movl $0x23, %eax	/* user data: stays valid when ring 3 is entered */
	movl %eax, %ds
	movl %eax, %es
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	call guest_main
#ifdef __x86_64__
	xorl %edi, %edi
#else
	pushl $0
#endif
	call guest_exit

#ifdef __x86_64__
	.code32
too_small:
	movb $91, %al		/* GUEST_CPU_TOO_SMALL */
	outb %al, $0xf4
1:	hlt
	jmp 1b
#endif

	.data
	.balign 8
	.globl gdt
gdt:
	.quad 0
#ifdef __x86_64__
	.quad 0x00af9b000000ffff
	.quad 0x00cf93000000ffff
	.quad 0x00affb000000ffff
#else
	.quad 0x00cf9b000000ffff
	.quad 0x00cf93000000ffff
	.quad 0x00cffb000000ffff
#endif
	.quad 0x00cff3000000ffff
	.quad 0, 0
	.globl gdt_end
gdt_end:

	.balign 4
	.globl gdt_pointer
gdt_pointer:
	.word gdt_end - gdt - 1
	.long gdt, 0

	.bss
	.balign 4
	.globl boot_eax, boot_ebx
boot_eax:
	.skip 4
boot_ebx:
	.skip 4
	.balign 4096
#ifdef __x86_64__
boot_pml4:
	.skip 4096
boot_pdpt:
	.skip 4096
boot_pd:
	.skip 4096
#endif
	.skip 16384
boot_stack_top:

	.section .note.GNU-stack, "", @progbits
