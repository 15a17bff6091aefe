/* SPDX-License-Identifier: MIT */
/* Messages, and memory that cannot be had. */
#include "tui/say.h"
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool held;
static char *kept;
static size_t kept_len;

static void put(const char *line)
{
	size_t n = strlen(line);

	if (!held) {
		fprintf(stderr, "vitrine: %s\n", line);
		return;
	}
	kept = realloc(kept, kept_len + n + 1);
	if (!kept)
		abort();
	memcpy(kept + kept_len, line, n + 1);
	kept_len += n + 1;
}

void say(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	put(line);
}

void say_hold(void)
{
	held = true;
}

void say_release(void)
{
	held = false;
	for (size_t at = 0; at < kept_len; at += strlen(kept + at) + 1)
		fprintf(stderr, "vitrine: %s\n", kept + at);
	free(kept);
	kept = NULL;
	kept_len = 0;
}

void die(const char *format, ...)
{
	char line[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	put(line);
	exit(EXIT_VITRINE);
}

void *xcalloc(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		die("out of memory");
	return p;
}

void *xrealloc(void *old, size_t size)
{
	void *p = realloc(old, size ? size : 1);

	if (!p)
		die("out of memory");
	return p;
}

char *xstrdup(const char *s)
{
	size_t n = strlen(s) + 1;

	return memcpy(xcalloc(n, 1), s, n);
}
