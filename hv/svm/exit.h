/* SPDX-License-Identifier: MIT */
/*
 * How the image leaves: isa-debug-exit at port 0x501 ends QEMU with the status
 * (code << 1) | 1, so that QEMU's status is always odd and 0 is never ours.
 */
#ifndef HV_SVM_EXIT_H
#define HV_SVM_EXIT_H

/* The codes written to the port. What a guest itself wrote (0..119) is passed
 * on as it is. */
enum image_exit {
	IMAGE_EXIT_OK = 0,           /* also: the guest asked for a reset */
	IMAGE_EXIT_TRIPLE_FAULT = 120,
	IMAGE_EXIT_USER = 121,       /* ended by command */
	IMAGE_EXIT_HALTED = 122,     /* every vCPU halted with interrupts off */
	IMAGE_EXIT_CANNOT = 125,     /* no SVM, no NPT, no guest, no memory, a panic */
};

/* Ends the machine. code: 0..127. Does not return, device or no device. */
void image_exit(unsigned code) __attribute__((noreturn));

#endif
