/* SPDX-License-Identifier: MIT */
/*
 * A guest that looks for traps which are not its own and misses those which are.
 * Flat 32-bit, no paging; its exit status is the first thing that went wrong:
 *
 *   1  TF in what PUSHF stored             5  not the traps its own TF should give
 *   2  TF in the frame of INT n            6  its own trap without DR6.BS
 *   3  TF in the frame of a #UD            7  the timer's frame is no interrupt's
 *   4  a #DB it did not ask for            0  nothing
 *
 * A debugger may step from stepped to stepped_end. With a command line that begins
 * with t it switches tasks by a TSS instead.
 */
#define FAIL(n) movb $n, %al; jmp end
#define TF 0x100

	.code32
	.globl _start
_start:
	movl $stack_top, %esp
	movl 24(%ebx), %esi		/* the command line, by PVH */
	lgdt gdt_pointer
	ljmp $0x08, $1f
1:	movw $0x10, %ax
	movw %ax, %ds
	movw %ax, %ss
	movl $1, %ecx
	movl $on_db, %eax
	call set_gate
	movl $6, %ecx
	movl $on_ud, %eax
	call set_gate
	movl $8, %ecx
	movl $on_timer, %eax
	call set_gate
	movl $0x80, %ecx
	movl $on_int, %eax
	call set_gate
	lidt idt_pointer
	cmpb $'t', (%esi)
	je switch_task

	.globl stepped
stepped:
	pushfl
	popl %eax
	testl $TF, %eax
	jz 1f
	FAIL(1)
1:	int $0x80
	ud2
	cpuid
	nop
	.globl stepped_end
stepped_end:
	cmpl $0, nr_db
	je 1f
	FAIL(4)
1:
	/* Its own traps, after each instruction behind the first POPF, the second
	 * one included. The hypervisor carries out CPUID and WBINVD. */
	movl $1, db_wanted
	pushfl
	pushfl
	orl $TF, (%esp)
	popfl
	nop
	cpuid
	wbinvd
	popfl
	nop
	cmpl $4, nr_db
	je 1f
	FAIL(5)
1:	movl $0, db_wanted

	/* The timer at vector 8, onto a stack that was never touched. */
	movl $fresh_top, %esp
	movb $0x34, %al
	outb %al, $0x43
	movb $0, %al
	outb %al, $0x40
	movb $0x10, %al
	outb %al, $0x40
	movb $0x11, %al
	outb %al, $0x20
	movb $8, %al
	outb %al, $0x21
	movb $4, %al
	outb %al, $0x21
	movb $1, %al
	outb %al, $0x21
	movb $0xfe, %al
	outb %al, $0x21
	sti
1:	cmpl $0, nr_timer
	je 1b
	cli
	xorb %al, %al
end:	outb %al, $0xf4
1:	hlt
	jmp 1b

on_db:	incl nr_db
	cmpl $1, db_wanted
	je 1f
	FAIL(4)
1:	pushl %eax
	movl %dr6, %eax
	testl $0x4000, %eax
	jnz 1f
	FAIL(6)
1:	xorl %eax, %eax
	movl %eax, %dr6
	popl %eax
	iret

on_ud:	testl $TF, 8(%esp)
	jz 1f
	FAIL(3)
1:	addl $2, (%esp)
	iret

on_int:	testl $TF, 8(%esp)
	jz 1f
	FAIL(2)
1:	iret

/* EIP, CS, EFLAGS and nothing else: no error code. */
on_timer:
	cmpl $0x08, 4(%esp)
	jne 1f
	cmpl $fresh_top - 12, %esp
	je 2f
1:	FAIL(7)
2:	incl nr_timer
	movb $0x20, %al
	outb %al, $0x20
	iret

/* Gate ecx leads to eax. */
set_gate:
	movw %ax, idt(, %ecx, 8)
	movw $0x08, idt + 2(, %ecx, 8)
	movw $0x8e00, idt + 4(, %ecx, 8)
	shrl $16, %eax
	movw %ax, idt + 6(, %ecx, 8)
	ret

switch_task:
	movl $tss_new, %eax
	movw %ax, gdt + 0x22
	shrl $16, %eax
	movb %al, gdt + 0x24
	movl $tss_old, %eax
	movw %ax, gdt + 0x1a
	shrl $16, %eax
	movb %al, gdt + 0x1c
	movw $0x18, %ax
	ltr %ax
	movl $switched, tss_new + 32
	movl $2, tss_new + 36
	movl $stack_top, tss_new + 56
	movl $0x10, tss_new + 72
	movl $0x08, tss_new + 76
	movl $0x10, tss_new + 80
	movl $0x10, tss_new + 84
	movl $0x10, tss_new + 88
	movl $0x10, tss_new + 92
	ljmp $0x20, $0
switched:
	xorb %al, %al
	jmp end

	.data
	.balign 8
gdt:	.quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
	.quad 0x0000890000000067, 0x0000890000000067
gdt_pointer:
	.word . - gdt - 1
	.long gdt
idt_pointer:
	.word 0x81 * 8 - 1
	.long idt
nr_db:	.long 0
nr_timer: .long 0
db_wanted: .long 0

	.bss
	.balign 4096
idt:	.skip 0x81 * 8
tss_old: .skip 104
tss_new: .skip 104
	.balign 4096
	.skip 4096
stack_top:
	.skip 0x400000 /* in no large page with anything else */
fresh_top:
	.skip 0x400000

	.section .note.GNU-stack, "", @progbits
