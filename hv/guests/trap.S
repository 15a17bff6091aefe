/* SPDX-License-Identifier: MIT */
/*
 * Exception entries, the way to ring 3 and back, and the ring-3 code itself.
 * The frame built here is struct frame of fault.c.
 */
#ifdef __x86_64__
#define WORD .quad
#define SP %rsp
#define AX %rax
#else
#define WORD .long
#define SP %esp
#define AX %eax
#endif
#define NR_STUBS 48		/* exceptions, and the lines of both PICs */

	.text
	.balign 16
	/* 8, 10..14, 17, 21, 29 and 30 bring an error code of their own. */
	.set vector, 0
	.rept NR_STUBS
	.if (0x60227d00 >> vector) & 1
	.else
	push $0
	.endif
	push $vector
	jmp trap_common
	.set vector, vector + 1
	.balign 16
	.endr
trap_stubs_end:

	.globl trap_user
trap_user:
	push $0
	push $0x80

trap_common:
#ifdef __x86_64__
	push %rax
	push %rcx
	push %rdx
	push %rbx
	push %rsp
	push %rbp
	push %rsi
	push %rdi
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, %rdi
	call trap
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rdi
	pop %rsi
	pop %rbp
	pop %rbx		/* the stack pointer's place: not wanted */
	pop %rbx
	pop %rdx
	pop %rcx
	pop %rax
	add $16, %rsp
	iretq
#else
	pusha
	push %esp
	call trap
	add $4, %esp
	popa
	add $8, %esp
	iret
#endif

	/*
	 * enter_user(ip, va): runs a ring-3 routine with va in AX. Comes back
	 * through leave_user(), out of the first exception in ring 3.
	 */
	.globl enter_user, leave_user
enter_user:
#ifdef __x86_64__
	push %rbx
	push %rbp
	push %r12
	push %r13
	push %r14
	push %r15
	mov %rsp, kernel_stack
	mov %rsi, %rax
	push $0x23		/* SS */
	push $0			/* SP: ring 3 has no stack */
	push user_flags
	push $0x1b		/* CS */
	push %rdi
	iretq
#else
	push %ebx
	push %ebp
	push %esi
	push %edi
	mov 20(%esp), %edx
	mov 24(%esp), %eax
	mov %esp, kernel_stack
	push $0x23
	push $0
	push user_flags
	push $0x1b
	push %edx
	iret
#endif

leave_user:
	mov kernel_stack, SP
#ifdef __x86_64__
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbp
	pop %rbx
#else
	pop %edi
	pop %esi
	pop %ebp
	pop %ebx
#endif
	ret

	.section .user, "ax"
	.globl user_code, user_read, user_write, user_fetch, user_wait
user_code:
user_read:
	mov (AX), %edx
	int $0x80
user_write:
	movl $0x5eed, (AX)	/* ACCESS_VALUE */
	int $0x80
user_fetch:
	jmp *AX
user_wait:
	dec AX			/* so often at most */
	jnz user_wait
	int $0x80

	.section .rodata
	.balign 8
	.globl trap_stubs
trap_stubs:
	.set vector, 0
	.rept NR_STUBS
	WORD trap_stubs_end - (NR_STUBS - vector) * 16
	.set vector, vector + 1
	.endr

	.bss
	.balign 16
kernel_stack:
	.skip 16
	.skip 4096
	.globl trap_stack_top
trap_stack_top:

	.section .note.GNU-stack, "", @progbits
