/* SPDX-License-Identifier: MIT */
/*
 * The firmware's part of system-management mode: a handler in SMRAM, once for each
 * vCPU, as each has its own SMBASE.
 */
#include "hv/core/smm.h"

#include "hv/core/smm_area.h"
#include "hv/core/vm.h"

#include <string.h>

#define APM_CONTROL 0xb2

/* Where the area holds the next SMBASE. */
#define BASE_64 (SMM_AREA + 0x100u)
#define BASE_32 (SMM_AREA + 0x0f8u)

/* Registers need not be kept: RSM brings back what was. */
static const u8 handler[] = {
	0xe4, APM_CONTROL,                  /* in al, b2 */
	0x3c, SMM_GIVE_UP,                  /* cmp al, SMM_GIVE_UP */
	0x75, 0x0a,                         /* jne 1f */
	0x66, 0x2e, 0xc7, 0x06, 0x00, 0x00, /* mov dword [cs:BASE], 30000 */
	0x00, 0x00, 0x03, 0x00,
	0x0f, 0xaa,                         /* 1: rsm */
};
#define HANDLER_BASE 10 /* the address in it */

_Static_assert(sizeof(handler) <= SMM_STRIDE &&
		       (VM_MAX_VCPUS - 1) * SMM_STRIDE + 0x10000 <= SMRAM_SIZE,
	       "every vCPU's handler and save area are in SMRAM");

void smm_firmware(struct vm *vm)
{
	u16 at = smm_has_long_mode(&vm->vcpu[0]) ? BASE_64 : BASE_32;

	for (unsigned i = 0; i < vm->nr_vcpus; i++) {
		struct vcpu *v = &vm->vcpu[i];
		u8 *code;

		v->smm.base = SMRAM_GPA + i * SMM_STRIDE;
		code = vm_ram(vm, v->smm.base + SMM_ENTRY, sizeof(handler));
		memcpy(code, handler, sizeof(handler));
		memcpy(code + HANDLER_BASE, &at, sizeof(at));
	}
}
