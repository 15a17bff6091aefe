/* SPDX-License-Identifier: MIT */
/*
 * The end of the image.
 */
#include "hv/svm/exit.h"

#include "hv/svm/x86.h"

#define DEBUG_EXIT_PORT 0x501

void image_exit(unsigned code)
{
	for (;;) {
		__asm__ volatile("outl %0, %w1" : : "a"(code), "Nd"(DEBUG_EXIT_PORT));
		__asm__ volatile("cli; hlt");
	}
}
