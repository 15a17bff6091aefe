/* SPDX-License-Identifier: MIT */
/*
 * The test device: bytes that are kept.
 */
#include "hv/dev/pc_test.h"

#include <string.h>

void pc_test_init(struct pc_test *t)
{
	memset(t, 0, sizeof(*t));
}

u8 pc_test_in(const struct pc_test *t, u16 port)
{
	return t->data[port & 3];
}

void pc_test_out(struct pc_test *t, u16 port, u8 value)
{
	t->data[port & 3] = value;
}

bool pc_test_forget(struct pc_test *t, u16 port, u8 value, gpa_t *gpa)
{
	u32 address;

	t->address[port & 3] = value;
	memcpy(&address, t->address, sizeof(address));
	*gpa = address;
	return (port & 3) == 3;
}
