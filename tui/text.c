/* SPDX-License-Identifier: MIT */
/* A string that grows. */
#include "tui/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tui/say.h"

static void room(struct text *text, size_t more)
{
	if (text->len + more + 1 <= text->room)
		return;
	text->room = (text->len + more + 1) * 2;
	text->s = xrealloc(text->s, text->room);
}

void text_put(struct text *text, const char *bytes, size_t len)
{
	room(text, len);
	memcpy(text->s + text->len, bytes, len);
	text->len += len;
	text->s[text->len] = '\0';
}

void text_vadd(struct text *text, const char *format, va_list args)
{
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n <= 0)
		return;
	room(text, n);
	vsnprintf(text->s + text->len, (size_t)n + 1, format, args);
	text->len += n;
}

void text_add(struct text *text, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vadd(text, format, args);
	va_end(args);
}

void text_clear(struct text *text)
{
	text->len = 0;
	if (text->s)
		text->s[0] = '\0';
}

void text_free(struct text *text)
{
	free(text->s);
	*text = (struct text){ 0 };
}

const char *text_str(const struct text *text)
{
	return text->s ? text->s : "";
}
