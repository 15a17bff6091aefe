/* SPDX-License-Identifier: MIT */
/*
 * What a PC's firmware leaves behind for who is loaded next, as far as real mode can
 * notice: interrupt vectors, and a clock that ticks.
 *
 *   0      interrupt vector table: every vector to an IRET in the page at F1000
 *   f1000  the handlers; those of the controllers' lines end the interrupt
 *
 * The controllers' vectors are 08 and 70, all lines but the timer's are masked; the
 * timer ticks 18.2 times a second.
 */
#ifndef HV_CORE_FIRMWARE_H
#define HV_CORE_FIRMWARE_H

struct vm;

/* context: before the guest's first instruction; what lies in the two pages is lost */
void firmware_leave(struct vm *vm);

#endif
