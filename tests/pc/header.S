/* SPDX-License-Identifier: MIT */
/* Before all else in the image: the header a Multiboot loader looks for. */
	.section .text.start, "ax"
	.balign 4
	.long 0x1badb002
	.long 3			/* modules on pages, memory information */
	.long -(0x1badb002 + 3)

	.section .note.GNU-stack, "", @progbits
