/* SPDX-License-Identifier: MIT */
/*
 * Real-mode handlers, and the board as they expect it.
 */
#include "hv/core/firmware.h"

#include "hv/core/vm.h"

#include <string.h>

#define FIRMWARE_GPA     0xf1000u
#define FIRMWARE_SEGMENT 0xf100u

#define NR_VECTORS    256u
#define VECTOR_MASTER 0x08u
#define VECTOR_SLAVE  0x70u
#define NR_LINES      8u

static const u8 code_none[] = { 0xcf };   /* iret */
static const u8 code_master[] = {
	0x50, 0xb0, 0x20, 0xe6, 0x20,     /* push ax; mov al, 20; out 20, al */
	0x58, 0xcf,                       /* pop ax; iret */
};
static const u8 code_slave[] = {
	0x50, 0xb0, 0x20, 0xe6, 0xa0,     /* push ax; mov al, 20; out a0, al */
	0xe6, 0x20, 0x58, 0xcf,           /* out 20, al; pop ax; iret */
};

enum { AT_NONE = 0x100, AT_MASTER = 0x110, AT_SLAVE = 0x120 };

static u32 firmware_handler(unsigned vector)
{
	if (vector - VECTOR_MASTER < NR_LINES)
		return FIRMWARE_SEGMENT << 16 | AT_MASTER;
	if (vector - VECTOR_SLAVE < NR_LINES)
		return FIRMWARE_SEGMENT << 16 | AT_SLAVE;
	return FIRMWARE_SEGMENT << 16 | AT_NONE;
}

static void firmware_board(struct board *b)
{
	static const struct {
		u8 port, value;
	} writes[] = {
		{ 0x20, 0x11 }, { 0x21, VECTOR_MASTER }, { 0x21, 0x04 }, { 0x21, 0x01 },
		{ 0xa0, 0x11 }, { 0xa1, VECTOR_SLAVE },	 { 0xa1, 0x02 }, { 0xa1, 0x01 },
		{ 0x21, 0xfa }, { 0xa1, 0xff },		 { 0x43, 0x34 }, { 0x40, 0x00 },
		{ 0x40, 0x00 },
	};

	for (size_t i = 0; i < sizeof(writes) / sizeof(*writes); i++)
		board_out(b, writes[i].port, 1, writes[i].value);
}

void firmware_leave(struct vm *vm)
{
	u32 *vectors = vm_ram(vm, 0, NR_VECTORS * sizeof(*vectors));
	u8 *code = vm_ram(vm, FIRMWARE_GPA, PAGE_SIZE);

	if (!vectors || !code)
		return;
	for (unsigned v = 0; v < NR_VECTORS; v++)
		vectors[v] = firmware_handler(v);
	memcpy(code + AT_NONE, code_none, sizeof(code_none));
	memcpy(code + AT_MASTER, code_master, sizeof(code_master));
	memcpy(code + AT_SLAVE, code_slave, sizeof(code_slave));
	firmware_board(&vm->board);
}
