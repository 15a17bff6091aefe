/* SPDX-License-Identifier: MIT */
/*
 * smi's code in system-management mode, and its way to real mode.
 *
 *   smi_first    copied to 38000: runs at the first SMI, moves SMBASE to a0000 and
 *                the handler to a8000, from where it is in the image
 *   smi_handler  copied to a8000: 16-bit code, CS base a0000, DS base 0 up to 4 GiB
 *   smi_raise    writes AL to port b2, waits until EBX is not 0
 *   smi_real     copied to 8000 (32-bit guests): an SMI in real mode
 *
 * All of them tell the guest that they ran by what RBX is after RSM.
 *
 * source: APM2 10.2.3 "SMRAM State-Save Area", 10.3.3 "SMM Operating-Environment"
 */
#include "hv/guests/smi.h"

#define AT(label) (0x8000 + (label) - smi_handler)
#define DATA(x)   (SMI_DATA + (x))

	.text
	.globl smi_raise
smi_raise:
#ifdef __x86_64__
	.code64
#else
	.code32
#endif
	outb %al, $0xb2
1:	testl %ebx, %ebx
	jz 1b
	ret

	.globl smi_first, smi_first_end
smi_first:
	.code16
	movl $SMI_BASE, %cs:SMI_SAVED_BASE
	movl $1, %cs:SMI_SAVED_RBX
	movl $smi_handler, %esi
	movl $(SMI_BASE + 0x8000), %edi
	movl $(smi_handler_end - smi_handler), %ecx
	cld
	.byte 0x67		/* by ESI and EDI */
	rep movsb
	xorl %eax, %eax
	movl $(SMI_BASE + SMI_DATA), %edi
	movl $8, %ecx
	.byte 0x67
	rep stosb
	rsm
smi_first_end:

	.globl smi_handler, smi_handler_end
	.balign 16
smi_handler:
	incl %cs:DATA(SMI_NR)
	movl %cs:DATA(SMI_NR), %eax
	movl %eax, SMI_REPORT + SMI_NR
	movl %cs:DATA(SMI_MARK), %eax
	movl %eax, SMI_REPORT + SMI_LAST
	movl %cs:SMI_SAVED_REV, %eax
	movl %eax, SMI_REPORT + SMI_REVISION
	movl %cs:SMI_SAVED_CR0, %eax
	movl %eax, SMI_REPORT + SMI_OLD_CR0
	movl %cs:SMI_SAVED_CR4, %eax
	movl %eax, SMI_REPORT + SMI_OLD_CR4
	movl %cs:SMI_SAVED_EFER, %eax
	movl %eax, SMI_REPORT + SMI_OLD_EFER
	movl %cs:SMI_SAVED_RIP, %eax
	movl %eax, SMI_REPORT + SMI_OLD_RIP
	movl %cr0, %eax
	movl %eax, SMI_REPORT + SMI_CR0
	movl %cr4, %eax
	movl %eax, SMI_REPORT + SMI_CR4
	movl $0xc0000080, %ecx
	rdmsr
	movl %eax, SMI_REPORT + SMI_EFER
	movl $SMI_STACK, %esp
	pushfl
	popl SMI_REPORT + SMI_FLAGS
	xorl %eax, %eax
	movw %cs, %ax
	movl %eax, SMI_REPORT + SMI_CS
	movl $1, %cs:SMI_SAVED_RBX

	inb $0xb2, %al
	cmpb $SMI_AGAIN, %al
	je again
	cmpb $SMI_PAGES, %al
	je pages
	rsm

again:				/* this one is for after RSM */
	movb $SMI_COUNT, %al
	outb %al, $0xb2
	nop
	nop
	rsm

	/* Two large pages: 0 to 4 MiB as they are, and the same again above. */
pages:
	movl $(SMI_BASE + SMI_DIRECTORY), %edi
	movl $0x83, (%edi)
	movl $0x83, 4(%edi)
	lgdtl %cs:AT(pointer)
	movl %edi, %cr3
	movl %cr4, %eax
	orl $0x10, %eax		/* PSE */
	movl %eax, %cr4
	movl %cr0, %eax
	orl $0x80010001, %eax	/* PG, WP, PE */
	movl %eax, %cr0
	ljmpl $0x08, $(SMI_BASE + AT(paged))
	.code32
paged:
	movl $0x10, %eax
	movl %eax, %ds
	movl 0x400000 + SMI_BASE + DATA(SMI_NR), %eax
	movl %eax, 0x400000 + SMI_REPORT + SMI_PAGED
	movl $SMI_MARKED, 0x400000 + SMI_BASE + DATA(SMI_MARK)
	movl %cr0, %eax
	movl %eax, SMI_REPORT + SMI_PAGED_CR0
	rsm

	.balign 8
gdt_here:
	.quad 0
	.quad 0x00cf9b000000ffff	/* 08 */
	.quad 0x00cf93000000ffff	/* 10 */
pointer:
	.word pointer - gdt_here - 1
	.long SMI_BASE + AT(gdt_here)
smi_handler_end:

#ifndef __x86_64__
	/*
	 * smi_in_real_mode(command, *regs): an SMI in real mode, and what EBX, the
	 * stack pointer and DS were after it.
	 */
#define CODE16 0x30
#define DATA16 0x38
#define REAL(label) (SMI_REAL + (label) - smi_real)
	.code32
	.globl smi_in_real_mode
smi_in_real_mode:
	push %ebx
	push %ebp
	push %esi
	push %edi
	mov 20(%esp), %eax
	mov %esp, saved_esp
	sidt saved_idt
	lgdt real_gdt_pointer
	ljmp $CODE16, $REAL(to_real)
back:
	mov $0x23, %ecx
	mov %ecx, %ds
	mov %ecx, %es
	mov $0x10, %ecx
	mov %ecx, %ss
	mov saved_esp, %esp
	lgdt gdt_pointer
	lidt saved_idt
	mov 24(%esp), %edi
	mov %ebx, (%edi)
	mov %edx, 4(%edi)
	mov %esi, 8(%edi)
	pop %edi
	pop %esi
	pop %ebp
	pop %ebx
	ret

	.globl smi_real, smi_real_end
smi_real:
	.code16
to_real:
	mov $DATA16, %cx	/* limits of 64 KiB, as real mode has them */
	mov %cx, %ds
	mov %cx, %es
	mov %cx, %ss
	mov %cr0, %ecx
	and $~1, %cl
	mov %ecx, %cr0
	ljmp $0, $REAL(in_real)
in_real:
	xor %cx, %cx
	mov %cx, %ss
	mov $0x1234, %cx
	mov %cx, %ds
	mov $0x77f0, %esp
	xor %ebx, %ebx
	outb %al, $0xb2
1:	test %ebx, %ebx		/* the handler's answer */
	jz 1b
	xor %esi, %esi
	mov %ds, %si
	mov %esp, %edx
	mov %cr0, %ecx
	or $1, %cl
	mov %ecx, %cr0
	ljmpl $0x08, $back
smi_real_end:

	.data
	.balign 8
real_gdt:
	.quad 0
	.quad 0x00cf9b000000ffff	/* 08: flat code, as in start.S */
	.quad 0x00cf93000000ffff	/* 10 */
	.quad 0x00cffb000000ffff	/* 18 */
	.quad 0x00cff3000000ffff	/* 20 */
	.quad 0
	.quad 0x00009b000000ffff	/* 30: 16-bit code, 64 KiB */
	.quad 0x000093000000ffff	/* 38: 16-bit data, 64 KiB */
real_gdt_end:
real_gdt_pointer:
	.word real_gdt_end - real_gdt - 1
	.long real_gdt

	.bss
	.balign 8
saved_esp:
	.skip 8
saved_idt:
	.skip 8
#endif

	.section .note.GNU-stack, "", @progbits
