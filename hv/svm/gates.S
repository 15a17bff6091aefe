/* SPDX-License-Identifier: MIT */
/*
 * The 256 interrupt gates: each pushes its vector (and a zero where the CPU
 * pushes no error code), all continue with one struct trap_frame on the stack.
 */
	.text
	.balign 16
	.global gates
gates:
	.set vector, 0
	.rept 256
	.balign 16
	/* the vectors of X86_VECTORS_WITH_CODE: 8 10-14 17 21 29 30 */
	.set has_code, 0
	.if vector < 32
	.set has_code, (0x60227d00 >> vector) & 1
	.endif
	.if !has_code
	pushq $0
	.endif
	pushq $vector
	jmp gates_common
	.set vector, vector + 1
	.endr

gates_common:
	cld
	pushq %rax
	pushq %rcx
	pushq %rdx
	pushq %rbx
	pushq %rbp
	pushq %rsi
	pushq %rdi
	pushq %r8
	pushq %r9
	pushq %r10
	pushq %r11
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	movq %rsp, %rdi
	call trap_dispatch
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %r11
	popq %r10
	popq %r9
	popq %r8
	popq %rdi
	popq %rsi
	popq %rbp
	popq %rbx
	popq %rdx
	popq %rcx
	popq %rax
	addq $16, %rsp
	iretq

	.section .note.GNU-stack, "", @progbits
