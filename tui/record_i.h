/* SPDX-License-Identifier: MIT */
/* What the writer and the reader of recordings share. */
#ifndef TUI_RECORD_I_H
#define TUI_RECORD_I_H

#include <stddef.h>
#include "mmu/types.h"

#define RECORD_MAGIC	   "vitrec1\n"
#define RECORD_HEAD	   16u	/* bytes of the file's header and of a chunk's */
#define RECORD_EVENT_HEAD  32u
#define RECORD_META	   0x4154454du	/* "META" */
#define RECORD_EVNT	   0x544e5645u	/* "EVNT" */
#define RECORD_END	   0x20444e45u	/* "END " */

static inline void put_le(u8 *to, u64 value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = value >> (8 * i);
}

static inline u64 get_le(const u8 *from, unsigned bytes)
{
	u64 value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (u64)from[i] << (8 * i);
	return value;
}

/* CRC-32 as in zip and PNG; begin with 0. */
u32 record_crc(u32 crc, const u8 *bytes, size_t len);

#endif
