/* SPDX-License-Identifier: MIT */
/*
 * The first instructions of another CPU, copied to a page below 1 MiB: CS is that
 * page, IP 0. To protected mode, and on in boot.S.
 *
 * source: APM2 14.4 "Enabling Protected Mode"
 */
#define IMAGE_VMA 0xffffffff80000000
#define PA(sym) ((sym) - IMAGE_VMA)

	.section .rodata
	.code16
	.global smp16, smp16_end
smp16:
	cli
	movw %cs, %ax
	movw %ax, %ds
	lgdtl smp16_gdt - smp16
	movl %cr0, %eax
	orl $1, %eax		/* PE */
	movl %eax, %cr0
	ljmpl $0x18, $PA(boot_ap)
	.balign 4
smp16_gdt:
	.word 31
	.long PA(boot_gdt)
smp16_end:

	.section .note.GNU-stack, "", @progbits
