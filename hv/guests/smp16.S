/* SPDX-License-Identifier: MIT */
/*
 * How a CPU begins that another one has started: in real mode, at the first byte of
 * the page of its SIPI, with the way into the paging mode of the first CPU before it.
 * cpus.c copies start16 to that page; registers that all CPUs share are in its data.
 *
 * The CPU goes from real mode to paging in one store to CR0.
 *
 * source: APM2 14.6 "Enabling and Activating Long Mode"; Intel MultiProcessor
 *         Specification, B.4 "Application Processor Startup"
 */
	.section .rodata
	.balign 16
	.globl start16, start16_end, start16_registers
	.code16
start16:
	cli
	movw %cs, %ax
	movw %ax, %ds
	lgdtl start16_gdt - start16
	movl start16_registers - start16, %eax
	movl %eax, %cr3
	movl start16_registers + 4 - start16, %eax
	movl %eax, %cr4
#ifdef __x86_64__
	movl $0xc0000080, %ecx
	movl start16_registers + 8 - start16, %eax
	xorl %edx, %edx
	wrmsr
#endif
	movl start16_registers + 12 - start16, %eax
	movl %eax, %cr0
	ljmpl $0x08, $start_paged
	.balign 4
start16_registers:
	.long 0, 0, 0, 0	/* CR3, CR4, EFER, CR0 */
start16_gdt:
	.word 0x2f
	.long gdt
start16_end:

	/* Here comes one CPU after the other, or all at once: each takes a number. */
	.text
#ifdef __x86_64__
	.code64
#else
	.code32
#endif
start_paged:
	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	xorl %eax, %eax
	movl %eax, %fs
	movl %eax, %gs
	incl %eax
	lock xaddl %eax, cpus_numbered
	leal 1(%eax), %ecx	/* stacks grow down from their ends */
	shll $13, %ecx		/* STACK_SIZE */
#ifdef __x86_64__
	leaq stacks(%rcx), %rsp
	call smp_begin
#else
	leal stacks(%ecx), %esp
	call smp_begin
#endif
	ud2

	.section .note.GNU-stack, "", @progbits
