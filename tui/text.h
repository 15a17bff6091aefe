/* SPDX-License-Identifier: MIT */
/* A string that grows. Memory that cannot be had ends the program. */
#ifndef TUI_TEXT_H
#define TUI_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/* All zero is an empty text. */
struct text {
	char *s;	/* NUL-terminated, or NULL while nothing was appended */
	size_t len, room;
};

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vadd(struct text *text, const char *format, va_list args);
void text_put(struct text *text, const char *bytes, size_t len);
void text_clear(struct text *text);	/* keeps the memory */
void text_free(struct text *text);

/* The string, "" if empty. */
const char *text_str(const struct text *text);

#endif
