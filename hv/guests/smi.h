/* SPDX-License-Identifier: MIT */
/*
 * What smi.c and the code it puts into SMRAM (smi16.S) agree on.
 *
 *   007000  what the handler tells (REPORT), in ordinary memory
 *   007800  the handler's stack, downwards
 *   008000  the copy of the routine that goes to real mode
 *   038000  entry of the first SMI, its save area at 3fe00
 *   0a8000  SMRAM: the handler's entry, its data, its page directory, and the
 *           save area at afe00
 */
#ifndef HV_GUESTS_SMI_H
#define HV_GUESTS_SMI_H

#define SMI_REPORT     0x7000
#define SMI_STACK      0x7800
#define SMI_REAL       0x8000
#define SMI_FIRST      0x38000
#define SMI_BASE       0xa0000
#define SMI_DATA       0x9000 /* from SMI_BASE: the data below */
#define SMI_DIRECTORY  0xb000 /* from SMI_BASE: tables when the handler pages */

/* Commands: the byte written to port b2. */
#define SMI_MOVE   0x30 /* SMM is the guest's: what comes before the handler does it */
#define SMI_COUNT  0x51
#define SMI_AGAIN  0x52 /* an SMI in the handler: it comes after RSM */
#define SMI_PAGES  0x53 /* the handler turns paging on, and leaves with it on */

/* Words of the report, and of the data in SMRAM. */
#define SMI_NR        0x00 /* SMIs handled; data: the same */
#define SMI_REVISION  0x04 /* report */
#define SMI_OLD_CR0   0x08
#define SMI_OLD_CR4   0x0c
#define SMI_OLD_EFER  0x10
#define SMI_OLD_RIP   0x14
#define SMI_CR0       0x18
#define SMI_CR4       0x1c
#define SMI_EFER      0x20
#define SMI_FLAGS     0x24
#define SMI_LAST      0x28 /* what data SMI_MARK was at entry */
#define SMI_PAGED     0x2c /* the count as read through the handler's own tables */
#define SMI_PAGED_CR0 0x30
#define SMI_CS        0x34
#define SMI_MARK      0x04 /* data: set through the handler's own tables */
#define SMI_MARKED    0x5eed5eed

/* In the save area of a CPU with long mode, from SMBASE. */
#define SMI_SAVED_EFER 0xfed0
#define SMI_SAVED_REV  0xfefc
#define SMI_SAVED_BASE 0xff00
#define SMI_SAVED_CR4  0xff48
#define SMI_SAVED_CR0  0xff58
#define SMI_SAVED_RIP  0xff78
#define SMI_SAVED_RBX  0xffe0

#endif
