/* SPDX-License-Identifier: MIT */
/*
 * The four functions a freestanding compiler may call. Eight bytes at a time:
 * string instructions are slow on the emulated machine.
 */
#include <stddef.h>
#include "mmu/types.h"

typedef u64 __attribute__((may_alias, aligned(1))) mem_word_t;

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* Keeps the compiler from turning the loop into a call of the very function
 * it is in. */
#define mem_not_an_idiom() __asm__ volatile("" : : : "memory")

/* Upwards: right for overlapping areas if to is below from. */
static void mem_copy_up(unsigned char *t, const unsigned char *f, size_t n)
{
	for (; n >= 8; n -= 8, t += 8, f += 8) {
		*(mem_word_t *)t = *(const mem_word_t *)f;
		mem_not_an_idiom();
	}
	for (; n; n--) {
		*t++ = *f++;
		mem_not_an_idiom();
	}
}

void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
	mem_copy_up(to, from, n);
	return to;
}

void *memmove(void *to, const void *from, size_t n)
{
	unsigned char *t = to;
	const unsigned char *f = from;

	if (t <= f || t >= f + n) {
		mem_copy_up(t, f, n);
		return to;
	}
	while (n--) {
		t[n] = f[n];
		mem_not_an_idiom();
	}
	return to;
}

void *memset(void *to, int c, size_t n)
{
	unsigned char *t = to;
	u64 word = 0x0101010101010101ULL * (unsigned char)c;

	for (; n >= 8; n -= 8, t += 8) {
		*(mem_word_t *)t = word;
		mem_not_an_idiom();
	}
	for (; n; n--) {
		*t++ = (unsigned char)c;
		mem_not_an_idiom();
	}
	return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++) {
		if (*x != *y)
			return *x < *y ? -1 : 1;
	}
	return 0;
}
