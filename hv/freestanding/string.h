/* SPDX-License-Identifier: MIT */
/*
 * <string.h> on bare metal: the four functions which compilers call by
 * themselves, as in C17 7.24 "String handling <string.h>". hv/svm/mem.c has them.
 */
#ifndef HV_FREESTANDING_STRING_H
#define HV_FREESTANDING_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

#endif
