/* SPDX-License-Identifier: MIT */
/*
 * real's 16-bit part. It is copied to REAL_CODE (8000) and runs there; every
 * address below is relative to that.
 *
 *   real_run(routine)   from flat protected mode: go to real mode, call the
 *                       routine (its offset), come back
 *
 * source: APM2 1.3.1 "Legacy Mode", 4.5 "Segment Registers in Real Mode"
 */
#define CODE16 0x30	/* selectors of real_gdt */
#define DATA16 0x38
#define REAL_CODE 0x8000
#define AT(label) (REAL_CODE + (label) - real_start)

	.text
	.code32
	.globl real_run
real_run:
	push %ebx
	push %ebp
	push %esi
	push %edi
	mov 20(%esp), %ebx
	mov %esp, saved_esp
	sidt saved_idt
	lgdt real_gdt_pointer
	ljmp $CODE16, $AT(to_real)

	/* Back in flat protected mode, everything reloaded. */
back:
	mov $0x23, %eax
	mov %eax, %ds
	mov %eax, %es
	mov $0x10, %eax
	mov %eax, %ss
	mov saved_esp, %esp
	lgdt gdt_pointer
	lidt saved_idt
	pop %edi
	pop %esi
	pop %ebp
	pop %ebx
	ret

	.globl real_start, real_end
real_start:
	.code16
to_real:
	mov $DATA16, %ax	/* limits of 64 KiB, as real mode has them */
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov %cr0, %eax
	and $~1, %al
	mov %eax, %cr0
	ljmp $0, $AT(in_real)
in_real:
	xor %ax, %ax
	mov %ax, %ds
	mov %ax, %es
	mov %ax, %ss
	mov $0x7ff0, %sp
	lidt AT(ivt_pointer)
	call *%bx

	mov %cr0, %eax
	or $1, %al
	mov %eax, %cr0
	ljmpl $0x08, $back

ivt_pointer:
	.word 0x3ff
	.long 0

/* --- the routines; results in the block at RESULT, zeroed before */
#define RESULT 0x7000

	/* INT 60h..6fh, each with its own vector; the handler counts them. */
	.globl real_interrupts
real_interrupts:
	push %es
	xor %si, %si
	mov %si, %es
	mov $(0x60 * 4), %di
	mov $16, %cx
1:	movw $AT(count_handler), %es:(%di)
	movw $0, %es:2(%di)
	add $4, %di
	loop 1b
	.irp v, 0x60, 0x61, 0x62, 0x63, 0x67, 0x6a, 0x6e, 0x6f
	stc
	int $\v
	.endr
	pop %es
	ret
count_handler:
	incw RESULT		/* how many */
	push %bp
	mov %sp, %bp
	mov 2(%bp), %ax		/* return IP */
	mov %ax, RESULT + 2
	mov 4(%bp), %ax		/* CS */
	mov %ax, RESULT + 4
	mov 6(%bp), %ax		/* FLAGS */
	mov %ax, RESULT + 6
	pop %bp
	iret

	/* #DE and #UD come through vectors 0 and 6; the handler skips 2 bytes. */
	.globl real_exceptions
real_exceptions:
	xor %ax, %ax
	mov %ax, %es
	movw $AT(skip_handler), %es:(0 * 4)
	movw $0, %es:(0 * 4 + 2)
	movw $AT(skip_handler), %es:(6 * 4)
	movw $0, %es:(6 * 4 + 2)
	xor %dx, %dx
	mov $1, %ax
	xor %cx, %cx
	div %cx
	ud2
	div %cx
	ret
skip_handler:
	incw RESULT
	push %bp
	mov %sp, %bp
	addw $2, 2(%bp)
	pop %bp
	iret

	/* The same bytes through many segments: linear = segment * 16 + offset. */
	.globl real_segments
real_segments:
	mov $0x2000, %ax
	mov %ax, %es
	movl $0x12345678, %es:0x1230
	mov $0x2123, %ax	/* 21230 = 2000:1230 */
	mov %ax, %fs
	mov %fs:0, %eax
	mov %eax, RESULT
	mov $0x1124, %ax	/* 11240 + fff0 */
	mov %ax, %gs
	mov %gs:0xfff0, %eax
	mov %eax, RESULT + 4
	mov $0xffff, %ax	/* ffff:0210 = 100200, beyond 1 MiB: A20 is open */
	mov %ax, %es
	mov %es:0x210, %eax
	mov %eax, RESULT + 8
	xor %ax, %ax
	mov %ax, %es
	ret

	/* Fills 3000:0000.. with 64 KiB of words, copies them to 4000:0000. */
	.globl real_strings
real_strings:
	cld
	mov $0x3000, %ax
	mov %ax, %es
	xor %di, %di
	mov $0x8000, %cx
	mov $0xa55a, %ax
	rep stosw
	mov %di, RESULT		/* wrapped to 0 */
	push %ds
	mov $0x3000, %ax
	mov %ax, %ds
	mov $0x4000, %ax
	mov %ax, %es
	xor %si, %si
	mov $0x4000, %cx
	rep movsl
	pop %ds
	mov %si, RESULT + 2
	xor %ax, %ax
	mov %ax, %es
	ret

	/* A far call to another segment and a chain of 100 near calls. */
	.globl real_calls
real_calls:
	lcall $(REAL_CODE >> 4), $(far_routine - real_start)
	mov $100, %cx
	call recurse
	ret
far_routine:
	mov %cs, RESULT
	lret
recurse:
	incw RESULT + 2
	dec %cx
	jz 1f
	call recurse
	incw RESULT + 4
1:	ret
real_end:

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

	.section .note.GNU-stack, "", @progbits
