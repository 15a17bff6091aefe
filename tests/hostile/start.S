/* SPDX-License-Identifier: MIT */
/*
 * The entry, the way into a round, and the ways out of it: an exception in 32-bit,
 * 64-bit or real mode. A trap trusts nothing but CS and its stack.
 */
	.section .note.Xen, "a"
	.balign 4
	.long 4, 4, 18		/* XEN_ELFNOTE_PHYS32_ENTRY */
	.asciz "Xen"
	.long _start

	.text
	.code32
	.globl _start
_start:
	cld
	movl $stack_top, %esp
	lgdt gdt_pointer
	ljmp $0x08, $1f
1:	movl $0x10, %eax
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %ss
	pushl 24(%ebx)		/* the command line, by PVH */
	call hostile_main
	ud2

	/* u32 run_env(void) */
	.globl run_env
run_env:
	pushal
	movl %esp, saved_esp
	lgdt gdt_pointer
	movl env + 16, %eax
	lidt (%eax)
	movl env + 8, %eax
	movl %eax, %cr4
	movl env + 4, %eax
	movl %eax, %cr3
	movl $0xc0000080, %ecx
	movl env + 12, %eax
	xorl %edx, %edx
	wrmsr
	movl env + 20, %eax
	testl %eax, %eax
	jz 1f
	ltr %ax
1:	cmpl $0, env + 24
	jne enter_real
	movl env, %eax
	movl %eax, %cr0
	jmp 1f
1:	movl env + 40, %eax	/* data segments */
	movl %eax, %fs
	movl %eax, %gs
	testl $0x20000, env + 28
	jnz enter_v86
	testl $3, env + 48
	jnz enter_user
	pushl env + 28
	movl env + 32, %eax
	movl env + 36, %ebx
	movl env + 40, %ecx
	movl %ecx, %es
	popfl			/* the first instruction behind may be interrupted: */
	movl %eax, %ss		/* not here */
	movl %ebx, %esp
	movl %ecx, %ds
	ljmp *%cs:env + 44

enter_v86:
	movl env + 40, %eax
	pushl %eax		/* gs fs ds es */
	pushl %eax
	pushl %eax
	pushl %eax
enter_user:
	pushl env + 32
	pushl env + 36
	pushl env + 28
	pushl env + 48
	pushl env + 44
	movl env + 40, %eax
	testl $0x20000, 8(%esp)
	jnz 1f
	movl %eax, %ds
	movl %eax, %es
1:	iretl

	/* Low memory has a copy of real_start .. real_end at 9000. */
enter_real:
	ljmp $0x38, $0x9000

	/* ---- back ---- */

	.globl return_trap
return_trap:
	movl $0x1ff, %edx
	/* edx: the vector */
trap32:
	cli
	cld
	lgdt %cs:gdt_pointer
	movl $0x10, %eax
	movl %eax, %ss
	movl %cs:saved_esp, %esp
	movl %eax, %ds
	movl %eax, %es
	movl %eax, %fs
	movl %eax, %gs
	movl $0x11, %eax
	movl %eax, %cr0
	jmp 1f
1:	movl %edx, %ebx
	movl $0xc0000080, %ecx
	xorl %eax, %eax
	xorl %edx, %edx
	wrmsr
	movl %eax, %cr4
	movl %eax, %dr7
	pushl $2
	popfl
	movl %ebx, 28(%esp)	/* eax of popal */
	popal
	ret

	.code64
trap64:
	cli
	movl $gdt_pointer, %eax
	lgdt (%rax)
	movl $TRAP_STACK, %esp
	pushq $0x08
	movl $trap32, %eax
	pushq %rax
	lretq
	.code32
	.set TRAP_STACK, 0x70fff0

	/* 16 bytes a stub */
	.balign 16
	.globl stubs32, stubs64
stubs32:
	.set vector, 0
	.rept 256
	.balign 16
	movl $vector, %edx
	jmp trap32
	.set vector, vector + 1
	.endr
	.balign 16
	.code64
stubs64:
	.set vector, 0
	.rept 256
	.balign 16
	movl $vector, %edx
	jmp trap64
	.set vector, vector + 1
	.endr

	/* ---- real mode, run at 9000 with CS of base 0 ---- */

	.code16
	.globl real_start, real_end
real_start:
	movl %cr0, %eax
	andl $0x7ffffffe, %eax
	movl %eax, %cr0
	ljmp $0, $(0x9000 + real_mode - real_start)
real_mode:
	xorw %ax, %ax
	movw %ax, %ss
	movw $0x7f00, %sp
	movw %ax, %fs
	movw $0x1000, %ax
	movw %ax, %ds
	movw %ax, %es
	movw %ax, %gs
	sti
	ljmp $0x1000, $0
	.org real_start + 0x40	/* where all of the vector table leads */
	cli
	lgdtl %cs:(0x9000 + real_gdt - real_start)
	movl %cr0, %eax
	orb $1, %al
	movl %eax, %cr0
	movl $0x100, %edx
	ljmpl $0x08, $trap32
	.balign 4
real_gdt:
	.word 0x3ff
	.long gdt
real_end:

	.data
	.balign 16
	.globl gdt, gdt_pointer, env
gdt:
	.quad 0
	.quad 0x00cf9b000000ffff
	.quad 0x00cf93000000ffff
	.fill 125, 8, 0
gdt_pointer:
	.word 0x3ff
	.long gdt, 0
	.balign 4
env:
	.skip 52

	.bss
	.balign 16
saved_esp:
	.skip 16
	.skip 16384
stack_top:

	.section .note.GNU-stack, "", @progbits
