/* SPDX-License-Identifier: MIT */
/*
 * The state-save area: 512 bytes at SMBASE + FE00, in one of two layouts
 * (smm_area64.def, smm_area32.def). A CPU with long mode has the first, whatever
 * mode it is in.
 *
 * source: APM2 10.2.3 "SMRAM State-Save Area"
 */
#ifndef HV_CORE_SMM_AREA_H
#define HV_CORE_SMM_AREA_H

#include "hv/core/regs.h"

#define SMM_AREA_SIZE 0x200u

/* Of the revision: SMBASE can be moved. */
#define SMM_REVISION_64 0x20064u
#define SMM_REVISION_32 0x20000u

/* All that the area holds. Registers that it does not hold are left alone. */
struct smm_state {
	struct vcpu_regs regs;
	struct vcpu_segs segs;
	u32 revision, base;
	u8 halted;
	u8 int_shadow; /* in a byte that the manual leaves to the CPU */
};

/* What is possible on this CPU. */
struct smm_limits {
	bool long_mode;      /* it has one: layout, EFER */
	unsigned maxphyaddr; /* bits */
	u64 cr4;             /* bits offered */
};

void smm_area_store(const struct smm_state *s, bool long_mode, u8 area[SMM_AREA_SIZE]);
void smm_area_load(struct smm_state *s, bool long_mode, const u8 area[SMM_AREA_SIZE]);

/*
 * Whether RSM accepts the state; if not the CPU shuts down. Bits that a register
 * does not have are put right where the CPU would (RFLAGS, DR6, DR7), and CPL is
 * found.
 *
 *   source   APM2 10.3.8 "Leaving SMM": reserved bits of CR0, CR3, CR4 and EFER,
 *            and illegal combinations, are a shutdown
 */
bool smm_state_settle(struct smm_state *s, const struct smm_limits *l);

#endif
