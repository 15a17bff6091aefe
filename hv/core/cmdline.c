/* SPDX-License-Identifier: MIT */
/*
 * Reading the command line in place: there is nothing to free.
 */
#include "hv/core/cmdline.h"

#include "hv/core/fmt.h"

#include <string.h>

/* Goes to the next word. Returns its length, 0 at the end or at "--". */
static size_t cmdline_word(const char **p)
{
	size_t n = 0;

	while (**p == ' ')
		(*p)++;
	while ((*p)[n] && (*p)[n] != ' ')
		n++;
	return n == 2 && (*p)[0] == '-' && (*p)[1] == '-' ? 0 : n;
}

/* The last value of key and its length; NULL if not given. */
static const char *cmdline_find(const struct cmdline *c, const char *key, size_t *length)
{
	const char *found = NULL, *p = c->text;
	size_t k = fmt_length(key), n;

	for (; (n = cmdline_word(&p)) != 0; p += n) {
		if (n <= k || p[k] != '=' || memcmp(p, key, k))
			continue;
		found = p + k + 1;
		*length = n - k - 1;
	}
	return found;
}

bool cmdline_value(const struct cmdline *c, const char *key, char *out, size_t size)
{
	size_t n;
	const char *v = cmdline_find(c, key, &n);

	if (!v || !size)
		return false;
	if (n > size - 1)
		n = size - 1;
	memcpy(out, v, n);
	out[n] = '\0';
	return true;
}

bool cmdline_is(const struct cmdline *c, const char *key, const char *value)
{
	size_t n;
	const char *v = cmdline_find(c, key, &n);

	return v && n == fmt_length(value) && !memcmp(v, value, n);
}

static unsigned cmdline_digit(char c)
{
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0');
	if (c >= 'a' && c <= 'f')
		return (unsigned)(c - 'a' + 10);
	return 99;
}

static unsigned cmdline_suffix_shift(char c)
{
	switch (c) {
	case 'K':
		return 10;
	case 'M':
		return 20;
	case 'G':
		return 30;
	default:
		return 0;
	}
}

/* value * base + digit; false if that is no digit or too large. */
static bool cmdline_add_digit(u64 *value, unsigned base, char c)
{
	unsigned digit = cmdline_digit(c);

	return digit < base && !__builtin_mul_overflow(*value, (u64)base, value) &&
	       !__builtin_add_overflow(*value, (u64)digit, value);
}

enum cmdline_status cmdline_number(const struct cmdline *c, const char *key, u64 *out)
{
	size_t n, i = 0;
	const char *v = cmdline_find(c, key, &n);
	unsigned base = 10, shift = 0;
	u64 value = 0;

	if (!v)
		return CMDLINE_NONE;
	if (n && (shift = cmdline_suffix_shift(v[n - 1])) != 0)
		n--;
	if (n > 2 && v[0] == '0' && v[1] == 'x') {
		base = 16;
		i = 2;
	}
	if (i == n)
		return CMDLINE_BAD;
	for (; i < n; i++) {
		if (!cmdline_add_digit(&value, base, v[i]))
			return CMDLINE_BAD;
	}
	if (value << shift >> shift != value)
		return CMDLINE_BAD;
	*out = value << shift;
	return CMDLINE_OK;
}

const char *cmdline_guest(const struct cmdline *c)
{
	const char *p = c->text;
	size_t n;

	while ((n = cmdline_word(&p)) != 0)
		p += n;
	if (!*p)
		return p;
	p += 2;
	while (*p == ' ')
		p++;
	return p;
}
