/* SPDX-License-Identifier: MIT */
/* Ways to break what holds of the MMU that serves and of the other one. */
#include "mmu/backend.h"
#include "tests/audit_breaks.h"

static struct machine m;

static void make_tdp(void)
{
	machine_init(&m, NULL);
	machine_ram(&m, 0, 0, 16, 0);
	machine_enter(&m, 0);
	machine_fault(&m, 0, 0x1000, 0, NULL);
}

struct machine *break_A_8(void)
{
	make_tdp();
	m.vm->config.mode = MMU_MODE_SHADOW;
	return &m;
}

struct machine *break_Q_9(void)
{
	make_tdp();
	m.vcpu[0]->root_mmu.backend = m.vm->shadow;
	return &m;
}
