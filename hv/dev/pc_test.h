/* SPDX-License-Identifier: MIT */
/*
 * The ports of QEMU's pc-testdev, with which test guests reach what no ordinary
 * device offers:
 *
 *   e0..e3      four bytes that keep what is written, in any size
 *   e4..e7      a physical address, 4 bytes at once: what the host maps there is
 *               forgotten, so that the next access faults in the host
 *   e8..eb      the bytes of e0..e3 again
 *   2000..2017  the level of interrupt line 0..23
 *
 * and 64 KiB of memory at ff000000, which a guest must be emulated to reach.
 *
 * source: QEMU hw/misc/pc-testdev.c, head comment
 */
#ifndef HV_DEV_PC_TEST_H
#define HV_DEV_PC_TEST_H

#include <stdbool.h>
#include "mmu/types.h"

struct pc_test {
	u8 data[4];
	u8 address[4];
	u32 lines; /* that it holds up */
	u8 memory[0x10000];
};

void pc_test_init(struct pc_test *t);

/* port: e0..e3, e8..eb */
u8 pc_test_in(const struct pc_test *t, u16 port);
void pc_test_out(struct pc_test *t, u16 port, u8 value);

/* port: e4..e7. The address is complete, in *gpa, with the last byte. */
bool pc_test_forget(struct pc_test *t, u16 port, u8 value, gpa_t *gpa);

#endif
