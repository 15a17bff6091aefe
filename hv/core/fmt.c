/* SPDX-License-Identifier: MIT */
/*
 * The formatter: one pass over the format, one directive at a time.
 */
#include "hv/core/fmt.h"

#include <stdbool.h>
#include "mmu/types.h"

struct fmt_out {
	char *buf;
	size_t size;
	size_t len; /* of the whole text, stored or not */
};

struct fmt_spec {
	bool left, zero, alt;
	unsigned width;
	size_t precision; /* of %s: SIZE_MAX = none given */
	unsigned longs;
};

static void fmt_putc(struct fmt_out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void fmt_pad(struct fmt_out *o, unsigned width, size_t used, char c)
{
	for (; used < width; used++)
		fmt_putc(o, c);
}

static void fmt_text(struct fmt_out *o, const struct fmt_spec *s, const char *t)
{
	size_t n = 0;

	while (n < s->precision && t[n])
		n++;
	if (!s->left)
		fmt_pad(o, s->width, n, ' ');
	for (size_t i = 0; i < n; i++)
		fmt_putc(o, t[i]);
	if (s->left)
		fmt_pad(o, s->width, n, ' ');
}

static void fmt_number(struct fmt_out *o, const struct fmt_spec *s, u64 v, unsigned base,
		       const char *prefix)
{
	char digits[24];
	size_t n = 0, used = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (prefix[used])
		used++;
	used += n;
	if (!s->left && !s->zero)
		fmt_pad(o, s->width, used, ' ');
	while (*prefix)
		fmt_putc(o, *prefix++);
	if (!s->left && s->zero)
		fmt_pad(o, s->width, used, '0');
	while (n)
		fmt_putc(o, digits[--n]);
	if (s->left)
		fmt_pad(o, s->width, used, ' ');
}

static const char *fmt_parse(struct fmt_spec *s, const char *f, va_list *ap)
{
	*s = (struct fmt_spec){ .precision = SIZE_MAX };
	for (;; f++) {
		if (*f == '-')
			s->left = true;
		else if (*f == '0')
			s->zero = true;
		else if (*f == '#')
			s->alt = true;
		else
			break;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		s->width = s->width * 10 + (unsigned)(*f - '0');
	if (*f == '.') {
		s->precision = 0;
		if (*++f == '*') {
			int n = va_arg(*ap, int);

			s->precision = n < 0 ? SIZE_MAX : (size_t)n;
			f++;
		}
		for (; *f >= '0' && *f <= '9'; f++)
			s->precision = s->precision * 10 + (size_t)(*f - '0');
	}
	for (; *f == 'l' || *f == 'z'; f++)
		s->longs++;
	return f;
}

static void fmt_directive(struct fmt_out *o, const struct fmt_spec *s, char c, va_list *ap)
{
	char one[2] = { 0 };
	const char *text;

	switch (c) {
	case 'd': {
		s64 v = s->longs ? va_arg(*ap, long) : va_arg(*ap, int);

		fmt_number(o, s, v < 0 ? 0 - (u64)v : (u64)v, 10, v < 0 ? "-" : "");
		break;
	}
	case 'u':
	case 'x': {
		u64 v = s->longs ? va_arg(*ap, unsigned long) : va_arg(*ap, unsigned);

		fmt_number(o, s, v, c == 'u' ? 10 : 16, c == 'x' && s->alt ? "0x" : "");
		break;
	}
	case 'p':
		fmt_number(o, s, (uintptr_t)va_arg(*ap, void *), 16, "0x");
		break;
	case 'c':
		one[0] = (char)va_arg(*ap, int);
		fmt_text(o, s, one);
		break;
	case 's':
		text = va_arg(*ap, const char *);
		fmt_text(o, s, text ? text : "(null)");
		break;
	default:
		fmt_putc(o, c);
	}
}

size_t fmt_vsnprintf(char *buf, size_t size, const char *f, va_list args)
{
	struct fmt_out o = { .buf = buf, .size = size };
	struct fmt_spec s;
	va_list ap;

	va_copy(ap, args);
	for (; *f; f++) {
		if (*f != '%') {
			fmt_putc(&o, *f);
			continue;
		}
		f = fmt_parse(&s, f + 1, &ap);
		if (!*f)
			break;
		fmt_directive(&o, &s, *f, &ap);
	}
	va_end(ap);
	if (size)
		buf[o.len < size ? o.len : size - 1] = '\0';
	return o.len;
}

size_t fmt_snprintf(char *buf, size_t size, const char *f, ...)
{
	va_list ap;
	size_t n;

	va_start(ap, f);
	n = fmt_vsnprintf(buf, size, f, ap);
	va_end(ap);
	return n;
}
