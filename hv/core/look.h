/* SPDX-License-Identifier: MIT */
/*
 * Guest memory as a tool sees and changes it: GDB, and the host's commands. No A
 * or D bit of the guest's tables changes, planted breakpoints do not show and
 * stay planted, and a page the guest may not write to can be written.
 */
#ifndef HV_CORE_LOOK_H
#define HV_CORE_LOOK_H

#include <stddef.h>
#include "hv/channel/event.h"

struct vcpu;

/*
 * Reads or writes guest memory at addr of space CH_GVA (through the tables v uses
 * now) or CH_GPA, across pages.
 *
 *   context  no vCPU in the guest
 *   returns  bytes done; fewer than len where nothing is mapped or no memory is
 *   events   guest_write and what follows from it
 */
size_t look_read(struct vcpu *v, enum ch_space space, u64 addr, void *buf, size_t len);
size_t look_write(struct vcpu *v, enum ch_space space, u64 addr, const void *buf, size_t len);

#endif
