/* SPDX-License-Identifier: MIT */
/*
 * Aligned words go by the compiler's atomics, which sanitizers understand; the
 * rest by the instruction itself: the compiler's 16 bytes would be a call into a
 * library that bare metal does not have, and it knows no unaligned ones.
 */
#include "mmu/cmpxchg.h"
#include "mmu/internal.h"

#define CMPXCHG_WORD(type) \
	static bool cmpxchg_##type(void *memory, void *expected, const void *desired) \
	{ \
		type want, new; \
		bool done; \
\
		memcpy(&want, expected, sizeof(want)); \
		memcpy(&new, desired, sizeof(new)); \
		done = __atomic_compare_exchange_n((type *)memory, &want, new, false, \
						   __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
		memcpy(expected, &want, sizeof(want)); \
		return done; \
	}
CMPXCHG_WORD(u8)
CMPXCHG_WORD(u16)
CMPXCHG_WORD(u32)
CMPXCHG_WORD(u64)

#ifdef __x86_64__

#define CMPXCHG_SPLIT(type, suffix) \
	static bool cmpxchg_split_##type(void *memory, void *expected, const void *desired) \
	{ \
		type want, new; \
		bool done; \
\
		memcpy(&want, expected, sizeof(want)); \
		memcpy(&new, desired, sizeof(new)); \
		__asm__ volatile("lock cmpxchg" suffix " %[new], (%[memory])" \
				 : "=@ccz"(done), "+a"(want) \
				 : [new] "r"(new), [memory] "r"(memory) \
				 : "memory"); \
		memcpy(expected, &want, sizeof(want)); \
		return done; \
	}
CMPXCHG_SPLIT(u16, "w")
CMPXCHG_SPLIT(u32, "l")
CMPXCHG_SPLIT(u64, "q")

static bool cmpxchg_split(void *memory, void *expected, const void *desired, size_t size)
{
	u64 want[2], new[2];
	bool done;

	switch (size) {
	case 2:
		return cmpxchg_split_u16(memory, expected, desired);
	case 4:
		return cmpxchg_split_u32(memory, expected, desired);
	case 8:
		return cmpxchg_split_u64(memory, expected, desired);
	default:
		memcpy(want, expected, sizeof(want));
		memcpy(new, desired, sizeof(new));
		__asm__ volatile("lock cmpxchg16b (%[memory])"
				 : "=@ccz"(done), "+a"(want[0]), "+d"(want[1])
				 : "b"(new[0]), "c"(new[1]), [memory] "r"(memory)
				 : "memory");
		memcpy(expected, want, sizeof(want));
		return done;
	}
}

#else

static bool cmpxchg_split(void *memory, void *expected, const void *desired, size_t size)
{
	if (!memcmp(memory, expected, size)) {
		memcpy(memory, desired, size);
		return true;
	}
	memcpy(expected, memory, size);
	return false;
}

#endif

bool cmpxchg_memory(void *memory, void *expected, const void *desired, size_t size)
{
	if ((uintptr_t)memory & (size - 1))
		return cmpxchg_split(memory, expected, desired, size);
	switch (size) {
	case 1:
		return cmpxchg_u8(memory, expected, desired);
	case 2:
		return cmpxchg_u16(memory, expected, desired);
	case 4:
		return cmpxchg_u32(memory, expected, desired);
	case 8:
		return cmpxchg_u64(memory, expected, desired);
	default:
		return cmpxchg_split(memory, expected, desired, size);
	}
}
