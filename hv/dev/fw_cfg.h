/* SPDX-License-Identifier: MIT */
/*
 * QEMU's firmware configuration device: what a PC's firmware, and some guests, want
 * to know of the machine. A 16-bit write to port 510 selects an item, each read of
 * port 511 gives its next byte, 0 behind its end.
 *
 *   0000  "QEMU"                          0005  number of CPUs, 16 bits
 *   0001  features, 32 bits: 1, no DMA    000f  the same: none is added later
 *   0003  bytes of RAM, 64 bits           0019  the directory of files
 *   0020  etc/e820: RAM as {u64 start, u64 bytes, u32 type}
 *
 * Numbers are little-endian, but those of the directory, which are big-endian:
 * u32 files, then of each u32 bytes, u16 item, u16 0, 56 bytes name.
 *
 * source: QEMU docs/specs/fw_cfg.rst "QEMU Firmware Configuration (fw_cfg) Device"
 */
#ifndef HV_DEV_FW_CFG_H
#define HV_DEV_FW_CFG_H

#include "mmu/types.h"

#define FW_CFG_ITEM_MAX 68u /* the directory of one file */

struct fw_cfg {
	u64 ram_size;
	u16 nr_cpus;
	u8 selector_low;
	u8 item[FW_CFG_ITEM_MAX]; /* the selected one */
	u8 size, at;
};

void fw_cfg_init(struct fw_cfg *f, u64 ram_size, unsigned nr_cpus);

/* port: 510, 511; what is written to 511 is the selector's high byte. */
u8 fw_cfg_in(struct fw_cfg *f, u16 port);
void fw_cfg_out(struct fw_cfg *f, u16 port, u8 value);

#endif
