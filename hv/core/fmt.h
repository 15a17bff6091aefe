/* SPDX-License-Identifier: MIT */
/*
 * A formatter for places without libc: what vsnprintf does, as far as the
 * hypervisor's own messages need it.
 *
 *   %d %u %x %c %s %p %%   with h-less lengths l, ll, z; width, '0', '-';
 *                          '#' puts 0x before %x; %.Ns limits a string
 */
#ifndef HV_CORE_FMT_H
#define HV_CORE_FMT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Formats into buf, at most size bytes with the closing NUL (none is written
 * if size is 0).
 *
 *   context   any; no locks, no allocation
 *   returns   the length the whole text would have, without the NUL
 */
size_t fmt_vsnprintf(char *buf, size_t size, const char *f, va_list ap)
	__attribute__((format(printf, 3, 0)));
size_t fmt_snprintf(char *buf, size_t size, const char *f, ...)
	__attribute__((format(printf, 3, 4)));

/* Characters before the NUL. */
static inline size_t fmt_length(const char *s)
{
	size_t n = 0;

	while (s[n]) {
		n++;
		__asm__("" : "+r"(n)); /* or it would become a call of strlen() */
	}
	return n;
}

#endif
