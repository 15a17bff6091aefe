/* SPDX-License-Identifier: MIT */
/*
 * The world switch.
 *
 *   void svm_world_switch(u64 gpr[16], u64 vmcb_hpa, u64 host_vmcb_hpa)
 *
 * Called with interrupts off. While GIF is clear nothing interrupts; IF is set
 * so that, with V_INTR_MASKING, an interrupt that is pending or arrives ends
 * the guest run at once; it is taken after STGI. RAX and RSP are the
 * VMCB's own, all else is kept in gpr[], in the order of x86's encoding.
 *
 * source: APM2 15.5 "VMRUN Instruction", 15.17 "Global Interrupt Flag, STGI and
 *         CLGI Instructions"
 */
	.text
	.balign 16
	.global svm_world_switch
	.type svm_world_switch, @function
svm_world_switch:
	pushq %rbx
	pushq %rbp
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	pushq %rdx
	pushq %rdi
	pushq %rsi

	clgi
	sti
	movq %rsi, %rax
	vmload %rax

	movq 8(%rdi), %rcx
	movq 16(%rdi), %rdx
	movq 24(%rdi), %rbx
	movq 40(%rdi), %rbp
	movq 48(%rdi), %rsi
	movq 64(%rdi), %r8
	movq 72(%rdi), %r9
	movq 80(%rdi), %r10
	movq 88(%rdi), %r11
	movq 96(%rdi), %r12
	movq 104(%rdi), %r13
	movq 112(%rdi), %r14
	movq 120(%rdi), %r15
	movq 56(%rdi), %rdi

	vmrun %rax

	/* RAX and RSP are ours again. */
	vmsave %rax
	pushq %rdi
	movq 16(%rsp), %rdi
	movq %rcx, 8(%rdi)
	movq %rdx, 16(%rdi)
	movq %rbx, 24(%rdi)
	movq %rbp, 40(%rdi)
	movq %rsi, 48(%rdi)
	movq %r8, 64(%rdi)
	movq %r9, 72(%rdi)
	movq %r10, 80(%rdi)
	movq %r11, 88(%rdi)
	movq %r12, 96(%rdi)
	movq %r13, 104(%rdi)
	movq %r14, 112(%rdi)
	movq %r15, 120(%rdi)
	popq %rcx
	movq %rcx, 56(%rdi)

	movq 16(%rsp), %rax
	vmload %rax
	stgi
	nop
	cli

	addq $24, %rsp
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbp
	popq %rbx
	ret
	.size svm_world_switch, . - svm_world_switch

	.section .note.GNU-stack, "", @progbits
